"""Patterns, spins and languages, against enumeration and hand-written brute force.

Statistical tests have fixed seeds and fail a correct sampler at the rate 1e-6.
"""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gmcourse import seeded
from gmcourse.data import structured as S

BAD = (ValueError, TypeError)  # annotations, checked under pytest, may come first
CATALAN = [1, 2, 5, 14, 42, 132, 429]  # of 1 to 7 pairs


def chi_square(counts, p):
    """Observed counts against exact probabilities of all outcomes."""
    assert abs(sum(p) - 1) < 1e-9 and (counts[p == 0] == 0).all()
    expected = counts.sum() * p[p > 0]
    assert expected.min() > 5
    statistic = ((counts[p > 0] - expected) ** 2 / expected).sum().item()
    assert statistic < stats.chi2.isf(1e-6, len(expected) - 1)


def all_images(side, low, high):
    values = itertools.product([low, high], repeat=side * side)
    return torch.tensor(list(values), dtype=torch.float64).view(-1, 1, side, side)


def as_index(x):
    """Place of each image in `all_images`."""
    bits = (x > 0).flatten(1).long()
    return bits @ (2 ** torch.arange(bits.shape[1] - 1, -1, -1))


# Bars and stripes


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_bars_and_stripes_counts(side):
    data = S.BarsAndStripes(side)
    images = all_images(side, 0.0, 1.0)
    p = data.log_prob(images).exp()
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    assert (p > 0).sum() == 2 ** (side + 1) - 2
    entropy = torch.special.entr(p).sum().item()
    assert data.entropy == pytest.approx(entropy, abs=1e-12)
    support = as_index(data.support())
    assert support.sort().values.tolist() == p.nonzero()[:, 0].tolist()
    assert data.support().dtype == torch.float32


def test_bars_and_stripes_are_bars_or_stripes():
    bars = torch.tensor([[1.0, 0, 1]]).repeat(3, 1)
    x = torch.stack([bars, bars.T, torch.ones(3, 3), torch.eye(3)])[:, None]
    p = S.BarsAndStripes(3).log_prob(x).exp() * 16
    assert torch.allclose(p, torch.tensor([1.0, 1, 2, 0]))


def test_bars_and_stripes_samples():
    data = S.BarsAndStripes(3)
    with seeded(0):
        x = data.sample(20_000)
    assert x.shape == (20_000, 1, 3, 3) and x.dtype == torch.float32
    counts = torch.bincount(as_index(x), minlength=512)
    chi_square(counts, data.log_prob(all_images(3, 0.0, 1.0)).exp())
    assert data.sample(0).shape == (0, 1, 3, 3)


# Ising


def ising_energy(x, coupling, field):
    side, u = len(x), 0.0
    for i, j in itertools.product(range(side), repeat=2):
        u -= field * x[i][j]
        if i + 1 < side:
            u -= coupling * x[i][j] * x[i + 1][j]
        if j + 1 < side:
            u -= coupling * x[i][j] * x[i][j + 1]
    return u


@pytest.mark.parametrize("coupling, field", [(0.3, 0.2), (-0.7, 0.1), (0.0, -0.4)])
@pytest.mark.parametrize("side", [1, 2, 3])
def test_ising_against_enumeration(side, coupling, field):
    model = S.Ising(side, coupling, field)
    x = all_images(side, -1.0, 1.0)
    u = torch.tensor(
        [ising_energy(image, coupling, field) for image in x[:, 0].tolist()]
    )
    assert torch.allclose(model.energy(x), u.double(), atol=1e-5)
    log_z = (-model.energy(x)).logsumexp(0).item()
    assert model.log_partition == pytest.approx(log_z, abs=1e-10)
    p = model.log_prob(x).exp()
    assert p.sum().item() == pytest.approx(1, abs=1e-10)
    assert model.entropy == pytest.approx(torch.special.entr(p).sum().item(), abs=1e-9)


def test_ising_four_by_four():
    x = all_images(4, -1.0, 1.0)
    model = S.Ising(4)
    log_z = (-model.energy(x)).logsumexp(0).item()
    assert model.log_partition == pytest.approx(log_z, abs=1e-9)
    assert pytest.approx(math.asinh(1) / 2) == S.CRITICAL_COUPLING


@pytest.mark.parametrize("side, field", [(1, 0.3), (2, 0.2), (3, -0.1)])
def test_ising_samples_are_exact(side, field):
    model = S.Ising(side, coupling=0.15, field=field)
    with seeded(0):
        x = model.sample(40_000)
    assert x.shape == (40_000, 1, side, side) and x.dtype == torch.float32
    counts = torch.bincount(as_index(x), minlength=2 ** (side * side))
    chi_square(counts, model.log_prob(all_images(side, -1.0, 1.0)).exp())


def test_ising_where_rounding_leaves_a_row_short_of_one(monkeypatch):
    """A draw above the sum of all states is the last state, and not one beyond."""
    monkeypatch.setattr(torch, "rand", torch.ones)
    assert torch.equal(S.Ising(3).sample(2), torch.ones(2, 1, 3, 3))


def test_ising_entropy_against_samples_of_a_large_lattice():
    model = S.Ising(10)
    with seeded(0):
        nll = -model.log_prob(model.sample(3000).double())
    error = nll.std().item() / math.sqrt(len(nll))
    assert abs(nll.mean().item() - model.entropy) < 5 * error  # false alarm 6e-7
    assert model.sample(0).shape == (0, 1, 10, 10)


def test_ising_without_coupling_is_coins():
    model = S.Ising(7, coupling=0.0, field=0.5)
    p = 1 / (1 + math.exp(-1.0))
    coin = -p * math.log(p) - (1 - p) * math.log(1 - p)
    assert model.entropy == pytest.approx(49 * coin, abs=1e-10)
    assert model.log_partition == pytest.approx(49 * math.log(2 * math.cosh(0.5)))


# Languages


@pytest.mark.parametrize("pairs, catalan", list(enumerate(CATALAN, 1)))
def test_dyck_counts_are_catalan(pairs, catalan):
    language = S.Dyck(pairs)
    words = map("".join, itertools.product("()", repeat=2 * pairs))
    assert sum(map(language.is_valid, words)) == catalan == language.count
    assert language.entropy == pytest.approx(math.log(catalan))


def test_dyck_counts_with_two_kinds():
    language = S.Dyck(3, "()[]")
    words = map("".join, itertools.product("()[]", repeat=6))
    assert sum(map(language.is_valid, words)) == 5 * 2**3 == language.count


@pytest.mark.parametrize("pairs, brackets", [(1, "()"), (5, "()"), (3, "()[]")])
def test_dyck_samples_are_uniform(pairs, brackets):
    language = S.Dyck(pairs, brackets)
    with seeded(0):
        words = language.sample(4000)
    kinds = sorted(set(words))
    assert all(map(language.is_valid, kinds)) and len(kinds) == language.count
    counts = torch.tensor([words.count(word) for word in kinds]).double()
    if len(kinds) > 1:
        chi_square(counts, torch.full_like(counts, 1 / len(kinds)))


@given(st.text("()[]x", max_size=8))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_dyck_validity_is_reduction_to_nothing(word):
    rest, before = word, None
    while rest != before:
        rest, before = rest.replace("()", "").replace("[]", ""), rest
    language = S.Dyck(2, "()[]")
    assert language.is_valid(word) == (rest == "" and len(word) == 4)


def test_long_dyck_words():
    language = S.Dyck(200)
    assert all(map(language.is_valid, language.sample(20)))
    assert language.entropy == pytest.approx(
        math.lgamma(401) - math.lgamma(202) - math.lgamma(201)
    )


def test_arithmetic_samples():
    language = S.Arithmetic(1)
    with seeded(0):
        words = language.sample(3000)
    assert all(map(language.is_valid, words))
    assert all(int(w[0]) + int(w[2]) == int(w[4:]) and len(w) == 6 for w in words)
    kinds = sorted(set(words))
    assert len(kinds) == language.count == 100
    counts = torch.tensor([words.count(word) for word in kinds]).double()
    chi_square(counts, torch.full_like(counts, 0.01))
    assert language.entropy == pytest.approx(math.log(100))


@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 11), st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_arithmetic_one_wrong_character_is_found(a, b, place, data):
    language = S.Arithmetic(3)
    word = f"{a:03d}+{b:03d}={a + b:04d}"
    assert language.is_valid(word)
    others = [c for c in language.alphabet + " x²" if c != word[place]]
    wrong = word[:place] + data.draw(st.sampled_from(others)) + word[place + 1 :]
    assert not language.is_valid(wrong)


@given(st.text(max_size=8))
@settings(deadline=None, derandomize=True)
def test_any_string_may_be_asked_about(word):
    assert not S.Arithmetic(3).is_valid(word)
    assert not S.Dyck(5).is_valid(word)


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_as_many_sums_as_pairs_of_numbers(digits):
    language = S.Arithmetic(digits)
    assert language.count == (10**digits) ** 2
    assert language.length == len(language.sample(1)[0]) == 3 * digits + 3


@pytest.mark.parametrize("language", [S.Dyck(4, "()<>"), S.Arithmetic(2)])
def test_encode_and_decode(language):
    with seeded(1):
        words = language.sample(30)
    with seeded(1):
        assert words == language.sample(30)
    tokens = language.encode(words)
    assert tokens.shape == (30, language.length) and tokens.dtype == torch.int64
    assert language.decode(tokens) == words
    assert language.alphabet[tokens[3, 5]] == words[3][5]
    assert language.encode([]).shape == (0, language.length)
    assert language.decode(tokens[:0]) == []
    top = len(language.alphabet) - 1
    for wrong in (-1, top + 1):
        with pytest.raises(ValueError, match=rf"expected values in 0\.\.{top}"):
            language.decode(torch.tensor([[0, wrong]]))
    assert language.sample(0) == []


# Bad input


REFUSED = {
    "side is .*expected 1 to 64": [
        lambda: S.BarsAndStripes(0),
    ],
    "side is .*expected 1 to 16": [
        lambda: S.BarsAndStripes(20).support(),
    ],
    "n is .*expected 0 or more": [
        lambda: S.BarsAndStripes(4).sample(-1),
        lambda: S.Ising(3).sample(-1),
        lambda: S.Dyck(3).sample(-1),
        lambda: S.Arithmetic(2).sample(-5),
    ],
    "expected the values 0 and 1 alone": [
        lambda: S.BarsAndStripes(4).log_prob(torch.rand(2, 1, 4, 4)),
        lambda: S.BarsAndStripes(4).log_prob(torch.full((1, 1, 4, 4), math.nan)),
    ],
    r"expected \(b, ": [
        lambda: S.BarsAndStripes(4).log_prob(torch.zeros(2, 1, 3, 3)),
        lambda: S.Ising(3).log_prob(torch.ones(1, 1, 4, 4)),
    ],
    "side is .*expected 1 to 10": [
        lambda: S.Ising(0),
        lambda: S.Ising(11),
    ],
    "coupling is .*expected a finite number": [
        lambda: S.Ising(3, coupling=math.inf),
    ],
    "field is .*expected a finite number": [
        lambda: S.Ising(3, field=math.nan),
    ],
    "expected the values -1 and 1 alone": [
        lambda: S.Ising(3).energy(torch.zeros(1, 1, 3, 3)),
    ],
    "pairs is .*expected 1 to 10,000": [
        lambda: S.Dyck(0),
    ],
    "expected pairs such as": [
        lambda: S.Dyck(3, "("),
        lambda: S.Dyck(3, "(()"),
        lambda: S.Dyck(3, "(("),
    ],
    "expected 6 characters": [
        lambda: S.Dyck(3).encode(["(())"]),
        lambda: S.Dyck(3).encode(["((ab))"]),
    ],
    r"expected values in 0\.\.1": [
        lambda: S.Dyck(3).decode(torch.tensor([[0, 2]])),
        lambda: S.Dyck(3).decode(torch.tensor([[-1, 0]])),
    ],
    "digits is .*expected 1 to 18": [
        lambda: S.Arithmetic(0),
        lambda: S.Arithmetic(19),
    ],
}


@pytest.mark.parametrize("words", REFUSED)
def test_bad_input_is_named(words):
    for call in REFUSED[words]:
        with pytest.raises(ValueError, match=words):
            call()


def test_images_of_another_shape_are_refused():
    for x in (torch.zeros(3, 3), torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4)):
        with pytest.raises(BAD):
            S.BarsAndStripes(4).log_prob(x)


def test_public_names_exist():
    assert all(hasattr(S, name) for name in S.__all__)


def test_samples_are_on_the_cpu_whatever_the_default_device():
    with torch.device("meta"):
        for toy in (S.BarsAndStripes(3), S.Ising(3)):
            x = toy.sample(4)
            assert x.device.type == toy.log_prob(x).device.type == "cpu"
        for language in (S.Dyck(3), S.Arithmetic(2)):
            tokens = language.encode(language.sample(4))
            assert tokens.device.type == "cpu" and len(language.decode(tokens)) == 4
