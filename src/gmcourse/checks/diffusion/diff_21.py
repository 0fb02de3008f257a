"""Exercise diff-21: Known pixels, again and again."""

import math

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, held

COUNT = "noise is asked for at other places"
ORDER = "the step is asked for another time"


@Exercise(
    id="diff-21",
    title="Known pixels, again and again",
    difficulty=4,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Complete pictures with a sampler that knows nothing of masks, by putting in "
        "what is known after each step and by going back and forth.",
    ),
    statement=r"""
A sampler makes $K$ steps, from the noisy time $t_0$ to $t_K = 0$, where there is no
noise. `alpha` and `sigma` are `(K + 1,)` tensors with $\alpha$ and $\sigma$ at
$t_0, \dots, t_K$; $\sigma / \alpha$ falls along the way, alpha is above 0, and at the
end they are 1 and 0.

Write `inpainted(step, fresh, x, known, mask, alpha, sigma, again)`, which starts at
`x`, of time $t_0$, and returns the pictures at $t_K$. For $k = 0, \dots, K - 1$ do, and
repeat `again` times before $k$ goes on (`again` is an int, 1 or more):

1. `x = step(x, k)`: one step of the sampler, from $t_k$ to $t_{k+1}$;
2. where `mask` is 1, put in the known values with the noise that belongs to $t_{k+1}$;
   where it is 0, `x` stays;
3. if the step is to be repeated once more, go back to $t_k$: put so much noise on the
   whole of `x` that a picture with the noise of $t_{k+1}$ becomes one with the noise of
   $t_k$, its data scaled accordingly
   ([Lugmayr et al., 2022](https://arxiv.org/abs/2201.09865)).

`fresh()` gives standard normal noise of the shape of `x`: ask for it once in 2. and
once in 3., whenever they are done, also where the noise has the size 0.

`x` and `known` are `(b, ...)`, `known` in the units of pictures without noise; `mask`
holds 0 and 1, has the type of `x`, and can be broadcast to its shape. All floats are
float64 or all float32; so is what you return, right to $10^{-9}$ of the largest and to
$10^{-4}$. Nothing that is given is changed.
""",
    stub='''
def inpainted(step, fresh, x, known, mask, alpha, sigma, again):
    """-> pictures without noise, in the shape of x."""
    return ...
''',
    answers={"inpainted": callable},
    hints=(
        "Two loops, one in the other. What is known is noised like any picture: alpha "
        "times it, and sigma times fresh noise, both of the time where the step ends.",
        "Back from s to t the data have to shrink from alpha_s to alpha_t: a factor "
        "for all of x, also for the noise that is in it.",
        "Variances of independent noise add up: sigma_t² is what is left of sigma_s² "
        "plus what is put on.",
    ),
    misconceptions={
        "noise of the time before": "After the step the picture is at t_{k+1}, and so "
        "must the known values be.",
        "the known without noise": "A sampler takes a clean patch for a noisy one.",
        "alpha left out": "The known values shrink like any data.",
        "the mask turned": "1 is known.",
        "put in at the end alone": "The rest can only fit to what is there on the way.",
        "put in before the step": "After the step; the pictures at the end hold what "
        "is known.",
        "the last time left out": "At the end, too: there the known values have no "
        "noise.",
        "the way back forgotten": "A step is repeated from t_k, not from t_{k+1}.",
        "a way back after the last repetition": "After the last one the next step "
        "follows.",
        "the way back not scaled": "The data shrink from alpha_s to alpha_t, and the "
        "noise in x with them.",
        "all the noise of t put on": "Some noise is there already.",
        "deviations subtracted": "Variances add up, not deviations.",
        "the noise of s not scaled": "The noise in x shrinks with the data.",
        "noise on the unknown alone": "The whole picture goes back.",
        "a way back from the data": "From x, with the noise that is in it.",
        "repeated once more": "again counts all repetitions, the first included.",
        "the whole way repeated": "Each step is repeated, not the whole way.",
        COUNT: "Once for the known values of each step, once for each way back.",
        ORDER: "step(x, k) leads from t_k to t_{k+1}, for each k in turn.",
    },
)
def diff_21(t, inpainted):
    past = []

    def path(steps, kind):
        angle = 1.3 * (torch.arange(steps, 0, -1).double() / steps)
        angle = angle * t.uniform(steps, low=0.97, high=1.0).double()
        size = t.uniform(steps, low=0.8, high=1.3).double()
        alpha = torch.cat([angle.cos() * size, torch.ones(1).double()])
        sigma = torch.cat([angle.sin() * size, torch.zeros(1).double()])
        return alpha.to(kind), sigma.to(kind)

    def judged(name, b, shape, steps, again, kind=torch.float64, small=False):
        t.property(name)
        x, known = (drawn(t, b, *shape, kind=kind) for _ in range(2))
        size = (*[1] * (len(shape) - 1), shape[-1]) if small else (b, *shape)
        mask = (torch.arange(math.prod(size)) % 3 != 1).to(kind).reshape(size)
        alpha, sigma = path(steps, kind)
        noise = [drawn(t, b, *shape, kind=kind) for _ in range(4 * steps * again + 4)]
        factor = drawn(t, *shape, kind=kind) / 3
        asked, used = [], []

        def step(x, k):
            asked.append(k)
            both = x + x.roll(1, -1) - x.roll(2, -1)  # pixels see each other
            return factor * both.sin() + 0.3 * both + 0.1 * (k + 1)

        def fresh():
            used.append(1)
            return noise[min(len(used), len(noise)) - 1].clone()

        given = x, known, mask, alpha, sigma
        out = t.call(inpainted, step, fresh, *given, again)
        ks, count = list(asked), len(used)
        make, options = choices(step, noise, *given, again)
        why = "Known values at each time, and the rest made of them."
        past.append(held(t, out, make, options, why=why, kind=kind, old=past))
        due = [k for k in range(steps) for _ in range(again)]
        t.true(ks == due, "Each k in turn.", f"k = {ks}", ORDER)
        wanted = steps * (2 * again - 1)
        t.true(count == wanted, f"fresh() {wanted} times.", f"{count} times", COUNT)

    for name in ("steps made once", "steps made once, other numbers"):
        judged(name, 3, (4,), 4, 1)
    judged("steps made three times", 3, (4,), 3, 3)
    judged("pictures", 2, (2, 3, 4), 3, 2)
    judged("a mask for all", 3, (2, 4), 3, 2, small=True)
    judged("one step, made once", 2, (5,), 1, 1)
    judged("one step, made twice", 2, (5,), 1, 2)
    judged("one example", 1, (6,), 3, 2)
    judged("float32", 2, (4,), 3, 2, torch.float32)


def run(step, noise, x, known, mask, alpha, sigma, again, **other):
    """The pictures at the end; ``other`` says what is done otherwise, in float64."""
    left = iter(noise)
    x, known, mask, alpha, sigma = (v.double() for v in (x, known, mask, alpha, sigma))
    last, get = len(alpha) - 1, other.get
    count = again + get("more", 0)

    def put(x, k):
        eps = next(left).double()
        a, s = alpha[k + get("late", 0)], sigma[k + get("late", 0)]
        a = torch.ones_like(a) if get("full") else a
        seen = a * known + get("loud", 1) * s * eps
        here = 1 - mask if get("turned") else mask
        if (get("end") and k != last) or (get("open") and k == last):
            return x
        return here * seen + (1 - here) * x

    def back(x, k):
        eps = next(left).double()
        share = alpha[k] / alpha[k + 1]
        if get("unscaled"):
            share = torch.ones_like(share)
        rest = share * sigma[k + 1]
        added = {
            "all": sigma[k],
            "deviations": (sigma[k] - rest).abs(),
            "plain": (sigma[k] ** 2 - sigma[k + 1] ** 2).abs().sqrt(),
        }.get(get("added", ""), (sigma[k] ** 2 - rest**2).clamp(min=0).sqrt())
        noisy = share * x + added * eps
        if get("data"):
            noisy = alpha[k] * x + sigma[k] * eps
        return mask * x + (1 - mask) * noisy if get("unknown") else noisy

    ways = 1
    if get("whole"):
        ways, count = again, 1
    for _ in range(ways):
        for k in range(last):
            for i in range(count):
                if get("before"):
                    x = put(x, k)
                x = step(x, k)
                x = x if get("before") else put(x, k + 1)
                if (i < count - 1 and not get("stay")) or get("always"):
                    x = back(x, k)
    return x


def choices(step, noise, *given):
    """What is due and what mistakes give, as `held` takes them."""

    def by(**other):
        return run(step, noise, *given, **other)

    right = by()
    ways = {
        "noise of the time before": [by(late=-1)],
        "the known without noise": [by(loud=0), by(loud=0, full=1)],
        "alpha left out": [by(full=1)],
        "the mask turned": [by(turned=1)],
        "put in at the end alone": [by(end=1)],
        "put in before the step": [by(before=1)],
        "the last time left out": [by(open=1)],
        "the way back forgotten": [by(stay=1)],
        "a way back after the last repetition": [by(always=1)],
        "the way back not scaled": [by(unscaled=1), by(unscaled=1, added="plain")],
        "all the noise of t put on": [by(added="all")],
        "deviations subtracted": [by(added="deviations")],
        "the noise of s not scaled": [by(added="plain")],
        "noise on the unknown alone": [by(unknown=1)],
        "a way back from the data": [by(data=1)],
        "repeated once more": [by(more=1)],
        "the whole way repeated": [by(whole=1)],
    }
    kept = {"": right}
    for name, made in ways.items():
        off = [v for v in made if not torch.allclose(v, right, 1e-6, 1e-9)]
        if off:
            kept[name] = off
    return lambda v: v, kept
