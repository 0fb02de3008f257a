"""Exercise ar-15: Does the order matter?"""

from .._exercise import Exercise

Exercise(
    id="ar-15",
    title="Does the order matter?",
    difficulty=4,
    minutes=60,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Separate what the chain rule promises, for any order, from what a model of "
        "limited conditionals can reach in each.",
    ),
    statement=r"""
The chain rule holds in every order, so the *data* have one likelihood. A model whose
conditionals cannot be any function may be exact in one order and never in another.

**First, a toy with numbers to reach.** Let $a$ and $b$ be fair coins,
$c = a \wedge b$, and $e$ the exclusive or of $a$ and $b$: four values, four equally
likely examples, an entropy of $2 \log 2 = 1.386$ nats. Fit the fully visible network (a
logistic regression for each value on those before it) in all 24 orders, to convergence.
In one group of orders it reaches 1.386 nats, as near as you like; in the other it stays
at 2.079. Say which orders are in which group, and prove it: give the weights that make
the last conditional exact, and a reason why nothing can be done in the others. What
does one hidden layer change?

**Then digits.** Take the images of 16 × 16 pixels of the exercise before this one
("Below thirty nats"), and five orders of their pixels:

1. by rows; 2. by columns; 3. by rows from the end; 4. at random, another order for each
seed; 5. far pixels first: those with both coordinates divisible by 8, then by 4, then
by 2, then the rest, by rows each time.

Train in each order, with three seeds or more and the same steps in all of them, the
fully visible network and a MADE with one hidden layer of 64 units, whose degrees go
evenly from the first place to the last. Report on one page:

1. a table of nats on the test set, mean and range over the seeds;
2. for each of the two models, whether the differences between orders are larger than
   those between seeds, and whether the ranking is the same in both models;
3. for the largest difference, two hypotheses on its cause, and for each a run that
   changes this one thing (more units, other degrees, a path beside the hidden layer,
   more steps) and could prove it wrong;
4. a sentence on what may be said of *orders*, and what only of these models.

A report is right if each claim names the numbers that support it, and if it does not
call one order better where its control says that the model was at fault.
""",
    stub="",
    hints=(
        "The masks stay as they are; permute the pixels, `x[:, order]`, and train as "
        "ever.",
        "In the toy: the exclusive or of two values is no monotone function of a "
        "weighted sum of them. What changes once $c$ is known? $e = a + b - 2c$.",
        "Item 3: a unit of degree $m$ sees the first $m$ values in the order, and only "
        "later logits see the unit. In which orders are the first $m$ values, for a "
        "small $m$, worth a unit?",
    ),
)
