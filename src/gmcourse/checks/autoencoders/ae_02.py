"""Exercise ae-02: How many numbers does it take?"""

import torch
from torch import Tensor

from .._exercise import Exercise
from .._parts import wrong_part


def frame(t, n: int, k: int) -> Tensor:
    """(n, k) float64: orthonormal columns, each of mean zero; n > k."""
    raw = torch.randn(n, k, generator=t.rng, dtype=torch.float64).exp()  # skewed
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
        "Which numbers decide how much is lost with $k$ codes? Sort them first.",
        "Singular values of the centered data are no variances yet; but only ratios "
        "matter here. Of one column `torch.cov` gives a number without axes, which "
        "`eigh` refuses: `torch.atleast_2d`.",
        r"For $k = 0, 1, \dots$ compute the sum of what is left, divided by the sum of "
        "all; stop at the first $k$ where it is small enough.",
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
        "another center than the mean": "The biases of the best linear autoencoder "
        "take off the mean: no other point leaves as little.",
        "share ignored": "The number of codes depends on the share.",
        "codes dropped in place of codes kept": "k codes are kept; this is d - k.",
        "rounded in place of up": "A number of codes that is nearly enough is not "
        "enough: k is the first whose loss is at most `share`.",
        "not the first k that fits": "The smallest k is due.",
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
        "1 - what is kept": "In float32 it has no digits left where the share is tiny: "
        "add up the variances that are left out.",
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
        """Shares for which 0 to d codes are needed, each twice, once barely."""
        left = spectrum.flip(0).cumsum(0).flip(0) / spectrum.sum()
        parts = spectrum / spectrum.sum()
        some = torch.stack([left - 0.04 * parts, left - 0.7 * parts], 1)
        return [1.2, 1.02, *some.flatten().tolist()]

    def tails(v: Tensor) -> Tensor:
        """What is lost with 0 to d codes."""
        return torch.cat([v.flip(0).cumsum(0).flip(0), torch.zeros(1).double()])

    def next_one(v: Tensor) -> Tensor:
        return torch.cat([v, torch.zeros(1).double()])

    def needed(v, shares, lost, whole, index, edge) -> Tensor:
        """How many codes it takes by another spectrum, loss, whole, or rule."""
        v, at = v.double(), torch.tensor(shares).double()
        fits = lost(v) <= at[:, None] * whole(v)
        fits[:, -1] = True
        k = index(fits.double().argmax(1).double(), at)
        return torch.where(at >= 1, 0.0, k) if edge else k

    spectrum = torch.tensor([40.0, 24.0, 14.0, 9.0, 6.0, 4.0, 2.0, 1.0]).double() / 10
    shares, all_ = between(spectrum), float(spectrum.sum())
    due, roots = torch.arange(9.0).repeat_interleave(2), torch.linalg.svdvals

    def plain(v):
        return needed(v, shares, tails, torch.sum, lambda k, at: k, False)

    for _ in range(50):  # until no other mistake gives what these give
        x = planted(t, n, spectrum)[0].float()
        raw = x.double()
        variances, correlated = raw.var(0), torch.linalg.eigvalsh(raw.T.corrcoef())
        by_column = (
            variances.sort(descending=True).values,
            variances,
            correlated.flip(0),
        )
        center = raw.median(0).values, raw[0], (raw.amax(0) + raw.amin(0)) / 2
        off_center = [roots(raw - v) ** 2 for v in center]
        others = [spectrum, spectrum.sqrt(), spectrum**2]
        if all((plain(a) != plain(b)).any()
               for a in (*by_column, *off_center) for b in others):  # fmt: skip
            break

    t.property("a whole number")
    out, name = t.call(codes_needed, x, 0.5), "a float in place of an int"
    whole = not t.tensor(out).is_floating_point()
    t.true(whole, "A number of codes, an int.", f"{out!r}", name)

    def answers(x, shares, why, mistake=None, name=None):
        """For all of the shares, which are for 0, 0, 1, 1, ... codes."""
        calls = []
        for v in shares:
            out = t.tensor(t.call(codes_needed, x, v)).detach()
            t.shape(out, (), "one number.")
            calls.append((float(out), t.shown))
        seen = torch.tensor([out for out, _ in calls])
        bad = (seen != due).nonzero().flatten().tolist()
        if bad:
            t.shown = calls[bad[0]][1]
            told = " ".join(f"{v:.3g}" for v in shares)
            row = " ".join(f"{int(v)}" for v in seen)
            right = " ".join(f"{int(v)}" for v in due)
            got = f"{int(seen[bad[0]])} where {int(due[bad[0]])} is due"
            got += f". In all: {row}, where {right} are due, for the shares {told}"
            t.fail(mistake or (name and name(seen)), why=f"{why}", got=got)

    t.property("any axes: shares for which it takes 0, 1, ... or all 8 codes")

    def mistake(seen):
        if len(seen.unique()) == 1:
            return "share ignored"
        shifts = 0.0, raw.mean(), raw.mean(1, keepdim=True)
        spectra = {
            "": [spectrum],
            "data not centered": [roots(raw - v) ** 2 for v in shifts],
            "another center than the mean": off_center,
            "singular values not squared": [spectrum.sqrt()],
            "eigenvalues squared": [spectrum**2],
            "variances of the pixels": [*by_column[:2]],
            "columns standardized": [by_column[2]],
            "smallest directions first": [spectrum.flip(0)],
            "spectrum cut off": [
                torch.cat([spectrum[:q], torch.zeros(8 - q)]) for q in range(2, 8)],
            "all directions taken as alike": [torch.ones(8)],
        }  # fmt: skip
        at = torch.tensor(shares).double()
        given = {
            "": [shares],
            "share that is kept": [(1 - at).tolist()],
            "root of the share": [(at**2).tolist(), at.sqrt().tolist()],
            "share read as a percentage": [(0.01 * at).tolist(), (100 * at).tolist()],
        }
        losses = {
            "": [tails],
            "directions counted one by one": [
                next_one, lambda v: torch.cat([v[:1], v]),
                lambda v: torch.cat([2 * all_ + v[:1], next_one(v)[1:]]),
                lambda v: torch.cat([2 * all_ + v[:1], next_one(v / v[0] * all_)[1:]]),
                lambda v: next_one((v / v[0]).sqrt() * v.sum()),
                lambda v: next_one(v / v[0] * v.sum())],
            "a mean of what is left": [
                lambda v: tails(v) / torch.arange(8, -1, -1).clamp(min=1),
                lambda v: tails(v) / 8],
        }  # fmt: skip
        sizes = (
            1.0,
            n / (n - 1),
            (n - 1) / n,
            raw.square().sum(1).mean(),
            *(all_ * v for v in (1 / 8, 8, n / (n - 1), (n - 1) / n, n, 1 / n)),
        )
        wholes = {
            "": [torch.sum],
            "share of another whole": [
                lambda v: v[0], lambda v: all_ - tails(v),
                *[lambda v, c=c: torch.tensor(float(c)) for c in sizes]],
        }  # fmt: skip
        rules = {
            "": [lambda k, at: k],
            "one too many": [lambda k, at: k + 1, lambda k, at: (k + 1).clamp(max=8),
                             lambda k, at: torch.where(k > 0, k + 1, k),
                             lambda k, at: torch.where(k > 0, k + 1, k).clamp(max=8)],
            "one too few": [lambda k, at: k - 1, lambda k, at: (k - 1).clamp(min=0)],
            "codes dropped in place of codes kept": [lambda k, at: 8 - k],
            "always a code": [lambda k, at: k.clamp(min=1)],
            "never all codes": [lambda k, at: k.clamp(max=7)],
            "no code where one is needed": [
                lambda k, at: torch.where(k < 2, 0, k),
                *[lambda k, at, c=c: torch.where(at > c, 0, k) for c in (0.5, 0.9)]],
            "rounded in place of up": [
                lambda k, at: torch.where(
                    torch.arange(18) % 2 == 0, (k - 1).clamp(min=0), k)],
            "not the first k that fits": [lambda k, at: torch.where(k > 0, 8.0, k)],
        }  # fmt: skip
        edges = {"": [False, True]}
        return wrong_part(seen, needed, spectra, given, losses, wholes, rules, edges,
                          most=1)  # fmt: skip

    answers(
        x, shares, "A code more is needed as long as too much is lost.", name=mistake
    )

    t.property("at exactly 1, no code")
    for _ in range(12):  # rounded sums may exceed 1 in some, but not in all
        out = t.call(codes_needed, along_axes([5.0, 3.0, 1.0]), 1.0)
        if bool(t.tensor(out) == 0):
            break
    t.close(out, 0.0, "The mean alone loses a share of 1.", "at most read as less than")

    t.property("another spectrum")
    other = torch.tensor([50.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 1.0]).double()
    shares = between(other)
    x = planted(t, n, other)[0].float()

    def kept(seen):  # that of the first data
        was = needed(spectrum, shares, tails, torch.sum, lambda k, at: k, False)
        return "result of an earlier call" if (seen == was).all() else None

    answers(x, shares, "These data have another spectrum.", name=kept)

    t.property("where the data lie does not matter")
    away = 3000 * t.away(d, low=0.5, high=1)
    why = "A shift of all examples is a shift of the mean."
    answers(x + away, shares, why, "difference of large numbers")

    t.property("data of tiny values")
    unit = "a tolerance in the unit of the data"
    answers(1e-3 * x, shares, "Any unit will do.", unit)

    t.property("a tiny share")
    for _ in range(30):  # rounded sums come out right in some
        some = planted(t, n, spectrum * t.uniform(d, low=0.5, high=1.5))[0]
        out = t.call(codes_needed, some.float(), 1e-8)
        t.close(out, 8.0, "No direction may be left out.", "1 - what is kept")

    t.property("every example counts")
    later = torch.cat([along_axes([1.0, 0.0, 0.0])] * 5 + [along_axes([0.0, 2.0, 2.0])])
    for some, which in (later, "last"), (later.flip(0), "first"):
        out = t.call(codes_needed, some, 0.1)
        why = f"The {which} ones vary along two other axes."
        t.close(out, 3.0, why, "the first examples alone")

    t.property("one value for each example")
    for share, k in (0.5, 1.0), (1.5, 0.0):
        out, why = (
            t.call(codes_needed, along_axes([2.0]), share),
            f"A share of {share}.",
        )
        t.close(out, k, why)
