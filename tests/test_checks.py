"""The exercise engine: verdicts, what surrounds a check, ids, seeds and hints."""

import builtins
import html
import math
import random
import re
import signal
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
import torch
from exercise_tools import CATALOG, SOURCES, VERSIONS, source, twice
from torch import nn

from gmcourse import checks
from gmcourse.checks import Exercise, _engine, _surroundings, check, hint, run

needs_timer = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no timer by signal"
)

# Learners pass whatever they pass, without a type checker in between.
pytestmark = pytest.mark.usefixtures("as_users_run_it")


@pytest.fixture
def double(monkeypatch):
    return twice(monkeypatch)


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
    (version,) = source.roles(VERSIONS["vae-03"], "reference").values()
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        with around():
            assert run(CATALOG["vae-03"], source.answers(version))
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


def test_deterministic_algorithms_asked_for_by_an_answer_do_not_outlive(double):
    def sets(x):
        torch.use_deterministic_algorithms(True)
        return 2 * x

    assert run(double, (sets,))
    assert not torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert run(double, (sets,))
        assert torch.get_deterministic_debug_mode() == 1  # the caller's, to warn
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_default_device_set_by_an_answer_is_named_and_does_not_outlive(double):
    def sets(x):
        torch.set_default_device("meta")
        return 2 * x

    before = state()
    assert run(double, (sets,)).misconception == "defaults changed globally"
    assert state() == before and torch.ones(1).device.type == "cpu"
    torch.set_default_device("meta")
    try:
        assert run(double, (lambda x: 2 * x,))
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)

    def fails(x):
        torch.set_default_device("meta")
        raise RuntimeError

    run(double, (fails,))
    assert state() == before

    def clears(x):
        torch.set_default_device("cpu")
        raise RuntimeError

    torch.set_default_device("meta")
    try:
        for answer in (fails, clears):
            run(double, (answer,))
            assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)
    assert state() == before


def test_autocast_of_the_caller_is_off_and_comes_back(double):
    w = torch.eye(3) * 2

    def body(t, f):
        t.dtype(t.call(f, torch.ones(2, 3)), torch.float32, "as ever")

    double.check = body
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert run(double, (lambda x: x @ w,))
        assert (torch.ones(2, 3) @ w).dtype == torch.bfloat16


def test_nan_in_an_input_is_not_a_change(double):
    def body(t, f):
        t.call(f, torch.tensor([1.0, math.nan]))

    double.check = body
    assert run(double, (lambda x: 2 * x,))
    changed = run(double, (lambda x: x.mul_(2),))
    assert changed.misconception == "input changed in place"
    shrunk = run(double, (lambda x: x.resize_(1),))
    assert shrunk.misconception == "input changed in place"

    def one_of_one(t, f):  # the same numbers would be left
        t.call(f, torch.ones(1))

    double.check = one_of_one
    shrunk = run(double, (lambda x: x.resize_(1, 1),))
    assert shrunk.misconception == "input changed in place"


def test_a_model_full_of_nan_is_told_as_divergence():
    """Of what is trained to a threshold, this is the failure to expect."""
    version = next(iter(source.roles(VERSIONS["ae-12"], "wrong").values()))
    *numbers, model = source.answers(version)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(math.nan)
    verdict = run(CATALOG["ae-12"], (*numbers, model), seed=0)
    assert verdict.misconception != "input changed in place"


# A time limit, and a bound on what is printed.


@needs_timer
def test_what_does_not_end_is_stopped(double, monkeypatch):
    def endless(x):
        while True:
            pass

    def stubborn(x):
        while True:
            try:
                time.sleep(10)
            except BaseException:
                return x

    def patient(x):
        try:
            time.sleep(10)
        except Exception:
            return x

    monkeypatch.setitem(_engine.LIMITS, "cpu-instant", 0.1)
    for answer in (endless, patient):
        before, start = state(), time.perf_counter()
        verdict = run(double, (answer,), seed=1)
        assert time.perf_counter() - start < 5 and state() == before
        assert (verdict.outcome, verdict.misconception) == ("not yet", "too slow")
        assert "An end within 0.1 s." in verdict.text and "twice(" in verdict.text
    assert not run(double, (stubborn,))
    assert run(double, (lambda x: 2 * x,))


@needs_timer
def test_a_timer_of_somebody_else_goes_on():
    fired = []
    old = signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
    left = signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        with _surroundings.deadline(5.0):
            pass
        assert 20 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with _surroundings.deadline(5.0):  # theirs ends sooner
            time.sleep(0.2)
        assert fired == [1]
        signal.setitimer(signal.ITIMER_REAL, 0)
        with _surroundings.deadline(5.0):
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 4
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGALRM, old)
        signal.setitimer(signal.ITIMER_REAL, *left)


def test_outside_the_main_thread_there_is_no_limit(double):
    verdicts = []
    thread = threading.Thread(
        target=lambda: verdicts.append(run(double, (lambda x: 2 * x,)))
    )
    thread.start()
    thread.join()
    assert verdicts[0]


def test_the_verdict_is_not_buried(double, monkeypatch, capsys):
    def chatty(x):
        for i in range(20_000):
            print("line", i)
            print("warning", i, file=sys.stderr)
        print("x" * 10_000)
        return 2 * x

    monkeypatch.setattr(checks, "_find", lambda id: double)
    assert check("test-01", chatty)
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[19] == "line 19" and len(lines) < 30 and len(shown.err) < 500
    assert "more characters that your code printed" in lines[20]
    assert lines[21].startswith("test-01 passed") and max(map(len, lines)) < 200
    check("test-01", lambda x: print("x" * 10_000) or 2 * x)
    assert len(capsys.readouterr().out) < 500
    check("test-01", lambda x: print("once") or 2 * x)
    shown = capsys.readouterr().out
    assert shown.startswith("once\n") and "more characters" not in shown


def test_a_long_message_is_cut(double):
    def fails(x):
        raise ValueError("start " + "a" * 5000 + " end")

    text = run(double, (fails,)).text
    assert len(text) < 900 and "start" in text and "end" in text
    assert max(map(len, text.splitlines())) <= 78


# Which call is shown.


def test_the_call_that_is_shown_is_the_one_that_failed(double):
    """The last call, that of the result which is compared, or the one that is said."""

    def shown(compare):
        def body(t, f):
            first, last = t.call(f, torch.ones(3)), t.call(f, torch.ones(5))
            t.property("a property")
            compare(t, first, last)

        double.check = body
        verdict = run(double, (lambda x: 2 * x,), seed=0)
        assert verdict.outcome == "not yet"
        assert f"twice(float32 ({len(verdict.args[0])},))" in verdict.text or (
            "twice(torch.tensor(" in verdict.text
        )
        return len(verdict.args[0])

    assert shown(lambda t, a, b: t.fail(why="", got="")) == 5
    assert shown(lambda t, a, b: t.close(a, 0.0, "")) == 3
    assert shown(lambda t, a, b: t.close(b, 0.0, "")) == 5
    assert shown(lambda t, a, b: t.close(a[:2].detach(), 0.0, "")) == 3  # a view
    assert shown(lambda t, a, b: t.close(a + 1, 0.0, "")) == 5  # no way to know

    def told(t, a, b):
        t.property("of the first", of=a)
        t.close(a + 1, 0.0, "")

    assert shown(told) == 3


@pytest.mark.parametrize("answer", [lambda x: x[9], lambda x: ... if len(x) else x])
def test_an_error_at_an_edge_is_named(double, answer):
    def body(t, f):
        t.edge("input changed in place", f, torch.ones(3))

    double.check = body
    assert run(double, (answer,)).misconception == "input changed in place"
    assert run(double, (lambda x: x.mul_(2),)).text.count("Argument 0 has changed") == 1
    assert run(double, (lambda x: 2 * x,))


def test_what_is_drawn_and_what_is_kept_are_told_apart(double):
    """By the same random streams again."""

    def name(answer):
        return run(double, (answer,)).misconception

    double.check = lambda t, f: t.steady(f, torch.ones(3))
    kept = []
    assert (
        name(lambda x: (kept.append(0), x + len(kept))) == "result of an earlier call"
    )
    assert name(lambda x: x + torch.randn(3)) == "estimated from samples"
    assert name(lambda x: x + np.random.rand()) == "estimated from samples"  # noqa: NPY002
    for constant in (2.0, "text", (torch.ones(2), "b"), torch.tensor(np.nan)):
        assert name(lambda x, v=constant: v) is None


def test_a_missing_method_is_named(double):
    class Half(nn.Module):
        def decode(self, z):
            return z

    source = "def body(t, model):\n    t.call(model.encode, 1)\n"
    space: dict = {}
    exec(compile(source, str(SOURCES[0]), "exec"), space)
    double.answers, double.check = {"model": nn.Module}, space["body"]
    verdict = run(double, (Half(),))
    assert verdict.outcome == "error"
    assert "model has no `encode`, which the exercise asks for" in verdict.text
    source = "def body(t, Net):\n    t.call(t.call(Net).encode, 1)\n"
    exec(compile(source, str(SOURCES[0]), "exec"), space)
    double.answers, double.check = {"Net": callable}, space["body"]
    assert "Half has no `encode`" in run(double, (Half,)).text


def test_a_repair_is_declared_by_its_mistake(double):
    assert not double.repair
    double.stub_mistake = "squared"
    assert double.repair


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


@pytest.mark.parametrize("typo", ["vae-1", "VAE-01", "vae01", "vae_1", " vae-01 "])
def test_a_typo_leads_to_the_one_that_was_meant(typo):
    with pytest.raises(ValueError, match=r"there is vae-01$"):
        check(typo, len)


def test_an_exercise_without_hints_says_so(capsys, monkeypatch):
    bare = types.SimpleNamespace(hints=())
    monkeypatch.setattr(checks, "_find", lambda id: bare)
    hint("toy-01")
    assert capsys.readouterr().out == "toy-01 has no hints.\n"


def test_a_hint_is_markdown_in_a_notebook(monkeypatch, capsys):
    """So that its formulas are set; elsewhere it is text of 78 columns."""
    shown, shell = [], types.SimpleNamespace(kernel=None)
    display = types.SimpleNamespace(display=lambda data, raw: shown.append(data))
    fake = types.SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    long = types.SimpleNamespace(hints=("With $x^2$, " + "word " * 30 + "end.", "Two."))
    monkeypatch.setattr(checks, "_find", lambda id: long)
    monkeypatch.setattr(checks, "_opened", {})
    hint("toy-01")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Hint 1 of 2: With $x^2$") and len(lines) == 3
    shell.kernel = object()
    hint("toy-01")
    assert shown == [
        {"text/plain": "Hint 2 of 2: Two.", "text/markdown": "**Hint 2 of 2:** Two."}
    ]
    assert capsys.readouterr().out == ""


def test_one_exercise_is_imported_where_one_is_asked_for():
    code = "import gmcourse, sys; from gmcourse.checks import _find; _find('vae-03');"
    code += "print([m for m in sys.modules if m.startswith('gmcourse.checks.') "
    code += "and m[-1].isdigit()])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.strip() == "['gmcourse.checks.vae.vae_03']", out.stderr


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


@pytest.mark.parametrize(
    "answer, outcome",
    [
        (lambda x: 2 * x, "passed"),
        (lambda x: 3 * x, "not yet"),
        (lambda x: "<b>" + 1, "error"),
        (lambda x: None, "not attempted"),
    ],
)
def test_a_notebook_shows_the_verdict_in_color(
    double, monkeypatch, capsys, answer, outcome
):
    """The same words, as text too; only where a kernel listens."""
    shown = []
    shell = types.SimpleNamespace(kernel=None)
    display = types.SimpleNamespace(display=lambda data, raw: shown.append(data))
    fake = types.SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setattr(checks, "_find", lambda id: double)
    text = check("test-01", answer).text
    assert capsys.readouterr().out == f"{text}\n" and not shown
    shell.kernel = object()
    verdict = check("test-01", answer)
    assert capsys.readouterr().out == "" and len(shown) == 1
    assert shown[0]["text/plain"] == verdict.text
    page = shown[0]["text/html"]
    assert html.unescape(re.sub(r"<[^>]+>", "", page)) == verdict.text
    assert f">{outcome}</b>" in page
