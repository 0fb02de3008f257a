"""The exercise engine, and the proof of every exercise's check."""

import ast
import builtins
import functools
import importlib.util
import inspect
import json
import pkgutil
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import gmcourse
from gmcourse import checks
from gmcourse.checks import (
    Exercise,
    _exercise,
    _statistics,
    _trial,
    catalog,
    check,
    hint,
    run,
)
from gmcourse.checks._trial import Trial

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location(
    "exercises_tool", ROOT / "tools" / "exercises.py"
)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

CATALOG = catalog()
VERSIONS = tool.versions()
CHECKED = {id: e for id, e in CATALOG.items() if e.check}
INSTANT = {id: e for id, e in CHECKED.items() if e.compute == "cpu-instant"}
SOURCES = sorted(Path(checks.__file__).parent.glob("*.py"))


# Learners pass whatever they pass, without a type checker in between.
pytestmark = pytest.mark.usefixtures("as_users_run_it")


@pytest.fixture
def double(monkeypatch):
    """An exercise outside the catalog: twice the input."""
    monkeypatch.setattr(_exercise, "CATALOG", {})

    @Exercise(
        id="test-01",
        title="Twice",
        difficulty=1,
        minutes=1,
        compute="cpu-instant",
        points=1,
        objectives=(),
        statement="",
        stub="def twice(x):\n    return ...",
        hints=("one", "two"),
        answers={"twice": callable},
        misconceptions={"squared": "x² is 2x only at 0 and 2."},
    )
    def exercise(t, twice):
        x = t.uniform(3, low=3, high=4)
        t.property("the shape stays")
        out = t.call(twice, x)
        t.shape(out, (3,), "one for each.")
        t.property("f(x) - x = x")
        t.close(out - x, x, "twice is x more.", ideas={"squared": x * x - x})

    return exercise


# Verdicts.


def test_passed(double):
    verdict = run(double, (lambda x: 2 * x,))
    assert verdict and verdict.outcome == "passed" and verdict.misconception is None
    assert verdict.properties == ("the shape stays", "f(x) - x = x")
    assert "f(x) - x = x" in verdict.text


@pytest.mark.parametrize("answer", [..., None, lambda x: ..., lambda x: None])
def test_not_attempted(double, answer):
    verdict = run(double, (answer,))
    assert verdict.outcome == "not attempted" and not verdict
    assert 'hint("test-01")' in verdict.text


def test_not_implemented_is_not_attempted(double):
    def twice(x):
        raise NotImplementedError

    assert run(double, (twice,)).outcome == "not attempted"
    assert run(double, (nn.Module(),)).outcome == "not attempted"  # no forward
    assert run(double, (lambda x: (x, ...),)).outcome == "not attempted"


def test_error_shows_only_the_learners_lines(double):
    def twice(x):
        return helper(x)

    def helper(x):
        return torch.cat([x, x.nonsense])

    verdict = run(double, (twice,))
    assert verdict.outcome == "error"
    assert "AttributeError: 'Tensor' object has no attribute 'nonsense'" in verdict.text
    assert "in twice" in verdict.text and "in helper" in verdict.text
    assert "return torch.cat([x, x.nonsense])" in verdict.text
    assert "_engine" not in verdict.text and "_trial" not in verdict.text
    assert "in call" not in verdict.text and "in guard" not in verdict.text


def test_error_inside_a_package_ends_at_the_learners_line(double):
    verdict = run(double, (lambda x: torch.nn.functional.softmax(x, dim=7),))
    assert verdict.outcome == "error"
    assert "functional.py" not in verdict.text and "IndexError" in verdict.text


def test_wrong_signature_is_an_error_in_the_answer(double):
    verdict = run(double, (lambda: 1,))
    assert verdict.outcome == "error" and "TypeError" in verdict.text


def test_backward_errors_are_the_learners(double):
    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            raise RuntimeError("wrong backward")

    def overwrites(x):
        y = x.sigmoid()
        z = y * y
        y.zero_()
        return z

    def body(t, f):
        x = torch.ones(2, requires_grad=True)
        t.grad(t.call(f, x), x)

    double.check = body
    verdict = run(double, (Bad.apply,))
    assert verdict.outcome == "error" and "wrong backward" in verdict.text
    verdict = run(double, (overwrites,))  # no line of the learner's in the traceback
    assert verdict.outcome == "error" and "inplace operation" in verdict.text


def test_output_that_a_check_cannot_use_is_an_error(double):
    """An exception in the check's own lines, which leave nothing to trim to."""
    source = "def body(t, f):\n    t.call(f, 1).elbo\n"
    space: dict = {}
    exec(compile(source, str(SOURCES[0]), "exec"), space)
    double.check = space["body"]
    verdict = run(double, (lambda x: [x],))
    assert verdict.outcome == "error" and "twice gave" in verdict.text
    assert "'list' object has no attribute 'elbo'" in verdict.text


def test_not_yet_says_what_why_and_how_to_see_it_again(double):
    def twice(x):
        return x * x

    verdict = run(double, (twice,), seed=7)
    assert verdict.outcome == "not yet" and verdict.misconception == "squared"
    for part in (
        "f(x) - x = x",  # what was tested
        "twice(torch.tensor(",  # with which input
        'check("test-01", twice, seed=7)',
        "twice(*v.args)",
        "twice is x more.",  # what was expected, and why
        "is due",
        "squared. x² is 2x only at 0 and 2.",
        "the shape stays",  # what held
    ):
        assert part in verdict.text, part
    (x,) = verdict.args
    assert torch.equal(x, run(double, (twice,), seed=7).args[0])
    shown = re.search(r"twice\((torch.tensor\(.*?\))\)", verdict.text)[1]
    assert torch.equal(eval(shown), x)


def test_first_fitting_idea_is_named_and_none_where_none_fits(double):
    assert run(double, (lambda x: 3 * x,)).misconception is None
    assert run(double, (lambda x: x.repeat(2),)).misconception == "wrong shape"
    assert run(double, (lambda x: x.numpy() * 2,)).misconception == "not a tensor"
    assert not run(double, (lambda x: x * float("nan"),))


def test_lines_are_at_most_78_columns(double):
    long = {"a" * 30: "word " * 60}
    double.misconceptions = long

    def body(t, f):
        t.property("p " * 80)
        t.call(f, torch.zeros(2, 2), "x" * 20)
        t.fail("a" * 30, why="because " * 30, got="this " * 40)

    double.check = body
    for answer in (lambda x, y: x, lambda x, y: 1 / 0 + len("x" * 30 + "y" * 30)):
        text = run(double, (answer,)).text
        assert max(map(len, text.splitlines())) <= 78


def test_verdict_prints_once_and_shows_nothing_in_a_notebook(double, monkeypatch):
    printed = []
    monkeypatch.setattr(builtins, "print", printed.append)
    monkeypatch.setattr(checks, "_find", lambda id: double)
    verdict = check("test-01", lambda x: 2 * x)
    assert printed == [verdict.text]
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    assert formatter.format(verdict) == ({}, {})
    assert repr(verdict) == "<test-01 passed>"


# The learner's surroundings.


def state():
    return (
        torch.get_rng_state().tolist(),
        random.getstate(),
        str(np.random.get_state()),  # noqa: NPY002
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
    )


def meddle(x):
    torch.rand(3), np.random.rand(3), random.random()  # noqa: NPY002
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    return 2 * x


def test_surroundings_are_as_before(double):
    answers = [lambda x: 2 * x, lambda x: 1 / 0, meddle, ...]
    for answer in answers:
        before = state()
        run(double, (answer,))
        assert state() == before
    with torch.no_grad():
        before = state()
        assert run(double, (lambda x: 2 * x,))
        assert state() == before
    with torch.inference_mode():
        before = state()
        assert run(double, (lambda x: 2 * x,))
        assert state() == before


@pytest.mark.parametrize(
    "around", [torch.no_grad, torch.inference_mode, lambda: torch.device("meta")]
)
def test_surroundings_do_not_change_the_verdict(around):
    (version,) = tool.roles(VERSIONS["vae-03"], "reference").values()
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        with around():
            assert run(CATALOG["vae-03"], tool.answers(version))
    finally:
        torch.set_default_dtype(before)


def test_interrupt_restores_and_passes_through(double):
    def twice(x):
        torch.manual_seed(0)
        raise KeyboardInterrupt

    before = state()
    with pytest.raises(KeyboardInterrupt):
        run(double, (twice,))
    assert state() == before


def test_side_effects_are_named(double):
    def reseeds(x):
        torch.manual_seed(0)
        return 2 * x

    def reseeds_as_check_does(x):
        torch.manual_seed(5)
        return 2 * x

    def mutates(x):
        return x.mul_(2)

    named = {
        reseeds: "global random state reseeded",
        reseeds_as_check_does: "global random state reseeded",
        mutates: "input changed in place",
        meddle: "gradients switched off globally",
    }
    for answer, name in named.items():
        for seed in (0, 5):
            verdict = run(double, (answer,), seed=seed)
            assert (verdict.outcome, verdict.misconception) == ("not yet", name)


def test_the_learners_stream_is_not_that_of_the_inputs(double):
    def body(t, f):
        x = torch.rand(8, generator=t.rng)
        t.true((x != t.call(f, 8)).all(), "other numbers", "the inputs again")

    double.check = body
    assert all(run(double, (torch.rand,), seed=s) for s in range(20))


def test_modules_are_restored_and_get_inputs_on_their_device(double):
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).train()
    net[0].eval()
    before = {k: v.clone() for k, v in net.state_dict().items()}

    def body(t, net):
        t.call(net.train(), t.normal(16, 3))
        with torch.no_grad():
            net[1].weight.zero_()

    double.answers, double.check = {"net": nn.Module}, body
    assert run(double, (net,))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert net.training and not net[0].training and net[1].training


@pytest.mark.cuda
def test_answers_on_a_gpu_get_the_same_verdict(double):
    before = torch.cuda.get_rng_state()
    assert run(double, (lambda x: 2 * x.cuda(),))
    assert run(double, (lambda x: x.cuda() ** 2,)).misconception == "squared"
    assert torch.equal(torch.cuda.get_rng_state(), before)

    def body(t, net):
        t.shape(t.call(net, t.normal(5, 3)), (5, 2), "")

    double.answers, double.check = {"net": nn.Module}, body
    assert run(double, (nn.Linear(3, 2).cuda(),))


# Seeds, ids, arguments, hints.


def test_inputs_are_fresh_and_a_seed_draws_them_again(double):
    runs = [run(double, (lambda x: 2 * x,)) for _ in range(3)]
    assert len({v.seed for v in runs}) > 1
    assert not torch.equal(runs[0].args[0], runs[1].args[0])
    again = run(double, (lambda x: 2 * x,), seed=runs[0].seed)
    assert torch.equal(again.args[0], runs[0].args[0])


@pytest.mark.parametrize("seed", [-1, 2**31, "1", 1.0, True])
def test_bad_seeds(double, seed):
    with pytest.raises(ValueError, match="seed is"):
        run(double, (lambda x: x,), seed=seed)


def test_unknown_id_names_close_ones():
    with pytest.raises(ValueError, match=r"no exercise 'vae-3'; there is .*vae-03"):
        check("vae-3", len)
    with pytest.raises(ValueError, match="no exercise 'zzz'"):
        hint("zzz")
    with pytest.raises(TypeError, match="first argument is the exercise's id"):
        check(len, "vae-03")


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"takes 1 answer\(s\) after the id; 2 given"):
        check("vae-01", len, len)
    with pytest.raises(TypeError, match=r"not called; Tensor given"):
        check("vae-01", torch.ones(2))


def test_kinds_of_answers(double):
    double.answers = {"n": float}
    double.check = lambda t, n: t.close(n, 3.0, "three.")
    for three in (3, 3.0, torch.tensor(3.0, requires_grad=True), np.float32(3)):
        assert run(double, (three,))
    assert run(double, (...,)).outcome == "not attempted"
    with pytest.raises(TypeError, match="must be a number; str given"):
        run(double, ("three",))
    double.answers = {"net": nn.Module}
    with pytest.raises(TypeError, match="must be Module; type given"):
        run(double, (nn.Linear,))


def test_open_exercise_has_no_check(double):
    double.check = None
    with pytest.raises(ValueError, match="open exercise"):
        run(double, ())


def test_an_id_is_declared_once(double):
    with pytest.raises(ValueError, match="declared twice"):
        Exercise("test-01", "Other", 1, 1, "cpu-instant", 1, (), "", "", ())


def test_hints_open_one_by_one(double, monkeypatch, capsys):
    monkeypatch.setattr(checks, "_find", lambda id: double)
    monkeypatch.setattr(checks, "_opened", {})
    shown = []
    for _ in range(3):
        hint("test-01")
        shown.append(capsys.readouterr().out.splitlines())
    one, two = ["Hint 1 of 2: one"], ["Hint 2 of 2: two"]
    assert shown == [one, two, one + two]


# Comparisons and tests.


def fails(tool_name, *args, **kwargs):
    """Whether a tool of a fresh trial ends the run, and the name it gives."""
    t = Trial(CATALOG["vae-01"], [], 0)
    try:
        getattr(t, tool_name)(*args, **kwargs)
    except _exercise.Stop as stop:
        return stop.misconception or True
    return False


def test_close_broadcasts_nothing_and_lets_no_nan_pass():
    x = torch.arange(3.0)
    assert not fails("close", x, x.clone(), "")
    assert not fails("close", x * 0 + 2, 2.0, "")
    assert fails("close", x, x[:, None], "") == "wrong shape"
    assert fails("close", x * float("nan"), x * float("nan"), "")
    inf = torch.tensor([float("inf")])
    assert not fails("close", inf, inf.clone(), "") and fails("close", inf, -inf, "")
    assert fails("close", inf * 0 + 5, inf, "") and fails("close", inf, inf * 0 + 5, "")
    assert fails("close", x + 1e-3, x, "") and not fails("close", x + 1e-7, x, "")
    assert fails("equal", x + 1e-3, x, "", ideas={"a": x, "b": [1.0, x + 1e-3]}) == "b"
    assert fails("close", x + 1, x, "", ideas={"other shape": torch.ones(7)}) is True
    assert fails("finite", inf, "") == "not finite"
    assert fails("dtype", x, torch.float64, "") == "wrong dtype"
    assert fails("shape", x, (4,), "", ideas={"one": [(2,), (3,)]}) == "one"
    assert fails("at_most", x, 1.0, "", ideas={"far": 5.0, "near": 2.0}) == "near"
    assert fails("at_least", x, 1.0, "") and not fails("at_least", x, 0.0, "")
    assert fails("at_least", x * float("nan"), 0.0, "")


def test_grad_is_zero_without_a_path():
    t = Trial(CATALOG["vae-01"], [], 0)
    x = torch.ones(2, requires_grad=True)
    assert torch.equal(t.grad(torch.ones(2), x), torch.zeros(2))
    assert torch.equal(
        t.grad(3 * x, x, torch.tensor([1.0, 2.0])), torch.tensor([3.0, 6])
    )


SAMPLERS = {  # tool, a right sampler of n draws and the tool's other arguments
    "mean": (lambda g, n: torch.randn(n, 3, generator=g) * 2 + 1, (1.0, 2.0)),
    "std": (lambda g, n: torch.randn(n, 3, generator=g) * 2, (2.0,)),
    "distribution": (
        lambda g, n: torch.randn(n, generator=g),
        (torch.special.ndtr,),
    ),
    "independent": (lambda g, n: torch.randn(n, 3, generator=g), ()),
    "frequencies": (
        lambda g, n: torch.rand(n, generator=g).mul(4).long().bincount(minlength=4),
        (torch.full((4,), 0.25),),
    ),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_false_alarm_rate(name, monkeypatch):
    """At a rate that can be measured: 400 runs of a right sampler at 5%.

    Bounds and Bonferroni make the tests conservative; 40 alarms or more would come
    from a true rate of 5% with probability 4e-5, and the seed is fixed.
    """
    monkeypatch.setattr(_trial, "ALPHA", 0.05)
    sampler, args = SAMPLERS[name]
    g = torch.Generator().manual_seed(1)
    alarms = sum(bool(fails(name, sampler(g, 1000), *args, "")) for _ in range(400))
    assert alarms < 40
    if name in ("mean", "std", "independent"):  # and not so conservative as to be blind
        assert alarms > 7


def test_tail_of_the_chi_square_approximation():
    """Where it matters, at 1e-6: quantiles of Wilson & Hilferty against the exact."""
    stats = pytest.importorskip("scipy.stats")
    for n in (1000, 5000):
        for tail in (5e-7, 1 - 5e-7):
            s = (stats.chi2.ppf(tail, n - 1) / (n - 1)) ** 0.5
            x = torch.cat([torch.ones(n // 2), -torch.ones(n // 2)]).double()[:, None]
            p = _statistics.p_std(x / x.std() * s, torch.tensor(1.0))
            assert 0.97e-6 < float(p) < 1.03e-6


def test_bounds_hold_and_are_tight_where_they_decide():
    """The bounds of Massart and Chernoff against the exact tails."""
    stats = pytest.importorskip("scipy.stats")
    n = 1000
    distance = stats.kstwo.isf(1e-6, n)
    x = torch.arange(1, n + 1).double() / n - distance
    assert 1e-6 <= float(_statistics.p_distribution(x, lambda x: x)) < 1.5e-6
    for k in (180, 325):
        tail = (
            stats.binom.cdf(k, n, 0.25) if k < 250 else stats.binom.sf(k - 1, n, 0.25)
        )
        counts = torch.tensor([k, n - k]).double()
        p = _statistics.p_frequencies(counts, torch.tensor([0.25, 0.75]).double())
        assert 2 * tail <= float(p[0]) < 40 * tail


def test_distribution_tests_have_power():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(10_000, 2, generator=g)
    assert fails("mean", x + 0.1, 0.0, 1.0, "", ideas={"shifted": 0.1}) == "shifted"
    assert fails("std", x * 1.1, 1.0, "", ideas={"no": 2.0, "wide": 1.1}) == "wide"
    uniform = (torch.rand(20_000, generator=g) - 0.5) * 12**0.5
    assert fails("distribution", uniform, torch.special.ndtr, "")
    assert fails("independent", torch.stack([x[:, 0], x[:, 0] + x[:, 1]], 1), "")
    signs = torch.randn(10_000, generator=g).sign()
    assert fails("independent", torch.stack([x[:, 0], signs * x[:, 0]], 1), "")
    assert fails("independent", torch.stack([x[:, 0], x[:, 0]], 1), "")
    counts = torch.tensor([550.0, 450.0]) * 10
    half = torch.tensor([0.5, 0.5])
    other = {"biased": torch.tensor([0.55, 0.45])}
    assert fails("frequencies", counts, half, "", ideas=other) == "biased"
    assert fails("frequencies", torch.tensor([9.0, 1.0]), torch.tensor([1.0, 0.0]), "")
    assert not fails(
        "frequencies", torch.tensor([9.0, 0.0]), torch.tensor([1.0, 0]), ""
    )
    for bad in (float("nan"), float("inf")):
        y = x.clone()
        y[3, 1] = bad
        assert fails("mean", y, 0.0, 1.0, "") and fails("std", y, 1.0, "")
        assert fails("distribution", y * float("nan"), torch.special.ndtr, "")


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
        assert not set(e.misconceptions) & set(_exercise.COMMON)
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
    assert len(tool.roles(cls, "reference")) == 1
    assert len(tool.roles(cls, "right")) >= 3
    wrong = tool.roles(cls, "wrong").values()
    assert len(wrong) >= 6
    made = {v.misconception for v in wrong}
    assert set(e.misconceptions) - made == set(), "declared, made by no version"
    assert made - set(e.misconceptions) - set(_exercise.COMMON) == set(), "not declared"
    for line in tool.solution(cls, e).splitlines():
        assert len(line) <= 78


def test_every_version_has_its_exercise():
    assert set(VERSIONS) <= set(CATALOG)
    assert set(CHECKED) <= set(VERSIONS)


@pytest.mark.parametrize("id", CHECKED)
def test_names_used_in_a_check_are_declared(id):
    e = CHECKED[id]
    known = {*e.misconceptions, *_exercise.COMMON}
    for node in ast.walk(ast.parse(inspect.getsource(e.check))):
        if not isinstance(node, ast.keyword):
            continue
        if node.arg == "misconception" and isinstance(node.value, ast.Constant):
            assert node.value.value in known
        if node.arg == "ideas" and isinstance(node.value, ast.Dict):
            keys = (k.value for k in node.value.keys if isinstance(k, ast.Constant))
            assert set(keys) <= known


@pytest.mark.parametrize("id", INSTANT)
def test_prove(id):
    row = tool.prove(INSTANT[id], VERSIONS[id], seeds=2)
    assert not row["faults"], "\n".join(row["faults"])
    assert row["rejected"] == row["named"] == row["wrong_runs"]
    assert row["false_alarm_bound"] <= 1.01e-5


def test_prove_finds_planted_faults():
    """A catalog that lies in every way is caught in every way."""

    class Lies:
        @staticmethod
        def right_called_wrong(mean, log_var):
            return reference(mean, log_var)

        @staticmethod
        def wrong_called_right(mean, log_var):
            return 2 * reference(mean, log_var)

        @staticmethod
        def misnamed(mean, log_var):
            return -reference(mean, log_var)

    (reference,) = tool.roles(VERSIONS["vae-01"], "reference").values()
    Lies.right_called_wrong.role = Lies.misnamed.role = "wrong"
    Lies.right_called_wrong.misconception = "sign flipped"
    Lies.misnamed.misconception = "factor one half lost"
    Lies.wrong_called_right.role = "right"
    found = {k: getattr(Lies, k) for k in vars(Lies) if not k.startswith("_")}
    lies = type("Lies", (), {"__module__": VERSIONS["vae-01"].__module__, **found})
    row = tool.prove(CATALOG["vae-01"], lies, seeds=2, extra=3)
    assert (row["rejected"], row["named"], row["wrong_runs"]) == (2, 0, 4)
    assert (row["false_rejects"], row["right_runs"]) == (5, 5)
    assert len(row["faults"]) == 4 + 5


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
    found = leaks(tool.solution(VERSIONS[id], CHECKED[id]))
    assert not found, "a check, stub or statement holds a part of the solution"


def test_a_leak_would_be_found():
    for id in ("vae-01", "vae-02", "vae-03"):
        code = tool.solution(VERSIONS[id], CHECKED[id])
        renamed = code.replace("mean", "m").replace("logits", "a").replace("std", "s")
        renamed = f"def expected(t):\n    pass\n{renamed}"
        assert leaks(code, renamed)


def test_checks_import_nothing_that_answers():
    allowed = {"torch", "numpy", *sys.stdlib_module_names}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            elif isinstance(node, ast.ImportFrom):
                module = (node.module or "").split(".")[0]
                ours = node.level == 1 and module.startswith("_")
                assert ours or (node.level == 2 and module == "data")
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


# Chapters, notebooks, page.


def test_section_is_idempotent_and_complete(tmp_path, monkeypatch):
    chapter = tmp_path / "03_test.md"
    text = "# Title\n\n<!-- exercise: {} -->\n<!-- /exercise -->\n\nafter\n"
    ids = [id for id in CATALOG if id.startswith("vae-")]
    chapter.write_text("".join(text.format(id) for id in ids), encoding="utf-8")
    (tmp_path / "exercises").symlink_to(ROOT / "notebooks" / "exercises")
    monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
    assert tool.fill(check=True) == ["03_test.md: exercises are out of date; run fill"]
    assert tool.fill() == []
    once = chapter.read_text(encoding="utf-8")
    assert tool.fill(check=True) == [] and tool.fill() == []
    assert chapter.read_text(encoding="utf-8") == once
    for part in (
        "### Exercise vae-03 · Samples that a gradient passes through",
        "*Difficulty 2/5 · 15 min · cpu-instant · 3 points*",
        "<summary>Hint 1</summary>",
        "```{code-cell} ipython3\ndef reparameterize(mean, log_std, k):",
        '```{code-cell} ipython3\ncheck("vae-03", reparameterize)\n```',
        "<summary>Solution</summary>\n\n```python\ndef reparameterize(",
    ):
        assert part in once
    assert once.count("\nafter\n") == len(ids)
    pytest.importorskip("jupytext")
    import jupytext

    cells = jupytext.reads(once, fmt="md:myst").cells
    code = [c.source for c in cells if c.cell_type == "code"]
    assert not any("randn" in source for source in code)  # no solution in a code cell
    chapter.write_text(once.replace("exercise: vae-03", "exercise: vae-99"))
    assert any("vae-99" in p for p in tool.fill(check=True))


def test_solutions_of_several_answers(double):
    tool.versions()
    marks = sys.modules["exercise_versions"]

    class Demo01:
        """Why it is so."""

        @marks.reference
        @marks.build
        def reference():
            def encode(x):
                return 2 * x

            # A number of nats.
            nats = 0.5
            return encode, nats

    double.answers = {"encode": callable, "nats": float}
    solution = "def encode(x):\n    return 2 * x\n\n# A number of nats.\nnats = 0.5"
    assert tool.solution(Demo01, double) == solution
    text = f"```python\n{solution}\n```\n\nWhy it is so."
    assert tool.cells(double, Demo01)[-1] == ("solution", text)
    double.answers = {"decode": callable, "nats": float}
    with pytest.raises(ValueError, match="the reference gives"):
        tool.solution(Demo01, double)


def test_sections_of_repair_and_open_exercises(double):
    double.repair = True
    assert ":tags: [hide-output]\n\ncheck(" in tool.section(double, None)
    double.check, double.repair, double.stub = None, False, ""

    class Discussion:
        """What one may find."""

    text = tool.section(double, Discussion)
    assert "code-cell" not in text and "· open*" in text
    assert "<summary>Discussion</summary>\n\nWhat one may find." in text


def test_chapters_are_filled():
    assert tool.fill(check=True) == []


def test_notebooks(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    written = tool.notebooks(tmp_path)
    found = {"student": "", "instructor": ""}
    for path in written:
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        found[path.parent.name] += "\n".join(c.source for c in book.cells)
        assert book.cells[0].source.startswith("# Exercises · ")
        assert "_" not in book.cells[0].source.splitlines()[0]  # a title, no file
        assert not any(c.outputs for c in book.cells if c.cell_type == "code")
    for id, e in CHECKED.items():
        code = tool.solution(VERSIONS[id], e)
        assert code in found["instructor"] and code not in found["student"]
        for text in found.values():
            assert e.usage in text and e.stub.strip() in text
    for text in found.values():  # what a statement points to stands in the chapter
        assert "](#" not in text and "/notebooks/02_autoencoders.html#alarms" in text


def test_stub_in_a_fresh_notebook_is_not_attempted(capsys):
    """As the student runs it: imports, stub, check, in this order."""
    for id, e in INSTANT.items():
        verdict = check(id, *tool.stub_answers(e), seed=1)
        assert verdict.outcome == ("not yet" if e.repair else "not attempted")


def test_page_is_rendered_from_the_record():
    row = tool.prove(CATALOG["vae-02"], VERSIONS["vae-02"], seeds=1)
    row.pop("faults")
    text = tool.page({"machine": "here", "exercises": {"vae-02": row}})
    assert f"{row['wrong_runs']:,} runs" in text and "| vae-02 ·" in text
    json.dumps(row)


def test_page_is_current():
    """`python tools/exercises.py prove` writes it, from what the checks are now."""
    assert tool.stale() == []
