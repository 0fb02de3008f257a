"""Metrics against closed forms, brute force and another library."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import torch

from gmcourse import seeded
from gmcourse.classifiers import FeatureClassifier
from gmcourse.data import densities
from gmcourse.linear_gaussian import LinearGaussian
from gmcourse.metrics import (
    bits_per_dim,
    compare,
    coverage,
    frechet_distance,
    importance_weighted_bound,
    kernel_distance,
    modes,
    precision_recall,
    retrieval,
    wasserstein_distance,
)


def test_bits_per_dim():
    assert bits_per_dim(math.log(2), (1,)) == pytest.approx(1.0)
    # A uniform distribution over 256 levels costs 8 bits for each of the values.
    assert bits_per_dim(3 * 16 * math.log(256), (3, 4, 4)) == pytest.approx(8.0)


def test_bits_per_dim_of_a_density_counts_the_cells():
    """A density on [0, 1]^d of levels^d cells: each has the volume levels^-d."""
    shape = (3, 4, 4)
    assert bits_per_dim(0.0, shape, levels=256) == 8.0  # the uniform density, exactly
    assert bits_per_dim(0.0, shape, levels=32) == 5.0
    # Any discrete law, and the density that is constant on its cells: the same bits.
    p = torch.tensor([0.5, 0.2, 0.2, 0.1]).double()
    drawn = torch.multinomial(p, 50, replacement=True)
    discrete, density = -p.log()[drawn], -(4 * p).log()[drawn]
    torch.testing.assert_close(
        bits_per_dim(density, (1,), levels=4), bits_per_dim(discrete, (1,))
    )
    with pytest.raises(ValueError, match="levels is 1; expected 2 or more"):
        bits_per_dim(0.0, shape, levels=1)


def test_frechet_distance_against_scipys_matrix_root():
    a, b = torch.randn(300, 6) @ torch.randn(6, 6) + 1, torch.randn(200, 6)
    ca, cb = np.cov(a.double().numpy().T), np.cov(b.double().numpy().T)
    root = scipy.linalg.sqrtm(ca @ cb).real
    means = a.double().mean(0) - b.double().mean(0)
    expected = means.square().sum() + np.trace(ca + cb - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-6)


def test_distances_are_the_same_either_way():
    a, b = torch.randn(20, 3), torch.rand(30, 3)
    for distance in (frechet_distance, kernel_distance):
        assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-5)


def test_frechet_distance_of_known_gaussians():
    """Standardize exactly: then the distance is |m|² + Σ (s - 1)²."""
    x = torch.randn(500, 3).double()
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T
    s, m = torch.tensor([2.0, 0.5, 1.0]), torch.tensor([1.0, 0.0, -2.0])
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(x * s + m, x) == pytest.approx(5 + 1 + 0.25, rel=1e-6)
    assert frechet_distance(x, x * s + m) == pytest.approx(6.25, rel=1e-6)


def test_frechet_distance_survives_a_rank_deficient_set():
    a = torch.randn(10, 64)
    assert math.isfinite(frechet_distance(a, torch.randn(10, 64)))


def test_frechet_distance_is_never_below_zero():
    """Rounding of large numbers made it -256."""
    for seed in range(8):
        with seeded(seed):
            f = torch.randn(100, 8) * 1e8
        assert 0 <= frechet_distance(f, f) < 1e4
    assert frechet_distance(f, f + 1e9) > 1e18


def test_kernel_distance_against_a_double_loop():
    a, b = torch.randn(7, 4).double(), torch.randn(5, 4).double() + 1
    k = lambda u, v: (u @ v / 4 + 1) ** 3  # noqa: E731
    aa = sum(k(a[i], a[j]) for i in range(7) for j in range(7) if i != j) / 42
    bb = sum(k(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / 20
    ab = sum(k(u, v) for u in a for v in b) / 35
    assert kernel_distance(a, b) == pytest.approx(float(aa + bb - 2 * ab))


def test_kernel_distance_is_unbiased():
    """Of two samples of one distribution it is zero on average, not above."""
    values = [
        kernel_distance(torch.randn(20, 3), torch.randn(20, 3)) for _ in range(400)
    ]
    values = torch.tensor(values)
    assert values.mean().abs() < 5 * values.std() / 20
    assert (values < 0).any()


def test_precision_and_recall_against_brute_force():
    real, fake = torch.randn(40, 3), torch.randn(30, 3) * 2 + 0.5

    def inside(points, manifold):
        hits = 0
        radii = [sorted((p - q).norm() for q in manifold)[3] for p in manifold]
        for p in points:
            hits += any((p - q).norm() <= r for q, r in zip(manifold, radii))
        return hits / len(points)

    expected = (inside(fake, real), inside(real, fake))
    assert precision_recall(real, fake) == pytest.approx(expected)


def test_precision_and_recall_of_more_points_than_are_compared_at_a_time():
    real = torch.randn(1100, 2, dtype=torch.float64)
    fake = 0.8 * torch.randn(1300, 2, dtype=torch.float64)

    def inside(points, manifold):
        radii = torch.cdist(manifold, manifold).sort(1).values[:, 3]
        return (torch.cdist(points, manifold) <= radii).any(1).double().mean().item()

    due = inside(fake, real), inside(real, fake)
    assert precision_recall(real, fake) == pytest.approx(due)
    assert min(due) < max(due) < 1  # neither is trivial


def test_precision_and_recall_far_from_the_origin():
    """In single precision, distances between features near 1,000 are rounded away."""
    real, fake = torch.randn(300, 8).double(), 1.2 * torch.randn(300, 8).double()
    due = precision_recall(real, fake)
    offset = torch.full((8,), 4096.0)
    real, fake = (real + offset).float(), (fake + offset).float()
    assert precision_recall(real, fake) == pytest.approx(due, abs=0.02)
    exact = precision_recall(real.double(), fake.double())
    assert precision_recall(real, fake) == exact


def test_precision_sees_noise_and_recall_sees_missing_modes():
    centers = torch.tensor([[0.0, 0.0], [50.0, 0.0]])
    real = centers.repeat(50, 1) + torch.randn(100, 2)
    one_mode = torch.randn(100, 2)
    precision, recall = precision_recall(real, one_mode)
    assert precision > 0.8 and recall < 0.6
    noisy = torch.cat([real[:50] + 0.1, 1000 + 100 * torch.randn(50, 2)])
    precision, recall = precision_recall(real, noisy)
    assert precision < 0.6 and recall > 0.8


def test_importance_weighted_bound_in_parts_is_the_same_estimate():
    """Against the exact log p of a linear model whose q is wrong."""
    with seeded(3):
        model = LinearGaussian(4, 2, std=0.7)
        x = model.sample(9)
        vae = model.as_vae()
        with torch.no_grad():
            vae.encoder.bias[2:] += 0.3
        exact = model.log_prob(x).detach()
        for rows in (50, 1000, 100_000):
            value = importance_weighted_bound(vae, x, k=4000, rows=rows)
            torch.testing.assert_close(value, exact, atol=0.06, rtol=0)
        # One draw: a plain average of one-draw bounds, not a sum over parts.
        assert (importance_weighted_bound(vae, x, k=1) < exact + 3).all()


def test_at_most_so_many_rows_are_decoded_at_a_time():
    """And no fewer than half of them, where there are enough."""
    sizes = []

    class Recording:
        def check(self, x, c):
            pass

        def log_weights(self, x, c, k):
            assert c is None or torch.equal(c, x[:, 0].long())  # its own labels
            sizes.append(k * len(x))
            return x[:, 0].expand(k, -1)

    for n, k, rows in ((90, 300, 1000), (7, 5000, 200), (3, 40, 1000), (5, 2, 1)):
        x = torch.arange(2.0 * n).view(n, 2)
        for c in (None, x[:, 0].long()):
            sizes.clear()
            bound = importance_weighted_bound(Recording(), x, c, k=k, rows=rows)
            torch.testing.assert_close(bound, x[:, 0])
        assert sum(sizes) == n * k
        assert max(sizes) <= max(rows, 1)
        assert max(sizes) > min(rows, n * k) / 2


def test_a_bound_of_a_model_in_half_precision_is_not_rounded_to_it():
    """Above 64 nats the numbers of bfloat16 are half a nat apart."""
    with seeded(3):
        linear = LinearGaussian(40, 2, std=0.7)
        x = linear.sample(50)
    vae, x = linear.as_vae().bfloat16(), x.bfloat16()
    bound = importance_weighted_bound(vae, x, k=20)
    assert bound.dtype == torch.float32
    assert (bound != bound.bfloat16().float()).any()
    assert importance_weighted_bound(
        linear.as_vae().double(), x.double(), k=2
    ).dtype == (torch.float64)


def test_features_are_deterministic_and_leave_the_mode_alone():
    net = FeatureClassifier((1, 8, 8), (3, 2), width=8).train()
    x = torch.rand(7, 1, 8, 8)
    first = net.features_of(x, batch=3)
    assert first.shape == (7, 64) and first.dtype == torch.float64
    assert torch.equal(first, net.features_of(x, batch=3)) and net.training
    torch.testing.assert_close(first, net.features_of(x), atol=1e-5, rtol=0)


def test_images_of_another_scale_are_refused(as_users_run_it):
    """The classifier was trained on [0, 1]; elsewhere a distance means nothing."""
    net, x = FeatureClassifier((1, 8, 8), (3,), width=8), torch.rand(6, 1, 8, 8)
    for bad in (2 * x - 1, 255 * x):
        with pytest.raises(ValueError, match=r"values from .* expected 0 to 1"):
            net.features_of(bad)
        with pytest.raises(ValueError, match="expected 0 to 1"):
            next(iter(net.losses(bad, torch.zeros(6, dtype=torch.int64))))
        for n in range(3):
            sets = [x, x, x]
            sets[n] = bad
            with pytest.raises(ValueError, match="expected 0 to 1"):
                compare(*sets, net, "toy")


def test_combined_labels_are_split_by_head():
    net = FeatureClassifier((1, 8, 8), (3, 4))
    first, second = torch.arange(12) % 3, torch.arange(12) // 3
    split = net.split_labels(first + 3 * second)
    assert [s.tolist() for s in split] == [first.tolist(), second.tolist()]
    logits = net(torch.rand(2, 1, 8, 8))
    assert [u.shape[1] for u in logits] == [3, 4]


def test_a_comparison_names_its_features_and_carries_the_floor(as_users_run_it):
    net = FeatureClassifier((1, 8, 8), (3,), width=8)
    draw = lambda n: torch.rand(n, 1, 8, 8)  # noqa: E731
    result = compare(draw(30) * 0.2, draw(90), draw(30), net, "toy")
    assert result.frechet > result.frechet_floor > 0
    assert "toy features" in str(result) and "real" in str(result)
    assert "FID" not in str(result)
    with pytest.raises(ValueError, match="equal numbers"):
        compare(draw(30), draw(90), draw(20), net, "toy")


def test_precision_and_recall_of_a_comparison_are_of_equally_many(as_users_run_it):
    net = FeatureClassifier((1, 8, 8), (3,), width=8)
    fake, real = 0.5 * torch.rand(40, 1, 8, 8), torch.rand(200, 1, 8, 8)
    a, b = net.features_of(fake), net.features_of(real)
    for most, n in ((2000, 40), (30, 30)):
        found = compare(fake, real, fake, net, "toy", most)
        due = precision_recall(b[:n], a[:n])
        assert (found.precision, found.recall) == pytest.approx(due)
        assert due[0] != due[1] and due != precision_recall(b[:most], a[:most])[::-1]


def test_two_examples_are_enough_for_a_distance():
    a, b = torch.eye(2), torch.eye(2) + 1
    assert frechet_distance(a, b) == pytest.approx(2.0, abs=1e-9)
    assert math.isfinite(kernel_distance(a, b))


def test_bad_features_are_refused(as_users_run_it):
    good = torch.randn(10, 3)
    for bad, words in (
        (torch.randn(10, 4), "one d"),
        (torch.randn(10), "one d"),
        (torch.randn(1, 3), "at least 2"),
        (torch.full((10, 3), float("nan")), "finite values"),
    ):
        for metric in (frechet_distance, kernel_distance, precision_recall):
            with pytest.raises(ValueError, match=words):
                metric(good, bad)
    with pytest.raises(ValueError, match="expected 1 to 9"):
        precision_recall(good, good, k=10)


def test_a_bound_in_parts_of_any_size_has_its_k_draws():
    """Every weight of the exact posterior is p(x): one draw too many would be seen."""
    with seeded(0):
        linear = LinearGaussian(4, 2, std=0.7)
        x = linear.sample(5)
    for k, rows in (7, 3), (8, 3), (3, 100), (5, 5), (1, 1):
        bound = importance_weighted_bound(linear.as_vae(), x, k=k, rows=rows)
        torch.testing.assert_close(bound, linear.log_prob(x), atol=1e-4, rtol=1e-4)


def test_modes_against_a_double_loop():
    means, std = 4 * torch.randn(6, 3), 0.7
    samples = means.repeat(40, 1) + 1.5 * std * torch.randn(240, 3)
    counts = [0] * 6
    for x in samples.double():
        distances = [float((x - m).square().sum()) ** 0.5 for m in means.double()]
        nearest = min(range(6), key=distances.__getitem__)
        counts[nearest] += distances[nearest] <= 3 * std
    found = modes(samples, means, std)
    assert found.counts.tolist() == counts and 0 < sum(counts) < 240
    assert found.quality == pytest.approx(sum(counts) / 240)
    assert found.covered == 6


def test_modes_that_were_lost_and_samples_that_are_none():
    """Distance, not each coordinate: (0.29, 0.29) is further than 0.3 from the mean."""
    means = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    samples = torch.tensor([[0.2, 0.2], [0.29, 0.29], [0, 0.25], [5, -0.2], [2.5, 2]])
    found = modes(samples, means, std=0.1)
    assert found.counts.tolist() == [2, 1, 0] and found.covered == 2
    assert found.quality == pytest.approx(3 / 5)
    # Exactly 3 standard deviations are within 3.
    on_the_edge = modes(torch.tensor([[3.0, 4.0]]), torch.zeros(2, 2), std=5 / 3)
    assert on_the_edge.counts.sum() == 1 and on_the_edge.covered == 1
    assert "1 of 2 modes, 100.0%" in str(on_the_edge)
    nothing = modes(samples + 100, means, std=0.1)
    assert nothing.covered == 0 and nothing.quality == 0.0


@pytest.mark.parametrize("name", ["eight_gaussians", "grid25"])
def test_the_modes_of_the_truth_itself(name):
    """Within 3 standard deviations in the plane lie 1 - exp(-9/2) of a Gaussian."""
    truth = getattr(densities, name)()
    std = float(truth.covs[0, 0, 0].sqrt())
    with seeded(0):
        found = modes(truth.sample(40_000), truth.means.float(), std)
    k = len(truth.means)
    assert found.covered == k
    assert abs(found.quality - (1 - math.exp(-4.5))) < 5 * 0.0005  # 5 standard errors
    assert (found.counts / 40_000 - 1 / k).abs().max() < 5 * (1 / k / 40_000) ** 0.5


def test_modes_are_decided_in_double_precision():
    """Far from the origin a distance in single precision is off by whole deviations."""
    means = torch.tensor([[4096.0, 4096.0], [4097.0, 4096.0]])
    samples = means.repeat(50, 1)
    assert modes(samples, means, std=1e-4).counts.tolist() == [50, 50]


def test_what_is_no_count_of_modes_is_refused(as_users_run_it):
    x, means = torch.randn(9, 2), torch.randn(3, 2)
    for bad in (torch.randn(9, 3), torch.randn(9), torch.randn(0, 2)):
        with pytest.raises(ValueError, match=r"expected \(n, d\) and \(k, d\)"):
            modes(bad, means, 0.1)
        with pytest.raises(ValueError, match=r"expected \(n, d\) and \(k, d\)"):
            modes(x, bad, 0.1)
    with pytest.raises(ValueError, match="samples: expected finite numbers"):
        modes(x * float("nan"), means, 0.1)
    with pytest.raises(ValueError, match="means: expected finite numbers"):
        modes(x, means / 0, 0.1)
    for std in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=r"std is .* expected a positive number"):
            modes(x, means, std)
    for args in ((x.long(), means), (x, means.tolist())):
        with pytest.raises(TypeError, match="expected a float tensor"):
            modes(*args, 0.1)


def test_coverage_against_the_definition():
    with seeded(0):
        labels = torch.randint(7, (50,)) ** 2 // 6  # not all of 0 to 6, not evenly
    found = coverage(labels, 9)
    counts = [labels.tolist().count(k) for k in range(9)]
    assert found.counts.tolist() == counts and 0 in counts
    assert found.covered == len(set(labels.tolist()))
    due = sum(n / 50 * math.log(n / 50 * 9) for n in counts if n)
    assert found.kl == pytest.approx(due, abs=1e-12)
    reference = torch.distributions.kl_divergence(
        torch.distributions.Categorical(torch.tensor(counts).double()),
        torch.distributions.Categorical(torch.ones(9).double()),
    )
    assert found.kl == pytest.approx(reference.item(), abs=1e-6)


def test_the_ends_of_coverage():
    even = coverage(torch.arange(1000).repeat(3), 1000)
    assert even.covered == 1000 and abs(even.kl) < 1e-12
    assert str(even).startswith("1,000 of 1,000 modes, KL")
    one = coverage(torch.full((26_000,), 999), 1000)
    assert one.covered == 1 and one.kl == pytest.approx(math.log(1000))
    nothing = modes(torch.full((3, 2), 50.0), torch.zeros(4, 2), std=0.1)
    assert math.isnan(nothing.kl) and nothing.covered == 0


def test_counts_are_compared_by_identity():
    """Of tensors ``==`` is no truth value."""
    means = torch.tensor([[0.0], [10.0]])
    for found in (
        lambda: coverage(torch.arange(3), 3),
        lambda: modes(means, means, 0.1),
    ):
        one = found()
        assert one != found() and one == one and len({one, found()}) == 2


def test_the_bias_of_coverage_is_what_its_docstring_says():
    """2 n KL of uniform draws is nearly chi-squared with 999 degrees of freedom."""
    n, k = 26_000, 1000
    with seeded(0):
        values = [coverage(torch.randint(k, (n,)), k).kl for _ in range(20)]
    due, spread = (k - 1) / (2 * n), (2 * (k - 1)) ** 0.5 / (2 * n)
    # The next term of the mean is about (k / n)² / 12 = 1.2e-4.
    assert abs(sum(values) / 20 - due) < 5 * spread / 20**0.5 + 2e-4
    assert min(values) > due - 6 * spread and round(due, 3) == 0.019


def test_modes_of_a_mixture_have_a_divergence_as_well():
    means = torch.tensor([[0.0], [10.0], [20.0]])
    found = modes(means[[0, 0, 1]], means, std=0.1)
    due = math.log(3) + 2 / 3 * math.log(2 / 3) + math.log(1 / 3) / 3
    assert found.kl == pytest.approx(due)


def test_what_are_no_labels_is_refused(as_users_run_it):
    for bad in ([0, 1], torch.zeros(3), torch.zeros(3, dtype=torch.int32)):
        with pytest.raises(TypeError, match=r"expected a tensor of torch\.int64"):
            coverage(bad, 3)
    for bad in (torch.zeros(0), torch.zeros(2, 2), torch.tensor(1)):
        with pytest.raises(ValueError, match=r"expected \(n,\)"):
            coverage(bad.long(), 3)
    for bad in ([0, 3], [-1, 2]):
        with pytest.raises(ValueError, match="expected 0 to 2"):
            coverage(torch.tensor(bad), 3)
    with pytest.raises(ValueError, match="classes is 0"):
        coverage(torch.zeros(2).long(), 0)


def test_retrieval_against_a_double_loop():
    with seeded(0):
        truth = torch.randn(30, 2, 3, 3)
        made = truth + 1.5 * torch.randn_like(truth)
    hits = 0
    for i in range(30):
        errors = [float((made[i] - t).double().square().sum()) for t in truth]
        hits += min(range(30), key=errors.__getitem__) == i
    assert 0 < hits < 30 and retrieval(made, truth) == pytest.approx(hits / 30)
    assert retrieval(truth, truth) == 1 and retrieval(truth.flip(0), truth) == 0


def test_retrieval_of_what_does_not_look_is_chance():
    with seeded(0):
        truth = torch.rand(50, 4)
    assert retrieval(torch.full((50, 4), 0.5), truth) == pytest.approx(1 / 50)
    assert retrieval(truth[:1].expand(50, 4), truth) == pytest.approx(1 / 50)


def test_retrieval_tells_near_ones_apart_and_twins_not():
    truth = 1e5 + 1e-4 * torch.arange(40.0, dtype=torch.float64)[:, None]
    assert retrieval(truth + 3e-5, truth) == 1
    twins = torch.tensor([[0.0], [0.0], [1.0]])
    assert retrieval(twins, twins) == pytest.approx(1 / 3)


def test_what_cannot_be_retrieved_is_refused(as_users_run_it):
    x = torch.rand(5, 3)
    for bad in (x[:4], x[:, :2], x.flatten(), x[:1]):
        with pytest.raises(ValueError, match=r"expected one shape \(n, \.\.\.\)"):
            retrieval(bad, x if len(bad) > 1 else bad)
    with pytest.raises(ValueError, match="n at least 2"):
        retrieval(torch.rand(5), torch.rand(5))
    with pytest.raises(ValueError, match="truth: expected finite numbers"):
        retrieval(x, x / 0)
    with pytest.raises(TypeError, match=r"made are torch\.uint8; expected a float"):
        retrieval(x.byte(), x)


# Moving earth.


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 3), (4, 2), (2, 6), (3, 5)])
def test_the_distance_on_a_line_is_the_cheapest_plan(n, m):
    """Copies make the samples equally large; then the best plan is a permutation."""
    with seeded(n + m):
        x, y = 3 * torch.randn(n).double() + 7, torch.randn(m).double().round()
    size = math.lcm(n, m)
    many, places = x.repeat(size // n), y.repeat(size // m)
    if size > 8:  # too many permutations: in order
        due = (many.sort().values - places.sort().values).abs().mean()
    else:
        orders = torch.tensor(list(itertools.permutations(range(size))))
        due = (many - places[orders]).abs().mean(1).min()
    found = wasserstein_distance(x, y)
    assert found == pytest.approx(float(due), abs=1e-12)
    assert wasserstein_distance(y, x) == pytest.approx(found, abs=1e-12)
    assert wasserstein_distance(x, x) == 0


@pytest.mark.parametrize("bad", [torch.zeros(0), torch.zeros(2, 1), torch.tensor(1.0)])
def test_the_distance_on_a_line_wants_two_lists(bad, as_users_run_it):
    for pair in ((bad, torch.zeros(3)), (torch.zeros(3), bad)):
        with pytest.raises(ValueError, match=r"expected \(n,\) and \(m,\)"):
            wasserstein_distance(*pair)
    with pytest.raises(ValueError, match="y"):
        wasserstein_distance(torch.zeros(2), torch.tensor([math.nan]))
    with pytest.raises(TypeError, match="float"):
        wasserstein_distance(torch.zeros(2), torch.tensor([1]))
