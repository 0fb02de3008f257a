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
    Every weight matrix has orthogonal rows or columns, so no layer has a slope above 1;
    and where tanh or ReLU would lose some of it, sorting keeps all
    ([Anil et al., 2019](https://arxiv.org/abs/1811.05381)). There is nothing to weigh,
    and nothing to divide.

    Mean, smallest and largest over 20 pairs: the difference of the means in percent of
    the distance, and the steepest slope.

    | critic | of the distance | slope |
    |---|---|---|
    | reference | 99.8 (98.9 to 100.1) | 1.00 (1.00 to 1.00) |
    | 20 steps in place of 200 | 97.2 (92.4 to 99.8) | 0.99 (0.97 to 1.00) |
    | tanh in place of sorting | 57.5 (42.7 to 67.3) | 0.96 (0.84 to 0.99) |
    | spectral norms, sorting | 96.8 (91.1 to 100.6) | 0.99 (0.92 to 1.03) |
    | spectral norms, tanh | 52.2 (34.9 to 63.4) | 0.95 (0.86 to 1.00) |
    | penalty on slopes other than 1 | 104.0 (97.8 to 106.8) | 1.28 (1.14 to 1.53) |
    | penalty on slopes above 1 | 106.6 (105.4 to 108.0) | 1.12 (1.09 to 1.15) |
    | weight 50, then divided | 96.3 (89.9 to 99.0) | 0.98 (0.92 to 1.00) |
    | weights clipped at 0.1 | 91.9 (59.2 to 136.4) | 1.29 (0.78 to 2.02) |
    | weights clipped at 0.01 | 0.1 (0.1 to 0.1) | 0.001 (0.001 to 0.002) |
    | linear | 33.9 (10.5 to 48.1) | 1.00 (1.00 to 1.00) |

    (The penalties, on lines between the two, have a weight of 10 and 900 steps; that of
    weight 50 is on slopes above 1, has 1,500 steps, and is divided by the steepest
    gradient among 16,000 points.)

    A critic with a penalty gives, most times, *more* than the distance, which none of
    slope 1 can: a curve of such values over training is no measurement. Divided by its
    own steepest slope it becomes one, from below. Clipping leaves a slope that nobody
    chose, and a value that can be anything. And it is not enough that each layer is
    bounded: with tanh nearly half of the distance is lost on the way.
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
        (RIGHT, {"make": sorting, "width": 16, "steps": 250}),
        (RIGHT, {"make": folding}),
        ("untrained", {"make": untrained}),
        ("untrained", {"make": constant}),
        ("training diverged", {"make": broken}),
        ("no bound on the slope", {"make": free}),
        ("not of slope 1", {"make": sorting, "steps": 200, "after": lambda v: 2 * v}),
        ("not of slope 1", {"make": sorting, "steps": 200, "after": lambda v: 1.2 * v}),
        ("not of slope 1", {"make": sorting, "steps": 200, "after": lambda v: v / 2}),
        ("sign flipped", {"make": sorting, "steps": 200, "after": lambda v: -v}),
        ("a penalty is no bound", {"make": penalized}),
        (
            "a penalty is no bound",
            {"make": penalized, "one_sided": False, "steps": 900},
        ),
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
