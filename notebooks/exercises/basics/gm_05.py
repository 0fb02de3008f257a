"""Versions of exercise gm-05."""

import math

import numpy as np
import torch
from torch import nn
from torch.distributions import (
    Bernoulli,
)
from torch.nn import functional as F

from .. import build, reference, right, wrong


def naive_bayes(fit=None, score=None, draw=None):
    """A class with some of the parts replaced."""

    class NaiveBayes:
        def __init__(self, x, c, classes, smoothing):
            one_hot = F.one_hot(c, classes).float()
            n_y = one_hot.sum(0)
            lit = one_hot.T @ x
            self.prior = n_y / len(x)
            self.probs = (lit + smoothing) / (n_y + 2 * smoothing)[:, None]
            if fit is not None:
                fit(self, x, c, classes, smoothing, lit, n_y)

        def log_joint(self, x):
            if score is not None:
                return score(self, x)
            each = Bernoulli(self.probs).log_prob(x[:, None])
            return each.sum(2) + self.prior.log()

        def sample(self, c):
            if draw is not None:
                return draw(self, c)
            return torch.bernoulli(self.probs[c])

    return NaiveBayes


class Gm05:
    @reference
    @build
    def reference():
        class NaiveBayes:
            def __init__(self, x, c, classes, smoothing):
                self.log_prior, self.logits = [], []
                for y in range(classes):
                    own = x[c == y]
                    lit = own.sum(0) + smoothing
                    dark = (1 - own).sum(0) + smoothing
                    self.log_prior.append(math.log(len(own) / len(x)))
                    self.logits.append(lit.log() - dark.log())
                self.log_prior = torch.tensor(self.log_prior)
                self.logits = torch.stack(self.logits)  # (classes, d)

            def log_joint(self, x):
                evidence = x @ self.logits.T - F.softplus(self.logits).sum(1)
                return self.log_prior + evidence

            def sample(self, c):
                return torch.bernoulli(self.logits[c].sigmoid())

        return NaiveBayes

    @right
    @build
    def by_distributions():
        return naive_bayes()

    @right
    @build
    def by_two_products():
        def score(self, x):
            lit, dark = self.probs.log(), (1 - self.probs).log()
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log()

        return naive_bayes(score=score)

    @right
    @build
    def as_module_by_uniform_draws():
        base = naive_bayes()

        class NaiveBayes(nn.Module):
            def __init__(self, *args):
                super().__init__()
                self.inner = base(*args)

            def log_joint(self, x):
                return self.inner.log_joint(x)

            def sample(self, c):
                p = self.inner.probs[c]
                return (torch.rand_like(p) < p).long()

        return NaiveBayes

    @right
    @build
    def sampled_by_loops():
        def draw(self, c):
            p = self.probs.clamp(0, 1)
            noise = torch.rand(len(c), p.shape[1])
            return torch.stack([(u < p[y]).float() for u, y in zip(noise, c)])

        return naive_bayes(draw=draw)

    @wrong("dark pixels left out")
    @build
    def only_lit():
        def score(self, x):
            return x @ self.probs.log().T + self.prior.log()

        return naive_bayes(score=score)

    @wrong("prior left out")
    @build
    def no_prior():
        def score(self, x):
            return Bernoulli(self.probs).log_prob(x[:, None]).sum(2)

        return naive_bayes(score=score)

    @wrong("prior uniform")
    @build
    def uniform_prior():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.prior = torch.full((classes,), 1 / classes)

        return naive_bayes(fit)

    @wrong("prior smoothed")
    @build
    def smoothed_prior():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.prior = (n_y + smoothing) / (len(x) + classes * smoothing)

        return naive_bayes(fit)

    @wrong("not smoothed")
    @build
    def maximum_likelihood():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = lit / n_y[:, None]

        def score(self, x):
            lit, dark = self.probs.log(), (1 - self.probs).log()
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log()

        return naive_bayes(fit, score)

    @wrong("not smoothed")
    @build
    def clamped():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit / n_y[:, None]).clamp(1e-4, 1 - 1e-4)

        return naive_bayes(fit)

    @wrong("pseudo-count in the numerator alone")
    @build
    def numerator_only():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing) / n_y[:, None]

        def score(self, x):
            lit, dark = self.probs.log(), torch.log1p(-self.probs)
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log()

        return naive_bayes(fit, score)

    @wrong("pseudo-counts that add up to smoothing")
    @build
    def half_each():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing / 2) / (n_y + smoothing)[:, None]

        return naive_bayes(fit)

    @wrong("pixels pooled over the classes")
    @build
    def pooled():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            p = (lit.sum(0) + smoothing) / (len(x) + 2 * smoothing)
            self.probs = p.expand(classes, -1)

        return naive_bayes(fit)

    @wrong("posterior in place of the joint")
    @build
    def conditional():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None])
            return (each.sum(2) + self.prior.log()).log_softmax(1)

        return naive_bayes(score=score)

    @wrong("mean over the pixels")
    @build
    def averaged():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None])
            return each.mean(2) + self.prior.log()

        return naive_bayes(score=score)

    @wrong("probabilities in place of draws")
    @build
    def gray():
        return naive_bayes(draw=lambda self, c: self.probs[c])

    @wrong("most likely image in place of a draw")
    @build
    def rounded():
        return naive_bayes(draw=lambda self, c: (self.probs[c] > 0.5).float())

    @wrong("one draw for all of a class")
    @build
    def copied():
        return naive_bayes(draw=lambda self, c: torch.bernoulli(self.probs)[c])

    @wrong("pseudo-count of one outcome alone")
    @build
    def lit_alone():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing) / (n_y[:, None] + smoothing)

        return naive_bayes(fit)

    @wrong("one noise for all pixels")
    @build
    def one_threshold():
        def draw(self, c):
            return (torch.rand(len(c), 1) < self.probs[c]).float()

        return naive_bayes(draw=draw)

    @wrong("label ignored")
    @build
    def any_class():
        def draw(self, c):
            y = torch.multinomial(self.prior, len(c), replacement=True)
            return torch.bernoulli(self.probs[y])

        return naive_bayes(draw=draw)

    @right
    @build
    def drawn_by_numpy():
        def draw(self, c):
            p = self.probs[c].double().numpy()
            return torch.from_numpy(np.random.binomial(1, p))  # noqa: NPY002

        return naive_bayes(draw=draw)

    @wrong("smoothing fixed at one")
    @build
    def laplace():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + 1) / (n_y + 2)[:, None]

        return naive_bayes(fit)

    @wrong("another rule of smoothing")
    @build
    def classes_below():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = (lit + smoothing) / (n_y + classes * smoothing)[:, None]

        return naive_bayes(fit)

    @wrong("not smoothed")
    @build
    def zeros_alone():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.probs = torch.where(lit == 0, self.probs, lit / n_y[:, None])

        def score(self, x):
            p = self.probs.clamp(max=1 - 1e-6)
            return x @ p.log().T + (1 - x) @ (1 - p).log().T + self.prior.log()

        return naive_bayes(fit, score)

    @wrong("not smoothed")
    @build
    def drawn_from_the_counts():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.raw = lit / n_y[:, None]

        return naive_bayes(fit, draw=lambda self, c: torch.bernoulli(self.raw[c]))

    @wrong("training examples in place of draws")
    @build
    def remembered():
        def fit(self, x, c, classes, smoothing, lit, n_y):
            self.own = [x[c == y] for y in range(classes)]

        def draw(self, c):
            out = torch.zeros(len(c), self.own[0].shape[1])
            for y, own in enumerate(self.own):
                here = (c == y).nonzero()[:, 0]
                out[here] = own[torch.randint(len(own), (len(here),))]
            return out

        return naive_bayes(fit, draw=draw)

    @wrong("drawn with other probabilities")
    @build
    def dark_for_lit():
        return naive_bayes(draw=lambda self, c: torch.bernoulli(1 - self.probs[c]))

    @wrong("one draw for several labels")
    @build
    def noise_for_two():
        def draw(self, c):
            u = torch.rand((len(c) + 1) // 2, self.probs.shape[1])
            return (u.repeat_interleave(2, 0)[: len(c)] < self.probs[c]).float()

        return naive_bayes(draw=draw)

    @wrong("one draw for several labels")
    @build
    def noise_twice():
        def draw(self, c):
            u = torch.rand((len(c) + 1) // 2, self.probs.shape[1])
            return (u.repeat(2, 1)[: len(c)] < self.probs[c]).float()

        return naive_bayes(draw=draw)

    @wrong("prior without a logarithm")
    @build
    def plain_prior():
        def score(self, x):
            return Bernoulli(self.probs).log_prob(x[:, None]).sum(2) + self.prior

        return naive_bayes(score=score)

    @wrong("not the logarithm of a probability")
    @build
    def probabilities():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None]).sum(2)
            return (each + self.prior.log()).exp()

        return naive_bayes(score=score)

    @wrong("not the logarithm of a probability")
    @build
    def loss():
        def score(self, x):
            each = Bernoulli(self.probs).log_prob(x[:, None]).sum(2)
            return -each - self.prior.log()

        return naive_bayes(score=score)

    @wrong("bits in place of nats")
    @build
    def bits():
        def score(self, x):
            lit, dark = self.probs.log2(), (1 - self.probs).log2()
            return x @ lit.T + (1 - x) @ dark.T + self.prior.log2()

        return naive_bayes(score=score)
