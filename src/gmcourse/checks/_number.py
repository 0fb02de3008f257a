"""A number: a derivation, or a result of an experiment that can be repeated."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._comparisons import pairs

if TYPE_CHECKING:
    from ._trial import Trial


def number(
    t: "Trial",
    name: str,
    got: Any,
    due: Any,
    why: str,
    ideas: Any = None,
    *,
    tol: float = 1e-3,
    unit: str = "",
    others: Iterable = (),
):
    """``got`` is ``due``, within ``tol`` of its size: 1e-3 for four digits.

    ``due`` comes from quadrature, brute force or simulation, not from the formula that
    is asked for. ``ideas`` holds the values of the wrong derivations (or lists of
    them), and ``others`` what is due for all of the answers; the slips that any number
    may suffer are tried after these. An idea that gives what is due is an error of the
    check: choose other constants. What is due is not told, only on which side of it
    the answer lies.
    """
    due, scale = float(due), max(abs(float(due)), 1e-12)
    ideas = list(pairs(ideas))
    for mistake, values in ideas:
        for value in values if isinstance(values, list) else [values]:
            if abs(float(value) - due) <= 3 * tol * scale:
                raise ValueError(f"{name}: {mistake!r} gives {value}, and that is due")
    t.property(name)
    out = float(t.tensor(got).detach())
    if abs(out - due) <= tol * scale:
        return
    text = f"{out:.6g}, which is too {'small' if out < due else 'large'}"
    mistake, least = None, 2 * tol
    swapped = [v for v in others if abs(float(v) - due) > 3 * tol * scale]
    for found in (ideas, {"another of the answers": swapped}, slips(due, unit)):
        for idea, values in pairs(found):
            for value in values if isinstance(values, list) else [values]:
                off = abs(out - float(value)) / max(abs(float(value)), 1e-9)
                if off < least - 1e-5:  # the nearest, and of equals the first
                    mistake, least = idea, off
    few = any(out == float(f"{due:.{digits}g}") for digits in (1, 2, 3))
    near = few or abs(out - due) <= min(max(0.02, 20 * tol), 0.05) * scale
    mistake = mistake or ("not to the digits asked for" if near else None)
    mistake = mistake if math.isfinite(out) else "not finite"
    t.fail(mistake, why=why, got=text if out == out else "nan")


def slips(due: float, unit: str) -> dict[str, list[float]]:
    """What the slips that any number may suffer give."""
    found = {
        "sign flipped": [-due],
        "off by a factor of two": [2 * due, due / 2],
        "inverse of what is due": [1 / due] if due else [],
        "square of what is due": [due**2],
        "root of what is due": [due**0.5] if due > 0 else [],
        "percent in place of a share": [100 * due] if 0 < due <= 1 else [],
    }
    if unit == "nats":
        found["bits in place of nats"] = [due / math.log(2)]
        found["logarithm to base 10"] = [due / math.log(10)]
        found["density in place of its logarithm"] = [math.exp(min(due, 700.0))]
    if unit == "bits":
        found["nats in place of bits"] = [due * math.log(2)]
    return found
