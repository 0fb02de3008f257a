"""Likelihoods: sums of one, torch's own values, draws that follow, nothing cancels."""

import math

import pytest
import torch
from torch.distributions import Normal
from torch.nn import functional as F

from gmcourse import seeded
from gmcourse.likelihoods import (
    Bernoulli,
    Categorical,
    DiscretizedLogistic,
    FixedGaussian,
    Gaussian,
    LogisticMixture,
    Tokens,
)


def grid(levels):
    return torch.arange(levels, dtype=torch.float64) / (levels - 1)


@pytest.mark.parametrize("log_scale", [-9.0, -5.0, -2.0, 1.0])
@pytest.mark.parametrize("mean", [-0.5, 0.0, 0.4999, 1.0, 3.0])
def test_discretized_logistic_sums_to_one(mean, log_scale):
    lik = DiscretizedLogistic(levels=256)
    params = torch.tensor([mean, log_scale], dtype=torch.float64).expand(256, 2)
    total = lik.log_prob(params, grid(256)[:, None]).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-9)


def test_discretized_logistic_is_the_difference_of_two_sigmoids():
    lik, x = DiscretizedLogistic(256), grid(256)[1:-1, None]
    params = torch.tensor([[0.45, -2.5]], dtype=torch.float64).expand(254, 2)
    half = 0.5 / 255
    upper = torch.sigmoid((x + half - 0.45) / math.exp(-2.5))
    lower = torch.sigmoid((x - half - 0.45) / math.exp(-2.5))
    torch.testing.assert_close(
        lik.log_prob(params, x), (upper - lower).log().squeeze(1), rtol=1e-9, atol=0
    )


def test_discretized_logistic_is_finite_with_gradients_at_extremes():
    lik = DiscretizedLogistic(256)
    means = torch.tensor([-1e3, -1.0, 0.0, 1.0, 1e3])
    scales = torch.tensor([-20.0, -7.0, 0.0, 7.0])
    params = torch.cartesian_prod(means, scales).requires_grad_()
    for value in (0.0, 100 / 255, 1.0):
        log_prob = lik.log_prob(params, torch.full((20, 1), value))
        (grad,) = torch.autograd.grad(log_prob.clamp(min=-1e30).sum(), params)
        assert not log_prob.isnan().any() and not grad.isnan().any()


def test_discretized_logistic_samples_follow_its_probabilities():
    lik, n = DiscretizedLogistic(16), 60_000
    params = torch.tensor([[0.3, -2.0]])
    x = lik.sample(params.expand(n, 2))
    counts = torch.bincount((x * 15).round().long().squeeze(1), minlength=16)
    p = lik.log_prob(params.expand(16, 2), grid(16).float()[:, None]).exp()
    keep = p * n > 20
    chi2 = ((counts - p * n).square() / (p * n))[keep].sum()
    assert chi2 < 70  # 15 degrees of freedom or fewer: false alarm below 1e-8


def test_discretized_logistic_means_and_draws_keep_the_channels():
    lik, params = DiscretizedLogistic(16), torch.randn(2, 6, 4, 4)
    assert torch.equal(lik.mean(params), params[:, :3].clamp(0.0, 1.0))
    assert lik.sample(params).shape == lik.mean(params).shape == (2, 3, 4, 4)
    assert lik.mean(torch.full((1, 2), 7.0)).item() == 1.0


def test_bernoulli_agrees_with_cross_entropy_and_survives_extreme_logits():
    lik = Bernoulli()
    logits, x = 5 * torch.randn(6, 9), torch.rand(6, 9).round()
    expected = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    torch.testing.assert_close(lik.log_prob(logits, x), expected)
    extreme = torch.tensor([[1e4, -1e4]])
    right, wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert lik.log_prob(extreme, right).item() == 0.0
    assert lik.log_prob(extreme, wrong).item() == -2e4


@pytest.mark.parametrize(
    "lik",
    [
        Bernoulli(),
        FixedGaussian(0.3),
        Gaussian(),
        DiscretizedLogistic(4),
        LogisticMixture(2, 4),
        Categorical(4),
        Tokens(4),
    ],
)
def test_a_likelihood_sums_over_all_axes_of_an_example(lik):
    params, x = torch.randn(2, lik.per_value, 3, 4), torch.randint(4, (2, 1, 3, 4)) / 3
    x = x.round() if isinstance(lik, Bernoulli) else x
    x = (3 * x).round().long() if isinstance(lik, Tokens) else x
    whole = lik.log_prob(params, x)
    parts = [
        lik.log_prob(params[..., i : i + 1, j : j + 1], x[..., i : i + 1, j : j + 1])
        for i in range(3)
        for j in range(4)
    ]
    assert whole.shape == (2,) and lik.log_probs(params, x).shape == x.shape
    torch.testing.assert_close(whole, torch.stack(parts).sum(0))


@pytest.mark.parametrize("lik", [FixedGaussian(0.3), Gaussian(min_std=0.1)])
def test_gaussian_likelihoods_agree_with_torch(lik):
    params, x = torch.randn(6, 9 * lik.per_value), torch.randn(6, 9)
    if isinstance(lik, FixedGaussian):
        normal = Normal(params, 0.3)
    else:
        normal = Normal(params[:, :9], params[:, 9:].exp() + 0.1)
    expected = normal.log_prob(x).sum(1)
    torch.testing.assert_close(lik.log_prob(params, x), expected)


@pytest.mark.parametrize(
    "lik", [Bernoulli(), FixedGaussian(0.3), Gaussian(), DiscretizedLogistic()]
)
def test_samples_of_a_likelihood_average_to_its_mean(lik):
    params = torch.tensor([[0.4, -3.0]])[:, : lik.per_value].expand(40_000, -1)
    x = lik.sample(params)
    error = 5.5 * x.std() / 200 + 1e-3
    assert (x.mean() - lik.mean(params[:1]).squeeze()).abs() < error


def test_a_mixture_of_one_is_a_discretized_logistic():
    params, x = torch.randn(5, 2, 3), torch.randint(256, (5, 1, 3)) / 255
    one = torch.cat([torch.randn(5, 1, 3), params], 1)
    due = DiscretizedLogistic().log_probs(params, x)
    torch.testing.assert_close(LogisticMixture(1).log_probs(one, x), due)


@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_a_mixture_sums_to_one_over_all_values_and_is_the_weighted_sum(spread):
    lik, x = LogisticMixture(3), grid(256)[:, None]
    with seeded(0):
        params = spread * torch.randn(9, 1, dtype=torch.float64) - 1
    p = lik.log_prob(params[:, 0].expand(256, 9), x).exp()
    assert p.sum().item() == pytest.approx(1.0, abs=1e-9)
    weight, mean, log_scale = params[:, 0].view(3, 3)
    each = [
        DiscretizedLogistic().log_prob(torch.stack(one).expand(256, 2), x).exp()
        for one in zip(mean, log_scale)
    ]
    due = (weight.softmax(0)[:, None] * torch.stack(each)).sum(0)
    torch.testing.assert_close(p, due)


def test_the_mean_of_a_mixture_is_that_of_its_locations_inside_of_the_range():
    weight, at = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.7, 1.6])
    params = torch.cat([weight.log() + 3, at, torch.zeros(3)]).view(1, 9)
    due = torch.tensor([[0.5 * 0.2 + 0.3 * 0.7 + 0.2 * 1.0]])
    torch.testing.assert_close(LogisticMixture(3).mean(params), due)


def test_a_mixture_is_finite_with_gradients_at_extremes():
    lik = LogisticMixture(2)
    ends = torch.tensor([-30.0, 0.0, 30.0])
    means = torch.tensor([-1e3, 0.5, 1e3])
    scales = torch.tensor([-12.0, 7.0])
    one = torch.cartesian_prod(ends, means, means, scales)
    params = torch.cat([one[:, :1], 0 * one[:, :1], one[:, 1:], one[:, 3:]], 1)
    params.requires_grad_()
    for value in (0.0, 100 / 255, 1.0):
        log_prob = lik.log_prob(params, torch.full((len(params), 1), value))
        (grad,) = torch.autograd.grad(log_prob.clamp(min=-1e30).sum(), params)
        assert not log_prob.isnan().any() and not grad.isnan().any()


def follows(lik, params, values, n=60_000):
    """Chi-squared of n draws against the probabilities of all values, and its terms."""
    with seeded(1):
        x = lik.sample(params.expand(n, -1))
    due = lik.log_prob(params.expand(len(values), -1), values[:, None]).exp() * n
    assert due.sum().item() == pytest.approx(n, rel=1e-4)
    counts = (x == values).sum(0)
    assert counts.sum() == n, "a draw is none of the values"
    keep = due > 20
    return ((counts - due).square() / due)[keep].sum(), keep.sum()


@pytest.mark.parametrize("lik", [LogisticMixture(3, 16), Categorical(16), Tokens(16)])
def test_draws_follow_the_probabilities(lik):
    with seeded(0):
        params = torch.randn(1, lik.per_value)
    if isinstance(lik, LogisticMixture):
        params = torch.tensor([[0.0, 1.0, -1.0, 0.2, 0.7, 1.1, -3.0, -2.0, -4.0]])
    values = torch.arange(16)
    values = values if isinstance(lik, Tokens) else values / 15
    chi2, terms = follows(lik, params, values)
    assert terms > 8 and chi2 < 70  # 15 degrees of freedom: below 1e-8


def test_a_softmax_agrees_with_torch_in_each_channel():
    with seeded(0):
        params, x = torch.randn(2, 5 * 3, 4, 4), torch.randint(5, (2, 3, 4, 4))
    p = params.view(2, 5, 3, 4, 4).softmax(1)
    due = p.gather(1, x[:, None])[:, 0].log()
    torch.testing.assert_close(Tokens(5).log_probs(params, x), due)
    torch.testing.assert_close(Categorical(5).log_probs(params, x / 4), due)
    mean = (p * torch.arange(5.0).view(5, 1, 1, 1)).sum(1)
    torch.testing.assert_close(Tokens(5).mean(params), mean)
    torch.testing.assert_close(Categorical(5).mean(params), mean / 4)
    assert Tokens(5).sample(params).dtype == torch.int64


def test_a_softmax_of_two_is_a_bernoulli():
    logits, x = torch.randn(6, 9), torch.rand(6, 9).round()
    both = torch.cat([torch.zeros(6, 9), logits], 1)
    due = Bernoulli().log_probs(logits, x)
    torch.testing.assert_close(Categorical(2).log_probs(both, x), due)


@pytest.mark.parametrize("lik", [Bernoulli(), Categorical(4), Tokens(4)])
def test_logits_over_a_temperature_are_the_tempered_distribution(lik):
    assert lik.logits and not LogisticMixture(2).logits and not Gaussian().logits
    params = torch.randn(1, lik.per_value, dtype=torch.float64)
    levels = 2 if isinstance(lik, Bernoulli) else 4
    x = torch.arange(levels)[:, None]
    x = x if isinstance(lik, Tokens) else (x / (levels - 1)).double()
    plain = lik.log_prob(params.expand(levels, -1), x)
    cold = lik.log_prob(params.expand(levels, -1) / 0.4, x)
    torch.testing.assert_close(cold, (plain / 0.4).log_softmax(0))


def test_another_shape_and_senseless_arguments_are_refused(as_users_run_it):
    for make in (
        lambda: FixedGaussian(0.0),
        lambda: Gaussian(min_std=-1.0),
        lambda: DiscretizedLogistic(1),
        lambda: LogisticMixture(0),
        lambda: LogisticMixture(2, 1),
        lambda: Categorical(1),
        lambda: Categorical(4).log_prob(torch.zeros(2, 4), torch.full((2, 1), 1.5)),
    ):
        with pytest.raises(ValueError, match="expected"):
            make()
    for lik in (LogisticMixture(2, 4), Categorical(4), Tokens(4)):
        with pytest.raises(ValueError, match="nothing is broadcast"):
            kind = torch.int64 if isinstance(lik, Tokens) else torch.float32
            params = torch.zeros(2, lik.per_value, 3)
            lik.log_prob(params, torch.zeros(2, 1, 1, dtype=kind))
