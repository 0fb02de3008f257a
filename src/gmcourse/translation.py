"""Image to image: with pairs, and without.

A generator turns an image of one kind, the condition ``c``, into one of another, ``x``;
both have values in [0, 1]. With pairs, the distance to the right answer says what to
draw, and a critic of patches how it should look. Without pairs, a second generator
that must find the way back stands in for them. Built in chapter
05_wasserstein_style_and_translation.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ._arguments import integer, nonnegative, within_unit
from .conditions import Like
from .core import GenerativeModel
from .gan import Critic, Game, _frozen, _played, _smallest_batch
from .nets import ResidualBlock, _check_image

__all__ = ["CycleGAN", "ImageToImage", "PatchCritic", "Pix2Pix", "Regression"]

Images = Float[Tensor, "b k h v"]
Shape = tuple[int, ...]
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]


class ImageToImage(nn.Module):
    """Images ``(b, *shape_in)`` to images ``(b, *shape_out)`` in (0, 1): a U-Net.

    Through 1/2 and 1/4 of the size, with a way past what is smaller at each, so that
    edges need not go through it. Isola et al. (2017), sec. 3.2.1, here with residual
    blocks; group normalization, so a batch may hold one image.

    Args:
        width: channels at full size; twice as many below.
        noise: planes of normal noise beside the input, fresh at every call. With 0 the
            net is a function. (The paper's noise is dropout, which changes little.)

    Raises:
        ValueError, TypeError: a size is not a positive integer, a side is no multiple
            of 4, or the sides differ between the shapes.
    """

    def __init__(
        self, shape_in: Shape, shape_out: Shape, width: int = 32, noise: int = 0
    ):
        super().__init__()
        (into, *side), (out, *due) = _check_image(shape_in), _check_image(shape_out)
        if side != due:
            raise ValueError(f"sides {side} to {due}: expected equal ones")
        self.noise, wide = integer("noise", noise, 0), 2 * integer("width", width)
        self.net = nn.Sequential(
            nn.Conv2d(into + self.noise, width, 3, padding=1),
            ResidualBlock(width),
            _Half(width, wide, _Half(wide, wide, nn.Identity())),
            ResidualBlock(width),
            nn.SiLU(),
            nn.Conv2d(width, out, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, c: Images) -> Float[Tensor, "b k2 h v"]:
        planes = c.new_empty(len(c), self.noise, *c.shape[2:]).normal_()
        return self.net(torch.cat([2 * c - 1, planes], dim=1))


class _Half(nn.Module):
    """A way through half the side, where ``inner`` works, and a way past it."""

    def __init__(self, width: int, wide: int, inner: nn.Module):
        super().__init__()
        self.through = nn.Sequential(
            nn.Conv2d(width, wide, 4, stride=2, padding=1),
            ResidualBlock(wide),
            inner,
            ResidualBlock(wide),
            nn.ConvTranspose2d(wide, width, 4, stride=2, padding=1),
        )
        self.join = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Images) -> Images:
        return self.join(torch.cat([x, self.through(x)], dim=1))


class PatchCritic(nn.Module):
    """Images ``(b, channels, h, v)`` in [0, 1] to values ``(b, h / 4, v / 4)``.

    Rounded down. Each value judges a patch of 18×18 pixels, 4 pixels from the next, and
    all by the same weights. Isola et al. (2017), sec. 3.2.2; without normalization, so
    that a penalty of slopes may be added.

    Args:
        width: channels at half size; twice as many at a quarter.

    Raises:
        ValueError, TypeError: a number is not a positive integer.
    """

    def __init__(self, channels: int, width: int = 32):
        super().__init__()
        channels, width = integer("channels", channels), integer("width", width)
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )

    def forward(self, x: Images) -> Float[Tensor, "b i j"]:
        return self.net(2 * x - 1)[:, 0]


class _Translator(GenerativeModel):
    """Is told an image of one kind and draws one of another; abstract.

    With the turns of a critic, and of a generator against it, for those that have one.
    ``others`` are the nets beside the generator.
    """

    game: Game
    penalty: Penalty | None

    def __init__(
        self,
        generator: nn.Module,
        source_shape: Shape,
        event_shape: Shape,
        *others: nn.Module,
    ):
        super().__init__()
        self.condition, self.event_shape = Like(source_shape), tuple(event_shape)
        self.generator = generator
        self.smallest_batch = max(map(_smallest_batch, (generator, *others)))

    def check(self, x, c=None):
        super().check(x, c)
        within_unit(x)
        within_unit(c, name="c")

    def _judged(self, judge: Critic, real: Tensor, fake: Tensor) -> Tensor:
        fake = fake.detach()  # the generator is not to learn in this turn
        values = (_values(judge, part).flatten() for part in (real, fake))
        loss = self.game.critic(*values).mean()
        if self.penalty is not None:
            # Of an image's mean value: the number of patches is no part of the weight.
            loss += self.penalty(lambda x: _values(judge, x).mean(1), real, fake)
        return loss

    def _fooled(self, judge: Critic, real: Tensor, fake: Tensor) -> Tensor:
        seen = _values(judge, real).flatten() if self.game.pairs else None
        return self.game.generator(_values(judge, fake).flatten(), seen).mean()

    def draw(self, n, c=None):
        return _translated(self.generator, c, self.event_shape)


class Regression(_Translator):
    """The distance alone: the best answer is the median of each value, a blur.

    Args:
        generator: images ``(b, *source_shape)`` to ``(b, *event_shape)``.
        source_shape: of ``c``.
        event_shape: of ``x``.

    Raises:
        ValueError: later, an output of another shape, or images outside of [0, 1] (on
            a GPU they are not looked at).
    """

    def loss(self, x, c=None):
        """``|x - G(c)|``, the mean over values."""
        self.check(x, c)
        return _gap(_translated(self.generator, c, self.event_shape), x)


class Pix2Pix(_Translator):
    """Translation learned from pairs: near the right answer, and real in its details.

    The critic sees ``c`` and ``x`` as channels of one image, so it also judges whether
    they belong together. Isola et al. (2017), eq. 4. Their weight of the mean distance
    is 100 for images in [-1, 1], where distances are twice as large: 200 here, with
    their logistic game, `gmcourse.gan.NonSaturating`.

    Args:
        generator: images ``(b, *source_shape)`` to ``(b, *event_shape)``.
        critic: ``c`` and ``x``, ``(b, k, h, v)``, to values of patches, ``(b, ...)``.
        game: what the players minimize: the mean over patches.
        source_shape: of ``c``.
        event_shape: of ``x``.
        l1_weight: of ``|x - G(c)|``, the mean over values.
        penalty: ``(critic, real, fake)`` to a number added to the critic's loss, such
            as `gmcourse.gan.r1`; the critic is then the mean of an image's patches.

    Raises:
        ValueError: the weight is negative; later, an output of another shape, or images
            outside of [0, 1] (on a GPU they are not looked at).
        TypeError: ``game`` is no `gmcourse.gan.Game`.
    """

    surrogate = True

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        game: Game,
        *,
        source_shape: Shape,
        event_shape: Shape,
        l1_weight: float = 200.0,
        penalty: Penalty | None = None,
    ):
        super().__init__(generator, source_shape, event_shape, critic)
        self.critic, self.game, self.penalty = critic, _played(game), penalty
        self.l1_weight = nonnegative("l1_weight", l1_weight)

    def players(self):
        return {"critic": _weights(self.critic), "generator": _weights(self.generator)}

    def losses(self, x, c=None):
        self.check(x, c)
        assert c is not None  # check has seen to it

        def judge(x: Tensor) -> Tensor:  # beside what it is to be a translation of
            return self.critic(torch.cat([c, x], dim=1))

        # For both turns: the generator does not move in the critic's.
        fake = _translated(self.generator, c, self.event_shape)
        yield "critic", self._judged(judge, x, fake)
        with _frozen(self.critic):
            loss = self._fooled(judge, x, fake)
        yield "generator", loss + self.l1_weight * _gap(fake, x)


class CycleGAN(_Translator):
    """Translation learned from two heaps of images: there and back is no change.

    ``c`` is a batch of one kind, A, and ``x`` of the other, B. They are *not* pairs:
    each row is an example of its own. ``sample(n, c)`` goes forth, and ``back(x)`` is
    the other net. Zhu et al. (2017), eqs. 1 to 3. They take least squares and a weight
    of 10 for images in [-1, 1]. It is 10 here as well: distances in [0, 1] are half as
    large, and so is the generator's loss of `gmcourse.gan.LeastSquares`, with its ½.
    Their critics look at translations of the last 50 steps, these at the present ones.

    Args:
        generator, back: the generators, A to B (forth) and B to A.
        critic_a, critic_b: images of each kind to values of patches, ``(b, ...)``.
        source_shape: of ``c``, A.
        event_shape: of ``x``, B.
        cycle_weight: of ``|back(forth(a)) - a| + |forth(back(b)) - b|``, each the mean
            over values.
        identity_weight: of ``|forth(b) - b| + |back(a) - a|``: what is of the right
            kind already stays (sec. 5.2, with half of the cycle's weight).
        game, penalty: as in `Pix2Pix`, for each critic; their losses are summed.

    Raises:
        ValueError: a weight is negative, or there is one of the identity where A and B
            differ in shape; later, an output of another shape, or images outside of
            [0, 1] (on a GPU they are not looked at).
        TypeError: ``game`` is no `gmcourse.gan.Game`.
    """

    surrogate = True

    def __init__(
        self,
        generator: nn.Module,
        back: nn.Module,
        critic_a: nn.Module,
        critic_b: nn.Module,
        game: Game,
        *,
        source_shape: Shape,
        event_shape: Shape,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.0,
        penalty: Penalty | None = None,
    ):
        nets = back, critic_a, critic_b
        super().__init__(generator, source_shape, event_shape, *nets)
        self.back, self.game, self.penalty = back, _played(game), penalty
        self.critic_a, self.critic_b = critic_a, critic_b
        self.cycle_weight = nonnegative("cycle_weight", cycle_weight)
        self.identity_weight = nonnegative("identity_weight", identity_weight)
        if identity_weight and tuple(source_shape) != self.event_shape:
            raise ValueError(
                f"images of {tuple(source_shape)} and {self.event_shape}: expected one "
                "shape, or identity_weight=0"
            )

    def players(self):
        critics, generators = (
            (self.critic_a, self.critic_b),
            (self.generator, self.back),
        )
        return {"critic": _weights(*critics), "generator": _weights(*generators)}

    def losses(self, x, c=None):
        self.check(x, c)
        assert c is not None  # check has seen to it
        a, b = c, x
        forth = partial(_translated, self.generator, shape=self.event_shape)
        back = partial(_translated, self.back, shape=a.shape[1:])
        to_a, to_b = back(b), forth(a)
        sides = (self.critic_a, a, to_a), (self.critic_b, b, to_b)
        yield "critic", sum(self._judged(*side) for side in sides)
        with _frozen(self.critic_a), _frozen(self.critic_b):
            loss = sum(self._fooled(*side) for side in sides)
        loss += self.cycle_weight * (_gap(back(to_b), a) + _gap(forth(to_a), b))
        if self.identity_weight:
            loss += self.identity_weight * (_gap(forth(b), b) + _gap(back(a), a))
        yield "generator", loss


def _weights(*nets: nn.Module) -> list[nn.Parameter]:
    """Those that learn, each once: one net may play two roles."""
    return [p for p in nn.ModuleList(nets).parameters() if p.requires_grad]


def _gap(a: Tensor, b: Tensor) -> Float[Tensor, ""]:
    """The mean absolute difference."""
    return (a - b).abs().mean()


def _translated(net: nn.Module, c: Tensor | None, shape: Shape) -> Tensor:
    """``net(c)``, in the precision of ``c``: under autocast it is bfloat16."""
    assert c is not None  # a model's check has seen to it
    x, due = net(c), (len(c), *shape)
    if tuple(x.shape) != due:
        raise ValueError(f"the generator gave {tuple(x.shape)}; expected {due}")
    return x.to(c.dtype)


def _values(judge: Critic, x: Tensor) -> Float[Tensor, "b p"]:
    """What a critic says of each image's patches, in the precision of ``x``."""
    values, n = judge(x), len(x)
    if values.ndim == 0 or len(values) != n:
        due = f"({n}, ...), the values of each image's patches"
        raise ValueError(f"the critic gave {tuple(values.shape)}; expected {due}")
    return values.reshape(n, -1).to(x.dtype)
