"""The classifier behind the distances: labels, loss, features; and fitted codes."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import gmcourse as gm
from gmcourse import data
from gmcourse.autoencoders import Autoencoder, GaussianCodes
from gmcourse.classifiers import FeatureClassifier, SoundClassifier
from gmcourse.linear_gaussian import LinearGaussian

HEADS = (3, 2)
IMAGE = (1, 8, 8)


def classifier():
    with gm.seeded(0):
        return FeatureClassifier(IMAGE, HEADS, width=8)


def images(n):
    """Images with a bright column (of three) and a bright half (of two): c is both."""
    c = torch.arange(n) % 6
    x = 0.1 * torch.rand(n, *IMAGE)
    for i, (column, half) in enumerate(zip(c % 3, c // 3)):
        x[i, 0, :, 2 + int(column)] += 0.5
        x[i, 0, 4 * int(half) : 4 * int(half) + 4] += 0.3
    return x, c


def test_features_are_standardized_and_nothing_more():
    """No scale and shift are learned: a distance would depend on them."""
    judge = classifier()
    assert not list(judge.normalize.parameters())
    z = judge.features(images(60)[0])
    assert z.shape == (60, judge.dim)
    torch.testing.assert_close(z.mean(0), torch.zeros(judge.dim), atol=1e-5, rtol=0)


def test_labels_are_split_by_head():
    first, second = classifier().split_labels(torch.arange(6))
    assert first.tolist() == [0, 1, 2, 0, 1, 2]
    assert second.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("label", [-1, 6])
def test_labels_out_of_range_are_refused(label, as_users_run_it):
    model, (x, c) = classifier(), images(6)
    c[2] = label
    for ask in (lambda: model.split_labels(c), lambda: model.loss(x, c)):
        with pytest.raises(ValueError, match="expected 0 to 5"):
            ask()


def test_the_loss_is_the_cross_entropy_of_all_heads():
    """Logits without dropout, labels taken apart by hand."""
    model, (x, c) = classifier().eval(), images(12)
    logits = model.head(model.features(x))
    due = sum(
        -logits[i, :3].log_softmax(0)[c[i] % 3]
        - logits[i, 3:].log_softmax(0)[c[i] // 3]
        for i in range(12)
    )
    torch.testing.assert_close(model.loss(x, c), due / 12)


def test_an_untrained_classifier_knows_nothing_and_a_trained_one_all():
    model, (x, c) = classifier(), images(120)
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
        assert model.loss(x, c).item() == pytest.approx(math.log(6), abs=1e-5)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in gm.train(model, data.Batches(x, c, batch_size=60), adam, steps=60):
        pass
    model.eval()
    for logits, label in zip(model(x), model.split_labels(c)):
        assert (logits.argmax(1) == label).float().mean() > 0.95


def test_dropout_is_for_training_only():
    model, (x, _) = classifier(), images(6)
    model.eval()
    assert all(map(torch.equal, model(x), model(x)))
    z = model.features(x)
    due = model.head(z).split(HEADS, dim=1)
    assert all(map(torch.equal, model(x), due))
    with torch.no_grad():
        model.head.weight.copy_(torch.ones_like(model.head.weight))
        model.head.bias.zero_()
    model.train()
    gaps = [(a - b).abs().max() for a, b in zip(model(x), model(x))]
    assert min(gaps) > 0, "no dropout in train mode"


def test_features_are_standardized_activations():
    """Of the running statistics in eval mode, in double precision, part by part."""
    model, (x, _) = classifier(), images(30)
    for _ in range(3):
        model.features(x)
    model.eval()
    z = F.silu(model.trunk(x))
    norm = model.normalize
    due = (z - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
    found = model.train().features_of(x, batch=7)
    assert found.dtype == torch.float64 and model.training
    torch.testing.assert_close(found, due.double().detach(), rtol=1e-4, atol=1e-4)


# The classifier of sound.


def tone(k, n=2000, loudness=0.5, phase=0.0, begin=0):
    """Tokens of ``k / 128`` periods a sample, silent before ``begin``."""
    t = torch.arange(n)
    wave = loudness * torch.sin(2 * math.pi * k / 128 * t + phase)
    return data.mu_law(torch.where(t < begin, 0.0, wave), 256)[None]


def test_a_tone_stands_out_in_the_spectrogram_and_its_loudness_adds():
    judge = SoundClassifier((2000,), 256, 3)
    for k in (3, 30, 62):
        loud = judge.spectrogram(tone(k))
        assert loud.shape == (1, 64, 2000 // 32 + 1)
        within = loud[..., 4:-4]
        assert (within.argmax(1) == k - 1).all()
        # A window's sum is 64, of which each of the two directions of turning has half.
        due = torch.tensor(0.5 * 32 + 0.01).log()
        torch.testing.assert_close(within.amax(1), due.expand(1, 55), atol=0.05, rtol=0)
        less = judge.spectrogram(tone(k, loudness=0.05))[..., 4:-4].amax(1)
        assert abs((within.amax(1) - less).mean() - math.log(10)) < 0.05
    late = judge.spectrogram(tone(30, begin=1000))[0, 29]
    assert (late[:28] < -2).all() and (late[36:60] > 2).all()


def tones(n):
    """Three pitches, each at any time and as loud as it likes."""
    c = torch.arange(n) % 3
    loudness, phase = 0.1 + 0.9 * torch.rand(n), 6.3 * torch.rand(n)
    begin = torch.randint(1000, (n,))
    drawn = zip((10 + 10 * c).tolist(), loudness, phase, begin)
    return torch.cat([tone(k, 1500, *how) for k, *how in drawn]), c


def test_pitches_are_told_apart_wherever_they_sound():
    with gm.seeded(0):
        judge = SoundClassifier((1500,), 256, 3, width=8)
    x, c = tones(120)
    adam = torch.optim.Adam(judge.parameters(), 1e-2)
    for _ in gm.train(judge, data.Batches(x, c, batch_size=60), adam, steps=30):
        pass
    x, c = tones(60)
    assert (judge.eval()(x)[0].argmax(1) == c).float().mean() > 0.95
    assert judge.split_labels(c)[0] is c
    logits = judge(x)[0]
    assert torch.equal(logits, judge(x)[0])  # no dropout
    due = -logits.log_softmax(1)[torch.arange(60), c].mean()
    torch.testing.assert_close(judge.loss(x, c), due)
    assert not torch.equal(judge.train()(x)[0], judge(x)[0])


def test_sounds_that_cannot_be_classified_are_refused(as_users_run_it):
    judge = SoundClassifier((96,), 16, 3)
    x = torch.zeros(2, 96, dtype=torch.int64)
    with pytest.raises(ValueError, match="labels from 0 to 3; expected 0 to 2"):
        judge.loss(x, torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="expected 0 to 15"):
        judge(x + 16)
    with pytest.raises(TypeError, match="tokens"):
        judge(x.float())


# The Gaussian over the codes of an autoencoder.


def linear_codes(d=3):
    """Codes are the first d values of x; decoding pads them with zeros."""
    encoder, decoder = nn.Linear(5, d, bias=False), nn.Linear(d, 5, bias=False)
    with torch.no_grad():
        encoder.weight.copy_(torch.eye(d, 5))
        decoder.weight.copy_(torch.eye(5, d))
    return GaussianCodes(Autoencoder(encoder, decoder, (5,)), d)


def correlated(n):
    """Points whose first three values have this mean and covariance, roughly."""
    factor = torch.tensor([[1.0, 0, 0], [0.8, 0.5, 0], [-0.3, 0.4, 0.2]])
    z = torch.randn(n, 3) @ factor.T + torch.tensor([1.0, -2.0, 0.5])
    return torch.cat([z, torch.randn(n, 2)], 1)


def test_fitted_codes_have_the_mean_and_covariance_of_the_codes():
    model, x = linear_codes(), correlated(2_500)  # more than one part
    model.fit(x)
    z = x[:, :3]
    torch.testing.assert_close(model.mean, z.mean(0), rtol=1e-4, atol=1e-4)
    covariance = model.cholesky @ model.cholesky.T
    torch.testing.assert_close(covariance, torch.cov(z.T), rtol=1e-3, atol=1e-4)


def test_one_code_has_a_variance():
    model, x = linear_codes(1), torch.randn(50, 5)
    model.fit(x)
    assert model.cholesky.shape == (1, 1)
    assert model.cholesky.square().item() == pytest.approx(x[:, 0].var().item(), 1e-4)


def test_codes_on_a_line_get_a_millionth_of_their_variance():
    model, x = linear_codes(), torch.randn(50, 5)
    x[:, 1] = 2 * x[:, 0]  # and so the covariance is singular
    model.fit(x)
    small = model.cholesky[1, 1].square() / torch.cov(x.T)[1, 1]
    # Given the first code, which has its own millionth: the rest of the second.
    assert small.item() == pytest.approx(2e-6, rel=0.02)


def test_drawn_codes_have_them_too():
    """Means within 5 standard errors; covariances within 5 of theirs."""
    model, x, n = linear_codes(), correlated(500), 40_000
    model.fit(x)
    drawn = model.sample(n)
    assert drawn.shape == (n, 5) and not drawn[:, 3:].any()
    z, due = drawn[:, :3], torch.cov(x[:, :3].T)
    errors = (z.mean(0) - x[:, :3].mean(0)).abs() / (due.diagonal() / n).sqrt()
    assert errors.max() < 5
    scale = (due.diagonal().outer(due.diagonal()) + due.square()).sqrt() / n**0.5
    assert ((torch.cov(z.T) - due).abs() / scale).max() < 5


def test_codes_that_cannot_be_fitted_are_refused(as_users_run_it):
    model = linear_codes()
    with pytest.raises(ValueError, match="3 examples cannot fix a covariance of 3"):
        model.fit(correlated(3))
    model.fit(correlated(4))
    with pytest.raises(ValueError, match="shape"):
        model.fit(torch.randn(10, 4))
    bad = correlated(10)
    bad[3, 1] = math.nan
    with pytest.raises(ValueError, match="NaN"):
        model.fit(bad)
    wrong = GaussianCodes(model.autoencoder, 2)
    with pytest.raises(ValueError, match=r"\(10, 3\)"):
        wrong.fit(correlated(10))


# The linear VAE.


def test_the_loss_of_a_linear_gaussian_is_minus_its_log_likelihood():
    with gm.seeded(0):
        model = LinearGaussian(4, 2)
    x = torch.randn(50, 4)
    w, std = model.decoder.weight, model.log_std.exp()
    normal = torch.distributions.MultivariateNormal(
        model.decoder.bias, w @ w.T + std**2 * torch.eye(4)
    )
    due = -normal.log_prob(x).mean()
    torch.testing.assert_close(model.loss(x), due, rtol=1e-4, atol=1e-4)
