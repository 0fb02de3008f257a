"""Generative adversarial networks. Built in chapters 04 and 05.

A critic gives every example one number, larger where it takes it for real; a
generator turns noise into examples that it takes for real. What each of them minimizes
is the `Game`; what keeps the critic smooth is a penalty beside it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from ._arguments import integer, nonnegative, probability
from .conditions import Condition
from .core import GenerativeModel

__all__ = [
    "GAN",
    "Game",
    "Hinge",
    "LeastSquares",
    "MinibatchStd",
    "NonSaturating",
    "Projection",
    "Relativistic",
    "Saturating",
    "Wasserstein",
    "gradient_penalty",
    "r1",
    "r2",
]

Critic = Callable[[Tensor], Tensor]
Values = Float[Tensor, " b"]


class Game:
    """What the two players minimize, from the critic's values; abstract.

    Attributes:
        pairs: the generator's loss looks at real examples too.
        classifies: a critic's value is above 0 where it takes an example for real.
    """

    pairs: bool = False
    classifies: bool = False

    def critic(self, real: Values, fake: Values) -> Values:
        """The critic's loss of each pair of a real example and one that was made."""
        raise NotImplementedError

    def generator(self, fake: Values, real: Values | None = None) -> Values:
        """The generator's loss of each example that it made."""
        raise NotImplementedError


class Saturating(Game):
    """The minimax game: the critic's value is the logit of "real".

    Goodfellow et al. (2014), eq. 1. The game's value at the critic's optimum is
    ``2 JS(p, q) - log 4``; the generator's loss is the part of it that depends on
    ``q``. Its gradient vanishes where the critic is sure of what was made.

    Args:
        real_label: one-sided label smoothing (Salimans et al., 2016): what the critic
            is to say of a real example, 0.9 for instance; 1 is the game itself.
    """

    classifies = True

    def __init__(self, real_label: float = 1.0):
        self.real_label = probability("real_label", real_label)

    def critic(self, real, fake):
        smooth = (1 - self.real_label) * real  # softplus(real) - softplus(-real)
        return F.softplus(-real) + smooth + F.softplus(fake)

    def generator(self, fake, real=None):
        return -F.softplus(fake)


class NonSaturating(Saturating):
    """The same critic; the generator maximizes the log of "real" instead.

    Goodfellow et al. (2014), sec. 3: the same fixed point, strong gradients early on.
    """

    def generator(self, fake, real=None):
        return F.softplus(-fake)


class LeastSquares(Game):
    """Targets 1 and 0, squared errors. Mao et al. (2017), eq. 9."""

    def critic(self, real, fake):
        return 0.5 * (real - 1).square() + 0.5 * fake.square()

    def generator(self, fake, real=None):
        return 0.5 * (fake - 1).square()


class Hinge(Game):
    """Beyond a margin of 1 the critic has nothing to gain. Miyato et al. (2018)."""

    classifies = True

    def critic(self, real, fake):
        return F.relu(1 - real) + F.relu(1 + fake)

    def generator(self, fake, real=None):
        return -fake


class Wasserstein(Game):
    """The difference of means: of critics of slope at most 1 the largest is W₁.

    Arjovsky, Chintala & Bottou (2017). ``gradient_penalty`` keeps the slope near 1.
    """

    def critic(self, real, fake):
        return fake - real

    def generator(self, fake, real=None):
        return -fake


class Relativistic(Game):
    """A real example should look more real than one that was made, pair by pair.

    Jolicoeur-Martineau (2019); with `r1` and `r2` it converges locally: Huang et al.
    (2024), "R3GAN".
    """

    pairs = True

    def critic(self, real, fake):
        return F.softplus(fake - real)

    def generator(self, fake, real=None):
        if real is None:
            raise ValueError("the relativistic game compares: pass the real values too")
        return F.softplus(real - fake)


def _slopes(critic: Critic, x: Tensor) -> Values:
    """``|∇ critic(x)|²`` of each example, with a graph for the critic's weights."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        value = critic(x).sum()  # each example's own gradient, if none sees another
        gradient = torch.autograd.grad(value, x, create_graph=True)[0]
    return gradient.reshape(len(x), -1).square().sum(1)


def gradient_penalty(
    critic: Critic, real: Float[Tensor, "b ..."], fake: Float[Tensor, "b ..."]
) -> Float[Tensor, ""]:
    """``E (|∇ critic| - 1)²`` at random points between real and made examples.

    Gulrajani et al. (2017), eq. 3, where its weight is 10. The critic must not mix
    examples: no batch normalization.

    Raises:
        ValueError: ``real`` and ``fake`` differ in shape.
    """
    if real.shape != fake.shape:
        shapes = f"{tuple(real.shape)} and {tuple(fake.shape)}"
        raise ValueError(f"real and fake have shapes {shapes}; expected one shape")
    t = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    x = torch.lerp(fake, real, t.to(real.dtype))
    # The root of exactly 0 has no gradient.
    return (_slopes(critic, x).clamp(min=1e-12).sqrt() - 1).square().mean()


def r1(
    critic: Critic, real: Float[Tensor, "b ..."], fake: Float[Tensor, "b ..."]
) -> Float[Tensor, ""]:
    """``½ E |∇ critic|²`` at real examples. Mescheder et al. (2018), eq. 9."""
    return 0.5 * _slopes(critic, real).mean()


def r2(
    critic: Critic, real: Float[Tensor, "b ..."], fake: Float[Tensor, "b ..."]
) -> Float[Tensor, ""]:
    """``½ E |∇ critic|²`` at examples that were made."""
    return 0.5 * _slopes(critic, fake).mean()


class GAN(GenerativeModel):
    """Two players: a critic, and a generator that learns from it alone.

    Args:
        generator: noise ``(b, d)`` to examples ``(b, *event_shape)``.
        critic: examples to ``(b,)`` or ``(b, 1)``.
        game: what they minimize.
        latent_dim: ``d``.
        event_shape: of one example.
        penalty: ``(critic, real, fake)`` to a number added to the critic's loss, such
            as `r1`.
        penalty_weight: its factor, a number or a function of the step.
        critic_steps: of a batch of ``k · b`` the critic takes ``k`` steps on ``b``;
            where ``k`` does not divide the batch, some parts have one example more.
        instance_noise: standard deviation of noise on all that the critic sees, a
            number or a function of the step (Sønderby et al., 2017; Arjovsky &
            Bottou, 2017).
        condition: what ``c`` is; the nets are then called as ``generator(z, c)`` and
            ``critic(x, c)`` (Mirza & Osindero, 2014). The generator is asked for the
            labels of the batch.
        augment: what the critic sees all examples through, in both turns and in the
            penalty: an `Augment`, or a module that has its ``observe``. A part of the
            model: its buffers are saved.
        regularizer: ``(generator, z)`` to a number added to the generator's loss, for
            fresh noise ``z``, such as `PathLength`; where it is a module, a part too.
        reuse: the generator learns from what it made in the critic's last turn, in
            place of fresh examples: one pass through it less.

    Raises:
        ValueError: a weight or ``instance_noise`` is negative, a number is below 1, the
            condition may be left out, ``augment`` follows the sign of the critic's
            value in a game that does not classify, or the players share weights and
            ``reuse`` what was made; later, an output of another shape.
        TypeError: ``latent_dim`` or ``critic_steps`` is no integer, ``game`` no `Game`,
            or ``augment`` no module with an ``observe``.

    Goodfellow et al. (2014).
    """

    surrogate = True

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        game: Game,
        *,
        latent_dim: int,
        event_shape: tuple[int, ...],
        penalty: Callable[[Critic, Tensor, Tensor], Tensor] | None = None,
        penalty_weight: float | Callable[[int], float] = 1.0,
        critic_steps: int = 1,
        instance_noise: float | Callable[[int], float] = 0.0,
        condition: Condition | None = None,
        augment: nn.Module | None = None,
        regularizer: Callable[[nn.Module, Tensor], Tensor] | None = None,
        reuse: bool = False,
    ):
        super().__init__()
        self.generator, self.critic, self.game = generator, critic, _played(game)
        self.latent_dim = integer("latent_dim", latent_dim)
        self.event_shape, self.condition = tuple(event_shape), condition
        if condition is not None and not condition.required:
            raise ValueError(
                "the condition has required=False, but a GAN is always told what to "
                "make: pass one with required=True"
            )
        self.augment: Any = None if augment is None else _fitting(augment, game)
        self.penalty, self.regularizer = penalty, regularizer
        self.critic_steps = integer("critic_steps", critic_steps)
        self.reuse = reuse
        shared = {id(p) for p in generator.parameters() if p.requires_grad}
        if reuse and any(id(p) in shared for p in critic.parameters()):
            raise ValueError(
                "the players share weights, which change in the critic's turn; the "
                "generator cannot learn from what it made before: leave reuse out"
            )
        self.smallest_batch = self.critic_steps * _smallest_batch(self)
        self.annealed = {
            "penalty_weight": penalty_weight,
            "instance_noise": instance_noise,
        }
        self.penalty_weight = self.instance_noise = 0.0
        self.at(0)

    def at(self, step):
        for name, value in self.annealed.items():
            value = value(step) if callable(value) else value
            setattr(self, name, nonnegative(name, value))

    def players(self):
        both = {"critic": self.critic, "generator": self.generator}
        return {
            name: [p for p in net.parameters() if p.requires_grad]
            for name, net in both.items()
        }

    def losses(self, x, c=None):
        self.check(x, c)
        k = min(self.critic_steps, len(x))
        reals = x.tensor_split(k)
        labels = [None] * k if c is None else c.tensor_split(k)
        for real, told in zip(reals, labels):
            with torch.set_grad_enabled(self.reuse and torch.is_grad_enabled()):
                made = self.generate(len(real), told)
            fake = made.detach()  # the generator is not to learn in this turn
            judge = partial(self.judge, c=told)
            value = judge(real)
            if self.augment is not None:
                self.augment.observe(value)
            loss = self.game.critic(value, judge(fake)).mean()
            if self.penalty is not None:
                loss = loss + self.penalty_weight * self.penalty(judge, real, fake)
            yield "critic", loss
        real, told = reals[-1], labels[-1]
        made = made if self.reuse else self.generate(len(real), told)
        with _frozen(self.critic):
            fake = self.judge(made, told)
            real = self.judge(real, told) if self.game.pairs else None
        loss = self.game.generator(fake, real).mean()
        if self.regularizer is not None:
            z = self.noise(len(fake), self.latent_dim)
            loss = loss + self.regularizer(self.generator, z)
        yield "generator", loss

    def generate(
        self, n: int, c: Shaped[Tensor, "n ..."] | None = None
    ) -> Float[Tensor, "n ..."]:
        """``n`` examples as the generator's turn sees them: with gradients.

        Raises:
            ValueError: the generator gives another shape.
        """
        z = self.noise(n, self.latent_dim)
        x = self.generator(z) if c is None else self.generator(z, c)
        if tuple(x.shape) != (n, *self.event_shape):
            due = (n, *self.event_shape)
            raise ValueError(f"the generator gave {tuple(x.shape)}; expected {due}")
        return x.to(z.dtype)  # under autocast it is bfloat16

    def judge(
        self, x: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Values:
        """The critic's value of each example, augmented and seen through the noise.

        Raises:
            ValueError: the critic gives more than one number for each.
        """
        if self.augment is not None:
            x = self.augment(x)
        if self.instance_noise:
            x = x + self.instance_noise * torch.randn_like(x)
        value = self.critic(x) if c is None else self.critic(x, c)
        n = len(x)
        if value.shape[:1] != (n,) or value.numel() != n:
            raise ValueError(
                f"the critic gave {tuple(value.shape)}; expected one number for each "
                f"of {n} examples, ({n},) or ({n}, 1)"
            )
        return value.reshape(n).to(x.dtype)

    def draw(self, n, c=None):
        return self.generate(n, c)


def _played(game: Any) -> Game:
    """``game``, which has to be one."""
    if not isinstance(game, Game):
        raise TypeError(f"game is {game!r}; expected a Game: Hinge(), with brackets")
    return game


def _fitting(augment: Any, game: Game) -> nn.Module:
    """``augment``, which has to be something for a critic of this game."""
    if not isinstance(augment, nn.Module) or not hasattr(augment, "observe"):
        raise TypeError(
            f"augment is a {type(augment).__name__}; expected a module that has an "
            "observe, such as Augment()"
        )
    if getattr(augment, "target", None) is not None and not game.classifies:
        raise ValueError(
            "augment has a target, for how often the critic's value is above 0; in "
            f"{type(game).__name__} that does not mean real: pass target=None"
        )
    return augment


def _smallest_batch(net: nn.Module) -> int:
    """2 where something is normalized by the batch, else 1."""
    return 2 if any(isinstance(part, _BatchNorm) for part in net.modules()) else 1


@contextmanager
def _frozen(net: nn.Module) -> Iterator[None]:
    """What is computed inside has no gradient for the net's weights: a third less."""
    weights = [p for p in net.parameters() if p.requires_grad]
    for p in weights:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in weights:
            p.requires_grad_(True)


class Projection(nn.Module):
    """A critic that is told a label: ``w · h(x) + v_c · h(x)``.

    Miyato & Koyama (2018), eq. 3.

    Args:
        features: examples to ``(b, d)``.
        d: their number.
        classes: the number of labels.

    Raises:
        ValueError, TypeError: ``d`` or ``classes`` is not a positive integer.
    """

    def __init__(self, features: nn.Module, d: int, classes: int):
        super().__init__()
        d, classes = integer("d", d), integer("classes", classes)
        self.features, self.value = features, nn.Linear(d, 1)
        self.label = nn.Embedding(classes, d)
        nn.init.zeros_(self.label.weight)  # at first the label says nothing

    def forward(self, x: Float[Tensor, "b ..."], c: Int[Tensor, " b"]) -> Values:
        h = self.features(x)
        return self.value(h)[:, 0] + (self.label(c) * h).sum(1)


class MinibatchStd(nn.Module):
    """One more channel: how far apart the examples of the batch are, on average.

    A critic that sees it can tell a collapsed batch. Karras et al. (2018), sec. 3. An
    example's value then depends on the others; with a penalty of slopes, the slope is
    then that of the sum over the batch.
    """

    def forward(self, x: Float[Tensor, "b d ..."]) -> Float[Tensor, "b d2 ..."]:
        spread = (x.var(0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], dim=1)
