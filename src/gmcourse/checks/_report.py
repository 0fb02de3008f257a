"""What a verdict says: plain text of at most 78 columns."""

import html
import os
import sys
import textwrap
import traceback
from typing import Any

import torch
from torch import Tensor

from ._exercise import Exercise, Stop


def stub(value: Any) -> str:
    return "..." if value is ... else str(value).replace("Ellipsis", "...")


def frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The learner's lines in a traceback: not ours, not those of a package."""
    foreign = (os.path.dirname(__file__), os.path.dirname(os.__file__), "<frozen")
    return [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if not f.filename.startswith(foreign) and "-packages" not in f.filename
    ]


def excerpt(error: BaseException) -> str:
    """The learner's part of a traceback, its innermost lines, and the message."""
    lines = []
    for f in frames(error)[-4:]:
        cell = "ipykernel" in f.filename or f.filename.startswith("<")
        place = "cell" if cell else os.path.basename(f.filename)
        lines += [f"{place}, line {f.lineno}, in {f.name}", cut(f"    {f.line}")]
    message = "".join(traceback.format_exception_only(type(error), error))
    return "\n".join([*lines, *map(cut, message.strip().splitlines()[:4])])


def cut(line: str) -> str:
    """A line of a message, at most 300 characters of it."""
    return line if len(line) <= 300 else f"{line[:200]} [...] {line[-80:]}"


def report(exercise: Exercise, t: Any, stop: Stop, seed: int, seconds: float) -> str:
    """The text of a verdict, from its trial and the reason of its end."""
    head = f"{exercise.id} {stop.outcome} · {exercise.title}"
    if stop.outcome != "not attempted":  # the book shows this one: no time in it
        head += f" · {1000 * seconds:.0f} ms"
    lines = wrap(head)
    if stop.outcome == "passed":
        for name in t.properties:
            lines += wrap(f"- {name}", "  ", "    ")
        return "\n".join(lines)
    again, known = f"{exercise.usage[:-1]}, seed={seed})", stop.misconception
    if t.shown.called:
        again = f"v = {again}\n{t.shown.called}(*v.args)"
    if known:
        known += ". " + exercise.meaning(known)
    if stop.outcome == "not attempted":
        way = f'Write it (or the missing return); a hint: hint("{exercise.id}")'
        rows = {"got": stop.lines["got"], "next": way}
    elif stop.outcome == "error":
        rows = {"call": t.describe(), "got": stop.lines["got"], "again": again}
    else:
        rows = {
            "tested": t.properties[-1] if t.properties else exercise.title,
            "call": t.describe(),
            "expected": stop.lines["expected"],
            "got": stop.lines["got"],
            "likely": known,
            "again": again,
            "held": "; ".join(t.properties[:-1]),
        }
    for label, text in rows.items():
        for part in (text or "").splitlines():
            indent = part[: len(part) - len(part.lstrip())]
            lines += wrap(part.strip(), f"  {label:<10}{indent}", " " * 12 + indent)
            label = ""
    return "\n".join(lines)


# White on each keeps a contrast of 4.5, and each is seen on white and on black.
COLORS = {
    "passed": "#00704f",
    "not yet": "#a84900",
    "error": "#b0143c",
    "not attempted": "#5f6873",
}


def colored(text: str, outcome: str) -> str:
    """A verdict as HTML: the same words, the outcome on a ground of its color."""
    color, (head, *rest) = COLORS[outcome], html.escape(text).split("\n")
    look = f"background:{color};color:#fff;border-radius:.2em;padding:.05em .4em"
    head = head.replace(outcome, f'<b style="{look}">{outcome}</b>', 1)
    look = f"border-left:.3em solid {color};padding-left:.8em;background:none"
    lines = "\n".join([head, *rest])
    return f'<pre class="gm-verdict" style="{look}">{lines}</pre>'


def tell(text: str, kind: str, rich: str) -> None:
    """Show ``rich``, of a MIME type, where a notebook listens; else print the text."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if getattr(shell, "kernel", None) is None:
        return say(text)
    ipython.display.display({"text/plain": text, kind: rich}, raw=True)


def say(text: str) -> None:
    """Print; a character that the stream cannot hold, on Windows, is spelled out."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "namereplace").decode(encoding))


def wrap(text: str, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        78,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=True,
        break_on_hyphens=False,
    )


def literal(value: Any) -> str:
    if not isinstance(value, Tensor):
        text = repr(value)
        return text if len(text) <= 30 else type(value).__name__
    if value.numel() > 4:
        return f"{str(value.dtype)[6:]} {tuple(value.shape)}"
    entries = value.detach().cpu()
    if value.dtype.is_floating_point:
        entries = entries.double().mul(1e6).round().div(1e6)
    double = ", dtype=torch.float64" if value.dtype == torch.float64 else ""
    return f"torch.tensor({entries.tolist()}{double})"
