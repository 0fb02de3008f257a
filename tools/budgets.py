"""What a chapter costs: notebooks/budgets/NN_name.json, and the card in its text."""

import json
import re

from common import Problem, write_atomically

CARD = re.compile(r"<!-- budget -->.*?<!-- /budget -->", re.DOTALL)
PLACES = {  # the rows of a budget card
    "cpu": "CPU",
    "small_gpu": "Small GPU (up to 24 GB)",
    "large_gpu": "Large GPU",
}


def file_of(path):
    """Where the measurements of the chapter with this text lie."""
    return path.parent / "budgets" / f"{path.stem}.json"


def read(path):
    """The measurements of a chapter, {place: entry}; none where it has no file."""
    file = file_of(path)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def add(path, entries):
    """Add measurements {place: entry} to those of a chapter."""
    unknown = sorted(set(entries) - set(PLACES))
    if unknown:
        raise Problem(f"unknown places {unknown}: expected {sorted(PLACES)}")
    text = json.dumps(read(path) | entries, indent=1, sort_keys=True) + "\n"
    file_of(path).parent.mkdir(exist_ok=True)
    write_atomically(file_of(path), text)


def measured(entries):
    """The rows of a chapter's card: of the PLACES where it was measured."""

    def size(megabytes):
        return f"{megabytes / 1024:.1f} GB"

    rows = []
    for place, label in PLACES.items():
        entry = entries.get(place)
        if entry is None:
            continue
        minutes = round(entry["seconds"] / 60)
        spent = f"{minutes} minute" + "s" * (minutes > 1)
        spent = spent if minutes else "under 1 minute"
        cost = f"{spent}, {size(entry['peak_memory_mb'])} of memory"
        if place == "cpu":
            label = f"CPU, {entry['device'].replace(' CPU', '')}"
        else:
            label = f"{label.split(' (')[0]}, {entry['device']}"
            cost += f", {size(entry['gpu_memory_mb'])} on the GPU"
        rows.append(f"| {label} | {cost} |")
    return rows


def with_card(text, entries):
    """A chapter's text with the measured rows of its card renewed.

    The card is a table of two columns between two comments. Rows that the author
    wrote (prerequisites, data) stay and come first.
    """
    starts = tuple(f"| {label.split(' (')[0]}" for label in PLACES.values())

    def renew(match):
        lines = [line.strip() for line in match[0].splitlines()]
        own = [line for line in lines if line.startswith("|")]
        own = [line for line in own if not line.startswith(starts)]
        own = own or ["| | |", "| --- | --- |"]
        table = "\n".join(own + measured(entries))
        return f"<!-- budget -->\n\n{table}\n\n<!-- /budget -->"

    return CARD.sub(renew, text, count=1)


def render(path):
    """Renew the card in a chapter's text; whether the text changed."""
    text = path.read_text(encoding="utf-8")
    return write_atomically(path, with_card(text, read(path)))
