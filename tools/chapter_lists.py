"""Keep the lists of chapters: the cards of the front page, and two tables.

    python tools/chapter_lists.py            rewrite what stands between their markers
    python tools/chapter_lists.py --check    say whether they are up to date (exit 1)

A chapter's title is read from its text; its card, its picture and what instructors are
told come from book/_data/chapters/NN_name.yml.
"""

import argparse
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- chapters -->\n).*?(<!-- /chapters -->)", re.DOTALL)
COLAB = "https://colab.research.google.com/github/gmcourse/gmcourse/blob/main/notebooks"
FIELDS = {"picture", "alt", "card", "needs", "meeting"}


def chapters(root: Path = ROOT) -> list[dict]:
    """What is said of each chapter, in order."""
    found = []
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.md")):
        file = root / "book" / "_data" / "chapters" / f"{path.stem}.yml"
        if not file.exists():
            sys.exit(f"{file} is missing: write one with {', '.join(sorted(FIELDS))}")
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        if set(said) != FIELDS:
            sys.exit(f"{file} has {sorted(said)}; expected {sorted(FIELDS)}")
        text = path.read_text(encoding="utf-8")
        title = re.search(r"^# (.+)$", text, re.MULTILINE)[1]
        found.append({"name": path.stem, "title": title, **said})
    return found


def front_page(every: list[dict]) -> str:
    cards = [
        f""":::{{grid-item-card}} {c["title"]}
:link: ../notebooks/{c["name"]}
:link-type: doc
:img-top: _static/{c["picture"]}
:class-img-top: dark-light
:img-alt: {c["alt"]}

{c["card"]}
:::
"""
        for c in every
    ]
    return "::::{grid} 1 2 2 2\n:gutter: 3\n\n" + "\n".join(cards) + "\n::::"


def weeks(every: list[dict]) -> str:
    rows = [
        f"| [{c['title']}](../notebooks/{c['name']}.ipynb) | {c['needs']} | "
        f"{c['meeting']} |"
        for c in every
    ]
    head = ["| chapter | needs | one meeting could be |", "|:--|:--|:--|"]
    return "\n".join([*head, *rows])


def readme(every: list[dict]) -> str:
    rows = [
        f"| [{c['title']}](notebooks/{c['name']}.ipynb) | "
        f"[open]({COLAB}/{c['name']}.ipynb) |"
        for c in every
    ]
    return "\n".join(["| chapter | on Colab |", "|---|---|", *rows])


LISTS = {"README.md": readme, "book/index.md": front_page, "book/instructors.md": weeks}


def renewed(page: str, text: str, every: list[dict]) -> str:
    """The text of a page with its list as it should be."""
    if len(BLOCK.findall(text)) != 1:
        sys.exit(f"{page} has no <!-- chapters --> block, or several")
    return BLOCK.sub(lambda m: f"{m[1]}\n{LISTS[page](every)}\n\n{m[2]}", text)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    check, every, stale = parser.parse_args().check, chapters(), False
    for page in LISTS:
        path = ROOT / page
        old = path.read_text(encoding="utf-8")
        new = renewed(page, old, every)
        if new != old and check:
            print(f"{page} is out of date: run python tools/chapter_lists.py")
        elif new != old:
            path.write_text(new, encoding="utf-8")
        stale |= new != old
    return int(stale and check)


if __name__ == "__main__":
    sys.exit(main())
