"""Histogram, mixtures by EM and the Bayes classifier, against sums over everything.

Statistical tests have fixed seeds; each would reject a correct sampler for one seed in
a million drawn at random.
"""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Reference
from sklearn.naive_bayes import BernoulliNB

import gmcourse as gm
from gmcourse.data import densities
from gmcourse.histogram import Histogram
from gmcourse.mixtures import (
    BayesClassifier,
    BernoulliMixture,
    fit_mixture,
    m_step,
)

FALSE_ALARM = 1e-6
BAD = (ValueError, TypeError)  # annotations, checked under pytest, may come first
F64 = torch.float64


def everything(d):
    """All 2^d binary vectors, float32."""
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d).view(-1, d)


def fits(counts, probs):
    """A chi-square test of counts whose expectations are all above 5."""
    expected = counts.sum() * probs.double()
    statistic = ((counts - expected) ** 2 / expected).sum().item()
    return statistic < stats.chi2.isf(FALSE_ALARM, len(counts) - 1)


def middles(bounds, k):
    """Centers of k cells per axis, and the volume of one."""
    axes = [low + (high - low) * (torch.arange(k) + 0.5) / k for low, high in bounds]
    volume = math.prod((high - low) / k for low, high in bounds)
    return torch.cartesian_prod(*axes).view(-1, len(bounds)), volume


# Histogram


@pytest.mark.parametrize("low", [1000.0, 100.0, 1.0, -1.0])
@pytest.mark.parametrize("right", [0, 1])
def test_a_histogram_never_draws_what_it_calls_impossible(low, right):
    """Points that were rounded onto an upper edge are of the next cell, or of none."""
    model = Histogram([(low, low + 1.0), (0.0, 1.0)], bins=2)
    model.fit(torch.tensor([[low + 0.25 + 0.5 * right, 0.25]]))
    with gm.seeded(0):
        x = model.sample(400_000)
    log_p = model.log_prob(x)
    assert torch.equal(log_p, torch.full_like(log_p, math.log(4)))
    # Uniform all the same: 8 equal parts, five standard errors.
    parts = ((x[:, 0] - low - 0.5 * right) * 16).floor().long().bincount(minlength=8)
    assert len(parts) == 8 and (parts - 50_000).abs().max() < 5 * 50_000**0.5


def test_cells_finer_than_the_numbers_are_refused():
    with pytest.raises(ValueError, match="too fine for float32"):
        Histogram([(1e8, 1e8 + 64.0)], bins=16)
    Histogram([(1e8, 1e8 + 64.0)], bins=2)


def test_bounds_in_double_precision():
    model = Histogram([(np.float64(0.0), np.float64(2.0))], bins=2)
    model.fit(torch.tensor([[0.5]]))
    assert model.sample(3).dtype == model.state_dict()["low"].dtype == torch.float32


@pytest.mark.parametrize("smoothing", [0.0, 0.7])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_histogram_integrates_to_one(d, smoothing):
    bounds = [(-3.0, 3.0), (-4.0, 2.0), (0.0, 1.0)][:d]
    low, high = torch.tensor(bounds).T
    with gm.seeded(0):
        x = low + (high - low) * torch.rand(200, d) ** 2
    model = Histogram(bounds, bins=4, smoothing=smoothing)
    model.fit(x)
    points, volume = middles(bounds, 12)
    total = model.log_prob(points).double().exp().sum() * volume
    assert total.item() == pytest.approx(1, abs=1e-6)
    outside = high + 0.5
    assert model.log_prob(outside[None]).item() == -math.inf
    assert model.log_prob(high[None]).item() == -math.inf  # low edges belong, high not
    assert model.log_prob(low[None]).isfinite().all() or smoothing == 0


def test_histogram_by_hand():
    model = Histogram([(0.0, 4.0)], bins=2, smoothing=1.0)
    model.fit(torch.tensor([[0.5], [1.0], [3.0]]))
    due = torch.tensor([3 / 5 / 2, 2 / 5 / 2])
    torch.testing.assert_close(model.log_prob(torch.tensor([[1.9], [2.0]])).exp(), due)


def test_no_other_heights_are_likelier():
    with gm.seeded(1):
        x = torch.randn(300, 2).clamp(-2.9, 2.9)
        model = Histogram([(-3.0, 3.0)] * 2, bins=3)
        model.fit(x)
        best = model.loss(x).item()
        for _ in range(20):
            model.counts.copy_(model.counts * (0.1 * torch.randn(9)).exp())
            assert model.loss(x).item() > best
            model.fit(x)


def test_histogram_draws_its_own_density():
    model = Histogram([(-1.0, 2.0), (0.0, 6.0)], bins=3)
    counts = torch.tensor([5.0, 1, 0, 2, 8, 3, 1, 4, 6])
    model.counts.copy_(counts)
    with gm.seeded(2):
        x = model.sample(20_000)
    seen = torch.bincount(model.cell(x), minlength=9)
    assert seen[2] == 0
    assert fits(seen[counts > 0], counts[counts > 0] / counts.sum())
    inside = ((x - model.low) / model.width).frac().double()  # uniform in each cell
    for axis in inside.T:
        assert stats.kstest(axis.numpy(), "uniform").pvalue > FALSE_ALARM
    # The axes are not exchanged: the cell in which the weight is 8 is the middle one.
    assert model.cell(torch.tensor([[0.5, 3.0]])).item() == 4
    assert model.cell(torch.tensor([[1.5, 1.0]])).item() == 2


def test_bad_histograms():
    with pytest.raises(ValueError, match="low, high"):
        Histogram([(1.0, 0.0)], bins=2)
    with pytest.raises(ValueError, match="finite"):
        Histogram([(0.0, math.inf)], bins=2)
    with pytest.raises(ValueError, match="cells in all"):
        Histogram([(0.0, 1.0)] * 9, bins=10)
    with pytest.raises(ValueError, match="cells in all"):
        Histogram([(0.0, 1.0)], bins=0)
    model = Histogram([(0.0, 1.0)], bins=2)
    with pytest.raises(ValueError, match="1 of 2 points"):
        model.fit(torch.tensor([[0.5], [1.0]]))
    with pytest.raises(ValueError, match="1 of 1 points"):
        model.fit(torch.tensor([[math.nan]]))
    with pytest.raises(BAD):
        model.log_prob(torch.zeros(3, 2))


def test_examples_of_a_histogram_fill_its_box():
    model = Histogram([(-1.0, 3.0), (10.0, 11.0)], bins=4)
    x, _ = model.example(2000)
    low, high = x.amin(0), x.amax(0)
    assert (model.cell(x) >= 0).all() and len(model.cell(x).unique()) == 16
    torch.testing.assert_close(low, torch.tensor([-1.0, 10.0]), atol=0.02, rtol=0)
    torch.testing.assert_close(high, torch.tensor([3.0, 11.0]), atol=0.02, rtol=0)


def test_a_histogram_looks_at_what_it_is_given(as_users_run_it):
    for bounds in ([(0.0, 1.0, 2.0)], [0.0, 1.0], [(0.0, 1.0), (2.0, 2.0)]):
        with pytest.raises(ValueError, match="low, high"):
            Histogram(bounds, bins=2)
    model = Histogram([(0.0, 1.0)] * 2, bins=2)
    for call in (model.cell, model.fit, model.log_prob):
        with pytest.raises(ValueError, match=r"x has shape \(3, 1\).*\(b, 2\)"):
            call(torch.zeros(3, 1))


# Gaussian mixtures by EM


def sample(n=300):
    with gm.seeded(3):
        return densities.pinwheel().sample(n)


def test_a_mixture_of_one_is_a_gaussian():
    x = sample().double()
    one = fit_mixture(x.float(), 1, floor=0.0)
    torch.testing.assert_close(one.means[0], x.mean(0))
    torch.testing.assert_close(one.covs[0], torch.cov(x.T, correction=0))
    assert one.weights.tolist() == [1.0]


def responsibilities(n, k):
    with gm.seeded(4):
        return torch.rand(n, k).softmax(1)


def test_m_step_is_stationary():
    """No direction in weights, means or covariances raises the expected log joint."""
    x, r = sample(40).double(), responsibilities(40, 3).double()
    found = m_step(x, r)
    logits = found.weights.log().requires_grad_()
    means = found.means.clone().requires_grad_()
    factors = torch.linalg.cholesky(found.covs).requires_grad_()
    normal = torch.distributions.MultivariateNormal(means, scale_tril=factors.tril())
    joint = logits.log_softmax(0) + normal.log_prob(x[:, None])
    grads = torch.autograd.grad((r * joint).sum(), (logits, means, factors))
    for grad in grads:
        assert grad.abs().max() < 1e-10


def test_m_step_adds_the_floor_to_variances():
    x, r = sample(40), responsibilities(40, 3)
    plain, raised = m_step(x, r), m_step(x, r, floor=0.5)
    eye = torch.eye(2, dtype=F64).expand(3, 2, 2)
    torch.testing.assert_close(raised.covs - plain.covs, 0.25 * eye)
    assert torch.equal(raised.means, plain.means)


@pytest.mark.parametrize("seed", range(5))
def test_em_never_lowers_the_likelihood(seed):
    x = sample()
    with gm.seeded(seed):
        mixture = fit_mixture(x, 6, steps=0, floor=0.3)
    before = mixture.log_prob(x.double()).mean()
    rose = 0.0
    for _ in range(30):
        mixture = m_step(x, mixture.responsibilities(x.double()))
        after = mixture.log_prob(x.double()).mean()
        assert after >= before - 1e-12
        rose, before = rose + (after - before).item(), after
    assert rose > 0.1


def test_agrees_with_scikit_learn_from_the_same_start():
    x, steps, floor = sample().double(), 7, 0.05
    with gm.seeded(0):
        start = fit_mixture(x, 4, steps=0, floor=floor)
    with gm.seeded(0):
        found = fit_mixture(x, 4, steps=steps, floor=floor)
    reference = Reference(
        4,
        tol=0.0,
        reg_covar=floor**2,
        max_iter=steps,
        weights_init=start.weights.numpy(),
        means_init=start.means.numpy(),
        precisions_init=torch.linalg.inv(start.covs).numpy(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # seven steps are meant
        reference.fit(x.numpy())
    for mine, theirs in [
        (found.weights, reference.weights_),
        (found.means, reference.means_),
        (found.covs, reference.covariances_),
        (found.log_prob(x), reference.score_samples(x.numpy())),
    ]:
        torch.testing.assert_close(mine, torch.as_tensor(theirs), rtol=1e-9, atol=1e-9)


def test_finds_a_mixture_that_is_there():
    truth = densities.eight_gaussians()
    with gm.seeded(5):
        x, test = truth.sample(2000), truth.sample(2000)
        found = fit_mixture(x, 8, steps=30)
    gap = (truth.log_prob(test) - found.log_prob(test)).mean().item()
    assert -0.01 < gap < 0.05  # 47 parameters from 2,000 points: 47/4000 nats expected


def test_seeds_are_drawn_by_squared_distance():
    """Of 0, 1 and 10 the seeds are 0 and 1 with probability (1/101 + 1/82) / 3."""
    x = torch.tensor([[0.0], [1.0], [10.0]])
    with gm.seeded(13):
        found = [fit_mixture(x, 2, steps=0, floor=1.0) for _ in range(600)]
    apart = sum(m.means.min().abs().item() < 0.1 for m in found)
    assert apart <= 20  # 4.4 expected; by plain distance it would be 38


def test_bad_mixtures():
    x = sample(10)
    with pytest.raises(ValueError, match="1 <= k <= n"):
        fit_mixture(x, 11)
    with pytest.raises(BAD):
        fit_mixture(x[:, 0], 2)
    with pytest.raises(ValueError, match="positive definite"):
        m_step(x, torch.eye(10)[:, :2])  # one point each: singular without a floor


# Mixtures of products of Bernoullis


def bernoulli_mixture(k=3, shape=(2, 3)):
    with gm.seeded(6):
        model = BernoulliMixture(k, shape)
        torch.nn.init.normal_(model.log_weights)
    return model


def test_probabilities_of_all_images_sum_to_one():
    model = bernoulli_mixture()
    x = everything(6).view(-1, 2, 3)
    assert model.log_prob(x).exp().sum().item() == pytest.approx(1, abs=1e-6)
    probs, w = model.logits.sigmoid(), model.log_weights.softmax(0)
    by_hand = sum(
        w[j] * torch.where(x[9].flatten() > 0, probs[j], 1 - probs[j]).prod()
        for j in range(3)
    )
    torch.testing.assert_close(model.log_prob(x[9:10]).exp()[0], by_hand)


def test_unseen_pixels_are_summed_out():
    model = bernoulli_mixture()
    x = everything(6).view(-1, 2, 3)
    seen = torch.tensor([[True, False, True], [False, True, False]])
    marginal = model.log_prob(x, seen).exp()
    for i in (0, 13, 63):
        same = ((x == x[i]) | ~seen).flatten(1).all(1)
        due = model.log_prob(x[same]).exp().sum()
        torch.testing.assert_close(marginal[i], due)
    each = torch.stack([seen, ~seen])  # a mask for each example
    torch.testing.assert_close(model.log_prob(x[:2], each)[0].exp(), marginal[0])
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    assert model.log_prob(x, nothing).abs().max() < 1e-6


def test_completions_follow_the_conditional():
    model, n = bernoulli_mixture(), 40_000
    x = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    seen = torch.tensor([[True, False, True], [True, True, False]])
    with gm.seeded(7):
        drawn = model.complete(x.expand(n, 2, 3), seen)
    assert torch.equal(drawn[:, seen], x[seen].expand(n, 4))
    pixels = drawn[:, ~seen].long()
    counts = torch.bincount(2 * pixels[:, 0] + pixels[:, 1], minlength=4)
    each = x.repeat(4, 1, 1)
    each[:, ~seen] = everything(2)
    assert fits(counts, model.log_prob(each).softmax(0))


@pytest.mark.parametrize("smoothing", [0.01, 0.4])
def test_em_never_lowers_the_posterior(smoothing):
    with gm.seeded(8):
        x = bernoulli_mixture(4, (12,)).sample(200).double()
        model = BernoulliMixture(3, (12,)).double()

    def objective():
        log_w = model.log_weights.log_softmax(0)
        both = torch.cat([model.logits, -model.logits])
        prior = smoothing * (log_w.sum() + torch.nn.functional.logsigmoid(both).sum())
        return model.log_prob(x).sum() + prior

    before, rose = objective(), 0.0
    for _ in range(25):
        model.em_step(x, smoothing)
        after = objective()
        assert after >= before - 1e-9
        rose, before = rose + (after - before).item(), after
    assert rose > 10
    for _ in range(1000):
        model.em_step(x, smoothing)
    grads = torch.autograd.grad(objective(), tuple(model.parameters()))
    assert max(g.abs().max() for g in grads) < 1e-6  # settled on a stationary point


def test_samples_follow_the_probabilities():
    model = bernoulli_mixture(3, (4,))
    with gm.seeded(9):
        x = model.sample(40_000)
    number = (x * torch.tensor([8.0, 4, 2, 1])).sum(1).long()
    counts = torch.bincount(number, minlength=16)
    assert fits(counts, model.log_prob(everything(4)).exp())


def test_bad_bernoulli_mixtures():
    with pytest.raises(ValueError, match="1 or more"):
        BernoulliMixture(0, (2,))
    with pytest.raises(ValueError, match="give more"):
        BernoulliMixture(3, (2,)).fit(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="positive number"):
        BernoulliMixture(1, (2,)).fit(torch.zeros(2, 2), smoothing=0.0)
    with pytest.raises(ValueError, match="expects"):
        BernoulliMixture(1, (2,)).fit(torch.zeros(2, 3))


# Bayes classifier


def classifier():
    with gm.seeded(10):
        models = [bernoulli_mixture(k, (5,)) for k in (1, 2, 3)]
        for model in models:
            torch.nn.init.normal_(model.logits)
    return BayesClassifier(models, torch.tensor([2.0, 1.0, 5.0]))


def test_bayes_rule_by_enumeration():
    model, x = classifier(), everything(5)
    joint = model.log_joint(x).exp()
    assert joint.sum().item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(joint.sum(0), torch.tensor([2.0, 1, 5]) / 8)
    torch.testing.assert_close(model.log_prob(x).exp(), joint.sum(1))
    torch.testing.assert_close(model.posterior(x), joint / joint.sum(1, keepdim=True))
    for c in range(3):
        label = torch.full((32,), c)
        given = model.log_prob(x, label).exp()
        torch.testing.assert_close(given, joint[:, c] / joint[:, c].sum())
        loss = model.loss(x, label)
        torch.testing.assert_close(loss, -model.models[c].log_prob(x).mean())


def test_a_class_that_never_comes_still_has_its_own_density():
    model, x = classifier(), everything(5)
    never = BayesClassifier(list(model.models), torch.tensor([1.0, 0.0, 1.0]))
    label = torch.ones(32, dtype=torch.int64)
    torch.testing.assert_close(never.log_prob(x, label), model.log_prob(x, label))
    assert (never.posterior(x)[:, 1] == 0).all() and never.log_prob(x).isfinite().all()


def test_a_prior_is_known_up_to_a_factor():
    models, x = list(classifier().models), everything(5)
    due = BayesClassifier(models, torch.tensor([2.0, 1.0, 5.0])).log_prob(x)
    for factor in (1 / 8, 0.01, 30.0):
        same = BayesClassifier(models, factor * torch.tensor([2.0, 1.0, 5.0]))
        torch.testing.assert_close(same.log_prob(x), due)


def test_posterior_from_the_pixels_that_were_seen():
    model, x = classifier(), everything(5)
    seen = torch.tensor([True, False, True, True, False])
    joint = model.log_joint(x).exp()
    i = 21
    same = ((x == x[i]) | ~seen).all(1)
    due = joint[same].sum(0) / joint[same].sum()
    torch.testing.assert_close(model.posterior(x[i : i + 1], seen=seen)[0], due)
    nothing = torch.zeros(5, dtype=torch.bool)
    due = torch.tensor([2.0, 1, 5]) / 8
    torch.testing.assert_close(model.posterior(x[:1], seen=nothing)[0], due)


def test_draws_each_class_from_its_own_model():
    model = classifier()
    with gm.seeded(11):
        c = torch.arange(3).repeat(20_000)
        x = model.sample(len(c), c)
    number = (x * 2.0 ** torch.arange(4, -1, -1)).sum(1).long()
    for label in range(3):
        counts = torch.bincount(number[c == label], minlength=32)
        probs = model.models[label].log_prob(everything(5)).exp()
        enough = probs * 20_000 > 5
        counts = torch.cat([counts[enough], counts[~enough].sum()[None]])
        probs = torch.cat([probs[enough], probs[~enough].sum()[None]])
        kept = probs * 20_000 > 5
        assert fits(counts[kept], probs[kept] / probs[kept].sum())


def test_naive_bayes_agrees_with_scikit_learn():
    with gm.seeded(12):
        x, c = (torch.rand(300, 7) < 0.3).float(), torch.randint(3, (300,))
    models = [BernoulliMixture(1, (7,)) for _ in range(3)]
    for label, model in enumerate(models):
        model.fit(x[c == label], steps=1, smoothing=0.5)
    mine = BayesClassifier(models, torch.bincount(c).float()).posterior(x)
    theirs = BernoulliNB(alpha=0.5).fit(x.numpy(), c.numpy()).predict_proba(x.numpy())
    torch.testing.assert_close(mine, torch.as_tensor(theirs).float())


def test_a_fit_takes_thirty_steps_unless_told(monkeypatch):
    steps, step = [], BernoulliMixture.em_step
    monkeypatch.setattr(
        BernoulliMixture, "em_step", lambda *given: steps.append(step(*given))
    )
    for how, due in (({}, 30), ({"steps": 2}, 2)):
        steps.clear()
        bernoulli_mixture(2, (5,)).fit(everything(5), **how)
        assert len(steps) == due


def test_a_classifier_of_one_class():
    model, x = bernoulli_mixture(1, (5,)), everything(5)
    alone = BayesClassifier([model], torch.ones(1))
    torch.testing.assert_close(alone.log_prob(x), model.log_prob(x))


def test_bad_classifiers():
    models = [bernoulli_mixture(1, (5,)) for _ in range(2)]
    for prior in ([1.0], [0.0, 0.0], [1.0, -1.0], [1.0, math.nan]):
        with pytest.raises(ValueError, match="nonnegative"):
            BayesClassifier(models, torch.tensor(prior))
    model = BayesClassifier(models, torch.ones(2))
    with pytest.raises(ValueError, match="0 to 1"):
        model.loss(torch.zeros(1, 5), torch.tensor([2]))


def test_a_class_sums_out_what_was_not_seen():
    model, x = classifier(), everything(5)
    seen = torch.tensor([True, False, True, True, False])
    for c, part in enumerate(model.models):
        told = model.log_prob(x, torch.full((len(x),), c), seen=seen)
        torch.testing.assert_close(told, part.log_prob(x, seen=seen))
    of_all = model.log_joint(x, seen=seen).logsumexp(1)
    torch.testing.assert_close(model.log_prob(x, seen=seen), of_all)


def test_a_fit_says_that_it_is_one():
    assert m_step(torch.randn(9, 2), torch.ones(9, 1)).name == "fitted"
