"""What a recipe can say: several players, tokens, points; and a run that is killed."""

import ast
import dataclasses
import os
import signal
from pathlib import Path

import prototypes
import pytest
import results
import torch
from torch import nn

from gmcourse import checkpoint, data, phrases, seeded, zoo
from gmcourse.data import Batches, densities
from gmcourse.zoo import _weights, sources
from gmcourse.zoo.making import Recipe, Start, shuffled
from gmcourse.zoo.measure import (
    AsPhrased,
    AsTold,
    DivergenceFromTruth,
    DrawnElbo,
    EstimatedBound,
    HighQuality,
    Measure,
    ModesCovered,
    NegativeLogProb,
    Result,
    StacksCovered,
    by_parts,
)
from gmcourse.zoo.recipes import (
    autoencoders,
    autoregressive,
    classifiers,
    continuous,
    diffusion,
    flows,
    gan,
    gan_images,
    latent,
    molecules,
    sequences,
    sound,
    stacked,
    tarflow,
    translation,
    vae,
)
from gmcourse.zoo.sources import Part, Source
from gmcourse.zoo.sources.base import draws

ROOT = Path(__file__).parents[1]


def test_a_share_of_a_batch_is_one_example_or_more():
    bowl = lambda x: x.square().sum(1) / 2  # noqa: E731
    for n in range(1, 13):
        x = torch.randn(n, 2)
        due = x[: max(1, n // 4)].square().sum(1).mean() / 2
        torch.testing.assert_close(gan._some_r1(bowl, x, x), due)


@dataclasses.dataclass(frozen=True)
class Points(Source):
    """Points in space: no images, no transform."""

    def part(self, split):
        generator = torch.Generator().manual_seed(len(split))
        return Part(torch.rand(48, 3, generator=generator))


@dataclasses.dataclass(frozen=True)
class Tokens(Source):
    """Sequences of letters, of which each is the one before it plus one."""

    length: int = 6
    levels: int = 5

    def part(self, split):
        first = torch.arange(40 if split == "train" else 10)[:, None]
        return Part((first + torch.arange(self.length)) % self.levels)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spread(Measure):
    """A measure that the zoo does not know."""

    key = "spread"
    label = "spread of samples"
    unit = "units"
    kind = "estimate"

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)
        drawn = by_parts(model, lambda x, c: model.sample(len(x), c), x, c)
        return Result.mean(drawn.std(1))


def two_adams(model):
    players = model.players()
    how = {"betas": (0.0, 0.9), "lr": 2e-3}
    critic = torch.optim.Adam(players["critic"], **how)
    return {"critic": critic, "generator": torch.optim.RMSprop(players["generator"])}


WGAN = Recipe(
    name="wgan-points",
    title="two players",
    source=Points("points", "points in a cube"),
    model=prototypes.WassersteinGP,
    steps=(8, 8, 8),
    measures=(Spread(n=20, tolerance=0.1, quick=Spread(n=5, tolerance=0.1)),),
    optimizer=two_adams,
    batch_size=12,
    schedule=None,
    ships=False,
)
_FEW = NegativeLogProb(n=5, tolerance=0.1)
GPT = Recipe(
    name="gpt-letters",
    title="tokens",
    source=Tokens("letters", "counting letters"),
    model=prototypes.TinyGPT,
    steps=(8, 8, 8),
    measures=(NegativeLogProb(n=10, tolerance=0.1, quick=_FEW),),
    optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=3e-3),
    batch_size=8,
    ships=False,
)
NEW = pytest.mark.parametrize("recipe", [WGAN, GPT], ids=lambda r: r.name)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setenv("GMCOURSE_SCALE", "smoke")
    for recipe in (WGAN, GPT):
        monkeypatch.setitem(zoo.RECIPES, recipe.name, recipe)


def make(recipe, folder, **how):
    return zoo.train(recipe.name, folder, progress=False, **how)


def weights(recipe, folder):
    return (folder / f"{recipe.name}.safetensors").read_bytes()


def test_two_players_have_an_optimizer_each(tmp_path):
    card = make(WGAN, tmp_path, seed=3)
    assert card["recipe"]["optimizers"] == {
        "critic": {"name": "Adam", "lr": 2e-3, "betas": [0.0, 0.9]},
        "generator": {"name": "RMSprop", "lr": 0.01},
    }
    assert card["data"] == {
        "name": "points",
        "title": "points in a cube",
        "examples": 48,
        "is_sample": False,
    }
    fresh = WGAN.model().state_dict()
    moved = zoo.load(WGAN.name, folder=tmp_path).state_dict()
    for player in ("critic", "generator"):
        first = next(k for k in moved if k.startswith(player))
        assert not torch.equal(moved[first], fresh[first])
    records = zoo.evaluate(WGAN.name, tmp_path)
    assert list(records) == ["spread"] and records["spread"]["n"] == 20


def test_tokens_are_trained_on_and_measured_exactly(tmp_path):
    make(GPT, tmp_path, steps=150)
    model = zoo.load(GPT.name, folder=tmp_path)
    assert model.sample(3).dtype == torch.int64
    record = GPT.measures[0].record(model, GPT.source)
    assert (record["kind"], record["of"], record["n"]) == ("exact", "-log p(x)", 10)
    x, _ = GPT.source.part("test").first(10)
    due = -model.log_prob(x).double().mean().item()
    assert record["value"] == pytest.approx(due, abs=1e-6)
    # The first letter is one of five, and then nothing is left to chance.
    assert 1.6 < record["value"] < 4.0 and record["quick"]["n"] == 5
    spread = model.log_prob(x).double().std().item() / 10**0.5
    assert record["std_error"] == pytest.approx(spread, abs=1e-6)
    cells = GPT.measures[0].cells(record)
    assert cells["which are"] == "exact"


def test_each_example_is_measured_once():
    x, c = torch.randn(7, 2), torch.arange(7)
    model = zoo.load("classifier-mnist")
    for labels in (None, c):
        rows = by_parts(
            model, lambda x, c: x if c is None else x + c[:, None], x, labels, 3
        )
        assert torch.equal(rows, x if labels is None else x + c[:, None])


class Drawn(torch.nn.Module):
    """A model whose draws are given."""

    device = torch.device("cpu")

    def __init__(self, points):
        super().__init__()
        self.points, self.at = points, 0

    def sample(self, n):
        self.at += n
        return self.points[self.at - n : self.at]


def test_modes_are_counted_among_as_many_draws_as_test_examples():
    source = sources.Points("four", "four Gaussians", four_gaussians, examples=8_000)
    means = four_gaussians().means.float()
    offset = torch.tensor([[0.29, 0.0], [0.0, 0.31], [0.0, -0.2], [0.3, 0.3]])
    points = (means[:3, None] + offset).view(12, 2).repeat(70, 1)[:800]
    good = 400  # two of the four offsets are within 3 standard deviations
    n = {"n": 9999, "tolerance": 1.0}  # more than there are
    covered = ModesCovered(**n).run(Drawn(points), source)
    assert (covered["value"], covered["all"], covered["least"]) == (3, 4, 0)
    assert covered["n"] == 800
    record = HighQuality(**n).run(Drawn(points), source)
    assert record["value"] == pytest.approx(100 * good / 800)
    assert record["std_error"] == pytest.approx(100 * (0.25 / 800) ** 0.5)
    assert abs(record["floor"] - 98.9) < 5 * 0.37  # 5 standard errors
    (head, cell), *_ = HighQuality(**n).cells(record).items()
    assert f"real data {record['floor']:.1f}" in head and cell == "50.0 ± 1.8"
    assert ModesCovered(**n).cells(covered) == {"modes covered (estimate; of 4)": "3"}


def four_gaussians():
    means = [[2.0, 2.0], [-2.0, 2.0], [2.0, -2.0], [-2.0, -2.0]]
    return densities.GaussianMixture(means, stds=0.1)


def test_the_divergence_from_the_truth_is_taken_at_the_same_points():
    """Of one Gaussian from another there is a formula."""
    truth = densities.GaussianMixture([[0.3, -0.2]], stds=0.5)
    source = sources.Points("one", "one Gaussian", lambda: truth, examples=200_000)

    class Model(torch.nn.Module):
        device, shift = torch.device("cpu"), 0.0

        def log_prob(self, x):
            other = densities.GaussianMixture([[0.3 + self.shift, -0.2]], stds=0.5)
            return other.log_prob(x)

    measure, model = DivergenceFromTruth(n=20_000, tolerance=0.01), Model()
    record = measure.run(model, source)
    assert record["value"] == 0 == record["std_error"] and record["n"] == 20_000
    assert record["entropy"] == pytest.approx(float(truth.entropy))
    model.shift = 0.4
    record = measure.run(model, source)
    due = 0.5 * 0.8**2
    assert record["value"] == pytest.approx(due, abs=5 * record["std_error"])
    assert record["std_error"] == pytest.approx(0.8 / 20_000**0.5, rel=0.05)
    (cell,) = measure.cells(record).values()
    assert cell == f"{record['value']:.3f} ± 0.006"


def test_two_estimates_of_each_example_say_what_their_noise_is():
    """Values of 0 to 99, and noise whose variance two estimates halve."""

    class Model(torch.nn.Module):
        device, condition, event_shape = torch.device("cpu"), None, (3,)

        def estimate(self, x, c=None):
            return -x[:, 0] - 30 * torch.randn(len(x))

    class Rows(Source):
        def part(self, split):
            return Part(torch.arange(100.0).repeat(100)[:, None])

    measure = EstimatedBound(n=10_000, per_dim=True, tolerance=0.1)
    record = measure.run(Model(), Rows("rows", "numbers"))
    noise = 30 / 20_000**0.5
    assert record["noise"] == pytest.approx(noise, rel=0.05)
    assert record["value"] == pytest.approx(49.5, abs=5 * noise)
    assert record["std_error"] == pytest.approx((833 + 450) ** 0.5 / 100, abs=0.01)
    bits = record["value"] / (3 * 0.6931)
    assert record["bits_per_dim"] == pytest.approx(bits, rel=1e-3)
    told = measure.record(Model(), Rows("rows", "numbers"))
    assert (told["kind"], told["side"], told["of"]) == ("bound", "upper", "-log p(x)")
    assert measure.cells(told)["which are"] == "upper bound, traces estimated"


def test_the_bound_of_a_diffusion_is_the_mean_of_draws_of_whole_numbers():
    """Two estimates of three draws each; the model hears where levels are told."""

    class Model(torch.nn.Module):
        device, condition, event_shape = torch.device("cpu"), None, (3,)

        def elbo(self, x, c=None, *, ratios, levels):
            heard.append((ratios, levels))
            return -x[:, 0] - 30 * torch.randn(len(x))

    class Rows(Source):
        def part(self, split):
            return Part(torch.arange(100.0).repeat(100)[:, None])

    heard, how = [], {"levels": 16, "smallest": 0.01, "draws": 3}
    measure = DrawnElbo(n=10_000, per_dim=True, tolerance=0.1, **how)
    record = measure.record(Model(), Rows("rows", "numbers"))
    assert heard == [((0.01, 80.0), 16)] * (20 * 2 * 3)
    noise = 30 / 60_000**0.5
    assert record["noise"] == pytest.approx(noise, rel=0.05)
    assert record["value"] == pytest.approx(49.5, abs=5 * noise)
    assert (record["kind"], record["side"]) == ("bound", "upper")
    assert measure.cells(record)["which are"] == "upper bound, steps drawn"


def test_small_digits_are_means_of_four_pixels_as_whole_numbers():
    x = torch.zeros(1, 1, 4, 2, dtype=torch.uint8)
    x[0, 0] = torch.tensor([[255, 255], [255, 255], [0, 3], [4, 4]])
    assert sources.halves(x).tolist() == [[[[255], [3]]]]
    x, _ = sources.DIGITS14_STORED.part("test").first(20)
    assert x.dtype == torch.uint8 and x.shape == (20, *sources.DIGITS14_STORED.shape)
    same, _ = sources.DIGITS14_UNIT.part("test").first(20)
    assert same.dtype == torch.float32 and torch.equal(same, x / 255)


@pytest.mark.parametrize("name", ["ffjord-pinwheel", "ffjord-checkerboard"])
def test_more_steps_of_the_solver_give_the_same_density(name):
    """In the mean: with too few steps it would be another one than its equation's."""
    model, source = zoo.load(name), zoo.recipe(name).source
    x, _ = source.part("test").first(500)
    due = -zoo.card(name)["metrics"]["neg_log_p"]["quick"]["value"]
    for times in (2, 4):
        model.how["steps"] *= 2
        with torch.no_grad():
            found = model.log_prob(x).mean().item()
        assert found == pytest.approx(due, abs=0.002), times


def test_more_steps_of_the_solver_give_the_same_bits_of_digits():
    model, source = zoo.load("ffjord-digits"), sources.DIGITS14_STORED
    x, _ = source.part("test").first(50)
    values = []
    for _ in range(2):
        with seeded(0), torch.no_grad():
            values.append(model.estimate(x).mean().item())
        model.flow.how["steps"] *= 2
    assert values[1] == pytest.approx(values[0], abs=0.1)


def test_points_are_the_same_each_time_and_other_ones_for_the_test():
    points = sources.Points("four", "four Gaussians", four_gaussians, examples=500)
    (train, c), (test, _) = points.part("train").first(), points.part("test").first()
    assert c is None and (len(train), len(test)) == (500, 50)
    with torch.random.fork_rng():
        torch.manual_seed(77)
        assert torch.equal(points.part("train").x, train)
    assert not torch.equal(train[:50], test)
    one, two = (draws(20, split, torch.rand) for split in ("train", "test"))
    assert (len(one), len(two)) == (20, 2) and not torch.equal(one[:2], two)
    with pytest.raises(ValueError, match="expected 'train' or 'test'"):
        points.part("valid")


def test_stacks_are_three_digits_in_an_order_of_their_own():
    stacked = dataclasses.replace(sources.STACKED, examples=400).labeled()
    with torch.random.fork_rng():
        torch.manual_seed(77)
        train, test = stacked.part("train"), stacked.part("test")
    assert (len(train), len(test)) == (400, 40) and train.x.dtype == torch.int64
    again = dataclasses.replace(stacked, labels=False).part("train")
    assert torch.equal(again.x, train.x) and again.c is None
    assert not torch.equal(test.x, train.x[:40])
    for part, split in ((train, "train"), (test, "test")):
        digits, (x, c) = data.load("mnist", split), part.first(30)
        assert x.shape == (30, *stacked.shape) and x.dtype == torch.float32
        for i in range(30):
            picked = part.x[i].tolist()
            due = torch.cat([digits.x[row] for row in picked]).float() / 255
            assert torch.equal(x[i], due)
            label = "".join(str(int(digits.c[row])) for row in picked)
            assert c[i] == int(label)
        assert part.x.max() > 0.9 * len(digits)  # from all of the set
    assert len(sources.STACKED.part("test")) == 26_000  # the papers' number
    assert sources.STACKED.part("test").c is None


class Repeating(torch.nn.Module):
    """Draws the stacks that it is given, over and over."""

    device = torch.device("cpu")

    def __init__(self, stacks):
        super().__init__()
        self.stacks, self.at = stacks, 0

    def sample(self, n):
        rows = torch.arange(self.at, self.at + n) % len(self.stacks)
        self.at += n
        return self.stacks[rows]


def test_stacks_that_are_drawn_are_read_and_counted():
    """Of four stacks, one is drawn twice as often as each of the others."""
    digits, judge = data.load("mnist", "test"), zoo.load("classifier-mnist")
    images = data.to_unit(digits.x[:200])
    with torch.no_grad():
        right = judge(images)[0].argmax(1) == digits.c[:200]
    one = {k: images[right & (digits.c[:200] == k)][0, 0] for k in range(10)}
    drawn = [(7, 0, 3), (3, 0, 7), (7, 0, 3), (9, 9, 9), (0, 1, 2)]
    model = Repeating(torch.stack([torch.stack([one[k] for k in s]) for s in drawn]))
    stacked = dataclasses.replace(sources.STACKED, examples=6_000)
    measure = StacksCovered(n=9999, tolerance=1.0, judge="classifier-mnist")
    record = measure.run(model, stacked)
    assert (record["value"], record["n"], record["all"]) == (4, 600, 1000)
    shares = torch.tensor([2, 1, 1, 1]) / 5
    due = (shares * (1000 * shares).log()).sum().item()
    assert record["kl"] == pytest.approx(due, abs=1e-5)
    # 1 in 100 digits is misread: a test stack's label is its true one 97 times in 100.
    part = stacked.labeled().part("test")
    true = torch.bincount(part.c, minlength=1000)
    assert abs(record["real"] - int((true > 0).sum())) < 20
    shares = true / 600
    due = torch.special.xlogy(shares, 1000 * shares).sum().item()
    assert abs(record["floor"] - due) < 0.05
    (head, covered), (words, kl) = measure.cells(record).items()
    assert head == "modes covered (estimate; of 1,000)" and covered == "4"
    assert f"real data {record['floor']:.3f}" in words and kl == f"{record['kl']:.3f}"


SMALL = sources.Sounds("fsdd", "small", length=12, rate=4000, levels=64)


def test_a_recording_is_trimmed_made_loud_and_padded():
    wave = torch.zeros(30)
    wave[4:6], wave[6:8], wave[8:10], wave[12:14] = 0.001, 40.0, -80.0, 20.0
    wave[6] += 60.0  # a mean of 70, as is that of its neighbor below 0
    wave[9] += 20.0
    due = torch.tensor([1.0, -1.0, 0.0, 20 / 70] + 8 * [0.0])
    tokens = SMALL.to_tokens(wave)
    assert tokens.dtype == torch.int64
    assert torch.equal(tokens, data.mu_law(due, 64)) and tokens[-1] == 32
    # On any scale, and what is no more than the quiet share is cut off.
    assert torch.equal(SMALL.to_tokens(wave / 1000), tokens)
    wave[20:22] = 70 * 0.031
    assert SMALL.to_tokens(wave)[6:9].tolist() == [
        32,
        data.mu_law(wave[20] / 70, 64),
        32,
    ]
    wave[20:22] = 70 * 0.029
    assert torch.equal(SMALL.to_tokens(wave), tokens)
    # Of a long one the end is cut off, and then the loudest is that of the rest.
    long = torch.arange(5.0, 66.0)  # the last has no partner
    due = data.mu_law((torch.arange(12.0) * 2 + 5.5) / 27.5, 64)
    assert torch.equal(SMALL.to_tokens(long), due)
    for bad in (torch.zeros(8), torch.ones(1)):
        with pytest.raises(ValueError, match="none is other than 0"):
            SMALL.to_tokens(bad)


def test_tokens_come_back_as_sound_half_a_step_away():
    wave = torch.sin(torch.arange(24.0))
    fine = dataclasses.replace(SMALL, rate=8000, length=24, levels=128)
    sound = fine.to_sound(fine.to_tokens(wave))
    assert sound.dtype == torch.float32 and sound.abs().max() <= 1
    due = wave[1:] / wave.abs().max()  # the first is silence
    off = (sound[:23] - due).abs()
    assert (off <= 0.039 * (due.abs() + 1 / 127)).all()  # ln 128 / 128
    assert (sound[23:].abs() < 1e-3).all()


def test_spoken_digits_have_their_labels_and_parts():
    for split in ("train", "test"):
        part, loaded = sources.SPOKEN.part(split), data.load_sequences("fsdd", split)
        assert part.x.shape == (len(loaded), 2000) and part.x.dtype == torch.int64
        assert torch.equal(part.c, loaded.c)
        assert part.is_sample == loaded.info.is_sample
        for i in (0, len(loaded) - 1):
            due = sources.SPOKEN.to_tokens(loaded.items[i].float())
            assert torch.equal(part.x[i], due)
        # The loudest sample of each is at an end of the scale.
        ends = (part.x == 0) | (part.x == 127)
        assert ends.any(1).all()


class Speaker(torch.nn.Module):
    """Says the label it is told, but every fourth time the one after it."""

    device = torch.device("cpu")

    def __init__(self):
        super().__init__()
        self.said, self.how = 0, []

    def sample(self, n, c, temperature):
        self.how.append(temperature)
        slips = (torch.arange(self.said, self.said + n) % 4 == 3).long()
        self.said += n
        return ((c + slips) % 10)[:, None]


class Listener(torch.nn.Module):
    """Reads the first token, and never hears a 9."""

    device = torch.device("cpu")

    def forward(self, x):
        return (torch.nn.functional.one_hot(x[:, 0], 10)[:, :9].float(),)


@dataclasses.dataclass(frozen=True)
class Said(Source):
    """Recordings of which each is its label."""

    def part(self, split):
        c = torch.arange(200 if split == "test" else 30) % 10
        return Part(c[:, None], c)


def test_samples_are_read_as_told_beside_the_real_ones(monkeypatch):
    monkeypatch.setattr(zoo, "load", {"listener": Listener()}.get)
    measure = AsTold(n=999, tolerance=1.0, judge="listener", temperature=0.7)
    model = Speaker()
    record = measure.run(model, Said("said", "what is said"))
    c, slips = torch.arange(200) % 10, torch.arange(200) % 4 == 3
    due = 100 * ((c != 9) & ~slips).float().mean().item()
    assert record["value"] == pytest.approx(due, abs=1e-4)
    assert (record["n"], record["real"]) == (200, pytest.approx(90.0))
    assert record["std_error"] == pytest.approx(100 * (0.67 * 0.33 / 200) ** 0.5, 0.05)
    assert set(model.how) == {0.7} and model.said == 200
    ((head, cell),) = measure.cells(record).items()
    assert "real data 90.0" in head and cell.startswith(f"{due:.1f} ± ")


class Reader(nn.Module):
    """Reads the traits that a picture is made of, ``(b, 4)``."""

    device = torch.device("cpu")

    def forward(self, x):
        sizes = [len(values) for values in phrases.TRAITS.values()]
        pairs = zip(x.long().T, sizes)
        return tuple(nn.functional.one_hot(v, n).float() for v, n in pairs)


class Painter(nn.Module):
    """Draws what is said, the rest at random; never a hat, though told of one."""

    device = torch.device("cpu")
    weights = ()

    def sample(self, n, c, guidance):
        self.weights += (guidance,)
        rows = []
        for tokens in c:
            said = phrases.named(phrases.WORDS.decode(tokens))
            rows.append([said.get("hair", 3), 0, said.get("glasses", 1), 1])
            rows[-1][3] = said.get("beard", 0)
        return torch.tensor(rows).float()


@dataclasses.dataclass(frozen=True)
class Phrased(Source):
    """Faces that are their own traits, with phrases about some of them."""

    def part(self, split):
        x = torch.tensor([[5, 2, 1, 0], [1, 0, 0, 1]] * 50)
        right = ["red hair, blue hat", "beard", "glasses", "no hat, beard"]
        return Part(x.float(), phrases.WORDS.encode_all((right * 25), phrases.LENGTH))


def test_samples_are_read_as_phrased_beside_the_real_ones(monkeypatch):
    monkeypatch.setattr(zoo, "load", {"reader": Reader()}.get)
    measure = AsPhrased(n=999, tolerance=1.0, judge="reader", guidance=3.0)
    model = Painter()
    record = measure.run(model, Phrased("phrased", "faces in words"))
    assert record["value"] == pytest.approx(75.0)  # not where a hat is asked for
    assert record["real"] == pytest.approx(100.0) and record["n"] == 100
    # Six traits are named in four phrases; the hat alone is never right.
    assert record["each"] == pytest.approx(100 * 5 / 6)
    assert record["real_each"] == pytest.approx(100.0)
    assert set(model.weights) == {3.0}
    ((head, cell),) = measure.cells(record).items()
    assert "real data 100.0" in head and cell == "75.0 (each trait 83.3)"


def test_phrases_of_faces_are_true_and_always_the_same():
    part = sources.FACES.labeled(sources.faces_phrases).part("test")
    known = phrases.traits(data.load("pixelfaces", "test")).tolist()
    assert part.c.shape == (len(known), phrases.LENGTH)
    for tokens, row in zip(part.c[:500], known):
        said = phrases.named(phrases.WORDS.decode(tokens))
        assert said.items() <= dict(zip(phrases.TRAITS, row)).items()
    again = sources.FACES.labeled(sources.faces_phrases).part("test")
    assert torch.equal(part.c, again.c)


def test_traits_are_one_label_that_the_classifier_takes_apart():
    part = zoo.recipe("classifier-traits").source.part("test")
    judge = zoo.recipe("classifier-traits").model()
    known = phrases.traits(data.load("pixelfaces", "test"))
    assert torch.equal(torch.stack(judge.split_labels(part.c), 1), known)


def test_rows_of_pairs_belong_together():
    for split in ("train", "test"):
        part = sources.EMOJI.part(split)
        (x, c), n = part.first(), len(part)
        assert x.shape == c.shape == (n, *sources.EMOJI.shape)
        assert c.min() >= 0 and c.max() <= 1 and x.max() <= 1
        for found, kind in ((x, "twitter"), (c, "google")):
            loaded = data.load(f"emoji32_{kind}", split)
            assert torch.equal(found, data.to_unit(loaded.x))
            assert part.is_sample == loaded.info.is_sample
    other = dataclasses.replace(sources.EMOJI, given="pixelfaces")
    with pytest.raises(ValueError, match="expected equally many"):
        other.part("test")


MEASURES = {(r.name, m.key): m for r in zoo.RECIPES.values() for m in r.measures}
MEASURES["of a family to come", "exact"] = NegativeLogProb(n=5, tolerance=0.1)
MEASURES["of stacks to come", "stacks"] = StacksCovered(
    n=5, tolerance=1.0, judge="classifier-mnist"
)


@pytest.mark.parametrize("key", [key for key in MEASURES if key[1] != "frechet"])
def test_what_is_measured_was_not_trained_on(key):
    """Only distances are to training data; each asks for its test part first."""

    class Asked(Exception):
        pass

    class Strict(Source):
        def part(self, split):
            raise Asked(split)

    with pytest.raises(Asked, match=r"^test$"):
        MEASURES[key].compute(zoo.load("vae2d-mnist"), Strict("strict", "a set"))


class Dying(Batches):
    """Kills its process, without any warning, when it is asked for its 6th batch."""

    asked = 0

    def __next__(self):
        self.asked += 1
        if self.asked == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__next__()


def dying(part, **how):
    return Dying(part.x, part.c, transform=part.transform, **how)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork (Linux, macOS)")
@NEW
def test_a_killed_run_goes_on_to_the_same_weights(recipe, tmp_path, monkeypatch):
    make(recipe, tmp_path / "whole")
    monkeypatch.setattr(zoo, "SAVE_SECONDS", 0.0)
    child = os.fork()
    if child == 0:
        zoo.RECIPES[recipe.name] = dataclasses.replace(recipe, batches=dying)
        try:
            make(recipe, tmp_path)
        finally:
            os._exit(1)  # not reached
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    run, seconds = tmp_path / f"{recipe.name}.run", f"{recipe.name}.run.seconds"
    assert checkpoint.read(run)[1]["step"] == 5
    (tmp_path / seconds).write_text('{"wall": 3600.0, "cpu": 1800.0}')
    card = make(recipe, tmp_path)
    assert weights(recipe, tmp_path) == weights(recipe, tmp_path / "whole")
    # The minutes before the kill were minutes of training.
    assert 60 <= card["minutes"]["wall"] < 62 and 30 <= card["minutes"]["cpu"] < 32
    left = sorted(p.name for p in tmp_path.iterdir() if p.is_file())
    assert left == [f"{recipe.name}.json", f"{recipe.name}.safetensors"]


def test_the_average_of_the_weights_is_kept_and_the_seed_heeded(tmp_path, monkeypatch):
    make(GPT, tmp_path / "average")
    make(GPT, tmp_path / "other", seed=1)
    last = dataclasses.replace(GPT, ema=0.0)
    monkeypatch.setitem(zoo.RECIPES, GPT.name, last)
    make(GPT, tmp_path / "last")
    folders = ("average", "other", "last")
    assert len({weights(GPT, tmp_path / folder) for folder in folders}) == 3
    # The first weights come from the seed as well, not only the order of the data.
    for seed in (0, 1):
        make(GPT, tmp_path / f"first {seed}", seed=seed, steps=0)
    assert weights(GPT, tmp_path / "first 0") != weights(GPT, tmp_path / "first 1")


def test_a_start_lends_its_weights_to_a_part(tmp_path, monkeypatch):
    class Pair(prototypes.TinyGPT):
        def __init__(self):
            super().__init__()
            self.first = prototypes.TinyGPT()

    make(GPT, tmp_path)
    start = Start(GPT.name, lambda model: model.first)
    pair = dataclasses.replace(GPT, name="pair", model=Pair, start=start)
    monkeypatch.setitem(zoo.RECIPES, "pair", pair)
    card = make(pair, tmp_path, steps=0)
    assert card["recipe"]["start"] == GPT.name
    there = zoo.load(GPT.name, folder=tmp_path).state_dict()
    here = zoo.load("pair", folder=tmp_path).first.state_dict()
    assert all(torch.equal(here[k], v) for k, v in there.items())


def test_the_end_of_a_recipe_sees_the_average_and_repeats(tmp_path, monkeypatch):
    seen = []

    def finish(model, part):
        seen.append((model.training, len(part)))
        with torch.no_grad():
            model.head.bias.copy_(torch.randn(5))

    ended = dataclasses.replace(GPT, finish=finish)
    monkeypatch.setitem(zoo.RECIPES, GPT.name, ended)
    for folder in ("a", "b"):
        make(GPT, tmp_path / folder)
    assert seen == [(False, 40)] * 2
    assert weights(GPT, tmp_path / "a") == weights(GPT, tmp_path / "b")


def test_a_training_is_adopted_by_the_tool(tmp_path, monkeypatch):
    """Weights to their tier, the card to the others, every measure on it."""
    cards, rest = tmp_path / "cards", tmp_path / "rest"
    for module, names in ((results, "CARDS REST"), (_weights, "PACKAGE CLONE")):
        for name, folder in zip(names.split(), (cards, rest)):
            monkeypatch.setattr(module, name, folder)
    make(GPT, tmp_path / "new")
    results.adopt([GPT.name], tmp_path / "new")
    assert [p.name for p in rest.iterdir()] == [f"{GPT.name}.safetensors"]
    assert [p.name for p in cards.iterdir()] == [f"{GPT.name}.json"]
    assert zoo.names() == [GPT.name]
    record = zoo.card(GPT.name)["metrics"]["neg_log_p"]
    assert record["kind"] == "exact" and record["quick"]["n"] == 5
    assert "means over 10 test examples" in results.page(zoo.cards())
    assert results.recompute([GPT.name], [], update=False) == []
    card = zoo.card(GPT.name)
    card["metrics"]["neg_log_p"]["value"] += 1
    results.write(card)
    (found,) = results.recompute([GPT.name], [], update=False)
    assert "the card says" in found


def test_what_was_measured_beside_a_value_is_compared_too():
    known = {"label": "distance", "tolerance": 0.5, "value": 10.0, "floor": 0.04}
    known |= {"n": 1000, "std_error": 0.1, "cpu_seconds": 3.0}
    same = known | {"value": 10.4, "floor": 0.041, "cpu_seconds": 9.0}
    assert results.differences(same, known) == []
    (found,) = results.differences(known | {"floor": 0.05}, known)
    assert found == "distance, floor is 0.05, the card says 0.0400 ± 0.002"
    (found,) = results.differences(known | {"value": 10.6}, known)
    assert found.startswith("distance is 10.6")
    lost = {k: v for k, v in known.items() if k != "floor"}
    assert len(results.differences(lost, known)) == 1


def test_recipes_are_joined_from_one_file_a_topic():
    topics = autoencoders, autoregressive, classifiers, continuous, diffusion, flows
    topics += (
        gan,
        gan_images,
        latent,
        molecules,
        sequences,
        sound,
        stacked,
        tarflow,
        translation,
        vae,
    )
    joined = [recipe for topic in topics for recipe in topic.RECIPES]
    found = [r for r in zoo.RECIPES.values() if r not in (WGAN, GPT)]
    assert found == joined
    assert all(name == recipe.name for name, recipe in zoo.RECIPES.items())


def test_every_measure_has_a_quick_version_and_says_its_kind():
    for recipe in zoo.RECIPES.values():
        keys = [measure.key for measure in recipe.measures]
        assert keys and len(set(keys)) == len(keys)
        for measure in recipe.measures:
            assert measure.kind in ("exact", "bound", "estimate")
            assert (measure.kind == "bound") == bool(measure.side)
            assert type(measure.quick) is type(measure)
            assert measure.quick.n < measure.n and measure.quick.quick is None


def test_half_precision_of_training_does_not_decide_the_measurement():
    """The same measure for a model whatever it was trained in."""
    recipe = dataclasses.replace(zoo.recipe("vae-mnist-30s"), autocast=None)
    assert recipe.measures == zoo.recipe("vae-mnist-30s").measures
    assert shuffled is recipe.batches


FILES = [*ROOT.glob("src/gmcourse/zoo/**/*.py"), ROOT / "tools" / "results.py"]
FILES += ROOT.glob("tests/test_zoo*.py")


def decisions(tree):
    """Places where a name or a kind, compared with a word, decides."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            words = any(
                isinstance(part, ast.Constant) and isinstance(part.value, str)
                for side in sides
                for part in ast.walk(side)
                if not isinstance(side, ast.Subscript)
            )
            asked = {
                side.attr if isinstance(side, ast.Attribute) else side.slice.value
                for side in sides
                if isinstance(side, ast.Attribute)
                or (
                    isinstance(side, ast.Subscript)
                    and isinstance(side.slice, ast.Constant)
                )
            }
            if words and asked & {"kind", "name", "title"}:
                yield node.lineno
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = node.args[1:2]
            by_word = given and isinstance(given[0], ast.Constant)
            if called == "get_submodule" or (
                called in ("getattr", "hasattr") and by_word
            ):
                yield node.lineno


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('if entry.kind == "ae": pass', True),
        ('if card["kind"] in ("vae", "iwae"): pass', True),
        ('ok = card["name"] != "vae2d-mnist"', True),
        ('getattr(model, "vae", model)', True),
        ('model.get_submodule("vae")', True),
        ("if measure.key in keys: pass", False),
        ('card["name"] == name', False),
    ],
)
def test_decisions_by_a_word_are_seen(code, found):
    assert bool(list(decisions(ast.parse(code)))) == found


def test_no_word_decides_what_is_done():
    """Not in the zoo, its results page or these tests: recipes are code."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES
        for line in decisions(ast.parse(path.read_text(encoding="utf-8")))
        if path != Path(__file__)
    ]
    assert found == []
