"""Versions of exercise diff-11."""

import copy
import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Diff11:
    r"""
    The four: the product of $1 - \beta$ is a share of the *variance*, and a value is
    multiplied by its root; no label was ever left out, so that the net was never told
    the label which guidance asks it about; the average took the share `rate` of the
    net, where it keeps that of itself; and the last step added noise to the data.

    None of them stops the loss from falling. With the first, the noise levels are not
    those that sampling goes through, and with the second, one of two answers of the net
    is that of a label it never saw. The third leaves an average that is almost the net
    itself: one that is a little worse, and that nobody misses. The last is a blur of
    deviation $\sqrt{\beta_0}$, which a thousand steps of Ho et al. would hide, where it
    is 0.01.
    """

    @reference
    class Diffusion(nn.Module):
        def __init__(self, net, betas, classes, drop=0.1):
            super().__init__()
            self.net, self.average = net, copy.deepcopy(net)
            self.betas, self.kept = betas, (1 - betas).cumprod(0)
            self.classes, self.drop = classes, drop

        def loss(self, x, c):
            """(b, d), (b,) -> a number."""
            k = torch.randint(len(self.betas), (len(x),))
            eps = torch.randn_like(x)
            kept = self.kept[k, None]
            x_k = kept.sqrt() * x + (1 - kept).sqrt() * eps
            c = c.masked_fill(torch.rand(len(c)) < self.drop, self.classes)
            return (self.net(x_k, k, c) - eps).square().mean()

        @torch.no_grad()
        def update(self, rate=0.999):
            """One step of the average of the weights."""
            pairs = zip(self.average.parameters(), self.net.parameters())
            for old, new in pairs:
                old.copy_(old + (1 - rate) * (new - old))

        @torch.no_grad()
        def sample(self, noise, c, weight=1.0):
            """(b, d), (b,) -> (b, d)."""
            x, nothing = noise, torch.full_like(c, self.classes)
            for k in reversed(range(len(self.betas))):
                beta, kept = self.betas[k], self.kept[k]
                step = torch.full_like(c, k)
                eps = self.average(x, step, nothing)
                eps = eps + weight * (self.average(x, step, c) - eps)
                x = (x - beta / (1 - kept).sqrt() * eps) / (1 - beta).sqrt()
                if k > 0:
                    x = x + beta.sqrt() * torch.randn_like(x)
            return x

    @right
    @build
    def asked_once():
        """Both labels in one batch; the mean of a step through the estimated data."""

        class Diffusion(nn.Module):
            def __init__(self, net, betas, classes, drop=0.1):
                super().__init__()
                self.net, self.average = net, copy.deepcopy(net).requires_grad_(False)
                self.register_buffer("betas", betas)
                self.classes, self.drop = classes, drop

            def shares(self):
                kept = torch.cat([torch.ones(1), (1 - self.betas).cumprod(0)])
                return kept[1:], kept[:-1]

            def loss(self, x, c):
                b = len(x)
                k, eps = (
                    torch.randint(0, len(self.betas), size=(b,)),
                    torch.randn(*x.shape),
                )
                alpha = self.shares()[0][k].sqrt().unsqueeze(1)
                noisy = alpha * x + torch.sqrt(1 - alpha**2) * eps
                out = torch.bernoulli(torch.full((b,), float(self.drop))).bool()
                c = torch.where(out, self.classes, c)
                return F.mse_loss(self.net(noisy, k, c), eps)

            def update(self, rate=0.999):
                for old, new in zip(self.average.parameters(), self.net.parameters()):
                    old.data = old.data * rate + new.data * (1 - rate)

            @torch.no_grad()
            def sample(self, noise, c, weight=1.0):
                x, (kept, less) = noise.clone(), self.shares()
                labels = torch.cat([c, torch.full_like(c, self.classes)])
                for k in range(len(self.betas) - 1, -1, -1):
                    step = torch.full((2 * len(c),), k)
                    both = self.average(torch.cat([x, x]), step, labels)
                    told, free = both.chunk(2)
                    eps = weight * told + (1 - weight) * free
                    data = (x - (1 - kept[k]).sqrt() * eps) / kept[k].sqrt()
                    own = (1 - self.betas[k]).sqrt() * (1 - less[k]) / (1 - kept[k])
                    x = own * x + less[k].sqrt() * self.betas[k] / (1 - kept[k]) * data
                    x = x + (k > 0) * self.betas[k].sqrt() * torch.randn_like(x)
                return x

        return Diffusion

    @right
    @build
    def by_alpha_and_sigma():
        class Diffusion(nn.Module):
            def __init__(self, net, betas, classes, drop=0.1):
                super().__init__()
                self.net, self.average = net, copy.deepcopy(net)
                self.alpha = torch.exp(torch.log1p(-betas).cumsum(0) / 2)
                self.sigma, self.std = (1 - self.alpha.square()).sqrt(), betas.sqrt()
                self.none, self.share = classes, drop

            def loss(self, x, c):
                k = (torch.rand(len(x)) * len(self.std)).long()
                noise = torch.normal(0.0, 1.0, x.shape)
                at = torch.einsum("b,bd->bd", self.alpha[k], x)
                at = at + torch.einsum("b,bd->bd", self.sigma[k], noise)
                told = c.clone()
                told[torch.rand(len(x)) >= 1 - self.share] = self.none
                return ((self.net(at, k, told) - noise) ** 2).sum() / x.numel()

            def update(self, rate=0.999):
                with torch.no_grad():
                    for old, new in zip(
                        self.average.parameters(), self.net.parameters()
                    ):
                        old.lerp_(new, 1 - rate)

            def sample(self, noise, c, weight=1.0):
                x = noise
                with torch.no_grad():
                    for k in torch.arange(len(self.std)).flip(0):
                        free = self.average(x, k.expand(len(c)), c * 0 + self.none)
                        eps = free + weight * (
                            self.average(x, k.expand(len(c)), c) - free
                        )
                        shrunk = x - self.std[k] ** 2 * eps / self.sigma[k]
                        x = shrunk / (1 - self.std[k] ** 2).sqrt()
                        if k:
                            x = x + torch.normal(0.0, float(self.std[k]), x.shape)
                return x

        return Diffusion

    @right
    @build
    def row_by_row():
        class Diffusion(nn.Module):
            def __init__(self, net, betas, classes, drop=0.1):
                super().__init__()
                self.net, self.average = net, copy.deepcopy(net)
                self.beta = [float(b) for b in betas]
                self.left = list(itertools.accumulate(
                    [1 - b for b in self.beta], lambda a, b: a * b))  # fmt: skip
                self.no_label, self.drop = classes, drop

            def loss(self, x, c):
                k = torch.randint(len(self.beta), (len(x),))
                eps, left = torch.randn_like(x), torch.tensor(self.left)[k]
                rows = zip(x, eps, left.tolist())
                at = torch.stack(
                    [math.sqrt(v) * a + math.sqrt(1 - v) * e for a, e, v in rows]
                )
                labels = [
                    self.no_label if torch.rand(()) < self.drop else int(v) for v in c
                ]
                off = self.net(at, k, torch.tensor(labels)) - eps
                return off.pow(2).mean(1).mean()

            def update(self, rate=0.999):
                new = self.net.state_dict()
                old = self.average.state_dict()
                mixed = {key: rate * old[key] + (1 - rate) * new[key] for key in old}
                self.average.load_state_dict(mixed)

            def sample(self, noise, c, weight=1.0):
                x = noise.detach()
                for k, (b, v) in reversed(list(enumerate(zip(self.beta, self.left)))):
                    step = torch.full(c.shape, k, dtype=torch.int64)
                    none = torch.full(c.shape, self.no_label, dtype=torch.int64)
                    with torch.no_grad():
                        told = self.average(x, step, c)
                        free = self.average(x, step, none)
                    eps = told + (weight - 1) * (told - free)
                    z = torch.randn_like(x) if k > 0 else 0
                    x = (x - b / (1 - v) ** 0.5 * eps) / (1 - b) ** 0.5 + b**0.5 * z
                return x

        return Diffusion

    edited = edits(
        Diffusion,
        """
    share of the variance taken for alpha | kept.sqrt() * x -> kept * x
    share of the variance taken for alpha | kept.sqrt() * x -> kept * x
        | old + (1 - rate) * -> old + rate *
    share of the variance taken for alpha | kept.sqrt() * x -> kept * x
        | if k > 0: -> if True:
    share of the variance taken for alpha | kept.sqrt() * x -> kept * x
        | torch.rand(len(c)) < self.drop -> torch.zeros(len(c)).bool()
    share of the variance taken for alpha | kept.sqrt() * x -> kept * x
        | old + (1 - rate) * -> old + rate * | if k > 0: -> if True:
    share of the variance taken for alpha | kept.sqrt() * x -> kept * x
        | torch.rand(len(c)) < self.drop -> torch.zeros(len(c)).bool()
        | old + (1 - rate) * -> old + rate *
    share of the variance taken for alpha | kept.sqrt() * x -> kept * x
        | torch.rand(len(c)) < self.drop -> torch.zeros(len(c)).bool()
        | if k > 0: -> if True:
    labels never left out | torch.rand(len(c)) < self.drop -> torch.zeros(len(c)).bool()
    labels never left out | torch.rand(len(c)) < self.drop -> torch.zeros(len(c)).bool()
        | old + (1 - rate) * -> old + rate *
    labels never left out | torch.rand(len(c)) < self.drop -> torch.zeros(len(c)).bool()
        | if k > 0: -> if True:
    labels never left out | torch.rand(len(c)) < self.drop -> torch.zeros(len(c)).bool()
        | old + (1 - rate) * -> old + rate * | if k > 0: -> if True:
    average turned around | old + (1 - rate) * -> old + rate *
    average turned around | old + (1 - rate) * -> old + rate *
        | if k > 0: -> if True:
    noise in the last step | if k > 0: -> if True:
    variance taken for the deviation | * x + (1 - kept).sqrt() -> * x + (1 - kept)
    variance taken for the deviation | beta.sqrt() * torch -> beta * torch
    one step's share for all of them | kept = self.kept[k, None]
        -> kept = 1 - self.betas[k, None]
    another step than the net is told | kept = self.kept[k, None]
        -> kept = self.kept[k - 1, None]
    another step than the net is told | self.net(x_k, k, c)
        -> self.net(x_k, (k + 1) % len(self.betas), c)
    data asked for | self.net(x_k, k, c) - eps -> self.net(x_k, k, c) - x
    sum in place of the mean | .square().mean() -> .square().sum()
    sum in place of the mean | .square().mean() -> .square().sum(1).mean()
    average trained in place of the net | self.net(x_k, k, c) -> self.average(x_k, k, c)
    cut off from the graph | (self.net(x_k, k, c) - eps)
        -> (self.net(x_k, k, c).detach() - eps)
    steps not drawn evenly | torch.randint(len(self.betas), (
        -> torch.randint(1, len(self.betas), (
    steps not drawn evenly | torch.randint(len(self.betas), (
        -> torch.randint(len(self.betas) - 1, (
    one step for all examples | torch.randint(len(self.betas), (len(x),))
        -> torch.randint(len(self.betas), (1,)).expand(len(x))
    another label for no label | < self.drop, self.classes) -> < self.drop, 0)
    another label for no label | torch.full_like(c, self.classes)
        -> torch.full_like(c, 0)
    labels kept and left out exchanged | torch.rand(len(c)) < self.drop
        -> torch.rand(len(c)) > self.drop
    one draw for all labels | torch.rand(len(c)) < self.drop
        -> torch.rand(1) < 0.5
    one noise for all dimensions | eps = torch.randn_like(x)
        -> eps = torch.randn_like(x[:, :1]).expand_as(x)
    average copied | old + (1 - rate) * (new - old) -> new
    average that stays | old.copy_( -> old.clone().copy_(
    weights shared | copy.deepcopy(net) -> net
    net moved by the update | old.copy_(old + (1 - rate) * (new - old))
        -> new.copy_(old.copy_(old + (1 - rate) * (new - old)))
    sampled by the net itself | eps = self.average(x, step, nothing)
        -> eps = self.net(x, step, nothing)
        | (self.average(x, step, c) - eps) -> (self.net(x, step, c) - eps)
    steps in the wrong order | reversed(range(len(self.betas)))
        -> range(len(self.betas))
    steps in the wrong order | reversed(range(len(self.betas)))
        -> reversed(range(len(self.betas) - 1))
    guided otherwise | (self.average(x, step, c) - eps)
        -> ((told := self.average(x, step, c)) - eps) + told - eps
    guided otherwise | eps = eps + weight * (self.average(x, step, c) - eps)
        -> eps = self.average(x, step, c)
    variance of the posterior | x = x + beta.sqrt() * torch
        -> beta = beta * (1 - self.kept[k - 1]) / (1 - kept);
        x = x + beta.sqrt() * torch
    noise left out of the steps | if k > 0: -> if False:
    mean of a step otherwise | beta / (1 - kept).sqrt() * eps -> beta / (1 - kept) * eps
    mean of a step otherwise | * eps) / (1 - beta).sqrt() -> * eps) / (1 - beta)
    mean of a step otherwise | * eps) / (1 - beta).sqrt() -> * eps) / kept.sqrt()
    """,
    )

    @wrong("noise fixed across calls")
    @build
    def seeded_inside():
        class Diffusion(Diff11.Diffusion):
            def loss(self, x, c):
                draw = torch.Generator().manual_seed(0)
                k, eps = torch.randint(len(self.betas), (len(x),)), torch.randn(
                    x.shape, generator=draw)  # fmt: skip
                kept = self.kept[k, None]
                x_k = kept.sqrt() * x + (1 - kept).sqrt() * eps
                c = c.masked_fill(torch.rand(len(c)) < self.drop, self.classes)
                return (self.net(x_k, k, c) - eps).square().mean()

        return Diffusion

    @wrong("noise fixed across calls")
    @build
    def seeded_samples():
        class Diffusion(Diff11.Diffusion):
            def sample(self, noise, c, weight=1.0):
                with torch.random.fork_rng():
                    torch.manual_seed(0)
                    return super().sample(noise, c, weight)

        return Diffusion

    @wrong("draws not independent")
    @build
    def one_noise_for_all_steps():
        class Diffusion(Diff11.Diffusion):
            @torch.no_grad()
            def sample(self, noise, c, weight=1.0):
                x, nothing = noise, torch.full_like(c, self.classes)
                fresh = torch.randn_like(x)
                for k in reversed(range(len(self.betas))):
                    beta, step = self.betas[k], torch.full_like(c, k)
                    eps = self.average(x, step, nothing)
                    eps = eps + weight * (self.average(x, step, c) - eps)
                    x = (x - beta / (1 - self.kept[k]).sqrt() * eps) / (1 - beta).sqrt()
                    x = x + beta.sqrt() * fresh if k > 0 else x
                return x

        return Diffusion
