"""Exercise gm-05: A classifier that draws."""

import math
from itertools import chain

import torch

from .._comparisons import first
from .._exercise import Exercise
from .._parts import mistakes
from ._shared import all_images


@Exercise(
    id="gm-05",
    title="A classifier that draws",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Build naive Bayes as a generative model, with rare pixels smoothed toward "
        "what all classes have in common.",
    ),
    statement=r"""
Write a class `NaiveBayes` for binary vectors whose pixels are independent given the
class.

- `NaiveBayes(x, c, classes, smoothing)` fits it: `x` of shape `(n, d)` holds zeros and
  ones (float), `c` of shape `(n,)` int64 labels, all of which occur. $p(y)$ is the
  share of the class among the `n` examples. The classes are smoothed **toward each
  other**: each counts as having `smoothing` more examples (a positive float), in which
  pixel $i$ is lit with the share $(m_i + 1) / (n + 2)$, where $m_i$ of all `n` examples
  light it.
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
        "A pixel that is dark is evidence too: each of the $d$ factors is one of two "
        "numbers. With logarithms of both, a matrix product does all at once.",
        "The pseudo-examples stand in numerator and denominator: with none of the "
        "class's examples lit, what is left above, and what below?",
    ),
    misconceptions={
        "dark pixels left out": "A pixel that is dark has a probability too.",
        "prior left out": "log p(x, y) contains log p(y).",
        "prior uniform": "p(y) is the share of the class among the examples.",
        "prior smoothed": "Only the pixels get pseudo-counts.",
        "not smoothed": "A pixel never seen lit must not have probability zero.",
        "pseudo-count in the numerator alone": "The class has smoothing more "
        "examples: they count below, too.",
        "pseudo-count of one outcome alone": "Of the pseudo-examples a share is lit, "
        "not all of them.",
        "smoothed toward one half": "That is the chapter's smoothing. Here the "
        "pseudo-examples look like the examples of all classes together.",
        "common share not smoothed": "The share of all examples is (m + 1) / (n + 2): "
        "a pixel that none of them lights must stay possible.",
        "smoothing fixed at one": "The argument says how many pseudo-examples.",
        "another number of pseudo-examples": "Each class has `smoothing` more "
        "examples, whatever its size, and however many classes there are.",
        "another common share": "It is (m + 1) / (n + 2) for each pixel by itself, "
        "over all n examples.",
        "another denominator": "What is divided by is the number of the class's "
        "examples, with `smoothing` more.",
        "dark pseudo-examples left out": "Those of the class's `smoothing` more "
        "examples that are not lit count among the dark ones.",
        "pseudo-count in the denominator alone": "Of the class's `smoothing` more "
        "examples a share is lit: they count above, too.",
        "dark pixels with the wrong sign": "Each dark pixel multiplies the probability "
        "by 1 - p: its logarithm is added.",
        "lit and dark exchanged": "A pixel is lit with p and dark with 1 - p: this is "
        "the other way around.",
        "probabilities of the pixels added up": "Independent pixels: probabilities "
        "multiply, logarithms add up.",
        "prior not divided by the number of examples": "A share is due, not a count.",
        "prior counted more than once": "The class is drawn once, however many pixels "
        "follow.",
        "prior in the draws": "Given the label its share plays no role.",
        "another rule of smoothing": "Count by hand: three examples of a class, one "
        "of them lit, and the pseudo-counts.",
        "probabilities clamped": "In a class of a thousand examples a pixel may be "
        "far rarer than one in a hundred.",
        "posterior in place of the joint": "log p(y | x) sums to one over classes "
        "alone: p(x) has been divided away.",
        "probabilities in place of draws": "A draw is zeros and ones.",
        "most likely image in place of a draw": "Rounding the probabilities gives the "
        "same image each time.",
        "training examples in place of draws": "A draw need not be one of the "
        "examples: given the class each pixel is lit or dark by itself.",
        "label ignored": "A draw comes from the class that was asked for.",
    },
)
def gm_05(t, NaiveBayes):
    tilt = [[0.8, 0.3, 0.5, 0.4], [0.2, 0.7, 0.6, 0.5], [0.5, 0.2, 0.3, 0.8]]
    sizes, tilt = torch.tensor([20, 12, 8, 15]), torch.tensor(tilt)

    def data(tilt, smoothing):
        c = torch.arange(len(tilt)).repeat_interleave(sizes[: len(tilt)])
        x = (torch.rand(len(c), tilt.shape[1], generator=t.rng) < tilt[c]).float()
        x[c == 1, 2] = 0.0  # never lit in class 1, and always lit in none
        x[c != c.roll(1)] = 0.0
        order = torch.randperm(len(c), generator=t.rng)
        return x[order], c[order], len(tilt), smoothing

    few = data(tilt, 2.5 + t.integer(0, 4) / 10)
    more = data(tilt.T, 1.5 + t.integer(0, 9) / 10)
    model, other = t.call(NaiveBayes, *few), t.call(NaiveBayes, *more)
    probs, out = scores(t, model, *few), t.call(model.log_joint, few[0][:5])
    scores(t, other, *more)

    t.property("4,000 pixels, each of four a thousand times")
    x, c, k, a = few
    wide = t.call(NaiveBayes, x.repeat(1, 1000), c, k, a)
    log_prior = (sizes[:3] / 40).log()
    due = 1000 * (t.tensor(out) - log_prior) + log_prior
    out, low = t.call(wide.log_joint, x[:5].repeat(1, 1000)), "underflow to zero"
    t.finite(out, "Far below the smallest float lie only probabilities.", low)
    t.close(out, due, "Each pixel counts a thousand times.", low, tol=1e-4)

    t.property("two thousand examples, and a smoothing of 0.02")
    many = data(tilt, 0.02)[:3]
    rare = t.call(NaiveBayes, many[0].repeat(40, 1), many[1].repeat(40), k, 0.02)
    scores(t, rare, many[0].repeat(40, 1), many[1].repeat(40), k, 0.02)

    t.property("draws are zeros and ones, fresh for each label")
    labels = torch.arange(15_000) % k
    one, lost = t.call(model.sample, labels[:1]), {"batch axis lost": (4,)}
    t.shape(one, (1, 4), "one draw.", ideas=lost)
    drawn = t.call(model.sample, labels)
    t.shape(drawn, (len(labels), 4), "one draw for each label.")
    drawn = t.tensor(drawn).float()
    name = "probabilities in place of draws" if drawn.min() >= 0 else None
    t.true(((drawn == 0) | (drawn == 1)).all(), "0 and 1 alone.", "other values", name)
    again, name = t.tensor(t.call(model.sample, labels)), "noise fixed across calls"
    if (drawn - probs[labels]).abs().max() < 0.501:
        name = "most likely image in place of a draw"
    t.true((drawn != again).any(), "A second call differs.", "the same draws", name)
    first, name = drawn[labels == 0], "one noise for all examples"
    t.true((first != first[:1]).any(), "Draws differ.", "all equal", name)

    t.property("draws follow p(x | y)")
    images, place = all_images(4), 2.0 ** torch.arange(3, -1, -1)
    each, share = chances(probs, images), log_prior.exp().double()
    blend = torch.stack([probs.mean(0), share @ probs])
    for y in range(k):
        here, own, p = drawn[labels == y], x[c == y], probs[y]
        upper = torch.where(images == 1, p, 1.0).amin(1)  # one threshold for all
        lower = torch.where(images == 0, p, 0.0).amax(1)
        copies = torch.bincount((own @ place).long(), minlength=16) / len(own)
        ideas = {
            "one noise for all dimensions": (upper - lower).clamp(min=0),
            "label ignored": [
                *each.T,
                each.mean(1),
                each @ share,
                *chances(blend, images).T,
            ],
            "not smoothed": chances(own.mean(0)[None], images)[:, 0],
            "lit and dark exchanged": chances(1 - p[None], images)[:, 0],
            "prior in the draws": chances(share[y] * p[None], images)[:, 0],
            "training examples in place of draws": copies,
        }
        counts = torch.bincount((here @ place).long(), minlength=16)
        t.frequencies(counts, each[:, y], f"Draws of class {y}.", ideas=ideas)

    t.property("each draw is made anew, within one call and across two")
    labels = torch.zeros(20).long()
    rows = [t.tensor(t.call(wide.sample, labels)).float() for _ in range(2)]
    rows, pairs = torch.cat(rows), torch.combinations(torch.arange(40))
    same = (rows[pairs[:, 0]] == rows[pairs[:, 1]]).view(-1, 1000, 4).double().mean(2)
    alike = probs[0] ** 2 + (1 - probs[0]) ** 2  # of one pixel
    mean, std = alike.mean(), (alike * (1 - alike)).sum().sqrt() / 4
    why = "How many pixels two draws have in common, for all pairs of 40."
    t.mean(same.T, mean, std, why, "noise used more than once")


def chances(probs, images):
    """p(x | y) of all images, (images, classes), if pixels are lit with ``probs``."""
    return torch.where(images[:, None] == 1, probs, 1 - probs).double().prod(2)


def scores(t, model, x, c, k, a):
    """Test log_joint; gives the probabilities of the pixels, (classes, d)."""
    images, d = all_images(x.shape[1]), x.shape[1]
    t.property(f"log p(x, y) of {k} classes and {d} pixels")
    out = t.call(model.log_joint, images)
    t.shape(out, (2**d, k), "one number for each image and class.")
    one, lost = t.call(model.log_joint, images[:1]), {"batch axis lost": (k,)}
    t.shape(one, (1, k), "one image is a batch too.", ideas=lost)

    n = c.bincount()[:, None]
    lit = torch.stack([x[c == y].double().sum(0) for y in range(k)])
    common = (lit.sum(0) + 1) / (len(x) + 2)
    share, probs, raw = n[:, 0] / len(x), (lit + a * common) / (n + a), lit / n

    def joint(p, prior=share):
        return (chances(p, images) * prior).log()

    due = joint(probs)
    low = (0.1, 0.05, 0.02, 0.01, 1e-3, 1e-4)
    whole = {
        "probabilities clamped": [joint(probs.clamp(e, 1 - e)) for e in low],
        "posterior in place of the joint": [due.log_softmax(1), due.softmax(1)],
        "density in place of its logarithm": [due.exp()],
        "negative log-likelihood returned": [-due],
        "mean over the dimensions": [due / d, joint(probs, 1) / d + share.log()],
        "bits in place of nats": [due / math.log(2)],
    }
    ideas = chain(rivals(images, lit, n, a, common), whole.items())
    seen, name = t.tensor(out).detach().double(), None
    some, lost = seen.isfinite(), "not finite"
    if not some.all():  # then an idea is infinite where this is
        lost = first(ideas, lambda v: alike(seen, v)) or lost
    t.finite(out, "With pseudo-counts nothing is impossible.", lost)
    if near(seen.exp().sum(0), share):  # a distribution, by other rates of its pixels
        rates = seen.exp().T @ images.double() / share[:, None]
        both = (raw > 0) & (raw < 1)
        counted = near(rates[both], raw[both])
        own = near(rates, probs, 0.25) and not near(rates, rates[0])  # not pooled
        other = "another rule of smoothing" if own else None
        name = "not smoothed" if counted else other
    t.close(out, due, "By counting, pseudo-counts included.", name, ideas)
    return probs


def rivals(images, lit, n, a, common):
    """The results of wrong formulas, by what is wrong in them."""
    (k, d), total, m = lit.shape, n.sum(), lit.sum(0)
    share = n[:, 0] / total
    log_prior = share.log()
    priors = {
        "": log_prior,
        "prior left out": 0 * share,
        "prior uniform": 0 * share - math.log(k),
        "prior smoothed": [((n + s) / (n + s).sum())[:, 0].log() for s in (a, 1)],
        "prior not divided by the number of examples": n[:, 0].log(),
        "weights added, not their logarithms": share,
        "prior counted more than once": [d * log_prior, 2 * log_prior],
    }
    commons = {
        "": common,
        "common share not smoothed": m / total,
        "smoothed toward one half": 0.5,
        "pseudo-count of one outcome alone": 1.0,
        "another common share": [
            *((lit / n).mean(0), ((lit + 1) / (n + 2)).mean(0)),
            *(common.mean(), m.sum() / total / d),
            *((m + a) / (total + 2 * a), (m + 1) / (total + 1)),
            (m - lit + 1) / (total - n + 2),  # of the other classes
        ],
    }
    strengths = {
        "": a,
        "smoothing fixed at one": 1.0,
        "not smoothed": 0.0,
        "another number of pseudo-examples": [2 * a, a / k, a * k, a * n, a / n],
    }
    wholes = {
        "": lambda s: n + s,
        "pseudo-count in the numerator alone": lambda _: n,
        "another denominator": [
            *(lambda _: total, lambda s: total + s),
            *(lambda s: n + 2 * s, lambda s: n + k * s),
        ],
    }
    darks = {
        "": [lambda p, _: (1 - p).log(), lambda _, q: q.log()],
        "dark pixels left out": lambda p, _: 0 * p,
        "dark pixels with the wrong sign": lambda p, _: -(1 - p).log(),
    }
    above = {"": 1, "pseudo-count in the denominator alone": 0}
    below = {"": 1, "dark pseudo-examples left out": 0}
    x = images.double()

    def value(prior, q, s, whole, dark, up, down):
        rest = whole(s)
        p = (lit + up * s * q) / rest
        other = dark(p, (n - lit + down * up * s * (1 - q)) / rest)
        return x @ p.log().T + (1 - x) @ other.T + prior

    probs = (lit + a * common) / (n + a)
    mean = x @ probs.T + (1 - x) @ (1 - probs).T

    def by(p):
        return x @ p.log().T + (1 - x) @ (1 - p).log().T + log_prior

    yield "smoothed toward one half", by((lit + a) / (n + 2 * a))
    yield from mistakes(value, priors, commons, strengths, wholes, darks, above, below)
    yield from {
        "probabilities of the pixels added up": [
            v + log_prior for v in (mean, mean.log(), (mean / d).log())
        ],
        "lit and dark exchanged": by(1 - probs),
    }.items()


def alike(a, b):
    """Whether two are finite in the same places, many, and equal there."""
    some = a.isfinite()
    same = bool((some == b.isfinite()).all()) and bool(some.double().mean() > 0.3)
    return same and near(a[some], b[some])


def near(a, b, tol=1e-3):
    return bool(((a - b).abs() < tol).all())
