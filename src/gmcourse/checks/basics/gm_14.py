"""Exercise gm-14: What would you believe?"""

from .._exercise import Exercise

gm_14 = Exercise(
    id="gm-14",
    title="What would you believe?",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=("Choose a measure by the use, and know how it can be fooled.",),
    statement=r"""
Take data from a field that you know: sensor readings, sentences, X-rays, songs,
orders in a shop. Somebody offers you a generative model of them.

1. Name one use in which you would *draw* from it, one in which you would *score*, and
   one in which you would *condition*.
2. For one of the three, say which single number you would ask for, on which data, and
   what its floor is.
3. Construct a model that has an excellent value of your number and is useless for your
   purpose. (The chapter's one-percent model and memorizer are two recipes; find one
   that fits your number.)
4. Add the cheapest second measurement that would have exposed it.

Half a page. You are done when you can tick all of these:

- The number of 2 is written as a formula or a procedure that somebody else could run,
  and its floor is a number, or how to measure it.
- For the model of 3 you have the value of the number: computed, or bounded as in
  [(1.17)](#eq-noise). It is as good as the floor, or within a tenth of it.
- One sentence says what the model of 3 does wrong in your use.
- The measurement of 4 has a different value for the model of 3 and for real data, and
  you know both values, or why they must differ.

Then exchange it with somebody, and try to fool each other's pair of numbers.
""",
    stub="",
    hints=(
        "For 3, start from what your number does not look at: coverage, copies, the "
        "tails, dependence between parts, the units.",
        "For 4, a picture of samples, distances to the nearest training example, and a "
        "test on a group that the average hides are all cheap.",
        "A model to try for 3: a real one in one of a hundred draws; the training set; "
        "one good example again and again; each column drawn by itself.",
    ),
)
