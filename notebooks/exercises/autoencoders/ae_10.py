"""Versions of exercise ae-10."""

import math

import torch

from .. import edits, reference, right, wrong


class Ae10:
    """What does an AUC of 0.95 promise? Two normal distributions of scores with
    deviation 1 have it if their means are 2.33 apart. To catch 90 % of the anomalies,
    one raises a false alarm for 14.8 % of the normal parts. With one anomaly in a
    thousand, 0.6 % of the alarms are real: for each of them more than 160 are false."""

    @reference
    def real_alarms(normal, anomalies, recall, share):
        need = math.ceil(recall * len(anomalies) - 1e-9)
        threshold = anomalies.sort(descending=True).values[need - 1]
        tpr = (anomalies >= threshold).double().mean()
        fpr = (normal >= threshold).double().mean()
        real = share * tpr
        return real / (real + (1 - share) * fpr)

    @right
    def by_loops(normal, anomalies, recall, share):
        for t in sorted(anomalies.tolist(), reverse=True):
            caught = sum(a >= t for a in anomalies.tolist()) / len(anomalies)
            if caught >= recall - 1e-9:
                false = sum(v >= t for v in normal.tolist()) / len(normal)
                return share * caught / (share * caught + (1 - share) * false)

    @right
    def by_odds(normal, anomalies, recall, share):
        levels = anomalies.unique().flip(0)
        tpr = (anomalies >= levels[:, None]).double().mean(1)
        t = levels[(tpr >= recall - 1e-9).nonzero()[0, 0]]
        ratio = (normal >= t).double().mean() / (anomalies >= t).double().mean()
        return 1 / (1 + ratio * (1 - share) / share)

    @right
    def by_weights(normal, anomalies, recall, share):
        need = math.ceil(round(recall * len(anomalies), 9))
        t = anomalies.topk(need).values[-1]
        scores = torch.cat([anomalies, normal])
        bad = torch.cat([torch.ones(len(anomalies)), torch.zeros(len(normal))])
        w = torch.where(bad == 1, share / len(anomalies), (1 - share) / len(normal))
        flagged = (scores >= t).double() * w
        return (flagged * bad).sum() / flagged.sum()

    @right
    def by_scikit_learn(normal, anomalies, recall, share):
        from sklearn.metrics import roc_curve

        bad = [0] * len(normal) + [1] * len(anomalies)
        scores = torch.cat([normal, anomalies]).tolist()
        fpr, tpr, _ = roc_curve(bad, scores, drop_intermediate=False)
        i = int((tpr >= recall - 1e-9).argmax())
        return share * tpr[i] / (share * tpr[i] + (1 - share) * fpr[i])

    @wrong("rounding decides")
    def in_single_precision(normal, anomalies, recall, share):
        def rate(scores, threshold):
            return float((scores >= threshold).float().mean())

        fits = [t for t in anomalies.tolist() if rate(anomalies, t) >= recall]
        real = share * rate(anomalies, max(fits))
        return real / (real + (1 - share) * rate(normal, max(fits)))

    @wrong("threshold not counted")
    def gaussian(normal, anomalies, recall, share):
        d = torch.distributions.Normal(anomalies.mean(), anomalies.std())
        t = d.icdf(torch.tensor(1 - recall).clamp(1e-6))
        tpr, fpr = ((v >= t).double().mean() for v in (anomalies, normal))
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("the best threshold in place of the largest")
    def best(normal, anomalies, recall, share):
        found = []
        for t in anomalies.tolist():
            tpr, fpr = ((v >= t).double().mean() for v in (anomalies, normal))
            if tpr >= recall - 1e-9:
                found.append(share * tpr / (share * tpr + (1 - share) * fpr))
        return max(found)

    @wrong("a scale taken for granted")
    def on_a_grid(normal, anomalies, recall, share):
        scores = torch.cat([normal, anomalies])
        for t in torch.linspace(float(scores.max()), float(scores.min()), 500):
            tpr = (anomalies >= t).double().mean()
            if tpr >= recall - 1e-9:
                fpr = (normal >= t).double().mean()
                return share * tpr / (share * tpr + (1 - share) * fpr)

    edited = edits(
        real_alarms,
        """
    share ignored | real = share * tpr -> real = tpr | (1 - share) * fpr -> fpr
    share ignored
        | real = share * tpr -> real = tpr | (1 - share) * fpr -> fpr
        | (anomalies >= threshold).double().mean() -> (anomalies >= threshold).sum()
        | (normal >= threshold).double().mean() -> (normal >= threshold).sum()
    counts in place of rates
        | (anomalies >= threshold).double().mean() -> (anomalies >= threshold).sum()
        | (normal >= threshold).double().mean() -> (normal >= threshold).sum()
    recall asked for in place of reached | share * tpr -> share * recall
    threshold on other scores | len(anomalies) -> len(normal)
        | anomalies.sort -> normal.sort
    alarms strictly above | (anomalies >= -> (anomalies > | (normal >= -> (normal >
    alarms strictly above | (normal >= -> (normal >
    threshold not counted | [need - 1] -> [-1]
    threshold not counted | [need - 1] -> [len(anomalies) // 2]
    counted from below | descending=True -> descending=False
    scores not sorted | .sort(descending=True).values ->
    scores clamped | .sort(descending=True) -> .clamp(0, 1).sort(descending=True)
        | (anomalies >= -> (anomalies.clamp(0, 1) >=
        | (normal >= -> (normal.clamp(0, 1) >=
    threshold not counted | anomalies.sort(descending=True).values[need - 1]
        -> (recall * anomalies.mean())
    rates swapped | share * tpr -> share * fpr | (1 - share) * fpr -> (1 - share) * tpr
    parts below the threshold | (normal >= -> (normal <
    another measure | return real / (real + (1 - share) * fpr)
        -> return real + (1 - share) * (1 - fpr)
    another measure | return real / (real + (1 - share) * fpr)
        -> return (anomalies[:, None] > normal).double().mean()
    counts in place of rates | (normal >= threshold).double().mean()
        -> (normal >= threshold).sum() / (len(normal) + len(anomalies))
    counts smoothed | (normal >= threshold).double().mean()
        -> ((normal >= threshold).sum() + 1) / len(normal)
    a number added to the denominator | (real + (1 -> (real + 1e-3 + (1
    share ignored | real = share -> share = 0.001; real = share
    rounding decides | - 1e-9 ->
    another threshold | [need - 1] -> [len(anomalies) // 4]
    other weights | (1 - share) * fpr -> (1 - share) ** 2 * fpr
    other weights | real = share * -> real = share**2 *
    a weight forgotten | real = share * -> real =
    equal scores counted by half | (normal >= threshold).double().mean()
        -> ((normal >= threshold).double() + (normal > threshold)).mean() / 2
    a scale taken for granted | (normal >= threshold) -> (normal >= threshold - 1e-4)
    equal scores counted once | anomalies.sort(descending=True).values[need - 1]
        -> (v := anomalies.unique().flip(0))[math.ceil(recall * len(v) - 1e-9) - 1]
    recall asked for in place of reached | share * tpr -> share * need / len(anomalies)
    threshold one step too low | need = math.ceil(recall * len(anomalies) - 1e-9)
        -> need = min(math.floor(recall * len(anomalies) + 1e-9) + 1, len(anomalies))
    threshold one step too low | [need - 1] -> [min(need, len(anomalies) - 1)]
    threshold one step too low | math.ceil(recall * len(anomalies) - 1e-9)
        -> min(int(recall * len(anomalies) + 1e-9) + 1, len(anomalies))
    quantile in place of a count | sort(descending=True).values[need - 1]
        -> quantile(1 - recall, interpolation="lower")
    quantile in place of a count
        | sort(descending=True).values[need - 1] -> quantile(1 - recall)
    too few caught | math.ceil(recall * len(anomalies) - 1e-9)
        -> max(1, int(recall * len(anomalies) + 1e-9))
    equal scores counted once | sort(descending=True).values -> unique().flip(0)
    low scores raise the alarm
        | need = -> normal, anomalies = -normal, -anomalies; need =
    odds in place of a part | (real + (1 - share) * fpr) -> ((1 - share) * fpr)
    part of all parts | / (real + (1 - share) * fpr) ->
    share of false alarms | return real -> return 1 - real
    share of anomalies caught | return real / (real + (1 - share) * fpr) -> return tpr
    share and rest swapped | real = -> share = 1 - share; real =
    a weight forgotten | (1 - share) * fpr -> fpr
    """,
    )
