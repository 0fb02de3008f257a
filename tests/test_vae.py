"""VAE: closed forms, bounds in the right order, and the linear-Gaussian oracle."""

import math

import pytest
import torch
from models import conv_vae, dense_vae
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence

from gmcourse import seeded
from gmcourse.conditions import Labels
from gmcourse.likelihoods import (
    Bernoulli,
    Gaussian,
)
from gmcourse.linear_gaussian import LinearGaussian
from gmcourse.vae import (
    IWAE,
    VAE,
    gaussian_log_prob,
    kl_to_standard_normal,
    reparameterize,
)

torch_normal = Independent(Normal(torch.zeros(4), torch.ones(4)), 1)


def spread_gaussian(n=50, d=4):
    return 3 * torch.randn(n, d), torch.empty(n, d).uniform_(-3, 2)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_what_the_nets_give_is_never_coarser_than_float32(kind):
    """Under autocast they give bfloat16; in double precision nothing is lost."""
    vae, x = dense_vae(Bernoulli()).to(kind), torch.rand(3, 5, dtype=kind)
    z = torch.randn(3, vae.latent_dim, dtype=kind)
    for coarse in (False, kind is torch.float32):
        with torch.autocast("cpu", torch.bfloat16, enabled=coarse):
            assert {out.dtype for out in (*vae.encode(x), vae.decode(z))} == {kind}


def test_kl_agrees_with_torch_and_is_summed_over_latents():
    mean, log_std = spread_gaussian()
    q = Independent(Normal(mean, log_std.exp()), 1)
    expected = kl_divergence(q, torch_normal)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_std), expected)
    assert kl_to_standard_normal(torch.zeros(1, 3), torch.zeros(1, 3)).item() == 0.0


def test_gaussian_log_prob_agrees_with_torch():
    mean, log_std = spread_gaussian()
    z = torch.randn(50, 4)
    q = Independent(Normal(mean, log_std.exp()), 1)
    torch.testing.assert_close(gaussian_log_prob(z, mean, log_std), q.log_prob(z))
    torch.testing.assert_close(gaussian_log_prob(z), torch_normal.log_prob(z))


def test_reparameterize_is_a_function_of_both_parameters():
    mean, log_std = spread_gaussian()
    mean.requires_grad_()
    log_std.requires_grad_()
    z = reparameterize(mean, log_std)
    d_mean, d_log_std = torch.autograd.grad(z.sum(), [mean, log_std])
    torch.testing.assert_close(d_mean, torch.ones_like(mean))
    # dz / dlog_std = std * eps = z - mean
    torch.testing.assert_close(d_log_std, (z - mean).detach())


def test_reparameterize_draws_a_standard_normal_for_every_entry():
    eps = reparameterize(torch.zeros(1000, 50), torch.zeros(1000, 50))
    n = eps.numel()
    assert abs(eps.mean()) < 5 / n**0.5  # false alarm 6e-7
    assert abs(eps.var() - 1) < 5 * (2 / n) ** 0.5
    # No noise is shared between rows, columns or calls.
    corr = torch.corrcoef(eps.T) - torch.eye(50)
    assert corr.abs().max() < 6.5 / 1000**0.5
    again = reparameterize(torch.zeros(1000, 50), torch.zeros(1000, 50))
    assert abs((eps * again).mean()) < 5 / n**0.5


@pytest.fixture
def linear():
    with seeded(4):
        return LinearGaussian(6, 3, std=0.6).double()


def data_of(linear, n=7):
    return linear.sample(n)


def test_linear_gaussian_log_prob_agrees_with_quadrature():
    """Integrate p(x | z) p(z) over a one-dimensional z on a fine grid."""
    with seeded(2):
        model = LinearGaussian(3, 1, std=0.5).double()
        x = model.sample(5)
    z = torch.linspace(-12, 12, 40_001, dtype=torch.float64)[:, None]
    lik = Independent(Normal(model.decoder(z)[:, None], model.log_std.exp()), 1)
    joint = lik.log_prob(x) + Normal(0.0, 1.0).log_prob(z)
    expected = (joint.logsumexp(0)) + math.log(24 / 40_000)
    torch.testing.assert_close(model.log_prob(x), expected, atol=1e-9, rtol=0)


def test_linear_gaussian_posterior_is_bayes_rule(linear):
    """log p(z | x) = log p(x | z) + log p(z) - log p(x), at any z."""
    x = data_of(linear)
    mean, cov = linear.posterior(x)
    z = torch.randn(7, 3, dtype=torch.float64)
    posterior = torch.distributions.MultivariateNormal(mean, cov).log_prob(z)
    lik = Independent(Normal(linear.decoder(z), linear.log_std.exp()), 1).log_prob(x)
    prior = Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(posterior, lik + prior - linear.log_prob(x))


def test_linear_gaussian_samples_have_its_moments():
    with seeded(4):
        model = LinearGaussian(4, 2, std=0.6)
        x = model.sample(40_000)
    torch.testing.assert_close(x.mean(0), model.decoder.bias, atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(x.T), model.covariance(), atol=0.03, rtol=0)


def test_the_bound_is_tight_at_the_exact_posterior(linear):
    """With q = p(z | x) every importance weight is p(x), whatever z was drawn."""
    vae, x = linear.as_vae(), data_of(linear)
    weights = vae.log_weights(x, k=5)
    torch.testing.assert_close(weights, linear.log_prob(x).expand(5, -1))
    many = torch.stack([vae.elbo(x) for _ in range(4000)])
    error = many.std(0) / 4000**0.5
    assert ((many.mean(0) - linear.log_prob(x)).abs() < 5.5 * error).all()


def spoiled(linear):
    """The same model with a wrong q: shifted, and wider than the posterior."""
    vae = linear.as_vae()
    with torch.no_grad():
        vae.encoder.bias[:3] += 0.4
        vae.encoder.bias[3:] += 0.5
    return vae


def test_elbo_below_iwae_below_log_p_and_tightening(linear):
    vae, x = spoiled(linear), data_of(linear, 4)
    exact = linear.log_prob(x)

    def mean_of(k, n):
        draws = torch.stack([vae.iw_bound(x, k=k) for _ in range(n)])
        return draws.mean(0), draws.std(0) / n**0.5

    bounds = {k: mean_of(k, 4000 // k) for k in (1, 4, 16)}
    elbo = torch.stack([vae.elbo(x) for _ in range(4000)])
    error = (elbo.std(0) / 4000**0.5 + bounds[1][1]) * 5
    assert ((elbo.mean(0) - bounds[1][0]).abs() < error).all()
    for low, high in ((1, 4), (4, 16)):
        slack = 5 * (bounds[low][1] + bounds[high][1])
        assert (bounds[low][0] < bounds[high][0] + slack).all()
        assert (bounds[low][0].mean() < bounds[high][0].mean()).all()
    assert (bounds[16][0] < exact + 5 * bounds[16][1]).all()
    large = vae.iw_bound(x, k=200_000)
    torch.testing.assert_close(large, exact, atol=0.02, rtol=0)


def test_elbo_gap_is_the_kl_to_the_posterior(linear):
    vae, x = spoiled(linear), data_of(linear, 4)
    mean, log_std = vae.encode(x)
    q = torch.distributions.MultivariateNormal(
        mean, torch.diag_embed((2 * log_std).exp())
    )
    # as_vae rotates the latents: rebuild the posterior for the rotated decoder.
    w, var = vae.decoder.weight, vae.likelihood.std**2
    cov = torch.linalg.inv(torch.eye(3, dtype=w.dtype) + w.T @ w / var)
    p = torch.distributions.MultivariateNormal(
        (x - vae.decoder.bias) @ w @ cov / var, cov
    )
    gap = kl_divergence(q, p)
    elbo = torch.stack([vae.elbo(x) for _ in range(6000)])
    error = 5.5 * elbo.std(0) / 6000**0.5
    assert ((linear.log_prob(x) - gap - elbo.mean(0)).abs() < error).all()


def test_loss_is_reconstruction_plus_beta_kl():
    x = torch.rand(64, 5).round()
    for beta in (0.0, 1.0, 4.0):
        vae = dense_vae(Bernoulli(), beta=beta)
        with seeded(3):
            log_lik, kl = vae.elbo_terms(x)
        with seeded(3):
            loss = vae.loss(x)
        torch.testing.assert_close(loss, (beta * kl - log_lik).mean())


def test_iwae_with_one_draw_is_the_elbo_in_expectation_and_its_loss_the_bound():
    x = torch.rand(64, 5).round()
    vae = dense_vae(Bernoulli())
    with seeded(3):
        loss = IWAE(vae, 7).loss(x)
    with seeded(3):
        bound = vae.iw_bound(x, k=7).mean()
    torch.testing.assert_close(loss, -bound)


def test_conditional_labels_go_with_their_examples_through_k_draws():
    """Draws are stacked k-first: a label repeated in the other order would show."""
    vae = conv_vae(classes=3)
    with torch.no_grad():
        for p in vae.parameters():
            p.add_(0.1 * torch.randn_like(p))
    x, c = torch.rand(3, 1, 8, 8).mul(255).round() / 255, torch.tensor([0, 1, 2])
    many = vae.log_weights(x, c, k=400).mean(1)
    one = torch.stack([vae.log_weights(x, c, k=1)[0] for _ in range(400)])
    assert many.shape == (400,)
    together = vae.log_weights(x, c, k=400)
    error = 5.5 * (together.std(0) + one.std(0)) / 400**0.5
    assert ((together.mean(0) - one.mean(0)).abs() < error).all()


def test_an_encoder_of_the_wrong_width_is_named():
    vae = VAE(
        torch.nn.Linear(5, 3),
        torch.nn.Linear(2, 5),
        Bernoulli(),
        latent_dim=2,
        event_shape=(5,),
    )
    with pytest.raises(ValueError, match="mean and log_std of 2 latents"):
        vae.elbo(torch.zeros(1, 5))


def test_an_iwae_is_judged_as_its_vae():
    """The same numbers under the same seed, labels included."""
    vae, x, c = conv_vae(classes=3), torch.rand(6, 1, 8, 8), torch.arange(6) % 3
    iwae = IWAE(vae, 4)
    for call in (
        lambda m: m.elbo(x, c),
        lambda m: m.log_weights(x, c, 3),
        lambda m: m.iw_bound(x, c, 5),
        lambda m: m.iw_bound(x, c),
        lambda m: m.draw(6, c, mean=True),
    ):
        with seeded(1), torch.no_grad():
            due = call(vae)
        with seeded(1), torch.no_grad():
            assert torch.equal(call(iwae), due)
    with seeded(1):
        due = -vae.iw_bound(x, c, 4).mean()
    with seeded(1):
        assert torch.equal(iwae.loss(x, c), due)


def test_senseless_arguments_are_refused(as_users_run_it):
    for make in (
        lambda: dense_vae(Bernoulli(), beta=-1.0),
        lambda: IWAE(dense_vae(Bernoulli()), 0),
    ):
        with pytest.raises(ValueError, match="expected"):
            make()


def test_each_example_keeps_its_own_label_in_all_draws():
    """With q the prior and a decoder that sees the label alone, weights are known."""

    class ByLabel(nn.Module):
        def __init__(self, table):
            super().__init__()
            self.table = nn.Parameter(table)

        def forward(self, v, c):
            return self.table[c]

    x, c = (torch.rand(4, 5) > 0.5).float(), torch.tensor([2, 0, 1, 2])
    nets = ByLabel(torch.zeros(3, 4)), ByLabel(torch.randn(3, 5))
    sizes = {"latent_dim": 2, "event_shape": (5,), "condition": Labels(3)}
    vae = VAE(*nets, Bernoulli(), **sizes)
    due = vae.likelihood.log_prob(nets[1].table[c], x)
    torch.testing.assert_close(vae.log_weights(x, c, k=3), due.expand(3, 4))


def test_a_width_that_underflows_spoils_no_bound():
    """log_std of -90: exp(-log_std) is infinite in float32, and the noise is not."""
    with seeded(0):
        vae, x = dense_vae(Bernoulli()), torch.rand(4, 5).round()
    values = []
    for log_std in (-90.0, -80.0):
        with seeded(1), torch.no_grad():
            vae.encoder[-1].weight[2:] = 0.0
            vae.encoder[-1].bias[2:] = log_std
            values.append(vae.log_weights(x, k=3))
    # Two latents, ten nats narrower each: log q is higher by 20.
    torch.testing.assert_close(values[0], values[1] - 20.0)


def test_an_iwae_draws_as_its_vae_does():
    vae = dense_vae(Gaussian())
    iwae = IWAE(vae, 3)
    with seeded(0):
        noisy, smooth = iwae.sample(6), iwae.sample(6, mean=True)
    with seeded(0):
        assert torch.equal(noisy, vae.sample(6))
        assert torch.equal(smooth, vae.sample(6, mean=True))
    with seeded(0):
        assert not torch.equal(noisy, vae.sample(6, mean=True))


def test_data_of_another_size_are_refused_by_an_exact_density():
    with pytest.raises(ValueError, match=r"shape \(5, 4\); LinearGaussian expects"):
        LinearGaussian(3, 2).log_prob(torch.zeros(5, 4))
    with pytest.raises(ValueError, match=r"shape \(5, 4\); LinearGaussian expects"):
        LinearGaussian(3, 2).posterior(torch.zeros(5, 4))
