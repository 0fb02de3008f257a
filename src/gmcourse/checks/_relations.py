"""What a wrong result has in common with what is due, said in words.

A learner who reads "0.0644 where 3.3135 is due" knows little; "all are 12 times what is
due, 12 is the length of an axis" is the mistake itself. What is said here is true of
all entries, whatever the cause: it is no name of a mistake.
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

SAME = 1e-4  # of the largest entry
CONSTANTS = {
    "1 / log 2, as of bits": 1 / math.log(2),
    "log 2": math.log(2),
    "1 / log 10": 1 / math.log(10),
    "pi": math.pi,
    "2 pi": 2 * math.pi,
    "sqrt(2 pi)": math.sqrt(2 * math.pi),
    "sqrt 2": math.sqrt(2),
}


def relation(out: Tensor, due: Tensor, bad: Tensor, args: Iterable = ()) -> str:
    """A sentence on ``out``, which differs from ``due`` where ``bad``; "" if none fits.

    All in float64 and of one shape; ``args`` are those of the call.
    """
    args = [a.detach().cpu() for a in args if isinstance(a, Tensor)]
    lengths = {n for a in [*args, due] for n in a.shape if n > 2}
    text = common(out, due, lengths)
    if text or bad.all():
        return text
    place, there = where(out, due, bad, args), common(out[bad], due[bad], lengths)
    return f"{place}; where off, {there}" if place and there else place or there


def common(out: Tensor, due: Tensor, lengths: set[int]) -> str:
    """What holds of all entries."""
    if not out.isfinite().all() or not due.isfinite().all():
        return ""
    if due.unique().numel() < 2:  # one number: only a telling factor
        c = ratio(out, due)
        told = known(c, lengths, pairs=False) if c and abs(c + 1) > SAME else ""
        return scaled(c, told) if told or abs(c + 1) <= SAME else ""
    if alike(out, due):  # nearly right: any relation would hold
        return rounded(out, due)
    return (
        order(out, due)
        or factor(out, due, lengths)
        or shift(out, due, lengths)
        or constant(out, due)
        or power(out, due)
        or matrix(out, due)
        or affine(out, due)
        or rounded(out, due)
        or lines(out, due)
    )


def alike(a: Tensor, b: Tensor) -> bool:
    size = b.abs().max().clamp(min=1e-12)
    return a.shape == b.shape and bool(((a - b).abs() <= SAME * size).all())


def order(out: Tensor, due: Tensor) -> str:
    """The right numbers in other places."""
    if not alike(out.flatten().sort()[0], due.flatten().sort()[0]):
        return ""
    how = ""
    if due.dim() > 1 and due.shape[-1] == due.shape[-2] and alike(out, due.mT):
        how = ": rows and columns are exchanged"
    for axis in range(due.dim()):
        if alike(out, due.flip(axis)):
            how = f": axis {axis} is turned around"
        for steps in (1, -1):
            if alike(out, due.roll(steps, axis)):
                how = f": moved by one along axis {axis}"
    return f"the right numbers in another order{how}"


def ratio(out: Tensor, due: Tensor) -> float:
    """The one factor between them, or 0."""
    best = due.abs().argmax()
    if not due.flatten()[best]:
        return 0.0
    c = float(out.flatten()[best] / due.flatten()[best])
    return c if abs(c) > 1e-6 and alike(out / c, due) else 0.0


def scaled(c: float, told: str) -> str:
    if math.isclose(c, -1, rel_tol=SAME):
        return "the right size with the other sign"
    return f"{told or f'{c:.5g}'} times what is due"


def factor(out: Tensor, due: Tensor, lengths: set[int]) -> str:
    """One factor for all entries."""
    c = ratio(out, due)
    return scaled(c, known(c, lengths)) + ", everywhere" if c else ""


def known(c: float, lengths: set[int], pairs: bool = True) -> str:
    """A factor in words, if it is a simple one or an axis's length.

    Two lengths make many ratios: one number may well be one of them by chance.
    """
    sign, c = ("-" if c < 0 else ""), abs(c)
    for n in (*range(2, 7), *sorted(lengths)):
        why = f" ({n} is the length of an axis)" if n in lengths else ""
        for text, value in ((f"{n}", n), (f"1/{n}", 1 / n)):
            if math.isclose(c, value, rel_tol=SAME):
                return f"{sign}{text}{why}"
    for a in sorted(lengths) if pairs else ():
        for b in sorted(lengths):
            for text, value in ((f"1/{a * b}", 1 / a / b), (f"{a}/{b}", a / b)):
                if a != b and math.isclose(c, value, rel_tol=SAME):
                    return f"{sign}{text} ({a} and {b} are lengths of axes)"
            if math.isclose(c, n := a * b, rel_tol=SAME):
                return f"{sign}{n} ({a} and {b} are lengths of axes)"
        for text, value in ((f"{a - 1}/{a}", 1 - 1 / a), (f"{a}/{a - 1}", a / (a - 1))):
            if math.isclose(c, value, rel_tol=SAME / 10):
                return f"{sign}{text} ({a} is the length of an axis)"
    for text, value in CONSTANTS.items():
        if math.isclose(c, value, rel_tol=SAME):
            return f"{sign}{value:.5g} ({text})"
        if math.isclose(c, 1 / value, rel_tol=SAME):
            return f"{sign}{1 / value:.5g} (1 / ({text}))"
    return ""


def shift(out: Tensor, due: Tensor, lengths: set[int]) -> str:
    """One amount added to all entries."""
    c = float((out - due).mean())
    if not alike(out - c, due):
        return ""
    side, size, told = ("large" if c > 0 else "small"), abs(c), ""
    half = math.log(2 * math.pi) / 2
    times = round(size / half)
    if 0 < times <= 2 * max(lengths, default=2) and math.isclose(
        size, times * half, rel_tol=SAME
    ):
        told = f": {times} times log(2 pi) / 2" if times > 1 else ": log(2 pi) / 2"
    for n in (2, *lengths):
        if math.isclose(size, math.log(n), rel_tol=SAME):
            told = f": log {n}"
    return f"{size:.5g} too {side}, everywhere{told}"


def constant(out: Tensor, due: Tensor) -> str:
    """One number for all entries, though others are due."""
    if not alike(out, out.mean().expand_as(out)):
        return ""
    found = {"the mean": due.mean(), "the sum": due.sum(), "the largest": due.max()}
    for name, value in found.items():
        if alike(out, value.expand_as(out)):
            return f"everywhere {name} of what is due"
    return f"{float(out.mean()):.5g} everywhere"


def power(out: Tensor, due: Tensor) -> str:
    """A function applied to what is due, or forgotten."""
    functions: dict[str, Callable] = {
        "the square of": torch.square,
        "the root of": torch.sqrt,
        "the exponential of": torch.exp,
        "the logarithm of": torch.log,
        "1 divided by": torch.reciprocal,
        "1 minus": lambda v: 1 - v,
        "the absolute value of": torch.abs,
        "the positive part of": torch.relu,
    }
    for name, f in functions.items():
        value = f(due)
        if value.isfinite().all() and alike(out, value):
            return f"{name} what is due, everywhere"
    return ""


def matrix(out: Tensor, due: Tensor) -> str:
    """Another matrix that is made of the one which is due."""
    if due.dim() < 2 or due.shape[-1] != due.shape[-2]:
        return ""
    found = {
        "the inverse of": torch.linalg.inv_ex(due)[0],
        "the Cholesky factor of": torch.linalg.cholesky_ex(due)[0],
        "the matrix square of": due @ due,
    }
    for name, value in found.items():
        if value.isfinite().all() and alike(out, value):
            return f"{name} what is due"
    return ""


def affine(out: Tensor, due: Tensor) -> str:
    """A factor and an amount for all entries."""
    if due.unique().numel() < 4:
        return ""
    x, y = due.flatten() - due.mean(), out.flatten() - out.mean()
    slope = float(x @ y / (x @ x))
    start = float(out.mean() - slope * due.mean())
    if abs(slope) < 1e-3 or not alike(slope * due + start, out):
        return ""
    sign = "plus" if start > 0 else "minus"
    return f"{slope:.5g} times what is due {sign} {abs(start):.5g}, everywhere"


def rounded(out: Tensor, due: Tensor) -> str:
    for digits in range(4):
        tens = 10.0**digits
        if ((out - (due * tens).round() / tens).abs() < 1e-6).all():
            return f"rounded to {digits} decimals" if digits else "rounded to integers"
    return ""


def lines(out: Tensor, due: Tensor) -> str:
    """Each row or column right but for a factor or an amount of its own."""
    for axis in range(due.dim()):
        if due.dim() < 2 or due.shape[axis] < 3:
            continue
        ratio = out.sum(axis, keepdim=True) / due.sum(axis, keepdim=True)
        more = (out - due).mean(axis, keepdim=True)
        for what, value in (("factor", ratio * due), ("amount", due + more)):
            if value.isfinite().all() and alike(value, out):
                return f"right along axis {axis}, but for one {what} each"
    return ""


def where(out: Tensor, due: Tensor, bad: Tensor, args: list[Tensor]) -> str:
    """What the wrong entries have in common, if some are right."""
    good = ~bad
    if out.numel() < 4:
        return ""
    for axis in range(due.dim()):
        rest = [i for i in range(due.dim()) if i != axis]
        wrong = bad.sum(rest) if rest else bad.long()
        whole = wrong == bad.numel() // bad.shape[axis]
        if bad.shape[axis] < 3 or not (whole | (wrong == 0)).all():
            continue
        for at, text in ((whole, "off at {} alone"), (~whole, "right at {} alone")):
            if at.sum() == 1:
                return text.format(f"index {int(at.nonzero())} of axis {axis}")
    wrong, right = bad.sum(), good.sum()
    if wrong > 1 and bool((out[bad] == out[bad][0]).all()):
        at = float(out[bad][0])
        if (out[good] <= at).all() and (due[bad] >= at).all():
            return f"never above {at:.5g}: a bound"
        if (out[good] >= at).all() and (due[bad] <= at).all():
            return f"never below {at:.5g}: a bound"
    if min(wrong, right) < 2 or out.numel() < 8:
        return ""
    values = {f"argument {i}": a for i, a in enumerate(args) if a.shape == out.shape}
    for name, x in {**values, "what is due": due}.items():
        if (x[bad] < 0).all() and (x[good] >= 0).all():
            return f"off wherever {name} is negative"
        if (x[bad] == 0).all() and (x[good] != 0).all():
            return f"off wherever {name} is 0"
        if x[bad].min() > x[good].max():
            return f"off wherever {name} is above {float(x[good].max()):.4g}"
        if x[bad].max() < x[good].min():
            return f"off wherever {name} is below {float(x[good].min()):.4g}"
    return ""
