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
        "share ignored": "The two samples say nothing about how many parts on the "
        "line are broken: weigh the two rates with share and 1 - share.",
        "recall asked for in place of reached": "At the threshold more may be caught "
        "than was asked for.",
        "threshold on other scores": "`recall` is a part of the anomalies, and the "
        "threshold one of their scores, whatever the normal ones are.",
        "alarms strictly above": "A score at the threshold raises an alarm, and the "
        "threshold is the score of an anomaly.",
        "recall ignored": "The threshold depends on how many are to be caught.",
        "recall as a part of the size": "`recall` counts anomalies: it is no part of "
        "a mean, of a maximum or of a range of scores.",
        "counted from below": "What is caught are the highest scores: `recall` is "
        "counted from above.",
        "scores not sorted": "The scores come in any order.",
        "scores clamped": "Scores may be of any size.",
        "counts in place of rates": "The samples have sizes of their own: take the "
        "part of each that raises an alarm before weighing with the share.",
        "divided by another number": "The part of a sample that raises an alarm is "
        "divided by the size of this sample.",
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
        "false-alarm rate in place of its weight": "Normal parts are 1 - share of "
        "all, not all.",
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

    # How many anomalies it takes, the recall that asks for so many, and the share; the
    # rates of real and of false alarms at the threshold.
    k = torch.tensor([5, 3, 8, 6, m])
    r = (k - torch.tensor([0.7, 0.3, 0.7, 0.3, 0], dtype=torch.double)) / m
    s = torch.tensor([low, 0.4, 0.4, low, low], dtype=torch.double)
    h, f = (k / m).double(), above[k - 1].double() / n
    good, bad = s * h, (1 - s) * f

    def asked(both, recalls=r, shares=s):
        return [(*both, *case) for case in zip(recalls.tolist(), shares.tolist())]

    def at(thresholds, both=both, strict=False):
        cases = zip(s.tolist(), thresholds)
        return torch.tensor([real(*both, s, float(v), strict) for s, v in cases])

    def part(a, b):
        return a / (a + b)

    t.property("a number")
    out = t.call(real_alarms, *asked(both)[0])
    t.shape(out, (), "one number.")

    t.property("scores without ties: by counting on the line")
    out = float(t.tensor(out))
    share = float(f[0] * out / (f[0] * out + h[0] * (1 - out)))  # that would give it
    extra = float(good[0] / out - good[0] - bad[0]) if out > 0 else -1.0
    every, cut = torch.cat(both), [v.clamp(0, 1) for v in both]
    top, bottom, mean = anomalies.max(), anomalies.min(), anomalies.mean()
    auc = torch.full_like(h, 1 - float(above.double().mean()) / n)
    right = (1 - s) * (1 - f) + s * h
    sorts = {v: v.sort(descending=True).values for v in (normal, every)}
    some = [v[(r * len(v) - 1e-9).ceil().long() - 1] for v in sorts.values()]
    ideas = {
        "counts in place of rates": part(m * good, n * bad),
        "share ignored": part(share * h, (1 - share) * f),
        "recall asked for in place of reached": part(s * r, bad),
        "share of false alarms": part(bad, good),
        "share of anomalies caught": [h, r],
        "too few caught": [at(down[(v - 1).clamp(min=0)]) for v in (
            k - 1, (r * m).round().long(), (r * m).long())],
        "threshold one step too low": [at(down[v.clamp(max=m - 1)]) for v in (
            k, (r * m).long() + 1)],
        "alarms strictly above": at(down[k - 1], strict=True),
        "odds in place of a part": [good / bad, bad / good],
        "part of all parts": [good, good + bad],
        "share and rest swapped": part((1 - s) * h, s * f),
        "false-alarm rate in place of its weight": part(good, f),
        "rates swapped": part(s * f, (1 - s) * h),
        "parts below the threshold": [
            part(a, b) for a in (good, s - good) for b in (bad, 1 - s - bad)][1:],
        "another measure": [right, auc, 1 - f, h - f, (h + 1 - f) / 2,
                            2 * good / (s + good + bad)],
        "divided by another number": [
            part(good, bad * n / (n + m)), part(good * m / (n + m), bad),
            part(good, bad * n / m), part(good * m / n, bad)],
        "counts smoothed": [part(s * (k + a) / (m + b), (1 - s) * (f * n + 1) / (n + c))
                            for a, b, c in ((0, 0, 0), (0, 0, 1), (0, 0, 2), (1, 0, 0),
                                            (1, 1, 1), (1, 2, 2))],
        "recall ignored": [at([v] * 5) for v in (
            top, bottom, mean, anomalies.median(), normal.max(), normal.mean(),
            normal.mean() + 2 * normal.std(), normal.mean() + 3 * normal.std())],
        "recall as a part of the size": [at(v) for v in (
            r * mean, r * top, (1 - r) * top, bottom + (1 - r) * (top - bottom))],
        "threshold on other scores": [at(v) for v in (*some, *(
            v.double().quantile(p) for v in (normal, every) for p in (r, 1 - r)))],
        "quantile in place of a count": [
            at(anomalies.double().quantile(1 - r, interpolation=way))
            for way in ("linear", "lower", "midpoint")],
        "counted from below": [at(anomalies.double().quantile(r)), at(down[m - k])],
        "scores not sorted": at(anomalies[k - 1]),
        "scores clamped": at(down[k - 1].clamp(0, 1), cut),
        "low scores raise the alarm": at(-down[m - k], (-normal, -anomalies)),
        "a number added to the denominator":
            good / (good + bad + extra) if extra > 0 else float("nan"),
        "result of an earlier call": torch.full_like(h, out),
    }  # fmt: skip
    why = "Parts on the line that raise an alarm, anomalies and normal ones."
    series(t, real_alarms, asked(both), at(down[k - 1]), why, ideas)

    t.property("ties: what is reached counts, and a score at the threshold is in")
    tied = [v.float() for v in (
        torch.tensor([8, 8, 7, 7, 7, 6, 5, *[0] * 33]),
        torch.tensor([9, 8, 8, 8, 8, 7, 6, 5, 4, 3]))]  # fmt: skip
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
    ideas = {
        "recall asked for in place of reached": [
            part(low * v, (1 - low) * rates[0]) for v in (recalls, need)
        ],
        "alarms strictly above": [
            [real(*tied, low, v, strict=True) for v in dues],
            part(low * rates[1], (1 - low) * torch.tensor([0, 0.05, 0.125, 0])),
        ],
        "equal scores counted once": [
            [real(*tied, low, v) for v in level] for level in once
        ],
    }
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

    t.property("no false alarm: all alarms are real")
    out = t.call(real_alarms, *tied, 0.1, low)
    t.close(out, 1.0, "Only an anomaly reaches 9.", tol=1e-6)

    t.property("any scores, also negative and equal ones; rare anomalies")
    for n, m in (t.integer(30, 40), 7), (6, t.integer(50, 60)), (3, 1):
        normal = t.integers(n, low=-9, high=4).float() / 2
        anomalies = t.integers(m, low=-6, high=9).float() / 2
        need = t.integer(1, m)
        level = float(anomalies.sort(descending=True).values[need - 1])
        out = t.call(real_alarms, normal, anomalies, (need - 0.5) / m, 0.001)
        due = real(normal, anomalies, 0.001, level)
        t.close(out, due, f"{need} of {m} anomalies are to be caught.", tol=1e-5)
