"""What a wrong result has in common with what is due, said in words."""

import math

import pytest
import torch
from exercise_tools import CATALOG

from gmcourse.checks import _exercise
from gmcourse.checks._relations import relation
from gmcourse.checks._trial import Trial

DUE = torch.tensor([[1.0, -2.0, 3.5], [0.3, 5.0, -0.7], [2.2, 0.0, 1.1]]).double()
ROWS = torch.randn(12, 3)  # an input


def told(out, due=DUE, args=(ROWS,)):
    bad = (out - due).abs() > 1e-6
    return relation(out, due, bad, args)


@pytest.mark.parametrize(
    "wrong, says",
    [
        (lambda v: -v, "the right size with the other sign, everywhere"),
        (lambda v: 12 * v, "12 (12 is the length of an axis) times what is due"),
        (lambda v: v / 12, "1/12 (12 is the length of an axis) times what is due"),
        (lambda v: v * 12 / 11, "12/11 (12 is the length of an axis) times what"),
        (lambda v: v / 36, "1/36 (3 and 12 are lengths of axes) times what is due"),
        (lambda v: v * 4, "4 times what is due, everywhere"),
        (lambda v: v / math.log(2), "1.4427 (1 / log 2, as of bits) times what is due"),
        (lambda v: 0.77 * v, "0.77 times what is due, everywhere"),
        (lambda v: v + 0.5, "0.5 too large, everywhere"),
        (lambda v: v - 5 * math.log(2 * math.pi) / 2, "5 times log(2 pi) / 2"),
        (lambda v: v - math.log(12), "2.4849 too small, everywhere: log 12"),
        (lambda v: v.T, "another order: rows and columns are exchanged"),
        (lambda v: v.flip(1), "another order: axis 1 is turned around"),
        (lambda v: v.roll(1, 0), "another order: moved by one along axis 0"),
        (lambda v: v.mean().expand(3, 3), "everywhere the mean of what is due"),
        (lambda v: v * 0 + 7, "7 everywhere"),
        (torch.square, "the square of what is due"),
        (torch.exp, "the exponential of what is due"),
        (lambda v: 1 - v, "1 minus what is due"),
        (lambda v: 3 * v + 1, "3 times what is due plus 1, everywhere"),
        (torch.round, "rounded to integers"),
        (lambda v: v * torch.tensor([2.0, 3, 5]), "right along axis 0, but for one f"),
        (lambda v: v + torch.tensor([[2.0], [3], [5]]), "right along axis 1, but for "),
        (torch.linalg.inv, "the inverse of what is due"),
        (lambda v: v.clamp(max=1), "never above 1: a bound"),
        (lambda v: v.clamp(min=0.5), "never below 0.5: a bound"),
        (lambda v: v.index_fill(0, torch.tensor(1), 9), "off at index 1 of axis 0 al"),
        (lambda v: torch.where(v < 0, -v / 2, v), "-1/2 times what is due"),
        (lambda v: torch.where(v < 0, v.exp() + v.sin(), v), "off wherever what is"),
        (lambda v: v.sin() + v.square() - v.flip(0), ""),
        (lambda v: v + 1e-5 * v.sin(), ""),  # nearly right, each in its own place
    ],
)
def test_what_all_entries_have_in_common_is_said(wrong, says):
    text = told(wrong(DUE))
    assert says in text if says else not text


def test_entries_that_are_right_are_not_spoken_of():
    """A mistake beside a mask: where, and what holds there."""
    seen = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 0]])
    due = DUE.sigmoid()
    text = told(torch.where(seen == 0, 1 - due, due), due, (ROWS, seen))
    assert text == "off wherever argument 1 is 0; where off, " + (
        "1 minus what is due, everywhere"
    )


def test_a_single_number_needs_a_telling_factor():
    due = torch.tensor(4.0).double()
    assert told(due * 12, due).startswith("12 (12 is the length of an axis) times")
    assert told(-due, due) == "the right size with the other sign"
    assert told(due * 0.77, due) == told(due + 0.1, due) == ""
    assert told(due / 4, due, (torch.ones(3, 12),)) == "1/4 times what is due"
    assert told(due * 5 / 7, due, (torch.ones(5, 7),)) == ""  # may be by chance


def test_infinite_results_are_placed_only():
    due = DUE.clone()
    out = due.clone()
    out[2] = torch.inf
    assert told(out, due) == "off at index 2 of axis 0 alone"
    assert relation(due * torch.inf, due, due == due) == ""


def test_a_verdict_says_it():
    t = Trial(CATALOG["vae-01"], [], 0)
    with pytest.raises(_exercise.Stop) as stop:
        t.close(t.call(lambda x: x.mean(0), ROWS), ROWS.sum(0).double(), "")
    assert "12 is the length of an axis" in stop.value.lines["got"]
