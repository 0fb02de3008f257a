"""Exercise ae-02: How many numbers does it take?"""

import torch
from torch import Tensor

from .._exercise import Exercise


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
    minutes=15,
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
        "matter here.",
        "For k = 0, 1, ... compute the sum of what is left, divided by the sum of all; "
        "stop at the first k where it is small enough.",
    ),
    misconceptions={
        "share that is kept": "`share` bounds what is lost, not what is kept.",
        "data not centered": "The autoencoder has biases: its mean is free, and takes "
        "no code.",
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
    n = t.integer(40, 60)

    def along_axes(variances: list[float]) -> Tensor:
        spread = torch.tensor(variances).double().sqrt()
        return (n**0.5 * frame(t, n, len(variances)) * spread).float()

    def needs(x, share, due, why, ideas=None, mistake=None):
        t.close(t.call(codes_needed, x, share), float(due), why, mistake, ideas)

    three = along_axes([1.0, 1.0, 1.0, 0.0, 0.0])
    t.property("a whole number")
    out = t.call(codes_needed, three, 0.5)
    whole = not t.tensor(out).is_floating_point()
    t.true(
        whole, "A number of codes, an int.", f"{out!r}", "a float in place of an int"
    )

    t.property("at 1 and above, no code")
    why, singly = "The mean alone loses a share of 1.", "directions counted one by one"
    needs(three, 1.2, 0, why, {"one too many": 1.0, "share that is kept": [3.0, 5.0]})
    for _ in range(12):  # rounded sums may exceed 1 in some, but not in all
        out = t.call(codes_needed, along_axes([5.0, 3.0, 1.0]), 1.0)
        if bool(t.tensor(out) == 0):
            break
    t.close(out, 0.0, why, "at most read as less than")

    t.property("three equal directions: at most 0.15 takes three, 0.9 one, 0.4 two")
    ideas = {
        "share that is kept": 1.0,
        "smallest directions first": 5.0,
        "one too many": 4.0,
        "one too few": 2.0,
    }
    needs(three, 0.15, 3, "Two of them lose a third.", ideas)
    ideas = {"no code where one is needed": 0.0, singly: 3.0}
    needs(three, 0.9, 1, "Without a code a share of 1 is lost.", ideas)
    ideas = {singly: [0.0, 1.0], "root of the share": 3.0}
    needs(three, 0.4, 2, "One alone leaves two thirds, two leave one.", ideas)

    t.property("variances 16, 4 and 1: one code leaves 5 of 21")
    ideas = {"singular values not squared": 2.0, "columns standardized": 3.0}
    needs(along_axes([4.0, 16.0, 1.0]), 0.25, 1, "5/21 is less than 0.25.", ideas)

    t.property("a direction that is oblique to the axes")
    oblique = along_axes([9.0, 0.1]) @ torch.tensor([[0.6, 0.8], [-0.8, 0.6]])
    why = "Along it lies nearly all of the variance."
    needs(oblique, 0.1, 1, why, {"variances of the pixels": 2.0})

    t.property("where the data lie does not matter")
    away = torch.tensor([10.0, -20.0, 30.0, -40.0, 50.0])
    why = "A shift of all examples is a shift of the mean."
    needs(three + away, 0.3, 3, why, mistake="data not centered")
    needs(three + 100 * away, 0.3, 3, why, mistake="difference of large numbers")

    t.property("any spectrum, any axes")
    spectrum = torch.tensor([40.0, 24.0, 14.0, 9.0, 6.0, 4.0, 2.0, 1.0])
    x = planted(t, n, spectrum)[0].float()
    left = [float(spectrum[k:].sum() / spectrum.sum()) for k in range(9)]
    for k in (6, 3, 8, 1):
        why = f"{k} directions leave a share of {left[k]:.3f}, {k - 1} leave more."
        needs(x, (left[k - 1] + left[k]) / 2, k, why)

    t.property("every example counts")
    later = torch.cat([along_axes([1.0, 0.0, 0.0])] * 5 + [along_axes([0.0, 2.0, 2.0])])
    first, last = "the first examples alone", later.flip(0)
    needs(later, 0.1, 3, "The last ones vary along two other axes.", mistake=first)
    needs(last, 0.1, 3, "The first ones vary along two other axes.", mistake=first)

    t.property("one value for each example")
    single = along_axes([2.0])
    needs(single, 0.5, 1, "Without a code a share of 1 is lost.")
    needs(single, 1.5, 0, "The mean alone loses a share of 1.")
