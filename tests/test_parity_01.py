"""What chapter 01 builds, beside what the library ships."""

import torch
from parity import build_namespace, copy_weights, parity
from torch.testing import assert_close

import gmcourse as gm
from gmcourse import histogram, mixtures
from gmcourse.data import densities

NAME = "01_what_is_a_generative_model"


def points(n=200):
    with gm.seeded(0):
        return densities.pinwheel().sample(n)


@parity("01_what_is_a_generative_model", "Histogram")
def test_histogram():
    mine = build_namespace(NAME)["Histogram"]([(-6.0, 6.0)] * 2, 9)
    theirs = histogram.Histogram([(-6.0, 6.0)] * 2, 9)
    x = points()
    mine.fit(x), theirs.fit(x)
    assert_close(mine.counts, theirs.counts.data)
    with gm.seeded(6):
        other = 11.9 * torch.rand(500, 2) - 5.95
    assert_close(mine.log_prob(other), theirs.log_prob(other))
    with gm.seeded(1):
        drawn = mine.sample(500)
    assert_close(drawn.mean(0), x.mean(0), atol=0.5, rtol=0)
    assert theirs.log_prob(drawn).isfinite().all()  # none in an empty cell


@parity("01_what_is_a_generative_model", "m_step")
def test_m_step():
    notebook, x = build_namespace(NAME), points()
    with gm.seeded(2):
        r = torch.rand(200, 4).softmax(1)
    mine, theirs = notebook["m_step"](x, r, 0.1), mixtures.m_step(x, r, 0.1)
    assert_close(mine.weights, theirs.weights)
    assert_close(mine.means, theirs.means)
    assert_close(mine.covs, theirs.covs)
    by_hand, log_p = notebook["e_step"](x.double(), mine.weights, mine.means, mine.covs)
    assert_close(by_hand, theirs.responsibilities(x.double()))
    assert_close(log_p, theirs.log_prob(x.double()))


@parity("01_what_is_a_generative_model", "fit_mixture")
def test_fit_mixture():
    x, fits = points(), []
    for fit in (build_namespace(NAME)["fit_mixture"], mixtures.fit_mixture):
        with gm.seeded(3):
            fits.append(fit(x, 5, steps=20, floor=0.05))
    assert_close(fits[0].log_prob(x), fits[1].log_prob(x))


@parity("01_what_is_a_generative_model", "BernoulliMixture")
def test_bernoulli_mixture():
    mine = build_namespace(NAME)["BernoulliMixture"](3, (2, 4))
    theirs = mixtures.BernoulliMixture(3, (2, 4))
    with gm.seeded(4):
        torch.nn.init.normal_(theirs.log_weights)
        x = torch.rand(50, 2, 4).round()
        seen = torch.rand(50, 2, 4) < 0.6
    copy_weights(theirs, mine)
    for _ in range(3):
        assert_close(mine.log_joint(x), theirs.log_joint(x))
        assert_close(mine.log_prob(x, seen), theirs.log_prob(x, seen))
        mine.em_step(x, 0.3), theirs.em_step(x, 0.3)


@parity("01_what_is_a_generative_model", "BayesClassifier")
def test_bayes_classifier():
    notebook, prior = build_namespace(NAME), torch.tensor([3.0, 1.0])
    with gm.seeded(5):
        parts = [mixtures.BernoulliMixture(2, (6,)) for _ in prior]
        x, seen = torch.rand(20, 6).round(), torch.rand(20, 6) < 0.5
    mine = notebook["BayesClassifier"](parts, prior)
    theirs = mixtures.BayesClassifier(parts, prior)
    assert_close(mine.log_joint(x), theirs.log_joint(x))
    assert_close(mine.posterior(x, seen=seen), theirs.posterior(x, seen=seen))
