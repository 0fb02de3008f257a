"""Exercise diff-24: From a sketch."""

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, pair

PLACE = "numbers of another time"
STEPS = "times of another number of steps"
EARLIER = "result of an earlier call"
DIGITS = "not to the digits asked for"


@Exercise(
    id="diff-24",
    title="From a sketch",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Start the way back from a picture in place of noise, at the right time, and "
        "tell how far back to go to hide what is to be drawn anew.",
    ),
    statement=r"""
A sampler makes $K$ steps along falling times $t_0 > t_1 > \dots > t_K = 0$. To begin
with a picture and not with noise alone, put noise on it and make only the *last*
`left` of the $K$ steps.

Write two functions. In both, `alpha` and `sigma` are `(K + 1,)` tensors, float32 or
float64: $\alpha$ and $\sigma$ at $t_0, \dots, t_K$, in this order, for $K \ge 1$.
$\sigma / \alpha$ falls along the way; at $t_0$ alpha may be 0, at $t_K$ they are 1
and 0.

`begun(x, eps, times, alpha, sigma, left)` returns a pair: the noisy pictures from which
the sampler starts, and the times that it then needs, the one of the start first.
`x` and `eps`, pictures and standard normal noise of the same shape `(b, ...)`, have the
type of `alpha`; so has what you return, and gradients flow to `x` and `eps`. `times` is
a tuple of $K + 1$ floats, and what you return of them is a tuple, too. `left` is an int
from 1 to $K$.

`hiding(variance, alpha, sigma)` is the smallest `left` for which the start hides
details of that variance, a float above 0: the variance of the noise at the start,
beside pictures of full size, $\sigma^2 / \alpha^2$, is at least `variance`. It is an
int; where even $t_0$ has too little noise, return 0.

All sizes are at least 1. Numbers are right to $10^{-9}$ of the largest in float64, to
$10^{-5}$ in float32. Nothing that is given is changed.
""",
    stub='''
def begun(x, eps, times, alpha, sigma, left):
    """-> noisy pictures (b, ...), and the times from there on."""
    return ...


def hiding(variance, alpha, sigma):
    """float, (K + 1,), (K + 1,) -> int."""
    return ...
''',
    answers={"begun": callable, "hiding": callable},
    hints=(
        "With one step left, the start is the last time but one. Which index is that, "
        "counted from the end?",
        "left steps lead through left + 1 times.",
        "Where alpha is 0, no detail of the picture is left, however large: compare "
        "without dividing. sigma / alpha falls, so the steps that hide are the first.",
    ),
    misconceptions={
        PLACE: "The start has alpha and sigma of its own time, the first of those that "
        "are returned.",
        STEPS: "left steps lead through left + 1 times, the last of which is 0.",
        "the whole way": "Only the last left steps are made.",
        "counted from the noise": "left counts steps at the end of the way, not at its "
        "start.",
        "alpha left out": "The picture shrinks as noise comes.",
        "sigma left out": "The noise has the size of its time.",
        "variance for deviation": "sigma is the deviation of the noise.",
        "divided by alpha": "The sampler expects alpha x + sigma eps.",
        "noise alone": "The picture has to be in the start.",
        "no noise": "Without noise the sampler has nothing to draw.",
        "deviation for variance": "sigma squared over alpha squared.",
        "alpha not counted": "The noise counts beside pictures of full size.",
        "the last step that hides": "The smallest number of steps is asked for.",
        "an index in place of steps": "left counts the steps from there to the end.",
        "one step off": "From index i there are K - i steps.",
        "nothing hides it": "Where even the first time has too little noise: 0.",
        "equal is not enough": "At least: equal counts.",
        "a divided zero": "Where alpha is 0 nothing of the picture is left.",
    },
)
def diff_24(t, begun, hiding):
    past = []

    def path(steps, kind=torch.float64, none=False):
        """Numbers of times that fall, and of a path that keeps the variance."""
        gaps = t.uniform(steps, low=0.5, high=1.5).double()
        times = (gaps.flip(0).cumsum(0) / gaps.sum()).flip(0)
        angle = times * (torch.pi / 2 if none else 1.45)
        alpha = torch.cat([angle.cos(), torch.ones(1).double()])
        alpha[0] = 0.0 if none else alpha[0]
        sigma = torch.cat([angle.sin(), torch.zeros(1).double()])
        return (*times.tolist(), 0.0), alpha.to(kind), sigma.to(kind)

    def started(name, b, shape, steps, left, kind=torch.float64, none=False):
        t.property(name)
        x, eps = (drawn(t, b, *shape, kind=kind) for _ in range(2))
        times, alpha, sigma = path(steps, kind, none)
        given = [v.clone() for v in (x, eps, alpha, sigma)]
        out, rest = pair(t, t.call(begun, x, eps, times, alpha, sigma, left), "is due")
        due = noisy(*given, steps - left)
        t.shape(out, due.shape, "that of the pictures.")
        t.dtype(out, kind, "that of what is given.")
        old = [v for v in past if v.shape == due.shape]
        found = [*mistakes(*given, steps, left), (EARLIER, old)]
        tol = 1e-9 if kind == torch.float64 else 1e-5
        got = t.tensor(out).detach().double()
        near = torch.allclose(got, due.double(), 1e-4, 1e-5) and kind == torch.float64
        found = [(DIGITS, [got] * near), *found]
        t.close(
            got, due.double(), "alpha x + sigma eps of the start.", None, found, tol
        )
        past.append(due.double())
        wanted = times[steps - left :]
        told = f"{rest!r}"
        kind_of = isinstance(rest, tuple) and all(isinstance(v, float) for v in rest)
        t.true(kind_of, "A tuple of floats.", told)
        names = {
            STEPS: [times[steps - left + 1 :], times[steps - left - 1 :], wanted[:-1]],
            "the whole way": [times],
            "counted from the noise": [times[: left + 1], times[:left], times[left:]],
        }
        name = next((k for k, v in names.items() if rest in v), None)
        t.true(rest == wanted, "The last left + 1 of the times.", told, name)

    t.property("the same input gives the same again")
    x, given = drawn(t, 3, 2), path(4)
    one, two = (pair(t, t.call(begun, x, x, *given, 2), "is due") for _ in range(2))
    same = torch.equal(*(t.tensor(v).detach() for v, _ in (one, two)))
    t.true(same, "Nothing is random.", "two results", "estimated from samples")
    for name in ("half of the way", "half of the way, other numbers"):
        started(name, 4, (3,), 8, 4)
    started("pictures", 2, (3, 4, 5), 10, 3)
    started("one step left", 3, (2,), 6, 1)
    started("all steps", 3, (2,), 6, 6)
    started("all steps, no data left", 3, (2,), 6, 6, none=True)
    started("one step of one", 2, (4,), 1, 1)
    started("one example of one value", 1, (1,), 5, 2)
    started("as many examples as times", 6, (6,), 5, 3)
    started("float32", 4, (3,), 9, 5, torch.float32)

    t.property("gradients")
    x, eps, (times, alpha, sigma) = drawn(t, 3, 2), drawn(t, 3, 2), path(7)
    weight = drawn(t, 3, 2)
    for k, factor in enumerate((alpha[3], sigma[3])):
        leaves = [x.clone().requires_grad_(), eps.clone().requires_grad_()]
        out, _ = t.call(begun, *leaves, times, alpha, sigma, 4)
        told = "Of the picture alpha, of the noise sigma.", "cut off from the graph"
        t.close(t.grad(out, leaves[k], weight), factor * weight, *told, tol=1e-9)

    def hidden(
        name, steps, place, kind=torch.float64, shift: float | str = 1.0, none=False
    ):
        t.property(name)
        times, alpha, sigma = path(steps, kind, none)
        del times
        ratio = (sigma[place] / alpha[place]).double().item() ** 2
        if shift == "equal":
            alpha, sigma, variance = halves(steps, place, kind)
        else:
            variance = ratio * shift
        due = smallest(variance, alpha, sigma)
        out = t.call(hiding, variance, alpha.clone(), sigma.clone())
        t.true(type(out) is int, "An int.", f"{type(out).__name__}")
        names = wrong_counts(variance, alpha, sigma, due)
        name = next((k for k, v in names.items() if out in v), None)
        t.true(out == due, "The smallest number of steps that hides.", f"{out}", name)

    for name in ("a detail in the middle", "a detail in the middle, other numbers"):
        hidden(name, 30, 8, shift=0.99)
    hidden("hidden one step later", 30, 8, shift=1.01)
    hidden("a small detail", 9, 8, shift=0.5)
    hidden("hidden by the start alone", 9, 0, shift=0.999)
    hidden("too large", 9, 0, shift=1.01)
    hidden("larger than all, no data left", 9, 1, shift=1e6, none=True)
    hidden("equal", 10, 4, shift="equal")
    hidden("one step", 1, 0, shift=0.5)
    hidden("one step, too large", 1, 0, shift=2.0)
    hidden("float32, where squares differ little", 40, 20, torch.float32, shift=0.999)


def noisy(x, eps, alpha, sigma, i):
    return alpha[i] * x + sigma[i] * eps


def mistakes(x, eps, alpha, sigma, steps, left):
    """What other starts give, under the names of the mistakes; float64."""
    i = steps - left
    x, eps, alpha, sigma = (v.double() for v in (x, eps, alpha, sigma))
    a, s = alpha[i], sigma[i]
    others = [j for j in range(steps + 1) if j != i]
    nearby = sorted(others, key=lambda j: abs(j - i))
    yield "alpha left out", [x + s * eps] if a != 1 else []
    yield "sigma left out", [a * x + eps]
    yield "variance for deviation", [a * x + s**2 * eps, a**2 * x + s**2 * eps]
    yield "divided by alpha", [x + s / a * eps] if a > 0 else []
    yield "noise alone", [s * eps, eps] if a > 0 else []
    yield "no noise", [a * x, x]
    yield "sigma and alpha exchanged", [s * x + a * eps]
    yield PLACE, [noisy(x, eps, alpha, sigma, j) for j in nearby]
    yield PLACE, [alpha[i] * x + sigma[j] * eps for j in nearby]
    yield PLACE, [alpha[j] * x + sigma[i] * eps for j in nearby]


def smallest(variance, alpha, sigma):
    """By trying, the fewest steps first."""
    steps = len(alpha) - 1
    for left in range(1, steps + 1):
        a, s = alpha[steps - left].double().item(), sigma[steps - left].double().item()
        if s**2 >= variance * a**2:
            return left
    return 0


def halves(steps, place, kind):
    """A path on which the ratio at one place is 1 to the last digit."""
    ratio = 2.0 ** torch.arange(place, place - steps, -1).double()
    alpha = torch.cat([torch.full((steps,), 0.5).double(), torch.ones(1).double()])
    sigma = torch.cat([0.5 * ratio, torch.zeros(1).double()])
    return alpha.to(kind), sigma.to(kind), 1.0


def wrong_counts(variance, alpha, sigma, due):
    """Counts that mistakes give, under their names, where they differ."""
    steps = len(alpha) - 1
    a, s = alpha.double(), sigma.double()

    def first(hides):
        return next((left for left in range(1, steps + 1) if hides[steps - left]), 0)

    strict = first(s**2 > variance * a**2)
    found = {
        "a divided zero": [first((s**2 / a**2).nan_to_num(0, 0, 0) >= variance)],
        "equal is not enough": [strict],
        "deviation for variance": [first(s >= variance * a)],
        "alpha not counted": [first(s**2 >= variance), first(s >= variance)],
        "an index in place of steps": [steps - due] if due else [],
        "the last step that hides": [steps] if due else [],
        "nothing hides it": [1, steps, -1, steps + 1] if not due else [],
        "one step off": [due - 1, due + 1] if due else [],
    }
    return {name: [v for v in values if v != due] for name, values in found.items()}
