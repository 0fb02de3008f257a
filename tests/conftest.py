"""Shapes are checked at every call of the library, and one thread is used."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

from jaxtyping import install_import_hook

install_import_hook("gmcourse", "beartype.beartype")

import pytest  # noqa: E402
import torch  # noqa: E402
from jaxtyping import config  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture
def as_users_run_it():
    """Without the shape checks of the tests: bad input must meet our own errors."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def _fresh_random_stream():
    """Every test starts from the same stream, whatever ran before it."""
    torch.manual_seed(0)


def pytest_collection_modifyitems(items):
    reason = "needs a CUDA device: run the tests on a machine with an NVIDIA GPU"
    for item in items:
        if "cuda" in item.keywords and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason=reason))
