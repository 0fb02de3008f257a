"""Versions of exercise gm-05."""

import math

import numpy as np
import torch
from torch import nn
from torch.distributions import Bernoulli
from torch.nn import functional as F

from .. import build, edits, reference, right


class Gm05:
    @reference
    @build
    def reference():
        class NaiveBayes:
            def __init__(self, x, c, classes, smoothing):
                one_hot = F.one_hot(c, classes).float()
                n = one_hot.sum(0)  # of each class
                self.prior = n / len(x)
                common = (x.sum(0) + 1) / (len(x) + 2)
                lit = one_hot.T @ x + smoothing * common  # (classes, d)
                self.probs = lit / (n + smoothing)[:, None]

            def log_joint(self, x):
                lit, dark = self.probs.log(), (1 - self.probs).log()
                return x @ lit.T + (1 - x) @ dark.T + self.prior.log()

            def sample(self, c):
                p = self.probs[c]
                return torch.bernoulli(p)

        return NaiveBayes

    @right
    @build
    def by_logits():
        class NaiveBayes:
            def __init__(self, x, c, classes, smoothing):
                own = [x[c == y] for y in range(classes)]
                self.log_prior = torch.tensor([math.log(len(v) / len(x)) for v in own])
                q = (x.sum(0) + 1) / (len(x) + 2)
                odds = [
                    (v.sum(0) + smoothing * q) / ((1 - v).sum(0) + smoothing * (1 - q))
                    for v in own
                ]
                self.logits = torch.stack(odds).log()

            def log_joint(self, x):
                evidence = x @ self.logits.T - F.softplus(self.logits).sum(1)
                return self.log_prior + evidence

            def sample(self, c):
                p = self.logits.sigmoid()
                noise = torch.rand(len(c), p.shape[1])
                return torch.stack([(u < p[y]).float() for u, y in zip(noise, c)])

        return NaiveBayes

    @right
    @build
    def by_distributions():
        class NaiveBayes(nn.Module):
            def __init__(self, x, c, classes, smoothing):
                super().__init__()
                ends = torch.stack([torch.ones(x.shape[1]), torch.zeros(x.shape[1])])
                ghost = torch.cat([x, ends]).mean(0)[None]  # one more of each
                self.prior = torch.bincount(c, minlength=classes).double() / len(x)
                rows = [torch.cat([x[c == y], ghost]) for y in range(classes)]
                w = [torch.tensor([1.0] * (len(r) - 1) + [smoothing]) for r in rows]
                self.probs = torch.stack([v @ r / v.sum() for v, r in zip(w, rows)])

            def log_joint(self, x):
                each = Bernoulli(self.probs).log_prob(x[:, None])
                return each.sum(2) + self.prior.log()

            def sample(self, c):
                p = self.probs[c]
                return (torch.rand_like(p) < p).long()

        return NaiveBayes

    @right
    @build
    def by_numpy():
        class NaiveBayes:
            def __init__(self, x, c, classes, smoothing):
                x, c = x.double().numpy(), c.numpy()
                own = [x[c == y] for y in range(classes)]
                self.prior = np.array([len(v) / len(x) for v in own])
                common = (x.sum(0) + 1) / (len(x) + 2)
                above = np.array([v.sum(0) for v in own]) + smoothing * common
                self.p = above / np.array([[len(v) + smoothing] for v in own])

            def log_joint(self, x):
                lit = x.numpy()[:, None] == 1
                each = np.log(np.where(lit, self.p, 1 - self.p)).sum(2)
                return torch.tensor(each + np.log(self.prior))

            def sample(self, c):
                drawn = np.random.binomial(1, self.p[c.numpy()])  # noqa: NPY002
                return torch.from_numpy(drawn)

        return NaiveBayes

    edited = edits(
        reference,
        """
    dark pixels left out | + (1 - x) @ dark.T ->
    prior left out | + self.prior.log() ->
    prior uniform | n / len(x) -> torch.full((classes,), 1 / classes)
    prior smoothed | n / len(x) -> (n + smoothing) / (n + smoothing).sum()
    weights added, not their logarithms | self.prior.log() -> self.prior
    not smoothed | @ x + smoothing * common -> @ x | n + smoothing -> n
    not smoothed | lit / (n + smoothing)[:, None]
        -> ((lit - smoothing * common) / n[:, None]).clamp(1e-4, 1 - 1e-4)
    not smoothed | common = -> self.raw = one_hot.T @ x / n[:, None]; common =
        | p = self.probs -> p = self.raw
    common share not smoothed | (x.sum(0) + 1) / (len(x) + 2) -> x.mean(0)
    smoothed toward one half | smoothing * common -> smoothing
        | n + smoothing -> n + 2 * smoothing
    smoothed toward one half | smoothing * common -> smoothing / 2
    pseudo-count in the numerator alone | n + smoothing -> n
    pseudo-count of one outcome alone | smoothing * common -> smoothing
    smoothing fixed at one | smoothing * common -> common | n + smoothing -> n + 1
    another rule of smoothing | lit / (n + smoothing)[:, None]
        -> (lit + 0.1) / (n + smoothing + 0.2)[:, None]
    another denominator | n + smoothing -> n + 2 * smoothing
    another number of pseudo-examples | n + smoothing -> n * (1 + smoothing)
        | smoothing * common -> smoothing * n[:, None] * common
    another common share | (x.sum(0) + 1) / (len(x) + 2) -> (x.mean() + 0 * x[0])
    another denominator | n + smoothing -> 0 * n + len(x)
    pseudo-count in the denominator alone | + smoothing * common ->
    dark pseudo-examples left out | (1 - self.probs).log() -> self.dark.log()
        | lit = -> self.dark = (1 - x).T @ one_hot / (n + smoothing); lit =
        | dark.T + -> dark +
    dark pixels with the wrong sign | + (1 - x) @ -> - (1 - x) @
    lit and dark exchanged | = self.probs.log(), (1 - self.probs).log()
        -> = (1 - self.probs).log(), self.probs.log()
    probabilities of the pixels added up | x @ lit.T + (1 - x) @ dark.T
        -> (x @ self.probs.T + (1 - x) @ (1 - self.probs).T).log()
    prior not divided by the number of examples | n / len(x) -> n
    prior counted more than once | self.prior.log() -> x.shape[1] * self.prior.log()
    lit and dark exchanged | torch.bernoulli(p) -> 1 - torch.bernoulli(p)
    prior in the draws | torch.bernoulli(p)
        -> torch.bernoulli(p * self.prior[c][:, None])
    probabilities clamped | lit / (n + smoothing)[:, None]
        -> (lit / (n + smoothing)[:, None]).clamp(0.01, 0.99)
    posterior in place of the joint
        | return x @ -> return (x @ | prior.log() -> prior.log()).log_softmax(1)
    density in place of its logarithm
        | return x @ -> return (x @ | prior.log() -> prior.log()).exp()
    negative log-likelihood returned
        | return x @ -> return -(x @ | prior.log() -> prior.log())
    mean over the dimensions
        | x @ lit.T + (1 - x) @ dark.T -> (x @ lit.T + (1 - x) @ dark.T) / x.shape[1]
    bits in place of nats | probs.log(), -> probs.log2(), | ).log() -> ).log2()
        | prior.log() -> prior.log2()
    underflow to zero | return x @ lit.T + (1 - x) @ dark.T + self.prior.log()
        -> p = torch.where(x[:, None] == 1, lit, dark).exp().prod(2) * self.prior
        | * self.prior -> * self.prior; return p.log()
    underflow to zero | x @ lit.T + (1 - x) @ dark.T + self.prior.log()
        -> ((x @ lit.T + (1 - x) @ dark.T).double().exp() * self.prior + 1e-300).log()
    batch axis lost | return x @ -> return (x @ | prior.log() -> prior.log()).squeeze()
    batch axis lost | bernoulli(p) -> bernoulli(p).squeeze()
    probabilities in place of draws | torch.bernoulli(p) -> p
    most likely image in place of a draw | torch.bernoulli(p) -> (p > 0.5).float()
    noise fixed across calls
        | bernoulli(p) -> bernoulli(p, generator=torch.Generator().manual_seed(0))
    one noise for all examples | bernoulli(p) -> bernoulli(self.probs)[c]
    one noise for all examples
        | torch.bernoulli(p) -> (torch.rand_like(p[:1]) < p).float()
    one noise for all dimensions
        | torch.bernoulli(p) -> (torch.rand_like(p[:, :1]) < p).float()
    label ignored | probs[c] -> probs[torch.multinomial(self.prior, len(c), True)]
    label ignored | probs[c] -> probs[c * 0]
    label ignored | self.probs[c] -> (self.prior @ self.probs).expand(len(c), -1)
    training examples in place of draws
        | lit = one_hot -> self.x, self.w = x, one_hot.T; lit = one_hot
        | torch.bernoulli(p) -> self.x[torch.multinomial(self.w[c], 1)[:, 0]]
    lit and dark exchanged | bernoulli(p) -> bernoulli(1 - p)
    noise used more than once | torch.bernoulli(p) -> (u < p).float()
        | = self.probs[c] -> = self.probs[c]; u = torch.rand_like(p)
        | rand_like(p) -> rand_like(p[len(c) // 2 :]).repeat(2, 1)[: len(c)]
    noise used more than once | torch.bernoulli(p) -> (u < p).float()
        | = self.probs[c] -> = self.probs[c]; u = torch.rand_like(p); u[1::2] = u[:-1:2]
    """,
    )
