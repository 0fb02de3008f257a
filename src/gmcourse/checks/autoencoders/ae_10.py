"""Exercise ae-10: How many alarms are real?"""

import torch

from .._exercise import Exercise
from ._shared import series


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
score **at or above** a threshold raises an alarm. The threshold is the largest of the
anomalies' scores at or above which at least the part `recall` of the anomalies lies.
Where `recall * m` is a whole number, exactly so many are enough: 7 of 100 for 0.07,
though rounding makes `0.07 * 100` a little more than 7. Return the part of the alarms
on the line that are real, which is a number.
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
        "another threshold": "The value is right for another threshold: it is the "
        "largest score of an anomaly at or above which enough anomalies lie.",
        "other weights": "The two rates are right, their weights are not: share for "
        "that of the anomalies, 1 - share for that of the normal parts.",
        "equal scores counted by half": "That is the rule of the AUC: here a score at "
        "the threshold raises an alarm.",
        "the best threshold in place of the largest": "Which threshold has the most "
        "real alarms is not asked: the largest that catches enough is due.",
        "share ignored": "The two samples say nothing about how many parts on the "
        "line are broken: weigh the two rates with share and 1 - share.",
        "recall asked for in place of reached": "At the threshold more may be caught "
        "than was asked for.",
        "threshold on other scores": "`recall` is a part of the anomalies, and the "
        "threshold one of their scores, whatever the normal ones are.",
        "alarms strictly above": "A score at the threshold raises an alarm, and the "
        "threshold is the score of an anomaly.",
        "threshold not counted": "The threshold is the score of an anomaly, found by "
        "counting how many lie at or above it. It is no mean, no fixed number, no part "
        "of a largest score and no quantile of an assumed distribution.",
        "counted from below": "What is caught are the highest scores: `recall` is "
        "counted from above.",
        "scores not sorted": "The scores come in any order.",
        "scores clamped": "Scores may be of any size.",
        "counts in place of rates": "The samples have sizes of their own: take the "
        "part of each that raises an alarm, divided by its own size, and weigh that "
        "with the share.",
        "counts smoothed": "The parts are those of the samples: nothing is added to "
        "a count.",
        "a number added to the denominator": "There is always a real alarm: nothing "
        "must keep the denominator from zero, and shares may be small.",
        "threshold one step too low": "The largest score at which at least the part "
        "`recall` is caught: one more is caught here than has to be.",
        "too few caught": "At least the part `recall` is to be caught: is the number "
        "rounded up? Does a list begin at index 0?",
        "quantile in place of a count": "A quantile lies between two scores, or rounds "
        "in its own way; count how many anomalies have a score at or above it.",
        "rounding decides": "Exactly `recall` is enough. But 0.07 * 100 is above 7 as "
        "a float, and 7/10 as a float32 below 0.7: leave room for rounding.",
        "equal scores counted once": "Equal scores of several anomalies are several "
        "anomalies caught.",
        "a scale taken for granted": "Only the order of the scores counts: they may "
        "be large or small, near to each other or far apart.",
        "low scores raise the alarm": "The higher the score, the more of an anomaly.",
        "odds in place of a part": "Real alarms are divided by all alarms, not by the "
        "false ones.",
        "part of all parts": "The part of the alarms is due, not of all that passes on "
        "the line.",
        "share of false alarms": "The part that is real is due.",
        "share of anomalies caught": "That is the recall; due is the part of alarms "
        "that are real.",
        "share and rest swapped": "Anomalies are the part `share`.",
        "rates swapped": "The share belongs to the rate of the anomalies, the rest to "
        "that of the normal parts.",
        "parts below the threshold": "Alarms are at or above it.",
        "another measure": "Neither an accuracy nor an AUC, nor a mean with the "
        "recall: the part of the alarms that are real.",
        "a weight forgotten": "Anomalies are the part share of all, normal parts "
        "1 - share: both rates are weighed.",
    },
)
def ae_10(t, real_alarms):
    def real(normal, anomalies, share, level, strict=False) -> float:
        """The part of the alarms on the line that are real."""
        reach = level + 1e-6 if strict else level
        rates = [float((v >= reach).double().mean()) for v in (anomalies, normal)]
        good, bad = share * rates[0], (1 - share) * rates[1]
        return good / (good + bad) if good + bad else 0.0

    # Eleven anomalies, and how many of twenty normal scores exceed each of them.
    n, m, low = 20, 11, [0.1, 0.15][t.integer(0, 1)]
    above = torch.tensor([0, 1, 2, 3, 5, 6, 8, 11, 13, 16, 17])
    levels = t.uniform(n + m, low=0.2, high=0.35).cumsum(0).flip(0) - 0.7
    kind = torch.zeros(n + m).bool().index_fill(0, above + torch.arange(m), True)
    anomalies = levels[kind][torch.randperm(m, generator=t.rng)]
    normal = levels[~kind][torch.randperm(n, generator=t.rng)]
    both, down = (normal, anomalies), levels[kind]

    # How many anomalies it takes, the recall that asks for so many, and the share.
    k = torch.tensor([5, 3, 8, 6, m])
    r = (k - torch.tensor([0.7, 0.3, 0.7, 0.3, 0], dtype=torch.double)) / m
    s = torch.tensor([low, 0.4, 0.4, low, low], dtype=torch.double)

    def asked(both, recalls=r, shares=s):
        return [(*both, *case) for case in zip(recalls.tolist(), shares.tolist())]

    def at(thresholds):
        cases = zip(s.tolist(), thresholds)
        return torch.tensor([real(*both, s, float(v)) for s, v in cases])

    def part(a, b):
        return a / (a + b)

    t.property("a number")
    out = t.call(real_alarms, *asked(both)[0])
    t.shape(out, (), "one number.")

    t.property("scores without ties: by counting on the line")
    first = t.shown
    outs = [out, *(t.call(real_alarms, *case) for case in asked(both)[1:])]
    seen = torch.stack([t.tensor(v).detach().double().reshape(()) for v in outs])
    t.shown = first
    ideas = rivals(normal, anomalies, k, r, s, seen)
    why = "Parts on the line that raise an alarm, anomalies and normal ones."
    series(t, real_alarms, asked(both), at(down[k - 1]), why, ideas)

    tied = [v.float() for v in (
        torch.tensor([8, 8, 7, 7, 7, 6, 5, *[0] * 33]),
        torch.tensor([9, 8, 8, 8, 8, 7, 6, 5, 4, 3]))]  # fmt: skip
    t.property("no false alarm: all alarms are real")
    out = t.call(real_alarms, *tied, 0.05, low)
    near = 0.85 < float(t.tensor(out).detach().mean()) < 1
    added = "a number added to the denominator" if near else None
    t.close(out, 1.0, "Only an anomaly reaches 9.", added, tol=1e-6)

    t.property("ties: what is reached counts, and a score at the threshold is in")
    dues = [8, 7, 6, 9]
    recalls, need = (
        torch.tensor(v, dtype=torch.double)
        for v in ([0.25, 0.55, 0.65, 0.05], [0.3, 0.6, 0.7, 0.1])
    )
    calls = asked(tied, recalls, torch.full_like(recalls, low))
    rates = [torch.tensor([float((v >= x).double().mean()) for x in dues]).double()
             for v in tied]  # fmt: skip
    # Of seven distinct scores: as many as of all, or the same part of them.
    once = [7, 4, 3, 9], [8, 6, 5, 9]
    one_each = [v.unique() for v in tied]
    same = [torch.tensor([float((v == x).double().mean()) for x in dues]).double()
            for v in tied]  # fmt: skip
    ideas = {
        "recall asked for in place of reached": [
            part(low * v, (1 - low) * rates[0]) for v in (recalls, need)
        ],
        "alarms strictly above": [
            [real(*tied, low, v, strict=True) for v in dues],
            part(low * rates[1], (1 - low) * torch.tensor([0, 0.05, 0.125, 0])),
        ],
        "equal scores counted once": [
            *[[real(*tied, low, v) for v in level] for level in once],
            *[[real(*some, low, v) for v in level] for level in (dues, *once)
              for some in (one_each, (one_each[0], tied[1]), (tied[0], one_each[1]))],
        ],
        "equal scores counted by half": [
            part(low * (rates[1] - a * same[1] / 2), (1 - low) * (
                rates[0] - c * same[0] / 2))
            for a, c in ((0, 1), (1, 0), (1, 1))],
        "the best threshold in place of the largest": [
            [max(real(*tied, low, float(u)) for u in tied[1] if u <= v) for v in dues]],
    }  # fmt: skip
    why = "All that reach the threshold are counted."
    series(t, real_alarms, calls, [real(*tied, low, v) for v in dues], why, ideas)

    t.property("only the order of the scores counts")
    for change in (lambda v: (2 * v).exp(), lambda v: 1e-6 * v, lambda v: v - 1000):
        calls, scale = asked([change(v) for v in both]), "a scale taken for granted"
        series(t, real_alarms, calls, at(down[k - 1]), why, {}, scale)

    t.property("exactly the part that was asked for is enough")
    for many, whole in (4, 8), (7, 10), (7, 100), (55, 100), (29, 100):
        anomalies = torch.randperm(whole, generator=t.rng).float()
        normal = anomalies[: whole // 2] - 0.5
        out = t.call(real_alarms, normal, anomalies, many / whole, low)
        level = whole - many
        later = real(normal, anomalies, low, level - 1)
        name = "threshold one step too low" if whole == 8 else "rounding decides"
        why, ideas = f"{many} of {whole} are due, and no more.", {name: later}
        t.close(out, real(normal, anomalies, low, level), why, ideas=ideas)

    t.property("any scores, also negative and equal ones; rare anomalies")
    for n, m in (t.integer(30, 40), 7), (6, t.integer(50, 60)), (3, 1):
        normal = t.integers(n, low=-9, high=4).float() / 2
        anomalies = t.integers(m, low=-6, high=9).float() / 2
        need = t.integer(1, m)
        level = float(anomalies.sort(descending=True).values[need - 1])
        out = t.call(real_alarms, normal, anomalies, (need - 0.5) / m, 0.001)
        due = real(normal, anomalies, 0.001, level)
        t.close(out, due, f"{need} of {m} anomalies are to be caught.", tol=1e-5)


def rivals(normal, anomalies, k, r, s, seen) -> dict[str, list]:
    """What the mistakes give, ``(cases,)``: other thresholds, other rates at them, or
    another number made of the rates, also at any threshold; ``seen`` came out."""
    n, m, none = len(normal), len(anomalies), torch.full_like(seen, torch.inf)
    down, every = anomalies.sort(descending=True).values, torch.cat([anomalies, normal])
    wide, low, span = anomalies.double(), 1 - r, anomalies.max() - anomalies.min()
    found: dict[str, list] = {}

    def add(name, *values):
        found.setdefault(name, []).extend(values)

    def rates(levels, over=(False, False), scores=(anomalies, normal)):
        levels = torch.as_tensor(levels).double()[..., None]
        return [
            ((v.double() > levels) if o else (v.double() >= levels)).double().mean(-1)
            for v, o in zip(scores, over)
        ]

    def real(h, f):
        return s * h / (s * h + (1 - s) * f)

    def by(index):
        return down[index.long().clamp(0, m - 1)]

    right = by(k - 1)
    thresholds = {
        "too few caught": [by(k - 2), by((r * m).round() - 1), by((r * m).floor() - 1)],
        "threshold one step too low": [by(k), by((r * m).floor() + 1)],
        "quantile in place of a count": [
            wide.quantile(low, interpolation=way)
            for way in ("linear", "lower", "midpoint", "nearest", "higher")],
        "counted from below": [wide.quantile(r), by(m - k), by(m - (r * m).floor()),
                               by(m - (r * m).floor() - 1)],
        "scores not sorted": [anomalies[k - 1]],
        "threshold on other scores": [
            *[v.double().quantile(p) for v in (normal, every) for p in (r, low)],
            *[v.sort(descending=True).values[(r * len(v) - 1e-9).ceil().long() - 1]
              for v in (normal, every)]],
        "threshold not counted": [
            *[v.expand(len(k)) for v in (
                down[0], down[-1], anomalies.mean(), anomalies.median(), normal.max(),
                normal.mean(), normal.mean() + 2 * normal.std(), every.mean(),
                normal.mean() + 3 * normal.std(), normal.median(), torch.tensor(0.5))],
            r, low, r * anomalies.mean(), r * down[0], low * down[0],
            down[-1] + low * span, down[-1] + r * span,
            *[v.mean() + v.std() * a * torch.special.ndtri(low)
              for v in (anomalies, normal, every) for a in (1, -1)]],
    }  # fmt: skip
    each = real(*rates(down[:, None])).cumsum(0) / torch.arange(1, m + 1)[:, None]
    strict = [rates(right, v) for v in ((True, True), (False, True), (True, False))]
    add("alarms strictly above", *[real(*v) for v in strict])
    for name, levels in thresholds.items():
        add(name, *[real(*rates(v)) for v in levels])
    cut = [v.clamp(0, 1) for v in (anomalies, normal)]
    add("scores clamped", real(*rates(right.clamp(0, 1), scores=cut)))

    area = (anomalies[:, None] > normal).double().mean().expand(len(k))

    def made(h, f):
        good, bad = s * h, (1 - s) * f
        rest = 1 - s - bad
        precise = real(h, f)
        return {
            "counts in place of rates": [
                good * a / (good * a + bad * c) for a, c in (
                    (m, n), (1, n / (n + m)), (m / (n + m), 1), (m, 1), (1, n))],
            "share ignored": [h / (h + f), m * h / (m * h + n * f)],
            "recall asked for in place of reached": [real(r, f), r / (r + f)],
            "share of false alarms": [1 - precise],
            "share of anomalies caught": [h, r + 0 * h],
            "odds in place of a part": [
                v.clamp(max=top) for top in (1, torch.inf)
                for v in (good / bad, bad / good, h / f, f / h)],
            "part of all parts": [good, good + bad, bad, 1 - good - bad],
            "share and rest swapped": [(1 - s) * h / ((1 - s) * h + s * f)],
            "a weight forgotten": [good / (good + f), h / (h + bad)],
            "rates swapped": [real(f, h)],
            "parts below the threshold": [
                good / (good + rest), (s - good) / (s - good + bad),
                (s - good) / (s - good + rest), rest / (rest + s - good)],
            "another measure": [
                good + rest, 1 - good - rest, area + 0 * h, 1 - f, f + 0 * h, h - f,
                (h + 1 - f) / 2, 2 * good / (s + good + bad), good / (s + bad),
                precise * h, precise * r, precise / s, h * (1 - f)],
            "counts smoothed": [
                s * (h * m + a) / (m + b)
                / (s * (h * m + a) / (m + b) + (1 - s) * (f * n + c) / (n + e))
                for a, b in ((0, 0), (1, 0), (1, 1), (1, 2), (0, 1))
                for c, e in ((1, 0), (1, 1), (1, 2), (0, 1))],
        }  # fmt: skip

    h, f = rates(right)
    add("another measure", *[each[(k - a).clamp(min=0)].diagonal() for a in (1, 2)])
    for name, values in made(h, f).items():
        add(name, *values)
    # Two unknowns that leave traces: the weights of the rates, and what is added.
    weight = seen / (1 - seen) * f / h
    at = [weight[[0, 3, 4]], weight[1:3]]
    alike = all(((v - v[0]).abs() < 1e-4 * v[0].abs()).all() for v in at)
    fixed = alike and (at[0][0] - at[1][0]).abs() < 1e-4 * at[0][0]
    add("share ignored", seen if fixed else none)
    extra = s * h / seen - s * h - (1 - s) * f
    steady = (extra - extra[0]).abs().max() < 1e-4 * extra[0]
    add("a number added to the denominator", seen if steady else none)
    add("other weights", seen if alike else none)
    add("result of an earlier call", seen[:1].expand(len(k)))
    # At any threshold: between the scores, and at them.
    levels = torch.cat([every.double() + a for a in (0, 1e-6)])[:, None]
    h, f = (v.expand(-1, len(k)) for v in rates(levels))

    def somewhere(values):
        return ((values - seen).abs() <= 1e-5).any(0).all()

    if somewhere(real(h, f)):
        add("another threshold", seen)
    elif somewhere(real(1 - h, 1 - f)):
        add("low scores raise the alarm", seen)
    else:
        for name, values in made(h, f).items():
            if name != "counts smoothed" and any(map(somewhere, values)):
                add(name, seen)
    return found
