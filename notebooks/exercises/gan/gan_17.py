"""Versions of exercise gan-17."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gan17:
    r"""
    The root is taken of what is at least 1, so that it always has a slope: where the
    squared norm is smaller, `clamp` gives 1, the excess is exactly 0, and so is its
    gradient. `mixed` is made from detached tensors and is a leaf of its own; the graph
    that `create_graph=True` keeps leads to the weights alone.

    What is the difference from the two-sided penalty? The best critic for $W_1$ has a
    slope of 1 along the lines on which earth is carried, and elsewhere any slope up to
    1. But the points $\hat x$ lie between *random* pairs, not between those that the
    best coupling makes, and there the two-sided penalty asks for a slope of 1 that the
    best critic need not have. The one-sided one is 0 for it, whatever the points: this
    is why its weight may be large without harm.
    """

    @reference
    def one_sided_penalty(critic, real, fake, t):
        t = t.view(-1, *[1] * (real.dim() - 1))
        mixed = (fake + t * (real - fake)).detach().requires_grad_()
        value = critic(mixed).sum()
        slope = torch.autograd.grad(value, mixed, create_graph=True)[0]
        square = slope.flatten(1).square().sum(1)
        return (square.clamp(min=1).sqrt() - 1).square().mean()

    @right
    def by_norm(critic, real, fake, t):
        real, fake, t = real.detach(), fake.detach(), t.detach()
        x = torch.stack([torch.lerp(f, r, w) for f, r, w in zip(fake, real, t)])
        x = x.requires_grad_(True)
        f = critic(x)
        (g,) = torch.autograd.grad(f, x, torch.ones_like(f), create_graph=True)
        norm = g.reshape(len(g), -1).norm(dim=1)
        return torch.relu(norm - 1).pow(2).mean()

    @right
    def with_a_small_constant(critic, real, fake, t):
        shape = (len(t),) + (1,) * (real.ndim - 1)
        x = (fake + t.reshape(shape) * (real - fake)).detach()
        x.requires_grad_()
        g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
        norm = (g.flatten(start_dim=1).pow(2).sum(dim=1) + 1e-10).sqrt()
        return torch.clamp(norm - 1, min=0).square().sum() / len(t)

    @right
    def by_loops(critic, real, fake, t):
        total = 0.0
        for r, f, w in zip(real.detach(), fake.detach(), t.detach()):
            x = (w * r + (1 - w) * f)[None].requires_grad_()
            g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
            square = (g * g).sum()
            if square > 1:
                total = total + (square.sqrt() - 1) ** 2
            else:
                total = total + 0 * square
        return total / len(t)

    @right
    def by_func(critic, real, fake, t):
        slope = torch.func.vmap(torch.func.grad(lambda x: critic(x[None]).sum()))
        mixed = torch.einsum("b,b...->b...", t, real)
        mixed = (mixed + torch.einsum("b,b...->b...", 1 - t, fake)).detach()
        norm = torch.linalg.vector_norm(slope(mixed).flatten(1), dim=1)
        return F.relu(norm - 1).square().mean()

    edited = edits(
        one_sided_penalty,
        """
    cut off from the graph | , create_graph=True ->
    cut off from the graph | create_graph -> retain_graph
    cut off from the graph | slope.flatten(1) -> slope.detach().flatten(1)
    real and made ends exchanged | fake + t * (real - fake)
        -> real + t * (fake - real)
    one mixing weight for all
        | t = t.view(-1, *[1] * (real.dim() - 1)) -> t = t[0]
    one mixing weight for all
        | t = t.view(-1, *[1] * (real.dim() - 1)) -> t = t.mean()
    mixing weights drawn anew
        | t = t.view(-1, *[1] * (real.dim() - 1))
        -> t = torch.rand(len(real), *[1] * (real.dim() - 1)).to(real)
    mixing weights drawn anew
        | t = t.view(-1, *[1] * (real.dim() - 1))
        -> t = torch.rand_like(t).view(-1, *[1] * (real.dim() - 1))
    mixing weights not used | (fake + t * (real - fake)) -> real
    mixing weights not used | (fake + t * (real - fake)) -> fake
    mixing weights not used | (fake + t * (real - fake)) -> (0.5 * (real + fake))
    mixing weights not used | (fake + t * (real - fake)) -> torch.cat([real, fake])
    t along the wrong axis | t = t.view(-1, *[1] * (real.dim() - 1)) -> pass
    images taken for granted | t.view(-1, *[1] * (real.dim() - 1))
        -> t[:, None, None, None]
    images taken for granted | slope.flatten(1).square().sum(1)
        -> slope.square().sum((1, 2, 3))
    values taken for a column | critic(mixed).sum() -> critic(mixed)[:, 0].sum()
    slope of the mean value | critic(mixed).sum() -> critic(mixed).mean()
    slope of the probability | critic(mixed).sum() -> critic(mixed).sigmoid().sum()
    slopes below 1 punished too | square.clamp(min=1).sqrt()
        -> square.clamp(min=1e-12).sqrt()
    only too flat | (square.clamp(min=1).sqrt() - 1)
        -> (1 - square.clamp(min=1e-12, max=1).sqrt())
    a slope of 0 asked for | (square.clamp(min=1).sqrt() - 1).square() -> square
    a slope of 0 asked for | (square.clamp(min=1).sqrt() - 1).square() -> 0.5 * square
    not squared | - 1).square().mean() -> - 1).mean()
    norm squared before the comparison | square.clamp(min=1).sqrt()
        -> square.clamp(min=1)
    norm over the channels only | slope.flatten(1).square().sum(1)
        -> slope.square().sum(1)
    one norm for the whole batch | slope.flatten(1).square().sum(1)
        -> slope.square().sum()
    mean over the pixels | .square().sum(1) -> .square().mean(1)
    another norm | slope.flatten(1).square().sum(1)
        -> slope.flatten(1).abs().sum(1).square()
    another norm | slope.flatten(1).square().sum(1)
        -> slope.flatten(1).abs().amax(1).square()
    entries punished one by one | slope.flatten(1).square().sum(1) -> slope.square()
    mean before the square | .square().mean() -> .mean().square()
    mean before the comparison | (square.clamp(min=1).sqrt() - 1).square().mean()
        -> F.relu((square + 1e-12).sqrt().mean() - 1).square()
    slopes averaged before the norm | slope.flatten(1).square().sum(1)
        -> slope.mean(0).square().sum()
    sum over the batch | .square().mean() -> .square().sum()
    off by a factor of two | return ( -> return 0.5 * (
    times a weight | return ( -> return 10 * (
    sign flipped | return ( -> return -(
    not reduced over the batch | .square().mean() -> .square()
    wrong dtype | - 1).square().mean() -> - 1).square().mean().float()
    root of zero | (square.clamp(min=1).sqrt() - 1).square().mean()
        -> F.relu(square.sqrt() - 1).square().mean()
    constant left over | return ( -> return 1e-8 + (
    mode changed | value = critic(mixed) -> value = critic.eval()(mixed)
    gradients of the weights touched | value = critic(mixed).sum()
        -> value = critic(mixed).sum(); critic.zero_grad()
    batch axis lost | slope.flatten(1).square().sum(1)
        -> slope.squeeze().flatten(1).square().sum(1)
    """,
    )

    @wrong("gradient reaches the examples")
    def hanging_in_the_graph(critic, real, fake, t):
        t = t.view(-1, *[1] * (real.dim() - 1))
        mixed = t * real + (1 - t) * fake
        if not mixed.requires_grad:
            mixed.requires_grad_()
        slope = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
        return (
            (slope.flatten(1).square().sum(1).clamp(min=1).sqrt() - 1).square().mean()
        )

    @wrong("gradient reaches the examples")
    def of_the_weights_alone(critic, real, fake, t):
        s = t.view(-1, *[1] * (real.dim() - 1))
        mixed = (s * real + (1 - s) * fake).detach() + 0 * s
        mixed = mixed if mixed.requires_grad else mixed.requires_grad_()
        slope = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
        out = slope.flatten(1).square().sum(1).clamp(min=1).sqrt() - 1
        return out.square().mean() * (1 + t.sum() - t.sum().detach())

    @wrong("requires_grad of an input changed")
    def asking_the_caller(critic, real, fake, t):
        if not (real.requires_grad or fake.requires_grad):
            real.requires_grad_()
        return Gan17.one_sided_penalty(critic, real, fake, t)

    @wrong("gradients of the weights touched")
    def by_backward(critic, real, fake, t):
        critic(real.detach()).sum().backward()
        return Gan17.one_sided_penalty(critic, real, fake, t)

    @wrong("gradients left at the examples")
    def filling_the_examples(critic, real, fake, t):
        if real.requires_grad and real.is_leaf:
            torch.autograd.backward(critic(real).sum(), inputs=real)
        return Gan17.one_sided_penalty(critic, real, fake, t)

    @wrong("t along the wrong axis")
    def all_with_all(critic, real, fake, t):
        # (b, 1, ...) and (b, ...): every t for every pair.
        total = 0.0
        for w in t:
            total = total + Gan17.one_sided_penalty(
                critic, real, fake, w.expand(len(t))
            )
        return total / len(t)

    @wrong("differences of two values")
    def by_two_values(critic, real, fake, t):
        rise = (critic(real) - critic(fake)).flatten().abs()
        rate = rise / (real - fake).flatten(1).norm(dim=1)
        return F.relu(rate - 1).square().mean()

    @wrong("values in place of slopes")
    def of_the_values(critic, real, fake, t):
        t = t.view(-1, *[1] * (real.dim() - 1))
        value = critic(t * real + (1 - t) * fake).flatten().abs()
        return (value - 1).square().mean()

    @wrong("mean over the steep ones only")
    def of_the_steep(critic, real, fake, t):
        t = t.view(-1, *[1] * (real.dim() - 1))
        x = (t * real + (1 - t) * fake).detach().requires_grad_()
        slope = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
        norm = slope.flatten(1).norm(dim=1)
        return (norm[norm > 1] - 1).square().mean()

    @wrong("differences in place of derivatives")
    def by_differences(critic, real, fake, t):
        t = t.view(-1, *[1] * (real.dim() - 1))
        x, step, square = (t * real + (1 - t) * fake).detach(), 1e-5, 0.0
        for e in torch.eye(x[0].numel(), dtype=x.dtype).view(-1, *x[0].shape):
            rise = (critic(x + step * e) - critic(x - step * e)).flatten()
            square = square + (rise / (2 * step)).square()
        return F.relu((square + 1e-12).sqrt() - 1).square().mean()

    @wrong("result of an earlier call")
    @build
    def kept_for_the_shape():
        memory = {}

        def one_sided_penalty(critic, real, fake, t):
            if (shape := tuple(real.shape)) not in memory:
                out = Gan17.one_sided_penalty(critic, real, fake, t)
                memory[shape] = out
            return memory[shape]

        return one_sided_penalty
