"""Versions of exercise flow-04."""

import torch
from torch import nn

from .. import build, cases, edits, reference, right, wrong


def nets(d, layers, width):
    """Those of the layers, whose halves take turns."""
    made, keep = [], d // 2
    for _ in range(layers):
        inner = nn.Linear(keep, width), nn.Tanh(), nn.Linear(width, 2 * (d - keep))
        made.append(nn.Sequential(*inner))
        keep = d - keep
    return nn.ModuleList(made)


class Flow04:
    r"""
    The three: all layers kept the same half, so that these values went through
    untouched, and their model was the standard normal whatever was trained; `log_det`
    was that of the last layer alone, where the logarithms of all add up; and `inverse`
    went through the layers from the first to the last.

    The third is right with one layer, and so is the second: a test with one layer
    passes all but the first. With the halves never taking turns the third is no
    mistake at all for additive couplings, which commute, and one for affine ones.

    Two layers leave no value as it was. For each output to depend on each
    input it takes three: what the second moves has heard from all, and tells the rest
    in the third.
    """

    @reference
    class Stack(nn.Module):
        def __init__(self, d, layers, width=32):
            super().__init__()
            self.half = d // 2
            self.nets = nn.ModuleList()
            for i in range(layers):
                keep = self.half if i % 2 == 0 else d - self.half
                move = d - keep
                hidden, out = nn.Linear(keep, width), nn.Linear(width, 2 * move)
                self.nets.append(nn.Sequential(hidden, nn.Tanh(), out))

        def forward(self, x):
            """(b, d) -> (b, d) z, (b,) log |det dz/dx|."""
            log_det = 0
            for i, net in enumerate(self.nets):
                first, last = x[:, : self.half], x[:, self.half :]
                keep, move = (first, last) if i % 2 == 0 else (last, first)
                s, t = net(keep).chunk(2, dim=1)
                move = move * s.exp() + t
                x = torch.cat([keep, move] if i % 2 == 0 else [move, keep], dim=1)
                log_det = log_det + s.sum(1)
            return x, log_det

        def inverse(self, z):
            """(b, d) -> (b, d) the x whose z this is."""
            for i, net in reversed(list(enumerate(self.nets))):
                first, last = z[:, : self.half], z[:, self.half :]
                keep, move = (first, last) if i % 2 == 0 else (last, first)
                s, t = net(keep).chunk(2, dim=1)
                move = (move - t) * (-s).exp()
                z = torch.cat([keep, move] if i % 2 == 0 else [move, keep], dim=1)
            return z

    @right
    @build
    def by_masks():
        class Stack(nn.Module):
            def __init__(self, d, layers, width=32):
                super().__init__()
                self.nets = nets(d, layers, width)
                first = torch.arange(d) < d // 2
                self.masks = [first if i % 2 == 0 else ~first for i in range(layers)]

            def forward(self, x):
                total = x.new_zeros(len(x))
                for net, keep in zip(self.nets, self.masks):
                    s, t = net(x[:, keep]).tensor_split(2, 1)
                    moved = x[:, ~keep] * s.exp() + t
                    x = x.masked_scatter(~keep, moved)
                    total = total + s.sum(-1)
                return x, total

            def inverse(self, z):
                for net, keep in zip(self.nets[::-1], self.masks[::-1]):
                    s, t = net(z[:, keep]).tensor_split(2, 1)
                    z = z.masked_scatter(~keep, (z[:, ~keep] - t) / s.exp())
                return z

        return Stack

    @right
    @build
    def by_exchange():
        """The two parts exchange their names after each layer."""

        class Stack(nn.Module):
            def __init__(self, d, layers, width=32):
                super().__init__()
                self.d, self.nets = d, nets(d, layers, width)

            def forward(self, x):
                keep, move = x[:, : self.d // 2], x[:, self.d // 2 :]
                logs = []
                for net in self.nets:
                    s, t = net(keep).chunk(2, 1)
                    keep, move = move * s.exp() + t, keep
                    logs.append(s.sum(1))
                parts = (keep, move) if len(self.nets) % 2 == 0 else (move, keep)
                return [torch.cat(parts, 1), sum(logs)]

            def inverse(self, z):
                first, last = z[:, : self.d // 2], z[:, self.d // 2 :]
                even = len(self.nets) % 2 == 0
                keep, move = (first, last) if even else (last, first)
                for net in self.nets[::-1]:
                    s, t = net(move).chunk(2, 1)
                    keep, move = move, (keep - t) / s.exp()
                return torch.cat([keep, move], 1)

        return Stack

    @right
    @build
    def by_recursion():
        class Stack(nn.Module):
            def __init__(self, d, layers, width=32, first=True):
                super().__init__()
                keep = d // 2 if first else d - d // 2
                hidden, out = nn.Linear(keep, width), nn.Linear(width, 2 * (d - keep))
                self.net = nn.Sequential(hidden, nn.Tanh(), out)
                self.keep = torch.arange(keep) if first else torch.arange(d - keep, d)
                self.move = torch.arange(keep, d) if first else torch.arange(d - keep)
                rest = (d, layers - 1, width, not first)
                self.rest = Stack(*rest) if layers > 1 else None

            def forward(self, x):
                s, t = self.net(x[:, self.keep]).chunk(2, 1)
                x = x.index_copy(1, self.move, x[:, self.move] * s.exp() + t)
                if self.rest is None:
                    return x, s.sum(1)
                z, more = self.rest(x)
                return z, s.sum(1) + more

            def inverse(self, z):
                z = z if self.rest is None else self.rest.inverse(z)
                s, t = self.net(z[:, self.keep]).chunk(2, 1)
                moved = (z[:, self.move] - t) * torch.exp(-s)
                return z.index_copy(1, self.move, moved)

        return Stack

    edited = edits(
        Stack,
        """
    nets of another kind | nn.Linear(keep, width), nn.Linear(width, 2 * move)
        -> nn.Linear(keep, 7), nn.Linear(7, 2 * move)
    log-determinants not added up | log_det = log_det + s.sum(1) -> log_det = s.sum(1)
    log-determinants not added up | return x, log_det
        -> return x, log_det / len(self.nets)
    log-determinants not added up | log_det + s.sum(1) -> s.sum(1) - log_det
    layers undone in the wrong order | reversed(list(enumerate(self.nets)))
        -> enumerate(self.nets)
    layers undone in the wrong order | reversed(list(enumerate(self.nets)))
        -> list(enumerate(self.nets[::-1]))
    inverse of one layer wrong | (move - t) * (-s).exp() -> move * (-s).exp() - t
    inverse of one layer wrong | (move - t) * (-s).exp() -> (move - t) * s.exp()
    log-determinant of the inverse | log_det + s.sum(1) -> log_det - s.sum(1)
    mean over the dimensions | log_det + s.sum(1) -> log_det + s.mean(1)
    reduced over the batch | log_det + s.sum(1) -> log_det + s.sum()
    reduced over the batch | return x, log_det -> return x, log_det.sum().expand(len(x))
    determinant in place of its logarithm | return x, log_det -> return x, log_det.exp()
    not summed over the dimensions | log_det + s.sum(1) -> log_det + s
    no pair | return x, log_det -> return x
    cut off from the graph | return x, log_det -> return x, log_det.detach()
    cut off from the graph | z = torch.cat( -> z = z.detach() * 0 + torch.cat(
        | move = (move - t) -> move = (move - t.detach())
    larger part first | self.half = d // 2 -> self.half = (d + 1) // 2
    determinant made before its logarithm | log_det + s.sum(1)
        -> log_det + s.exp().prod(1).log()
    batch axis lost | return x, log_det -> return x, log_det.squeeze()
    scale bounded | (-s).exp() -> (-s.clamp(-50, 50)).exp()
    later layers do nothing | enumerate(self.nets): -> list(enumerate(self.nets))[:2]:
    """,
    )

    @wrong("nets shared or not registered")
    @build
    def one_pair_of_nets():
        class Stack(Flow04.Stack):
            def __init__(self, d, layers, width=32):
                super().__init__(d, layers, width)
                for i in range(2, layers):
                    self.nets[i] = self.nets[i - 2]

        return Stack

    @wrong("nets shared or not registered")
    @build
    def in_a_list():
        class Stack(Flow04.Stack):
            def __init__(self, d, layers, width=32):
                super().__init__(d, layers, width)
                found = list(self.nets)
                del self.nets
                self.nets = found

        return Stack

    @wrong("halves never take turns")
    @build
    def only_the_rest_is_mended():
        """The same half throughout, with sums and in the right order."""

        class Stack(nn.Module):
            def __init__(self, d, layers, width=32):
                super().__init__()
                self.keep = d // 2
                self.nets = nn.ModuleList(nets(d, 1, width)[0] for _ in range(layers))

            def forward(self, x):
                keep, move, total = x[:, : self.keep], x[:, self.keep :], 0
                for net in self.nets:
                    s, t = net(keep).chunk(2, 1)
                    move, total = move * s.exp() + t, total + s.sum(1)
                return torch.cat([keep, move], 1), total

            def inverse(self, z):
                keep, move = z[:, : self.keep], z[:, self.keep :]
                for net in self.nets[::-1]:
                    s, t = net(keep).chunk(2, 1)
                    move = (move - t) * (-s).exp()
                return torch.cat([keep, move], 1)

        return Stack

    def turned(flips=False):
        """The values turned around between the layers; nets for one half alone."""

        class Stack(nn.Module):
            def __init__(self, d, layers, width=32):
                super().__init__()
                self.half = half = d // 2
                inner = lambda: (nn.Linear(half, width), nn.Tanh(),  # noqa: E731
                                 nn.Linear(width, 2 * (d - half)))  # fmt: skip
                self.nets = nn.ModuleList(
                    nn.Sequential(*inner()) for _ in range(layers)
                )

            def forward(self, x):
                total = 0
                for net in self.nets:
                    s, t = net(x[:, : self.half]).chunk(2, 1)
                    moved = x[:, self.half :] * s.exp() + t
                    x = torch.cat([x[:, : self.half], moved], 1).flip(1)
                    total = total + s.sum(1)
                return (x.flip(1) if flips and len(self.nets) % 2 else x), total

            def inverse(self, z):
                z = z.flip(1) if flips and len(self.nets) % 2 else z
                for net in self.nets[::-1]:
                    z = z.flip(1)
                    s, t = net(z[:, : self.half]).chunk(2, 1)
                    moved = (z[:, self.half :] - t) * (-s).exp()
                    z = torch.cat([z[:, : self.half], moved], 1)
                return z

        return Stack

    ways = cases(
        turned,
        ("positions exchanged", {}),
        ("odd number of values", {"flips": True}),
    )

    def layers_of(read=lambda s, t: (s, t), way=lambda v, s, t: v * s.exp() + t,
                  back=lambda v, s, t: (v - t) * (-s).exp()):  # fmt: skip
        """A layer of another kind, the same in both directions."""

        class Stack(Flow04.Stack):
            def parts(self, x, i):
                first, last = x[:, : self.half], x[:, self.half :]
                keep, move = (first, last) if i % 2 == 0 else (last, first)
                return keep, move, *read(*self.nets[i](keep).chunk(2, 1))

            def forward(self, x):
                total = 0
                for i in range(len(self.nets)):
                    keep, move, s, t = self.parts(x, i)
                    one = move.detach().requires_grad_()
                    moved = way(one, s, t)
                    (slope,) = torch.autograd.grad(moved.sum(), one, create_graph=True)
                    total = total + slope.log().sum(1)
                    moved = way(move, s, t)
                    x = torch.cat([keep, moved] if i % 2 == 0 else [moved, keep], 1)
                return x, total

            def inverse(self, z):
                for i in reversed(range(len(self.nets))):
                    keep, move, s, t = self.parts(z, i)
                    moved = back(move, s, t)
                    z = torch.cat([keep, moved] if i % 2 == 0 else [moved, keep], 1)
                return z

        return Stack

    kinds = cases(
        layers_of,
        ("scale and shift exchanged", {"read": lambda s, t: (t, s)}),
        ("scale bounded", {"read": lambda s, t: (s.tanh(), t)}),
        ("scale bounded", {"read": lambda s, t: (s.clamp(-20, 20), t)}),
        ("scale bounded", {"read": lambda s, t: (100 * (s / 100).tanh(), t)}),
        ("scale bounded", {"way": lambda v, s, t: v * (s + 2).sigmoid() + t,
                           "back": lambda v, s, t: (v - t) / (s + 2).sigmoid()}),
        ("scale left out", {"way": lambda v, s, t: v + t,
                            "back": lambda v, s, t: v - t}),
        ("shift before the scale", {"way": lambda v, s, t: (v + t) * s.exp(),
                                    "back": lambda v, s, t: v * (-s).exp() - t}),
    )  # fmt: skip

    @wrong("halves turned around")
    @build
    def last_half_first():
        class Stack(Flow04.Stack):
            def forward(self, x):
                z, log_det = super().forward(x.flip(1))
                return z.flip(1), log_det

            def inverse(self, z):
                return super().inverse(z.flip(1)).flip(1)

        return Stack

    @wrong("odd number of values")
    @build
    def nets_of_one_size():
        class Stack(Flow04.Stack):
            def __init__(self, d, layers, width=32):
                super().__init__(d // 2 * 2, layers, width)

        return Stack

    @wrong("numbers kept from the last forward call")
    @build
    def scales_kept():
        class Stack(Flow04.Stack):
            def forward(self, x):
                self.made = []
                keep = [net.register_forward_hook(lambda *a: self.made.append(a[2]))
                        for net in self.nets]  # fmt: skip
                out = super().forward(x)
                for hook in keep:
                    hook.remove()
                return out

            def inverse(self, z):
                for i, made in reversed(list(enumerate(self.made))):
                    first, last = z[:, : self.half], z[:, self.half :]
                    keep, move = (first, last) if i % 2 == 0 else (last, first)
                    s, t = made.chunk(2, dim=1)
                    move = (move - t) * (-s).exp()
                    z = torch.cat([keep, move] if i % 2 == 0 else [move, keep], dim=1)
                return z

        return Stack
