"""Exercise diff-26: A block that begins as nothing."""

from itertools import permutations

import torch

from .._exercise import Exercise
from .._parts import mistakes
from .._trial import alike
from ._shared_noised import again, drawn, slopes

FAR, ROOT = "difference of large numbers", "nothing under the root"
ORDER = "six parts in another order"


@Exercise(
    id="diff-26",
    title="A block that begins as nothing",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Put a block of a diffusion transformer together from its parts, so that it is "
        "steered by what is told and is the identity where nothing is.",
    ),
    statement=r"""
A block of a diffusion transformer
([Peebles & Xie, 2023](https://arxiv.org/abs/2212.09748), section 3.2) adds two things
to its tokens, one after the other: what attention, and then what a small net at each
position makes of them. What is told (a time, a class) has no token: it steers both by
factors and summands.

Write `block(h, told, modulate, attend, mlp)`. `h` holds the tokens, `(b, n, d)`, and
`told` what is told, `(b, k)`. The three others are functions. `modulate` takes `told`
to `(b, 6 d)`: for each example six vectors of `d` values, one after the other, in
**this order**: gate, scale, shift of the attention; gate, scale, shift of the net.
They hold for all tokens of the example. `attend` and `mlp` take `(b, n, d)` to
`(b, n, d)`.

Each of the two branches does this: the tokens are normalized; then multiplied by
1 + scale, and the shift is added; of that the function is taken; its result, multiplied
by the gate, is added to the tokens as they were before they were normalized. The second
branch begins with what the first has made. *Normalized* means: from each token its mean
over the `d` channels is subtracted, and it is divided by the root of its variance plus
$10^{-6}$, where the variance is the mean of the squares; no factor or summand is
learned here. A token whose channels are all equal becomes 0.

Call each function once, with the whole batch. Return `(b, n, d)`. `h` and `told`, and
what the functions return, are all float32 or all float64; so is what they are given,
and the result. All sizes are 1 or more. What the functions are given, and the result,
are right within $10^{-9}$ of 1 plus their size in float64 and $10^{-4}$ in float32,
for tokens of a spread from $10^{-3}$ to $10^3$; in float32 they may also lie near 3000
with a spread of 1, and $10^{-2}$ is asked for there. Where `modulate` says 0, the
result is exactly `h`. Gradients flow to `h` and `told`, at tokens whose channels are
all equal, too. Nothing that is given or returned by the functions is changed.
""",
    stub='''
def block(h, told, modulate, attend, mlp):
    """(b, n, d), (b, k), and three functions -> (b, n, d)."""
    return ...
''',
    answers={"block": callable},
    hints=(
        "`modulate(told)` has no axis of tokens: after `chunk(6, ...)` each part is "
        "`(b, d)`, and `(b, n, d)` needs one of length 1 in between.",
        "`F.layer_norm` without weight and bias normalizes over the last axis; its "
        "`eps` is another one if you do not say so.",
        "One branch is a function of the tokens, three parts and `attend` or `mlp`. "
        "The block is two calls of it, the second on the result of the first.",
    ),
    misconceptions={
        ORDER: "Gate, scale, shift: first the three of the attention.",
        "values of the six parts mixed": "The six vectors lie one after the other, not "
        "value by value.",
        "parts along the axis of tokens": "The six parts belong to an example, and "
        "hold for all of its tokens.",
        "told changed on the way": "modulate is given what is told, as it is.",
        "function not called once": "Each function is called once, with the whole "
        "batch.",
        "normalized over another axis": "Each token is normalized by itself, over its "
        "channels.",
        "norm left out": "Each branch begins with a norm.",
        "mean not subtracted": "The mean of the channels is subtracted before the "
        "token is divided.",
        "variance of a sample": "The variance is the mean of the squares: divided by "
        "d, not d - 1.",
        "another number under the root": "1e-6 is added to the variance, under the "
        "root.",
        ROOT: "A token whose channels are all equal has the variance 0.",
        "scale without the 1": "A scale of 0 leaves the token as it is.",
        "scale left out": "What is normalized is multiplied by 1 + scale.",
        "shift left out": "After the factor the shift is added.",
        "shift before the factor": "The shift is added last, and is not multiplied.",
        "gate left out": "What a branch adds is multiplied by its gate: at 0 it adds "
        "nothing.",
        "gate plus one": "A gate of 0 adds nothing.",
        "gate at another place": "The gate multiplies what is added, and nothing else.",
        "tokens not added": "The branch adds to the tokens, and does not take their "
        "place.",
        "normalized tokens added to": "What goes on are the tokens as they were before "
        "the norm.",
        "both branches from the same tokens": "The second branch begins with what the "
        "first has made.",
        "branches exchanged": "Attention comes first.",
    },
)
def diff_26(t, block):
    past: list = []

    def judged(name, b, n, d, k=3, *, kind=torch.float64, change=None, tol=0.0,
               default=None):  # fmt: skip
        t.property(name)
        h, c, parts = made(t, b, n, d, k, kind)
        h = change(h) if change else h
        out = t.call(block, h, c, *parts)
        lost = {"batch axis lost": [tuple(v for v in (b, n, d) if v > 1)]}
        t.shape(out, (b, n, d), "that of h.", ideas=lost if 1 in (b, n, d) else None)
        t.dtype(out, kind, "that of h.")
        names = ("modulate", "attend", "mlp")
        for part, f in zip(names, parts):
            got = f"{len(f.seen)} calls of {part}"
            t.true(len(f.seen) == 1, "One call.", got, "function not called once")
            if not alike(f.given[0].detach().double(), f.said[0], tol=0.0):
                t.spoiled("input changed in place", f"What {part} gave has changed.")
        modulate, attend, mlp = parts
        t.shape(modulate.seen[0], c.shape, "of what modulate is given.")
        t.equal(modulate.seen[0], c, "As it is.", "told changed on the way")
        when = [f.when for f in parts[1:]]
        t.true(when[0] < when[1], "attend first.", "mlp first", "branches exchanged")
        tol = tol or (1e-9 if kind == torch.float64 else 1e-4)
        said, h = modulate.said[0], h.double()
        six = said.reshape(b, 6, 1, d).unbind(1)
        first = torch.addcmul(h, six[0], attend.said[0])
        last = torch.addcmul(first, six[3], mlp.said[0])
        stages = (
            ("what attend is given", attend, entered(h, said, n, 0)),
            ("what mlp is given", mlp, added(h, said, attend, n)),
            ("the result", None, ended(first, said, mlp, h, n)),
        )
        dues = seen(h, six[1], six[2]), seen(first, six[4], six[5]), last
        for (where, f, ideas), due in zip(stages, dues):
            got = t.tensor(out).detach() if f is None else f.seen[0]
            t.shape(got, (b, n, d), f"of {where}.")
            if f is not None:
                told = str(f.dtype), "wrong dtype"
                t.true(f.dtype == kind, f"{kind} for {where}.", *told)
            t.finite(got, "A number everywhere.", default or "not finite")
            near = kind == torch.float64 and torch.allclose(got, due, 1e-5, 1e-5)

            def found(ideas=ideas, got=got, near=near, due=due, last=f is None):
                yield from ideas
                digits = near and default is None
                yield "not to the digits asked for", [got] * digits
                old = [v for v in past if last and v.shape == due.shape]
                yield "result of an earlier call", old

            t.close(got, due, f"Of {where}.", default, found(), tol)
        past.append(last)
        return h, c, parts

    h, told, parts = made(t, 3, 3, 4, 2, torch.float64)
    again(t, block, h, told, *parts)
    judged("as many examples as tokens", 4, 4, 5)
    for name in ("a few tokens", "the same sizes, other numbers"):
        judged(name, 3, 4, 5)
    judged("one example, one token", 1, 1, 4)
    judged("one channel", 2, 3, 1)
    judged("as many of all", 6, 6, 6, 6)
    judged("many channels", 2, 5, 96, 1)
    judged("tokens of small spread", 3, 4, 5, change=lambda h: h / 900)
    judged("large tokens", 3, 4, 5, change=lambda h: h * 900)
    judged("float32", 3, 4, 5, kind=torch.float32)
    judged("float32, small", 3, 4, 5, kind=torch.float32, change=lambda h: h / 900)
    judged("float32, large", 3, 4, 5, kind=torch.float32, change=lambda h: h * 900)
    judged("tokens near 3000, float32", 3, 4, 64, kind=torch.float32, tol=1e-2,
           change=lambda h: h + 3000, default=FAR)  # fmt: skip

    def flat(h):
        h[0] = 1.5
        h[1, 0] = 0
        return h

    given = judged(
        "tokens whose channels are equal", 3, 4, 5, change=flat, default=ROOT
    )
    for kind in (torch.float64, torch.float32):
        t.property(f"nothing is added where modulate says 0, {kind}")
        h, told, parts = made(t, 3, 4, 5, 2, kind)
        parts[0].factor = 0
        out = t.call(block, h, told, *parts)
        t.equal(out, h.double(), "h, to the last digit.", "gate at another place")
    t.property("gradients")

    def due(h, told):
        modulate, attend, mlp = given[2]
        six = modulate(told).reshape(len(h), 6, 1, -1).unbind(1)
        h = torch.addcmul(h, six[0], attend(seen(h, six[1], six[2])))
        return torch.addcmul(h, six[3], mlp(seen(h, six[4], six[5])))

    def f(h, told):
        return t.call(block, h, told, *given[2])

    h, told, parts = made(t, 3, 4, 5, 3, torch.float64)
    why = "Those of both branches."
    slopes(t, "gradients", f, due, h, told, why=why)
    leaf = flat(h).requires_grad_()
    slope = t.grad(f(leaf, told), leaf)
    t.property("gradients where channels are equal")
    t.finite(slope, "A number everywhere.", ROOT)
    t.close(slope, t.grad(due(leaf, told), leaf), why, None, None, 1e-8)


class Part:
    """A function of tensors; it keeps what it was asked and said."""

    clock = 0

    def __init__(self, f):
        self.f, self.factor, self.dtype, self.when = f, 1, None, 0
        self.seen, self.said, self.given = [], [], []

    def __call__(self, x):
        Part.clock += 1
        self.when, self.dtype = Part.clock, x.dtype
        self.seen.append(x.detach().double().clone())
        out = (self.factor * self.f(x.double())).to(x.dtype)
        self.said.append(out.detach().double().clone())
        self.given.append(out)
        return out


def made(t, b, n, d, k, kind):
    """Tokens, what is told, and the three functions."""
    into, more = drawn(t, k, 6 * d) / k, drawn(t, 6 * d)
    mix, ways = drawn(t, n, n) / n, [drawn(t, d, d) / d**0.5 for _ in range(2)]
    modulate = Part(lambda c: (c @ into).sin() + 0.7 * more)
    attend = Part(lambda x: torch.einsum("ij,bjd->bid", mix, (x @ ways[0]).tanh() + x))
    mlp = Part(lambda x: (x @ ways[1]).cos() + 0.3 * x)
    h, told = drawn(t, b, n, d, kind=kind), drawn(t, b, k, kind=kind)
    return h, told, (modulate, attend, mlp)


def normal(h, axes=(-1,), correction=0, under=1e-6, center=True, after=0.0):
    off = h - h.mean(axes, keepdim=True) if center else h
    count = off.numel() / off.mean(axes, keepdim=True).numel()
    square = off.square().sum(axes, keepdim=True) / max(count - correction, 1e-9)
    return off / ((square + under) ** 0.5 + after)


def seen(h, scale, shift):
    """What a branch's function is due to be given."""
    return torch.addcmul(normal(h), normal(h), scale) + shift


NORMS = {
    "": normal,
    "norm left out": lambda h: h,
    "normalized over another axis": [
        lambda h: normal(h, (1,)), lambda h: normal(h, (0,)),
        lambda h: normal(h, (1, 2)), lambda h: normal(h, (0, 1)),
        lambda h: normal(h, (0, 1, 2)),
    ],
    "mean not subtracted": lambda h: normal(h, center=False),
    "variance of a sample": [
        lambda h: normal(h, correction=1),
        lambda h: normal(h, correction=1, under=0.0, after=1e-6),
    ],
    "another number under the root": [
        lambda h: normal(h, under=1e-5), lambda h: normal(h, under=0.0),
        lambda h: normal(h, under=1e-8), lambda h: normal(h, under=1e-12),
        lambda h: normal(h, under=0.0, after=1e-6), lambda h: normal(h, under=1e-3),
        lambda h: normal(h, under=0.0, after=1e-5),
    ],
}  # fmt: skip
AFFINES = {
    "": lambda x, scale, shift: (1 + scale) * x + shift,
    "scale without the 1": lambda x, scale, shift: scale * x + shift,
    "scale left out": lambda x, scale, shift: x + shift,
    "shift left out": [
        lambda x, scale, shift: (1 + scale) * x, lambda x, scale, shift: scale * x,
    ],
    "shift before the factor": [
        lambda x, scale, shift: (1 + scale) * (x + shift),
        lambda x, scale, shift: scale * (x + shift),
    ],
}  # fmt: skip
GATES = {
    "": lambda h, gate, new: h + gate * new,
    "gate left out": lambda h, gate, new: h + new,
    "gate plus one": lambda h, gate, new: h + new + gate * new,
    "gate at another place": [
        lambda h, gate, new: gate * h + gate * new, lambda h, gate, new: gate * h + new,
        lambda h, gate, new: h + gate + new,
        lambda h, gate, new: (1 - gate) * h + gate * new,
    ],
    "tokens not added": [lambda h, gate, new: gate * new, lambda h, gate, new: new],
    "sign flipped": lambda h, gate, new: h - gate * new,
}  # fmt: skip


def cuts(said, n, count):
    """Choices of ``count`` of the six parts, from the first; (b, 1, d) or as tokens."""
    b, d = len(said), said.shape[1] // 6
    six = said.reshape(b, 6, 1, d).unbind(1)
    strewn = said.reshape(b, 1, d, 6).unbind(3)
    found = {
        "": six,
        ORDER: [tuple(six[i] for i in p) for p in permutations(range(6), count)],
        "values of the six parts mixed": strewn,
        "parts along the axis of tokens": tuple(v.reshape(1, b, d) for v in six),
    }
    if b != n:
        found.pop("parts along the axis of tokens")
    return found


def entered(h, said, n, _):
    """What attend is given, by mistakes."""
    cut = cuts(said, n, 2)
    parts = {name: v if name == ORDER else v[1:3] for name, v in cut.items()}
    return mistakes(
        lambda norm, affine, p: affine(norm(h), *p),
        NORMS,
        AFFINES,
        parts,
        most=1,
        tol=3e-8,
    )


def added(h, said, attend, n):
    """What mlp is given, by mistakes: of the first gate, and of the second norm."""
    cut, new = cuts(said, n, 3), attend.said[0]
    parts = {
        name: v if name == ORDER else (v[0], v[4], v[5]) for name, v in cut.items()
    }
    entry = attend.seen[0]
    starts = {
        "": lambda gate, p: gate(h, p, new),
        "normalized tokens added to": [
            lambda gate, p: gate(normal(h), p, new),
            lambda gate, p: gate(entry, p, new),
        ],
        "both branches from the same tokens": lambda gate, p: h,
    }  # fmt: skip

    def make(start, gate, norm, affine, p):
        return affine(norm(start(gate, p[0])), *p[1:])

    return mistakes(make, starts, GATES, NORMS, AFFINES, parts, most=1, tol=3e-8)


def ended(first, said, mlp, h, n):
    """The result, by mistakes."""
    cut, new = cuts(said, n, 1), mlp.said[0]
    parts = {
        name: [p[0] for p in v] if name == ORDER else v[3] for name, v in cut.items()
    }
    starts = {
        "": first,
        "normalized tokens added to": [normal(first), mlp.seen[0]],
        "both branches from the same tokens": h,
    }
    return mistakes(
        lambda x, gate, p: gate(x, p, new), starts, GATES, parts, most=1, tol=3e-8
    )
