"""Exercise ae-10: How many alarms are real?"""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="ae-10",
    title="How many alarms are real?",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Go from a ROC curve, which knows no base rate, to the share of alarms that "
        "are real.",
    ),
    statement=r"""
An AUC of 0.95 sounds good. But on the assembly line one part in a thousand is broken,
and the ROC curve does not know it.

Write `real_alarms(normal, anomalies, recall, share)`: `normal` and `anomalies` hold
anomaly scores, shapes `(n,)` and `(m,)`, measured on two samples; `recall` is above 0
and at most 1; `share` is the part of all parts on the line that are anomalies, whatever
`n` and `m`. Take as threshold the largest of the anomalies' scores at which at least
the part `recall` of the anomalies has a score **at or above** it; everything at or
above it raises an alarm. Return the part of alarms that are real (anomalies) on the
line, a number.
""",
    stub='''
def real_alarms(normal, anomalies, recall, share):
    """(n,), (m,), float, float -> a number from 0 to 1."""
    return ...
''',
    answers={"real_alarms": callable},
    hints=(
        "First the threshold: sort the anomalies' scores from high to low. How many "
        "must be caught so that the part is at least `recall`?",
        "On the line: the probability that a random part is an anomaly and raises an "
        "alarm, and the probability that it is normal and raises one.",
        "Count tied scores: what is caught at the threshold may be more than "
        "`recall`, and that is what counts.",
    ),
    misconceptions={
        "share ignored": "The two samples say nothing about how many parts on the "
        "line are broken: weigh the two rates with share and 1 - share.",
        "recall asked for in place of reached": "At the threshold more may be caught "
        "than was asked for.",
        "threshold on the normal scores": "`recall` is a part of the anomalies.",
        "alarms strictly above": "A score at the threshold raises an alarm.",
        "lowest threshold": "That catches all anomalies, and raises more false "
        "alarms than needed.",
        "counts in place of rates": "The samples have sizes of their own: take the "
        "part of each that raises an alarm before weighing with the share.",
        "threshold one step too low": "The largest score at which at least the part "
        "`recall` is caught: exactly `recall` is enough.",
        "quantile in place of a count": "A quantile lies between two scores; count how "
        "many anomalies have a score at or above it.",
        "odds in place of a part": "Real alarms are divided by all alarms, not by the "
        "false ones.",
        "part of all parts": "The part of the alarms is due, not of all that passes on "
        "the line.",
        "share of false alarms": "The part that is real is due.",
        "share of anomalies caught": "That is the recall; due is the part of alarms "
        "that are real.",
        "share and rest swapped": "Anomalies are the part `share`.",
        "rounded down": "At least the part `recall` is to be caught: round up.",
        "false-alarm rate in place of its weight": "Normal parts are 1 - share of "
        "all, not all.",
    },
)
def ae_10(t, real_alarms):
    # Eight anomalies among twenty normal scores; `above` normal ones exceed each.
    above, n, m = [0, 1, 2, 5, 6, 9, 13, 17], 20, 8
    ranked, done = [], 0
    for count in above:
        ranked += ["normal"] * (count - done) + ["anomaly"]
        done = count
    ranked += ["normal"] * (n - done)
    # One normal score lies just above the anomaly that decides; else wide gaps.
    gaps = t.uniform(n + m, low=0.2, high=0.35)
    gaps[n + m - 8] = 0.05
    levels = gaps.cumsum(0).flip(0)
    kind = torch.tensor([r == "anomaly" for r in ranked])
    anomalies = levels[kind][torch.randperm(m, generator=t.rng)]
    normal = levels[~kind][torch.randperm(n, generator=t.rng)]
    share, recall = [0.1, 0.15][t.integer(0, 1)], 0.4

    def line(level: float, strict: bool = False) -> tuple[float, float]:
        """Weights on the line of real and of false alarms."""
        reach = level + 1e-6 if strict else level
        hit, false = (anomalies >= reach).sum(), (normal >= reach).sum()
        rates = int(hit) / len(anomalies), int(false) / len(normal)
        return share * rates[0], (1 - share) * rates[1]

    def real(level: float, strict: bool = False) -> float:
        good, bad = line(level, strict)
        return good / (good + bad) if good + bad else 0.0

    down = sorted(anomalies.tolist(), reverse=True)
    caught = next(i for i in range(1, m + 1) if i / m >= recall - 1e-9)
    level = down[caught - 1]
    count = int((normal >= level).sum())
    good, bad = line(level)

    t.property("a number")
    out = t.call(real_alarms, normal, anomalies, recall, share)
    t.shape(out, (), "one number.")

    t.property("scores without ties: by counting on the line")
    rate = count / n  # of normal parts that raise an alarm
    edge = sorted(normal.tolist(), reverse=True)
    ideas = {
        "share ignored": [caught / (caught + count), caught / m / (caught / m + rate)],
        "counts in place of rates": share * caught
        / (share * caught + (1 - share) * count),
        "recall asked for in place of reached": share * recall / (share * recall + bad),
        "share of false alarms": bad / (good + bad),
        "share of anomalies caught": [caught / m, recall],
        "rounded down": real(down[caught - 2]),
        "lowest threshold": real(down[-1]),
        "alarms strictly above": real(level, strict=True),
        "threshold one step too low": real(down[caught]),
        "odds in place of a part": good / bad,
        "part of all parts": good,
        "share and rest swapped": (1 - share) * caught / m
        / ((1 - share) * caught / m + share * rate),
        "false-alarm rate in place of its weight": good / (good + rate),
        "threshold on the normal scores": [
            real(v) for v in (edge[math.ceil(recall * n) - 1],
                              float(normal.quantile(1 - recall)),
                              float(normal.quantile(recall)))
        ],
        "quantile in place of a count": real(float(anomalies.quantile(1 - recall))),
    }  # fmt: skip
    why = "Parts on the line that raise an alarm, anomalies and normal ones."
    t.close(out, real(level), why, ideas=ideas, tol=1e-4)

    t.property("recall 1: the lowest score of an anomaly is the threshold")
    out = t.call(real_alarms, normal, anomalies, 1.0, share)
    ideas = {"alarms strictly above": real(down[-1], strict=True)}
    t.close(out, real(down[-1]), why, ideas=ideas, tol=1e-4)

    t.property("ties: what is reached counts, and a score at the threshold is in")
    anomalies = torch.tensor([5.0, 4.0, 4.0, 4.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0])
    normal = torch.tensor([4.0, 4.0, 3.0, *[0.5] * 37])
    bad = line(4.0)[1]
    asked = share * 0.3 / (share * 0.3 + bad)
    ideas = {
        "recall asked for in place of reached": asked,
        "alarms strictly above": real(4.0, strict=True),
    }
    out = t.call(real_alarms, normal, anomalies, 0.3, share)
    t.close(out, real(4.0), "Four anomalies are caught.", ideas=ideas, tol=1e-4)

    t.property("no false alarm: all alarms are real")
    out = t.call(real_alarms, normal, anomalies, 0.1, share)
    ideas = {"threshold one step too low": real(4.0)}
    t.close(out, 1.0, "Only an anomaly reaches 5.", ideas=ideas, tol=1e-6)
