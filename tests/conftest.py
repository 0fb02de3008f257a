"""Shapes are checked at every call of the library, and one thread is used."""

import os
import shutil

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

from jaxtyping import install_import_hook

install_import_hook("gmcourse", "beartype.beartype")

import pytest  # noqa: E402
from jaxtyping import config  # noqa: E402

# torch is imported where it is used: the process that only hands out the tests to
# others reads this file too, and would let them wait for seconds.


@pytest.fixture
def as_users_run_it():
    """Without the shape checks of the tests: bad input must meet our own errors."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def _fresh_random_stream():
    """Every test starts from the same stream, whatever ran before it."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def small_book(tmp_path_factory):
    """A folder with one small chapter, executed once."""
    from small_chapter import chapter_text

    import notebooks

    folder = tmp_path_factory.mktemp("book") / "notebooks"
    folder.mkdir()
    (folder / "01_doubling.md").write_text(chapter_text(), encoding="utf-8")
    words = ["--folder", str(folder), "execute", "01", "--threads", "1"]
    assert notebooks.main(words) == 0
    return folder


@pytest.fixture
def book(small_book, tmp_path):
    """A copy of that folder, to do harm to."""
    shutil.copytree(small_book, tmp_path, dirs_exist_ok=True)
    return tmp_path


def pytest_collection_modifyitems(items):
    import torch

    torch.set_num_threads(1)
    reason = "needs a CUDA device: run the tests on a machine with an NVIDIA GPU"
    for item in items:
        if "cuda" in item.keywords and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason=reason))
