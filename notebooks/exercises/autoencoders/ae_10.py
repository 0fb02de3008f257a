"""Versions of exercise ae-10."""

import math

import torch

from .. import reference, right, wrong


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

    def _threshold(anomalies, recall):
        need = math.ceil(recall * len(anomalies) - 1e-9)
        return anomalies.sort(descending=True).values[need - 1]

    @wrong("share ignored")
    def counts(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        hit, false = (anomalies >= t).sum(), (normal >= t).sum()
        return hit / (hit + false)

    @wrong("share ignored")
    def rates(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr, fpr = (anomalies >= t).float().mean(), (normal >= t).float().mean()
        return tpr / (tpr + fpr)

    @wrong("recall asked for in place of reached")
    def asked(normal, anomalies, recall, share):
        fpr = (normal >= Ae10._threshold(anomalies, recall)).double().mean()
        return share * recall / (share * recall + (1 - share) * fpr)

    @wrong("threshold on the normal scores")
    def wrong_side(normal, anomalies, recall, share):
        t = Ae10._threshold(normal, recall)
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("alarms strictly above")
    def strict(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr = (anomalies > t).double().mean()
        fpr = (normal > t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr).clamp(min=1e-12)

    @wrong("lowest threshold")
    def lowest(normal, anomalies, recall, share):
        return Ae10.real_alarms(normal, anomalies, 1.0, share)

    @wrong("share of false alarms")
    def false(normal, anomalies, recall, share):
        return 1 - Ae10.real_alarms(normal, anomalies, recall, share)

    @wrong("share of anomalies caught")
    def caught(normal, anomalies, recall, share):
        return (anomalies >= Ae10._threshold(anomalies, recall)).double().mean()

    @wrong("share and rest swapped")
    def swapped(normal, anomalies, recall, share):
        return Ae10.real_alarms(normal, anomalies, recall, 1 - share)

    @wrong("rounded down")
    def floored(normal, anomalies, recall, share):
        need = max(1, int(recall * len(anomalies) + 1e-9))
        t = anomalies.sort(descending=True).values[need - 1]
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("false-alarm rate in place of its weight")
    def unweighted(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + fpr)

    @right
    def by_scikit_learn(normal, anomalies, recall, share):
        from sklearn.metrics import roc_curve

        bad = [0] * len(normal) + [1] * len(anomalies)
        scores = torch.cat([normal, anomalies]).tolist()
        fpr, tpr, _ = roc_curve(bad, scores, drop_intermediate=False)
        i = int((tpr >= recall - 1e-9).argmax())
        return share * tpr[i] / (share * tpr[i] + (1 - share) * fpr[i])

    def _at(t, normal, anomalies, share):
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("counts in place of rates")
    def weighted_counts(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        hit, false = (anomalies >= t).sum(), (normal >= t).sum()
        return share * hit / (share * hit + (1 - share) * false)

    @wrong("threshold one step too low")
    def more_than_recall(normal, anomalies, recall, share):
        for t in sorted(set(anomalies.tolist()), reverse=True):
            caught = float((anomalies >= t).double().mean())
            if caught > recall + 1e-9 or caught == 1:
                return Ae10._at(t, normal, anomalies, share)

    @wrong("threshold one step too low")
    def next_place(normal, anomalies, recall, share):
        need = min(math.ceil(recall * len(anomalies) - 1e-9), len(anomalies) - 1)
        t = anomalies.sort(descending=True).values[need]
        return Ae10._at(t, normal, anomalies, share)

    @wrong("threshold one step too low")
    def lower_quantile(normal, anomalies, recall, share):
        t = anomalies.quantile(1 - recall, interpolation="lower")
        return Ae10._at(t, normal, anomalies, share)

    @wrong("quantile in place of a count")
    def quantile(normal, anomalies, recall, share):
        t = anomalies.quantile(1 - recall)
        return Ae10._at(t, normal, anomalies, share)

    @wrong("alarms strictly above")
    def strict_for_one(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr = (anomalies >= t).double().mean()
        fpr = (normal > t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("odds in place of a part")
    def odds(normal, anomalies, recall, share):
        part = Ae10.real_alarms(normal, anomalies, recall, share)
        return part / (1 - part).clamp(min=1e-12)

    @wrong("part of all parts")
    def joint(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        return share * (anomalies >= t).double().mean()
