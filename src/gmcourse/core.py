"""The contract of a model, its average, its file, and the scale of a run.

A model has two verbs: ``loss`` and ``sample``. A family with several players (a
GAN's critic and generator) yields one loss per player from ``losses``.
"""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from . import checkpoint

__all__ = [
    "EMA",
    "GenerativeModel",
    "budget",
    "default_device",
    "load",
    "save",
    "scale",
    "seeded",
]


class GenerativeModel(nn.Module):
    """A model of ``p(x)``, or of ``p(x | c)`` where ``classes`` is above 0.

    A family implements ``loss`` (or ``losses``) and ``draw``; everything else is
    here. ``log_prob(x) -> (b,)`` exists only where it is exact and normalized.

    Attributes:
        event_shape: shape of one example; a batch is ``(b, *event_shape)``.
        classes: number of labels of the condition ``c``; 0 where there is none.
    """

    event_shape: tuple[int, ...]
    classes: int = 0

    def loss(
        self, x: Float[Tensor, "b ..."], c: Int[Tensor, " b"] | None = None
    ) -> Float[Tensor, ""]:
        """Batch mean; nats per example where the family has a likelihood."""
        raise NotImplementedError(f"{type(self).__name__} does not define a loss")

    def losses(
        self, x: Float[Tensor, "b ..."], c: Int[Tensor, " b"] | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield ``(player, loss)`` lazily: a player is updated before the next one.

        One player by default. A GAN yields ``("critic", …)``, and, when the critic
        has made its step, ``("generator", …)``.
        """
        yield "model", self.loss(x, c)

    def draw(self, n: int, c: Tensor | None = None, **how: Any) -> Tensor:
        """What ``sample`` calls, with checked arguments, in eval mode."""
        raise NotImplementedError(f"{type(self).__name__} cannot sample")

    @torch.no_grad()
    def sample(
        self, n: int, c: Int[Tensor, " n"] | None = None, **how: Any
    ) -> Float[Tensor, "n ..."]:
        """Draw ``n`` examples, ``(n, *event_shape)``, on the model's device.

        No gradients are kept, and the train/eval modes are as the caller left them.

        Raises:
            ValueError, TypeError: ``n`` is not a positive integer, or ``c`` does not
                fit.
        """
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
            raise ValueError(f"n is {n!r}; expected a positive integer")
        # Before the move: on a GPU the labels would not be looked at.
        self.check_condition(c, int(n))
        c = None if c is None else c.to(self.device)
        with evaluating(self):
            return self.draw(int(n), c, **how)

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return next(self.parameters()).device

    def noise(self, *shape: int) -> Tensor:
        """Standard normal values on the model's device, in its precision."""
        weight = next(self.parameters())
        return torch.randn(*shape, device=weight.device, dtype=weight.dtype)

    def check(self, x: Tensor, c: Tensor | None = None) -> None:
        """Raise unless ``x`` is ``(b, *event_shape)`` with b > 0 and ``c`` fits it.

        Raises:
            TypeError: ``x`` is not a float tensor in the weights' precision, float32
                unless the model was converted.
            ValueError: a shape or a label is wrong; the message says which.
        """
        check_batch(self, x)
        self.check_condition(c, len(x))

    def check_condition(self, c: Tensor | None, n: int) -> None:
        """Raise unless ``c`` is ``(n,)`` int64 labels in ``[0, classes)``.

        Raises:
            TypeError: ``c`` is no tensor.
            ValueError: the message says what was given; ``c`` must be None where
                ``classes`` is 0, and only there.
        """
        if c is None and self.classes == 0:
            return
        name = type(self).__name__
        if c is None:
            raise ValueError(f"{name} is conditional: pass c, {n} labels")
        if self.classes == 0:
            raise ValueError(
                f"{name} takes no condition, but c was given: leave it out"
            )
        if not isinstance(c, Tensor):
            raise TypeError(
                f"c is {type(c).__name__}; expected a tensor of {n} labels, int64: "
                "pass torch.tensor(c)"
            )
        if c.dtype != torch.int64 or tuple(c.shape) != (n,):
            raise ValueError(
                f"c has shape {tuple(c.shape)} and dtype {c.dtype}; expected ({n},) "
                "and torch.int64"
            )
        # Reading the labels would make a GPU wait; there, train() looks at them once.
        if c.device.type == "cpu" and not (c.min() >= 0 and c.max() < self.classes):
            raise ValueError(
                f"c holds labels from {c.min()} to {c.max()}; expected 0 to "
                f"{self.classes - 1}"
            )


def check_batch(model: Any, x: Tensor) -> None:
    """Raise unless ``x`` is ``(b, *event_shape)``, b > 0, in the weights' precision."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(
            f"x is {kind}; expected a float tensor. Pixels come as uint8: turn "
            "them into floats first, with gmcourse.data.to_unit for instance"
        )
    weight = next(model.parameters(), x)
    if x.dtype != weight.dtype:
        raise TypeError(
            f"x is {x.dtype} and the weights are {weight.dtype}: pass "
            f"x.to({weight.dtype})"
        )
    if x.ndim == 0 or tuple(x.shape[1:]) != tuple(model.event_shape) or not len(x):
        raise ValueError(
            f"x has shape {tuple(x.shape)}; {type(model).__name__} expects "
            f"(b, {', '.join(map(str, model.event_shape))}) with b at least 1"
        )


class EMA:
    """An exponential moving average of a model's weights, as a second model.

    After update ``k`` the average moves by ``1 - min(decay, (1 + k) / (10 + k))``
    toward the model: the ramp lets it forget the initial weights.

    Raises:
        ValueError: ``decay`` is not in [0, 1).

    Example:
        >>> net = nn.Linear(1, 1)
        >>> ema = EMA(net, decay=0.999)
        >>> ema.update()  # train() calls this after each step
        >>> ema.model is net
        False
    """

    def __init__(self, model: nn.Module, decay: float = 0.999):
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"decay is {decay}; expected 0 <= decay < 1")
        self.source, self.decay, self.updates = model, decay, 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self) -> None:
        """Move the average one step toward the model's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        average: list[Tensor] = list(self.model.parameters())
        current: list[Tensor] = list(self.source.parameters())
        torch._foreach_lerp_(average, current, 1.0 - decay)
        for kept, seen in zip(self.model.buffers(), self.source.buffers()):
            kept.copy_(seen)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode inside the block; after it every part is in its own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        # Each on its own: a caller may keep a part frozen in eval mode.
        for module, training in modes:
            module.training = training


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fix PyTorch's random stream inside the block; restore the outer one after it.

    Example:
        >>> with seeded(0):
        ...     a = torch.rand(3)
        >>> with seeded(0):
        ...     b = torch.rand(3)
        >>> torch.equal(a, b)
        True
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(seed)
        yield


def default_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def scale() -> str:
    """``GMCOURSE_SCALE`` (smoke, cpu or gpu); unset, gpu where CUDA is, else cpu.

    Raises:
        ValueError: the variable holds another word.
    """
    default = "gpu" if torch.cuda.is_available() else "cpu"
    name = os.environ.get("GMCOURSE_SCALE") or default
    if name not in ("smoke", "cpu", "gpu"):
        raise ValueError(f"GMCOURSE_SCALE is {name!r}; expected smoke, cpu or gpu")
    return name


def budget(*, smoke: Any, cpu: Any, gpu: Any) -> Any:
    """The value for the scale at hand: ``budget(smoke=20, cpu=2_000, gpu=20_000)``."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[scale()]


def save(model: nn.Module, path: str | os.PathLike, **meta: Any) -> None:
    """Write a model's weights to one safetensors file, atomically.

    A file already there is kept as ``<path>.previous``; ``meta`` (JSON values) is
    returned by :func:`load`.

    Raises:
        OSError: the disk is full, the folder cannot be written, or ``path`` is a
            folder; what was there is untouched.
        TypeError: ``meta`` holds what JSON cannot.
    """
    state = dict(model.state_dict())
    checkpoint.write(path, state, {"model": type(model).__name__, "meta": meta})


def load(model: nn.Module, path: str | os.PathLike) -> dict[str, Any]:
    """Read weights written by :func:`save` into ``model``; return their ``meta``.

    Raises:
        FileNotFoundError, IsADirectoryError: no file is there.
        ValueError: the file is damaged, or holds another model or a run of ``train``;
            ``model`` is unchanged.
    """
    tensors, meta = checkpoint.read(path)
    if "run" in meta:
        raise ValueError(
            f"{path} holds a run, of step {meta['step']}: pass it to "
            "train(…, resume=path), and save the weights with save"
        )
    check_fit(model, {k: tuple(v.shape) for k, v in tensors.items()}, meta, path)
    model.load_state_dict(tensors)
    return meta.get("meta", {})  # the zoo's own files have none


def check_fit(model: nn.Module, shapes: dict, meta: dict, path: Any) -> None:
    """Raise unless weights of these names and shapes belong to ``model``."""
    want = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    if shapes != want:
        differ = sorted(k for k in shapes | want if shapes.get(k) != want.get(k))
        first = differ[0]
        raise ValueError(
            f"{path} holds the weights of another model ({meta.get('model')}): "
            f"{first!r} is {shapes.get(first, 'missing')} there and "
            f"{want.get(first, 'missing')} in this {type(model).__name__}"
            + (f", and {len(differ) - 1} more differ" if len(differ) > 1 else "")
        )
