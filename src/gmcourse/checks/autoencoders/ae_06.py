"""Exercise ae-06: Pixels that go missing."""

import math

import torch
from torch import nn

from .._exercise import Exercise
from .._parts import wrong_part
from ._shared import Spy, held


def mistake(out, x, seen, fit, mean, gone, share):
    """The part of the loss that is wrong: error, values that count, or quotient."""
    x, seen, fit, mean = (v.detach().double() for v in (x, seen, fit, mean))
    hidden, every = gone.double(), torch.ones_like(x)
    shown, base, n, count = 1 - hidden, (x - mean) ** 2, len(x), hidden.sum()
    errors = {
        "": [(x - fit) ** 2],
        "absolute error": [(x - fit).abs()],
        "signs cancel": [x - fit, fit - x],
        "compared with the damaged example": [(seen - fit) ** 2],
        "reconstruction clamped": [(x - fit.clamp(*v)) ** 2 for v in ((0, 1), (-1, 1))],
    }
    kinds = {
        "": [(hidden, hidden)],
        "all values compared": [(every, hidden), (every, every)],
        "only the surviving values compared": [(shown, shown), (shown, hidden),
                                               (shown, every)],
        "baseline over other values": [(hidden, every), (hidden, shown)],
    }  # fmt: skip
    bases = {
        "": [base],
        "not divided by the baseline": [
            v * every for v in (1, x.shape[1], n / count, 1 / count)],
        "another baseline": [
            v.expand_as(x) for v in (
                x**2, mean**2, (x - x.mean(0)) ** 2, (x - x.mean()) ** 2,
                (x - x.mean(1, True)) ** 2, (x - mean.mean()) ** 2, fit**2, x.abs(),
                (fit - mean) ** 2, (x - mean).abs(), x - mean, x.var(0), x.var(),
                x.var(0, correction=0), base.mean(), base.sum(0), base.sum())],
    }  # fmt: skip

    def by(axis, f):
        return lambda e, b, v, w: f((e * v).sum(axis), (b * w).sum(axis))

    quotients = {
        "": [by((0, 1), lambda e, b: e / b)],
        "mean of quotients": [
            *[by(axis, lambda e, b, f=f: f(e / b))
              for axis in (0, 1) for f in (torch.mean, torch.sum)],
            lambda e, b, v, w: (e / b * v).sum() / w.sum(),
            lambda e, b, v, w: (e / b * v).mean(),
            lambda e, b, v, w: (e / b * v).sum(1).mean()],
        "means over other numbers": [
            by((0, 1), lambda e, b, k=k: e / b * k) for c in (
                n, x.numel(), x.shape[1], count, count / n, count / x.numel(), share)
            for k in (c, 1 / c)],
        "inverse of what is due": [by((0, 1), lambda e, b: b / e)],
        "no quotient of the two sums": [
            by((0, 1), lambda e, b, f=f: f(e, b)) for f in (
                lambda e, b: 1 - e / b, lambda e, b: e - b, lambda e, b: b - e,
                lambda e, b: (e - b) / n, lambda e, b: e / (e + b),
                lambda e, b: (e / b).sqrt(), lambda e, b: (e / b).log(),
                lambda e, b: e.sqrt() / b)]
        + [by(1, lambda e, b: e.sqrt().sum() / b.sqrt().sum())],
    }  # fmt: skip
    return wrong_part(
        out, lambda e, k, b, q: q(e, b, *k), errors, kinds, bases, quotients, tol=1e-5
    )


@Exercise(
    id="ae-06",
    title="Pixels that go missing",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Judge a net by what it was not shown, against one that knows the mean only.",
        "Say how much of a hidden value can be known from the others.",
    ),
    statement=r"""
The autoencoders of the paper that named them denoising ([Vincent et al.,
2008](https://doi.org/10.1145/1390156.1390294)) were given no noise: a random part of
the values was hidden, and the whole example was asked back. The values that are not
hidden can be copied. What a net has learned shows in the hidden ones, and only beside
what the mean of the data says of them already.

Write the module `MaskingAutoencoder(encoder, decoder, share, mean)`, whose parameters
are those of the two networks and no others; `mean`, shape `(d,)`, holds the mean of
each value over a training set. Its method `loss(x)`, for `x` of shape `(b, d)`,

- hides each value with probability `share`, independently of all others and anew at
  each call, in training and in evaluation mode alike: a hidden value is replaced by its
  mean, the others stay as they are;
- sends the result through `encoder` and `decoder`, which gives $\hat x$;
- returns the sum of $(x - \hat x)^2$ over all hidden values of the batch, divided by
  the sum of $(x - \text{mean})^2$ over the same values: one number, shape `()`.

Its gradient reaches both networks. Batches are so large that some value is hidden.

A net that returns what it was given has a loss of 1. How far below can any net come?
Give a second answer, `least`: the smallest loss that is possible, over very many
examples, for jointly Gaussian data of two values with mean 0, variance 1 and
correlation 0.8, and a `share` of 0.3; right to three digits after the point.
""",
    stub='''
class MaskingAutoencoder(nn.Module):
    def __init__(self, encoder, decoder, share, mean):
        super().__init__()
        ...

    def loss(self, x):
        """(b, d) -> ()."""
        return ...


least = ...
''',
    answers={"MaskingAutoencoder": callable, "least": float},
    hints=(
        "Compare a uniform random number, one for each value, with `share`: which "
        "comparison is true with probability `share`? Keep the result: it says what "
        "the encoder sees, and what counts in both sums.",
        "The mean moves with the module, and is trained by no optimizer, if it is a "
        "buffer: `self.register_buffer`. Divide the two sums by each other, not value "
        "by value.",
        "For `least`, take one hidden value. With what probability is the other one "
        "hidden, too? What is the best guess then, what is it otherwise, and what is "
        "the mean squared error of each?",
    ),
    misconceptions={
        "share that survives": "`share` is the probability of being hidden.",
        "survivors scaled up": "Dropout divides what survives by 1 - share; here it "
        "stays as it is.",
        "nothing masked in evaluation mode": "The damage is part of the problem, not "
        "of the training.",
        "one mask for the whole batch": "Every example has a mask of its own.",
        "whole examples masked": "Single values are hidden, not examples.",
        "a fixed number of values masked": "Each value goes or stays independently of "
        "the others, so that their number varies.",
        "zero in place of the mean": "A hidden value is replaced by its mean.",
        "another mean in place of the given one": "Each value has a mean of its own, "
        "that of the training set, which is given.",
        "damaged otherwise": "Hidden values are replaced by their mean: no noise is "
        "added, and what is not hidden stays as it is.",
        "code damaged in place of the input": "The encoder must see the damage.",
        "compared with the damaged example": "The target is the example before the "
        "damage; otherwise the identity has no error.",
        "all values compared": "Only hidden values count: what was shown can be "
        "copied.",
        "only the surviving values compared": "The hidden values count, not those "
        "that were shown.",
        "another mask in the loss": "What counts is what was hidden from the encoder: "
        "keep that mask, and draw no other.",
        "baseline over other values": "Numerator and denominator are sums over the "
        "same values, the hidden ones.",
        "another baseline": "The error is measured in that of the given mean: the sum "
        "of (x - mean)².",
        "not divided by the baseline": "Divide by the squared error that the mean "
        "alone would have on the hidden values.",
        "mean of quotients": "Divide the sum by the sum: a quotient for each value, "
        "row or column weighs them differently.",
        "no quotient of the two sums": "One sum divided by the other is due: not the "
        "difference, nor 1 minus it, nor its root or logarithm.",
        "given networks not used": "The batch goes through the encoder and the decoder "
        "that are given, not through copies of them.",
        "networks not registered": "The networks must be attributes of the module: in "
        "a list, a dictionary or a closure no optimizer finds their parameters.",
        "more parameters than those of the networks": "The mean and the share are "
        "given, not learned.",
        "mode switched by a call": "train() and eval() belong to the caller: a loss "
        "must leave both networks in the mode that they were in.",
        "share ignored": "Half of the values go, whatever the share.",
        "masked more than once": "Two masks, one after the other, take more than the "
        "share.",
        "means over other numbers": "Divide the sums, or two means over equally many "
        "values.",
        "reconstruction clamped": "The decoder's values are compared as they are.",
        "normal numbers compared": "How likely is a normal number below `share`? "
        "Another kind of random number is below it with just that probability.",
        "one of the cases alone": "The other value is shown or hidden: both cases "
        "count, each with its probability, and in each something else is left.",
        "another probability": "A value is hidden with probability 0.3. Given that, "
        "the other one is shown with probability 0.7: they are hidden independently.",
        "not the error of the regression": "Regression on the value that is shown "
        "takes off the square of the correlation; what is left is the error.",
        "the sum, not the quotient": "The error is divided by what the mean leaves on "
        "the same hidden values: both sums hold the probability of being hidden.",
        "quotient for each example": "The sums are over all examples: an example with "
        "two hidden values counts twice.",
    },
)
def ae_06(t, MaskingAutoencoder, least):
    # Four points with exactly these second moments, and the four ways to hide.
    root = torch.linalg.cholesky(torch.tensor([[1.0, 0.8], [0.8, 1.0]]).double())
    points = torch.tensor([[1.0, 1.0], [1, -1], [-1, 1], [-1, -1]]).double() @ root.T
    error = whole = 0.0
    for hidden in ([0], [1], [0, 1]):
        chance = 0.3 ** len(hidden) * 0.7 ** (2 - len(hidden))
        shown = points[:, [j for j in (0, 1) if j not in hidden]]
        fitted = shown @ torch.linalg.lstsq(shown, points).solution
        error += chance * (points - fitted)[:, hidden].square().sum() / 4
        whole += chance * points[:, hidden].square().sum() / 4
    r, s = 0.8, 0.3  # correlation and share
    left = 1 - r * r  # of a value, where the other one is shown
    chances = ((1 - s) ** 2, 1 - s * s, s * (1 - s), 2 * s * (1 - s), s, s * s, 0.5,
               (1 - s) / (1 + s))  # fmt: skip
    ideas = {
        "one of the cases alone": [left, 1.0, s, (1 - s) * left]
        + [p * left for p in chances],
        "another probability": [1 - p * r * r for p in chances],
        "quotient for each example": [
            (2 * s * (1 - s) * left + s * s) / (1 - (1 - s) ** 2),
            2 * s * (1 - s) * left + s * s],
        "the sum, not the quotient": [
            v * error / whole for v in (s, 2 * s, 2, 1 / s, 1 - s)],
        "not the error of the regression": [
            v for p in (1 - s, s, 1) for e in (r**4, r**3, r, r**0.5, 2 * r - 1, left,
            1 - left**0.5, 1 - (1 - r) ** 2) for v in (1 - p * e, p * e)]
        + [(1 - s) * r * r, r * r, s * r * r, s + (1 - s) * r],
    }  # fmt: skip
    why = "Regression on what is shown, in each of the ways to hide."
    name = "least: the best guesses of what is hidden"
    t.number(name, least, error / whole, why, ideas)

    b, d, share = 30, 40, [0.2, 0.25, 0.7][t.integer(0, 2)]
    mean = t.uniform(d, low=2, high=3)
    mean[::3] *= -1
    x = mean + t.away(b, d, low=0.5, high=1)

    def new(encoder, decoder):
        model = t.call(MaskingAutoencoder, encoder, decoder, share, mean)
        t.true(isinstance(model, nn.Module), "an nn.Module", type(model).__name__)
        t.true(hasattr(model, "loss"), "a method loss(x)", "none")
        return model

    def near(a, b):
        return (a - b).abs() < 1e-3

    def masks_of(model, n):
        spy.seen.clear()
        for _ in range(n):
            t.call(model.loss, x)
        return ~near(torch.stack(spy.seen), x)

    t.property("one number, and the encoder sees each batch once")
    spy = Spy()
    model = new(spy, nn.Identity())
    t.shape(t.call(model.loss, x), (), "one number for the batch.")
    got = str([tuple(s.shape) for s in spy.seen])
    copied = None if spy.seen else "given networks not used"
    t.true(got == str([(b, d)]), f"One batch of shape {(b, d)}.", got, copied)

    t.property("values are what they were, or their mean")
    seen = spy.seen[0]
    gone = ~near(seen, x)
    name = "damaged otherwise" if gone.any() else "code damaged in place of the input"
    t.true(gone.any(), "Some values are hidden.", "No value is.", name)
    blank = near(seen, mean) | near(seen, 0 * x)
    kept = [x / (1 - share), x / share, mean + (x - mean) / (1 - share)]
    scaled = any((blank | near(seen, v)).all() for v in kept)
    other = [x.mean(0).expand(b, d), x.mean().expand(b, d), mean.mean().expand(b, d),
             x.mean(1, True).expand(b, d)]  # fmt: skip
    ideas = {
        "zero in place of the mean": 0 * x[gone],
        "another mean in place of the given one": [v[gone] for v in other],
    }
    name = "survivors scaled up" if scaled else "damaged otherwise"
    why = "Where a value is not what it was, it is its mean."
    t.close(seen[gone], mean.expand(b, d)[gone], why, name, ideas, tol=1e-4)

    t.property("every value on its own")
    for axis, name in enumerate(
        ("one mask for the whole batch", "whole examples masked")
    ):
        mixed = gone.any(axis) & ~gone.all(axis)
        why, got = "Each value has a chance of its own.", "They go and stay together."
        t.true(mixed.any(), why, got, name)

    t.property("anew at each call")
    masks = masks_of(model, 40)
    spy = Spy()
    new_one = masks_of(new(spy, nn.Identity()), 1)
    seen = torch.cat([gone[None], masks, new_one]).flatten(1)
    other = len(seen.unique(dim=0)) == len(seen)
    why, got = "Another mask.", "A mask comes again."
    t.true(other, why, got, "noise fixed across calls")

    t.property("with the probability that was asked for")
    lost = masks.sum()
    counts = torch.stack([lost, masks.numel() - lost])
    below = 0.5 * math.erfc(-share / 2**0.5)  # that a standard normal is below it
    ideas = {
        "share that survives": [[1 - share, share]],
        "share ignored": [[0.5, 0.5]],
        "masked more than once": [[1 - (1 - share) ** 2, (1 - share) ** 2]],
        "normal numbers compared": [[below, 1 - below], [1 - below, below]],
    }
    due = torch.tensor([share, 1 - share])
    t.frequencies(counts, due, "The share of hidden values.", ideas=ideas)

    t.property("independently: no mask is used for two rows, columns or calls")
    blurred = masks + 0.5 * torch.rand(masks.shape, generator=t.rng)  # for their ranks
    for axis in range(3):
        why, again = "No value tells about another.", "noise used more than once"
        t.independent(blurred.movedim(axis, 2).flatten(0, 1), why, again)

    t.property("each value by a chance of its own, not a fixed number of them")
    for lost, total in (masks.flatten(0, 1).sum(1), d), (masks.sum((1, 2)), b * d):
        usual = torch.tensor(round(share * total))
        as_usual = (lost == usual).sum()
        p = torch.distributions.Binomial(total, torch.tensor(share)).log_prob(usual)
        counts = torch.stack([as_usual, len(lost) - as_usual])
        probs = torch.stack([p.exp(), 1 - p.exp()])
        why = f"Of {total} values it is now and then exactly {int(usual)} that go."
        t.frequencies(counts, probs, why, "a fixed number of values masked")

    t.property("the same in evaluation mode")
    spy = Spy()
    still = masks_of(new(spy, nn.Identity()).eval(), 1).any()
    why, got = "Some values are hidden.", "The batch is undamaged."
    t.true(still, why, got, "nothing masked in evaluation mode")

    t.property("the error of hidden values, in that of their mean")
    spy, end = Spy(), Spy()
    decoder = nn.Sequential(end, nn.Softplus())
    model = new(spy, decoder)
    out = t.call(model.loss, x)
    seen = spy.seen[-1]
    gone, fit = ~near(seen, x), decoder(spy(seen))
    due = ((x - fit).square() * gone).sum() / ((x - mean).square() * gone).sum()
    name = mistake(t.tensor(out), x, seen, fit, mean, gone, share)
    if name is None:  # nets that pass on what they are given err on hidden values alone
        plain = t.tensor(t.call(new(Spy(), nn.Identity()).loss, x)).detach()
        name = "another mask in the loss" if abs(float(plain) - share) < 0.1 else None
    t.close(out, due, "The decoder's softplus of what the encoder saw.", name, tol=1e-4)
    t.property("gradients reach encoder and decoder", of=out)
    why, cut = "The derivative of the loss.", {"cut off from the graph": 0.0}
    for net in spy, end:
        t.close(t.grad(out, net.gain), t.grad(due, net.gain), why, ideas=cut, tol=1e-3)

    held(t, model, (spy, end), lambda: model.loss(x))
    learned, got = [id(p) for p in model.parameters()], "There are more."
    why, name = (
        "Two here, one of each network.",
        "more parameters than those of the networks",
    )
    t.true(len(learned) == 2, why, got, name)
