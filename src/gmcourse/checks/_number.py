"""A number: a derivation, or a result of an experiment that can be repeated."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._trial import Trial


def number(
    t: "Trial",
    name: str,
    got: Any,
    due: Any,
    why: str,
    ideas: dict[str, Any] | None = None,
    *,
    tol: float = 1e-3,
    unit: str = "",
):
    """``got`` is ``due``, within ``tol`` of its size: 1e-3 for four digits.

    ``due`` comes from quadrature, brute force or simulation, not from the formula that
    is asked for. ``ideas`` holds the values of the wrong derivations (or lists of
    them); a flipped sign, a factor of two and, where ``unit`` is "nats" or "bits", the
    other unit are tried after these. An idea that gives what is due is an error of the
    check: choose other constants. What is due is not told, only on which side of it
    the answer lies.
    """
    due, scale = float(due), max(abs(float(due)), 1e-12)
    found = dict(ideas or {})
    for mistake, values in found.items():
        for value in values if isinstance(values, list) else [values]:
            if abs(float(value) - due) <= 3 * tol * scale:
                raise ValueError(f"{name}: {mistake!r} gives {value}, and that is due")
    found.setdefault("sign flipped", -due)
    found.setdefault("off by a factor of two", [2 * due, due / 2])
    if unit == "nats":
        found.setdefault("bits in place of nats", due / math.log(2))
    if unit == "bits":
        found.setdefault("nats in place of bits", due * math.log(2))
    t.property(name)
    out = float(t.tensor(got).detach())
    if abs(out - due) <= tol * scale:
        return
    text = f"{out:.6g}, which is too {'small' if out < due else 'large'}"
    for mistake, values in found.items():
        for value in values if isinstance(values, list) else [values]:
            if abs(out - float(value)) <= 2 * tol * abs(float(value)) + 1e-12:
                t.fail(mistake, why=why, got=text)
    t.fail(why=why, got=text if out == out else "nan")
