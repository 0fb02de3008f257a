"""Exercise ae-02: How many numbers does it take?"""

import torch
from torch import Tensor

from .._exercise import Exercise
from ._shared import series


def frame(t, n: int, k: int) -> Tensor:
    """(n, k) float64: orthonormal columns, each of mean zero; n > k."""
    raw = torch.randn(n, k, generator=t.rng, dtype=torch.float64)
    return torch.linalg.qr(raw - raw.mean(0))[0]


def planted(t, n: int, spectrum: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points (n, d) float64 of exactly known mean, axes (d, d) and variances.

    The rows of ``axes`` are the principal directions; the variances are those over
    the n points (divided by n).
    """
    d = len(spectrum)
    axes = torch.linalg.qr(torch.randn(d, d, generator=t.rng, dtype=torch.float64))[0]
    mean = t.away(d, low=3, high=6).double()
    spread = (n * spectrum.double()).sqrt()
    return mean + frame(t, n, d) * spread @ axes, mean, axes


@Exercise(
    id="ae-02",
    title="How many numbers does it take?",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Read off a spectrum how much a linear autoencoder must lose, and choose the "
        "size of its code.",
    ),
    statement=r"""
The **share** that a linear autoencoder with $k$ codes and biases loses is its least
mean squared error, by equation (2.2), divided by the mean squared distance of the
data from their mean.

Write `codes_needed(x, share)`: `x` holds one example in each of its `n` rows, shape
`(n, d)` with `n` above `d`. Return the smallest `k`, an `int` from 0 to `d`, with
which the lost share is at most `share`. With `share` at 1 or above no code is needed.
""",
    stub='''
def codes_needed(x, share):
    """(n, d), float -> int."""
    return ...
''',
    answers={"codes_needed": callable},
    hints=(
        "Which numbers decide how much is lost with k codes? Sort them first.",
        "Singular values of the centered data are no variances yet; but only ratios "
        "matter here. Of one column torch.cov gives a number without axes, which eigh "
        "refuses: torch.atleast_2d.",
        "For k = 0, 1, ... compute the sum of what is left, divided by the sum of all; "
        "stop at the first k where it is small enough.",
    ),
    misconceptions={
        "share that is kept": "`share` bounds what is lost, not what is kept.",
        "data not centered": "The autoencoder has biases: the mean of each column "
        "is free, and takes no code.",
        "a tolerance in the unit of the data": "Whether a variance is small "
        "depends on the unit: compare it with the others.",
        "singular values not squared": "A singular value is a length; the variance is "
        "its square, divided by n.",
        "variances of the pixels": "The code may combine pixels: look along principal "
        "directions, not along the axes.",
        "smallest directions first": "eigvalsh gives ascending values; the largest "
        "are to be kept.",
        "one too many": "Is k codes the same as index k of a list?",
        "one too few": "Is k codes the same as index k of a list?",
        "directions counted one by one": "What is lost is the sum of all variances "
        "left out, not the largest of them.",
        "eigenvalues squared": "An eigenvalue of the covariance is a variance as it "
        "is; only singular values are squared.",
        "share of another whole": "What is lost is divided by the sum of all "
        "variances: by no other number, and not by none.",
        "a mean of what is left": "The variances that are left out add up.",
        "always a code": "k may be 0: the mean alone is enough at a share of 1.",
        "never all codes": "k may be d, where even the smallest variance is too much.",
        "all directions taken as alike": "The result depends on the data: look at the "
        "spectrum.",
        "share read as a percentage": "A share of 1 is the whole.",
        "spectrum cut off": "All d variances count, also the smallest ones.",
        "no code where one is needed": "With k = 0 the whole share, 1, is lost.",
        "at most read as less than": "A share that is reached is allowed: at most "
        "`share`, and with a share of 1 no code is needed.",
        "root of the share": "The share compares squared distances: the root of it is "
        "larger.",
        "a float in place of an int": "The result counts codes.",
        "the first examples alone": "All rows of x are data.",
        "columns standardized": "The data are taken as they are: dividing each column "
        "by its standard deviation changes what is lost.",
    },
)
def ae_02(t, codes_needed):
    n, d = t.integer(40, 60), 8

    def along_axes(variances: list[float]) -> Tensor:
        spread = torch.tensor(variances).double().sqrt()
        return (n**0.5 * frame(t, n, len(variances)) * spread).float()

    def between(spectrum: Tensor) -> list[float]:
        """Shares for which 0 to d codes are needed."""
        left = spectrum.flip(0).cumsum(0).flip(0)
        return [1.2, *((left - 0.45 * spectrum) / left[0]).tolist()]

    def counted(parts: Tensor, shares: list[float], whole=None) -> Tensor:
        """How many it takes of other numbers, or of another whole."""
        parts = parts.double()
        left = torch.cat([parts.flip(0).cumsum(0).flip(0), torch.zeros(1)])
        whole = parts.sum() if whole is None else whole
        more = left > torch.tensor(shares)[:, None] * whole
        return more.sum(1).double().clamp(max=len(parts))

    spectrum = torch.tensor([40.0, 24.0, 14.0, 9.0, 6.0, 4.0, 2.0, 1.0]).double() / 10
    shares, due, all_ = between(spectrum), torch.arange(9.0), spectrum.sum()
    others = [due, counted(spectrum.sqrt(), shares), counted(spectrum**2, shares),
              counted(spectrum, [v * v for v in shares])]  # fmt: skip
    for _ in range(50):  # until no other mistake gives what these two give
        x = planted(t, n, spectrum)[0].float()
        spread = x.double().var(0)
        pixels = counted(spread.sort(descending=True).values, shares)
        plain = counted(spread, shares)
        unit = counted(torch.linalg.eigvalsh(x.T.corrcoef()).flip(0), shares)
        if min((a != b).sum() for a in (pixels, plain, unit) for b in others):
            break

    t.property("a whole number")
    out, name = t.call(codes_needed, x, 0.5), "a float in place of an int"
    whole = not t.tensor(out).is_floating_point()
    t.true(whole, "A number of codes, an int.", f"{out!r}", name)

    def answers(x, shares, *told):
        series(t, codes_needed, [(x, v) for v in shares], due, *told)

    t.property("any axes: shares for which it takes 0, 1, ... or all 8 codes")
    raw, part = x.double(), spectrum / all_
    roots, at = torch.linalg.svdvals, torch.tensor(shares)
    shifts = 0.0, raw.mean(), raw.mean(1, keepdim=True)
    tails = torch.stack([spectrum[k:].sum() for k in range(9)])
    means = tails / torch.arange(8, -1, -1).clamp(min=1)
    ideas = {
        "share that is kept": counted(spectrum, [1 - v for v in shares]),
        "data not centered": [counted(roots(raw - v) ** 2, shares) for v in shifts],
        "singular values not squared": counted(spectrum.sqrt(), shares),
        "eigenvalues squared": counted(spectrum**2, shares),
        "variances of the pixels": [
            pixels, plain],
        "columns standardized": unit,
        "smallest directions first": counted(spectrum.flip(0), shares),
        "always a code": due.clamp(min=1),
        "never all codes": due.clamp(max=7),
        "one too many": [due + 1, (due + 1).clamp(max=8),
                         torch.where(due > 0, due + 1, due).clamp(max=8),
                         torch.where(due > 0, due + 1, due)],
        "one too few": [due - 1, (due - 1).clamp(min=0)],
        "no code where one is needed": torch.where(due < 2, 0, due),
        "share read as a percentage": [
            torch.where(at < edge, counted(spectrum, [v * f for v in shares]), 0)
            for f in (0.01, 100) for edge in (1, 9)],
        "directions counted one by one": [
            [max(least, float((v > a).sum())) if a < edge else 0.0 for a in shares]
            for v in (part, part / part[0]) for edge in (1, 9) for least in (0, 1)],
        "share of another whole": [
            torch.where(at < edge, counted(spectrum, shares, v), 0) for v in (
                spectrum[0], 1.0, n / (n - 1), raw.square().sum(1).mean(),
                      all_ / d, all_ / n, all_ * d, all_ * n) for edge in (1, 9)],
        "a mean of what is left": [
            [0.0 if a >= edge else float((v > a).sum()) for a in shares]
            for v in (means / all_, means / means[0]) for edge in (1, 9)],
        "root of the share": counted(spectrum, [v * v for v in shares]),
        "all directions taken as alike": [
            v.clamp(min=0) for v in ((8 - 8 * at).ceil(), (8 - 8 * at).round())],
        "spectrum cut off": [counted(spectrum[:q], shares) for q in (7, 6, 5, 4, 3, 2)],
    }  # fmt: skip
    whys = ["The mean alone loses a share of 1."]
    for k in range(1, 9):
        more, less = float(tails[k - 1] / all_), float(tails[k] / all_)
        whys.append(
            f"{k} code(s) leave a share of {less:.2f}, {k - 1} leave {more:.2f}."
        )
    answers(x, shares, whys, ideas)

    t.property("at exactly 1, no code")
    for _ in range(12):  # rounded sums may exceed 1 in some, but not in all
        out = t.call(codes_needed, along_axes([5.0, 3.0, 1.0]), 1.0)
        if bool(t.tensor(out) == 0):
            break
    t.close(out, 0.0, whys[0], "at most read as less than")

    t.property("another spectrum")
    other = torch.tensor([50.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 1.0]).double()
    x, shares = planted(t, n, other)[0].float(), between(other)
    ideas = {"result of an earlier call": counted(spectrum, shares)}
    answers(x, shares, "These data have another one.", ideas)

    t.property("where the data lie does not matter")
    away = 3000 * t.away(d, low=0.5, high=1)
    why = "A shift of all examples is a shift of the mean."
    answers(x + away, shares, why, {}, "difference of large numbers")

    t.property("data of tiny values")
    unit = "a tolerance in the unit of the data"
    answers(1e-3 * x, shares, "Any unit will do.", {}, unit)

    t.property("every example counts")
    later = torch.cat([along_axes([1.0, 0.0, 0.0])] * 5 + [along_axes([0.0, 2.0, 2.0])])
    for some, which in (later, "last"), (later.flip(0), "first"):
        out = t.call(codes_needed, some, 0.1)
        why = f"The {which} ones vary along two other axes."
        t.close(out, 3.0, why, "the first examples alone")

    t.property("one value for each example")
    for share, k in (0.5, 1.0), (1.5, 0.0):
        t.close(t.call(codes_needed, along_axes([2.0]), share), k, whys[0])
