"""Versions of exercise gan-09."""

import copy

import torch
from torch.distributions import Normal
from torch.nn import functional as F

from .. import edits, reference, right, wrong


class Gan09:
    r"""
    In the order in which one meets them: the noise was drawn once, before the loop;
    the values went through a sigmoid twice, so that the largest that the loss could see
    was 1 and the smallest 0; the critic's gradients were cleared *after* its step,
    which is too early, since the generator's turn leaves others; the generator's turn
    used what had been detached, and got no gradient; and its label was that of made
    examples.

    Which of them would a picture have shown? On two bumps on the line, each mistake
    alone, 2,000 rounds of small networks, six seeds: the mean distance of 4,000 sorted
    draws from as many sorted data (0.05 between two sets of data).

    | mistake | distance, six seeds, sorted |
    |---|---|
    | none | 0.16, 0.18, 0.21, 0.26, 0.28, 0.40 |
    | noise drawn once | 0.18, 0.42, 0.42, 0.45, 0.49, 0.50 |
    | sigmoid twice | 0.12, 0.24, 0.27, 0.29, 0.35, 0.46 |
    | cleared after the step | 0.12, 0.17, 0.22, 0.45, 0.46, 0.47 |
    | detached | 1.65, 1.68, 1.68, 1.69, 1.70, 1.70 |
    | wrong label | 1.74, 1.74, 1.75, 1.75, 1.75, 1.75 |

    Two of the five leave the generator as far away as before training (1.7). With one
    of them five of the six distances are larger than all of the first row, and two can
    hardly be told from a right program by their draws: an easy target forgives them.
    That the result looks right does not show that the loop is.
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
            loss = bce(real, torch.ones_like(real))
            loss = loss + bce(fake, torch.zeros_like(fake))
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
    another number of noises | made = generator(torch.randn(len(x), d))
        -> made = generator(torch.randn(1000, d)[: len(x)])
    another number of noises | critic(generator(torch.randn(len(x), d)))
        -> critic(generator(torch.randn(1000, d)[: len(x)]))
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
    sign flipped | loss = bce(real -> loss = -bce(real | loss + bce -> loss - bce
    sigmoid applied twice | critic(x), critic(made)
        -> critic(x).sigmoid(), critic(made).sigmoid()
    sigmoid applied twice | bce(fake, torch.ones_like(fake))
        -> bce(fake.sigmoid(), torch.ones_like(fake))
    only half of the loss | loss + bce(fake, torch.zeros_like(fake)) -> loss
    only half of the loss | loss + bce -> bce
    off by a factor of two
        | loss = bce(real -> loss = 0.5 * bce(real | loss + bce -> loss + 0.5 * bce
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
    weights changed otherwise | of_critic.step()
        -> of_critic.step(); [p.data.clamp_(-0.5, 0.5) for p in critic.parameters()]
    weights changed otherwise
        | of_critic.step() -> of_critic.step(); of_critic.param_groups[0]["lr"] *= 0.9
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
    noise used more than once | x = next(batches)
        -> x = next(batches); z = torch.randn((len(x) + 1) // 2, d)
        | made = generator(torch.randn(len(x), d))
        -> made = generator(torch.cat([z, -z])[: len(x)])
    noise that is not normal | made = generator(torch.randn(len(x), d))
        -> made = generator(torch.randn(len(x), d).clamp(-2, 2))
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

    @wrong("a copy trained")
    def of_a_copy(generator, critic, *rest):
        return Gan09.train(copy.deepcopy(generator), critic, *rest)

    @wrong("a copy trained")
    def against_a_copy(generator, critic, *rest):
        return Gan09.train(generator, copy.deepcopy(critic), *rest)
