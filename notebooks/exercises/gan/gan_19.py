"""Versions of exercise gan-19."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gan19:
    r"""
    The four: `critic(real)` has the shape `(b, 1)` and the other value `(b,)`, whose
    difference is `(b, b)`, every real example against every made one; the slopes had no
    graph, so that the penalties were numbers without a gradient; the made examples in
    the critic's loss were not detached; and the generator's loss was the critic's
    comparison, which pays it for being found out.

    None of them raises an error, and three of the four leave the value of the critic's
    loss as it was. What tells them apart is the question where each gradient
    goes. A detached `fake` costs nothing: its backward through the generator is saved.

    Does comparing each with each matter? The mean over all pairs estimates the same
    expectation with less noise, and costs $b^2$ terms of one subtraction. It is not
    what is written, and a loss that was meant so would say so.
    """

    @reference
    def losses(critic, generator, real, z, gamma):
        fake = generator(z)
        still = fake.detach()  # for the critic, examples like any others

        def penalty(x):
            x = x.detach().requires_grad_()
            slope = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
            return slope.flatten(1).square().sum(1).mean()

        real = real.detach()
        critic_loss = F.softplus(critic(still) - critic(real)).mean()
        critic_loss = critic_loss + gamma / 2 * (penalty(real) + penalty(still))

        generator_loss = F.softplus(critic(real) - critic(fake)).mean()
        return critic_loss, generator_loss

    @right
    def with_gradients_of_one_pass(critic, generator, real, z, gamma):
        with torch.no_grad():
            still = generator(z)
        x = torch.cat([real.detach(), still]).requires_grad_()
        values = critic(x)[:, 0]
        g = torch.autograd.grad(values.sum(), x, create_graph=True)[0]
        r, m = values.chunk(2)
        squares = g.square().sum() / len(real)
        first = -F.logsigmoid(r - m).mean() + gamma / 2 * squares
        second = -F.logsigmoid(critic(generator(z))[:, 0] - r.detach()).mean()
        return first, second

    @right
    def by_loops(critic, generator, real, z, gamma):
        first = second = 0.0
        for x, noise in zip(real.detach(), z):
            made = generator(noise[None])
            pair = [x[None].clone().requires_grad_(), made.detach().requires_grad_()]
            r, m = (critic(v).squeeze() for v in pair)
            slopes = torch.autograd.grad(r + m, pair, create_graph=True)
            first = first + F.softplus(m - r)
            first = first + gamma / 2 * sum((g * g).sum() for g in slopes)
            second = second + F.softplus(critic(x[None]) - critic(made))[0, 0]
        return first / len(z), second / len(z)

    @right
    def with_a_frozen_critic(critic, generator, real, z, gamma):
        def squares(x):
            slope = torch.func.vmap(torch.func.grad(lambda x: critic(x[None]).sum()))
            return slope(x).pow(2).flatten(1).sum(1)

        real, still = real.detach(), generator(z).detach()
        first = torch.logaddexp(torch.zeros_like(real[:, :1]).flatten(1)[:, :1],
                                critic(still) - critic(real))  # fmt: skip
        first = first[:, 0] + gamma / 2 * (squares(real) + squares(still))
        for p in critic.parameters():
            p.requires_grad_(False)
        second = F.softplus(critic(real) - critic(generator(z)))
        for p in critic.parameters():
            p.requires_grad_(True)
        return first.mean(), second.mean()

    @right
    def by_margins(critic, generator, real, z, gamma):
        def squares(x):
            x = x.detach().clone().requires_grad_(True)
            f = critic(x)
            g = torch.autograd.grad(f, x, torch.ones_like(f), create_graph=True)[0]
            g = g.flatten(1)
            return torch.einsum("bi,bi->", g, g)

        fake, b = generator(z), z.shape[0]
        margin = (critic(real.detach()) - critic(fake.detach())).squeeze(1)
        first = F.softplus(-margin).sum() / b
        first = first + 0.5 * gamma * (squares(real) + squares(fake)) / b
        margin = critic(fake).view(b) - critic(real.detach()).view(b)
        return first, F.softplus(-margin).sum().div(b)

    edited = edits(
        losses,
        """
    all pairs in place of the given ones
        | F.softplus(critic(still) - critic(real))
        -> F.softplus(critic(still)[:, 0] - critic(real))
    all pairs in place of the given ones
        | F.softplus(critic(real) - critic(fake))
        -> F.softplus(critic(real) - critic(fake).flatten())
    pairs from other rows
        | critic(still) - critic(real) -> critic(still).flip(0) - critic(real)
    values averaged before they are compared
        | critic(still) - critic(real) -> critic(still).mean() - critic(real).mean()
    values averaged before they are compared
        | critic(real) - critic(fake) -> critic(real).mean() - critic(fake)
    penalties cut off from the graph | , create_graph=True ->
    penalties cut off from the graph | create_graph -> retain_graph
    one penalty cut off from the graph | penalty(real) + -> penalty(real).detach() +
    critic's loss reaches the generator
        | still = fake.detach() -> still = fake
    real and made exchanged
        | critic(still) - critic(real) -> critic(real) - critic(still)
    generator paid for being found out
        | critic(real) - critic(fake) -> critic(fake) - critic(real)
    saturating loss
        | F.softplus(critic(real) - critic(fake))
        -> -F.softplus(critic(fake) - critic(real))
    saturating loss
        | generator_loss = F.softplus(critic(real) - critic(fake)).mean()
        -> generator_loss = -critic_loss
    real examples left out | critic(real) - critic(fake) -> -critic(fake)
    real examples left out
        | F.softplus(critic(real) - critic(fake)) -> -critic(fake)
    generator cut off from its loss
        | critic(real) - critic(fake) -> critic(real) - critic(still)
    only at real examples | (penalty(real) + penalty(still)) -> penalty(real)
    only at made examples | (penalty(real) + penalty(still)) -> penalty(still)
    penalty left out | + gamma / 2 * (penalty(real) + penalty(still)) ->
    penalty between real and made examples
        | (penalty(real) + penalty(still)) -> penalty((real + still) / 2)
    gamma left out | gamma / 2 -> 0.5
    gamma squared | gamma / 2 -> gamma**2 / 2
    factor one half lost | gamma / 2 -> gamma
    mean over the pixels | .square().sum(1).mean() -> .square().mean()
    norm not squared | .square().sum(1).mean() -> .norm(dim=1).mean()
    distance from a slope of one
        | .square().sum(1).mean() -> .norm(dim=1).sub(1).square().mean()
    slope of the mean value | critic(x).sum() -> critic(x).mean()
    sum over the batch | .square().sum(1).mean() -> .square().sum()
    sum over the batch | (critic(still) - critic(real)).mean()
        -> (critic(still) - critic(real)).sum()
    not reduced over the batch
        | F.softplus(critic(real) - critic(fake)).mean()
        -> F.softplus(critic(real) - critic(fake))
    loss of another game
        | F.softplus(critic(still) - critic(real)) -> (critic(still) - critic(real))
    loss of another game
        | F.softplus(critic(still) - critic(real))
        -> (F.softplus(critic(still)) + F.softplus(-critic(real)))
    loss of another game
        | F.softplus(critic(real) - critic(fake)) -> (critic(real) - critic(fake))
    penalty in the generator's loss
        | return critic_loss, generator_loss
        -> return critic_loss, generator_loss + gamma / 2 * (penalty(real) + 0)
    losses exchanged
        | return critic_loss, generator_loss -> return generator_loss, critic_loss
    not two losses
        | return critic_loss, generator_loss -> return critic_loss + generator_loss
    sign flipped | critic_loss = F.softplus -> critic_loss = -F.softplus
    sign flipped | critic_loss + gamma / 2 -> critic_loss - gamma / 2
    sign flipped | generator_loss = F.softplus -> generator_loss = -F.softplus
    off by a factor of two | generator_loss = F.softplus
        -> generator_loss = 2 * F.softplus
    bits in place of nats
        | F.softplus(critic(still) - critic(real)).mean()
        -> F.softplus(critic(still) - critic(real)).mean() / math.log(2)
    sigmoid applied twice
        | critic(still) - critic(real)
        -> critic(still).sigmoid() - critic(real).sigmoid()
    pairs cut off from the graph
        | (critic(still) - critic(real)) -> (critic(still) - critic(real)).detach()
    one side cut off from the graph
        | critic(still) - critic(real) -> critic(still) - critic(real).detach()
    cut off from the graph
        | return critic_loss, -> return 0 * critic(real).sum() + critic_loss.detach(),
    overflow
        | F.softplus(critic(still) - critic(real))
        -> (1 + (critic(still) - critic(real)).exp()).log()
    overflow
        | F.softplus(critic(real) - critic(fake))
        -> (1 + (critic(real) - critic(fake)).exp()).log()
    overflow
        | F.softplus(critic(real) - critic(fake))
        -> -torch.log(torch.sigmoid(critic(fake) - critic(real)))
    overflow
        | F.softplus(critic(real) - critic(fake))
        -> -torch.log(torch.sigmoid(critic(fake) - critic(real)) + 1e-12)
    critic's loss reaches its inputs | real = real.detach() -> pass
    requires_grad of an input changed | real = real.detach()
        -> real = real.requires_grad_(real.is_leaf)
    gradients of the weights touched | fake = -> critic.zero_grad(); fake =
    mode changed | fake = -> generator.eval(); fake =
    weights frozen or thawed
        | generator_loss = F -> critic.requires_grad_(False); generator_loss = F
    batch axis lost | F.softplus(critic(still) - critic(real)).mean()
        -> F.softplus((critic(still) - critic(real)).squeeze()[range(len(z))]).mean()
    result for other noise | generator(z) -> generator(torch.randn_like(z))
    """,
    )

    @wrong("slope of the difference")
    def of_the_difference(critic, generator, real, z, gamma):
        fake = generator(z)
        x, y = real.detach().requires_grad_(), fake.detach().requires_grad_()
        rise = critic(y) - critic(x)
        a, b = torch.autograd.grad(rise.sum(), (x, y), create_graph=True)
        penalty = (a + b).flatten(1).square().sum(1).mean()
        first = F.softplus(rise).mean() + gamma / 2 * penalty
        return first, F.softplus(critic(real) - critic(fake)).mean()

    @wrong("gradients of the weights touched")
    def by_backward(critic, generator, real, z, gamma):
        first, second = Gan19.losses(critic, generator, real, z, gamma)
        first.backward(retain_graph=True)
        return first, second

    @wrong("result of an earlier call")
    @build
    def kept_for_the_batch():
        memory = {}

        def losses(critic, generator, real, z, gamma):
            key = real.shape, gamma > 0
            if key not in memory:
                memory[key] = Gan19.losses(critic, generator, real, z, gamma)
            return memory[key]

        return losses
