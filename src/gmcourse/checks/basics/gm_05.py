"""Exercise gm-05: A classifier that draws."""

import math

import torch

from .._exercise import Exercise
from ._shared import all_images


@Exercise(
    id="gm-05",
    title="A classifier that draws",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Build naive Bayes as a generative model: fit, score, draw.",
        "Smooth counts, so that nothing is impossible for want of data.",
    ),
    statement=r"""
Write a class `NaiveBayes` for binary vectors whose pixels are independent given the
class.

- `NaiveBayes(x, c, classes, smoothing)` fits it: `x` of shape `(n, d)` holds zeros and
  ones (float), `c` of shape `(n,)` int64 labels, all of which occur. $p(y)$ is the
  share of the class among the `n` examples. Pixel probabilities get `smoothing`
  pseudo-counts of *each* outcome: the class's examples count as `smoothing` more with
  the pixel lit, and `smoothing` more with it dark. `smoothing` is a positive float.
- `log_joint(x)`: shape `(b, d)` to `(b, classes)`, $\log p(x, y)$ in nats, for all
  classes.
- `sample(c)`: for labels of shape `(m,)`, one fresh draw each, `(m, d)`, zeros and
  ones.
""",
    stub='''
class NaiveBayes:
    def __init__(self, x, c, classes, smoothing):
        """(n, d) of zeros and ones, (n,) labels, int, float."""
        ...

    def log_joint(self, x):
        """(b, d) -> (b, classes): log p(x, y) in nats."""
        return ...

    def sample(self, c):
        """(m,) -> (m, d): a fresh draw for each label."""
        return ...
''',
    answers={"NaiveBayes": callable},
    hints=(
        "Two things have to be stored: a probability for each class, and one for each "
        "class and pixel.",
        "A pixel that is dark is evidence too: each of the d factors is one of two "
        "numbers. With logarithms of both, a matrix product does all at once.",
        "The pseudo-counts stand in numerator and denominator: with none of the "
        "class's examples lit, what is left above, and what below?",
    ),
    misconceptions={
        "dark pixels left out": "A pixel that is dark has a probability too.",
        "not the logarithm of a probability": "The logarithm of a probability is at "
        "most 0: no minus sign, no exponential.",
        "prior left out": "log p(x, y) contains log p(y).",
        "prior uniform": "p(y) is the share of the class among the examples.",
        "prior smoothed": "Only the pixels get pseudo-counts.",
        "prior without a logarithm": "Logarithms are added to logarithms.",
        "not smoothed": "A pixel never seen lit must not have probability zero.",
        "pseudo-count in the numerator alone": "Counted once lit and once dark, the "
        "class has 2 · smoothing more examples.",
        "pseudo-count of one outcome alone": "smoothing more with the pixel lit and "
        "none more with it dark: both outcomes are due.",
        "pseudo-counts that add up to smoothing": "Each of the two outcomes gets "
        "smoothing pseudo-counts.",
        "smoothing fixed at one": "The argument says how many pseudo-counts.",
        "another rule of smoothing": "Count by hand: three examples of a class, one "
        "of them lit, and the pseudo-counts.",
        "pixels pooled over the classes": "Each class has pixel probabilities of its "
        "own.",
        "posterior in place of the joint": "log p(y | x) sums to one over classes "
        "alone: p(x) has been divided away.",
        "mean over the pixels": "Independent pixels: logarithms add up.",
        "probabilities in place of draws": "A draw is zeros and ones.",
        "most likely image in place of a draw": "Rounding the probabilities gives the "
        "same image each time.",
        "one draw for all of a class": "Each label gets a draw of its own.",
        "one draw for several labels": "Each label gets a draw of its own.",
        "training examples in place of draws": "A draw need not be one of the "
        "examples: given the class each pixel is lit or dark by itself.",
        "drawn with other probabilities": "log_joint and sample have to speak of the "
        "same distribution.",
        "one noise for all pixels": "Given the class, each pixel is drawn on its own.",
        "label ignored": "A draw comes from the class that was asked for.",
    },
)
def gm_05(t, NaiveBayes):
    n, d, k, a = 40, 4, 3, 0.5 + t.integer(0, 4) / 10
    c = torch.cat([torch.zeros(20), torch.ones(12), torch.full((8,), 2.0)]).long()
    tilt = torch.tensor(
        [[0.8, 0.3, 0.5, 0.4], [0.2, 0.7, 0.6, 0.5], [0.5, 0.2, 0.3, 0.8]]
    )
    x = (torch.rand(n, d, generator=t.rng) < tilt[c]).float()
    x[c == 1, 2] = 0.0  # never lit in class 1, and always lit in none
    x[[0, 20, 32]] = 0.0
    order = torch.randperm(n, generator=t.rng)
    x, c = x[order], c[order]
    model = t.call(NaiveBayes, x, c, k, a)
    images = all_images(d)

    t.property("log p(x, y) for each class")
    out = t.call(model.log_joint, images)
    t.shape(out, (2**d, k), "one number for each image and class.")
    name = "not smoothed"
    t.finite(out, "With pseudo-counts nothing is impossible.", name)
    t.at_most(out, 0.0, "Pixels are discrete.", "not the logarithm of a probability")

    t.property("it depends on p(x): the classes do not sum to one for each image")
    mass = t.tensor(out).detach().double().exp()
    share = mass.sum(1)
    why, got = "p(x, y), not p(y | x).", "the classes sum to one"
    name = "posterior in place of the joint"
    t.true(((share - 1).abs() > 0.01).any(), why, got, name)

    t.property("odds of a lit pixel: lit against dark, each with its pseudo-count")
    lit = torch.stack([x[c == y].sum(0) for y in range(k)])
    dark = torch.stack([(1 - x[c == y]).sum(0) for y in range(k)])
    zero, odds = torch.zeros(1, d), []
    for i in range(d):
        up = zero.clone()
        up[0, i] = 1.0
        gap = t.call(model.log_joint, up) - t.call(model.log_joint, zero)
        odds.append(t.tensor(gap)[0].detach())
    odds = torch.stack(odds, 1).exp()
    base = lit + dark
    ideas = {
        "not smoothed": lit / dark,
        "pseudo-count in the numerator alone": (lit + a) / (dark - a),
        "pseudo-count of one outcome alone": (lit + a) / dark,
        "pseudo-counts that add up to smoothing": (lit + a / 2) / (dark + a / 2),
        "smoothing fixed at one": (lit + 1) / (dark + 1),
        "pixels pooled over the classes": [
            ((lit.sum(0) + s) / (dark.sum(0) + s)).expand(k, d) for s in (a, k * a, 0)
        ],
        "dark pixels left out": [lit / base, (lit + a) / (base + 2 * a)],
    }
    due = (lit + a) / (dark + a)
    ideas["mean over the pixels"] = due ** (1 / d)
    ideas["bits in place of nats"] = due ** (1 / math.log(2))
    # Smoothed where a count is zero alone, or clipped: all others are as counted.
    raw = ((odds - lit / dark).abs() < 1e-3)[(lit > 0) & (dark > 0)]
    other = "not smoothed" if raw.all() else "another rule of smoothing"
    t.close(odds, due, "Lit against dark, both raised.", other, ideas, 1e-3)

    t.property("p(x, y) sums to one over all images and classes")
    share = torch.tensor([20, 12, 8]) / n
    ideas = {
        "prior left out": float(k),
        "prior without a logarithm": share.double().exp().sum(),
    }
    why = "It is a distribution over pairs."
    t.close(mass.sum(), 1.0, why, "dark pixels left out", ideas, tol=1e-3)

    t.property("summed over the images, it is the share of the class")
    smooth = (share * n + a) / (n + k * a)
    ideas = {"prior uniform": 1 / k, "prior smoothed": [smooth, (share * n + 1) / 43]}
    t.close(mass.sum(0), share, "p(y).", ideas=ideas, tol=1e-3)

    t.property("draws are zeros and ones, fresh for each label")
    m = 6000
    labels = torch.arange(3 * m) % k
    drawn = t.call(model.sample, labels)
    t.shape(drawn, (3 * m, d), "one draw for each label.")
    drawn = t.tensor(drawn).float()
    name = "probabilities in place of draws"
    t.true(((drawn == 0) | (drawn == 1)).all(), "0 and 1 alone.", "other values", name)
    again = t.tensor(t.call(model.sample, labels)).float()
    fixed = "most likely image in place of a draw"
    t.true((drawn != again).any(), "A second call differs.", "the same draws", fixed)
    first = drawn[labels == 0]
    name = "one draw for all of a class"
    t.true((first != first[:1]).any(), "Draws differ.", "all equal", name)

    t.property("draws follow the model's own p(x | y)")
    place = 2.0 ** torch.arange(d - 1, -1, -1)
    number = (drawn @ place).long()
    every = mass / mass.sum(0)
    plain = torch.where(images[:, None] == 1, lit / base, dark / base).prod(2).double()
    for y in range(k):
        counts = torch.bincount(number[labels == y], minlength=2**d)
        probs = every[:, y]
        copies = torch.bincount((x[c == y] @ place).long(), minlength=2**d)
        lit = probs @ images.double()  # of each pixel; with one threshold for all:
        upper = torch.where(images == 1, lit, 1.0).amin(1)
        lower = torch.where(images == 0, lit, 0.0).amax(1)
        ideas = {
            "one noise for all pixels": (upper - lower).clamp(min=0),
            "label ignored": [mass.sum(1), every.mean(1)],
            "not smoothed": plain[:, y],
            "training examples in place of draws": copies.double() / copies.sum(),
        }
        why, other = f"Draws of class {y}.", "drawn with other probabilities"
        t.frequencies(counts, probs, why, other, ideas)

    t.property("each draw is made anew, also within one call")
    drawn = t.tensor(t.call(model.sample, torch.zeros(4000).long())).float()
    alike = every[:, 0].square().sum()
    for first, second in (drawn.view(2, 2000, d), (drawn[::2], drawn[1::2])):
        same = (first == second).all(1).double().mean()
        counts = 2000 * torch.stack([same, 1 - same])
        why = "How often two draws are the same image."
        chance = torch.stack([alike, 1 - alike])
        t.frequencies(counts, chance, why, "one draw for several labels")
