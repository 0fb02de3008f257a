"""The catalog: its form, its proof, and that what ships holds no answer."""

import ast
import datetime
import functools
import importlib
import inspect
import os
import pkgutil
import random
import re
import sys
import textwrap
from inspect import getsource
from pathlib import Path

import pytest
from exercise_tools import CATALOG, CHECKED, INSTANT, SOURCES, VERSIONS, proof, source

import gmcourse
from gmcourse import checks
from gmcourse.checks import _mistakes, run
from gmcourse.checks._mistakes import MISTAKES

# Learners pass whatever they pass, without a type checker in between.
pytestmark = pytest.mark.usefixtures("as_users_run_it")


# The catalog.


def test_ids_and_fields():
    for id, e in CATALOG.items():
        assert re.fullmatch(r"[a-z]+-\d\d", id) and e.id == id
        assert e.title and not e.title.endswith(".")
        assert e.difficulty in range(1, 6) and e.minutes > 0
        assert e.points > 0 or not e.check
        assert e.compute in ("cpu-instant", "cpu-10min", "gpu")
        assert e.objectives and e.statement.strip()
        assert 2 <= len(e.hints) <= 3 or not e.check
        assert not set(e.misconceptions) & set(MISTAKES)
        for name, why in e.misconceptions.items():
            assert 5 <= len(name) <= 60 and len(why) > 10, (id, name)
        assert bool(e.answers) == bool(e.check)
    assert len({e.title for e in CATALOG.values()}) == len(CATALOG)


@pytest.mark.parametrize("id", CATALOG)
def test_texts_are_plain_markdown(id):
    e = CATALOG[id]
    for text in (e.statement, *e.hints, *e.objectives):
        assert not re.search(r"\{[a-z-]+\}`|^:::|^```\{|^#", text, re.MULTILINE)
        assert text.count("$") % 2 == 0 and text.count("**") % 2 == 0
    for line in (*e.stub.splitlines(), e.usage if e.check else ""):
        assert len(line) <= 78
    if e.check:
        ast.parse(e.stub)
        for name, kind in e.answers.items():
            assert re.search(rf"\b{name}\b", e.stub)
            assert kind is not callable or e.repair or name in e.statement


@pytest.mark.parametrize("id", CHECKED)
def test_versions_are_complete(id):
    """One reference, 3 right and 6 wrong; each declared name is made by one of them."""
    e, cls = CHECKED[id], VERSIONS[id]
    assert len(source.roles(cls, "reference")) == 1
    assert len(source.roles(cls, "right")) >= 3
    wrong = source.roles(cls, "wrong").values()
    assert len(wrong) >= 6
    made = {v.misconception for v in wrong}
    made |= {e.stub_mistake} - {None}
    made = {part for name in made for part in name.split(", and ")}  # two at once
    unmade = set(e.misconceptions) - made
    assert unmade == set(), "declared, made by no version"
    assert made - set(e.misconceptions) - set(MISTAKES) == set(), "not declared"
    for line in source.solution(cls, e).splitlines():
        assert len(line) <= 78


def test_every_version_has_its_exercise():
    assert set(VERSIONS) <= set(CATALOG)
    assert set(CHECKED) <= set(VERSIONS)


IDEAS = ("ideas", "traps", "stds", "means")


def names_in(code):
    """The names of mistakes that stand in a check."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Assign):
            found = [
                (t.id, node.value) for t in node.targets if isinstance(t, ast.Name)
            ]
        elif isinstance(node, ast.keyword):
            found = [(node.arg, node.value)]
        else:
            continue
        for name, value in found:
            if name == "misconception" and isinstance(value, ast.Constant):
                yield value.value
            if name in IDEAS and isinstance(value, ast.Dict):
                yield from (k.value for k in value.keys if isinstance(k, ast.Constant))


@pytest.mark.parametrize("id", CHECKED)
def test_names_used_in_a_check_are_declared(id):
    e = CHECKED[id]
    used = set(names_in(textwrap.dedent(inspect.getsource(e.check))))
    assert used - {*e.misconceptions, *MISTAKES} == set()


def test_names_of_a_check_are_found():
    code = 't.close(x, y, ideas={"a": 1}, misconception="b")\ntraps = {"c": 1, "d": 2}'
    assert set(names_in(code)) == {"a", "b", "c", "d"}


def test_the_vocabulary():
    """One sentence for one mistake, with names of one form."""
    parts = [getattr(_mistakes, n) for n in dir(_mistakes) if n.isupper()]
    parts.remove(MISTAKES)
    assert sum(map(len, parts)) == len(MISTAKES)
    assert len(set(MISTAKES.values())) == len(MISTAKES)
    for name, why in MISTAKES.items():
        assert 5 <= len(name) <= 60 and len(why) > 10 and why.endswith((".", "?"))


def test_modules_are_named_by_their_exercise():
    for id, e in CHECKED.items():
        for thing in (e.check, VERSIONS[id]):
            assert thing.__module__.endswith("." + id.replace("-", "_"))


# The proof. Its record, kept by `tools/exercises.py prove`, is that of the exercises
# which have not changed since. Tried again are those that use the library, of whose
# changes a record knows nothing, and a tenth of all, another one each day; none whose
# versions are trained for minutes.

DAY = os.environ.get("PROVE_DAY") or datetime.date.today().isoformat()
QUICK = [id for id, e in INSTANT.items() if "t.trained(" not in getsource(e.check)]
STALE = [id for id in proof.stale() if id in QUICK]
TENTH = [id for id in QUICK if random.Random(DAY + id).random() < 0.1]
USERS = [id for id in QUICK if "gm." in source.solution(VERSIONS[id], CHECKED[id])]
TRIED = sorted({*STALE, *TENTH, *USERS})


@pytest.mark.parametrize("id", TRIED, ids=lambda id: f"{id} {DAY}")
def test_prove(id):
    """PROVE_DAY=2026-01-31 repeats the choice of that day."""
    row = proof.prove(INSTANT[id], VERSIONS[id], seeds=2)
    assert not row["faults"], "\n".join(row["faults"])
    assert row["rejected"] == row["named"] == row["wrong_runs"]


def test_records_show_a_proof():
    for id, row in proof.read().items():
        assert row["seeds"] >= proof.SEEDS and row["false_rejects"] == 0, id
        assert row["rejected"] == row["named"] == row["wrong_runs"], id
        assert row["false_alarm_bound"] <= 1.01e-5, id


def test_what_makes_a_proof_stale(tmp_path, monkeypatch):
    """A comment in an exercise or its helper: only theirs. The engine: its number."""
    package = Path(checks.__file__).parent
    before = {id: proof.fingerprint(e, VERSIONS[id]) for id, e in CHECKED.items()}
    read = Path.read_bytes

    def changed(path):
        def comment(self):
            return read(self) + (b"# more\n" if self == path else b"")

        with monkeypatch.context() as m:
            m.setattr(Path, "read_bytes", comment)
            now = {id: proof.fingerprint(e, VERSIONS[id]) for id, e in CHECKED.items()}
        return {id for id in CHECKED if now[id] != before[id]}

    assert changed(package / "_trial.py") == set()
    assert changed(package / "vae" / "vae_02.py") == {"vae-02"}
    assert changed(source.VERSIONS / "vae" / "vae_02.py") == {"vae-02"}
    vae = [id for id in CHECKED if id.startswith("vae-")]
    users = {id for id in vae if "from ._shared import" in text_of(id)}
    assert "vae-01" in users and changed(package / "vae" / "_shared.py") == users
    monkeypatch.setattr(proof, "ENGINE", proof.ENGINE + 1)
    assert changed(None) == set(CHECKED)


def text_of(id):
    return Path(sys.modules[CHECKED[id].check.__module__].__file__).read_text()


def test_slow_answers_are_made_a_few_times_only(monkeypatch):
    made = []

    def make():
        made.append(1)
        return (len(made),)

    quick = source.Answers(make, times=2)
    assert [quick(s) for s in range(4)] == [(1,), (2,), (3,), (4,)]
    monkeypatch.setattr(source, "SLOW", -1.0)
    slow = source.Answers(make, times=2)
    assert [slow(s) for s in range(4)] == [(5,), (6,), (5,), (6,)]


def test_prove_finds_planted_faults():
    """A catalog that lies in every way is caught in every way."""

    class Lies:
        @staticmethod
        def right_called_wrong(*given):
            return reference(*given)

        @staticmethod
        def wrong_called_right(*given):
            return 2 * reference(*given)

        @staticmethod
        def misnamed(*given):
            return -reference(*given)

    (reference,) = source.roles(VERSIONS["vae-01"], "reference").values()
    Lies.right_called_wrong.role = Lies.misnamed.role = "wrong"
    Lies.right_called_wrong.misconception = "sign flipped"
    Lies.misnamed.misconception = "off by a factor of two"
    Lies.wrong_called_right.role = "right"
    found = {k: getattr(Lies, k) for k in vars(Lies) if not k.startswith("_")}
    lies = type("Lies", (), {"__module__": VERSIONS["vae-01"].__module__, **found})
    row = proof.prove(CATALOG["vae-01"], lies, seeds=2, extra=3)
    assert (row["rejected"], row["named"], row["wrong_runs"]) == (2, 0, 4)
    assert (row["false_rejects"], row["right_runs"]) == (5, 5)
    assert len(row["faults"]) == 4 + 5


def test_prove_wants_a_broken_stub_rejected_by_its_name(monkeypatch):
    e, cls = CATALOG["vae-08"], VERSIONS["vae-08"]
    one = type(cls.__name__, (), {"__module__": cls.__module__})  # no version is tried
    one.reference = next(iter(source.roles(cls, "reference").values()))
    assert proof.prove(e, one, seeds=2)["faults"] == []
    monkeypatch.setattr(e, "stub_mistake", "sign flipped")
    faults = proof.prove(e, one, seeds=2)["faults"]
    assert len(faults) == 2 and "the stub, seed 0" in faults[0]


# What ships holds no answer.


def canonical(node):
    """An expression with its names, keywords and methods' owners made anonymous."""
    names: dict[str, str] = {}

    def walk(node):
        if isinstance(node, ast.Name):
            return names.setdefault(node.id, f"v{len(names)}")
        if isinstance(node, ast.AST):
            skip = ("ctx", "kind", "type_comment")
            fields = [walk(v) for k, v in ast.iter_fields(node) if k not in skip]
            return f"{type(node).__name__}({','.join(fields)})"
        if isinstance(node, list):
            return f"[{','.join(map(walk, node))}]"
        return repr(node)

    return walk(node)


def expressions(source, least=12):
    """All sub-expressions of at least ``least`` nodes that compute something."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        size = sum(not isinstance(n, ast.expr_context) for n in ast.walk(node))
        if isinstance(node, ast.BinOp | ast.Call) and size >= least:
            found.setdefault(canonical(node), ast.unparse(node))
    return found


@functools.cache
def shipped():
    """The checks' sources, and the code in stubs and statements.

    Not the stub of a repair: a broken program may use what another exercise asks for.
    """
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    for e in CATALOG.values():
        texts.append("" if e.repair else e.stub)
        texts += re.findall(r"```python\n(.*?)```", e.statement, re.DOTALL)
    return tuple(texts)


@functools.cache
def held(texts):
    return {k: v for text in texts for k, v in expressions(text).items()}


def leaks(solution, *more):
    """Expressions of the solution that ship, as they stand there."""
    found = held(shipped()) | held(more)
    return [found[k] for k in expressions(solution) if k in found]


@pytest.mark.parametrize("id", CHECKED)
def test_what_ships_holds_no_answer(id):
    found = leaks(source.solution(VERSIONS[id], CHECKED[id]))
    assert not found, "a check, stub or statement holds a part of the solution"


def test_a_leak_would_be_found():
    for id in ("vae-01", "vae-02", "vae-03"):
        code = source.solution(VERSIONS[id], CHECKED[id])
        renamed = code.replace("mean", "m").replace("logits", "a").replace("std", "s")
        renamed = f"def expected(t):\n    pass\n{renamed}"
        assert leaks(code, renamed)


def test_checks_import_nothing_that_answers():
    allowed = {"torch", "numpy", *sys.stdlib_module_names}
    package = Path(checks.__file__).parent
    for path in SOURCES:
        depth = len(path.relative_to(package).parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            elif isinstance(node, ast.ImportFrom):
                module = (node.module or "").split(".")[0]
                ours = node.level <= depth and module.startswith("_")
                library = node.level == depth + 1 and module in ("core", "data")
                assert ours or library, path
                continue
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or name.startswith("gmcourse.data"), path.name
    assert not any("exercises" in p.parts for p in SOURCES)


def public_callables():
    """Functions, classes and methods of the library, by name."""
    found = {}
    for info in pkgutil.walk_packages(gmcourse.__path__, "gmcourse."):
        if info.name.split(".")[1] in ("checks", "data", "zoo", "live", "__main__"):
            continue  # nothing there computes an answer, and some of it writes files
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if name.startswith("_") or not callable(value):
                continue
            if getattr(value, "__module__", None) == info.name:
                found[f"{info.name}.{name}"] = value
                if inspect.isclass(value):
                    try:
                        made = value()
                    except Exception:
                        continue
                    for method in ("log_prob", "sample", "mean", "loss", "forward"):
                        if hasattr(made, method):
                            found[f"{name}.{method}"] = getattr(made, method)
    return found


@pytest.mark.parametrize(
    "id", [id for id, e in INSTANT.items() if list(e.answers.values()) == [callable]]
)
def test_importing_the_library_does_not_answer(id):
    for name, value in public_callables().items():
        assert not run(INSTANT[id], (lambda *a, f=value: f(*a),), seed=0), name
