"""Exercise gm-10: Filling in what was not seen."""

import math

import torch
from torch.distributions import Bernoulli

from .._comparisons import far
from .._exercise import Exercise
from .._parts import wrong_part
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
        r"$p(x_i = 1 \mid x_S)$ is a mean over the components, weighted by "
        r"$p(z = j \mid x_S)$. An unseen pixel contributes 0 to the logarithm of each "
        "component, whatever stands in `x`. NaN times 0 is NaN: choose with "
        "`torch.where`.",
        "First the sum over the seen pixels of each component, shape `(b, k)`; its "
        "softmax with `log_w`; then a matrix product with the pixel probabilities.",
    ),
    misconceptions={
        "unseen pixels taken as dark": "Dark is a value; unseen is none.",
        "unseen pixels taken as half lit": "A pixel of 1/2 still contributes a factor, "
        "and not that of a sum over its values.",
        "guesses taken as evidence": "A guess for what was not seen (a mean, or the "
        "result itself, rounded or not) is no evidence: nothing enters for it.",
        "unseen values leak in": "What stands in x where seen is false must not "
        "matter, not even if it is NaN.",
        "seen and unseen exchanged": "True in seen means that the pixel was seen.",
        "what was seen is not used": "These are the probabilities before anything was "
        "seen: the weights of the components change with it.",
        "evidence with the wrong sign": "The components that explain what was seen "
        "worst get the largest shares.",
        "evidence counted otherwise": "Independent pixels add up, each seen one once: "
        "no mean over them, and nothing to make up for those that were not seen.",
        "logits in place of log-probabilities": "x times the logit is the "
        "log-probability only after log(1 + exp(logit)) of the same pixel, if it was "
        "seen, is taken off.",
        "evidence of all images added up": "Each image has its own component.",
        "joint in place of the conditional": "These are p(x_i = 1, x_S): p(x_S), the "
        "sum over the components, is to be divided by.",
        "logits averaged": "Probabilities are mixed, not their logits.",
        "logarithms averaged": "Probabilities are mixed: no geometric mean, and no "
        "harmonic one.",
        "probability of dark": "The probability that the pixel is lit is due.",
        "best component only": "Each row is that of one component, likeliest or drawn. "
        "The others may have made the image, too: all count by their shares.",
        "zeros and ones in place of probabilities": "The probability itself is due, no "
        "draw with it and not the likelier value.",
        "seen pixels overwritten": "A pixel that was seen keeps its value.",
        "dark pixels left out": "A seen pixel that is dark is evidence, too.",
        "evidence cut off": "A pixel that surprises by 50 nats counts twice as much as "
        "one that surprises by 25, and thousands of pixels by thousands of nats: "
        "clamps, a small number in a logarithm, or a fallback for products that "
        "underflow make them equal.",
        "probabilities kept from 0 and 1": "At a logit of 200 the probability is 1 as "
        "a float: the result is neither clamped nor smoothed.",
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

    def mistake(out):
        """What gives ``out``: the evidence, the weights, their use or the mixture."""
        seen, x, at = masks[:, None], rows.double(), logits.double()
        each = on.log_prob(x[:, None])  # (4, k, d)
        right, count = (each * seen).sum(2), masks.sum(1)[:, None]

        def filling(v):
            """The evidence where ``v``, (..., d), stands for what was not seen."""
            return torch.where(seen, each, on.log_prob(v)).sum(2)

        def mixed(e):
            return ((e + lw).softmax(1) @ p)[:, None]

        prior, again, iterated = lw.exp() @ p, filling(mixed(right)), right
        for _ in range(5):
            iterated = filling(mixed(iterated))
        none = 0 * x[0]
        linear = torch.where(seen, x[:, None] * at, 0)
        evidence = {
            "": [right],
            "what was seen is not used": [0 * right],
            "seen and unseen exchanged": [(each * ~seen).sum(2)],
            "unseen pixels taken as dark": [filling(none)],
            "unseen pixels taken as half lit": [filling(none + 0.5)],
            "guesses taken as evidence": [filling(prior), filling(p), again, iterated],
            "unseen values leak in": [each.sum(2)],
            "dark pixels left out": [(each * seen * x[:, None]).sum(2)],
            "logits in place of log-probabilities": [
                linear.sum(2),
                torch.where(seen, (2 * x[:, None] - 1) * at, 0).sum(2),
            ],
            "evidence with the wrong sign": [-right],
            "one mask for all images": [
                (each * m).sum(2) for m in (masks[0], masks.all(0))
            ],
            "evidence of all images added up": [0 * right + right.sum(0)],
            "evidence counted otherwise": [
                *(right / count, right / d, right * d / count, 2 * right)
            ],
        }
        weights = {
            "": [lw],
            "weights left out": [0 * lw],
            "weights added, not their logarithms": [lw.exp()],
            "weights counted otherwise": [2 * lw, -lw],
        }
        shares = {
            "": [lambda e, w: (e + w).softmax(1)],
            "normalized over the data": [lambda e, w: (e + w).softmax(0)],
            "joint in place of the conditional": [lambda e, w: (e + w).exp()],
        }
        mix = {
            "": [lambda r: r @ p],
            "logits averaged": [lambda r: (r @ at).sigmoid()],
            "logarithms averaged": [
                lambda r: (r @ p.log()).exp(),
                lambda r: 1 - (r @ (1 - p).log()).exp(),
            ],
            "probability of dark": [lambda r: 1 - r @ p, lambda r: r @ (1 - p)],
        }
        free = ~masks

        def fits(v):
            return not far(out[free], v[free], 1e-3).any()

        def make(e, w, use, sum_):
            return sum_(use(e, w))

        kept = not far(out[masks], rows[masks], 1e-4).any()
        if fits(due):
            return "seen pixels overwritten"
        if not kept and not far(out[free], rows[free], 1e-4).any():
            return "seen and unseen exchanged"
        pure = [
            any(not far(v[m], q[m], 2e-6).any() for q in p) for v, m in zip(out, free)
        ]
        if all(pure):
            return "best component only"
        parts = fits, make, evidence, weights, shares, mix
        name = wrong_part(*parts, most=1)
        if name is None and ((out == 0) | (out == 1)).all():
            return "zeros and ones in place of probabilities"
        return name or wrong_part(*parts)

    t.property("given some pixels: the share of the completions that light each other")
    due = completed(masks)
    out = t.tensor(t.call(fill_in, rows, masks, log_w, logits)).detach().double()
    t.shape(out, (4, d), "one number for each pixel.")
    off = far(out, due, 1e-4).any() and out.isfinite().all()
    name = mistake(out) if off else None
    tested(rows, masks, due, "Added up, one by one.", name)

    t.property("images and components in another order")
    turned = [v.flip(0) for v in (rows, masks, log_w, logits)]
    out, kept = t.call(fill_in, *turned), "result of an earlier call"
    t.close(out, due.flip(0), "The same, in that order.", kept, tol=1e-4)

    t.property("nothing seen, in a batch of one")
    due = ((table @ images) / table.sum())[None]
    ideas = {"weights left out": p.mean(0)[None]}
    tested(rows[:1], masks[:1] & False, due, "Shares of all images.", None, ideas)
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
    prior = torch.cat([torch.where(masks, rows.double(), lw.exp() @ p), more], 1)
    name, ideas = "underflow to zero", {"evidence cut off": prior}
    tested(x, some, due, "As without them.", name, ideas, wide)

    t.property("logits of ±200")
    signs = logits[:1].sign()
    signs[0, :2] = torch.tensor([1.0, -1.0])  # both ends
    pattern, sharp = (signs > 0).float(), 200 * signs.expand(k, d).contiguous()
    some = torch.arange(d)[None] < d - 1
    pair = torch.cat([pattern, torch.where(some, 1 - pattern, pattern)])
    why, name = "The last pixel is sure.", "logarithm of a saturated sigmoid"
    ends = {"probabilities kept from 0 and 1": []}
    for i in (0, 1):
        out = t.tensor(t.call(fill_in, pair[[i]], some, log_w, sharp)).detach()
        if (out - pair[[i]]).abs().max() < 0.2:  # near: a clamp of the result
            ends = {"probabilities kept from 0 and 1": out.double()}
        tested(pair[[i]], some, pair[[i]], why, name, ends, sharp)
    why, name = "The same two in one batch.", "one shift for all examples"
    tested(pair, some.expand(2, d), pair, why, name, None, sharp)

    t.property("pixels that surprise: of two components, one at -25 and one at -50")
    steep = torch.tensor([[-50.0] * d, [-25.0] * d, [-60.0] * d])
    steep[:, d - 1] = torch.tensor([1.5, -1.5, 0.5])
    due = torch.cat([torch.ones(1, d - 1), steep[1:2, -1:].sigmoid()], 1)
    why, name = "The second explains what was seen best by far.", "evidence cut off"
    tested(torch.ones(1, d), some, due, why, name, None, steep)
