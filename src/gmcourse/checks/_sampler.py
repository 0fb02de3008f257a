"""A function that draws: fresh, independent and from the right distribution."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ._statistics import columns, numbers, rank_correlations

if TYPE_CHECKING:
    from ._trial import Trial

NOISE = "independent noise for each draw, row and column"
CUT_AT_TWO = 0.8796  # the deviation of a standard normal that is cut off at 2


def sampler(
    t: "Trial",
    draw: Callable[[int], Any],
    mean: Tensor,
    std: Tensor,
    *,
    few: Callable[[], Tensor] | None = None,
    stds: dict[str, Any] | None = None,
    means: dict[str, Any] | None = None,
    n: int = 1000,
):
    """``draw(n)`` gives n draws ``(n, rows, columns)`` of independent normals.

    Tested are fresh noise across calls, independence, means, deviations, the shape and
    the far tails; 9 distribution tests, or 10 with ``few``: that gives ``(n, k)``, the
    k draws that one call makes for one entry, n times. ``mean`` and ``std``: ``(rows,
    columns)``, unequal and none near 0 or 1. ``stds`` and ``means`` hold what mistakes
    would give instead.
    """
    start = time.process_time()
    one, two = fresh(t, draw, n)
    seconds = (time.process_time() - start) / 2
    independent_noise(t, one, two, few)
    z = torch.cat([one, two]).flatten(1)
    gaussian(t, z, mean.flatten(), std.flatten(), stds, means, of=two)
    # What is nearly normal, such as a sum of uniforms, takes many draws to tell. Code
    # that draws entry by entry is spared most of them.
    many = 300_000 // mean.numel() if seconds < 0.005 else 10_000 // mean.numel()
    z = t.tensor(draw(many)).detach().double()
    far_tails(t, ((z - numbers(mean)) / numbers(std)).flatten())


def fresh(t: "Trial", draw: Callable[[int], Any], n: int) -> tuple[Tensor, Tensor]:
    """Two calls of ``draw(n)``: they differ, and so do the draws within each."""
    t.property("fresh noise at each call")
    one, two = (t.tensor(draw(n)).detach() for _ in range(2))
    t.shape(one, tuple(two.shape), "the same number of draws.")
    why, got = "A second call gives other draws.", "the same draws as before"
    t.true((one != two).any(), why, got, "noise fixed across calls")
    t.property("a new draw each time")
    got = f"all {len(one)} draws are equal"
    t.true(
        (one != one[:1]).any(),
        "No draw repeats another.",
        got,
        "one noise for all draws",
    )
    return one, two


def independent_noise(
    t: "Trial", one: Tensor, two: Tensor, few: Callable[[], Tensor] | None = None
):
    """Independence of columns, rows and draws, within two calls and across them.

    ``(n, rows, columns)``. What is shared in full is named by where it is shared.
    """
    t.property(NOISE, of=two)

    def independent(x: Tensor, shared: str, partly: str | None = None):
        full = (rank_correlations(columns(x)).abs() > 0.9).any()
        name = shared if full else partly
        t.independent(x, "All entries are independent of each other.", name)

    if one.shape[2] > 1:
        independent(one[:, 0, :], "one noise for all dimensions")
    if one.shape[1] > 1:
        independent(one[:, :, 0], "one noise for all examples")
    half = len(one) // 2
    parts = [one[:half], one[half : 2 * half], two[:half], two[half : 2 * half]]
    together = torch.cat([p.flatten(1) for p in parts], 1)
    independent(together, "noise used more than once", "draws not independent")
    if few is not None:
        told = "The draws for one entry are independent of each other."
        t.independent(few(), told, "draws not independent")


def gaussian(
    t: "Trial",
    z: Tensor,
    mean: Any,
    std: Any,
    stds: dict[str, Any] | None = None,
    means: dict[str, Any] | None = None,
    of: Any = None,
):
    """Each column of ``(n, k)`` draws is normal with this mean and deviation."""
    mean, std = numbers(mean), numbers(std)
    t.property("the standard deviation of each entry", of=of)
    standard = {
        "log_std read as log variance": std.sqrt(),
        "standard deviation squared": std.square(),
        "standard deviation ignored": torch.ones_like(std),
        "uniform noise": [std / 12**0.5, std / 3**0.5],
        "noise that is not normal": [CUT_AT_TWO * std],
    }
    e = numbers(z) - numbers(z).mean(0)
    if ((e**4).mean(0) / (e**2).mean(0).square() - 3).abs().max() > 1:  # the kurtosis
        standard["noise that is not normal"].append(e.std(0))
    ideas = dict(stds or {})
    for mistake, value in standard.items():
        ideas.setdefault(mistake, value)
    t.std(z, std, "The deviation that was asked for, of every entry.", ideas=ideas)

    t.property("the mean of each entry", of=of)
    ideas = dict(means or {})
    ideas.setdefault("mean not added", 0.0)
    t.mean(z, mean, std, "The mean that was asked for, of every entry.", ideas=ideas)

    t.property("shifted and scaled, they are standard normal", of=of)
    e = (numbers(z) - mean) / std
    why, other = "The distribution function of a normal.", "noise that is not normal"
    normal = torch.special.ndtr
    t.distribution(e, normal, why, other)
    edges = torch.tensor([1.0, 2.5, 3.1], dtype=torch.float64)
    tail = 2 * normal(-edges)
    probs = torch.stack([1 - tail[0], tail[0] - tail[1], tail[1] - tail[2], tail[2]])
    size = torch.bucketize(e.flatten().abs(), edges)
    why = "Sizes up to 1, 2.5, 3.1 and beyond come as often as those of a normal."
    t.frequencies(size.bincount(minlength=4), probs, why, other)


def far_tails(t: "Trial", e: Tensor):
    """Many standard normal numbers, (n,): fourth powers, and how many are far out."""
    grid = torch.linspace(-12, 12, 4801, dtype=torch.float64)
    weight = torch.exp(-grid.square() / 2)
    weight = weight / weight.sum()

    def bend(e):
        return (e**4 - 6 * e**2).clamp(max=17)

    center = (weight * bend(grid)).sum()
    spread = (weight * (bend(grid) - center) ** 2).sum() ** 0.5
    t.property(f"the same in {len(e):,} draws: fourth powers and far tails")
    other = "noise that is not normal"
    why = "The mean of e⁴ - 6e², cut off at 17, is that of a normal."
    t.mean(bend(e), center, spread, why, other)
    edge = 4.001  # not 4, where what is cut off there would lie on either side
    beyond = float(2 * torch.special.ndtr(torch.tensor(-edge, dtype=torch.float64)))
    out = (e.abs() > edge).sum()
    counts = torch.stack([len(e) - out, out])
    why = "Sizes beyond 4 come as often as those of a normal."
    t.frequencies(counts, [1 - beyond, beyond], why, other)


def path(t: "Trial", z: Any, slopes: dict[str, tuple[Tensor, Tensor]]):
    """The gradient of draws ``z``: of each input, ``(leaf, dz/dleaf entry by entry)``.

    The keys name the inputs, such as "mean" and "standard deviation".
    """
    t.about(z)
    z = t.tensor(z)
    weight = t.uniform(*z.shape, low=0.5, high=2)
    grads = {k: t.grad(z, leaf, weight) for k, (leaf, _) in slopes.items()}
    no_path = "a random node without a derivative"
    if not z.requires_grad:
        no_path = "sampled outside the graph"
    nothing = not any(g.any() for g in grads.values())
    for k, (leaf, slope) in slopes.items():
        t.property(f"the gradient of each draw by the {k}", of=z)
        due = (weight * slope.detach().cpu()).sum_to_size(leaf.shape)
        ideas = {no_path if nothing else f"{k} cut off from the graph": 0.0}
        why = "How the draw moves with it while the noise stays as it is."
        t.close(grads[k], due, why, ideas=ideas, tol=1e-4)
