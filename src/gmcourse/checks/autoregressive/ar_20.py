"""Exercise ar-20: Only the distance counts."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

ROUND = "angles rounded to 16 bits"


@Exercise(
    id="ar-20",
    title="Only the distance counts",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Turn queries and keys by their positions, so that their products know how far "
        "apart they are and nothing else.",
    ),
    statement=r"""
Attention does not know where its queries and keys stand. Rotary positions
([Su et al., 2021](https://arxiv.org/abs/2104.09864)) tell it: the vector at position
$n$, with $m$ channels counted from 0 ($m$ is even), is divided into the pairs
$(0, 1), (2, 3), \dots, (m - 2, m - 1)$, and pair $(2p, 2p + 1)$ is turned by the angle
$n\,\theta_p$, where $\theta_p = \text{base}^{-2p/m}$: of $(a, c)$ it makes

$$
(a \cos n\theta_p - c \sin n\theta_p ,\; a \sin n\theta_p + c \cos n\theta_p) .
$$

Write `attention(q, k, v, places, base)`. Queries, keys and values have the shape
`(b, h, t, m)`, and `places`, int64 `(t,)`, holds the positions at which they stand: any
whole numbers, in any order, also negative. Queries and keys are turned, values are not.
The score of query $i$ for key $j$ is the product of the two turned vectors, divided by
$\sqrt m$; a softmax over all $j$ (there is no mask) makes weights of the scores, and
the result at $i$ is the mean of the values with these weights.

The result, `(b, h, t, m)`, is all that is judged. It does not change where a constant
is added to all `places`; so whether you count from 0 or from 1 makes no difference. Nor
does the order in which you keep the turned channels, if it is the same for queries and
keys; but the pairs are neighbors, $2p$ with $2p + 1$, and not $p$ with $p + m/2$. All
three are float32 or all float64, and so is the result. In float32 positions are at most
500 in size and $10^{-3}$ is near enough; in float64 they are up to 100,000 and the
result has eight digits. `base` is a float from 10 to $10^6$, $m$ is 2 or more, the
other sizes are 1 or more. Nothing is kept from call to call. Gradients flow to `q`,
`k` and `v`.
""",
    stub='''
def attention(q, k, v, places, base):
    """Three (b, h, t, m), (t,) int64, a float -> (b, h, t, m)."""
    return ...
''',
    answers={"attention": callable},
    hints=(
        "The angles are a table, `(t, m / 2)`: one for each position and pair.",
        "`x[..., 0::2]` and `x[..., 1::2]` are the first and the second entries of all "
        "pairs.",
        "With one key alone, or equal positions everywhere, no turn shows. And a pair "
        "is turned, not stretched: its length stays.",
    ),
    misconceptions={
        "not turned": "The positions have to enter the scores.",
        "only queries turned": "Keys are turned, too: else the score knows where the "
        "query stands, not how far it is.",
        "only keys turned": "Queries are turned, too.",
        "values turned": "The values stay as they are.",
        "turned against each other": "Queries and keys are turned the same way, so "
        "that equal positions cancel.",
        "turned the other way": "Counterclockwise: the sign of the sine.",
        "halves in place of pairs": "Pairs are neighbors: channels 2p and 2p + 1.",
        "one angle for all pairs": "Each pair has an angle of its own.",
        "angles in another order": "The first pair turns fastest, by 1 a position.",
        "exponent of the angles off": "The angle of pair p is base ** (-2p / m).",
        "another base": "The base is the one that was given.",
        "angle for each channel": "Both channels of a pair have the same angle.",
        "angles in the order of halves": "Both channels of a pair have its angle: 0, "
        "0, 1, 1, 2, 2, ... in the order of the channels.",
        "degrees or turns in place of radians": "The angle is n times theta, as it is.",
        "negative positions": "-3 is three places before 0, not after it, nor at the "
        "end of a table.",
        "no softmax": "The weights of one query are a softmax of its scores.",
        "softmax over another axis": "One softmax for each text, head and query.",
        "queries and keys exchanged": "Row i of the weights belongs to query i.",
        "attention over the heads": "Positions attend to positions, in each head.",
        "state kept between calls": "The same call gives something else than before.",
        "places not used": "The positions are those in places, wherever in the "
        "sequence they stand.",
        ROUND: "Positions, angles or their table had 16 bits: of an angle of 400 these "
        "know two digits.",
        "distance without its sign": "Three places before is not three places after: "
        "the turn has a direction.",
        "overwritten while it is still needed": "The second of a pair is turned with "
        "the first as it was, not as it has become.",
        "sum of the places in place of their distance": "The product of two turned "
        "pairs as complex numbers needs the conjugate of one of them.",
        "queries and keys in different orders": "The order of the channels is free, "
        "and the same for both.",
        "not a rotation": "The new first entry has a minus, the second a plus, and "
        "both come from the old pair.",
        "positions added": "They turn the vectors; nothing is added.",
        "scale left out": "The products are divided by the root of m.",
        "scale of another width": "The root of m, all channels of a head.",
        "masked": "There is no mask: every position sees all.",
        "softmax over the queries": "The weights of one query sum to one over the "
        "keys.",
        "angles in float32": "A position of 100,000 times an angle has no digits left "
        "in float32: make the table in the type of q.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def ar_20(t, attention):
    def draw(b, h, n, m, kind=torch.float32):
        q, k = (t.away(b, h, n, m, low=0.5, high=2.0).to(kind) for _ in "12")
        return q, k, t.normal(b, h, n, m).to(kind)

    def judged(name, q, k, v, places, base, tol=1e-3, told=None, close=None, old=None):
        t.property(name)
        out = t.call(attention, q, k, v, places, base)
        t.shape(out, tuple(q.shape), "as the queries.")
        t.dtype(out, q.dtype, "that of the queries.")
        args = [a.double() for a in (q, k, v, places)]
        due = by_distance(*args, base)
        found = None if told else rivals(*args, base, old)
        got = t.tensor(out).detach().double()
        few = [rounded(*args, base, kind) for kind in (torch.bfloat16, torch.half)]
        if close is None and any(not far(got, v, 1e-4).any() for v in few):
            told = told or ROUND
        if close is not None and close(got, due):
            told = close.__name__.replace("_", " ")
        t.close(
            t.tensor(out).double(), due, "By the distances alone.", told, found, tol
        )
        return out, due

    def apart(n, low=-9, high=9):
        """Positions in no order, no two alike, with steps of all sizes."""
        every = torch.arange(low, high + 1)
        keys = t.uniform(len(every), low=0, high=1) + torch.arange(len(every)) / 1e4
        return every[keys.argsort()[:n]]

    base = float(t.integer(20, 90))
    q, k, v = draw(2, 3, 5, 8)
    places = apart(5)
    judged("any positions", q, k, v, places, base)
    told = "state kept between calls"
    judged("the same call again", q, k, v, places, base, told=told)
    old = places, base
    judged("0, 1, 2, ...", q, k, v, torch.arange(5), base, old=old)
    judged("another base", q, k, v, places, 3 * base, old=old)
    judged("one step further", q, k, v, places + 1, base)
    judged("far away", q, k, v, places + 400, base)
    judged("the same position for all", q, k, v, torch.full((5,), 7), base)
    for b, h, n, m, size in (
        *((1, 1, 1, 2, 10.0), (3, 1, 4, 2, 50.0), (1, 2, 6, 6, 1e4)),
        *((2, 2, 33, 16, 1e6), (2, 5, 2, 4, 100.0)),
    ):
        name = f"{n} positions, {m} channels, base {size:g}"
        judged(name, *draw(b, h, n, m), apart(n, -20, 20), size)

    t.property("gradients to queries, keys and values")
    args = [a.requires_grad_() for a in draw(2, 2, 4, 6)]
    places = apart(4)
    out = t.call(attention, *args, places, base)
    due = by_distance(*(a.double() for a in args), places.double(), base)
    share = t.uniform(*due.shape, low=0.5, high=2)
    for a in args:
        slope, told = t.grad(due, a, share.double()), "cut off from the graph"
        t.close(t.grad(out, a, share), slope, "The derivative.", told, tol=2e-3)

    def float32_in_between(out, due):
        return not far(out, due, 1e-4).any()

    def angles_in_float32(out, due):
        return not far(out, due, 0.3).any()

    args = draw(2, 3, 5, 8, torch.float64)
    near = float32_in_between
    judged("float64", *args, apart(5), base, 1e-8, close=near)
    places = apart(5, -50, 50) + t.integer(90_000, 99_000)
    places[1] -= 150_000
    wide = angles_in_float32
    judged("positions near 100,000", *args, places, 1e4, 1e-8, close=wide)


def by_distance(q, k, v, places, base, of=lambda distance: distance):
    """No vector is turned: the scores from the distances."""
    m = q.shape[-1]
    theta = base ** (-torch.arange(0, m, 2).double() / m)
    angle = of(places[:, None] - places)[..., None] * theta
    qa, qc, ka, kc = (x[..., i::2] for x in (q, k) for i in (0, 1))
    same = torch.einsum("bhip,bhjp,ijp->bhij", qa, ka, angle.cos())
    same = same + torch.einsum("bhip,bhjp,ijp->bhij", qc, kc, angle.cos())
    cross = torch.einsum("bhip,bhjp,ijp->bhij", qa, kc, angle.sin())
    cross = cross - torch.einsum("bhip,bhjp,ijp->bhij", qc, ka, angle.sin())
    return ((same + cross) / math.sqrt(m)).softmax(-1) @ v


def turn(x, angle, how="pairs", signs=(-1, 1)):
    """Each pair by its angle, or otherwise."""
    a, c = x.chunk(2, -1) if how == "halves" else (x[..., 0::2], x[..., 1::2])
    one, two = angle if isinstance(angle, tuple) else (angle, angle)
    first = a * one.cos() + signs[0] * c * one.sin()
    a = first if how == "in place" else a
    second = signs[1] * a * two.sin() + c * two.cos()
    if how == "halves":
        return torch.cat([first, second], -1)
    return torch.stack([first, second], -1).flatten(-2)


def rounded(q, k, v, places, base, kind):
    """With angles that have the digits of another type."""
    theta = base ** (-torch.arange(0, q.shape[-1], 2).double() / q.shape[-1])
    angle = (places[:, None] * theta).to(kind).double()
    scores = turn(q, angle) @ turn(k, angle).mT / q.shape[-1] ** 0.5
    return scores.softmax(-1) @ v


def rivals(q, k, v, places, base, old=None):
    """What one or two mistakes give."""
    (_, h, n, m), down = q.shape, torch.arange(q.shape[2]).double()
    ends = n, int(places.max()) + 1, int(places.abs().max()) + 1
    p = torch.arange(m // 2).double()
    each = torch.arange(m).double()

    right = base ** (-2 * p / m)
    twice, each_twice = right.repeat(2), right.repeat_interleave(2)
    thetas = {
        "": right,
        "result of an earlier call": [old[1] ** (-2 * p / m)] if old else [],
        "angles in the order of halves": [
            (twice[0::2], twice[1::2]), (each_twice[: m // 2], each_twice[m // 2 :]),
        ],
        "one angle for all pairs": [0 * p + 1, 0 * p + 1 / base],
        "angles in another order": [base ** (2 * p / m), base ** (-2 * p.flip(0) / m)],
        "exponent of the angles off": [
            base ** (-c * p / m) for c in (1, 4, m, 2 * m, 0.5)
        ] + [base ** (-2 * (p + c) / m) for c in (1, 0.5)]
        + [base ** (-p / max(m // 2 - 1, 1)), base ** (-2 * p / max(m - 1, 1))],
        "another base": [
            *(s ** (-2 * p / m) for s in (1e4, 1e5, 100.0, math.e, 2.0)),
            *(s ** (-2 * p / m) for s in (2 * math.pi * base, base**2, base**0.5)),
        ],
        "angle for each channel": [
            (base ** (-each[0::2] / m), base ** (-each[1::2] / m)),
            (base ** (-2 * each[0::2] / m), base ** (-2 * each[1::2] / m)),
        ],
    }  # fmt: skip
    spots = {
        "": places[:, None],
        "result of an earlier call": [old[0].double()[:, None]] if old else [],
        "degrees or turns in place of radians": [
            places[:, None] * c for c in (2 * math.pi, math.pi / 180, 180 / math.pi)
        ],
        "negative positions": [
            *(places.abs()[:, None], places.clamp(min=0)[:, None]),
            *(places.where(places >= 0, places + c)[:, None] for c in ends),
        ],
        "places not used": [down[:, None], places.sort()[0][:, None]],
    }
    kinds = {
        "": ("pairs", (-1, 1)),
        "halves in place of pairs": ("halves", (-1, 1)),
        "turned the other way": ("pairs", (1, -1)),
        "not a rotation": [("pairs", (1, 1)), ("pairs", (-1, -1))],
        "overwritten while it is still needed": ("in place", (-1, 1)),
    }
    whose = {
        "": (1, 1, 0),
        "not turned": (0, 0, 0),
        "only queries turned": (1, 0, 0),
        "only keys turned": (0, 1, 0),
        "values turned": [(1, 1, 1), (0, 0, 1)],
        "turned against each other": [(1, -1, 0), (-1, 1, 0)],
    }
    scales = {
        "": m**-0.5,
        "scale left out": 1.0,
        "scale of another width": [
            1 / m,
            (m / 2) ** -0.5,
            (m * h) ** -0.5,
            n**-0.5,
            m**0.5,
        ],
    }
    below = torch.ones(n, n).tril().bool()
    sums = {
        "": lambda s: s.softmax(-1),
        "masked": [
            lambda s, a=a: s.masked_fill(~a, -math.inf).softmax(-1)
            for a in (below, below.mT, places <= places[:, None])
        ],
        "softmax over the queries": lambda s: s.softmax(-2),
        "softmax over another axis": [
            *(lambda s: s.softmax(1), lambda s: s.softmax(0)),
            lambda s: s.flatten(-2).softmax(-1).view_as(s),
        ],
        "no softmax": [lambda s: s, lambda s: s / s.sum(-1, keepdim=True)],
        "queries and keys exchanged": [
            *(lambda s: s.mT.softmax(-1), lambda s: s.softmax(-1).mT),
        ],
    }

    def value(theta, spot, kind, who, scale, weigh):
        def turned(x, on):
            if not on:
                return x
            pair = isinstance(theta, tuple)
            angle = tuple(on * spot * u for u in theta) if pair else on * spot * theta
            return turn(x, angle, *kind)

        a, c, d = (turned(x, on) for x, on in zip((q, k, v), who))
        return weigh(scale * a @ c.mT) @ d

    yield from mistakes(value, thetas, spots, kinds, whose, scales, sums)
    q_turned, k_turned = (turn(x, places[:, None] * right) for x in (q, k))
    halves = [torch.cat([x[..., 0::2], x[..., 1::2]], -1) for x in (q_turned, k_turned)]
    flips = torch.tensor([1.0, -1.0]).double().repeat(m // 2)
    for name, scores in (
        ("queries and keys in different orders", q_turned @ halves[1].mT),
        ("queries and keys in different orders", halves[0] @ k_turned.mT),
        (
            "sum of the places in place of their distance",
            q_turned * flips @ k_turned.mT,
        ),
    ):
        yield name, (scores / m**0.5).softmax(-1) @ v
    yield "distance without its sign", by_distance(q, k, v, places, base, torch.abs)
    table = torch.cat([(places[:, None] * thetas[""]).sin(),
                       (places[:, None] * thetas[""]).cos()], -1)  # fmt: skip
    a, c, d = (
        x.transpose(1, 2)
        for x in (*(turn(x, places[:, None] * right) for x in (q, k)), v)
    )
    yield (
        "attention over the heads",
        (((a @ c.mT / m**0.5).softmax(-1) @ d).transpose(1, 2)),
    )
    yield "positions added", ((q + table) @ (k + table).mT / m**0.5).softmax(-1) @ v
