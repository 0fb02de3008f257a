"""Chapters and models on a second device, pretended where there is none."""

import contextlib
import functools
import io
import os
import re
import types
from pathlib import Path

import changed
import exercise_source
import jaxtyping
import matplotlib
import pytest
import torch
from chapters import Chapter
from exercise_tools import CATALOG, VERSIONS
from IPython.core.inputtransformer2 import TransformerManager
from IPython.display import display
from models import MODELS, batch_for, optimizer_for
from pretended import DEVICE, pretended_device

import gmcourse as gm
from gmcourse import histogram, mixtures
from gmcourse._arguments import within_unit
from gmcourse.classifiers import FeatureClassifier
from gmcourse.data import densities
from gmcourse.linear_gaussian import LinearGaussian
from gmcourse.metrics import compare, importance_weighted_bound

# With SINCE=origin/main those that the change concerns.
CHAPTERS = changed.chapters(os.environ.get("SINCE", ""))


def test_the_pretense_notices_what_a_gpu_would():
    with pretended_device():
        here, there = torch.randn(3), torch.randn(3).to(DEVICE)
        assert (there * 2 + torch.tensor(1.0)).device == DEVICE
        assert there[torch.tensor([0, 2])].device == DEVICE
        assert torch.zeros_like(there).device == torch.ones(2, device=DEVICE).device
        assert there.cpu().device == here.device == there.to("cpu").to(here).device
        for stray in (
            lambda: here + there,
            lambda: here * there.sum(),
            lambda: here[there.long()],
            lambda: torch.nn.Linear(3, 2)(there),
        ):
            with pytest.raises(RuntimeError, match="one device"):
                stray()
        with pytest.raises(TypeError, match=r"use \.cpu"):
            there.numpy()


@pytest.mark.parametrize("name", list(MODELS))
def test_models_train_and_sample_where_they_are(name):
    with pretended_device():
        model = MODELS[name]().to(DEVICE)
        x, c = batch_for(model, 8)
        assert x.device == model.device == DEVICE
        if isinstance(model, gm.GenerativeModel):
            assert model.sample(4, c if c is None else c[:4]).device == DEVICE
        if not any(model.players().values()):
            return
        optimizer, ema = optimizer_for(model), gm.EMA(model)
        size = max(4, model.smallest_batch)
        data = gm.data.Batches(x, c, batch_size=size, device=DEVICE)
        for step in gm.train(model, data, optimizer, steps=3, ema=ema, clip=1.0):
            assert all(loss.device == DEVICE for loss in step.losses.values())
        if isinstance(model, gm.GenerativeModel):
            assert ema.model.sample(4, c if c is None else c[:4]).device == DEVICE


PLANES = [
    densities.eight_gaussians,
    densities.grid25,
    densities.checkerboard,
    densities.rings,
    densities.banana,
    densities.funnel,
    densities.pinwheel,
    lambda: densities.picture([[0.0, 1.0], [2.0, 1.0]]),
    densities.double_well,
    *[functools.partial(densities.rezende_mohamed, n) for n in (1, 2, 3, 4)],
]


@pytest.mark.parametrize("make", PLANES)
def test_densities_are_evaluated_where_the_points_are(make):
    with pretended_device():
        plane, x = make(), 0.3 * torch.randn(20, 2)
        value = plane.energy if hasattr(plane, "energy") else plane.log_prob
        assert value(x.to(DEVICE)).device == DEVICE
        assert torch.equal(value(x.to(DEVICE)).cpu(), value(x))


def test_what_a_density_is_made_of_may_be_anywhere():
    with pretended_device(), gm.seeded(0):
        for made in (
            densities.rings(torch.tensor([1.0, 2.0]).to(DEVICE)),
            densities.GaussianMixture(torch.zeros(1, 2).to(DEVICE), stds=1.0),
            densities.picture(torch.eye(2).to(DEVICE)),
        ):
            assert made.sample(3).device.type == "cpu"


@pytest.mark.parametrize("condition", [gm.Labels(3), gm.Like((1, 2, 2))])
def test_conditions_are_made_where_the_model_is(condition):
    with pretended_device():
        like = torch.zeros(1).to(DEVICE)
        c = condition.example(4, like)
        for made in (c, condition.null(4, like), condition.drop(c, 0.5)):
            assert made.device == DEVICE


def test_pixels_on_a_gpu_are_looked_at_where_it_is_worth_the_wait():
    with pretended_device():
        x = torch.tensor([0.0, 2.0]).to(DEVICE)
        within_unit(x)
        with pytest.raises(ValueError, match="values from 0 to 2"):
            within_unit(x, wait=True)
        within_unit(x[:0], wait=True)


def test_batches_bring_labels_to_the_data():
    with pretended_device():
        x, c = torch.arange(6.0), torch.arange(6)
        here = gm.data.Batches(x, c, batch_size=3, device=DEVICE)
        there = gm.data.Batches(x.to(DEVICE), c, batch_size=3)
        for batches in (here, there):
            for part in (*next(batches), batches.x, batches.c):
                assert part.device == DEVICE


def test_models_without_networks_are_fitted_where_the_data_is():
    with pretended_device(), gm.seeded(0):
        x = torch.rand(60, 1, 4, 4).round().to(DEVICE)
        mixture = mixtures.BernoulliMixture(3, (1, 4, 4)).to(DEVICE)
        mixture.fit(x, steps=2)
        seen = torch.ones(4, 4, dtype=torch.bool, device=DEVICE)
        done = mixture.complete(x[:5], seen)
        bayes = mixtures.BayesClassifier([mixture] * 2, torch.ones(2)).to(DEVICE)
        plane = torch.randn(200, 2).to(DEVICE)
        boxes = histogram.Histogram([(-4.0, 4.0)] * 2, 8).to(DEVICE)
        boxes.fit(plane)
        gaussians = mixtures.fit_mixture(plane, 2, steps=2)
        halves = torch.rand(200, 2, device=DEVICE).softmax(1)
        one_step = mixtures.m_step(plane, halves, floor=0.1)
        for out in (
            mixture.sample(3),
            done,
            bayes.posterior(x),
            bayes.sample(4, torch.arange(4) % 2),
            boxes.log_prob(plane),
            boxes.sample(3),
            gaussians.log_prob(plane),
            one_step.log_prob(plane),
        ):
            assert out.device == DEVICE


def test_oracles_and_bounds_stay_where_the_model_is():
    with pretended_device(), torch.no_grad():
        linear = LinearGaussian(5, 2).to(DEVICE)
        x = linear.sample(8)
        vae = linear.as_vae()
        for out in (
            *linear.posterior(x),
            vae.elbo(x),
            vae.iw_bound(x, k=3),
            importance_weighted_bound(vae, x, k=7),
        ):
            assert out.device == DEVICE
        judge = FeatureClassifier((1, 8, 8), (3,)).to(DEVICE)
        images = torch.rand(12, 1, 8, 8)
        compare(images.to(DEVICE), images, images, judge, "own")
        with pytest.raises(ValueError, match="expected 0 to 1"):
            judge.features_of(2 * images.to(DEVICE) - 1)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapters_train_on_the_device_that_is_there(path: Path, monkeypatch):
    """Every cell at smoke scale, as a reader with a GPU would run it.

    And nothing leaves to numpy but by ``.numpy()``: with numpy 2.5 all else warns. Then
    the shown solution of each exercise stands in place of its stub, among the names
    that the chapter has left, and its check passes.
    """

    def implicit(self, *args, **kwargs):
        raise TypeError("a tensor where an array is due: pass x.numpy()")

    monkeypatch.setattr(torch.Tensor, "__array__", implicit)
    monkeypatch.setenv("GMCOURSE_SCALE", "smoke")
    # A reader runs without the checks of shapes, which take no int for a float.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    matplotlib.use("agg")
    trained, train = [], gm.train

    def watched(model, *args, **kwargs):
        trained.append(next(model.parameters()).device)
        return train(model, *args, **kwargs)

    monkeypatch.setattr(gm, "train", watched)
    # Where tensors are is no matter of the seed: two runs stand for all.
    spread = gm.spread
    again = lambda run, seeds=5: spread(run, 2)[torch.arange(seeds) % 2]  # noqa: E731
    monkeypatch.setattr(gm, "spread", again)
    module = types.ModuleType(path.stem)
    module.display = display
    with pretended_device(), contextlib.redirect_stdout(io.StringIO()):
        for number, cell in Chapter.read(path).code():
            source = TransformerManager().transform_cell(cell.source)
            label = f"<{path.stem}, cell {number}>"
            exec(compile(source, label, "exec"), vars(module))
    text = path.read_text(encoding="utf-8")
    assert set(trained) == ({DEVICE} if "gm.train(" in text else set())
    for id in re.findall(r"<!-- exercise: (\S+) -->", text):
        exercise = CATALOG[id]
        if exercise.check is not None:
            solution = exercise_source.solution(VERSIONS[id], exercise)
            exec(compile(solution, f"<solution of {id}>", "exec"), vars(module))
            with contextlib.redirect_stdout(io.StringIO()) as said:
                verdict = eval(exercise.usage, vars(module))
            assert verdict.outcome == "passed", (id, said.getvalue())
