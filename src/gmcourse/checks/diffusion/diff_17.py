"""Exercise diff-17: What guided draws have."""

import math

from .._exercise import Exercise
from .._number import number


@Exercise(
    id="diff-17",
    title="What guided draws have",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Derive mean and variance of guided draws where the scores are known, for a "
        "sampler with half of the noise, and where no tilted density exists.",
    ),
    statement=r"""
Data on a line are normal if the condition is told, with mean $m_1$ and variance $v_1$,
and normal if it is not, with mean $m_0 = 0$ and variance $v_0$. Scores are exact, steps
infinitely small, and the way back starts from very much noise. In $\xi = x_t / \alpha$
and $u = \sigma^2 / \alpha^2$ the guided score is
$w\, s_1(\xi) + (1 - w)\, s_0(\xi)$, where $s_i$ is the score of a normal law with mean
$m_i$ and variance $v_i + u$; our weight $w$ is 1 for the conditional model.

Give four numbers, each to four digits.

- `half_noise`: $m_1 = 0$, $v_1 = \frac14$, $v_0 = 1$, $w = 2$: the variance of guided
  draws, if a share $\lambda = \frac12$ of the noise of (10.14) is put on in each step.
  That is, on the way back, in each step of the length $du$, the drift is that of the
  probability flow, $-\frac12\, \mathrm{score}\, du$ in $\xi$ as $u$ grows, plus
  $\lambda$ times as much once more, and noise of the variance $\lambda\, du$ is added.
  ($\lambda = 0$ is the probability flow, $\lambda = 1$ the equation with all its
  noise; all of them have the same densities at $w = 1$.)
- `limit`: $m_1 = 0$, $v_1 = 3$, $v_0 = 2$, so that the told law is the *wider* one: the
  weight from which on the tilted density has no finite integral.
- `there`: the variance of guided draws by the probability flow at that very weight.
- `mean`: $m_1 = 1$, $v_1 = \frac14$, $v_0 = 1$, $w = 2$: the mean of guided draws by
  the probability flow.
""",
    stub="""
half_noise = ...
limit = ...
there = ...
mean = ...
""",
    answers={"half_noise": float, "limit": float, "there": float, "mean": float},
    hints=(
        "With the logarithmic slope kappa = F' / F of the page the drift is "
        "(1 + lambda) / 2 kappa xi as u grows. Write the equation of the variance, "
        "and divide by a power of F that makes it an integral.",
        "The tilted density is normal with the precision w / v1 + (1 - w) / v0, as "
        "long as that is positive. Nothing happens to v1^w v0^(1 - w) there.",
        "The mean obeys d m / du = (kappa m - g) / 2 with g = w m1 / (v1 + u): a "
        "linear equation, again with F, from 0 at very much noise (in units of its "
        "deviation). An integral on a grid of log u is exact enough.",
    ),
    misconceptions={
        "without noise": "That is the probability flow's.",
        "with all of the noise": "That is the variance for lambda = 1.",
        "of the tilted density": "Guided draws do not have the tilted density.",
        "between the two": "The variance is no mean of those without noise and with "
        "all of it: solve the equation anew.",
        "a drift of another size": "The noise lambda is undone by a drift of lambda "
        "halves of the score, in addition to the probability flow's.",
        "noise of another size": "lambda is a share of the variance of the noise.",
        "of the conditional model": "Weight 1 is the conditional model, not 2.",
        "the other variance": "Told is the wider law here.",
        "weight of another convention": "Our weight is 1 for the conditional model.",
        "a ratio of variances": "The precision w / v1 + (1 - w) / v0 is 0 at the "
        "limit.",
        "of another weight": "At the limit that was asked for.",
        "told and untold exchanged": "v1 is told: its power is w.",
        "as if the widths were equal": "Where the widths are equal, the mean is "
        "m0 + w (m1 - m0); here they are not.",
        "a deviation": "A variance is due.",
    },
)
def diff_17(t, half_noise, limit, there, mean):
    few, half = 1 / 4, 1 / 2
    flow, noisy = (variance(few, 1.0, 2.0, share) for share in (0.0, 1.0))
    ideas = {
        "without noise": flow,
        "with all of the noise": noisy,
        "of the tilted density": 1 / 7,
        "between the two": [(flow + noisy) / 2, math.sqrt(flow * noisy)],
        "a drift of another size": [
            variance(few, 1.0, 2.0, half, drift=k) for k in (1.0, 2.0)
        ],
        "noise of another size": [
            variance(few, 1.0, 2.0, half, noise=k) for k in (0.25, 1.0)
        ],
        "of the conditional model": few,
        "weight of another convention": variance(few, 1.0, 3.0, half),
    }
    due = variance(few, 1.0, 2.0, half)
    ideas["a deviation"] = math.sqrt(due)
    number(t, "half_noise", half_noise, due, "By the equation of the variance.", ideas)

    ideas = {
        "weight of another convention": [2.0, 4.0],
        "a ratio of variances": [3 / 2, 2 / 3, 6.0, 6 / 5],
        "the other variance": [-2.0],
    }
    number(t, "limit", limit, edge(3.0, 2.0), "The precision is 0 there.", ideas)

    due = variance(3.0, 2.0, 3.0, 0.0)
    ideas = {
        "of another weight": [variance(3.0, 2.0, w, 0.0) for w in (2.0, 4.0, 1.0, 1.5)],
        "told and untold exchanged": variance(2.0, 3.0, 3.0, 0.0),
        "with all of the noise": variance(3.0, 2.0, 3.0, 1.0),
        "a deviation": math.sqrt(due),
    }
    number(t, "there", there, due, "It is finite: v1^w v0^(1 - w).", ideas)

    ideas = {
        "as if the widths were equal": 2.0,
        "of the conditional model": 1.0,
        "of the tilted density": 8 / 7,
        "with all of the noise": middle(few, 1.0, 2.0, 1.0),
        "weight of another convention": middle(few, 1.0, 3.0, 0.0),
        "told and untold exchanged": middle(1.0, few, 2.0, 0.0),
    }
    number(t, "mean", mean, middle(few, 1.0, 2.0, 0.0), "By its equation.", ideas)


def steps(slope, start, high=23.0, low=-23.0, count=6_000):
    """From log u = high down to low by Runge and Kutta's steps, and then to u = 0."""
    value, h = start, (low - high) / count
    f = lambda v, log_u: math.exp(log_u) * slope(v, math.exp(log_u))  # noqa: E731
    for k in range(count):
        at = high + k * h
        a = f(value, at)
        b = f(value + h / 2 * a, at + h / 2)
        c = f(value + h / 2 * b, at + h / 2)
        d = f(value + h * c, at + h)
        value += h / 6 * (a + 2 * b + 2 * c + d)
    return value


def kappa(u, v1, v0, w):
    return w / (v1 + u) + (1 - w) / (v0 + u)


def variance(v1, v0, w, share, drift=None, noise=None):
    """Of guided draws, step by step."""
    drift, noise = 1 + share if drift is None else drift, noise or share
    slope = lambda v, u: drift * kappa(u, v1, v0, w) * v - noise  # noqa: E731
    return steps(slope, math.exp(23.0))


def middle(v1, v0, w, share):
    """The mean of guided draws for m1 = 1 and m0 = 0, step by step."""

    def slope(m, u):
        return (1 + share) / 2 * (kappa(u, v1, v0, w) * m - w / (v1 + u))

    return steps(slope, 0.0)


def edge(v1, v0):
    """Where the precision changes its sign, by halving."""
    low, high = 1.0, 1e3
    for _ in range(100):
        w = (low + high) / 2
        low, high = (w, high) if w / v1 + (1 - w) / v0 > 0 else (low, w)
    return low
