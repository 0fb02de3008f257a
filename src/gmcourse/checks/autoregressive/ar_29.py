"""Exercise ar-29: Names, better than counted."""

import torch
from torch import nn

from .._exercise import Exercise

# Nats a name. The reference has a mean of 14.29 over five seeds, from 14.23 to 14.35,
# a deviation of 0.05; on the sample that ships, 7,563 names to learn from, it is 13.57
# and 13.56. Witten-Bell counts need 16.25 and 16.13.
BOUND, OF_SAMPLE, NEAR = 14.6, 14.0, 1.0


@Exercise(
    id="ar-29",
    title="Names, better than counted",
    difficulty=4,
    minutes=60,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Train a model of words to a likelihood that counting does not reach, with "
        "conditionals that are proven to be ones.",
    ),
    statement=r"""
`names(split)` below gives first names as rows of 16 tokens: the letters are 1 to 26,
and 0 is the end, which fills the rest of the row. Counting five letters (`NGram` with
$n = 5$) needs 16.25 nats for a name of the test set, letters by their frequency alone
need 20.1.

Train any model that tells each letter from those before it. The answer is the trained
`model`, an `nn.Module` with a method `log_probs(x)`: of `x`, `(b, 16)`, int64, it gives
`(b, 16)`, of which the $i$-th is $\ln p(x_i \mid x_1, \dots, x_{i-1})$, in nats. The
end belongs to the name and has its probability; for what stands behind the first end of
a row it may give anything that is not above 0, since a name is over there (0 itself is
right). In evaluation mode nothing is random, and each name is judged by itself.

The check changes letters: the $i$-th result must not move with a later one, and the
probabilities of all 27 tokens at a place must sum to one. Then it computes

$$
-\frac1n \sum_{r=1}^n \sum_{i=1}^{16} \ln p(x_i^{(r)} \mid x_1^{(r)}, \dots,
x_{i-1}^{(r)})
$$

over the names of the test set, and passes at **14.6** nats or less (at 14.0 where only
the sample of names is there, a quarter as many of another list). The reference takes
twenty seconds of one CPU core; no answer should need more than ten minutes. How the
model was made is not looked at.

When it passes: how many nats of a name are spent on its end (not checked)?
""",
    stub='''
from gmcourse import data


def names(split):
    """(n, 16) tokens."""
    items = data.load_text("names", split).items
    x = torch.zeros(len(items), 16, dtype=torch.int64)
    for row, name in zip(x, items):
        row[: len(name)] = torch.tensor([ord(c) - 96 for c in name])
    return x


class Model(nn.Module):
    def log_probs(self, x):
        """(b, 16) tokens -> (b, 16), nats."""
        return ...


model = ...  # Model(), trained
''',
    answers={"model": nn.Module},
    hints=(
        "An `nn.LSTM` of 128 units reads the row moved by one place: a token of its "
        "own, 27, then all letters but the last. Its states go through one linear "
        "layer to 27 logits.",
        "The loss is minus the sum of a name's log-probabilities, averaged over the "
        "batch. Count steps, about 1,000 of 128 names with a rate that falls to zero; "
        "`AdamW` with a weight decay, or dropout, once the nats of the training names "
        "fall and those of others do not.",
        "Far below 13 at once? Then a letter sees itself. Near 16: that is what a "
        "few letters of memory reach.",
    ),
    misconceptions={
        "a letter sees later ones": "The i-th result changes with a later letter: the "
        "product of these numbers is no probability.",
        "a letter sees itself": "The probabilities of the 27 tokens sum to more than "
        "one: what is told was known before.",
        "the end is free": "The end has a probability like the letters: without it the "
        "lengths cost nothing, and the letters sum to one alone.",
        "logits in place of log-probabilities": "Some are above 0: no probability is "
        "above one.",
        "probabilities in place of their logarithms": "The logarithms are due.",
        "mean over the letters": "The logarithm of each letter's own probability is "
        "due; they are added up, for a name, later.",
        "summed over the letters": "A number for each letter is due.",
        "letter itself left out": "The result does not change with the letter that it "
        "is the probability of.",
        "all tokens alike": "All 27 tokens are given the same probability.",
        "letters before left out": "The result does not change with the letters "
        "before.",
        "a few letters of memory": "Nothing before the last five letters changes "
        "anything.",
        "random in evaluation mode": "The same names give other results at the next "
        "call: dropout that is always on.",
    },
)
def ar_29(t, model):
    from gmcourse.data import load_text

    test = load_text("names", "test")
    bound = OF_SAMPLE if test.info.is_sample else BOUND
    x = torch.zeros(len(test.items), 16, dtype=torch.int64)
    for i, name in enumerate(test.items):
        x[i, : len(name)] = torch.tensor([*name.encode()]) - 96
    t.trained(model)

    def logs(x):
        out = t.call(model.log_probs, x)
        ideas = {"summed over the letters": [(len(x),), (len(x), 1)]}
        t.shape(out, tuple(x.shape), "one for each token.", ideas=ideas)
        return t.tensor(out).detach().double()

    t.property("a number for each letter")
    few = x[torch.randperm(len(x), generator=t.rng)[:32]]
    open_ = (few > 0).long().cumprod(1).roll(1, 1)  # up to the first end
    open_[:, 0] = 1
    out = logs(few)
    t.finite(out, "Logarithms of the test names are real.", "training diverged")
    t.property("the same names, the same results")
    told = "The same at each call.", "random in evaluation mode"
    t.close(logs(few), out, *told, tol=1e-3)
    turned = logs(few.flip(0)).flip(0)
    told = "The same in another order.", "depends on its place in the batch"
    t.close(turned, out, *told, tol=1e-3)
    told = "The same with fewer names.", "statistics of the batch"
    t.close(logs(few[:5]), out[:5], *told, tol=1e-3)
    t.close(logs(few[5:6]), out[5:6], *told, tol=1e-3)

    t.property("no letter depends on later ones")
    place = torch.arange(16)
    for other in (few.roll(1, 0), t.integers(32, 16, low=1, high=26), 0 * few):
        for i in range(15):
            new = logs(torch.where(place <= i, few, other))[:, : i + 1]
            off = (new - out[:, : i + 1]).abs() > 1e-3 * (1 + new.abs())
            why, got = "The i-th is given those before it.", f"Letter {i} alone is kept"
            t.true(not (off & open_[:, : i + 1].bool()).any(), why, got, LATER)

    t.property("the 27 probabilities at a place sum to one")
    every = few[:5, None, None].repeat(1, 16, 27, 1)
    every[:, place, :, place] = torch.arange(27).expand(5, 27)
    values = logs(every.view(-1, 16)).view(5, 16, 27, 16)[:, place, :, place]
    values = values.transpose(0, 1)[open_[:5].bool()]  # (places, 27)

    def one(v):
        return bool(((v.sum(-1) - 1).abs() < 1e-3).all())

    sums, ends = values.exp().sum(-1), values[:, 0]
    spread = (values.max(-1)[0] - values.min(-1)[0]).max()
    traps = {
        "negative log-likelihood returned": one((-values).exp()),
        "probabilities in place of their logarithms": one(values),
        "bits in place of nats": one(2**values),
        "the end is free": one(values[:, 1:].exp()) and bool(ends.abs().max() < 1e-3),
        "mean over the letters": one((16 * values).exp()),
        "logits in place of log-probabilities": bool((values > 1e-3).any()),
        "letter itself left out": bool(spread < 1e-6),
        "a letter sees itself": bool(sums.min() > 0.9),
    }
    told = next((name for name, holds in traps.items() if holds), None)
    worst = sums[(sums - 1).abs().argmax()]
    why, got = "One of the 27 tokens stands there.", f"a sum of {worst:.4g}"
    t.true(one(values.exp()), why, got, told)
    t.true(bool((out < 1e-3).all()), "No probability is above one.", f"{out.max():.4g}")

    def unmoved(keep):
        """Whether nothing depends on the letters more than ``keep`` before."""
        at = torch.arange(16)[:, None, None]
        base = few[:16].repeat(16, 1, 1)
        other = t.integers(16, 16, 16, low=1, high=26)
        far = (place < at - keep) & (base > 0)
        changed = logs(torch.where(far, other, base).view(-1, 16)).view(16, 16, 16)
        gap = (changed[place, :, place].T - out[:16]).abs() * open_[:16]
        return bool(gap.max() < 1e-3)

    value = -torch.cat([logs(v) for v in x.split(1000)]).sum(1).mean()
    name, why = f"at most {bound} nats a name", "The mean over the test set."
    traps = {
        "all tokens alike": bool(spread < 1e-3),
        "letters before left out": lambda: unmoved(0),
        "a few letters of memory": lambda: unmoved(5),
    }
    chance = 45.0  # of 52.7, all tokens alike at all places
    t.reached(name, value, bound, why, traps, near=bound + NEAR, chance=chance)


LATER = "a letter sees later ones"
