"""The contract's battery: what every model of the course is held to, for yours as well.

Example:
    >>> from gmcourse.testing import check_model
    >>> from gmcourse.linear_gaussian import LinearGaussian
    >>> check_model(LinearGaussian(3, 2))[:2]
    ['losses are finite scalars', 'a loss is a batch mean']

The checks that apply follow from the model itself: its class (a GenerativeModel can
``sample``), its ``players()``, its ``condition``, ``exact``. Each works on a copy with
weights of its own, so the model is unchanged. It takes seconds for small nets: give a
small instance.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

from ..core import GenerativeModel, Model
from ..settings import seeded
from ._densities import (
    log_prob_is_one_number_each,
    loss_is_minus_log_prob,
    probabilities_sum_to_one,
    samples_follow_log_prob,
)
from ._losses import (
    any_condition_is_refused,
    bad_input_is_refused,
    eval_loss_changes_nothing,
    loss_is_a_batch_mean,
    loss_uses_the_condition,
    losses_are_finite_scalars,
    works_in_double,
    wrong_condition_is_refused,
)
from ._sampling import (
    bad_requests_are_refused,
    condition_is_used,
    samples_have_the_shape,
    sampling_leaves_the_modes_alone,
    seed_decides_the_samples,
)
from ._tools import optimizers
from ._training import (
    gradients_reach_every_weight,
    loss_goes_down,
    resumes_to_the_bit,
    trains_averaged_in_bfloat16,
    weights_are_saved_and_loaded,
)

__all__ = ["battery", "check_model", "optimizers"]

Check = Callable[[Any], None]


def check_model(model: Model, seed: int = 0) -> list[str]:
    """Hold a model to the contract of ``gmcourse.core``; return what was checked.

    Raises:
        AssertionError: a check failed. It says which one, and why.
        TypeError: it is no ``gmcourse.Model``.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is a {type(model).__name__}; expected a gmcourse.Model")
    done = []
    for name, check in battery(model):
        with seeded(seed):
            try:
                check(copy.deepcopy(model).train())
            except Exception as error:
                text = f"{type(model).__name__}: {name}? {type(error).__name__}: "
                raise AssertionError(text + str(error)) from error
        done.append(name)
    return done


def battery(model: Model) -> list[tuple[str, Check]]:
    """The checks that apply to this model: name and function of a fresh copy."""
    checks: list[tuple[str, Check]] = [
        ("losses are finite scalars", losses_are_finite_scalars),
    ]
    one_player = len(model.players()) == 1
    trains = any(model.players().values())
    if one_player:
        checks.append(("a loss is a batch mean", loss_is_a_batch_mean))
    checks.append(("a loss in eval mode changes nothing", eval_loss_changes_nothing))
    checks.append(("bad input is refused", bad_input_is_refused))
    checks.append(("weights are saved and loaded", weights_are_saved_and_loaded))
    if any(v.is_floating_point() for v in model.state_dict().values()):
        checks.append(("it works in double precision", works_in_double))
    if model.condition is not None:
        checks.append(("a wrong condition is refused", wrong_condition_is_refused))
    else:
        checks.append(("a condition is refused", any_condition_is_refused))
    if trains:
        checks += [
            ("gradients reach every weight", gradients_reach_every_weight),
            ("it trains, averaged and in bfloat16", trains_averaged_in_bfloat16),
            ("a stopped run goes on to the bit", resumes_to_the_bit),
        ]
    if trains and one_player and not model.surrogate:
        checks.append(("the loss of one batch goes down", loss_goes_down))
    if model.condition is not None:
        checks.append(("a loss uses the condition", loss_uses_the_condition))
    if isinstance(model, GenerativeModel):
        checks += [
            ("samples have the shape", samples_have_the_shape),
            ("sampling leaves the modes alone", sampling_leaves_the_modes_alone),
            ("a seed decides the samples", seed_decides_the_samples),
            ("bad requests for samples are refused", bad_requests_are_refused),
        ]
        if model.condition is not None:
            checks.append(("the condition is used", condition_is_used))
        if model.exact and trains:
            checks.append(("samples follow log_prob", samples_follow_log_prob))
    if model.exact:
        checks.append(("log_prob is one number each", log_prob_is_one_number_each))
    if model.exact and trains:
        checks.append(("the loss is minus log_prob", loss_is_minus_log_prob))
    if model.exact and (model.levels or 10**9) ** math.prod(model.event_shape) < 20_000:
        checks.append(("probabilities sum to one", probabilities_sum_to_one))
    return checks
