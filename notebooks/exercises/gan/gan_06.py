"""Versions of exercise gan-06."""

import copy

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong

# Lines of the reference, of the generator's and of the critic's turn.
LOSS = (
    "(generator(z)).mean()\n        ",
    "(made)).mean()\n        ",
)
ZERO = tuple(line + "optimizer.zero_grad()" for line in LOSS)
STEP = (
    "with zeros\n        optimizer.step()",
    "loss.backward()\n        optimizer.step()",
)
MODES = (
    "generator.eval()\n        with torch.no_grad():",
    "critic.train()\n        with torch.no_grad():",
)
LATE = (
    f"{STEP[1]}\n        up, down = 1 - critic(x), 1 + critic(made)\n"
    "        return (up.relu().mean() + down.relu().mean()).item()"
)


class Gan06:
    r"""
    The critic's turn makes its examples without a graph, so that the generator has no
    gradient in it. The generator's turn needs the graph through the critic, and what it
    leaves in the critic's weights has to go before the step. With an optimizer for each
    player the second line is not needed, only the `zero_grad()` of the critic's next
    turn.

    Zeros are not enough. Adam divides a mean of gradients by the root of a mean of
    squares, and goes on while the mean dies away. Measured over five seeds, small
    networks and data around 3: in the second hundred of 200 rounds with one Adam, how
    far the critic moved in the generator's turns, as a part of how far it moved in its
    own.

    | the critic's gradients, at the step | betas 0.5, 0.9 | 0.9, 0.999 |
    |---|---|---|
    | `None` | 0 | 0 |
    | zeros | 0.53 in all five | 0.90 in all five |
    | what was left there | 1.01 to 1.04 | 1.05 to 1.45 |

    In the last row the critic takes as long a step for the generator as for itself. No
    error is raised in any of them.
    """

    @reference
    @build
    def clearing():
        def critic_turn(generator, critic, x, z, optimizer):
            with torch.no_grad():
                made = generator(z)
            loss = F.relu(1 - critic(x)).mean() + F.relu(1 + critic(made)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        def generator_turn(generator, critic, z, optimizer):
            loss = -critic(generator(z)).mean()
            optimizer.zero_grad()
            loss.backward()
            for p in critic.parameters():
                p.grad = None  # none at all: a momentum goes on with zeros
            optimizer.step()
            return loss.item()

        return critic_turn, generator_turn

    @right
    @build
    def by_grad():
        def move(loss, net, optimizer):
            free = [p for p in net.parameters() if p.requires_grad]
            optimizer.zero_grad(set_to_none=True)
            for p, g in zip(free, torch.autograd.grad(loss, free)):
                p.grad = g
            optimizer.step()
            return loss.detach()

        def critic_turn(generator, critic, x, z, optimizer):
            values = critic(torch.cat([x, generator(z)]))
            real, made = values[: len(x)], values[len(x) :]
            loss = (1 - real).clamp(min=0).mean() + (1 + made).clamp(min=0).mean()
            return move(loss, critic, optimizer)

        def generator_turn(generator, critic, z, optimizer):
            return move(-critic(generator(z)).mean(), generator, optimizer)

        return critic_turn, generator_turn

    @right
    @build
    def by_freezing():
        def turn(loss, waiting, optimizer):
            """Freeze the player that waits, and put back what was free."""
            free = [p for p in waiting.parameters() if p.requires_grad]
            for p in free:
                p.requires_grad_(False)
            optimizer.zero_grad()
            value = loss()
            value.backward()
            optimizer.step()
            for p in free:
                p.requires_grad_(True)
            return value.detach()

        def critic_turn(generator, critic, x, z, optimizer):
            def loss():
                up, down = 1 - critic(x)[:, 0], 1 + critic(generator(z))[:, 0]
                return up.relu().sum() / len(x) + down.relu().sum() / len(z)

            return turn(loss, generator, optimizer)

        def generator_turn(generator, critic, z, optimizer):
            return turn(lambda: -critic(generator(z)).mean(), critic, optimizer)

        return critic_turn, generator_turn

    @right
    @build
    def by_loops_and_inputs():
        def critic_turn(generator, critic, x, z, optimizer):
            loss, made = 0.0, generator(z).detach()
            for value in critic(x):
                loss = loss + torch.max(1 - value, torch.zeros(1)).sum() / len(x)
            for value in critic(made):
                loss = loss + torch.max(1 + value, torch.zeros(1)).sum() / len(made)
            for net in generator, critic:
                for p in net.parameters():
                    p.grad = None
            loss.backward()
            optimizer.step()
            return loss.item()

        def generator_turn(generator, critic, z, optimizer):
            free = [p for p in generator.parameters() if p.requires_grad]
            optimizer.zero_grad()
            loss = critic(generator(z)).neg().mean()
            torch.autograd.backward(loss, inputs=free)
            optimizer.step()
            return loss.item()

        return critic_turn, generator_turn

    edited = edits(
        clearing,
        """
    generator moved in the critic's turn | with torch.no_grad(): -> if True:
    real and made exchanged | 1 - critic(x) -> 1 + critic(x)
        | 1 + critic(made) -> 1 - critic(made)
    sign flipped | loss = F.relu(1 - critic(x)).mean() + F
        -> loss = -F.relu(1 - critic(x)).mean() - F
    sum over the batch | critic(x)).mean() -> critic(x)).sum()
        | critic(made)).mean() -> critic(made)).sum()
    one mean over both batches
        | F.relu(1 - critic(x)).mean() + F.relu(1 + critic(made)).mean()
        -> F.relu(1 + torch.cat([-critic(x), critic(made)])).mean()
    off by a factor of two | loss = F.relu(1 - critic(x)).mean() + F
        -> loss = 0.5 * F.relu(1 - critic(x)).mean() + 0.5 * F
    hinge of the mean value | F.relu(1 - critic(x)).mean() + F.relu(1 + critic(made))
        -> F.relu(1 - critic(x).mean()) + F.relu(1 + critic(made).mean())
    examples left out | made = generator(z)
        -> k = min(len(x), len(z)); x, z = x[:k], z[:k]; made = generator(z)
    examples left out | made = generator(z) -> x = x[: len(z)]; made = generator(z)
    examples left out | made = generator(z) -> made = generator(z[: len(x)])
    examples left out | loss = -critic(generator(z))
        -> loss = -critic(generator(z[:-1]))
    margin left out | F.relu(1 - critic(x)) -> (-critic(x))
        | F.relu(1 + critic(made)) -> critic(made)
    margin of another size | F.relu(1 - critic(x)) -> F.relu(0.5 - critic(x))
        | F.relu(1 + critic(made)) -> F.relu(0.5 + critic(made))
    margin of another size | F.relu(1 - critic(x)) -> F.relu(-critic(x))
        | F.relu(1 + critic(made)) -> F.relu(critic(made))
    loss of another game | F.relu(1 - critic(x)) -> F.softplus(-critic(x))
        | F.relu(1 + critic(made)) -> F.softplus(critic(made))
    only half of the loss | + F.relu(1 + critic(made)).mean() ->
    other noise than what was given | made = generator(z)
        -> made = generator(torch.randn_like(z))
    sign flipped | -critic(generator(z)).mean() -> critic(generator(z)).mean()
    loss of another game | -critic(generator(z)).mean()
        -> F.softplus(-critic(generator(z))).mean()
    loss of another game | -critic(generator(z)).mean()
        -> -F.softplus(critic(generator(z))).mean()
    margin in the generator's loss | -critic(generator(z)).mean()
        -> F.relu(1 - critic(generator(z))).mean()
    sum over the batch | -critic(generator(z)).mean() -> -critic(generator(z)).sum()
    other noise than what was given | -critic(generator(z))
        -> -critic(generator(torch.randn_like(z)))
    generator cut off from its loss | -critic(generator(z))
        -> -critic(generator(z).detach())
        | for p in critic.parameters(): -> for p in []:
    critic moved in the generator's turn
        | for p in critic.parameters(): -> for p in []:
    gradients of zero in place of none | p.grad = None -> p.grad = torch.zeros_like(p)
    mode changed | loss = -critic -> generator.train(); loss = -critic
    """,
        ("gradients of earlier turns count", ZERO[1], LOSS[1]),
        ("gradients of earlier turns count", ZERO[0], LOSS[0]),
        (
            "gradients of earlier turns count",
            *(ZERO[1], LOSS[1] + "critic.zero_grad()"),
        ),
        (
            "gradients of zero in place of none",
            *(ZERO[1], LOSS[1] + "optimizer.zero_grad(set_to_none=False)"),
        ),
        ("no step made", STEP[1], "optimizer.step()\n        loss.backward()"),
        (
            "no step made",
            STEP[1],
            STEP[1].replace("\n", "\n        optimizer.zero_grad()\n"),
        ),
        ("no step made", STEP[0], STEP[0].replace("optimizer.step()", "pass")),
        ("more than one step", STEP[1], STEP[1] + "\n        optimizer.step()"),
        ("mode changed", "with torch.no_grad():", MODES[0]),
        ("mode changed", "with torch.no_grad():", MODES[1]),
        ("loss after the step", f"{STEP[1]}\n        return loss.item()", LATE),
        (
            "wrong shape",
            f"{STEP[1]}\n        return loss.item()",
            f"{STEP[1]}\n        return loss.detach()[None]",
        ),
    )

    @wrong("weights frozen or thawed")
    @build
    def all_thawed():
        def generator_turn(generator, critic, z, optimizer):
            critic.requires_grad_(False)
            optimizer.zero_grad()
            loss = -critic(generator(z)).mean()
            loss.backward()
            optimizer.step()
            critic.requires_grad_(True)
            return loss.item()

        return Gan06.clearing()[0], generator_turn

    @wrong("weights frozen or thawed")
    @build
    def left_frozen():
        def critic_turn(generator, critic, x, z, optimizer):
            generator.requires_grad_(False)
            return Gan06.clearing()[0](generator, critic, x, z, optimizer)

        return critic_turn, Gan06.clearing()[1]

    @wrong("momentum of the player that waits")
    @build
    def put_back():
        def generator_turn(generator, critic, z, optimizer):
            kept = copy.deepcopy(critic.state_dict())
            loss = -critic(generator(z)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            critic.load_state_dict(kept)
            return loss.item()

        return Gan06.clearing()[0], generator_turn

    @wrong("a step of its own")
    @build
    def by_hand():
        def critic_turn(generator, critic, x, z, optimizer):
            made, rate = generator(z).detach(), optimizer.param_groups[0]["lr"]
            loss = F.relu(1 - critic(x)).mean() + F.relu(1 + critic(made)).mean()
            free = [p for p in critic.parameters() if p.requires_grad]
            with torch.no_grad():
                for p, g in zip(free, torch.autograd.grad(loss, free)):
                    p -= rate * g
            return loss.item()

        return critic_turn, Gan06.clearing()[1]

    @wrong("gradients of zero in place of none")
    @build
    def frozen_with_zeros():
        def critic_turn(generator, critic, x, z, optimizer):
            for p in generator.parameters():
                p.grad = torch.zeros_like(p)
            critic.zero_grad()
            made = generator(z).detach()
            loss = F.relu(1 - critic(x)).mean() + F.relu(1 + critic(made)).mean()
            loss.backward()
            optimizer.step()
            return loss.item()

        return critic_turn, Gan06.clearing()[1]

    @wrong("frozen weight moved by an old gradient")
    @build
    def cleared_where_free():
        def critic_turn(generator, critic, x, z, optimizer):
            for p in (*generator.parameters(), *critic.parameters()):
                p.grad = p.grad if not p.requires_grad else None
            with torch.no_grad():
                made = generator(z)
            loss = F.relu(1 - critic(x)).mean() + F.relu(1 + critic(made)).mean()
            loss.backward()
            optimizer.step()
            return loss.item()

        return critic_turn, Gan06.clearing()[1]

    @wrong("frozen weight moved by an old gradient")
    @build
    def cleared_where_free_in_the_other_turn():
        def generator_turn(generator, critic, z, optimizer):
            loss = -critic(generator(z)).mean()
            free = [p for p in generator.parameters() if p.requires_grad]
            slopes = torch.autograd.grad(loss, free)
            critic.zero_grad()
            for p, g in zip(free, slopes):
                p.grad = g
            optimizer.step()
            return loss.item()

        return Gan06.clearing()[0], generator_turn

    @wrong("memory of the optimizer lost")
    @build
    def cleared_memory():
        def generator_turn(generator, critic, z, optimizer):
            optimizer.state.clear()
            return Gan06.clearing()[1](generator, critic, z, optimizer)

        return Gan06.clearing()[0], generator_turn

    @wrong("weights frozen or thawed")
    @build
    def thawed_first():
        def critic_turn(generator, critic, x, z, optimizer):
            critic.requires_grad_(True)
            return Gan06.clearing()[0](generator, critic, x, z, optimizer)

        return critic_turn, Gan06.clearing()[1]
