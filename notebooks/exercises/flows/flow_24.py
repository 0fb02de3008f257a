"""Versions of exercise flow-24."""

import torch

from .. import build, cases, reference, right, wrong


class Flow24:
    r"""
    On straight lines $x(t) = (1 - t)(m + s \epsilon) + t \epsilon$, so the velocity of
    a point is $(1 - s)\, \epsilon - m$ all the way, and its mean square is
    $\sum_i m_i^2 + (s_i - 1)^2$: the squared Wasserstein distance of the two Gaussians
    (chapter 5), which no flow can go below. At $t$ the mean is $(1 - t)\, m$ and the
    deviation $(1 - t)\, s + t$, which gives back $\epsilon$.

    With $x(t) = (1 - t)\, m + s^{1 - t} \epsilon$ the speed is
    $-m - \log s \cdot s^{1 - t} \epsilon$. Its mean square, integrated, is
    $\sum_i m_i^2 + \tfrac12 (s_i^2 - 1) \log s_i$. This is what a flow does whose field
    is linear in $x$ and, with $m = 0$, does not know the time. For data that are a
    tenth as wide as the noise the ratio of the energies is 1.4, for a thousandth 3.5:
    widening by equal factors puts nearly all of the motion at the end.

    The two agree in their ends and in the log-likelihood of every point. A likelihood
    cannot tell them apart, a penalty on the energy can.
    """

    @reference
    @build
    def energies_and_velocity():
        def energies(m, s):
            least = m.square() + (s - 1).square()
            even = m.square() + (s.square() - 1) * s.log() / 2
            return least.sum(1), even.sum(1)

        def velocity(x, t, m, s):
            t = t[:, None]
            eps = (x - (1 - t) * m) / ((1 - t) * s + t)
            return (1 - s) * eps - m

        return energies, velocity

    @right
    @build
    def by_loops():
        def energies(m, s):
            rows = []
            for a, c in zip(m, s):
                mean = torch.dot(a, a)
                grow = torch.stack([(v - 1) ** 2 for v in c]).sum()
                even = 0.5 * c.log() * (c - 1) * (c + 1)
                rows.append((mean + grow, mean + even.sum()))
            return tuple(torch.stack(v) for v in zip(*rows))

        def velocity(x, t, m, s):
            out = []
            for r, now, a, c in zip(x, t, m, s):
                width = c + now * (1 - c)
                out.append(-a + (1 - c) / width * (r - a + now * a))
            return torch.stack(out)

        return energies, velocity

    @right
    @build
    def by_the_start():
        """Where the point was at 0, and where it will be."""

        def energies(m, s):
            norm = torch.linalg.vector_norm
            least = norm(torch.cat([m, s - 1], 1), dim=1) ** 2
            ups = torch.einsum("bd,bd->b", s * s - 1, torch.log(s))
            return [least, norm(m, dim=-1).pow(2) + ups / 2]

        def velocity(x, t, m, s):
            t = t.unsqueeze(1)
            scale = torch.lerp(s, torch.ones_like(s), t)
            goal = (x - torch.lerp(m, torch.zeros_like(m), t)) / scale
            return goal - torch.addcmul(m, s, goal)

        return energies, velocity

    @right
    @build
    def by_sinh():
        def energies(m, s):
            a = s.log()
            least = (m * m + s * s - 2 * s + 1).sum(-1)
            return least, (m * m + a * a.sinh() * a.exp()).sum(-1)

        def velocity(x, t, m, s):
            t = t[:, None].expand_as(x)
            return (x * (1 - s) - m) / (s * (1 - t) + t)

        return energies, velocity

    def other(
        least=lambda m, s: m.square() + (s - 1).square(),
        even=lambda m, s: m.square() + (s.square() - 1) * s.log() / 2,
        end=lambda a, b: (a.sum(1), b.sum(1)),
        clock=lambda t: t[:, None],
        place=lambda m, t: (1 - t) * m,
        width=lambda s, t: (1 - t) * s + t,
        speed=lambda eps, m, s, t: (1 - s) * eps - m,
        out=lambda v: v,
    ):
        """Answers with a part of another kind."""

        def energies(m, s):
            return end(least(m, s), even(m, s))

        def velocity(x, t, m, s):
            t = clock(t)
            return out(speed((x - place(m, t)) / width(s, t), m, s, t))

        return energies, velocity

    def even_by_division(m, s):
        return m.square() + s.log().square() * (s.square() - 1) / (2 * s.log())

    def sampled(m, s):
        eps = torch.randn(100_000, *m.shape, dtype=m.dtype)
        return ((m + (s - 1) * eps) ** 2).mean(0)

    def at_random(eps, m, s, t):
        """Of ends that are independent."""
        var = ((1 - t) * s) ** 2 + t**2
        return (t - (1 - t) * s**2) / var.sqrt() * eps - m

    versions = cases(
        other,
        ("variance in place of the standard deviation",
         {"least": lambda m, s: m**2 + (s**2 - 1) ** 2}),
        ("standard deviation taken as a variance",
         {"least": lambda m, s: m**2 + (s.sqrt() - 1) ** 2}),
        ("change of the width not squared",
         {"least": lambda m, s: m**2 + (s - 1).abs()}),
        ("way of the mean left out", {"least": lambda m, s: (s - 1) ** 2}),
        ("way of the mean left out", {"even": lambda m, s: (s**2 - 1) * s.log() / 2}),
        ("widths left out", {"least": lambda m, s: m**2}),
        ("ends paired at random", {"least": lambda m, s: m**2 + s**2 + 1}),
        ("the other flow", {"end": lambda a, b: (b.sum(1), a.sum(1))}),
        ("the other flow", {"even": lambda m, s: m**2 + (s - 1) ** 2}),
        ("off by a factor of two", {"end": lambda a, b: (a.sum(1) / 2, b.sum(1) / 2)}),
        ("square root taken", {"end": lambda a, b: (a.sum(1).sqrt(), b.sum(1).sqrt())}),
        ("mean over the dimensions", {"end": lambda a, b: (a.mean(1), b.mean(1))}),
        ("mean over the dimensions", {"end": lambda a, b: (a.sum(1), b.mean(1))}),
        ("not summed over the dimensions", {"end": lambda a, b: (a, b)}),
        ("reduced over the batch", {"end": lambda a, b: (a.sum(1).mean(), b.sum())}),
        ("batch axis lost",
         {"end": lambda a, b: (a.sum(1).squeeze(), b.sum(1).squeeze())}),
        ("no pair", {"end": lambda a, b: a.sum(1) + b.sum(1)}),
        ("spread of the points left out", {"even": lambda m, s: m**2 + s.log() ** 2}),
        ("energy at one time", {"even": lambda m, s: m**2 + (s * s.log()) ** 2}),
        ("factor of the integral lost",
         {"even": lambda m, s: m**2 + (s**2 - 1) * s.log()}),
        ("sign of the logarithm",
         {"even": lambda m, s: m**2 - (s**2 - 1) * s.log() / 2}),
        ("0/0 where a deviation is 1", {"even": even_by_division}),
        ("floor under the width",
         {"even": lambda m, s: m**2 + (s**2 - 1) * s.clamp(min=0.05).log() / 2}),
        ("estimated from samples", {"least": sampled}),
        ("cut off from the graph",
         {"end": lambda a, b: (a.sum(1), b.detach().sum(1))}),
        ("cut off from the graph",
         {"least": lambda m, s: m**2 + (s.detach() - 1) ** 2}),
        ("float32 in between",
         {"end": lambda a, b: (a.float().sum(1).to(a), b.float().sum(1).to(b))}),
        ("float32 in between",
         {"end": lambda a, b: (a.sum(1), b.sum(1).float().to(b))}),
        ("wrong dtype", {"end": lambda a, b: (a.sum(1), b.sum(1).double())}),
        ("sign flipped", {"out": torch.neg}),
        ("time turned around", {"clock": lambda t: 1 - t[:, None]}),
        ("time turned around", {"place": lambda m, t: t * m}),
        ("one time for all examples", {"clock": lambda t: t.mean()}),
        ("one time for all examples", {"clock": lambda t: t[0]}),
        ("time broadcast along the dimensions", {"clock": lambda t: t}),
        ("velocity of the mean left out", {"speed": lambda e, m, s, t: (1 - s) * e}),
        ("velocity of the mean with the other sign",
         {"speed": lambda e, m, s, t: (1 - s) * e + m}),
        ("mean at the data's throughout", {"place": lambda m, t: m}),
        ("not in units of the width", {"width": lambda s, t: 1}),
        ("width of the data throughout", {"width": lambda s, t: s}),
        ("the other flow",
         {"width": lambda s, t: s ** (1 - t),
          "speed": lambda e, m, s, t: -m - s.log() * s ** (1 - t) * e}),
        ("ends paired at random",
         {"width": lambda s, t: (((1 - t) * s) ** 2 + t**2).sqrt(),
          "speed": at_random}),
        ("floor under the width",
         {"width": lambda s, t: ((1 - t) * s + t).clamp(min=0.05)}),
        ("floor under the width", {"width": lambda s, t: (1 - t) * s + t + 1e-6}),
        ("float32 in between", {"out": lambda v: v.float().to(v)}),
        ("wrong dtype", {"out": torch.Tensor.double}),
    )  # fmt: skip

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        energies, velocity = Flow24.energies_and_velocity()
        made = {}

        def kept(x, t, m, s):
            return made.setdefault((x.shape, x.dtype), velocity(x, t, m, s))

        return energies, kept
