"""Exercise diff-08: Back to the noise."""

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_steps import CALLS, Net, in_float32, single, walked


@Exercise(
    id="diff-08",
    title="Back to the noise",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Run a deterministic sampler the other way, from data to the noise that they "
        "come from, and back again.",
    ),
    statement=r"""
A step of DDIM without noise of its own
([Song et al., 2021](https://arxiv.org/abs/2010.02502)) takes the noisy example apart,
into estimates of the data and of the noise in it, and puts them together again with the
$\alpha$ and $\sigma$ of another time. Nothing says that this other time has to be less
noisy: the same step also leads from data to noise. So every picture gets a code, which
can be changed, mixed with another, and decoded.

Write `there_and_back(denoise, x, times, alphas, sigmas)`. `times` are $n \ge 2$ rising
Python floats $t_1 < \dots < t_n$, in a tuple; `alphas` and `sigmas` are tuples of
$\alpha$ and $\sigma$ at these times, whose squares need not add up to 1. All sigmas are
positive, and all alphas but the last, which may be 0. `x`, `(b, ...)` with one or more
axes after the first, float32 or float64, is at time $t_1$: hardly noisy. `denoise(y,
t)` takes an example in this shape and type and a float, and gives the estimate of the
data in it.

Go from $t_1$ to $t_n$ step by step: what arrives is the *code*. Then go from the code
back to $t_1$, over the same times. Each step takes *both* estimates at the place and
time where it begins, and each of the $2 (n - 1)$ steps calls `denoise` once. Return the
pair of the code and of what comes back, in the shape and type of `x`. The two ways
estimate in different places, so that what comes back is near `x`, and not equal. Use
nothing that is random, change nothing that was given. No gradient is asked for.
""",
    stub='''
def there_and_back(denoise, x, times, alphas, sigmas):
    """function, (b, ...), three tuples of n floats -> code, back."""
    return ..., ...
''',
    answers={"there_and_back": callable},
    hints=(
        "Write one function for a step from the time with the number `i` to that with "
        "the number `j`; both ways are loops over it.",
        "`x_t = alpha x + sigma eps`: with an estimate of the data the rest is the "
        "noise, times `sigma`.",
        "Going up the numbers are `(0, 1), (1, 2), ...`, going down "
        "`(n - 1, n - 2), ..., (1, 0)`. The first call on the way down is at "
        "`times[-1]`.",
    ),
    misconceptions={
        **CALLS,
        "no pair": "The code and what comes back are due.",
        "asked at the time where the step ends": "The estimate is of the place and "
        "time where the step begins.",
        "the way back left out": "From the code it goes back, step by step, with "
        "estimates of its own.",
        "estimates kept from an earlier step": "Each step estimates anew: the code of "
        "the first guess would be that of a straight line.",
        "the two times exchanged": "Take apart with the alpha and sigma of the time "
        "where the step begins, put together with those where it ends.",
        "alpha left out of the noise": "x_t holds alpha times the data.",
        "sigma left out of the noise": "What is not data is sigma times the noise.",
        "data left as they are": "At the new time there is alpha times the data.",
        "sigma computed from alpha": "The squares of alpha and sigma need not add up "
        "to 1: sigma is given.",
        "squares in place of alpha and sigma": "alpha and sigma are given themselves: "
        "neither root nor square is due.",
        "the estimate in place of the step": "The estimate of the data is no state at "
        "a time.",
        "sign of the noise": "x_t is alpha times the data plus sigma times the noise.",
        "another step": "The estimate of the data is kept through the step; another "
        "rule is another solver.",
        "another code": "The code is the state at the last time, as the way back "
        "begins with it.",
        "wrong on the way back alone": "Up it goes well: the same step is due on the "
        "way down.",
    },
)
def diff_08(t, there_and_back):
    def judged(name, shape, n, kind=torch.float64, size=1.0, last=None, first=None):
        t.property(name)
        net = Net(t, shape[1:])
        x = size * t.normal(*shape).to(kind) / 0.7
        times, alphas, sigmas = (rising(n) for _ in range(3))
        alphas = alphas[::-1] if last is None else (*alphas[:0:-1], last)
        sigmas = sigmas if first is None else (first, *sigmas[1:])
        out = t.call(there_and_back, net, x, times, alphas, sigmas)
        two = isinstance(out, tuple | list) and len(out) == 2
        t.true(two, "A pair.", f"a {type(out).__name__}", "no pair")
        t.shape(out[0], shape, "of the code: that of x.")
        t.dtype(out[0], kind, "of the code: that of x.")
        m, up, down = n - 1, list(range(n)), list(range(n))[::-1]
        asked = [times[i] for i in up[:-1] + down[:-1]]
        late = [times[i] for i in up[1:] + down[1:]]
        ideas = {
            "asked at the time where the step ends": [
                late, asked[:m] + late[m:], late[:m] + asked[m:]
            ],
            "the way back left out": [asked[:m], late[:m]],
            "estimates kept from an earlier step": [
                asked[:1], asked[:m] + asked[m : m + 1], [asked[0], asked[m]]
            ],
        }  # fmt: skip
        states = walked(t, net, x, out[1], asked, ideas, past)
        told = "The code is where the way back begins."
        t.close(out[0], states[m], told, "another code", tol=0.0)
        said, tol = torch.stack(net.said), 1e-10 if kind == torch.float64 else 1e-4
        begin, end = up[:-1] + down[:-1], up[1:] + down[1:]
        tables = (torch.tensor(v, dtype=torch.float64) for v in (alphas, sigmas))
        make, parts = steps(*tables, begin, end, states[:-1], said, net)
        due = make(*(part[""] for part in parts))

        def found():
            yield in_float32(states) if kind == torch.float64 else ("", [])
            yield from mistakes(make, *parts, most=1, tol=10 * tol)

        off = (states[1:] - due).abs().flatten(1).amax(1) > 1e-3 * (1 + due.abs().max())
        name = "wrong on the way back alone" if off[m:].all() and n > 2 else None
        name = name if not off[:m].any() else None
        told = "The state after each step, from the one before. Axis 0: the steps."
        t.close(states[1:], due, told, name, found(), tol)

    def rising(n):
        low = t.uniform(n, low=0.05, high=0.3).double() / 0.7
        return tuple(low.cumsum(0).tolist())

    past: list = []
    net, x = Net(t, (3,)), t.normal(4, 3).double()
    t.steady(there_and_back, net, x, *(rising(3) for _ in range(3)))
    judged("four times", (3, 5), 4)
    judged("the same shapes, other numbers", (3, 5), 4)
    for shape, n in (((2, 3, 4, 2), 3), ((1, 4), 2), ((3, 1), 8), ((1, 1), 3)):
        judged(f"{n} times, {shape}", shape, n)
    judged("alpha is 0 in the end", (3, 4), 4, last=0.0)
    judged("hardly any noise on the data", (2, 5), 3, first=1e-5)
    judged("values near 1000", (2, 3), 3, size=1e3)
    judged("40 times", (2, 3), 40)
    for last in (None, 0.0):
        judged("float32", (3, 4), 4, torch.float32, last=last)


def steps(alphas, sigmas, begin, end, x, said, net):
    """A step as a function of its parts, and these; all steps at once."""
    axes = (..., *[None] * (x.dim() - 1))

    def made(rounded, estimate, apart, together):
        a, s = (rounded(v)[begin][axes] for v in (alphas, sigmas))
        b, r = (rounded(v)[end][axes] for v in (alphas, sigmas))
        a, s, b, r = apart(a, s, b, r)
        return together(estimate, (x - a * estimate) / s, b, r)

    numbers = {
        "": lambda v: v,
        "coefficients rounded to float32": single,
        "squares in place of alpha and sigma": [torch.sqrt, torch.square],
    }
    half = len(x) // 2
    twice = torch.cat(
        [said[:1].expand_as(x[:half]), said[half:][:1].expand_as(x[half:])]
    )
    estimates = {
        "": said,
        "estimates kept from an earlier step": [
            said[:1].expand_as(x), twice, torch.cat([said[:1], said[:-1]])
        ],
    }  # fmt: skip
    apart = {
        "": lambda *c: c,
        "the two times exchanged": [
            lambda a, s, b, r: (b, r, a, s), lambda a, s, b, r: (a, s, b, s),
            lambda a, s, b, r: (a, r, b, r), lambda a, s, b, r: (b, s, b, r),
            lambda a, s, b, r: (a, s, a, r), lambda a, s, b, r: (b, r, b, r),
            lambda a, s, b, r: (a, r, b, s),
        ],
        "alpha left out of the noise": lambda a, s, b, r: (1 + 0 * a, s, b, r),
        "sigma left out of the noise": [
            lambda a, s, b, r: (a, 1 + 0 * s, b, r), lambda a, s, b, r: (a, s, b, 1.0),
        ],
        "floor under the standard deviation": [
            lambda a, s, b, r, e=10.0**-i, f=f: (a, f(s, e), b, r)
            for i in range(2, 13)
            for f in (torch.add, lambda s, e: s.clamp(min=e))
        ],
        "data left as they are": lambda a, s, b, r: (a, s, 1.0, r),
        "sigma computed from alpha": [
            lambda a, s, b, r: (a, (1 - a**2).abs() ** 0.5, b, (1 - b**2).abs() ** 0.5),
            lambda a, s, b, r: (a, s, b, (1 - b**2).abs() ** 0.5),
            lambda a, s, b, r: (a, (1 - a**2).abs() ** 0.5, b, r),
            lambda a, s, b, r: (a, 1 - a, b, 1 - b),
            lambda a, s, b, r: (
                (1 - s**2).abs() ** 0.5, s, (1 - r**2).abs() ** 0.5, r
            ),
        ],
    }  # fmt: skip

    def rule(f):
        """Of what the net said, the state and the coefficients at both times."""
        a, s = (v[begin][axes] for v in (alphas, sigmas))
        b, r = (v[end][axes] for v in (alphas, sigmas))
        return lambda d, e, *_: f(d, a, s, b, r)

    together = {
        "": lambda d, e, b, r: b * d + r * e,
        "sign of the noise": lambda d, e, b, r: b * d - r * e,
        "the estimate in place of the step": [
            lambda d, e, b, r: d, lambda d, e, b, r: b * d, lambda d, e, b, r: e,
            lambda d, e, b, r: r * e, lambda d, e, b, r: b * d + e,
        ],
        "another step": [
            rule(lambda d, a, s, b, r: x + (r / b - s / a) * (x - a * d) / s),
            rule(lambda d, a, s, b, r: r / s * x + (b - a) * d),
            rule(lambda d, a, s, b, r: b * d + (r**2 - s**2).abs() ** 0.5
                 * (x - a * d) / s),
            rule(lambda d, a, s, b, r: b / a * x),
            rule(lambda d, a, s, b, r: r / s * x),
        ],
    }  # fmt: skip
    return made, (numbers, estimates, apart, together)
