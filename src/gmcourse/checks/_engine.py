"""One run of one check.

A check is a function ``check(t, *answers)`` that takes random inputs from a ``Trial``
``t``, runs the learner's code through ``t.call`` and states properties of what came
out. The first that does not hold ends the run.
"""

import os
import time

from torch import nn

from ._exercise import Exercise, Stop, Verdict, missing
from ._report import excerpt, frames, report, stub
from ._surroundings import TimeUp, deadline, few_lines, undisturbed
from ._trial import Trial

__all__ = ["ENGINE", "run"]

# Raised by hand when a verdict can change: the proofs of all checks are then stale.
ENGINE = 3

LIMITS = {"cpu-instant": 20.0}  # seconds of one check; none where more is asked for


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
    limit = LIMITS.get(exercise.compute, 3600.0)
    start = time.perf_counter()
    with undisturbed(seed, answers), few_lines():
        try:
            with deadline(limit):
                for name, answer in zip(exercise.answers, answers):
                    if missing(answer):
                        raise Stop("not attempted", got=f"{name} is {stub(answer)}")
                exercise.check(t, *answers)
        except Stop as reason:
            stop = reason
        except TimeUp:
            told = {"expected": f"An end within {limit:g} s.", "got": "None so far."}
            stop = Stop("not yet", "too slow", **told)
        except Exception as error:
            # Checks are proven on right answers, so it is most likely what came out:
            # a list for a tensor, a class without the method that is asked for.
            stop = Stop("error", got=unusable(error, t, answers))
    seconds = time.perf_counter() - start
    return Verdict(
        id=exercise.id,
        outcome=stop.outcome,
        text=report(exercise, t, stop, seed, seconds),
        misconception=stop.misconception,
        properties=tuple(t.properties),
        args=t.shown.args,
        seed=seed,
        seconds=seconds,
        false_alarm=t.false_alarm,
    )


def unusable(error: Exception, t: Trial, answers: list) -> str:
    """What to say of an exception in the check's own lines."""
    if frames(error):
        return excerpt(error)
    owner = getattr(error, "obj", None)
    if isinstance(error, AttributeError) and error.name:
        name = t.names.get(id(owner), type(owner).__name__)
        if any(owner is a for a in answers) or isinstance(owner, nn.Module):
            return f"{name} has no `{error.name}`, which the exercise asks for."
    gave = f"with what {t.shown.name} gave" if t.shown.name else "with what was given"
    return f"The check cannot go on {gave}.\n{excerpt(error)}"
