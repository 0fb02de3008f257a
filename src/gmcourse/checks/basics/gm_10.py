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
    on = torch.distributions.Bernoulli(logits=logits.double(), validate_args=False)
    pixels = on.log_prob(images.double()[:, None])  # (2^d, k, d)
    parts, lw = pixels.sum(2), log_w.double()
    table = (parts + lw).exp().sum(1)  # the probability of each image

    def tested(x, seen, due, why, mistake=None, ideas=None, logits=logits):
        out = t.call(log_prob_seen, x, seen, log_w, logits)
        t.shape(out, due.shape, "one for each image.", ideas={"batch axis lost": ()})
        t.close(out, due, why, mistake, ideas, tol=1e-4)

    def mixed(each):
        return (each.sum(2) + lw).logsumexp(1)

    t.property("all 2ᵈ images, everything seen")
    ideas = {
        "weights left out": [parts.exp().sum(1).log(), parts.exp().mean(1).log()],
        "weights added, not their logarithms": (parts + lw.exp()).logsumexp(1),
        "logarithms averaged over the components": parts @ lw.exp(),
        "best component only": (parts + lw).amax(1),
        "component chosen for each dimension": (
            (pixels + lw[:, None]).logsumexp(1).sum(1)
        ),
        "negative log-likelihood returned": -table.log(),
        "mean over the dimensions": [table.log() / d, mixed(pixels / d)],
        "dark pixels left out": mixed(pixels * images[:, None]),
    }
    tested(images, images > -1, table.log(), "By enumeration.", None, ideas)

    t.property("unseen pixels: the sum over all completions, by each image's own mask")
    masks = torch.eye(d)[:4].bool() | (torch.arange(d) == d - 1)
    rows = images[torch.randperm(len(images), generator=t.rng)[:4]] * masks

    def completed(masks):
        same = ((images == rows[:, None]) | ~masks[:, None]).all(2)
        return (same.double() @ table).log()

    due, share, each = completed(masks), d / masks.sum(1), on.log_prob(rows[:, None])
    half = torch.where(masks[:, None], each, on.log_prob(torch.tensor(0.5)))
    ideas = {
        "unseen pixels taken as dark": mixed(each),
        "unseen pixels taken as half lit": mixed(half),
        "scaled up to all pixels": [
            due * share,
            mixed(each * masks[:, None] * share[:, None, None]),
        ],
        "one mask for all images": [
            completed(m.expand(4, d)) for m in (masks[0], masks.all(0), masks.any(0))
        ],
    }
    tested(rows, masks, due, "Added up, one by one.", None, ideas)

    t.property("what stands at unseen pixels does not matter")
    for value in (7.0, math.nan, math.inf):
        x = torch.where(masks, rows, value)
        tested(x, masks, due, "They were not seen.", "unseen values leak in")
    t.property("nothing seen in a batch of one: probability one")
    tested(rows[:1], masks[:1] & False, torch.zeros(1), "Something always happens.")

    t.property("3,000 pixels, of which half were seen")
    wide, x = t.away(k, 3000, low=0.4, high=2.5), t.integers(1, 3000, low=0, high=1)
    some = t.integers(1, 3000, low=0, high=1) == 1
    p = torch.distributions.Bernoulli(logits=wide.double()).log_prob(x.double())
    due, ideas = mixed((p * some)[None]), {"underflow to zero": -math.inf}
    tested(x.float(), some, due, "Logarithms are added.", None, ideas, wide)

    t.property("logits of ±200")
    signs = logits[:1].sign()
    signs[0, :2] = torch.tensor([1.0, -1.0])  # both ends
    pattern, sharp = (signs > 0).float(), 200 * signs.expand(k, d).contiguous()
    pair, due = torch.cat([pattern, 1 - pattern]), torch.tensor([0.0, -200.0 * d])
    all_of_it, why = pair > -1, "Each pixel costs 0 or 200 nats."
    name = "logarithm of a saturated sigmoid"
    for i in (0, 1):
        tested(pair[[i]], all_of_it[[i]], due[[i]], why, name, None, sharp)
    why, name = "The same two in one batch.", "one shift for all examples"
    tested(pair, all_of_it, due, why, name, None, sharp)
