"""What a check can say of a result: comparisons, and tests of distributions."""

import pytest
import torch
from exercise_tools import CATALOG

from gmcourse.checks import _comparisons, _exercise, _statistics
from gmcourse.checks._trial import Trial

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


def test_float32_is_held_to_what_it_can_hold():
    """Of the largest entry, so that what is due to be 0 is not forgiven."""
    due = torch.tensor([1000.0, 0.001, 0.0], dtype=torch.float64)
    near = due + torch.tensor([0.005, 0.005, 0.005])
    assert not fails("close", near.float(), due, "", tol=1e-9)
    assert fails("close", near, due, "", tol=1e-9)  # float64 can hold more
    assert fails("close", near.float() + 0.01, due, "", tol=1e-9)
    assert fails("equal", near.float(), due, "")
    assert fails("close", torch.full((3,), 1e-6), 0.0, "", tol=1e-9)
    assert fails("close", 1.0 + 1e-7, 1.0, "", tol=1e-9)  # Python's floats are double


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
    monkeypatch.setattr(_comparisons, "ALPHA", 0.05)
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
