"""Every page keeps the rules for its text, and each rule catches a planted defect."""

import json
import re

import pytest
from pages import (
    CHAPTERS,
    PAGES,
    ROOT,
    RULES,
    details,
    equations,
    exercises,
    ids,
    links,
    markdown,
    outside,
)


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_page(path):
    text = markdown(path)
    used = RULES if path in CHAPTERS else [links, details, outside]
    assert [problem for rule in used for problem in rule(path, text)] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=ids(CHAPTERS))
def test_outputs_load_nothing(path):
    found = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            found += outside(path, re.sub(r"data:[^\"']{200,}", "", html))
    assert found == []


GOOD = """\
# 7 · A chapter

By [Kingma](https://arxiv.org/abs/1312.6114), see [(7.1)](#eq-one), [it](#the-question).

## The question

<a id="eq-one"></a>
$$
\\begin{aligned} a &= b \\\\ c &= d \\end{aligned} \\tag{7.1}
$$

<a id="eq-two"></a>

$$ e = f \\tag{7.2} $$

<details>
<summary>Why</summary>

Because.

```python
## no heading
```

</details>

### Exercise sam-01 · Double it

> **Difficulty 2/5** · 15 min · runs in a second

As in [the first](#sam-01).
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_good_text_keeps(rule):
    assert rule(ROOT / "notebooks" / "07_chapter.ipynb", GOOD) == []


@pytest.mark.parametrize(
    ("rule", "old", "new", "words"),
    [
        (links, "(#the-question)", "(#the-answer)", "no such anchor"),
        (links, "(#the-question)", "(08_no.ipynb#eq-one)", "no such file"),
        (links, "(#the-question)", "(../README.md)", "not a page"),
        (links, "(#sam-01)", "(#sam-02)", "no such anchor"),
        (equations, "\\tag{7.2}", "\\tag{7.3}", "expected"),
        (equations, "\\tag{7.2}", "", "no equation with one"),
        (equations, "[(7.1)]", "[(7.2)]", "that equation is ['7.1']"),
        (equations, '<a id="eq-two"></a>\n', "", "no <a id"),
        (equations, "$$ e = f", "text\n\n$$ e = f", "right below #eq-two"),
        (equations, "7.2} $$", "7.2} $$ (eq-two)", "shows its label"),
        (equations, '<a id="eq-one"></a>', "Text", "a blank line must stand"),
        (equations, "{aligned}", "{align}", "use aligned"),
        (equations, "e = f", "e \\\\ f", "a bare"),
        (details, "</details>", "", "do not match"),
        (details, "</summary>\n", "</summary>", "a blank line must follow"),
        (details, "```\n\n</details>", "```\nend\n</details>", "not a blank line"),
        (details, "Because.", "#### Because", "a heading within"),
        (exercises, "### Exercise", "## Exercise", "write"),
        (exercises, "sam-01 ·", "sam-01:", "write"),
        (exercises, "Difficulty 2/5", "Difficulty 6/5", "no card line"),
        (outside, "Because.", "![x](https://a.org/x.png)", "a.org"),
        (outside, "Because.", "<script src='//a.org/x.js'></script>", "a.org"),
    ],
)
def test_planted(rule, old, new, words):
    assert old in GOOD
    bad = GOOD.replace(old, new)
    if old == "</summary>\n":
        bad = GOOD.replace("</summary>\n\n", "</summary>\n")
    found = rule(ROOT / "notebooks" / "07_chapter.ipynb", bad)
    assert any(words in problem for problem in found), found
