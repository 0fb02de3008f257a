"""Measure checks with answers that were written blind.

A catalog proves a check against what its author thought of. So somebody who has seen
neither the check nor its catalog writes answers from the statement alone. They stay
apart: an answer that an author of checks has read is no longer blind. Only the rates
are kept, in `book/_data/blind`, and shown beside the catalog's.

A folder of answers holds one module an exercise, `gm_03.py` for gm-03:

    def right_by_loops():
        def m_step(x, r): ...
        return m_step                  # or several answers, or a number

    def wrong_weights():
        '''The mean of all points, whoever owns them.'''
        ...

Trying them leaves `FOLDER/report.json`, with every answer and what it was told. Whether
that names the mistake is for a person to say: `fits`, true or false, of every wrong
answer that was rejected.
"""

import importlib.util
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from exercise_source import ROOT, Answers

from gmcourse import checks
from gmcourse.checks import Exercise, run

RECORDS = ROOT / "book" / "_data" / "blind"
SEEDS = 5


def written(path: Path) -> dict[str, Any]:
    """The functions of a module that give answers, by name."""
    spec = importlib.util.spec_from_file_location(f"blind_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kinds = ("right_", "wrong_")
    return {k: f for k, f in vars(module).items() if k.startswith(kinds)}


def tried(exercise: Exercise, name: str, make: Any, seeds: int) -> dict[str, Any]:
    """One answer under several seeds: how it ended, and what was said first."""

    def called() -> tuple:
        made = make()
        return made if isinstance(made, tuple) else (made,)

    ended, names, text, given = Counter(), Counter(), "", Answers(called)
    for seed in range(seeds):
        try:
            verdict = run(exercise, given(seed), seed=seed)
        except TypeError as error:  # of another kind than asked for
            ended["error"] += 1
            text = str(error)
            continue
        ended[verdict.outcome] += 1
        names[verdict.misconception or ""] += 1
        text = text or ("" if verdict else verdict.text)
    wrong = name.startswith("wrong_")
    told = wrong and "passed" not in ended
    return {
        "answer": name,
        "about": " ".join((make.__doc__ or "").split()),
        "ended": dict(ended),
        "named": [n for n in names if n],
        "said": text,
        **({"fits": None} if told else {}),
    }


def try_all(folder: Path, seeds: int = SEEDS) -> Path:
    """Run every answer of a folder and write its report; judgements stay."""
    catalog, path = checks.catalog(), folder / "report.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    report = {}
    for file in sorted(folder.glob("*_[0-9][0-9].py")):
        id = file.stem.replace("_", "-")
        if id not in catalog or catalog[id].check is None:
            raise SystemExit(f"{file}: there is no check of {id}")
        rows = [tried(catalog[id], *item, seeds) for item in written(file).items()]
        known = {(r["answer"], untimed(r)): r.get("fits") for r in before.get(id, ())}
        for row in rows:
            if "fits" in row:
                row["fits"] = known.get((row["answer"], untimed(row)))
        report[id] = rows
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8")  # after each: some take minutes
        print(f"{id}: {summary(rows)}", flush=True)
    return path


def untimed(row: dict) -> str:
    """What was said, without how long it took."""
    return re.sub(r" · \d+ ms", "", row["said"])


def rates(rows: list[dict]) -> dict[str, int]:
    """What the page shows of one exercise. An answer counts by its worst seed."""
    right = [row for row in rows if row["answer"].startswith("right_")]
    wrong = [row for row in rows if row["answer"].startswith("wrong_")]
    return {
        "right": len(right),
        "accepted": sum(set(row["ended"]) == {"passed"} for row in right),
        "wrong": len(wrong),
        "rejected": sum("passed" not in row["ended"] for row in wrong),
        "named": sum(bool(row.get("fits")) for row in wrong),
    }


def summary(rows: list[dict]) -> str:
    r = rates(rows)
    return (
        f"right accepted {r['accepted']}/{r['right']}, "
        f"wrong rejected {r['rejected']}/{r['wrong']}, named fittingly {r['named']}"
    )


def record(folder: Path) -> list[str]:
    """Keep the rates of a folder's report; returns what hinders."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    missing = [
        f"{id}: nobody has judged {row['answer']}"
        for id, rows in report.items()
        for row in rows
        if row.get("fits", False) is None
    ]
    if missing:
        return missing
    RECORDS.mkdir(parents=True, exist_ok=True)
    for id, rows in report.items():
        text = json.dumps(rates(rows), indent=1) + "\n"
        (RECORDS / f"{id}.json").write_text(text, encoding="utf-8")
    return []


def read() -> dict[str, dict]:
    """The rates by exercise."""
    paths = sorted(RECORDS.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
