"""Exercise diff-10: Two estimates for one step."""

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_steps import CALLS, Net, in_float32, single, walked


@Exercise(
    id="diff-10",
    title="Two estimates for one step",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Gain an order of accuracy without one evaluation more, by the estimate of "
        "the step before, where the steps are not of one length.",
    ),
    statement=r"""
With $z = x_t / \alpha$ and $u = \sigma / \alpha$ the deterministic way from noise to
data is the equation $\mathrm dz / \mathrm du = \varepsilon$, the estimated noise. A
step of DDIM holds $\varepsilon$ fixed. Heun's method is of order 2 and asks the net
twice. A *multistep* method asks once, and remembers: through this estimate and that of
the step before, as functions of $u$, goes a straight line, and the step from $u_i$ to
$u_{i+1}$ adds its integral,

$$
z_{i+1} = z_i + \int_{u_i}^{u_{i+1}} \ell_i(u)\, \mathrm du, \qquad
\ell_i(u_i) = \varepsilon_i, \quad \ell_i(u_{i-1}) = \varepsilon_{i-1} .
$$

The first step has one estimate only and holds it fixed. All later ones are exact where
$\varepsilon$ is a straight function of $u$, whatever the lengths of the steps: those of
samplers differ by factors of ten and more.

Write `two_estimates(predict, x, times, alphas, sigmas)`. `times` are $n \ge 2$ falling
Python floats $t_1 > \dots > t_n$, in a tuple; `alphas` and `sigmas` are tuples of
$\alpha$ and $\sigma$ at these times, positive but for the last sigma, which may be 0.
Their squares need not add up to 1; $\sigma / \alpha$ falls. `x`, `(b, ...)`
with one or more axes after the first, float32 or float64, is $x_t$ at $t_1$, and
`predict(y, t)` takes such an $x_t$ and a float, and gives the estimate of
$\varepsilon$ in it.

Call `predict` once for each of the $n - 1$ steps, where the step begins. Return $x_t$
at $t_n$, in the shape and type of `x`. Use nothing that is random, change nothing that
was given. No gradient is asked for.
""",
    stub='''
def two_estimates(predict, x, times, alphas, sigmas):
    """function, (b, ...), three tuples of n floats -> (b, ...)."""
    return ...
''',
    answers={"two_estimates": callable},
    hints=(
        "The integral of a straight line is the length of the interval times the "
        "line's value in the middle.",
        "The slope of the line is the difference of the two estimates divided by the "
        "length of the step *before*. From $u_i$ to the middle it is half of *this* "
        "step.",
        "With steps of equal length the weights are 3/2 and -1/2. `predict` wants "
        "$x_t$, not $z$: multiply by $\\alpha$ before each call, and in the end.",
    ),
    misconceptions={
        **CALLS,
        "two evaluations for one step": "The second estimate is that of the step "
        "before: it costs nothing.",
        "coefficients of equal steps": "3/2 and -1/2 are right only where this step is "
        "as long as the one before.",
        "ratio of the lengths turned around": "A long step after a short one has to "
        "look far ahead: this length over the one before.",
        "the two estimates exchanged": "The newer of the two has the weight above 1.",
        "extrapolated to the end of the step": "The mean of a straight line is its "
        "value in the middle.",
        "mean of the two estimates": "The line goes on beyond the newer estimate; the "
        "mean lies behind it.",
        "one estimate alone": "Each step but the first uses two.",
        "first step otherwise": "The first step has one estimate, with the weight 1.",
        "last step otherwise": "The last step is like the others: two estimates.",
        "an older estimate": "The other estimate is that of the step just before.",
        "asked at the time where the step ends": "The estimate is of the place and "
        "time where the step begins.",
        "lengths in another variable": "The line is straight in sigma / alpha, and "
        "lengths are differences of that: not of t, sigma or a logarithm.",
        "alpha left out": "z is x_t divided by alpha, and x_t alpha times z.",
        "the data in place of the noise": "What predict gives is the noise, and the "
        "rate at which z moves along u.",
    },
)
def diff_10(t, two_estimates):
    def judged(name, shape, n, kind=torch.float64, size=1.0, how=None):
        t.property(name)
        net = Net(t, shape[1:])
        x = size * t.normal(*shape).to(kind) / 0.7
        times, alphas, sigmas = how or falling(n)
        out = t.call(two_estimates, net, x, times, alphas, sigmas)
        late = list(times[1:])
        twice = [v for pair in zip(times, late) for v in pair]
        ideas = {
            "two evaluations for one step": [
                twice, twice[:-1], [times[0], *late], [times[0], late[0], *late],
                [times[0], late[0], *late[:-1]],
            ],
            "asked at the time where the step ends": [late],
        }  # fmt: skip
        states = walked(t, net, x, out, list(times[:-1]), ideas, past)
        said, tol = torch.stack(net.said), 1e-10 if kind == torch.float64 else 1e-4
        tables = (torch.tensor(v, dtype=torch.float64) for v in (times, alphas, sigmas))
        make, parts = steps(*tables, states[:-1], said)
        due = make(*(part[""] for part in parts))

        def found():
            yield in_float32(states) if kind == torch.float64 else ("", [])
            yield from mistakes(make, *parts, most=1, tol=10 * tol)

        told = "The state after each step, from the one before. Axis 0: the steps."
        t.close(states[1:], due, told, None, found(), tol)

    def falling(n, last=None):
        """Steps of very different lengths, in any variable."""
        gaps = [t.uniform(n, low=0.05, high=0.7).double() / 0.7 for _ in range(3)]
        times, up, sigmas = (v.cumsum(0) for v in gaps)
        sigmas = sigmas.flip(0).tolist()
        sigmas = sigmas if last is None else [*sigmas[:-1], last]
        alphas = (0.2 + up).tolist()
        return tuple(times.flip(0).tolist()), tuple(alphas), tuple(sigmas)

    past: list = []
    net, x = Net(t, (3,)), t.normal(4, 3).double()
    t.steady(two_estimates, net, x, *falling(4))
    judged("five times", (3, 5), 5)
    judged("the same shapes, other numbers", (3, 5), 5)
    for shape, n in (((2, 3, 4, 2), 3), ((1, 4), 2), ((3, 1), 8), ((1, 1), 4)):
        judged(f"{n} times, {shape}", shape, n)
    judged("no noise is left in the end", (3, 4), 4, how=falling(4, 0.0))
    judged("one step, to no noise", (2, 4), 2, how=falling(2, 0.0))
    judged("values near 1000", (2, 3), 4, size=1e3)
    grid = torch.linspace(80.0 ** (1 / 7), 0.002 ** (1 / 7), 40).double() ** 7
    times = tuple(torch.linspace(1, 0, 41).double().tolist())
    exploding = times, (1.0,) * 41, (*grid.tolist(), 0.0)
    judged("sigmas from 80 to 0, alphas of 1", (2, 3), 41, size=50.0, how=exploding)
    for last in (None, 0.0):
        judged("float32", (3, 4), 5, torch.float32, how=falling(5, last))


def steps(times, alphas, sigmas, x, said):
    """A step as a function of its parts, and these; all steps at once."""
    axes, n = (..., *[None] * (x.dim() - 1)), len(said)

    def made(rounded, variable, pair, weights, place):
        a, u = rounded(alphas, sigmas)
        h, long = u.diff()[axes], variable(times, a, a * u, u).diff()
        ratio = torch.cat([torch.zeros(1).double(), long[1:] / long[:-1]])
        first = torch.zeros(n, dtype=torch.bool)
        first[0] = True
        last = torch.zeros(n, dtype=torch.bool)
        last[-1] = True
        w = weights(ratio, first, last)
        now, old = pair
        rate = w[0][axes] * now + w[1][axes] * old
        return place(rate, h, a[:-1][axes], a[1:][axes])

    def two(f, start=(1.0, 0.0)):
        """Weights of every step but the first."""

        def weights(q, first, last):
            new, old = (torch.as_tensor(v).double() + 0 * q for v in f(q))
            return torch.where(first, start[0], new), torch.where(first, start[1], old)

        return weights

    def line(q):
        """The weights that integrate 1 and u exactly, by two equations."""
        one = torch.ones_like(q)
        # With the place of the newer estimate for 0, the step before for the unit.
        rows = torch.stack([torch.stack([one, one]), torch.stack([0 * one, -one])])
        due = torch.stack([one, q / 2])
        return torch.linalg.solve(rows.permute(2, 0, 1), due.T).T

    def ended(q, first, last):
        new, old = two(line)(q, first, last)
        return torch.where(last, 1.0, new), torch.where(last, 0.0, old)

    numbers = {
        "": lambda a, s: (a, s / a),
        "coefficients rounded to float32": [
            lambda a, s: (single(a), single(s) / single(a)),
            lambda a, s: (a, single(s) / single(a)),
            lambda a, s: (a, single(single(s) / single(a))),
            lambda a, s: (single(a), single(single(s) / single(a))),
        ],
    }
    variables = {
        "": lambda t, a, s, u: u,
        "lengths in another variable": [
            lambda t, a, s, u: t, lambda t, a, s, u: s, lambda t, a, s, u: u.log(),
            lambda t, a, s, u: a, lambda t, a, s, u: u**2, lambda t, a, s, u: 1 / u,
            lambda t, a, s, u: s**2, lambda t, a, s, u: s.log(),
        ],
    }  # fmt: skip
    before = torch.cat([said[:1], said[:-1]])
    older = torch.cat([said[:1], before[:-1]])
    other = (x - alphas[:-1][axes] * said) / sigmas[:-1][axes]
    pairs = {
        "": (said, before),
        "the data in place of the noise": (other, torch.cat([other[:1], other[:-1]])),
        "an older estimate": [(said, said[:1].expand_as(said)), (said, older)],
    }
    weights = {
        "": two(line),
        "coefficients of equal steps": two(lambda q: (1.5, -0.5)),
        "ratio of the lengths turned around": two(
            lambda q: (1 + 0.5 / q.clamp(min=1e-9), -0.5 / q.clamp(min=1e-9))
        ),
        "the two estimates exchanged": two(lambda q: (-q / 2, 1 + q / 2)),
        "extrapolated to the end of the step": two(lambda q: (1 + q, -q)),
        "mean of the two estimates": two(lambda q: (0.5, 0.5)),
        "one estimate alone": [
            two(lambda q: (1.0, 0.0)), two(lambda q: (0.0, 1.0)),
        ],
        "first step otherwise": [
            two(line, (v, 0.0)) for v in (1.5, 0.5, 0.0)
        ],
        "last step otherwise": ended,
        "sign flipped": two(lambda q: (1 - q / 2, q / 2)),
        "off by a factor of two": two(lambda q: (1 + q / 4, -q / 4)),
    }  # fmt: skip
    places = {
        "": lambda rate, h, a, b: b * (x / a + h * rate),
        "alpha left out": [
            lambda rate, h, a, b: x + h * rate, lambda rate, h, a, b: x / a + h * rate,
            lambda rate, h, a, b: b * (x + h * rate),
            lambda rate, h, a, b: b / a * x + h * rate,
            lambda rate, h, a, b: a * (x / a + h * rate),
            lambda rate, h, a, b: torch.cat([b[:-1], 1 + 0 * b[-1:]])
            * (x / a + h * rate),
        ],
        "sign flipped": lambda rate, h, a, b: b * (x / a - h * rate),
        "lengths in another variable": [
            lambda rate, h, a, b: b * (x / a + times.diff()[axes] * rate),
            lambda rate, h, a, b: b * (x / a + sigmas.diff()[axes] * rate),
            lambda rate, h, a, b: x + sigmas.diff()[axes] * rate,
            lambda rate, h, a, b: x + times.diff()[axes] * rate,
        ],
    }  # fmt: skip
    return made, (numbers, variables, pairs, weights, places)
