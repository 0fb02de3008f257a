"""One run of one check.

A check is a function ``check(t, *answers)`` that takes random inputs from a ``Trial``
``t``, runs the learner's code through ``t.call`` and states properties of what came
out. The first that does not hold ends the run.
"""

import contextlib
import copy
import os
import random
import time

import numpy as np
import torch
from torch import nn

from ._exercise import Exercise, Stop, Verdict, missing
from ._report import excerpt, frames, report, stub
from ._trial import Trial

__all__ = ["Exercise", "run"]


def run(exercise: Exercise, given: tuple, seed: int | None = None) -> Verdict:
    """Check the answers ``given``, with inputs drawn from ``seed``."""
    if exercise.check is None:
        raise ValueError(f"{exercise.id} is an open exercise: it has no check")
    answers = exercise.bind(given)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "big") % 1_000_000
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise ValueError(f"seed is {seed!r}; expected an integer, 0 or more")
    t = Trial(exercise, answers, seed)
    stop = Stop("passed")
    start = time.perf_counter()
    with undisturbed(seed, answers):
        try:
            for name, answer in zip(exercise.answers, answers):
                if missing(answer):
                    raise Stop("not attempted", got=f"{name} is {stub(answer)}")
            exercise.check(t, *answers)
        except Stop as reason:
            stop = reason
        except Exception as error:
            # Checks are proven on right answers, so it is most likely what came out:
            # a list for a tensor, a class without the method that is asked for.
            got = excerpt(error)
            if not frames(error):
                got = f"The check cannot go on with what {t.name or 'it'} gave.\n{got}"
            stop = Stop("error", got=got)
    seconds = time.perf_counter() - start
    return Verdict(
        id=exercise.id,
        outcome=stop.outcome,
        text=report(exercise, t, stop, seed, seconds),
        misconception=stop.misconception,
        properties=tuple(t.properties),
        args=t.args,
        seed=seed,
        seconds=seconds,
        false_alarm=t.false_alarm,
    )


@contextlib.contextmanager
def undisturbed(seed: int, answers: list):
    """The check's own random streams and modes; the learner's come back unchanged."""
    cuda = torch.cuda.is_initialized()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with contextlib.ExitStack() as stack:
        gpus = list(range(torch.cuda.device_count())) if cuda else []
        stack.enter_context(torch.random.fork_rng(devices=gpus))
        stack.enter_context(torch.inference_mode(False))  # which turns gradients on
        if device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        modules = [a for a in answers if isinstance(a, nn.Module)]
        states = [copy.deepcopy(m.state_dict()) for m in modules]
        modes = [(s, s.training) for m in modules for s in m.modules()]
        try:
            # Another stream than the inputs', and no seed that a learner would set.
            stream = 2**40 + 1_000_003 + seed
            # Not torch.manual_seed: it would also seed a CUDA that starts later.
            torch.default_generator.manual_seed(stream)
            if cuda:
                torch.cuda.manual_seed_all(stream)
            random.seed(stream)
            np.random.seed(stream % 2**32)  # noqa: NPY002
            torch.set_default_dtype(torch.float32)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
            torch.set_default_dtype(dtype)
            for module, state in zip(modules, states):
                module.load_state_dict(state)
            for module, training in modes:
                module.training = training
