"""Versions of exercise gan-29."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal, spectral_norm

from .. import RIGHT, cases, reference


class Sorted(nn.Module):
    """Each pair of units gives its larger and its smaller value."""

    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=1)


class Changed(nn.Module):
    """A critic, and something done to what goes in or comes out."""

    def __init__(self, net, after=lambda v: v, before=lambda x: x):
        super().__init__()
        self.net, self.after, self.before = net, after, before

    def forward(self, x):
        return self.after(self.net(self.before(x)))


def layers(width, how, act, depth=3):
    sizes = [2, *[width] * (depth - 1), 1]
    made = [m for a, b in pairwise(sizes) for m in (how(nn.Linear(a, b)), act())]
    return nn.Sequential(*made[:-1])


def fitted(net, p, q, steps, lr, loss=None, after=None, n=256):
    """Trained by the difference of the means and what ``loss`` adds."""
    adam = torch.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.99))
    for step in range(steps):
        adam.param_groups[0]["lr"] = lr * min(1, 2 - 2 * step / steps)
        x, y = p(n), q(n)
        total = net(y).mean() - net(x).mean()
        adam.zero_grad()
        (total + (loss(net, x, y) if loss else 0)).backward()
        adam.step()
        if after:
            after(net)
    return net


def sorting(p, q, steps=150, lr=2e-2, width=32, after=None, before=None, depth=3):
    net = layers(width, orthogonal, Sorted, depth)
    fitted(net, p, q, steps, lr)
    if not (after or before):
        return net
    return Changed(net, after or (lambda v: v), before or (lambda x: x))


def penalty(weight, one_sided=True):
    def loss(net, x, y):
        t = torch.rand(len(x), 1)
        z = (t * x + (1 - t) * y).requires_grad_()
        slope = torch.autograd.grad(net(z).sum(), z, create_graph=True)[0].norm(dim=1)
        over = (slope - 1).relu() if one_sided else slope - 1
        return weight * over.square().mean()

    return loss


def penalized(p, q, steps=400, lr=3e-3, weight=10.0, one_sided=True, act=nn.SiLU):
    net = layers(48, lambda v: v, act)
    return fitted(net, p, q, steps, lr, penalty(weight, one_sided))


def divided(p, q, weight=50.0, steps=1500):
    """By the steepest slope, at points of either and between."""
    net = penalized(p, q, steps, weight=weight)
    x = torch.cat([p(4000), q(4000)])
    t = torch.rand(len(x), 1)
    x = torch.cat([x, t * x + (1 - t) * x[torch.randperm(len(x))]]).requires_grad_()
    steep = torch.autograd.grad(net(x).sum(), x)[0].norm(dim=1).max()
    net[-1].weight.data /= steep
    net[-1].bias.data /= steep
    return net


def answer(make, **change):
    return lambda p, q: make(p, q, **change)


def clipping(p, q, bound=0.1):
    def after(net):
        for v in net.parameters():
            v.data.clamp_(-bound, bound)

    return fitted(layers(64, lambda v: v, nn.ReLU), p, q, 300, 2e-3, after=after)


def free(p, q):
    return fitted(layers(48, lambda v: v, nn.ReLU), p, q, 200, 3e-3)


def flattened(p, q):
    """Spectral norms with an activation that loses slope."""
    return fitted(layers(48, spectral_norm, nn.Tanh), p, q, 200, 5e-3)


def straight(p, q):
    """A linear critic of slope 1, in the best direction."""
    net = nn.Linear(2, 1)
    way = p(5000).mean(0) - q(5000).mean(0)
    net.weight.data[0] = way / way.norm()
    return net


def untrained(p, q):
    return layers(64, lambda v: v, nn.ReLU)


def constant(p, q):
    net = nn.Linear(2, 1)
    net.weight.data.zero_()
    return net


def broken(p, q):
    return fitted(layers(48, lambda v: v, nn.ReLU), p, q, 3, float("inf"))


class Folded(nn.Module):
    """A size keeps the slope, up to its sign."""

    def forward(self, x):
        return x.abs()


def folding(p, q):
    return fitted(layers(64, orthogonal, Folded), p, q, 250, 2e-2)


def of_another_pair(p, q):
    """Trained on a pair of its own."""
    tips = 2.5 * torch.tensor([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]])
    ways = torch.tensor([[0.6, 0.0], [0.0, 0.6], [-0.6, 0.0]])

    def sample(side):
        def draw(n):
            i = torch.randint(3, (n,))
            return tips[i] + side * ways[i] / 2 + 0.25 * torch.randn(n, 2)

        return draw

    return sorting(sample(-1), sample(1))


def wrong_shape(v):
    return v.expand(-1, 2)


def noisy(v):
    return v + 0.1 * torch.randn_like(v)


def normed(v):
    return v - v.mean()


def ordered(v):
    return v.sort(0).values


class Gan29:
    r"""
    In the two hidden layers every weight matrix is orthogonal, so no layer has a slope
    above 1, and the sorting keeps all of it: the slope of the gradient on the way back
    can stay 1 through all layers. There is nothing to tune, and nothing to divide.

    Each row is the mean over ten pairs, and the smallest and largest of them: the
    difference of the means as a share of the distance, and the steepest slope.

    RESULTS
    """

    @reference
    def train_critic(p_sample, q_sample):
        from torch.nn.utils.parametrizations import orthogonal

        class Sort(nn.Module):
            def forward(self, x):
                a, b = x.chunk(2, dim=1)
                return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], 1)

        critic = nn.Sequential(
            orthogonal(nn.Linear(2, 32)),
            Sort(),
            orthogonal(nn.Linear(32, 32)),
            Sort(),
            orthogonal(nn.Linear(32, 1)),
        )
        steps, rate = 200, 0.02
        adam = torch.optim.Adam(critic.parameters(), lr=rate, betas=(0.5, 0.99))
        for step in range(steps):  # falls to zero in the second half
            adam.param_groups[0]["lr"] = rate * min(1, 2 - 2 * step / steps)
            loss = critic(q_sample(256)).mean() - critic(p_sample(256)).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
        return critic

    trained = cases(
        answer,
        (RIGHT, {"make": sorting, "depth": 4, "width": 24, "lr": 1e-2}),
        (RIGHT, {"make": sorting, "after": lambda v: 1.03 * v[:, 0] + 500}),
        (RIGHT, {"make": divided}),
        (RIGHT, {"make": folding}),
        ("untrained", {"make": untrained}),
        ("untrained", {"make": constant}),
        ("training diverged", {"make": broken}),
        ("no bound on the slope", {"make": free}),
        ("not of slope 1", {"make": sorting, "steps": 100, "after": lambda v: 2 * v}),
        ("not of slope 1", {"make": sorting, "steps": 100, "after": lambda v: 1.2 * v}),
        ("not of slope 1", {"make": sorting, "steps": 100, "after": lambda v: v / 2}),
        ("sign flipped", {"make": sorting, "steps": 100, "after": lambda v: -v}),
        ("a penalty is no bound", {"make": penalized}),
        ("a penalty is no bound", {"make": penalized, "one_sided": False}),
        ("weights clipped", {"make": clipping}),
        ("weights clipped", {"make": clipping, "bound": 0.01}),
        ("a linear critic", {"make": straight}),
        ("flat where the points are", {"make": flattened}),
        ("steep in other directions", {"make": of_another_pair}),
        ("random in evaluation mode", {"make": sorting, "after": noisy, "steps": 5}),
        ("statistics of the batch", {"make": sorting, "after": normed, "steps": 5}),
        (
            "depends on its place in the batch",
            {"make": sorting, "after": ordered, "steps": 5},
        ),
        ("wrong shape", {"make": sorting, "after": wrong_shape, "steps": 5}),
        ("wrong shape", {"make": sorting, "after": torch.mean, "steps": 5}),
    )
