"""Exercise gan-20: Six numbers of distances."""

import itertools
import math

import torch

from .._exercise import Exercise


@Exercise(
    id="gan-20",
    title="Six numbers of distances",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Derive distances of small distributions and what a clipped and a penalized "
        "critic make of them.",
    ),
    statement=r"""
Six numbers, by hand or by a few lines of code, to four significant digits. All
distributions lie on the real line.

1. Let $p$ be uniform on $[0, 1]$ and $q$ uniform on $[0.2, 0.6]$. Give `js`, which is
   $\mathrm{JS}(p, q)$ in nats,
2. and `w1`, their Wasserstein-1 distance.
3. On the points 0, 2 and 7 let $p$ have the probabilities 0.5, 0.1 and 0.4, and $q$
   0.2, 0.5 and 0.3. Give `best`, the largest value of
   $\mathbb{E}_p[f(x)] - \mathbb{E}_q[f(x)]$ among all $f$ with
   $|f(x) - f(y)| \le |x - y|$ for all $x$ and $y$.
4. A critic of one number has three linear layers, 1 → 8 → 8 → 1, and a ReLU after the
   first and after the second. All of its weights are clipped to $[-0.1, 0.1]$, its
   biases are free. Give `steepest`, the largest slope that it can have.
5. The mean of the data is larger by 4 than that of the generator. The critic is
   $f(x) = \phi x$, and its loss $\mathbb{E}_q[f(x)] - \mathbb{E}_p[f(x)]$ plus
   $10\, (|f'(x)| - 1)^2$ is as small as it can be. Give its slope, `slope`.
6. Two batches of two draws each come from the *same* distribution, uniform on
   $[0, 1]$, all four independent. The distance $W_1$ between two batches is that of the
   distributions with probability ½ on each of two points. Give `noise`, its expected
   value.
""",
    stub="""
js = ...  # of U[0, 1] and U[0.2, 0.6], in nats
w1 = ...  # of the same two
best = ...  # the largest difference of the means of f
steepest = ...  # the largest slope of a clipped critic
slope = ...  # of the best linear critic under the penalty
noise = ...  # expected W1 of two batches of two
""",
    answers={
        "js": float,
        "w1": float,
        "best": float,
        "steepest": float,
        "slope": float,
        "noise": float,
    },
    hints=(
        "1 and 2: the mixture has another density on each of the parts of $[0, 1]$. "
        "Both quantile functions are straight lines; where do they cross?",
        r"3: $W_1$ is the area between two distribution functions. 4: the slope is a "
        "sum over all paths from the input to the output. How many are there?",
        r"5: the loss is a parabola in $\phi > 0$. 6: pair the smaller two and the "
        "larger two; by symmetry both have the same expected distance. Or integrate "
        "over $x$ how far the two numbers of draws below $x$ differ on average.",
    ),
    misconceptions={
        "taken as disjoint": "log 2 is the value where the two never meet.",
        "only what lies outside counted": "In the overlap the densities are 1 and 2.5, "
        "and this counts, too.",
        "one of the two terms only": "JS is the mean of two divergences, from p and "
        "from q to their mixture.",
        "a sum in place of the mean": "JS is the mean of two divergences to the "
        "mixture, each with the factor 1/2.",
        "a difference of densities": "The total variation, or the integral of |p - q|, "
        "knows neither logarithms nor distances.",
        "a KL in place of JS": "Both are compared with their mixture.",
        "mixture not halved": "The mixture is (p + q)/2, which is a density.",
        "difference of the means": "Some of the mass goes to the right, some to the "
        "left: these do not cancel.",
        "a squared cost": "W1 counts distances, not their squares.",
        "largest gap in place of the area": "W1 is the whole area between the two "
        "distribution functions, or between the quantile functions.",
        "only one side of the crossing": "Both sides of the point where the two "
        "functions cross count.",
        "distance of the ends": "The quantile functions differ by |0.2 - 0.6 u|, whose "
        "mean is not the mean of its values at both ends.",
        "independent draws": "This is the mean distance where all mass is spread in "
        "proportion: the best coupling costs less.",
        "distances left out": "How far the mass moves counts, not only how much of it.",
        "critic that only rises": "The best critic may fall where more of q's mass "
        "lies to the left.",
        "another number of paths": "There are 8 · 8 paths, each with three weights.",
        "one layer only": "The slopes of all three layers are multiplied.",
        "weights added along a path": "Along a path the weights are multiplied.",
        "held at slope 1": "A penalty is no bound: a little more slope gains more than "
        "it costs.",
        "derivative of the square lost": "The derivative of 10 (s - 1)² is 20 (s - 1).",
        "flatter in place of steeper": "More slope makes the difference of the means "
        "larger.",
        "value in place of the slope": "The slope itself is asked for.",
        "excess in place of the slope": "The slope is 1 and what goes beyond.",
        "weight of the penalty enters otherwise": "At the minimum 4 is 20 (s - 1).",
        "zero for equal distributions": "Two batches of one distribution are not the "
        "same points.",
        "one draw in place of two": "1/3 is the mean distance of two single draws, or "
        "of pairs that are not sorted.",
        "means of the batches compared": "The points are paired: their distances do "
        "not cancel.",
    },
)
def gan_20(t, js, w1, best, steepest, slope, noise):
    # On a grid of cells on which both densities are constant.
    x = (torch.arange(5000, dtype=torch.float64) + 0.5) / 5000
    p, q = torch.ones_like(x), ((x > 0.2) & (x < 0.6)) * 2.5
    mixed = (p + q) / 2

    def kl(a, b):
        inside = (a > 0) & (b > 0)
        return float((a * (a / b).log())[inside].sum() / 5000)

    halves = kl(p, mixed), kl(q, mixed)
    outside = float((q == 0).double().mean())
    log2 = math.log(2)
    gap = float((p - q).abs().mean())
    due_js = (halves[0] + halves[1]) / 2

    # The quantile functions on a grid of levels; both are straight.
    line = 0.2 + 0.4 * x
    move = x - line
    due_w1 = float(move.abs().mean())
    apart = float((x[::10, None] - line[::10]).abs().mean())

    # All critics on a grid of values that obey the rule at three points.
    at, mass = (0.0, 2.0, 7.0), ((0.5, 0.1, 0.4), (0.2, 0.5, 0.3))
    shift = [a - b for a, b in zip(*mass)]
    values = [
        sum(s * v for s, v in zip(shift, (0.0, i / 4, j / 4)))
        for i in range(-28, 29)
        for j in range(-28, 29)
        if abs(i) <= 8 and abs(j) <= 28 and abs(i - j) <= 20
    ]
    due_best = max(values)

    # The slope is linear in each weight, so it is largest at a corner: by symmetry
    # at that where no path is negative.
    start = torch.ones(1, dtype=torch.float64, requires_grad=True)
    layers = [0.1 * torch.ones(n, m).double() for n, m in ((8, 1), (8, 8), (1, 8))]
    out = start
    for w in layers:
        out = (w @ out).relu()
    due_steepest = float(torch.autograd.grad(out, start)[0])

    s = torch.linspace(-5, 5, 1_000_001, dtype=torch.float64)
    due_slope = float(s[(-4 * s + 10 * (s.abs() - 1).square()).argmin()])

    # How far the numbers of draws below x differ, over all 16 cases, at each x.
    due_noise = 0.0
    for case in itertools.product((0, 1), repeat=4):
        chance = torch.stack([x if c else 1 - x for c in case]).prod(0)
        due_noise += float((chance * abs(case[0] + case[1] - case[2] - case[3])).mean())
    due_noise /= 2
    dues = due_js, due_w1, due_best, due_steepest, due_slope, due_noise

    ideas = {
        "taken as disjoint": log2,
        "only what lies outside counted": [outside * log2, outside * log2 / 2],
        "one of the two terms only": [
            *(halves[0], halves[0] / 2, halves[1], halves[1] / 2),
        ],
        "a sum in place of the mean": sum(halves),
        "a difference of densities": [gap, gap / 2, gap / 2 * log2],
        "a KL in place of JS": [
            *(kl(q, p), kl(q, p) / 2, kl(p, q), -kl(p, q), kl(p, q) / 2),
            kl(q, p) + kl(p, q),
        ],
        "mixture not halved": [
            *(due_js - log2, log2 - due_js, sum(halves) - 2 * log2, due_js - log2 / 2),
        ],
    }
    why = "Both densities and their mixture on a fine grid."
    t.number("JS of two uniforms", js, due_js, why, ideas, unit="nats", others=dues)

    square = float(move.square().mean())
    parts = [float(v.relu().mean()) for v in (move, -move)]
    ideas = {
        "difference of the means": [abs(float(move.mean())), float(move.mean())],
        "a squared cost": [square, square**0.5],
        "largest gap in place of the area": 0.4,
        "only one side of the crossing": parts,
        "distance of the ends": [0.3, 0.2],
        "independent draws": apart,
        "a difference of densities": [gap, gap / 2],
    }
    why = "The mean distance of the two quantile functions."
    t.number("W1 of two uniforms", w1, due_w1, why, ideas, others=dues)

    levels = [shift[0], shift[0] + shift[1]]
    gaps = [b - a for a, b in itertools.pairwise(at)]
    areas = [abs(v) * g for v, g in zip(levels, gaps)]
    means = sum(v * c for v, c in zip(shift, at))
    squares = sum(abs(v) * g * g for v, g in zip(levels, gaps))
    total = sum(map(abs, shift))
    both = itertools.product(zip(at, mass[0]), zip(at, mass[1]))
    spread = sum(abs(a - b) * u * v for (a, u), (b, v) in both)
    ideas = {
        "critic that only rises": [means, -means],
        "only one side of the crossing": areas,
        "distances left out": [total / 2, total, sum(map(abs, levels))],
        "a squared cost": [squares, squares**0.5],
        "largest gap in place of the area": [
            *(max(areas), max(map(abs, levels)), 7 * total / 2, 7 * total),
        ],
        "independent draws": spread,
    }
    why = "The best of all critics on a grid that obey the rule at the three points."
    t.number("the best critic on three points", best, due_best, why, ideas, others=dues)

    c = 0.1
    ideas = {
        "another number of paths": [
            *(k * c**3 for k in (1, 8, 16, 17, 24, 512, 80, 10, 4096)),
            (8 * c) ** 2 * c**2,
        ],
        "one layer only": [c, 8 * c, c * c, 8 * c * c, 64 * c * c, 64 * c, c * 8**0.5],
        "weights added along a path": [3 * c, 0.3 * 64, 17 * c, 80 * c],
    }
    why = "The slope with all weights at 0.1, by automatic differentiation."
    what = "the steepest clipped critic"
    t.number(what, steepest, due_steepest, why, ideas, others=dues)

    ideas = {
        "held at slope 1": 1.0,
        "derivative of the square lost": 1 + 4 / 10,
        "flatter in place of steeper": [1 - 4 / 20, 1 - 4 / 10],
        "value in place of the slope": [
            *(4 * due_slope, -4 * due_slope, 4 * due_slope - 10 * 0.04),
            *(-4 * due_slope + 10 * 0.04, 4.0),
        ],
        "excess in place of the slope": [4 / 20, 4 / 10],
        "weight of the penalty enters otherwise": [
            *(1 + 4 / 2, 1 + 4.0, 1 + 16 / 20, 1 + 10 / 8, 1 + 20 / 4, 1 + 10 / 4),
            *(1 + 4 / 40, 1 + 40 / 2, 1 + 1 / 20, 1 + 1 / 10, 1 + 4 / 100),
        ],
    }
    why = "Where the loss, on a fine grid of slopes, is smallest."
    t.number("the slope under a penalty", slope, due_slope, why, ideas, others=dues)

    ideas = {
        "zero for equal distributions": 0.0,
        "one draw in place of two": 1 / 3,
        "means of the batches compared": 7 / 30,
        "a squared cost": [1 / 15, (1 / 15) ** 0.5],
    }
    why = "The mean area between the two distribution functions, over all cases."
    t.number("W1 of two batches of two", noise, due_noise, why, ideas, others=dues)
