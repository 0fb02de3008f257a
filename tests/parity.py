"""Parity between what a chapter builds and what the library ships.

A chapter may hold a second copy of a definition only under a test that executes it
and compares it with the library's:

    @parity("03_variational_autoencoders", "Encoder")
    def test_encoder():
        notebook = build_namespace("03_variational_autoencoders")
        mine, theirs = notebook["Encoder"](2), gmcourse.vae.Encoder(2)
        copy_weights(theirs, mine)
        torch.testing.assert_close(mine(x), theirs(x))
"""

import contextlib
import io
import linecache
import os
import sys
import types
from unittest import mock

import torch
from chapters import ROOT, Chapter, built, tags
from IPython.core.inputtransformer2 import TransformerManager
from torch import nn

from gmcourse import seeded

NOTEBOOKS = ROOT / "notebooks"


def build_namespace(name, upto=None, folder=NOTEBOOKS):
    """Execute the cells tagged `imports` or `build` of a chapter, and no others.

    On the CPU, at the smoke scale, from seed 0, with the caller's random stream
    untouched and printed output discarded. `upto` stops after the first `build` cell
    that defines that name. Returns the namespace as a dict.
    """
    chapter = Chapter.read(folder / f"{name}.md")
    if upto is not None and upto not in built(chapter):
        raise ValueError(
            f"{name} defines no {upto!r} in a build cell: {built(chapter)}"
        )
    module = types.ModuleType(f"chapter_{name}")
    sys.modules[module.__name__] = module  # dataclasses and pickle look there
    namespace = vars(module)
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, GMCOURSE_SCALE="smoke"))
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.device("cpu"))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        torch.manual_seed(0)
        for number, cell in chapter.code():
            if not {"imports", "build"} & set(tags(cell)):
                continue
            _execute(cell, f"<{name}, cell {number}>", namespace)
            if upto is not None and "build" in tags(cell) and upto in namespace:
                break
    return namespace


def _execute(cell, label, namespace):
    source = TransformerManager().transform_cell(cell.source)
    # For tracebacks and inspect.getsource.
    linecache.cache[label] = (len(source), None, source.splitlines(True), label)
    try:
        exec(compile(source, label, "exec"), namespace)
    except NameError as error:
        raise NameError(
            f"{label}: {error}. A build cell may use only what cells tagged `imports` "
            "or `build` define: tag the cell that defines it."
        ) from error


def copy_weights(source, target):
    """Copy parameters and buffers by order; names may differ, shapes may not."""
    have, want = source.state_dict(), target.state_dict()
    if len(have) != len(want):
        raise ValueError(
            f"{type(source).__name__} has {len(have)} tensors {[*have]}, "
            f"{type(target).__name__} {len(want)} {[*want]}: same architecture?"
        )
    for i, ((a, x), (b, y)) in enumerate(zip(have.items(), want.items())):
        if x.shape != y.shape:
            raise ValueError(
                f"tensor {i} is {a} {tuple(x.shape)} in {type(source).__name__} but "
                f"{b} {tuple(y.shape)} in {type(target).__name__}: same order?"
            )
    with torch.no_grad():
        for x, y in zip(have.values(), want.values()):
            y.copy_(x)


def shaken(module):
    """In double precision, with random weights."""
    with seeded(1):
        for weight in module.double().parameters():
            nn.init.normal_(weight, std=0.4)
    return module


def values(*shape):
    """Normal ones in double precision, the same each time."""
    with seeded(2):
        return torch.randn(*shape, dtype=torch.float64)


def parity(name, *names, folder=NOTEBOOKS):
    """Mark a test as the one that compares these definitions of a chapter.

    The arguments must be literal strings: `rules_of_library.covered` reads them without
    importing the test. Raises ValueError where the chapter builds no such name.
    """
    if not names:
        raise ValueError(f"parity({name!r}) names no definition")
    have = built(Chapter.read(folder / f"{name}.md"))
    unknown = sorted(set(names) - set(have))
    if unknown:
        raise ValueError(f"{name} builds no {unknown}: its build cells define {have}")
    return lambda test: test
