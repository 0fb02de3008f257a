"""Exercise ae-06: Pixels that go missing."""

import math

import torch
from torch import nn

from .._exercise import Exercise
from ._shared import Constant, Spy


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
The first denoising autoencoders ([Vincent et al.,
2008](https://doi.org/10.1145/1390156.1390294)) did not add noise: they set a random
part of the values to zero and asked for the whole example back.

Write the module `MaskingAutoencoder(encoder, decoder, share)` with a method `loss(x)`
for `x` of shape `(b, d)`: each value is set to zero with probability `share`,
independently of all others and anew at each call, in training and in evaluation mode
alike; the values that survive stay as they are. The damaged batch goes through
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
        "mask drawn once": "Each call damages anew.",
        "a fixed number of values masked": "Each value goes or stays independently of "
        "the others, so that their number varies.",
        "compared with the damaged example": "The target is the example before the "
        "damage; otherwise the identity has no error.",
        "only the missing values compared": "The error is that of all d values.",
        "code damaged in place of the input": "The encoder must see the damage.",
        "mean over the values": "A sum over the d values is due, a mean over the "
        "batch.",
        "summed over the batch": "A mean over the batch is due.",
        "noise added": "Values are set to zero; no noise is added.",
        "only the surviving values compared": "The error is that of all d values, the "
        "missing ones above all.",
        "halved": "The squared error is due, without a factor of one half.",
        "neighbors go together": "Each value goes or stays independently of all "
        "others: no mask is used for two rows or two columns.",
        "normal numbers compared": "How likely is a normal number below `share`? "
        "Another kind of random number is below it with just that probability.",
    },
)
def ae_06(t, MaskingAutoencoder):
    b, d, share = 60, 40, [0.2, 0.3, 0.7][t.integer(0, 2)]
    x = t.uniform(b, d, low=0.5, high=1)
    spy = Spy()
    model = t.call(MaskingAutoencoder, spy, nn.Identity(), share)
    t.true(isinstance(model, nn.Module), "an nn.Module", type(model).__name__)
    t.true(hasattr(model, "loss"), "a method loss(x)", "none")

    t.property("one number, and the encoder sees each batch once")
    out = t.call(model.loss, x)
    t.shape(out, (), "the mean over the batch.", ideas={"mean over the values": (b,)})
    once = len(spy.seen) == 1 and spy.seen[0].shape == x.shape
    t.true(
        once, f"one batch of shape {(b, d)}", f"{[tuple(s.shape) for s in spy.seen]}"
    )

    t.property("values are zero, or what they were")
    seen = spy.seen[0]
    gone = seen == 0
    t.true(gone.any(), "Some values are set to zero.", "The batch is undamaged.",
           "code damaged in place of the input"
           if torch.equal(seen, x) else "noise added")  # fmt: skip
    kept = seen[~gone]
    ideas = {"survivors scaled up": [x[~gone] / (1 - share), x[~gone] / share]}
    why = "What survives stays as it is."
    t.close(kept, x[~gone], why, "noise added", ideas=ideas)

    t.property("every value on its own")
    rows, columns = gone.float().mean(1), gone.float().mean(0)
    whole = bool(((rows == 0) | (rows == 1)).all())
    t.true(not whole, "Masks differ within an example.", "All or nothing in each row.",
           "whole examples masked")  # fmt: skip
    shared = bool(((columns == 0) | (columns == 1)).all())
    t.true(not shared, "Masks differ between examples.", "All rows have one mask.",
           "one mask for the whole batch")  # fmt: skip

    t.property("anew at each call")
    t.call(model.loss, x)
    t.true(not torch.equal(spy.seen[1] == 0, gone), "Another mask.", "The same mask.",
           "mask drawn once")  # fmt: skip

    t.property("with the probability that was asked for")
    for _ in range(6):
        t.call(model.loss, x)
    masks = torch.stack(spy.seen) == 0
    lost = masks.sum()
    counts = torch.stack([lost, masks.numel() - lost])
    below = 0.5 * math.erfc(-share / 2**0.5)  # that a standard normal is below it
    ideas = {
        "share that survives": torch.tensor([1 - share, share]),
        "normal numbers compared": [torch.tensor([below, 1 - below]),
                                    torch.tensor([1 - below, below])],
    }  # fmt: skip
    due = torch.tensor([share, 1 - share])
    t.frequencies(counts, due, "The share of values set to zero.", ideas=ideas)
    pairs_of = (masks[:, ::2], masks[:, 1::2]), (masks[..., ::2], masks[..., 1::2])
    halves = masks.chunk(2, 1), masks.chunk(2, 2)
    for a, c in (*pairs_of, *halves):
        pairs = torch.bincount((2 * a.long() + c.long()).flatten(), minlength=4)
        odds = torch.tensor([(1 - share) ** 2, share * (1 - share)])
        odds = torch.cat([odds, odds[1:], torch.tensor([share**2])])
        why = "Any two values go missing independently."
        t.frequencies(pairs, odds, why, "neighbors go together")

    t.property("each value by a chance of its own, not a fixed number of them")
    for lost in masks.flatten(0, 1).sum(1), masks.sum((1, 2)):  # per row, per call
        total = d if len(lost) > len(masks) else b * d
        usual = torch.tensor(round(share * total))
        as_usual = (lost == usual).sum()
        p = torch.distributions.Binomial(total, torch.tensor(share)).log_prob(usual)
        t.frequencies(
            torch.stack([as_usual, len(lost) - as_usual]),
            torch.stack([p.exp(), 1 - p.exp()]),
            f"Of {total} values it is now and then exactly {int(usual)} that go.",
            "a fixed number of values masked",
        )

    t.property("the same in evaluation mode")
    model.eval()
    t.call(model.loss, x)
    still = bool((spy.seen[-1] == 0).any())
    t.true(still, "Some values are set to zero.", "The batch is undamaged.",
           "nothing masked in evaluation mode")  # fmt: skip
    model.train()

    t.property("the error is that against the undamaged example")
    spy = Spy()
    model = t.call(MaskingAutoencoder, spy, Constant(0.2), share)
    out = t.call(model.loss, x)
    seen = spy.seen[-1]
    gone, error = seen == 0, (x - 0.2).pow(2)
    due = error.sum() / b
    ideas = {
        "mean over the values": [due / d, due * b / d],
        "summed over the batch": due * b,
        "compared with the damaged example": (seen - 0.2).pow(2).sum() / b,
        "only the missing values compared": (error * gone).sum() / b,
        "only the surviving values compared": (error * ~gone).sum() / b,
        "square root taken": error.sum(1).sqrt().mean(),
        "halved": due / 2,
    }
    why = "A decoder that answers 0.2 is off by x - 0.2, in all values."
    t.close(out, due, why, ideas=ideas, tol=1e-4)

    t.property("gradients reach encoder and decoder")
    spy, end = Spy(), Constant(0.3)
    with torch.no_grad():
        spy.gain.fill_(0.5)
    model = t.call(MaskingAutoencoder, spy, nn.Identity(), share)
    slope = t.grad(t.call(model.loss, x), spy.gain)
    seen, cut = spy.seen[-1], {"cut off from the graph": 0.0}
    due = 2 * (seen * (0.5 * seen - x)).sum() / b
    t.close(slope, due, "The derivative of the loss.", ideas=cut, tol=1e-3)
    model = t.call(MaskingAutoencoder, Spy(), end, share)
    slope, due = t.grad(t.call(model.loss, x), end.value), 2 * (0.3 - x).sum() / b
    t.close(slope, due, "The derivative of the loss.", ideas=cut, tol=1e-3)
