"""Checks of samples."""

import torch

from ..core import GenerativeModel
from ..settings import seeded
from ._tools import BAD, conditions_that_differ, refuses, shaken


def samples_have_the_shape(model: GenerativeModel) -> None:
    want = model.dtype or model._like().dtype
    for n in (1, 5):
        x = model.sample(n, model.example(n)[1])
        due = (n, *model.event_shape)
        assert tuple(x.shape) == due, f"{tuple(x.shape)}; expected {due}"
        assert x.dtype == want, f"samples are {x.dtype}; expected {want}"
        assert not x.requires_grad, "samples carry a gradient"
        assert x.device == model.device, f"samples are on {x.device}"
        assert not x.is_floating_point() or x.isfinite().all(), "not finite"


def sampling_leaves_the_modes_alone(model: GenerativeModel) -> None:
    """Eval mode while drawing; afterward every part in its own, also a frozen one."""
    during, draw = [], model.draw

    def watched(*args, **how):
        during.extend(m.training for m in model.modules())
        return draw(*args, **how)

    model.draw = watched
    for mode in (True, False):
        modules = list(model.train(mode).modules())
        modules[-1].train(not mode)
        modes = [m.training for m in modules]
        model.sample(2, model.example(2)[1])
        assert [m.training for m in modules] == modes, "a part changed its mode"
    assert during and not any(during), "drawing was not in eval mode"


def seed_decides_the_samples(model: GenerativeModel) -> None:
    c = model.example(16)[1]
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with seeded(3):
        first = model.sample(16, c)
    assert torch.equal(torch.rand(3), expected), "the outer random stream has moved"
    with seeded(3):
        assert torch.equal(first, model.sample(16, c)), "one seed, two samples"
    with seeded(4):
        assert not torch.equal(first, model.sample(16, c)), "two seeds, one sample"
    c = None if c is None else c[:1].expand(64, *c.shape[1:])
    many = model.sample(64, c)
    assert (many != many[0]).any(), "all samples of one call are the same"


def bad_requests_are_refused(model: GenerativeModel) -> None:
    c = model.example(1)[1]
    for n in (0, -1, 2.0, True, "3"):
        refuses(lambda n=n: model.sample(n, c), BAD, f"n = {n!r}")
    what = "a keyword that the model does not know"
    refuses(lambda: model.sample(1, c, nonsense=3), (TypeError,), what)


def condition_is_used(model: GenerativeModel) -> None:
    shaken(model)
    for a, b in conditions_that_differ(model):
        with seeded(0):
            one = model.sample(8, a)
        with seeded(0):
            two = model.sample(8, b)
        if not torch.equal(one, two):
            return
    raise AssertionError("samples are the same whatever the condition")
