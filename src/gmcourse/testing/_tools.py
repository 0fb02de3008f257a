"""What the checks of the battery share."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ..core import Model


def shaken(model: Model, by: float = 0.1) -> Model:
    """With noise on all weights: a layer of zeros hides what is before it."""
    with torch.no_grad():
        for p in model.parameters():
            if p.is_floating_point():
                p.add_(by * torch.randn_like(p))
    return model


def optimizers(model: Model, lr: float = 1e-3) -> dict[str, torch.optim.Optimizer]:
    """Adam for each player."""
    return {k: torch.optim.Adam(w, lr) for k, w in model.players().items()}


def state_of(model: nn.Module) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def example(model: Model, n: int) -> tuple[Tensor, Tensor | None]:
    """A random batch of ``n``, or of more where the model asks for more."""
    return model.example(max(n, model.smallest_batch))


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def refuses(call: Callable, kinds: tuple[type[Exception], ...], what: str) -> None:
    """``call`` raises one of ``kinds``, with a sentence of ours."""
    try:
        call()
    except kinds as error:
        assert len(str(error)) > 20, f"{what}: the message is {str(error)!r}"
        return
    except Exception as error:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise AssertionError(
            f"{what}: expected {names}, got {type(error).__name__}: {error}"
        ) from error
    raise AssertionError(f"{what} is accepted")


BAD = ValueError, TypeError


def conditions_that_differ(model: Model) -> Iterator[tuple[Tensor, Tensor]]:
    """Twenty pairs of eight conditions."""
    for _ in range(20):
        a, b = model.example(8)[1], model.example(8)[1]
        assert a is not None and b is not None
        yield a, b
