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
        "weights left out": "Each component counts with its weight.",
        "logarithms averaged over the components": "Probabilities are mixed, not their "
        "logarithms.",
        "best component only": "A maximum is not the sum over components.",
        "pixels mixed one by one": "The component is chosen once for the whole image; "
        "mixing each pixel on its own loses what pixels have in common.",
        "mean over the pixels": "Independent pixels: logarithms add up.",
        "dark pixels left out": "A pixel that is dark has a probability too.",
        "not the probability of the image": "Take two pixels and two components, and "
        "add up the four images by hand.",
        "one shift for all images": "Subtracting one number from the logarithms of all "
        "images saves the likeliest image alone: the others underflow.",
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

    t.property("one number for each image")
    out = t.call(log_prob_seen, images[:4], every[:4], log_w, logits)
    t.shape(out, (4,), "log p of each of the images.")

    t.property("everything seen: all 2ᵈ images sum to one")
    full = t.call(log_prob_seen, images, every, log_w, logits)
    on = torch.distributions.Bernoulli(logits=logits.double())
    pixels = on.log_prob(images.double()[:, None])  # (2^d, k, d)
    parts, lw = pixels.sum(2), log_w.double()
    blend = (pixels.exp() * lw.exp()[:, None]).sum(1).log().sum(1)
    due = torch.stack([(p + lw).exp().sum() for p in parts]).log()
    table = due.exp()  # of each image

    def completed(row, seen):
        return table[((images == row) | ~seen).all(1)].sum().log()

    ideas = {
        "weights left out": [parts.exp().sum(1).log(), parts.exp().mean(1).log()],
        "logarithms averaged over the components": parts @ lw.exp(),
        "best component only": (parts + lw).amax(1),
        "pixels mixed one by one": blend,
        "negative log-likelihood returned": -due,
        "mean over the pixels": [due / d, (parts / d + lw).exp().sum(1).log()],
        "dark pixels left out": ((pixels * images[:, None]).sum(2) + lw).logsumexp(1),
    }
    saturated = "logarithm of a saturated sigmoid"
    other = "not the probability of the image"
    t.close(full, due, "By enumeration.", other, ideas, tol=1e-4)
    total = t.tensor(full).exp().sum()
    t.close(total, 1.0, "One of the images it is.", tol=1e-3)

    t.property("unseen pixels: the sum over all completions")
    i = t.integer(1, len(images) - 2)
    seen = torch.tensor([j % 2 == 0 for j in range(d)])
    due = completed(images[i], seen)[None]
    row, mask = images[i : i + 1], seen[None]
    dark, half = row * seen, torch.where(seen, row, 0.5)
    kept = (pixels[i] * seen).sum(1)
    blank = on.log_prob(dark[0].double()).sum(1)
    soft = (half[0] * logits.double() + on.log_prob(torch.tensor(0.0))).sum(1)
    ideas = {
        "unseen pixels taken as dark": (blank + lw).exp().sum().log()[None],
        "unseen pixels taken as half lit": (soft + lw).exp().sum().log()[None],
        "scaled up to all pixels": [
            due * d / int(seen.sum()),
            (kept * d / int(seen.sum()) + lw).exp().sum().log()[None],
        ],
    }
    out = t.call(log_prob_seen, dark, mask, log_w, logits)
    leak = "unseen values leak in"
    t.close(out, due, "Added up, one by one.", leak, ideas, tol=1e-4)

    t.property("what stands at unseen pixels does not matter")
    x = torch.where(mask, row, 7.0)
    out = t.call(log_prob_seen, x, mask, log_w, logits)
    t.close(out, due, "They were not seen.", leak, tol=1e-4)

    # Of two equal NaN the engine would say that they differ: put them in behind it.
    def unknown(mask, log_w, logits, value):
        x = torch.where(mask, row, value)
        return log_prob_seen(x, mask, log_w, logits)

    for value in (math.nan, math.inf):
        out = t.call(unknown, mask, log_w, logits, value)
        t.close(out, due, "They were not seen.", leak, tol=1e-4)

    t.property("each image has a mask of its own")
    rows = images[torch.randperm(len(images), generator=t.rng)[:4]]
    masks = torch.eye(d)[:4].bool() | (torch.arange(d) == d - 1)
    each = torch.stack([completed(v, m) for v, m in zip(rows, masks)])
    shared = [masks[0], masks.all(0), masks.any(0)]
    ideas = {
        "one mask for all images": [
            torch.stack([completed(v, m) for v in rows]) for m in shared
        ]
    }
    out = t.call(log_prob_seen, rows, masks, log_w, logits)
    t.close(out, each, "Added up, one by one.", None, ideas, tol=1e-4)

    t.property("nothing seen: probability one")
    out = t.call(log_prob_seen, row * 0, ~mask & mask, log_w, logits)
    t.close(out, 0.0, "Something always happens.", leak, tol=1e-5)

    t.property("logits of ±200")
    signs = logits[:1].sign()
    signs[0, :2] = torch.tensor([1.0, -1.0])  # both ends
    pattern, sharp = (signs > 0).float(), 200 * signs.expand(k, d).contiguous()
    pair = torch.cat([pattern, 1 - pattern])
    due = torch.tensor([0.0, -200.0 * d])
    for i in (0, 1):
        out = t.call(log_prob_seen, pair[i : i + 1], every[:1], log_w, sharp)
        t.finite(out, "Improbable, not impossible.", saturated)
        why = "Lit as all components say: 0; else each pixel costs 200 nats."
        t.close(out, due[i : i + 1], why, saturated, tol=1e-4)
    out = t.call(log_prob_seen, pair, every[:2], log_w, sharp)
    name = "one shift for all images"
    t.close(out, due, "The same two in one batch.", name, tol=1e-4)
