"""A formula with some of its parts wrong: what is tried, in what order, how named."""

import torch
from exercise_tools import CATALOG

from gmcourse.checks._exercise import Stop
from gmcourse.checks._parts import mistakes, wrong_part
from gmcourse.checks._trial import Trial

X = torch.tensor([0.5, -2.0, 3.0]).double()
POWERS = {"": torch.square, "absolute": [torch.abs], "cubed": lambda v: v**3}
FACTORS = {"": [2.0], "tripled": [3.0, 6.0], "absolute": 5.0}
ENDS = {"": torch.sum, "mean": torch.mean, "tripled": lambda v: 3 * v.sum()}


def make(power, factor, end):
    return end(factor * power(X))


def test_one_mistake_is_tried_before_two_and_counts_once_in_several_parts():
    found = list(mistakes(make, POWERS, FACTORS, ENDS))
    names = [name for name, _ in found]
    single = ["absolute", "cubed", "tripled", "tripled", "absolute", "mean", "tripled"]
    assert names[:7] == single
    # Of one name in two parts, 6 · 3 · sum among them; then pairs by parts.
    assert names[7:10] == ["absolute", "tripled", "tripled"]
    assert names[10:12] == ["absolute, and tripled"] * 2
    # Three parts, as one of the two mistakes is made twice; never three mistakes.
    assert "absolute, and tripled" in names[-8:] and "cubed, and absolute" in names
    assert all(len(set(name.split(", and "))) <= 2 for name in names)
    assert [v for n, v in found if n == "cubed"] == [2 * (X**3).sum()]
    one = [name for name, _ in mistakes(make, POWERS, FACTORS, ENDS, most=1)]
    assert one == names[:10]


def test_what_is_due_all_the_same_is_no_mistake():
    signs = {"": 1.0, "nearly": 1 + 1e-7, "flipped": -1.0, "vanished": [1.0, 1.02]}
    found = [name for name, _ in mistakes(lambda s: s * X, signs)]
    assert found == ["flipped", "vanished"]
    assert [n for n, _ in mistakes(lambda s: s * X, signs, tol=0.1)] == ["flipped"]
    # Of several right choices the first says what is due, the others are no mistakes.
    both = {"": [torch.abs, torch.square]}, {"": 1.0, "doubled": 2.0}
    found = dict(mistakes(lambda f, c: c * f(X[1:2]), *both))
    assert list(found) == ["doubled"] and found["doubled"] == 8  # 2 |-2| is right


def test_a_result_is_named_by_the_first_mistake_that_gives_it():
    parts = POWERS, FACTORS, ENDS
    assert wrong_part(make(torch.abs, 2.0, torch.sum), make, *parts) == "absolute"
    both = make(lambda v: v**3, 3.0, torch.sum)
    assert wrong_part(both.float(), make, *parts) == "cubed"  # the first of the two
    assert wrong_part(lambda v: v > 300, make, *parts) == "cubed"
    assert wrong_part(both, make, *parts, most=1) is None
    assert wrong_part(float(both) + 0.1, make, *parts) is None
    assert wrong_part(float(both) + 0.1, make, *parts, tol=0.01)
    assert wrong_part(make(torch.square, 2.0, torch.sum), make, *parts) is None
    assert wrong_part(torch.ones(5), make, *parts) is None  # another shape
    shifts = {"": 0.0, "shifted": 1.0}  # which all entries must be
    assert wrong_part(torch.tensor([1.5, 8.0, 9.0]), lambda c: X + c, shifts) is None
    assert wrong_part(X + 1, lambda c: X + c, shifts) == "shifted"


def test_ideas_are_computed_for_a_wrong_answer_alone():
    t, asked = Trial(CATALOG["vae-01"], [], 0), []

    def value(c):
        asked.append(c)
        return c * X

    def tried(out):
        scales = {"": 1.0, "flipped": -1.0, "doubled": 2.0, "tripled": 3.0}
        try:
            t.close(out, X, "", ideas=mistakes(value, scales))
        except Stop as stop:
            return stop.misconception

    assert tried(X) is None and not asked
    assert tried(2 * X) == "doubled" and asked == [1.0, -1.0, 2.0]
    assert tried(5 * X) is None
