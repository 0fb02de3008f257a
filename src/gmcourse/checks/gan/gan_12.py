"""Exercise gan-12: Around the sphere."""

import math
from typing import Any

import torch
from torch import Tensor

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="gan-12",
    title="Around the sphere",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Go from one noise vector to another without leaving the lengths that noise "
        "has, in a way that survives rounding.",
    ),
    statement=r"""
In many dimensions nearly all noise lies near a sphere, and the middle of a straight
line between two noise vectors does not. Hence many pages of pictures go around it.

Write `slerp(a, b, t)`: `a` and `b` are `(n, d)`, none of their rows is zero, and `t` is
`(k,)` with values from 0 to 1. Return `(k, n, d)`, of the dtype of `a` and `b` (float32
or float64; `t` has the same): for each time and each row the vector

- whose **direction** lies on the shorter great circle from the direction of the row of
  `a` to that of `b`, at an angle from `a` that is `t` times the angle between the two;
- whose **length** is `(1 - t)` times that of the row of `a` plus `t` times that of `b`.

The lengths of the two may differ by a factor of 100. The angle of a row may be 0, or
so small that its cosine is 1 in float32, or as large as 2.9 (so there is always one
shorter way). Each vector has to be right to 1e-5 of its length, at every angle. The
inputs are not changed.
""",
    stub='''
def slerp(a, b, t):
    """(n, d), (n, d), (k,) -> (k, n, d)."""
    return ...
''',
    answers={"slerp": callable},
    hints=(
        "Length and direction apart: divide by the lengths first, and multiply at the "
        "end.",
        r"Of unit vectors $u$ and $v$ at the angle $\omega$, the direction at time $t$ "
        r"is $\frac{\sin((1 - t)\, \omega)}{\sin \omega}\, u + "
        r"\frac{\sin(t\, \omega)}{\sin \omega}\, v$: check its length.",
        "What do the two quotients become as the angle goes to 0? And which cosine "
        "does float32 give for `b = 3 * a`: always at most 1?",
    ),
    misconceptions={
        "formula of unit vectors on others": "sin((1-t)ω)/sin ω and sin(tω)/sin ω turn "
        "evenly between vectors of one length. Of two lengths, the longer one pulls.",
        "a straight line": "(1-t) a + t b cuts through the sphere.",
        "a straight line, then stretched": "Stretched to the right length, a chord "
        "still does not turn evenly: slowly at its ends, fast in the middle.",
        "length lost": "The directions are right and the lengths 1: multiply.",
        "length of one end": "The length goes from that of a to that of b.",
        "length between the ends otherwise": "It is (1-t) |a| + t |b|: no geometric "
        "mean, no root of squares.",
        "times turned around": "t = 0 is a, and t = 1 is b.",
        "norms along the other axis": "A row is a vector: its length and its dot "
        "product are sums over axis 1.",
        "times not those of t": "t may hold any times from 0 to 1, in any steps.",
        "times paired with rows": "Every row is due at every time, also where there "
        "are as many times as rows.",
        "times along the wrong axis": "Each time is for whole vectors, not for their "
        "coordinates.",
        "angle of the lengths, too": "The cosine is the dot product divided by both "
        "lengths.",
        "one angle for all rows": "Each row has an angle of its own.",
        "one length for all rows": "Each row has a length of its own.",
        "quarter turn for all rows": "cos(πt/2) a + sin(πt/2) b, or roots of t, are "
        "for vectors at right angles: the angle between these is another.",
        "longer way around": "An angle lies between 0 and π.",
        "angle wrong": "cos of the angle is the dot product of the directions: acos of "
        "it, in radians, of no other number.",
        "obtuse angles folded": "b and -b are different noise: what is done for "
        "quaternions is wrong here.",
        "not divided by the sine": "Without it the two weights are not those of unit "
        "vectors.",
        "weights exchanged": "sin((1-t)ω) goes with a.",
        "not a number where directions agree": "0/0, or acos of a cosine that rounding "
        "left above 1. At the angle 0 the direction stays, and the length still "
        "changes.",
        "length where directions agree": "At the angle 0 the length goes from |a| to "
        "|b| as everywhere.",
        "straight where the angle is small": "The middle of a chord of 0.03 radians "
        "lies below its arc by 1e-4 of the length: go straight only where float32 "
        "cannot tell, or stretch the result.",
        "wrong at small angles": "Something is added to the angle or its sine, or the "
        "cosine is cut off before 1.",
        "wrong at large angles": "Near a half turn the sine is small again: nothing "
        "may be added to it, or cut off.",
        "times and rows exchanged": "The first axis is that of t.",
        "wrong at the ends": "t = 0 gives a, and t = 1 gives b.",
    },
)
def gan_12(t, slerp):
    n, d, k = t.integer(4, 5), t.integer(7, 9), 3
    angles = t.uniform(n, low=0.5, high=2.6)
    angles[:2] = t.uniform(2, low=0.6, high=1.2) + torch.tensor([0.0, 1.3])
    a, b = pair(t, angles, d)
    times = t.uniform(k, low=0.1, high=0.25) + torch.tensor([0.0, 0.3, 0.6])

    t.property("a vector for each time and each row")
    out = t.call(slerp, a, b, times)
    ideas = {"times and rows exchanged": (n, k, d)}
    t.shape(out, (k, n, d), "first the times, then the rows.", ideas=ideas)
    t.dtype(out, torch.float32, "a and b are float32.")

    t.property("angle and length at times between", of=out)
    t.finite(out, "Real numbers.")
    why = "The length asked for; and turned by t times the angle, in the plane of both."
    t.close(out, due(a, b, times), why, ideas=rivals(a, b, times), tol=1e-4)
    double = t.call(slerp, a.double(), b.double(), times.double())
    t.dtype(double, torch.float64, "a and b are float64.")
    fine, why = due(a, b, times), "The same in float64."
    t.close(double, fine, why, ideas=rivals(a, b, times), tol=1e-5)

    t.property("as many times as rows and dimensions")
    ends, m = t.uniform(4, low=0.5, high=2.6), 4
    square, some = pair(t, ends, m), t.uniform(m, low=0.1, high=0.9)
    some[1:] = 1 - some[0] * torch.tensor([0.3, 0.9, 0.6])
    fine, why = due(*square, some), "First the times, then the rows."
    t.close(t.call(slerp, *square, some), fine, why, ideas=astray(*square, some),
            tol=1e-4)  # fmt: skip
    earlier = []

    def right(name, a, b, times, mistake=None):
        """Each vector to 1e-5 of its own length."""
        t.property(name)
        made = t.call(slerp, a, b, times)
        t.shape(made, (len(times), *a.shape), "a vector for each time and row.")
        t.finite(made, "Real numbers.", "not a number where directions agree")
        whole, seen = due(a, b, times), t.tensor(made).detach()
        long = whole.norm(dim=2)
        off = (seen - whole).norm(dim=2) / long

        def fits(value, tol=3e-6):
            """Not what is due, and what came out wherever that is wrong."""
            wrong = off > 1.1e-5
            near = (seen - value).norm(dim=2) < tol * value.norm(dim=2)
            return bool(wrong.any() and near[wrong].all())

        if mistake == "length where directions agree":
            stretched = ((seen.norm(dim=2) - long).abs() > 1e-5 * long).any()
            mistake = mistake if stretched else "wrong at small angles"
        close = (a * b).sum(1) > 0.99 * a.norm(dim=1) * b.norm(dim=1)
        if close.all() and any(
            fits(line)
            for line in chords(a.double(), b.double(), times.double()[:, None, None])
        ):
            mistake = "straight where the angle is small"
        for other in earlier:
            if other[0].shape == a.shape and any(
                fits(v, 1e-4) for v in remembered(other, (a, b, times))
            ):
                mistake = "result of an earlier call"
        for name, values in lengths_between(a, b, times):
            if any(fits(v, 1e-4) for v in values):
                mistake = name
        earlier.append((a, b, times))
        t.at_most(off, 1.1e-5, "The distance from what is due, by its length.", mistake)

    few = torch.tensor([0.0, 0.3, 0.55, 1.0])
    right("the ends", a, b, torch.tensor([0.0, 1.0]), "wrong at the ends")
    scales = torch.tensor([10.0, 0.2, 1, 4, 0.5])[:n, None]
    right("lengths that differ more", a * scales, b, few)
    rows = 40
    for name, low, high, mistake in (
        ("angles of 0.00001 to 0.001", 1e-5, 1e-3, "wrong at small angles"),
        ("angles of 0.011 to 0.031", 0.011, 0.0312, "wrong at small angles"),
        ("angles near 2.9", 2.87, 2.9, "wrong at large angles"),
    ):
        ends = low + (high - low) * torch.rand(rows, generator=t.rng).double()
        a, b = pair(t, ends, d)
        b = torch.cat([a[:10].norm(dim=1, keepdim=True) * b[:10] /
                       b[:10].norm(dim=1, keepdim=True), b[10:]])  # fmt: skip
        right(name, a, b, few, mistake)

    flat, length = t.away(rows, d, low=0.2, high=1.5), "length where directions agree"
    right("b is a multiple of a", flat, t.uniform(rows, 1, low=0.3, high=4) * flat,
          few, length)  # fmt: skip
    right("b is a", flat, flat.clone(), few, length)

    t.property("one row, one time, two dimensions")
    a, b = pair(t, t.uniform(1, low=0.7, high=1.5), 2)
    one = t.call(slerp, a, b, times[:1])
    t.shape(one, (1, 1, 2), "axes of length one count.", "batch axis lost")
    t.close(one, due(a, b, times[:1]), "As for many.", tol=1e-4)


def pair(t, angles: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """Rows at these angles, of lengths 0.5 to 5, as float32 holds them."""
    basis = torch.randn(len(angles), d, 2, generator=t.rng).double()
    u, v = torch.linalg.qr(basis)[0].unbind(2)
    ends = angles.double()[:, None]
    sizes = t.uniform(2, len(angles), 1, low=0.5, high=5).double()
    sizes[1] = torch.where(
        (sizes[1] / sizes[0]).log().abs() < 0.4, 2 * sizes[1], sizes[1]
    )
    a, b = sizes[0] * u, sizes[1] * (ends.cos() * u + ends.sin() * v)
    return a.float(), b.float()


def due(a: Tensor, b: Tensor, times: Tensor) -> Tensor:
    """By turning in the plane of both, from Gram and Schmidt, in float64."""
    return gone(a, b, times.double()[:, None, None])


def gone(a, b, s, omega=None, ends=None) -> Tensor:
    """After the part ``s``; of other angles or lengths than those of a and b."""
    a, b = a.double(), b.double()
    sizes = [v.norm(dim=1, keepdim=True) for v in (a, b)]
    u = a / sizes[0]
    rest = b - (b * u).sum(1, True) * u
    height = rest.norm(dim=1, keepdim=True)
    if omega is None:
        omega = torch.atan2(height, (b * u).sum(1, True))
    turned = s * omega
    side = rest / height.clamp(min=1e-300)
    long, other = ends or sizes
    return (long + s * (other - long)) * (turned.cos() * u + turned.sin() * side)


def angle(a: Tensor, b: Tensor) -> Tensor:
    """By a difference and a sum: all digits near 0, too."""
    u, v = (w.double() / w.double().norm(dim=1, keepdim=True) for w in (a, b))
    chord, rest = (w.norm(dim=1, keepdim=True) for w in (u - v, u + v))
    return 2 * torch.atan2(chord, rest)


def remembered(old, new):
    """What is left of an earlier call: all of it, its angles, its lengths."""
    (a, b, times), s = old, new[2].double()[:, None, None]
    ends = [v.double().norm(dim=1, keepdim=True) for v in (a, b)]
    if len(times) == len(new[2]):
        yield due(*old)
    yield gone(*new[:2], s, omega=angle(a, b))
    yield gone(*new[:2], s, ends=ends)
    yield gone(*new[:2], s, angle(a, b), ends)


def astray(a: Tensor, b: Tensor, t: Tensor):
    """What times along another axis give, where all axes are of one length."""
    t, k = t.double(), len(t)
    one = due(a, b, t)
    for name, s in (
        ("times paired with rows", t[None, :, None].expand(k, k, 1)),
        ("times along the wrong axis", t[None, None, :].expand(k, k, k)),
    ):
        made = gone(a, b, s)
        yield name, [made, made.transpose(0, 1)]
    yield (
        "times and rows exchanged",
        [one.transpose(0, 1), one.transpose(1, 2), one.transpose(0, 2)],
    )
    yield from rivals(a, b, t)


def lengths_between(a: Tensor, b: Tensor, times: Tensor):
    """What lengths that are wrong between the ends give."""
    s = times.double()[:, None, None]
    m, n = (v.double().norm(dim=1, keepdim=True) for v in (a, b))
    unit = gone(a, b, s, ends=(torch.ones_like(m), torch.ones_like(n)))
    between = m ** (1 - s) * n**s, ((1 - s) * m**2 + s * n**2).sqrt()
    yield "length between the ends otherwise", [v * unit for v in between]


def chords(a: Tensor, b: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """Straight lines between the two, and between their directions."""
    long, other = (v.norm(dim=1, keepdim=True) for v in (a, b))
    way = (1 - s) * a / long + s * b / other
    return (1 - s) * a + s * b, ((1 - s) * long + s * other) * way


def rivals(a: Tensor, b: Tensor, times: Tensor):
    """What mistakes give: of the angle, the weights, the length and the times."""
    a, b, t = a.double(), b.double(), times.double()[:, None, None]
    long, other = (v.norm(dim=1, keepdim=True) for v in (a, b))
    raw = (a * b).sum(1, True)
    cos, whole = raw / long / other, (a.norm() * b.norm())
    omega, zero = cos.acos(), 0 * cos
    quarter = "quarter turn for all rows"
    stretched = "a straight line, then stretched"
    angles = {
        "": omega,
        "angle of the lengths, too": [
            (raw / v).clamp(-1, 1).acos() for v in (1, long**2, other**2, whole)
        ],
        "one angle for all rows": [
            zero + v for v in (omega.mean(), cos.mean().acos(), omega[0])
        ]
        + [zero + (raw.sum() / whole).acos()],
        quarter: zero + math.pi / 2,
        "longer way around": [omega - 2 * math.pi, omega + 2 * math.pi],
        "angle wrong": [
            *(
                cos,
                cos.asin(),
                omega.rad2deg(),
                omega.deg2rad(),
                omega / math.pi,
                omega * math.pi,
            ),
            *(omega / 2, 2 * omega, math.pi - omega, 1 - cos),
        ],
    }

    def arc(w, s):
        return ((1 - s) * w).sin() / w.sin(), (s * w).sin() / w.sin()

    def folded(w, s):
        one, two = arc(torch.minimum(w, math.pi - w), s)
        return one, torch.where(w > math.pi / 2, -two, two)

    def turned(w, s):
        """In the plane of both: the same as ``arc``, at the right angle alone."""
        two = (s * w).sin() / omega.sin()
        return (s * w).cos() - two * cos, two

    def raised(e):
        return lambda w, s: tuple(v * w.sin() / (w.sin() + e) for v in arc(w, s))

    weights = {
        "": [arc, turned],
        "wrong at small angles": [raised(10.0**-e) for e in range(1, 8)],
        stretched: lambda w, s: (1 - s, s),
        "not divided by the sine": lambda w, s: (((1 - s) * w).sin(), (s * w).sin()),
        "weights exchanged": lambda w, s: arc(w, s)[::-1],
        quarter: lambda w, s: ((1 - s).sqrt(), s.sqrt()),
        "obtuse angles folded": folded,
    }
    lengths = {
        "": lambda s: (1 - s) * long + s * other,
        "length lost": torch.ones_like,
        "length of one end": [
            lambda s, v=v: v + 0 * s
            for v in (long, other, (long + other) / 2, torch.maximum(long, other))
        ],
        "length between the ends otherwise": [
            lambda s: long ** (1 - s) * other**s,
            lambda s: ((1 - s) * long**2 + s * other**2).sqrt(),
            lambda s: s * long + (1 - s) * other,
            lambda s: 1 / ((1 - s) / long + s / other),
        ],
        "one length for all rows": [
            lambda s, f=f: (1 - s) * f(long) + s * f(other)
            for f in (torch.mean, torch.norm)
        ],
    }
    clocks: dict[str, Any] = {"": lambda s: s, "times turned around": lambda s: 1 - s}
    clocks["angle wrong"] = [torch.square, lambda s: s * s * (3 - 2 * s)]
    k = len(times)
    clocks["times not those of t"] = [
        lambda s, v=v: torch.as_tensor(v).double().view(-1, 1, 1) + 0 * s
        for v in (
            torch.linspace(0, 1, k),
            torch.linspace(0, 1, k + 2)[1:-1],
            torch.linspace(0, 1, k + 1)[:-1],
            torch.linspace(0, 1, k + 1)[1:],
            times.sort().values,
            [0.5] * k,
        )
    ]

    def make(w, weigh, length, clock):
        one, two = weigh(w, clock(t))
        made = one * a / long + two * b / other
        if weigh is weights[stretched]:
            made = made / made.norm(dim=2, keepdim=True)
        return length(clock(t)) * made

    def unscaled(name, w, weigh):
        """On vectors of any length; as it is, and with the length mended."""
        one, two = weigh(w, t)
        made = one * a + two * b
        unit = made / made.norm(dim=2, keepdim=True)
        return name, [made, unit, lengths[""](t) * unit]

    yield "a straight line", list(chords(a, b, t))
    yield unscaled(stretched, omega, weights[stretched])
    yield unscaled("formula of unit vectors on others", omega, arc)
    yield unscaled(quarter, angles[quarter], arc)
    yield unscaled(quarter, omega, weights[quarter])
    for name, size in (
        ("one angle for all rows", lambda v: v.norm()),
        ("norms along the other axis", lambda v: v.norm(dim=0, keepdim=True)),
    ):
        yield name, [*whole_slerps(a, b, t, size)]
    yield from mistakes(make, angles, weights, lengths, clocks)
    for name, found in angles.items():
        for w in found if isinstance(found, list) else [found]:
            for f in (arc, *(v for k, v in weights.items() if callable(v) and k)):
                yield unscaled(name or "formula of unit vectors on others", w, f)


def whole_slerps(a, b, t, size):
    """Around the sphere by other lengths than those of the rows."""
    m, n = size(a), size(b)
    units = [(a / m, b / n), [w / w.norm(dim=1, keepdim=True) for w in (a, b)]]
    for u, v in units:
        for p, q in units[: 1 if m.dim() == 0 else 2]:
            found = [(p * q).sum(i, keepdim=True).acos() for i in (1, 0, (0, 1))]
            found += [w.clamp(-1, 1).acos() for w in [(p * q).sum(1, keepdim=True)]]
            chord, rest = (w.norm(dim=1, keepdim=True) for w in (p - q, p + q))
            for w in [*found, 2 * torch.atan2(chord, rest)]:
                one, two = ((1 - t) * w).sin() / w.sin(), (t * w).sin() / w.sin()
                way = one * u + two * v
                yield ((1 - t) * m + t * n) * way
                yield ((1 - t) * m + t * n) * way / way.norm(dim=2, keepdim=True)
    if m.dim():  # rows of length one after the columns were divided
        yield gone(a / m, b / n, t, ends=(m, n))
