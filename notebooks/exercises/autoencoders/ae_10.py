"""Versions of exercise ae-10."""

import math

import torch

from .. import edits, reference, right


class Ae10:
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
    threshold on the normal scores | len(anomalies) -> len(normal)
        | anomalies.sort -> normal.sort
    alarms strictly above | (anomalies >= -> (anomalies > | (normal >= -> (normal >
    alarms strictly above | (normal >= -> (normal >
    lowest threshold | [need - 1] -> [-1]
    threshold one step too low | [need - 1] -> [min(need, len(anomalies) - 1)]
    threshold one step too low | math.ceil(recall * len(anomalies) - 1e-9)
        -> min(int(recall * len(anomalies) + 1e-9) + 1, len(anomalies))
    threshold one step too low | sort(descending=True).values[need - 1]
        -> quantile(1 - recall, interpolation="lower")
    quantile in place of a count
        | sort(descending=True).values[need - 1] -> quantile(1 - recall)
    rounded down | math.ceil(recall * len(anomalies) - 1e-9)
        -> max(1, int(recall * len(anomalies) + 1e-9))
    equal scores counted once | sort(descending=True).values -> unique().flip(0)
    low scores raise the alarm
        | need = -> normal, anomalies = -normal, -anomalies; need =
    odds in place of a part | (real + (1 - share) * fpr) -> ((1 - share) * fpr)
    part of all parts | / (real + (1 - share) * fpr) ->
    share of false alarms | return real -> return 1 - real
    share of anomalies caught | return real / (real + (1 - share) * fpr) -> return tpr
    share and rest swapped | real = -> share = 1 - share; real =
    false-alarm rate in place of its weight | (1 - share) * fpr -> fpr
    """,
    )
