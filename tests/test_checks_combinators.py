"""The combinators find what they claim to find, and accept what is right."""

import math

import pytest
import torch
from exercise_tools import CATALOG, source
from torch import nn

from gmcourse.checks import _comparisons, _exercise
from gmcourse.checks._mistakes import SUMS
from gmcourse.checks._trial import Trial

source.versions()
import exercise_versions as marks  # noqa: E402

pytestmark = pytest.mark.usefixtures("as_users_run_it")


def found(body):
    """What a body of a check finds: "passed", or the name given, or None."""
    t = Trial(CATALOG["vae-01"], [], 0)
    try:
        body(t)
    except _exercise.Stop as stop:
        return stop.misconception
    return "passed"


# rowwise, on squares weighted by the second argument.


def each(x, w):
    return w * x**2 + 1


def rowwise(f, ideas=None, rows=1, **kwargs):
    x = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
    w = torch.linspace(0.5, 2, 4)
    if rows == 2:
        x = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(1))
    told = "squares", f, (x, w), each, "Why.", ideas
    return found(lambda t: t.rowwise(*told, rows=rows, **kwargs))


@pytest.mark.parametrize("rows", [1, 2])
def test_rowwise_names_the_standard_mistakes(rows):
    assert rowwise(lambda x, w: each(x, w).sum(-1), rows=rows) == "passed"
    assert rowwise(lambda x, w: each(x.double(), w).sum(-1), rows=rows) == "passed"
    made = marks.sums(each, rows)
    assert {v.misconception for v in made.values()} == set(SUMS)
    for name, version in made.items():
        assert rowwise(version, rows=rows) == version.misconception, name


def test_rowwise_names_own_ideas_first_and_nothing_that_does_not_fit():
    own = {"not squared": lambda x, w: w * x.abs() + 1}
    assert rowwise(lambda x, w: (w * x.abs() + 1).sum(1), own) == "not squared"
    assert rowwise(lambda x, w: (w * x**4 + 1).sum(1), own) is None
    at_edge = {"misconception": "floor under the variance"}
    assert (
        rowwise(lambda x, w: -each(x, w).sum(1), **at_edge) == at_edge["misconception"]
    )


def test_rowwise_sees_a_gradient_that_is_lost_in_part():
    def half(x, w):
        return (w.detach() * x**2 + 1).sum(1)

    assert rowwise(half) == "cut off from the graph"
    assert rowwise(half, grads=False) == "passed"


def test_rowwise_refuses_sizes_that_hide_mistakes():
    for shape in ((4, 4), (2, 5), (5, 2), (1, 3)):
        with pytest.raises(ValueError, match="mistakes look alike"):
            body = "", lambda x: x.sum(1), (torch.ones(shape),), lambda x: x, ""
            found(lambda t, body=body: t.rowwise(*body))


# sampler and path, on draws of a Gaussian.

MEAN = torch.tensor([[1.2, -1.6, 2.1], [1.1, -1.9, 1.4]])
STD = torch.tensor([[0.3, 0.6, 2.0], [0.28, 0.5, 1.9]])


def noise(n):
    return torch.randn(n, 2, 3)


def drawn(draw, **kwargs):
    torch.manual_seed(3)
    return found(lambda t: t.sampler(draw, MEAN, STD, **kwargs))


SAMPLERS = {
    "passed": lambda n: MEAN + STD * noise(n),
    "one noise for all draws": lambda n: (MEAN + STD * noise(1)).expand(n, 2, 3),
    "one noise for all dimensions": lambda n: MEAN + STD * noise(n)[..., :1],
    "one noise for all examples": lambda n: MEAN + STD * noise(n)[:, :1],
    "noise used more than once": lambda n: (
        MEAN + STD * torch.cat([e := noise(n // 2), -e])
    ),
    "draws not independent": lambda n: (
        MEAN + STD * torch.cat([e := noise(n // 2), 0.6 * e + 0.8 * noise(n // 2)])
    ),
    "standard deviation ignored": lambda n: MEAN + noise(n),
    "standard deviation squared": lambda n: MEAN + STD**2 * noise(n),
    "log_std read as log variance": lambda n: MEAN + STD**0.5 * noise(n),
    "mean not added": lambda n: STD * noise(n),
    "uniform noise": lambda n: MEAN + STD * torch.rand(n, 2, 3),
    "noise that is not normal": lambda n: MEAN + STD * noise(n).clamp(-3, 3),
    None: lambda n: MEAN + 1.3 * STD * noise(n),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_sampler_names_what_is_wrong(name):
    assert drawn(SAMPLERS[name]) == name


def test_sampler_takes_the_value_of_the_check_before_its_own():
    own = {"log_std read as log variance": 1.3 * STD.flatten()}
    assert drawn(SAMPLERS[None], stds=own) == "log_std read as log variance"
    own = {"mean not added": MEAN.flatten() + 1}
    assert drawn(lambda n: MEAN + 1 + STD * noise(n), means=own) == "mean not added"


def test_sampler_sees_noise_that_does_not_change():
    fixed = noise(60_000)
    assert drawn(lambda n: MEAN + STD * fixed[:n]) == "noise fixed across calls"
    g = lambda: torch.Generator().manual_seed(0)  # noqa: E731
    again = lambda n: MEAN + STD * torch.randn(n, 2, 3, generator=g())  # noqa: E731
    assert drawn(again) == "noise fixed across calls"


def test_sampler_sees_tails_that_only_many_draws_show():
    assert drawn(lambda n: MEAN + STD * noise(n).clamp(-4, 4)) == (
        "noise that is not normal"
    )


def test_sampler_takes_the_draws_of_one_call():
    right = SAMPLERS["passed"]
    assert drawn(right, few=lambda: torch.randn(1000, 3)) == "passed"

    def centered():
        e = torch.randn(1000, 3)
        return e - e.mean(1, keepdim=True)

    assert drawn(right, few=centered) == "draws not independent"


def test_few_false_alarms_of_the_sampler(monkeypatch):
    """At a rate that can be measured: ten tests, 60 runs, 1 in 1,000 for each."""
    monkeypatch.setattr(_comparisons, "ALPHA", 1e-3)
    alarms = 0
    for seed in range(60):
        torch.manual_seed(seed)
        draw, few = SAMPLERS["passed"], lambda: torch.randn(1000, 3)
        alarms += found(lambda t: t.sampler(draw, MEAN, STD, few=few)) != "passed"  # noqa: B023
    assert alarms <= 4


def test_path_of_the_gradient():
    mean, log_std = MEAN.clone().requires_grad_(), STD.log().requires_grad_()

    def named(z):
        slopes = {
            "mean": (mean, torch.ones_like(z)),
            "standard deviation": (log_std, z - mean),
        }
        return found(lambda t: t.path(z, slopes))

    eps = noise(5)
    assert named(mean + log_std.exp() * eps) == "passed"
    assert named((mean + log_std.exp() * eps).detach()) == "sampled outside the graph"
    shape = 5, 2, 3
    node = torch.normal(mean.expand(shape), log_std.exp().expand(shape))
    assert named(node) == "a random node without a derivative"
    assert named(mean.detach() + log_std.exp() * eps) == "mean cut off from the graph"
    cut = "standard deviation cut off from the graph"
    assert named(mean + log_std.exp().detach() * eps) == cut
    assert named(mean + 2 * mean.detach() + (2 * log_std).exp() * eps) is None


# number.


def number(got, due=2.5, ideas=None, **kwargs):
    return found(lambda t: t.number("n", got, due, "Why.", ideas, **kwargs))


def test_number():
    for right in (2.5, torch.tensor(2.5), 2.501):
        assert number(right) == "passed"
    assert number(2.7) is None
    assert number(math.nan) == number(math.inf) == "not finite"
    near = "not to the digits asked for"  # the wider, the fewer digits are asked for
    assert number(2.6, tol=3e-3) == near and number(2.6) is None
    assert number(2.7, tol=1e-2) is None
    assert number(75.0, due=0.75) == "percent in place of a share"
    for few, due in ((2.5, 2.52), (2.46, 2.5), (3.0, 2.62)):
        assert number(few, due) == "not to the digits asked for"
    slips = {"inverse": 0.4, "square": 6.25, "root": 2.5**0.5}
    for name, value in slips.items():
        assert number(value) == f"{name} of what is due"
    assert number(7.01, ideas={"one": 7.0, "near": 7.011}) == "near"
    assert number(7.0, others=[3.0, 7.0]) == "another of the answers"
    log = {"due": -2.5, "unit": "nats"}
    assert number(-2.5 / math.log(10), **log) == "logarithm to base 10"
    assert number(math.exp(-2.5), **log) == "density in place of its logarithm"
    assert number(-2.5) == "sign flipped"
    assert number(1.25) == number(5.0) == "off by a factor of two"
    assert number(2.5 / math.log(2), unit="nats") == "bits in place of nats"
    assert number(2.5 * math.log(2), unit="bits") == "nats in place of bits"
    assert number(2.5 / math.log(2)) is None
    assert number(1.0, ideas={"one": [7.0, 1.0]}) == "one"
    assert number(1e-7, due=1.0001e-7) == "passed"  # relative, not absolute
    assert number(1.2e-7, due=1e-7) is None


def test_number_refuses_an_idea_that_gives_what_is_due():
    with pytest.raises(ValueError, match=r"'same' gives 2\.5"):
        number(3.0, ideas={"same": [1.0, 2.5]})


def test_number_does_not_tell_what_is_due():
    t = Trial(CATALOG["vae-01"], [], 0)
    with pytest.raises(_exercise.Stop) as stop:
        t.number("n", 1.7, 2.5, "Why.")
    assert stop.value.lines["got"] == "1.7, which is too small"


# trained.


def test_trained_puts_into_evaluation_mode_and_tells_divergence():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train()
    assert found(lambda t: t.trained(net)) == "passed" and not net.training
    for bad in (math.nan, math.inf):
        with torch.no_grad():
            net[0].weight[0, 0] = bad
        assert found(lambda t: t.trained(net)) == "training diverged"
    net = nn.BatchNorm1d(2)
    net.running_var[0] = math.nan
    assert found(lambda t: t.trained(net)) == "training diverged"


def test_reached_names_the_trap_that_fits():
    def at(value, traps=None, **kwargs):
        told = "score", value, 1.0, "Why.", traps
        return found(lambda t: t.reached(*told, near=1.2, **kwargs))

    assert at(1.0) == at(torch.tensor(0.5), {"no code in use": True}) == "passed"
    assert at(1.1) == "not quite" and at(3.0) == "not trained for long enough"
    assert at(math.nan, {"a": True}) == "training diverged"
    assert at(3.0, {"a": False, "b": lambda: True, "c": True}) == "b"
    assert at(3.0, chance=2.9) == "untrained" and at(2.0, chance=2.9) != "untrained"

    def never():
        raise AssertionError("asked although the threshold is reached")

    assert at(0.9, {"a": never}) == "passed"


# layer, an affine coupling.


class Coupling:
    def __init__(self, **fault):
        g = torch.Generator().manual_seed(2)
        self.w, self.fault = torch.randn(2, 4, generator=g), fault

    def parts(self, a):
        log_s, shift = (a @ self.w).chunk(2, 1)
        return log_s.tanh(), shift

    def forward(self, x):
        a, b = x[:, :2], x[:, 2:]
        log_s, shift = self.parts(a)
        if self.fault.get("leak"):
            a = a + 0.1 * b
        z = torch.cat([a, b * log_s.exp() + shift], 1)
        det = self.fault.get("det", lambda s: s.sum(1))(log_s)
        return z, det

    def inverse(self, z):
        a, b = z[:, :2], z[:, 2:]
        log_s, shift = self.parts(a)
        b = (b - shift) * (-log_s).exp()
        if self.fault.get("leak"):
            return self.solve(z)
        return torch.cat([a, b * self.fault.get("scale", 1.0)], 1)

    def solve(self, z):
        x = z.clone()
        for _ in range(200):
            x = x + 0.3 * (z - self.forward(x)[0])
        return x


def test_layer():
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 0], [1, 1, 0, 1]])

    def named(masked=True, **fault):
        f = Coupling(**fault)
        told = {"mask": mask} if masked else {}
        return found(lambda t: t.layer(f.forward, f.inverse, x, **told))

    assert named() == "passed" and named(masked=False) == "passed"
    assert named(scale=1.1) == "not inverted"
    assert named(det=lambda s: -s.sum(1)) == "log-determinant of the inverse"
    assert (
        named(det=lambda s: s.sum(1).exp()) == "determinant in place of its logarithm"
    )
    assert named(det=lambda s: s) == "wrong shape"
    assert named(det=lambda s: s.sum()) == "reduced over the batch"
    assert named(det=lambda s: s.sum().expand(5)) == "reduced over the batch"
    assert named(det=lambda s: 0 * s.sum(1)) is None

    def leaks(x):
        return torch.cat([x[:, :1], x[:, 1:] + 0.5 * x[:, :1]], 1), torch.zeros(5)

    def back(z):
        return torch.cat([z[:, :1], z[:, 1:] - 0.5 * z[:, :1]], 1)

    told = "depends on what it must not see"
    assert found(lambda t: t.layer(leaks, back, x, mask=mask)) == told
    assert found(lambda t: t.layer(leaks, back, x)) == "passed"
    assert found(lambda t: t.layer(lambda x: x, back, x)) is None

    def positive(x):
        return x.exp(), x.sum(1)

    assert found(lambda t: t.layer(positive, torch.log, x)) == "passed"


# Versions by edit, by argument, by sum.


def plus(x):
    y = x + 1
    return y * 2


def test_edits():
    made = marks.edits(
        plus,
        """
        minus | x + 1 -> x - 1
        both
            | x + 1 -> x + 3
            | y * 2 -> math.sqrt(y)
        left out | * 2 ->
        on the next line | x + 1 -> x - 1;
            y = y + 1
        """,
        ("two lines", "    return", "    y = 0\n    return"),
    )
    assert [v.misconception for v in made.values()] == [
        "minus",
        "both",
        "left out",
        "on the next line",
        "two lines",
    ]
    assert [f(6) for f in made.values()] == [10, 3.0, 7, 12, 0] and plus(6) == 14
    assert len(source.roles(type("Demo01", (), {"edited": made}), "wrong")) == 5


@pytest.mark.parametrize(
    "change, says",
    [
        ("gone | x + 7 -> x", "found 0 times"),
        ("twice | y -> z", "found 2 times"),
        ("nothing", "expected old, new"),
        (("odd", "x"), "expected old, new"),
    ],
)
def test_an_edit_that_does_not_apply_is_an_error(change, says):
    with pytest.raises(ValueError, match=says):
        marks.edits(plus, change)


def test_edits_of_an_answer_that_is_built():
    @marks.reference
    @marks.build
    def reference():
        def answer(x):
            return 2 * x

        return answer

    (version,) = marks.edits(reference, "halved | 2 * x -> x / 2").values()
    (answer,) = source.answers(version)
    assert answer(4) == 2 and version.role == "wrong" and reference.role == "reference"


def test_cases():
    made = marks.cases(max, (marks.RIGHT, {"default": 3}), ("too low", {"default": 1}))
    versions = list(made.values())
    assert [v.role for v in versions] == ["right", "wrong"]
    assert (
        versions[1].misconception == "too low" and versions[1].keywords["default"] == 1
    )
