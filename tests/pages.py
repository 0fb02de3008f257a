"""The pages of the book, and rules for their text: functions to a list of problems."""

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(  # [words](address), where either may hold one pair of brackets
    r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]*(?:\([^()]*\))?[^()]*)\)"
)


def entries(node=TOC):
    """Names of all pages of the table of contents, in order."""
    found = [node[key] for key in ("root", "file") if key in node]
    for key in ("parts", "chapters", "sections"):
        for child in node.get(key, []):
            found += entries(child)
    return found


def source(entry):
    """The file behind an entry of the table of contents."""
    for suffix in (".ipynb", ".md"):
        if (ROOT / f"{entry}{suffix}").exists():
            return ROOT / f"{entry}{suffix}"
    return None


def markdown(path):
    """The Markdown of a page; of a notebook, its Markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join(
        "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
    )


def prose(text):
    """Markdown without fenced blocks and code spans, lines kept."""
    text = FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)
    return re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


PAGES = [path for entry in entries() if (path := source(entry))]
CHAPTERS = [path for path in PAGES if path.suffix == ".ipynb"]


def ids(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def slug(title):
    """The anchor that MyST and GitHub give a heading."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def anchors(text):
    """All that a link may lead to within a page."""
    found = set(re.findall(r"<a id=\"([^\"]+)\"", text))
    found |= set(re.findall(r"^\(([\w:.-]+)\)=$", text, re.MULTILINE))
    found |= set(re.findall(r"^### Exercise (\S+) ·", text, re.MULTILINE))
    seen = Counter()
    plain = FENCE.sub("", text)
    for title in re.findall(r"^#{1,4} (.+)$", plain, re.MULTILINE):
        name = slug(title)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def links(path, text):
    """Links within the book lead to a page, and to an anchor that it has."""
    found = []
    for words, address in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", address):
            continue
        file, _, anchor = address.partition("#")
        target = (path.parent / file).resolve()
        if file and not target.exists():
            found.append(f"[{words}]({address}): no such file")
        elif file and target not in PAGES and target.suffix in (".md", ".ipynb"):
            found.append(f"[{words}]({address}) is not a page of the book")
        elif anchor and anchor not in anchors(markdown(target) if file else text):
            found.append(f"[{words}]({address}): no such anchor")
    return found


def equations(path, text):
    """Numbers run through the chapter, and links show the number that they lead to."""
    found, chapter = [], path.stem[:2]
    text = prose(text)
    tags = re.findall(r"\\tag\{([^}]*)\}", text)
    expected = [f"{int(chapter)}.{i + 1}" for i in range(len(tags))]
    if tags != expected:
        found.append(f"equations are numbered {tags}; expected {expected}")
    pattern = r"<a id=\"(eq-[^\"]+)\"></a>\s*\$\$((?:(?!\$\$).)*)\$\$"
    named = {}
    for anchor, body in re.findall(pattern, text, re.DOTALL):
        named[anchor] = re.findall(r"\\tag\{([^}]*)\}", body)
    for anchor in re.findall(r"<a id=\"(eq-[^\"]+)\"", text):
        if len(named.get(anchor, [])) != 1:
            found.append(f"no equation with one \\tag stands right below #{anchor}")
    if len(tags) > len(named):
        found.append('an equation has a \\tag and no <a id="eq-..."></a> above it')
    for words, address in LINK.findall(text):
        file, _, anchor = address.partition("#")
        number = re.fullmatch(r"(?:equation |eq\. )?\((\d+\.\d+)\)", words)
        if number and not anchor.startswith("eq-"):
            found.append(f"[{words}]({address}) does not lead to an equation")
        elif number and not file and named.get(anchor) != [number[1]]:
            found.append(f"[{words}]({address}): that equation is {named.get(anchor)}")
    lines, open_ = ["", *text.split("\n")], False
    for above, line in pairwise(lines):
        if line.count("$$") % 2:
            open_ = not open_
            if open_ and above.strip() and not above.startswith("<a id="):
                found.append(f"a blank line must stand between {above!r} and $$")
    for label in re.findall(r"^.*\$\$ *(\([\w-]+\))$", text, re.MULTILINE):
        found.append(
            f"$$ ... $$ {label} shows its label on Colab: use <a id> and \\tag"
        )
    for body in re.findall(r"\$\$((?:(?!\$\$).)+)\$\$", text, re.DOTALL):
        if re.search(r"\\begin\{(align|equation|gather)\*?\}", body):
            found.append(f"{body.strip()[:40]!r}: use aligned within $$")
        if "\\\\" in body and "\\begin{" not in body:
            found.append(f"{body.strip()[:40]!r}: a bare \\\\ within $$; use aligned")
    return found


def details(path, text):
    """Folded text is closed, has a summary and blank lines around its Markdown."""
    found, text = [], FENCE.sub("", text)
    if len(re.findall(r"<details[ >]", text)) != text.count("</details>"):
        found.append("<details> and </details> do not match")
    for summary, after in re.findall(r"<summary>(.*?)</summary>\n(.*\n?)", text):
        if after.strip():
            found.append(f"<summary>{summary}: a blank line must follow")
    for before in re.findall(r"(.*)\n</details>", text):
        if before.strip():
            found.append(f"</details>: before it stands {before!r}, not a blank line")
    for body in re.findall(r"<details.*?</details>", text, re.DOTALL):
        if re.search(r"^#{1,4} ", body, re.MULTILINE):
            found.append("a heading within <details> would end it")
    return found


def exercises(path, text):
    """Headings of exercises have an id and a title, and a card below."""
    found, text = [], FENCE.sub("", text)
    for line in re.findall(r"^#+ +Exercise .*$", text, re.MULTILINE):
        match = re.fullmatch(r"### Exercise [a-z]+-\d\d · \S.*", line)
        after = text.split(line, 1)[1].strip().split("\n")[0]
        if not match:
            found.append(f"{line!r}: write '### Exercise vae-03 · Title'")
        elif not re.fullmatch(r"> \*\*Difficulty [1-5]/5\*\* · .+ · .+", after):
            found.append(f"{line!r} has no card line below but {after!r}")
    return found


def outside(path, text):
    """Nothing is loaded from elsewhere when the page is read."""
    # Line by line: a figure that is alive has a line of half a megabyte.
    found = re.compile(
        r"(?:src|srcset)=[\"']?(?:https?:)?//|!\[[^\]]*\]\(https?:|@import"
    )
    return [line for line in FENCE.sub("", text).split("\n") if found.search(line)]


RULES = [links, equations, details, exercises, outside]
