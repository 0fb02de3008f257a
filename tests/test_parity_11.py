"""What chapter 11 builds computes what the library ships."""

import pytest
import torch
from parity import build_namespace, parity, shaken, values

from gmcourse import denoisers, paths, samplers, seeded, steering
from gmcourse.phrases import LENGTH, WORDS, PhraseEncoder
from gmcourse.transformers import DiTBlock

CHAPTER = "11_steering_and_scale"
PATHS = [paths.Cosine(), paths.Straight()]
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


def denoise(x, t):
    return 0.3 * x.sin() + t


@parity("11_steering_and_scale", "guided")
@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5, lambda t: 3.0 if t < 0.5 else 1.0])
def test_guidance(notebook, weight):
    for t in (0.3, 0.7):
        pair = (lambda x, t: x * t), denoise
        mine = notebook["guided"](*pair, weight)(values(4, 2), t)
        equal(mine, denoisers.guide(*pair, weight)(values(4, 2), t))


@parity("11_steering_and_scale", "tilted")
@pytest.mark.parametrize("path", PATHS)
def test_a_classifier(notebook, path):
    log_prob = lambda x, t: -(x**4).sum(1) * t  # noqa: E731
    mine = notebook["tilted"](denoise, path, log_prob, 1.5)(values(4, 2), 0.4)
    equal(mine, steering.tilted(denoise, path, log_prob, 1.5)(values(4, 2), 0.4))


@parity(
    "11_steering_and_scale",
    "colorless", "in_gray", "shrunk", "enlarged", "projected", "fits",
)  # fmt: skip
@pytest.mark.parametrize("kind", ["gray", "small"])
def test_measurements(notebook, kind):
    names = {"gray": ("colorless", "in_gray"), "small": ("shrunk", "enlarged")}
    look, back = (notebook[name] for name in names[kind])
    seen = steering.gray() if kind == "gray" else steering.pooled(4)
    x, path = values(2, 3, 8, 8), paths.Cosine()
    y = look(values(2, 3, 8, 8).flip(0))
    equal(look(x), seen.look(x))
    equal(back(y), seen.back(y))
    mine = notebook["projected"](denoise, look, back, y)(x, 0.4)
    equal(mine, steering.consistent(denoise, seen, y)(x, 0.4))
    mine = notebook["fits"](denoise, path, look, back, y)(x, 0.4)
    equal(mine, steering.measurement(denoise, path, seen, y)(x, 0.4))


@parity("11_steering_and_scale", "put_in", "noised_again", "repainted")
@pytest.mark.parametrize("again", [1, 3])
def test_replacement(notebook, again):
    mask, known, path = torch.tensor([1.0, 0.0]).double(), values(5, 2), PATHS[0]
    times = samplers.karras(path, 6)
    sampler = steering.replacing(samplers.ancestral, mask, known, again=again)
    with seeded(0):
        due = list(sampler(denoise, path, values(5, 2), times))
    with seeded(0):
        how = {"again": again}
        found = notebook["repainted"](
            denoise, path, mask, known, values(5, 2), times, **how
        )
        for (t, x), (s, y) in zip(found, due, strict=True):
            assert t == s
            equal(x, y)


@parity("11_steering_and_scale", "Reader")
def test_a_reader_of_phrases(notebook):
    mine, theirs = notebook["Reader"](6), PhraseEncoder(6)
    mine.load_state_dict(shaken(theirs).state_dict())
    c = WORDS.encode_all(["red hair, no hat", "", "beard"], LENGTH)
    equal(mine(c), theirs.float()(c))


@parity("11_steering_and_scale", "DiTBlock")
def test_a_block(notebook):
    mine, theirs = notebook["DiTBlock"](8, 2, 5).double(), shaken(DiTBlock(8, 2, 5))
    mine.load_state_dict(theirs.state_dict())
    equal(mine(values(3, 7, 8), values(3, 5)), theirs(values(3, 7, 8), values(3, 5)))
