"""Exercise ae-06: Pixels that go missing."""

import math

import torch
from torch import nn

from .._exercise import Exercise
from ._shared import Spy, held


@Exercise(
    id="ae-06",
    title="Pixels that go missing",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Write a denoising autoencoder for another kind of damage, and compare with "
        "what was there before the damage.",
    ),
    statement=r"""
The autoencoders of the paper that named them denoising ([Vincent et al.,
2008](https://doi.org/10.1145/1390156.1390294)) were given no noise: a random part of
the values was set to zero, and the whole example was asked back.

Write the module `MaskingAutoencoder(encoder, decoder, share)`, whose parameters are
those of the two networks, with a method `loss(x)` for `x` of shape `(b, d)`: each value
is set to zero with probability `share`, independently of all others and anew at each
call, in training and in evaluation mode alike; the values that survive stay as they
are. The damaged batch goes through
`encoder` and `decoder`, and the result is compared with the undamaged `x`. Return the
squared error summed over the `d` values, as the mean over the batch, shape `()`; its
gradient reaches both networks.
""",
    stub='''
class MaskingAutoencoder(nn.Module):
    def __init__(self, encoder, decoder, share):
        super().__init__()
        ...

    def loss(self, x):
        """(b, d) -> ()."""
        return ...
''',
    answers={"MaskingAutoencoder": callable},
    hints=(
        "Compare a uniform random number with `share`: which comparison is true with "
        "probability `share`?",
        "torch.rand_like(x) gives every entry a number of its own. Is a value that "
        "survives multiplied by something?",
        "Dropout scales up what survives, and does nothing in evaluation mode: it is "
        "not what is asked for.",
    ),
    misconceptions={
        "share that survives": "`share` is the probability of being set to zero.",
        "survivors scaled up": "Dropout divides what survives by 1 - share; here it "
        "stays as it is.",
        "nothing masked in evaluation mode": "The damage is part of the problem, not "
        "of the training.",
        "one mask for the whole batch": "Every example has a mask of its own.",
        "whole examples masked": "Single values are set to zero, not examples.",
        "a fixed number of values masked": "Each value goes or stays independently of "
        "the others, so that their number varies.",
        "damaged otherwise": "Values are set to zero: no noise is added, and nothing "
        "else is put in their place.",
        "code damaged in place of the input": "The encoder must see the damage.",
        "compared with the damaged example": "The target is the example before the "
        "damage; otherwise the identity has no error.",
        "only the missing values compared": "The error is that of all d values.",
        "only the surviving values compared": "The error is that of all d values, the "
        "missing ones above all.",
        "given networks not used": "The batch goes through the encoder and the decoder "
        "that are given, not through copies of them.",
        "networks not registered": "The networks must be attributes of the module: in "
        "a list, a dictionary or a closure no optimizer finds their parameters.",
        "mode switched by a call": "train() and eval() belong to the caller: a loss "
        "must leave both networks in the mode that they were in.",
        "share ignored": "Half of the values go, whatever the share.",
        "masked more than once": "Two masks, one after the other, take more than the "
        "share.",
        "reconstruction clamped": "The decoder's values are compared as they are.",
        "normal numbers compared": "How likely is a normal number below `share`? "
        "Another kind of random number is below it with just that probability.",
    },
)
def ae_06(t, MaskingAutoencoder):
    b, d, share = 30, 40, [0.2, 0.25, 0.7][t.integer(0, 2)]
    x = t.away(b, d, low=0.5, high=1)

    def new(encoder, decoder):
        model = t.call(MaskingAutoencoder, encoder, decoder, share)
        t.true(isinstance(model, nn.Module), "an nn.Module", type(model).__name__)
        t.true(hasattr(model, "loss"), "a method loss(x)", "none")
        return model

    def masks_of(model, n):
        spy.seen.clear()
        for _ in range(n):
            t.call(model.loss, x)
        return torch.stack(spy.seen) == 0

    t.property("one number, and the encoder sees each batch once")
    spy = Spy()
    model = new(spy, nn.Identity())
    t.shape(t.call(model.loss, x), (), "the mean over the batch.")
    got = str([tuple(s.shape) for s in spy.seen])
    copied = None if spy.seen else "given networks not used"
    t.true(got == str([(b, d)]), f"One batch of shape {(b, d)}.", got, copied)

    t.property("values are zero, or what they were")
    seen = spy.seen[0]
    gone = seen == 0
    whole = torch.equal(seen, x)
    other = "code damaged in place of the input" if whole else "damaged otherwise"
    t.true(gone.any(), "Some values are set to zero.", "No value is.", other)
    kept = x[~gone]
    ideas = {"survivors scaled up": [kept / (1 - share), kept / share]}
    t.close(seen[~gone], kept, "What survives stays as it is.", None, ideas)

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
    t.frequencies(counts, due, "The share of values set to zero.", ideas=ideas)

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
    why, got = "Some values are set to zero.", "The batch is undamaged."
    t.true(still, why, got, "nothing masked in evaluation mode")

    t.property("the error is that against the undamaged example")
    spy, end = Spy(), Spy()
    decoder = nn.Sequential(end, nn.Softplus())
    model = new(spy, decoder)
    out = t.call(model.loss, x)
    seen = spy.seen[-1]
    fit = decoder(spy(seen))
    error = (x - fit).square()
    due = error.sum() / b
    ideas = {
        "mean over the dimensions": [due / d, due * b / d],
        "sum over the batch": due * b,
        "compared with the damaged example": (seen - fit).square().sum() / b,
        "only the missing values compared": (error * (seen == 0)).sum() / b,
        "only the surviving values compared": (error * (seen != 0)).sum() / b,
        "square root taken": [error.sum(1).sqrt().mean(), due.sqrt()],
        "absolute error": error.sqrt().sum() / b,
        "reconstruction clamped": [
            (x - v).square().sum() / b for v in (fit.clamp(0, 1), fit.clamp(-1, 1))
        ],
        "off by a factor of two": [due / 2, 2 * due],
    }
    why = "The decoder's softplus of what the encoder saw, against x."
    t.close(out, due, why, ideas=ideas, tol=1e-4)
    t.property("gradients reach encoder and decoder", of=out)
    why, cut = "The derivative of the loss.", {"cut off from the graph": 0.0}
    for net in spy, end:
        t.close(t.grad(out, net.gain), t.grad(due, net.gain), why, ideas=cut, tol=1e-3)

    held(t, model, (spy, end), lambda: model.loss(x))
