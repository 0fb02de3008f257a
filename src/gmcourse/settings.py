"""Where a run happens and at what size: its seed, its device, its scale."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ._arguments import setting

__all__ = ["budget", "default_device", "scale", "seeded"]


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
    name = setting("GMCOURSE_SCALE") or default
    if name not in ("smoke", "cpu", "gpu"):
        raise ValueError(f"GMCOURSE_SCALE is {name!r}; expected smoke, cpu or gpu")
    return name


def budget(*, smoke: Any, cpu: Any, gpu: Any) -> Any:
    """The value for the scale at hand: ``budget(smoke=20, cpu=2_000, gpu=20_000)``."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[scale()]
