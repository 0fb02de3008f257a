"""Where a run happens and at what size: its seed, its device, its scale."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ._arguments import integer, setting

__all__ = ["budget", "default_device", "scale", "seeded", "spread"]


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


def spread(run: Callable[[], Any], seeds: int = 5) -> Tensor:
    """What ``run()`` gives under the seeds 0, 1, …: one number is an anecdote.

    Args:
        run: a number, several, or a tensor; drawn, trained and measured anew each time.
        seeds: how many.

    Returns:
        ``(seeds, ...)``, in double precision on the CPU: ``v.mean(0)``, and for the
        spread of one run ``v.std(0)``.

    Raises:
        ValueError, TypeError: ``seeds`` is not an integer of at least 2.

    Example:
        >>> v = spread(lambda: torch.randn(10_000).mean(), seeds=20)
        >>> bool(v.std() < 0.02)  # one run's standard error is 0.01
        True
    """
    found = []
    for seed in range(integer("seeds", seeds, 2)):
        with seeded(seed):
            value = torch.as_tensor(run()).detach().cpu()
        found.append(value.double())
    return torch.stack(found)


def default_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def scale() -> str:
    """``GMCOURSE_SCALE`` (smoke, cpu or gpu); unset, gpu where CUDA is, else cpu.

    Raises:
        ValueError: the variable holds another word.
    """
    default = "gpu" if torch.cuda.is_available() else "cpu"
    name = setting("GMCOURSE_SCALE") or default
    if name not in ("smoke", "cpu", "gpu"):
        raise ValueError(f"GMCOURSE_SCALE is {name!r}; expected smoke, cpu or gpu")
    return name


def budget(*, smoke: Any, cpu: Any, gpu: Any) -> Any:
    """The value for the scale at hand: ``budget(smoke=20, cpu=2_000, gpu=20_000)``."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[scale()]
