"""Exercise ar-23: A guess, taken or not."""

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="ar-23",
    title="A guess, taken or not",
    difficulty=4,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Say how often a draft's token is taken, what it is replaced by, and what a "
        "pass of the large model brings.",
    ),
    statement=r"""
A cheap model, the draft, gives the next token the probabilities $q$; the model that is
to be drawn from gives it $p$. Speculative decoding
([Leviathan et al., 2023](https://arxiv.org/abs/2211.17192)) draws a token $x$ from $q$
and takes it with the probability $\min(1, p(x) / q(x))$. If it is not taken, another
one is drawn from a distribution `rest`, which does not depend on $x$, and is kept. This
can be chosen so that the token has the distribution $p$ in the end, whatever $q$ is.
Two functions are due.

- `step(p, q)`: both are float64, `(..., n)`, with any axes before the last, also none;
  each row is a distribution over $n$ tokens ($n$ is 1 or more, an entry may be 0, and
  the sum is 1 up to rounding). Return the pair `(accept, rest)` in float64. `accept`,
  `(...)`, is the probability that the draft's token is taken, whichever it is. `rest`,
  `(..., n)`, has sums of 1. Where a row of `q` equals that of `p` in all entries there
  is nothing left to draw: `rest` is `p` in this row. In other rows they may differ in
  the tenth digit only, and `rest` is due to eight digits there, too.
- `tokens(a, gamma)`: now the draft proposes `gamma` tokens, one after the other, and
  one pass of the large model judges all. They are looked at in this order, and each is
  taken with the probability `a`, independently of the others, up to the first that is
  not: in its place one is drawn from `rest`, and those after it are forgotten. If all
  are taken, the pass itself gives one more. Return the expected number of tokens that a
  pass adds to the text, to ten digits, in the shape of `a`: a float64 tensor of any
  shape with entries from 0 to 1, both of which occur, and so do numbers right next to
  1. `gamma` is an int, 0 or more.
""",
    stub='''
def step(p, q):
    """Two (..., n) -> accept (...), rest (..., n)."""
    return ..., ...


def tokens(a, gamma):
    """Probabilities of any shape, and an int -> as many expected numbers."""
    return ...
''',
    answers={"step": callable, "tokens": callable},
    hints=(
        "With which probability is a given token x drawn from the draft and taken? Its "
        "sum over all x is `accept`.",
        "What does this leave of p(x)? `rest` has to bring just that, whenever the "
        "draft's token is refused.",
        "The i-th token of a pass is added if the i - 1 before it were taken. A sum of "
        "probabilities has no 0/0.",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (accept, rest).",
        "two results exchanged": "The pair is (accept, rest).",
        "probability of refusal": "The probability that the token is taken is due.",
        "product of both": "The sum of p q is the probability that two draws agree; "
        "a token can be taken without that.",
        "mean over the tokens": "Tokens are drawn from q: each counts with q(x).",
        "weighted by the target": "Tokens are drawn from q, and p enters by the ratio "
        "alone.",
        "ratio turned around": "The ratio is p / q.",
        "ratio not cut at one": "A probability is 1 at most.",
        "all differences counted": "What q has too much of is what p has too little "
        "of: the sum of all differences counts it twice.",
        "a divergence in place of the overlap": "The probability is a sum over tokens "
        "of what p and q have in common, not a function of their KL divergence.",
        "of the likeliest token alone": "All tokens can be drawn.",
        "residual not normalized": "A distribution has the sum 1.",
        "residual of the draft": "Tokens of which q has too many come often enough; "
        "those that it has too few of must be made up for.",
        "absolute difference": "Where q is above p nothing is missing.",
        "negative entries": "No probability is below 0.",
        "target itself": "Drawing from p again would give what q has too much of "
        "once more.",
        "what both have in common": "That comes from the tokens that are taken.",
        "normalized over the batch": "Each row is a distribution by itself.",
        "softmax of the difference": "The shares of the missing probability are due, "
        "not of its exponential.",
        "nothing left to draw": "Where p and q are equal 0/0 stands: p is due there.",
        "another distribution where both are equal": "Where p and q are equal p is "
        "due.",
        "one decision for all rows": "Each row of p may or may not be that of q.",
        "decided entry by entry": "Where p and q are equal in one entry only, "
        "nothing is missing there, and nothing is due.",
        "digits lost": "Where p and q are near, 1 - accept has no digits left, and a "
        "small constant is not small.",
        "refused token's replacement left out": "Each pass adds a token that the draft "
        "did not propose: where one is refused, and where none is.",
        "last token left out": "If all are taken one more comes.",
        "all proposals judged": "Those after the first that is refused are forgotten.",
        "gamma without an end": "There are gamma proposals.",
        "one proposal too many": "There are gamma proposals, and one token more.",
        "0/0 where both are 0": "A token that neither model gives has no ratio, and no "
        "part in the sum.",
        "nearly equal taken for equal": "Rows that differ at all have a rest of their "
        "own: equal means in all digits.",
        "nan at zero": "Where a is 0 one token comes; 0 times the logarithm of 0, or "
        "0/0, is nan.",
        "0/0 at one": "Where a is 1 all gamma + 1 tokens come.",
        "digits lost next to one": "Next to 1 both 1 - a and what it divides are small "
        "differences of numbers near 1.",
    },
)
def ar_23(t, step, tokens):
    def rows(*shape):
        """Distributions of which no two are near, with zeros in some places."""
        p, q = (t.uniform(*shape, low=0.05, high=1.0).double() for _ in "12")
        p, q = p**2, q**2
        if shape[-1] > 3:
            p[..., 0] = q[..., 1] = 0
        return p / p.sum(-1, keepdim=True), q / q.sum(-1, keepdim=True)

    def taken(p, q):
        ratio, back = torch.where(q > 0, p / q, 1), torch.where(p > 0, q / p, 1)
        cut, both = ratio.clamp(max=1), torch.minimum(p, q).sum(-1)
        kl = [
            torch.where(v > 0, v * (v / w).log(), 0).sum(-1)
            for v, w in ((p, q), (q, p))
        ]
        best = [cut.gather(-1, v.argmax(-1, keepdim=True))[..., 0] for v in (p, q)]
        return {
            "probability of refusal": 1 - both,
            "product of both": [(p * q).sum(-1), (p * q).sqrt().sum(-1)],
            "mean over the tokens": cut.mean(-1),
            "weighted by the target": (p * cut).sum(-1),
            "ratio turned around": (q * back.clamp(max=1)).sum(-1),
            "ratio not cut at one": (q * ratio).sum(-1),
            "all differences counted": 1 - (p - q).abs().sum(-1),
            "a divergence in place of the overlap": [
                *(1 - v for v in kl),
                *((-v).exp() for v in kl),
            ],
            "of the likeliest token alone": best,
            "reduced over the batch": [0 * both + both.mean(), 0 * both + both.sum()],
        }

    def leftovers(p, q):
        sums = {
            "": lambda v: v / v.sum(-1, keepdim=True),
            "residual not normalized": [
                lambda v: v,
                lambda v: v / torch.minimum(p, q).sum(-1, keepdim=True),
            ],
            "normalized over the batch": [
                lambda v: v / v.sum(),
                lambda v: v / v.sum(0),
            ],
            "softmax of the difference": lambda v: v.softmax(-1),
        }
        above, below = (p - q).clamp(min=0), (q - p).clamp(min=0)
        kinds = {
            "": above,
            "residual of the draft": below,
            "absolute difference": above + below,
            "target itself": p,
            "what both have in common": torch.minimum(p, q),
        }
        yield from mistakes(lambda add, v: add(v), sums, kinds)
        yield "softmax of the difference", (p - q).softmax(-1)
        yield "absolute difference", (p - q).abs() / below.sum(-1, keepdim=True)

    def called(p, q):
        out = t.call(step, p, q)
        pair = isinstance(out, tuple | list) and len(out) == 2
        t.true(pair, "(accept, rest).", f"{type(out).__name__}", "no pair")
        shapes, right = [tuple(t.tensor(v).shape) for v in out], [p.shape[:-1], p.shape]
        swapped = shapes == [tuple(v) for v in right[::-1]]
        t.true(not swapped, "(accept, rest).", f"{shapes}", "two results exchanged")
        for v, shape in zip(out, right):
            ideas = {"reduced over the batch": ()}
            t.shape(v, shape, "a number for each row and token.", ideas=ideas)
            t.dtype(v, torch.float64, "that of p.")
        return out

    def judged(name, p, q, tol=1e-10, told=None):
        """``told(rest)``: the name of a mistake that only these rows show, or None."""
        accept, rest = called(p, q)
        t.property(f"accept: {name}", of=accept)
        each = torch.minimum(p, q)
        why = "Each token is drawn with q and taken with min(1, p/q)."
        lost = t.tensor(accept).isnan()
        both = ((p == 0) & (q == 0)).any(-1)
        known = "0/0 where both are 0" if lost.any() and (lost == both).all() else None
        t.close(accept, each.sum(-1), why, known, taken(p, q), tol)
        t.property(f"rest: {name}", of=rest)
        equal, above = (p == q).all(-1, keepdim=True), p - each
        right = torch.where(equal, p, above / above.sum(-1, keepdim=True))
        known = told(t.tensor(rest).detach()) if told else None
        ideas = None if told else leftovers(p, q)
        why = "With the tokens that are taken it gives p."
        none = not (t.tensor(rest) < -1e-12).any()
        t.true(none, why, "Some are below 0.", "negative entries")
        t.close(rest, right, why, known, ideas, tol)

    judged("several rows", *rows(4, 3))
    judged("rows with zeros", *rows(3, 5))
    for shape in ((6,), (2, 3, 4), (1, 2), (1, 1, 2, 9)):
        judged("other shapes", *rows(*shape))
    p = torch.eye(4).double()
    judged("certain tokens, the draft's never due", p, p.roll(1, 0))
    judged("a certain draft", rows(4, 4)[0], p)
    judged("a certain target", p, rows(4, 4)[1])

    def if_equal(rest):
        odd, others = rest[[1, 3]], rest[[0, 2]]
        if not odd.isfinite().all() or (odd.sum(-1) == 0).all():
            return "nothing left to draw"
        if (others - p[[0, 2]]).abs().max() < 1e-9:
            return "one decision for all rows"
        known = "another distribution where both are equal"
        return known if (odd.sum(-1) - 1).abs().max() < 1e-9 else None

    p, q = rows(4, 6)
    q[[1, 3]] = p[[1, 3]]
    judged("some rows equal", p, q, told=if_equal)
    for shape in ((5,), (2, 3), (1,), (3, 1)):
        p, _ = rows(*shape)
        none = lambda v: None if v.isfinite().all() else "nothing left to draw"  # noqa: E731
        judged("all rows equal", p, p.clone(), told=none)
    p, q = rows(5, 4)
    p[..., 1] = q[..., 1] = 0.25
    p, q = (v / v[..., [0, 2, 3]].sum(-1, keepdim=True) * 0.75 for v in (p, q))
    p[..., 1] = q[..., 1] = 0.25

    def entry(rest):
        return "decided entry by entry" if (rest[..., 1] == 0.25).all() else None

    judged("an entry equal in all rows", p, q, told=entry)
    p, q = rows(12, 3)
    q = p + 1e-10 * (q - q.roll(1, -1))

    def lost(rest):
        if not rest.isfinite().all():
            return None
        near = not far(rest, p, 1e-6).any()
        return "nearly equal taken for equal" if near else "digits lost"

    judged("rows that differ in the tenth digit", p, q, 1e-8, lost)

    def pass_by_pass(a, gamma):
        """Each way that a pass can end, with its probability."""
        ends = [(i + 1) * a**i * (1 - a) for i in range(gamma)]
        return sum(ends) + (gamma + 1) * a**gamma

    def counts(name, a, gamma, told=None):
        t.property(f"tokens: {name}")
        out, due = t.call(tokens, a, gamma), pass_by_pass(a, gamma)
        t.shape(out, tuple(a.shape), "as a.", ideas={"reduced over the batch": ()})
        t.dtype(out, torch.float64, "that of a.")
        ideas = {
            "refused token's replacement left out": due - 1,
            "last token left out": due - a**gamma,
            "all proposals judged": [gamma * a, gamma * a + 1],
            "gamma without an end": [1 / (1 - a), a / (1 - a)],
            "one proposal too many": due + a ** (gamma + 1),
        }
        told = told(t.tensor(out).detach()) if told else None
        why = "The sum over all ways in which a pass can end."
        t.close(out, due, why, told, ideas, 1e-10)

    for shape, gamma in (((5,), 4), ((), 3), ((2, 3), 7), ((1, 2, 1), 1), ((4,), 40)):
        a = t.uniform(*shape, low=0.3, high=0.9).double()
        counts("between 0 and 1", a, gamma)
    counts("no proposals", t.uniform(3, low=0.2, high=0.8).double(), 0)
    zero = lambda v: None if v.isfinite().all() else "nan at zero"  # noqa: E731
    counts("never taken", torch.zeros(2).double(), 3, zero)
    a = torch.tensor([1, 0.25, 1, 0]).double()
    nan = lambda v: "0/0 at one" if not v[[0, 2]].isfinite().all() else None  # noqa: E731
    for gamma in (4, 0):
        counts("always taken", a, gamma, nan)
    near = 1 - torch.tensor([1e-7, 1e-9, 3e-12, 7e-15, 2.3e-16]).double()
    few = lambda v: "digits lost next to one" if ((v - 7).abs() < 3).all() else None  # noqa: E731
    counts("right next to 1", near, 6, few)
