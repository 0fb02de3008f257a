"""Arguments that are easily got wrong: each is refused with a sentence that helps."""

import math

import numpy as np
import pytest
import torch
from models import conv_vae, dense_vae, flat_ae
from torch import nn

from gmcourse import histogram, metrics, mixtures, plots
from gmcourse.__main__ import main
from gmcourse._arguments import integer, setting, sizes
from gmcourse.autoencoders import Autoencoder, GaussianCodes, SparseAutoencoder
from gmcourse.classifiers import FeatureClassifier
from gmcourse.data import densities as D
from gmcourse.data import structured as S
from gmcourse.likelihoods import Bernoulli, DiscretizedLogistic, FixedGaussian, Gaussian
from gmcourse.linear_gaussian import LinearGaussian
from gmcourse.nets import mlp
from gmcourse.training import warmup_cosine
from gmcourse.vae import IWAE

NAN, INF = math.nan, math.inf


@pytest.fixture(autouse=True)
def _users(as_users_run_it):
    pass


def fails(call, words, error=ValueError):
    with pytest.raises(error, match=words):
        call()


def test_integers():
    for good in (3, np.int64(3), torch.tensor(3)):
        assert integer("k", good) == 3 and type(integer("k", good)) is int
    for bad in (2.0, True, "3", None, torch.tensor(2.0)):
        fails(lambda bad=bad: integer("k", bad), "k is .*an integer", TypeError)
    fails(lambda: integer("k", 0), "k is 0; expected 1 or more")
    fails(lambda: integer("k", 1001, 2, 1000), "expected 2 to 1,000")


def test_the_number_of_samples_may_come_from_numpy():
    model = dense_vae(Bernoulli())
    assert model.sample(np.int64(2)).shape == (2, 5)
    assert D.rings().sample(np.int64(2)).shape == (2, 2)


@pytest.mark.parametrize("c", [[0, 1], np.array([0, 1]), 1])
def test_labels_that_are_no_tensor(c):
    model = conv_vae(classes=3)
    fails(lambda: model.sample(2, c), "expected a tensor of 2 labels", TypeError)
    x = torch.rand(2, 1, 8, 8)
    fails(lambda: model.loss(x, c), "pass torch.tensor", TypeError)


@pytest.mark.parametrize("n", [2.5, "3", True, None])
def test_counts_of_the_toy_sets(n):
    for toy in (D.eight_gaussians(), D.rings(), D.moons(), S.Ising(2), S.Dyck(2)):
        fails(lambda toy=toy: toy.sample(n), "n is .*an integer", TypeError)
    sizes = S.BarsAndStripes, S.Ising, S.Dyck, S.Arithmetic, D.rings().grid
    for make in (*sizes, D.checkerboard, D.rezende_mohamed):
        fails(lambda make=make: make(n), "expected an integer", TypeError)
    for make in (D.pinwheel, D.spirals):
        fails(lambda make=make: make(arms=n), "arms is", TypeError)


def test_parameters_of_the_toy_sets():
    fails(lambda: D.checkerboard(3), "even")
    for bad in ((1.0,), (1.0, 2.0, 3.0), (1.0, 0.0), 0.3):
        fails(lambda bad=bad: D.banana(stds=bad), "two positive numbers")
        fails(lambda bad=bad: D.pinwheel(stds=bad), "two positive numbers")
    for bad in ((0, 1, 2), (0, 1, 0, 1, 0, 1)):
        fails(lambda bad=bad: D.picture([[1, 2]], bounds=bad), "left, right, bottom")
    fails(lambda: D.GaussianMixture([[1.0]], stds=[]), "expected positive values")
    fails(lambda: D.twist(torch.zeros(3), 1.0), r"expected \(b, 2\)")


@pytest.mark.parametrize("x", [np.zeros((4, 2)), [[0.0, 0.0]]])
def test_points_that_are_no_tensor(x):
    for call in (D.rings().log_prob, D.double_well().energy, D.grid25().score):
        fails(lambda call=call: call(x), "expected a float32 or float64 t", TypeError)
    fails(lambda: S.Ising(2).energy(x), "expected a float tensor", TypeError)


def test_tokens_of_a_language():
    language = S.Dyck(2)
    for bad in (torch.tensor([0, 1]), torch.tensor([[0.0, 1.0]])):
        fails(lambda bad=bad: language.decode(bad), "integers .n, length.")


def test_a_histogram_of_nothing():
    model = histogram.Histogram([(0.0, 1.0)], bins=2)
    fails(lambda: model.log_prob(torch.zeros(1, 1)), "call fit first")
    fails(lambda: model.sample(2), "call fit first")
    fails(lambda: histogram.Histogram([(0.0, INF)], 2), "finite numbers")
    fails(lambda: histogram.Histogram([(0.0, 1.0)], 2, NAN), "smoothing of 0 or more")
    fails(lambda: histogram.Histogram([(0.0, 1.0)], 2.5), "bins is 2.5", TypeError)


def test_mixtures_of_what_has_no_mixture():
    same = torch.zeros(5, 2)
    fails(lambda: mixtures.fit_mixture(same, 2), "1 different points; expected 2")
    fails(lambda: mixtures.fit_mixture(same * NAN, 2), "finite numbers")
    x, r = torch.randn(5, 2), torch.eye(2)[torch.zeros(5, dtype=torch.int64)]
    fails(lambda: mixtures.m_step(x, r), r"\[5.0, 0.0\] points.*fewer components")
    fails(lambda: mixtures.m_step(x, r[:4]), r"expected \(n, d\) and \(n, k\)")


def test_pixels_that_are_none():
    """Gray values of 0 to 255 made a 'likelihood' above one, and NaN a NaN model."""
    x = torch.randint(0, 256, (6, 1, 2, 2)).float()
    model = mixtures.BernoulliMixture(2, (1, 2, 2))
    before = model.logits.clone()
    for bad in (x, x * NAN):
        words = "x holds NaN" if bad.isnan().any() else "values from .*to_unit"
        fails(lambda bad=bad: model.fit(bad), words)
        fails(lambda bad=bad: model.em_step(bad), words)
    assert torch.equal(model.logits, before)
    seen = torch.ones(2, 2)
    fails(lambda: model.complete(x / 255, seen), "boolean mask", TypeError)
    flat = x.flatten(1)
    fails(lambda: Bernoulli().log_prob(torch.zeros(6, 4), flat), "expected 0 to 1")
    params = torch.zeros(6, 8)
    fails(lambda: DiscretizedLogistic().log_prob(params, flat), "expected 0 to 1")


def test_values_beside_the_unit_interval_are_said_in_full():
    """'from 1 to 1; expected 0 to 1' helped nobody."""
    x = torch.full((1, 2), 1.0)
    x[0, 1] = x[0, 1].nextafter(torch.tensor(2.0))
    fails(lambda: Bernoulli().log_prob(x, x), "from 1 to 1.00000012; expected 0 to 1")
    double = torch.tensor([[-1e-13, 1 + 1e-13]], dtype=torch.float64)
    fails(lambda: Bernoulli().log_prob(double, double), "to 1.0000000000000999; exp")
    x[0, 1] = NAN
    fails(lambda: Bernoulli().log_prob(x, x), "x holds NaN")


@pytest.mark.parametrize(
    "likelihood", [Bernoulli(), FixedGaussian(1.0), Gaussian(), DiscretizedLogistic()]
)
def test_likelihoods_do_not_broadcast(likelihood):
    params = torch.zeros(2, 3 * likelihood.per_value)
    assert likelihood.log_prob(params, torch.ones(2, 3)).shape == (2,)
    fails(lambda: likelihood.log_prob(params, torch.ones(2, 1)), "nothing is broadcast")


def test_models_of_different_events():
    parts = [mixtures.BernoulliMixture(2, shape) for shape in ((3,), (4,))]
    fails(lambda: mixtures.BayesClassifier(parts, torch.ones(2)), "expected one shape")


def test_codes_that_do_not_fit():
    x = torch.rand(20, 1, 8, 8)
    codes = GaussianCodes(flat_ae(), 4)
    before = codes.cholesky.clone()
    fails(lambda: codes.fit((x * 255).byte()), "to_unit", TypeError)
    fails(lambda: codes.fit(x * NAN), "all finite")
    fails(lambda: GaussianCodes(flat_ae(), 3).fit(x), r"expected \(20, 3\)")
    assert torch.equal(codes.cholesky, before)
    short = Autoencoder(nn.Flatten(), nn.Linear(64, 10), (1, 8, 8))
    fails(lambda: short.loss(x), r"the decoder gave \(20, 10\); expected the values")
    for weight in (-1.0, NAN):
        fails(lambda weight=weight: flat_ae(SparseAutoencoder, weight=weight), "weight")


def test_numbers_of_a_vae():
    vae, x = dense_vae(Bernoulli()), torch.ones(2, 5)
    fails(lambda: vae.iw_bound(x, k=0), "k is 0; expected 1 or more")
    fails(lambda: IWAE(vae, 2.5), "k is 2.5", TypeError)
    iwae = IWAE(vae, 2)
    vae.beta = 4.0  # later, as a warm-up in the body of a loop would
    fails(lambda: iwae.loss(x), "beta is 4.0; expected 1")
    vae.beta = 1.0
    for std in (0.0, -1.0, NAN):
        fails(lambda std=std: LinearGaussian(3, 2, std), "std is .*positive number")
    fails(lambda: dense_vae(Bernoulli(), beta=NAN), "beta is nan")


def test_labels_fewer_than_examples_do_not_shorten_the_estimate():
    vae, x = conv_vae(classes=3), torch.rand(40, 1, 8, 8)
    few = torch.zeros(20, dtype=torch.int64)
    bound = metrics.importance_weighted_bound
    fails(lambda: bound(vae, x, few, k=100), r"expects labels, \(40,\)")
    fails(lambda: bound(vae, x[:0], few[:0]), "at least 1")


def test_what_a_classifier_takes():
    net = FeatureClassifier((1, 8, 8), (3, 2), width=8)
    x = torch.rand(4, 1, 8, 8)
    fails(lambda: net.features_of((x * 255).byte()), "to_unit", TypeError)
    for bad in (torch.rand(4, 8, 8), torch.rand(4, 1, 12, 12)):
        fails(lambda bad=bad: net.features_of(bad), r"expects \(b, 1, 8, 8\)")
    for top in (6, -1):
        labels = torch.tensor([0, 1, 5, top])
        fails(lambda labels=labels: list(net.losses(x, labels)), "expected 0 to 5")
        fails(lambda labels=labels: net.split_labels(labels), "expected 0 to 5")
    fails(lambda: net.loss(x), "FeatureClassifier is conditional: pass c")
    fails(lambda: net.loss(x, torch.zeros(4)), "expects labels, .4,. and torch.int64")
    # The last, smaller batch of an epoch may hold one example.
    one, label = x[:1], torch.zeros(1, dtype=torch.int64)
    fails(lambda: net.loss(one, label), "with b at least 2 in train mode")
    assert net.eval().loss(one, label).isfinite() and len(net.features_of(one)) == 1
    assert len(net.train().features_of(one)) == 1
    good = torch.randn(5, 3)
    for bad in (good.numpy(), good.long()):
        for distance in (metrics.frechet_distance, metrics.precision_recall):
            fails(lambda: distance(good, bad), "expected a float", TypeError)  # noqa: B023


def test_sizes_of_a_net():
    for bad in (True, 2.0, "3", None):
        fails(lambda bad=bad: mlp(bad, 1), "a size is .*an integer", TypeError)
    fails(lambda: mlp(3, 0), "a size is 0; expected 1 or more")
    fails(lambda: mlp(3), "two or more positive integers")
    assert mlp(np.int64(3), 2)(torch.zeros(1, 3)).shape == (1, 2)


def test_figures_of_what_cannot_be_drawn():
    x = torch.rand(4, 1, 8, 8)
    white = (x * 255).byte()
    fails(lambda: plots.image_grid(white), "use to_unit", TypeError)
    fails(lambda: plots.image_grid(x[:0]), "n above 0")
    fails(lambda: plots.image_grid(x, columns=0), "columns is 0")
    fails(lambda: plots.image_grid(x, pad=-1), "pad is -1")
    fails(lambda: plots.figure(0), "columns is 0; expected 1 or more")
    fails(lambda: plots.scatter(None, torch.rand(5, 3)), r"expected \(n, 2\)")
    few = torch.zeros(4, dtype=torch.int64)
    fails(lambda: plots.scatter(None, torch.rand(5, 2), few), r"expected \(5,\)")


@pytest.mark.parametrize("damaged", [False, True])
def test_the_command_line_names_missing_and_damaged_data(
    damaged, tmp_path, monkeypatch, capsys
):
    """`zoo evaluate` reads data too: no traceback where that is not to be had."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    if damaged:
        (folder / "t10k-images-idx3-ubyte").write_bytes(b"<html>")
    monkeypatch.setenv("GMCOURSE_DATA", str(tmp_path))
    monkeypatch.setenv("GMCOURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("GMCOURSE_OFFLINE", "1")
    monkeypatch.setenv("GMCOURSE_STRICT", "1")
    monkeypatch.setattr("gmcourse.data.places.SYSTEM", ())
    assert main(["zoo", "evaluate", "vae2d-mnist", "--quick"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gmcourse: ")
    assert ("is a web page" if damaged else "GMCOURSE_STRICT is set") in error


def test_a_schedule_of_no_steps():
    fails(lambda: warmup_cosine(-1), "steps is -1; expected 0 or more")
    fails(lambda: warmup_cosine(10, 2.5), "warmup is 2.5", TypeError)


def test_what_windows_leaves_around_a_setting(monkeypatch):
    for said in ("smoke", "smoke ", '"smoke"', "'smoke' ", "\tsmoke\r\n"):
        monkeypatch.setenv("GMCOURSE_SCALE", said)
        assert setting("GMCOURSE_SCALE") == "smoke"
    monkeypatch.delenv("GMCOURSE_SCALE")
    assert setting("GMCOURSE_SCALE") == ""


@pytest.mark.parametrize("shape", [torch.ones(3), 28, "28"])
def test_a_shape_is_a_tuple_or_a_list(shape):
    assert sizes("event_shape", [1, 28]) == (1, 28) and sizes("event_shape", ()) == ()
    with pytest.raises(TypeError, match=r"event_shape is a .*expected sizes"):
        sizes("event_shape", shape)
