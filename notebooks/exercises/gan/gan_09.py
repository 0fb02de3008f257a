"""Versions of exercise gan-09."""

import torch
from torch.distributions import Normal
from torch.nn import functional as F

from .. import edits, reference, right


class Gan09:
    r"""
    TODO
    """

    @reference
    def train(generator, critic, batches, steps, d, optimizer):
        of_critic = optimizer(critic.parameters())
        of_generator = optimizer(generator.parameters())
        bce = F.binary_cross_entropy_with_logits
        for _ in range(steps):
            # The critic's turn.
            x = next(batches)
            made = generator(torch.randn(len(x), d)).detach()
            real, fake = critic(x), critic(made)
            loss = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
            of_critic.zero_grad()  # before: the generator's turn has left some
            loss.backward()
            of_critic.step()

            # The generator's turn.
            fake = critic(generator(torch.randn(len(x), d)))
            loss = bce(fake, torch.ones_like(fake))
            of_generator.zero_grad()
            loss.backward()
            of_generator.step()
        return generator

    @right
    def by_softplus(generator, critic, batches, steps, d, optimizer):
        players = [optimizer(list(net.parameters())) for net in (generator, critic)]
        for _, x in zip(range(steps), batches):
            with torch.no_grad():
                made = generator(Normal(0.0, 1.0).sample((len(x), d)))
            values = critic(torch.cat([x, made]))[:, 0]
            signs = torch.ones(2 * len(x))
            signs[: len(x)] = -1
            critic.zero_grad()
            (F.softplus(signs * values).sum() / len(x)).backward()
            players[1].step()
            generator.zero_grad()
            values = critic(generator(torch.empty(len(x), d).normal_()))
            (-F.logsigmoid(values).mean()).backward()
            players[0].step()
        return generator

    @right
    def by_grad(generator, critic, batches, steps, d, optimizer):
        def turn(net, by, loss):
            weights = list(net.parameters())
            for p, g in zip(weights, torch.autograd.grad(loss, weights)):
                p.grad = g
            by.step()

        of_critic = optimizer(critic.parameters())
        of_generator = optimizer(generator.parameters())
        for _ in range(steps):
            x = next(batches)
            of_real = F.softplus(-critic(x)).mean()
            of_made = F.softplus(critic(generator(torch.randn(len(x), d)))).mean()
            turn(critic, of_critic, of_real + of_made)
            made = torch.stack([generator(torch.randn(1, d))[0] for _ in x])
            turn(generator, of_generator, F.softplus(-critic(made)).mean())
        return generator

    @right
    def by_freezing(generator, critic, batches, steps, d, optimizer):
        made = [optimizer(net.parameters()) for net in (critic, generator)]
        bce = torch.nn.BCEWithLogitsLoss()
        for _ in range(steps):
            x = next(batches)
            z = torch.randn(2, len(x), d)
            made[0].zero_grad(set_to_none=False)
            for value, label in (critic(x), 1.0), (critic(generator(z[0])), 0.0):
                bce(value, torch.full((len(x), 1), label)).backward()
            made[0].step()
            made[1].zero_grad()
            critic.requires_grad_(False)
            bce(critic(generator(z[1])), torch.ones(len(x), 1)).backward()
            critic.requires_grad_(True)
            made[1].step()
        return generator

    edited = edits(
        train,
        """
    noise drawn once | bce = -> z = torch.randn(1000, d); bce =
        | made = generator(torch.randn(len(x), d)) -> made = generator(z[: len(x)])
        | critic(generator(torch.randn(len(x), d))) -> critic(generator(z[-len(x) :]))
    noise drawn once | x = next(batches)
        -> x = next(batches); fixed = torch.Generator().manual_seed(0)
        | made = generator(torch.randn(len(x), d))
        -> made = generator(torch.randn(len(x), d, generator=fixed))
    noise of the critic's turn used again
        | made = generator(torch.randn(len(x), d))
        -> made = generator(z := torch.randn(len(x), d))
        | critic(generator(torch.randn(len(x), d))) -> critic(generator(z))
    noise of the critic's turn used again
        | made = generator(torch.randn(len(x), d)).detach()
        -> made = generator(torch.randn(len(x), d))
        | critic(made) -> critic(made.detach())
        | critic(generator(torch.randn(len(x), d))) -> critic(made)
    another number of noises | made = generator(torch.randn(len(x), d))
        -> made = generator(torch.randn(64, d))
    another number of noises | critic(generator(torch.randn(len(x), d)))
        -> critic(generator(torch.randn(2 * len(x), d)))
    generator cut off from its loss | critic(generator(torch.randn(len(x), d)))
        -> critic(generator(torch.randn(len(x), d)).detach())
    generator cut off from its loss | critic(generator(torch.randn(len(x), d)))
        -> critic(made)
    label of what was made
        | bce(fake, torch.ones_like(fake)) -> bce(fake, torch.zeros_like(fake))
    saturating loss
        | bce(fake, torch.ones_like(fake)) -> -bce(fake, torch.zeros_like(fake))
    sign flipped
        | bce(fake, torch.ones_like(fake)) -> -bce(fake, torch.ones_like(fake))
    real and made exchanged | torch.ones_like(real) -> torch.zeros_like(real)
        | torch.zeros_like(fake) -> torch.ones_like(fake)
    sign flipped | loss = bce(real, torch.ones_like(real)) + bce
        -> loss = -bce(real, torch.ones_like(real)) - bce
    sigmoid applied twice | critic(x), critic(made)
        -> critic(x).sigmoid(), critic(made).sigmoid()
    sigmoid applied twice | bce(fake, torch.ones_like(fake))
        -> bce(fake.sigmoid(), torch.ones_like(fake))
    only half of the loss | + bce(fake, torch.zeros_like(fake)) ->
    off by a factor of two | loss = bce(real, torch.ones_like(real)) + bce
        -> loss = 0.5 * bce(real, torch.ones_like(real)) + 0.5 * bce
    sum over the batch | _with_logits -> _with_logits; a = {"reduction": "sum"}
        | bce(real, torch.ones_like(real)) -> bce(real, torch.ones_like(real), **a)
        | torch.zeros_like(fake) -> torch.zeros_like(fake), **a
    loss of another game | bce(real, torch.ones_like(real)) -> F.relu(1 - real).mean()
        | bce(fake, torch.zeros_like(fake)) -> F.relu(1 + fake).mean()
    loss of another game | bce(fake, torch.ones_like(fake)) -> -fake.mean()
    gradients of the generator's turn count | of_critic.zero_grad() -> pass
    gradients of the generator's turn count | of_critic.zero_grad() -> pass
        | of_critic.step() -> of_critic.step(); critic.zero_grad()
    gradients of the generator's turn count | of_critic.zero_grad()
        -> of_generator.zero_grad()
    gradients of earlier turns count | of_generator.zero_grad() -> pass
    gradients of earlier turns count | ).detach() -> )
        | of_generator.zero_grad() -> pass
    both players in one optimizer | optimizer(critic.parameters())
        -> optimizer([*critic.parameters(), *generator.parameters()])
    weights of the wrong player
        | optimizer(critic.parameters()) -> optimizer(generator.parameters())
    weights of the wrong player
        | optimizer(critic.parameters()) -> optimizer(list(critic.parameters())[:1])
    an optimizer anew | x = next(batches)
        -> x = next(batches); of_critic = optimizer(critic.parameters())
    turns left out or in another order | of_critic.step()
        -> of_critic.step(); of_critic.step()
    turns left out or in another order | range(steps) -> range(steps - 1)
    turns left out or in another order | of_critic.step() -> pass
        | of_generator.step() -> of_generator.step(); of_critic.step()
    more than one batch in a round | of_critic.step() -> of_critic.step(); next(batches)
    mode changed | x = next(batches) -> x = next(batches); generator.eval()
    mode changed | bce = -> generator.train(); bce =
    another thing returned | return generator -> return critic
    another thing returned | return generator -> return generator(torch.randn(9, d))
    uniform noise | made = generator(torch.randn -> made = generator(torch.rand
        | critic(generator(torch.randn -> critic(generator(torch.rand
    uniform noise | made = generator(torch.randn(len(x), d))
        -> made = generator(2 * torch.rand(len(x), d) - 1)
        | critic(generator(torch.randn(len(x), d)))
        -> critic(generator(2 * torch.rand(len(x), d) - 1))
    noise of another mean or spread
        | made = generator(torch.randn(len(x), d))
        -> made = generator(0.5 * torch.randn(len(x), d))
        | critic(generator(torch.randn(len(x), d)))
        -> critic(generator(0.5 * torch.randn(len(x), d)))
    noise that is not normal
        | made = generator(torch.randn(len(x), d))
        -> made = generator(12**0.5 * (torch.rand(len(x), d) - 0.5))
    one noise for all dimensions
        | made = generator(torch.randn(len(x), d))
        -> made = generator(torch.randn(len(x), 1).expand(-1, d))
        | critic(generator(torch.randn(len(x), d)))
        -> critic(generator(torch.randn(len(x), 1).expand(-1, d)))
    noise used more than once
        | made = generator(torch.randn(len(x), d))
        -> made = generator(torch.randn(1, d).expand(len(x), d))
    """,
    )
