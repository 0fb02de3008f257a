"""The tools of a check: inputs, calls of the learner's code, and combinators."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ._comparisons import Comparisons
from ._exercise import Exercise, Stop, missing
from ._layer import layer
from ._number import number
from ._report import excerpt, literal, stub
from ._rowwise import rowwise
from ._sampler import far_tails, fresh, gaussian, independent_noise, path, sampler
from ._trained import reached, trained


class Call(NamedTuple):
    """A call of the learner's code; ``called`` is the answer's name, if it was one."""

    called: str = ""
    name: str = ""
    args: tuple = ()


class Trial(Comparisons):
    """One run of one check."""

    rowwise = rowwise
    sampler, fresh, gaussian = sampler, fresh, gaussian
    independent_noise, path = independent_noise, path
    far_tails = far_tails
    number = number
    trained, reached = trained, reached
    layer = layer

    def __init__(self, exercise: Exercise, answers: list, seed: int):
        super().__init__()
        self.shown = Call()  # in a report
        self.results: dict[int, tuple[Any, Call]] = {}
        self.names = dict(zip(map(id, answers), exercise.answers))
        self.rng = torch.Generator("cpu").manual_seed(seed)

    # Inputs: float32 on the CPU, rounded to 0.01 so that they print as they are.

    def uniform(self, *shape: int, low: float, high: float) -> Tensor:
        x = torch.rand(shape, generator=self.rng, device="cpu", dtype=torch.float32)
        return ((low + (high - low) * x) * 100).round() / 100

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
        x = torch.randn(shape, generator=self.rng, device="cpu", dtype=torch.float32)
        return ((mean + std * x) * 100).round() / 100

    def away(self, *shape: int, low: float, high: float) -> Tensor:
        """Uniform on [low, high], with a random sign."""
        return self.uniform(*shape, low=low, high=high) * (
            2 * self.integers(*shape, low=0, high=1) - 1
        )

    def integers(self, *shape: int, low: int, high: int) -> Tensor:
        """Uniform on low, ..., high, both included; int64."""
        return torch.randint(low, high + 1, shape, generator=self.rng, device="cpu")

    def integer(self, low: int, high: int) -> int:
        return int(self.integers(low=low, high=high))

    # The learner's code.

    def call(self, f: Callable, *args: Any, **kwargs: Any) -> Any:
        """``f(*args, **kwargs)`` on copies of the tensors; gradients flow through them.

        Ends the run if it is a stub, raises, or changes global state or its inputs.
        Tensors go into positional arguments: only those are copied and watched.
        """
        owner, home = getattr(f, "__self__", f), torch.device("cpu")
        if isinstance(owner, nn.Module):
            home = next((p.device for p in owner.parameters()), home)
        copies = [a.clone().to(home) if isinstance(a, Tensor) else a for a in args]
        called = self.names.get(id(f), "")
        name = called or getattr(f, "__name__", type(f).__name__)
        self.shown = Call(called, name, args)
        before = torch.initial_seed(), torch.get_default_dtype()
        device = torch.get_default_device()
        out = self.guard(f, *copies, **kwargs)
        if missing(out):
            raise Stop("not attempted", got=f"{name} returned {stub(out)}")
        if torch.initial_seed() != before[0]:
            self.spoiled("global random state reseeded", "The seed was set.")
        if not torch.is_grad_enabled():
            self.spoiled("gradients switched off globally", "Grad mode is off.")
        now = torch.get_default_dtype(), torch.get_default_device()
        if now != (before[1], device):
            self.spoiled("defaults changed globally", f"They are now {now}.")
        for i, (a, b) in enumerate(zip(args, copies)):
            if isinstance(a, Tensor) and not alike(a, b.to(a.device), tol=0.0):
                self.spoiled("input changed in place", f"Argument {i} has changed.")
        for part in (out, *(out if isinstance(out, tuple | list) else ())):
            self.results[key(part)] = part, self.shown
        return out

    def guard(self, f: Callable, *args: Any, **kwargs: Any) -> Any:
        """Run ``f``; an exception there is the learner's, not the check's."""
        try:
            return f(*args, **kwargs)
        except NotImplementedError:
            raise Stop("not attempted", got="NotImplementedError was raised.") from None
        except Exception as error:
            raise Stop("error", got=excerpt(error)) from None

    def edge(self, misconception: str, f: Callable, *args: Any) -> Any:
        """As `call`, where the calls before went well: an error here, or nothing that
        comes back, is the mistake that is named."""
        try:
            return self.call(f, *args)
        except Stop as stop:
            if stop.outcome == "not yet":
                raise
            self.fail(misconception, why="A result.", got=stop.lines["got"])

    def steady(self, f: Callable, *args: Any) -> Any:
        """Two calls give the same: what is drawn and what is kept are told apart."""
        self.property("the same input gives the same again")
        before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
        out, two = self.call(f, *args), self.call(f, *args)
        if not alike(out, two):
            torch.set_rng_state(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
            drawn = alike(out, self.call(f, *args))
            name = "estimated from samples" if drawn else "result of an earlier call"
            self.fail(name, why="Nothing random, and nothing kept.", got="another one")
        return out

    def spoiled(self, misconception: str, got: str):
        self.properties[-1:] = ["a call changes nothing but what it returns"]
        self.fail(misconception, why="Inputs and global state as before.", got=got)

    def about(self, out: Any):
        found = self.results.get(key(out))
        if out is not None and found:
            self.shown = found[1]

    def arguments(self) -> tuple:
        return self.shown.args

    def describe(self) -> str:
        """The call that is shown, tensors of up to four entries written out."""
        call = self.shown
        return f"{call.name}({', '.join(map(literal, call.args))})" if call.args else ""


def alike(a: Any, b: Any, tol: float = 1e-5) -> bool:
    """The same, part by part, or nearly; nan is like nan."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        near = {"rtol": tol, "atol": tol / 10, "equal_nan": True}
        kind = a.shape == b.shape and a.dtype == b.dtype
        return kind and torch.allclose(a, b, **near)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(alike, a, b))
    return type(a) is not type(b) or bool(a == b)


def key(out: Any) -> int:
    """What a result and its views have in common."""
    if isinstance(out, Tensor) and out.layout == torch.strided and out.numel():
        return out.untyped_storage().data_ptr()
    return id(out)
