"""The average of a model's weights, and defaults that other code relies on."""

import inspect

import pytest
import torch
from models import MODELS

import gmcourse as gm
from gmcourse.data.densities import GaussianMixture
from gmcourse.mixtures import BernoulliMixture
from gmcourse.vae import VAE


@pytest.mark.parametrize("name", ["vae bernoulli", "gan"])
def test_an_average_is_for_evaluation(name):
    """In eval mode, without gradients, and none of it is the model's own."""
    model = MODELS[name]()
    ema = gm.EMA(model)
    assert not any(part.training for part in ema.model.modules())
    assert not any(p.requires_grad for p in ema.model.parameters())
    assert all(p.requires_grad for p in model.parameters())
    own = {p.data_ptr() for p in model.parameters()}
    assert not own & {p.data_ptr() for p in ema.model.parameters()}


def test_bounds_have_the_draws_that_are_documented():
    """One draw is the ELBO's; the rest is what the zoo and the chapters compare by."""
    model = MODELS["vae bernoulli"]()
    assert model.log_weights(model.example(3)[0]).shape == (1, 3)
    assert inspect.signature(VAE.iw_bound).parameters["k"].default == 50


def test_a_mixture_of_images_is_that_of_their_pixels():
    flat, image = BernoulliMixture(3, (6,)), BernoulliMixture(3, (1, 2, 3))
    image.load_state_dict(flat.state_dict())
    x = (torch.rand(5, 6) > 0.5).float()
    seen = torch.rand(6) > 0.3
    torch.testing.assert_close(
        image.log_prob(x.view(5, 1, 2, 3)), flat.log_prob(x), rtol=0, atol=1e-6
    )
    torch.testing.assert_close(
        image.log_joint(x.view(5, 1, 2, 3), seen=seen.view(1, 2, 3)),
        flat.log_joint(x, seen=seen),
    )


@pytest.mark.parametrize(("alpha", "sigma"), [(0.0, 0.0), (1.0, -0.1)])
def test_a_diffusion_to_a_point_is_refused(alpha, sigma):
    with pytest.raises(ValueError, match="not both zero"):
        GaussianMixture([[3.0]], stds=2.0).diffused(alpha, sigma)
    law = GaussianMixture([[3.0]], stds=2.0).diffused(0.0, 0.5)
    assert law.means.item() == 0 and law.covs.item() == 0.25


@pytest.mark.parametrize("name", list(MODELS))
def test_examples_are_varied(name):
    """The battery stands on them: a constant batch would hide what depends on x."""
    model = MODELS[name]()
    x, c = model.example(64)
    other, _ = model.example(64)
    assert len(x.flatten(1).unique(dim=0)) > 32 and not torch.equal(x, other)
    assert c is None or len(c.flatten(1 if c.ndim > 1 else 0).unique(dim=0)) > 1


@pytest.mark.parametrize("decay", [1.0, -0.1, float("nan")])
def test_an_average_that_never_moves_is_refused(decay):
    with pytest.raises(ValueError, match=r"decay is .*expected 0 <= decay < 1"):
        gm.EMA(torch.nn.Linear(1, 1), decay=decay)
