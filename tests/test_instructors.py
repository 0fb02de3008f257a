"""What the page for instructors tells them to run."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import exercise_source
import exercises as tool
import pytest
from exercise_tools import CATALOG

PAGE = Path(__file__).parents[1] / "book" / "instructors.md"


def test_submissions_are_executed_and_counted(tmp_path):
    """A student's notebook with one right answer, one wrong and one not attempted."""
    nbformat, nbclient = map(pytest.importorskip, ("nbformat", "nbclient"))
    tool.notebooks(tmp_path)
    book = nbformat.read(tmp_path / "student" / "00_start_here.ipynb", 4)
    exercise = CATALOG["start-01"]
    right = exercise_source.solution(tool.versions()["start-01"], exercise)
    for cell in book.cells:
        if cell.source == exercise.stub.strip():
            cell.source = right
        if cell.source == CATALOG["start-02"].stub.strip():
            name = re.search(r"def (\w+)", cell.source)[1]
            cell.source = f"def {name}(*given):\n    return 3"
    client = nbclient.NotebookClient(book, timeout=60, kernel_name="python3")
    client.execute()
    (tmp_path / "executed").mkdir()
    nbformat.write(book, tmp_path / "executed" / "ann.ipynb")

    text = PAGE.read_text("utf-8")
    program = re.search(r"^( *)```python\n(.*?)^\1```", text, re.M | re.S)
    code = re.sub(f"^{program[1]}", "", program[2], flags=re.M)
    counted = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    name, _, verdicts = counted.stdout.strip().partition(" ")
    assert name == "ann", counted.stderr
    verdicts = ast.literal_eval(verdicts)
    assert verdicts.pop("start-01") == "passed"
    assert verdicts.pop("start-02") in ("not yet", "error")
    assert verdicts == {}  # the third was not attempted
