"""Exercise gm-10: Pixels that were not seen."""

import math

import torch

from .._exercise import Exercise
from ._shared import all_images, fractions


@Exercise(
    id="gm-10",
    title="Pixels that were not seen",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=("Compute the exact likelihood of a part of an image under a mixture.",),
    statement=r"""
A mixture of $k$ products of independent binary pixels, with log-weights `log_w`
(shape `(k,)`, normalized) and pixel logits `logits` (shape `(k, d)`, a pixel is lit
with probability $1 / (1 + e^{-\ell})$). Of each image only some pixels were seen.

Write `log_prob_seen(x, seen, log_w, logits)`: `x` of shape `(b, d)` holds zeros and
ones where the boolean mask `seen`, `(b, d)`, is true, and **anything, also NaN or
infinity**, where it is false. Return the log-probability of what was seen,
$\log p(x_S)$, shape `(b,)`, in nats. It has to stay exact at logits of $\pm 200$.
""",
    stub='''
def log_prob_seen(x, seen, log_w, logits):
    """(b, d), (b, d) bool, (k,), (k, d) -> (b,): log p of the seen pixels."""
    return ...
''',
    answers={"log_prob_seen": callable},
    hints=(
        "Sum the product over both values of one unseen pixel. What is left of its "
        "factor?",
        "An unseen pixel contributes 0 to the logarithm of each component, whatever "
        "stands in x. NaN times 0 is NaN: choose with `torch.where`.",
        "First the sum over the seen pixels of each component, shape (b, k), then the "
        "sum over components, as logarithms.",
    ),
    misconceptions={
        "unseen pixels taken as dark": "Dark is a value; unseen is none.",
        "unseen pixels taken as half lit": "A pixel of 1/2 still contributes a factor, "
        "and not that of a sum over its values.",
        "unseen values leak in": "What stands in x where seen is false must not "
        "matter, not even if it is NaN.",
        "scaled up to all pixels": "The log-probability of fewer pixels is not "
        "rescaled: it is a probability of what was seen.",
        "logarithms averaged over the components": "Probabilities are mixed, not their "
        "logarithms.",
        "best component only": "A maximum is not the sum over components.",
        "dark pixels left out": "A pixel that is dark has a probability too.",
        "one mask for all images": "Each image has seen pixels of its own: row i of "
        "seen belongs to row i of x.",
    },
)
def gm_10(t, log_prob_seen):
    k, d = 3, t.integer(5, 6)
    log_w = fractions(t, k).log()
    logits = t.away(k, d, low=0.4, high=2.5)
    images = all_images(d)
    every = torch.ones(len(images), d, dtype=torch.bool)

    t.property("everything seen: all 2ᵈ images sum to one")
    full = t.call(log_prob_seen, images, every, log_w, logits)
    on = torch.distributions.Bernoulli(logits=logits.double(), validate_args=False)
    pixels = on.log_prob(images.double()[:, None])  # (2^d, k, d)
    parts, lw = pixels.sum(2), log_w.double()
    blend = (pixels.exp() * lw.exp()[:, None]).sum(1).log().sum(1)
    table = (parts + lw).exp().sum(1)  # the probability of each image

    def completed(row, seen):
        return table[((images == row) | ~seen).all(1)].sum().log()

    ideas = {
        "weights left out": [parts.exp().sum(1).log(), parts.exp().mean(1).log()],
        "weights added, not their logarithms": (parts + lw.exp()).logsumexp(1),
        "logarithms averaged over the components": parts @ lw.exp(),
        "best component only": (parts + lw).amax(1),
        "component chosen for each dimension": blend,
        "negative log-likelihood returned": -table.log(),
        "mean over the dimensions": [table.log() / d, (parts / d + lw).logsumexp(1)],
        "dark pixels left out": ((pixels * images[:, None]).sum(2) + lw).logsumexp(1),
    }
    t.close(full, table.log(), "By enumeration.", ideas=ideas, tol=1e-4)
    total = t.tensor(full).double().exp().sum()
    t.close(total, 1.0, "One of the images it is.", tol=1e-3)

    t.property("unseen pixels: the sum over all completions")
    i = t.integer(1, len(images) - 2)
    row, mask = images[i : i + 1], (torch.arange(d) % 2 == 0)[None]
    due, share = completed(images[i], mask)[None], d / int(mask.sum())
    kept = pixels[i] * mask
    off = torch.where(mask, kept, on.log_prob(torch.tensor(0.0)))
    even = torch.where(mask, kept, on.log_prob(torch.tensor(0.5)))
    ideas = {
        "unseen pixels taken as dark": (off.sum(1) + lw).logsumexp(0)[None],
        "unseen pixels taken as half lit": (even.sum(1) + lw).logsumexp(0)[None],
        "scaled up to all pixels": [
            due * share,
            (kept.sum(1) * share + lw).logsumexp(0)[None],
        ],
    }
    out = t.call(log_prob_seen, row * mask, mask, log_w, logits)
    t.shape(out, (1,), "a batch of one is a batch.", "batch axis lost")
    t.close(out, due, "Added up, one by one.", ideas=ideas, tol=1e-4)

    t.property("what stands at unseen pixels does not matter")
    for value in (7.0, math.nan, math.inf):
        x = torch.where(mask, row, value)
        out = t.call(log_prob_seen, x, mask, log_w, logits)
        t.close(out, due, "They were not seen.", "unseen values leak in", tol=1e-4)

    t.property("each image has a mask of its own")
    rows = images[torch.randperm(len(images), generator=t.rng)[:4]]
    masks = torch.eye(d)[:4].bool() | (torch.arange(d) == d - 1)
    each = torch.stack([completed(v, m) for v, m in zip(rows, masks)])
    shared = [
        torch.stack([completed(v, m) for v in rows])
        for m in (masks[0], masks.all(0), masks.any(0))
    ]
    out = t.call(log_prob_seen, rows, masks, log_w, logits)
    ideas = {"one mask for all images": shared}
    t.close(out, each, "Added up, one by one.", ideas=ideas, tol=1e-4)

    t.property("nothing seen: probability one")
    out = t.call(log_prob_seen, row * 0, mask & ~mask, log_w, logits)
    t.close(out, 0.0, "Something always happens.", tol=1e-5)

    t.property("784 pixels, of which half were seen")
    wide, x = t.away(k, 784, low=0.4, high=2.5), t.integers(1, 784, low=0, high=1)
    some = t.integers(1, 784, low=0, high=1) == 1
    p = torch.distributions.Bernoulli(logits=wide.double()).log_prob(x.double()).exp()
    due = ((torch.where(some, p, 1.0).prod(1) * lw.exp()).sum().log())[None]
    out = t.call(log_prob_seen, x.float(), some, log_w, wide)
    small = {"underflow to zero": -math.inf}
    t.close(out, due, "Products in float64, which holds them.", ideas=small)

    t.property("logits of ±200")
    signs = logits[:1].sign()
    signs[0, :2] = torch.tensor([1.0, -1.0])  # both ends
    pattern, sharp = (signs > 0).float(), 200 * signs.expand(k, d).contiguous()
    pair, due = torch.cat([pattern, 1 - pattern]), torch.tensor([0.0, -200.0 * d])
    why, saturated = (
        "Each pixel costs 0 or 200 nats.",
        "logarithm of a saturated sigmoid",
    )
    for i in (0, 1):
        out = t.call(log_prob_seen, pair[i : i + 1], every[:1], log_w, sharp)
        t.close(out, due[i : i + 1], why, saturated, tol=1e-4)
    out = t.call(log_prob_seen, pair, every[:2], log_w, sharp)
    name = "one shift for all examples"
    t.close(out, due, "The same two in one batch.", name, tol=1e-4)
