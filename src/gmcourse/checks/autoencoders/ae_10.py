"""Exercise ae-10: How many alarms are real?"""

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
anomaly scores, shapes `(n,)` and `(m,)`, measured on two samples; `recall`, another
name for the TPR that is asked for, is above 0 and at most 1; `share`, above 0 and below
1, is the part of all parts on the line that are anomalies, whatever `n` and `m`. A
score **at or above** a threshold raises an alarm. The threshold is one of the
anomalies' scores: the largest that still catches at least the part `recall` of the
anomalies. Return the part of alarms that are real (anomalies) on the line, a number.
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
        "equal scores counted once": "Equal scores of several anomalies are several "
        "anomalies caught.",
        "low scores raise the alarm": "The higher the score, the more of an anomaly.",
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
    def line(normal, anomalies, share, level, strict=False) -> tuple[float, float]:
        """Weights on the line of real and of false alarms."""
        reach = level + 1e-6 if strict else level
        rates = [float((v >= reach).double().mean()) for v in (anomalies, normal)]
        return share * rates[0], (1 - share) * rates[1]

    def real(*args, strict=False) -> float:
        good, bad = line(*args, strict)
        return good / (good + bad) if good + bad else 0.0

    # Eight anomalies, and how many of twenty normal scores exceed each of them. One
    # lies just above the anomaly that decides; else the gaps are wide.
    n, m, recall, share = 20, 8, 0.4, [0.1, 0.15][t.integer(0, 1)]
    above = torch.tensor([0, 1, 2, 5, 6, 9, 13, 17])
    places = above + torch.arange(m)
    gaps = t.uniform(n + m, low=0.2, high=0.35)
    gaps[n + m - 8] = 0.05
    levels = gaps.cumsum(0).flip(0)
    kind = torch.zeros(n + m).bool().index_fill(0, places, True)
    anomalies = levels[kind][torch.randperm(m, generator=t.rng)]
    normal = levels[~kind][torch.randperm(n, generator=t.rng)]
    args = normal, anomalies, share
    down, caught = levels[kind].tolist(), 4  # half of them: three are too few
    good, bad = line(*args, down[3])
    count, rate = int(above[3]), float(above[3]) / n

    t.property("a number")
    out = t.call(real_alarms, normal, anomalies, recall, share)
    t.shape(out, (), "one number.")

    t.property("scores without ties: by counting on the line", of=out)
    edge, rest = levels[~kind].tolist(), 1 - share
    ideas = {
        "share ignored": [caught / (caught + count), 0.5 / (0.5 + rate)],
        "counts in place of rates": share * caught / (share * caught + rest * count),
        "recall asked for in place of reached": share * recall / (share * recall + bad),
        "share of false alarms": bad / (good + bad),
        "share of anomalies caught": [0.5, recall],
        "rounded down": real(*args, down[2]),
        "lowest threshold": real(*args, down[-1]),
        "alarms strictly above": real(*args, down[3], strict=True),
        "threshold one step too low": real(*args, down[4]),
        "odds in place of a part": good / bad,
        "part of all parts": good,
        "share and rest swapped": rest * 0.5 / (rest * 0.5 + share * rate),
        "false-alarm rate in place of its weight": good / (good + rate),
        "threshold on the normal scores": [
            real(*args, float(v))
            for v in (edge[7], *normal.quantile(torch.tensor([0.6, 0.4])))
        ],
        "quantile in place of a count": real(*args, float(anomalies.quantile(0.6))),
        "low scores raise the alarm": real(-normal, -anomalies, share, -down[-4]),
    }
    why = "Parts on the line that raise an alarm, anomalies and normal ones."
    t.close(out, real(*args, down[3]), why, ideas=ideas, tol=1e-4)

    t.property("recall 1: the lowest score of an anomaly is the threshold")
    out = t.call(real_alarms, normal, anomalies, 1.0, share)
    ideas = {"alarms strictly above": real(*args, down[-1], strict=True)}
    t.close(out, real(*args, down[-1]), why, ideas=ideas, tol=1e-4)

    t.property("ties: what is reached counts, and a score at the threshold is in")
    anomalies = torch.tensor([5.0, 4.0, 4.0, 4.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0])
    normal = torch.tensor([4.0, 4.0, 3.0, 3.0, 3.0, *[0.5] * 35])
    args = normal, anomalies, share
    bad = line(*args, 4.0)[1]
    ideas = {
        "recall asked for in place of reached": share * 0.3 / (share * 0.3 + bad),
        "alarms strictly above": real(*args, 4.0, strict=True),
        "equal scores counted once": real(*args, 3.0),
    }
    out = t.call(real_alarms, normal, anomalies, 0.3, share)
    t.close(out, real(*args, 4.0), "Four anomalies are caught.", ideas=ideas, tol=1e-4)

    t.property("no false alarm: all alarms are real")
    out = t.call(real_alarms, normal, anomalies, 0.1, share)
    ideas = {"threshold one step too low": real(*args, 4.0)}
    t.close(out, 1.0, "Only an anomaly reaches 5.", ideas=ideas, tol=1e-6)

    t.property("any scores, also negative and equal ones; rare anomalies")
    for n, m in (t.integer(30, 40), 7), (6, t.integer(50, 60)), (3, 1):
        normal = t.integers(n, low=-9, high=4).float() / 2
        anomalies = t.integers(m, low=-6, high=9).float() / 2
        need = t.integer(1, m)
        level = float(anomalies.sort(descending=True).values[need - 1])
        out = t.call(real_alarms, normal, anomalies, (need - 0.5) / m, 0.001)
        due = real(normal, anomalies, 0.001, level)
        t.close(out, due, f"{need} of {m} anomalies are to be caught.", tol=1e-5)
