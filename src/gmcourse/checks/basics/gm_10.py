"""Exercise gm-10: Filling in what was not seen."""

import math

import torch
from torch.distributions import Bernoulli, Categorical

from .._exercise import Exercise
from ._shared import all_images, fractions


@Exercise(
    id="gm-10",
    title="Filling in what was not seen",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=("Compute the exact conditional of the unseen under a mixture.",),
    statement=r"""
A mixture of $k$ products of independent binary pixels, with log-weights `log_w`
(shape `(k,)`, normalized) and pixel logits `logits` (shape `(k, d)`, a pixel is lit
with probability $1 / (1 + e^{-\ell})$). Of each image only some pixels were seen.

Write `fill_in(x, seen, log_w, logits)`: `x` of shape `(b, d)` holds zeros and ones
where the boolean mask `seen`, `(b, d)`, is true, and **anything, also NaN or
infinity**, where it is false. Return shape `(b, d)`: where a pixel was seen, its value;
elsewhere the probability that it is lit given what was seen,
$p(x_i = 1 \mid x_S)$. It has to be right for thousands of pixels, and at logits of
$\pm 200$.
""",
    stub='''
def fill_in(x, seen, log_w, logits):
    """(b, d), (b, d) bool, (k,), (k, d) -> (b, d): seen, or a probability."""
    return ...
''',
    answers={"fill_in": callable},
    hints=(
        "Given the component, the seen pixels say nothing about the unseen ones. So "
        "what do they say something about?",
        "p(x_i = 1 | x_S) is a mean over the components, weighted by p(z = j | x_S). "
        "An unseen pixel contributes 0 to the logarithm of each component, whatever "
        "stands in x. NaN times 0 is NaN: choose with `torch.where`.",
        "First the sum over the seen pixels of each component, shape (b, k); its "
        "softmax with log_w; then a matrix product with the pixel probabilities.",
    ),
    misconceptions={
        "unseen pixels taken as dark": "Dark is a value; unseen is none.",
        "unseen pixels taken as half lit": "A pixel of 1/2 still contributes a factor, "
        "and not that of a sum over its values.",
        "unseen values leak in": "What stands in x where seen is false must not "
        "matter, not even if it is NaN.",
        "what was seen is not used": "These are the probabilities before anything was "
        "seen: the weights of the components change with it.",
        "logits averaged": "Probabilities are mixed, not their logits.",
        "best component only": "The other components may have made the image, too.",
        "drawn in place of probabilities": "Probabilities are due, no zeros and ones "
        "drawn with them.",
        "seen pixels overwritten": "A pixel that was seen keeps its value.",
        "dark pixels left out": "A seen pixel that is dark is evidence, too.",
        "normalized over the examples": "The weights of the components sum to one for "
        "each image.",
        "evidence cut off": "A pixel that surprises by 50 nats counts twice as much as "
        "one that surprises by 25: clamped logits, or a small number in a logarithm, "
        "make them equal.",
        "one mask for all images": "Each image has seen pixels of its own: row i of "
        "seen belongs to row i of x.",
    },
)
def gm_10(t, fill_in):
    k, d = 3, t.integer(5, 6)
    log_w = fractions(t, k).log()
    logits = t.away(k, d, low=0.4, high=2.5)
    logits[:, d - 1] = torch.tensor([2.2, -0.4, -1.7])  # components that differ
    images = all_images(d).double()
    on = Bernoulli(logits=logits.double(), validate_args=False)
    pixels = on.log_prob(images[:, None])  # (2^d, k, d)
    lw, p = log_w.double(), logits.double().sigmoid()
    table = (pixels.sum(2) + lw).exp().sum(1)  # the probability of each image

    def tested(x, seen, due, why, mistake=None, ideas=None, logits=logits):
        out = t.call(fill_in, x, seen, log_w, logits)
        lost = {"batch axis lost": tuple(due.shape[1:])} if len(x) == 1 else None
        t.shape(out, due.shape, "one number for each pixel.", ideas=lost)
        t.finite(out, why, mistake or "not finite")
        t.close(out, due, why, mistake, ideas, tol=1e-4)
        return out

    rows = images[t.integers(4, low=0, high=2**d - 1)].float()
    masks = torch.eye(d)[:4].bool() | (torch.arange(d) == d - 1)
    masks[0, 2:4] = True

    def completed(masks):
        same = ((images == rows[:, None]) | ~masks[:, None]).all(2) * table
        return (same @ images) / same.sum(1, keepdim=True)

    def filled(each, weights=lw, probs=p):
        """From what a mistake takes as the evidence of each component, (4, k)."""
        r = Categorical(logits=each + weights).probs
        return torch.where(masks, rows.double(), r @ probs)

    t.property("given some pixels: the share of the completions that light each other")
    due, each = completed(masks), on.log_prob(rows.double()[:, None])
    seen = (each * masks[:, None]).sum(2)
    lit = (each * masks[:, None] * rows[:, None]).sum(2)
    half = on.log_prob(torch.tensor(0.5).double())
    dark = torch.where(masks[:, None], each, on.log_prob(torch.zeros(d).double()))
    best = torch.eye(k).double()[(seen + lw).argmax(1)].log()
    mean = Categorical(logits=seen + lw).probs @ logits.double()
    across = (seen + lw - (seen + lw).logsumexp(0)).exp() @ p
    ideas = {
        "what was seen is not used": filled(0 * seen),
        "weights left out": filled(seen, 0 * lw),
        "weights added, not their logarithms": filled(seen, lw.exp()),
        "best component only": [
            filled(best),
            filled(torch.eye(k).double()[seen.argmax(1)].log()),
        ],
        "logits averaged": torch.where(masks, rows.double(), mean.sigmoid()),
        "unseen pixels taken as dark": filled(dark.sum(2)),
        "unseen pixels taken as half lit": filled(
            torch.where(masks[:, None], each, half).sum(2)
        ),
        "dark pixels left out": filled(lit),
        "normalized over the examples": torch.where(masks, rows.double(), across),
        "one mask for all images": [
            filled((each * m).sum(2)) for m in (masks[0], masks.all(0))
        ],
        "unseen values leak in": filled(each.sum(2)),
    }
    out = t.tensor(t.call(fill_in, rows, masks, log_w, logits)).detach().double()
    t.shape(out, (4, d), "one number for each pixel.")
    kept = (out - due)[~masks].abs().max() < 1e-4
    name = "seen pixels overwritten" if kept else None
    if ((out == 0) | (out == 1)).all():
        name = "drawn in place of probabilities"
    tested(rows, masks, due, "Added up, one by one.", name, ideas)

    t.property("images and components in another order")
    turned = [v.flip(0) for v in (rows, masks, log_w, logits)]
    out, kept = t.call(fill_in, *turned), "result of an earlier call"
    t.close(out, due.flip(0), "The same, in that order.", kept, tol=1e-4)

    t.property("nothing seen, in a batch of one")
    due = ((table @ images) / table.sum())[None]
    tested(rows[:1], masks[:1] & False, due, "Shares of all images.")
    t.property("everything seen")
    every = masks | True
    tested(rows, every, rows, "All is as it was.", "seen pixels overwritten")

    t.property("what stands at unseen pixels does not matter")
    for value in (7.0, math.nan, math.inf):
        x = torch.where(masks, rows, value)
        tested(x, masks, completed(masks), "Not seen.", "unseen values leak in")

    t.property("3,000 pixels, of which most say nothing about the component")
    wide = t.away(1, 3000, low=0.4, high=2.5).expand(k, -1)
    wide, some = torch.cat([logits, wide], 1), torch.ones(4, 3000).bool()
    more = t.integers(4, 3000, low=0, high=1).float()
    due = torch.cat([completed(masks), more], 1)
    x, some = torch.cat([rows, more], 1), torch.cat([masks, some], 1)
    tested(x, some, due, "As without them.", "underflow to zero", None, wide)

    t.property("logits of ±200")
    signs = logits[:1].sign()
    signs[0, :2] = torch.tensor([1.0, -1.0])  # both ends
    pattern, sharp = (signs > 0).float(), 200 * signs.expand(k, d).contiguous()
    some = torch.arange(d)[None] < d - 1
    pair = torch.cat([pattern, torch.where(some, 1 - pattern, pattern)])
    why, name = "The last pixel is sure.", "logarithm of a saturated sigmoid"
    for i in (0, 1):
        tested(pair[[i]], some, pair[[i]], why, name, None, sharp)
    why, name = "The same two in one batch.", "one shift for all examples"
    tested(pair, some.expand(2, d), pair, why, name, None, sharp)

    t.property("pixels that surprise: of two components, one at -25 and one at -50")
    far = torch.tensor([[-50.0] * d, [-25.0] * d, [-60.0] * d])
    far[:, d - 1] = torch.tensor([1.5, -1.5, 0.5])
    due = torch.cat([torch.ones(1, d - 1), far[1:2, -1:].sigmoid()], 1)
    why, name = "The second explains what was seen best by far.", "evidence cut off"
    tested(torch.ones(1, d), some, due, why, name, None, far)
