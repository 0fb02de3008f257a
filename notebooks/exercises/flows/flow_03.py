"""Versions of exercise flow-03."""

import torch

from .. import build, cases, reference, right, wrong


def halves(v):
    return v[:, 1::2], v[:, 0::2]


def joined(stay, move):
    out = torch.empty(len(stay), stay.shape[1] + move.shape[1], dtype=stay.dtype)
    out[:, 1::2], out[:, 0::2] = stay, move
    return out


def coupling(
    split=halves,
    join=joined,
    see=lambda stay, move: stay,
    read=lambda out: out.chunk(2, 1),
    move=lambda x, s, t: x * s.exp() + t,
    undo=lambda z, s, t: (z - t) * (-s).exp(),
    total=lambda s, t: s.sum(1),
    whole=lambda z, log_det: (z, log_det),
    given=lambda v: v,
):
    """Both directions; a mistake in an argument is made in both where it can be."""

    def forward(net, x):
        x = given(x)
        stay, moved = split(x)
        s, t = read(net(see(stay, moved)))
        return whole(join(stay, move(moved, s, t)), total(s, t))

    def inverse(net, z):
        z = given(z)
        stay, moved = split(z)
        s, t = read(net(see(stay, moved)))
        return join(stay, undo(moved, s, t))

    return forward, inverse


def exp_of(bound):
    """The two directions with another scale."""
    return {
        "move": lambda x, s, t: x * bound(s) + t,
        "undo": lambda z, s, t: (z - t) / bound(s),
    }


class Flow03:
    r"""
    Sorted by parity, the Jacobian is
    $\begin{pmatrix} I & 0 \\ * & \mathrm{diag}(e^s) \end{pmatrix}$: what the net does
    stands only in the corner that no determinant sees, so the logarithm is the sum of
    $s$. A permutation of rows and columns alike changes no determinant.

    Two such layers, the second with the parities exchanged, move every value. On images
    this mask is the checkerboard; halves of the channels do the same after a squeeze.
    """

    @reference
    @build
    def reference():
        def forward(net, x):
            stay, move = x[:, 1::2], x[:, 0::2]
            s, t = net(stay).chunk(2, dim=1)
            z = x.clone()
            z[:, 0::2] = move * s.exp() + t
            return z, s.sum(1)

        def inverse(net, z):
            stay, move = z[:, 1::2], z[:, 0::2]
            s, t = net(stay).chunk(2, dim=1)
            x = z.clone()
            x[:, 0::2] = (move - t) * (-s).exp()
            return x

        return forward, inverse

    @right
    @build
    def by_index():
        def parts(net, v):
            even, odd = (torch.arange(i, v.shape[1], 2) for i in (0, 1))
            out = net(v.index_select(1, odd))
            return even, out[:, : len(even)], out[:, len(even) :]

        def forward(net, x):
            even, s, t = parts(net, x)
            z = x.index_copy(1, even, torch.exp(s) * x[:, even] + t)
            return z, torch.einsum("bi->b", s)

        def inverse(net, z):
            even, s, t = parts(net, z)
            return z.index_copy(1, even, (z[:, even] - t) / s.exp())

        return forward, inverse

    @right
    @build
    def by_a_mask():
        """s and t spread over all positions, 0 where nothing moves."""

        def spread(net, v):
            even = torch.arange(v.shape[1]) % 2 == 0
            s, t = net(v[:, ~even]).tensor_split(2, 1)
            return [torch.zeros_like(v).masked_scatter(even, w) for w in (s, t)]

        def forward(net, x):
            s, t = spread(net, x)
            return x * s.exp() + t, s.sum(-1)

        def inverse(net, z):
            s, t = spread(net, z)
            return (z - t) / s.exp()

        return forward, inverse

    @right
    @build
    def value_by_value():
        def columns(net, v):
            s, t = net(torch.stack(list(v.unbind(1))[1::2], 1)).chunk(2, 1)
            return list(v.unbind(1)), s, t

        def forward(net, x):
            z, s, t = columns(net, x)
            log_det = 0
            for i in range(s.shape[1]):
                z[2 * i] = z[2 * i] * s[:, i].exp() + t[:, i]
                log_det = log_det + s[:, i]
            return [torch.stack(z, 1), log_det]

        def inverse(net, z):
            x, s, t = columns(net, z)
            for i in range(s.shape[1]):
                x[2 * i] = (x[2 * i] - t[:, i]) * torch.exp(-s[:, i])
            return torch.stack(x, 1)

        return forward, inverse

    slips = cases(
        coupling,
        ("right", {}),
        ("mask exchanged", {"split": lambda v: halves(v)[::-1],
                            "join": lambda stay, move: joined(move, stay)}),
        ("halves in place of every second value",
         {"split": lambda v: v.tensor_split([v.shape[1] // 2], 1),
          "join": lambda stay, move: torch.cat([stay, move], 1)}),
        ("moved values given to the net", {"see": lambda stay, move: move}),
        ("scale and shift exchanged", {"read": lambda out: out.chunk(2, 1)[::-1]}),
        ("outputs of the net laced", {"read": lambda out: (out[:, ::2], out[:, 1::2])}),
        ("shift before the scale", {"move": lambda x, s, t: (x + t) * s.exp(),
                                    "undo": lambda z, s, t: z * (-s).exp() - t}),
        ("shift subtracted", {"move": lambda x, s, t: x * s.exp() - t}),
        ("shift subtracted", {"undo": lambda z, s, t: (z + t) * (-s).exp()}),
        ("sign of the log-scale", {"move": lambda x, s, t: x * (-s).exp() + t}),
        ("sign of the log-scale", {"undo": lambda z, s, t: (z - t) * s.exp()}),
        ("one the wrong way around", {"move": lambda z, s, t: (z - t) * (-s).exp(),
                                      "undo": lambda x, s, t: x * s.exp() + t}),
        ("scale not exponentiated", {"move": lambda x, s, t: x * s + t,
                                     "undo": lambda z, s, t: (z - t) / s}),
        ("scale bounded", exp_of(lambda s: s.tanh().exp())),
        ("scale bounded", exp_of(lambda s: s.clamp(-5, 5).exp())),
        ("scale bounded", exp_of(lambda s: s.clamp(max=10).exp())),
        ("scale bounded", exp_of(lambda s: (s + 2).sigmoid())),
        ("scale bounded", exp_of(lambda s: s.clamp(-50, 50).exp())),
        ("float32 in between", exp_of(lambda s: s.float().exp().to(s))),
        ("epsilon in the inverse",
         {"undo": lambda z, s, t: (z - t) / (s.exp() + 1e-6)}),
        ("epsilon in the inverse",
         {"undo": lambda z, s, t: (z - t) / (s.exp() + 1e-12)}),
        ("reduced over the batch", {"total": lambda s, t: s.sum(1)[:1].expand(len(s))}),
        ("values joined in another order",
         {"join": lambda stay, move: torch.cat([stay, move], 1)}),
        ("values joined in another order",
         {"join": lambda stay, move: torch.cat([move, stay], 1)}),
        ("log-determinant of the inverse", {"total": lambda s, t: -s.sum(1)}),
        ("determinant in place of its logarithm",
         {"total": lambda s, t: s.exp().prod(1)}),
        ("determinant in place of its logarithm",
         {"total": lambda s, t: s.exp().sum(1)}),
        ("mean over the dimensions", {"total": lambda s, t: s.mean(1)}),
        ("not summed over the dimensions", {"total": lambda s, t: s}),
        ("reduced over the batch", {"total": lambda s, t: s.sum()}),
        ("reduced over the batch", {"total": lambda s, t: s.sum().expand(len(s))}),
        ("shifts in the log-determinant", {"total": lambda s, t: (s + t).sum(1)}),
        ("batch axis lost", {"total": lambda s, t: s.sum(1).squeeze()}),
        ("inverse in the wrong order", {"undo": lambda z, s, t: z * (-s).exp() - t}),
        ("inverse like forward", {"undo": lambda z, s, t: z * s.exp() + t}),
        ("odd number of values",
         {"join": lambda stay, move: torch.stack([move, stay], 2).flatten(1)}),
        ("odd number of values", {"given": lambda v: v[:, : v.shape[1] // 2 * 2]}),
        ("cut off from the graph", {"total": lambda s, t: s.detach().sum(1)}),
        ("cut off from the graph",
         {"undo": lambda z, s, t: (z - t.detach()) * (-s.detach()).exp()}),
        ("cut off from the graph",
         {"move": lambda x, s, t: (x * s.exp() + t).detach()}),
        ("no pair", {"whole": lambda z, log_det: torch.cat([z, log_det[:, None]], 1)}),
        ("wrong dtype", {"whole": lambda z, log_det: (z.float(), log_det.float())}),
        ("input changed in place", {"given": lambda v: v.mul_(1.5)}),
    )  # fmt: skip

    @wrong("values joined in another order")
    @build
    def odd_ones_first():
        return coupling(
            join=lambda stay, move: (
                torch.stack([stay, move], 2).flatten(1)
                if stay.shape == move.shape
                else joined(stay, move)
            )
        )

    @wrong("determinant made before its logarithm")
    @build
    def product_first():
        return coupling(total=lambda s, t: s.exp().prod(1).log())

    @wrong("float32 in between")
    @build
    def in_float32():
        forward, inverse = coupling()
        return forward, lambda net, z: inverse(net, z).float().to(z)

    @wrong("result of an earlier call")
    @build
    def kept_by_forward():
        kept = {}
        forward, inverse = coupling()

        def keeping(net, x):
            kept[x.shape] = net(x[:, 1::2])
            return forward(net, x)

        def undoing(net, z):
            return inverse(lambda v: kept.get(z.shape, net(v)), z)

        return keeping, undoing

    @wrong("inverse like forward")
    @build
    def forward_twice():
        forward, _ = coupling()
        return forward, lambda net, z: forward(net, z)[0]
