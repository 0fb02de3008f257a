"""Faces in words: what is said of them, and what a net reads."""

import itertools
from collections import Counter

import pytest
import torch

from gmcourse import data, seeded
from gmcourse.phrases import (
    LENGTH,
    TRAITS,
    WORDS,
    PhraseEncoder,
    describe,
    named,
    phrase,
    traits,
)


@pytest.fixture(scope="module")
def faces():
    return data.load("pixelfaces", "test")


def test_traits_are_those_that_the_set_tells(faces):
    known, columns = traits(faces), dict(zip(TRAITS, traits(faces).T))
    assert known.shape == (len(faces), len(TRAITS)) and known.dtype == torch.int64
    for name in ("hat", "glasses", "beard"):
        codes, values = faces.attribute(name)
        none = codes == values.index("None")
        assert torch.equal(columns[name] == 0, none)
        assert TRAITS[name][0] == "no"
    for values, column in zip(TRAITS.values(), known.T):
        assert set(column.tolist()) == set(range(len(values)))


def test_colors_are_the_nearest_word(faces):
    """By the picture: the mean color of a hat's pixels is nearest to its own word."""
    known, x = traits(faces), faces.x.float()
    for color, channel in (("blue", 2), ("red", 0)):
        wears = known[:, 1] == TRAITS["hat"].index(color)
        top = x[wears][:, :, 2:4, 5:11].mean((0, 2, 3))  # where a hat is
        assert top.argmax() == channel, color
    for color, channel in (("blue", 2), ("red", 0), ("green", 1)):
        bare = (known[:, 1] == 0) & (known[:, 0] == TRAITS["hair"].index(color))
        assert x[bare][:, :, 2:4, 5:11].mean((0, 2, 3)).argmax() == channel, color


def test_a_set_without_such_attributes_is_refused():
    with pytest.raises(ValueError):
        traits(data.load("mnist", "test"))


def test_phrases_of_all_faces_and_back():
    counts = [range(len(values)) for values in TRAITS.values()]
    for row in itertools.product(*counts):
        text = phrase(row)
        assert named(text) == dict(zip(TRAITS, row))
        assert named(WORDS.decode(WORDS.encode(text))) == named(text)
        assert len(WORDS.encode(text)) <= LENGTH
    assert phrase([2, 0, 1, 0], ["beard", "hair"]) == "no beard, blue hair"
    assert phrase([0, 0, 0, 0], []) == "" and named("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "red", "hair", "red hair, blue hair", "pink hair", "blue glasses",
        "red red hat", "no hair", "glasses no", "no blue hat",
    ],
)  # fmt: skip
def test_what_is_no_phrase_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        named(text)


def test_unknown_words_are_named():
    with pytest.raises(ValueError, match="moustache"):
        named("red moustache")


def test_descriptions_name_each_trait_as_often_and_in_any_order():
    values = torch.tensor([[5, 2, 1, 0]]).expand(4_000, 4)
    with seeded(0):
        texts = describe(values, share=0.7)
    found = [named(text) for text in texts]
    truth = dict(zip(TRAITS, [5, 2, 1, 0]))
    assert all(one.items() <= truth.items() for one in found)
    for name in TRAITS:
        share = sum(name in one for one in found) / len(found)
        assert share == pytest.approx(0.7, abs=0.03)
    full = Counter(tuple(one) for one in found if len(one) == 4)
    assert len(full) == 24  # all orders
    assert max(full.values()) < 3 * min(full.values())
    empty = sum(not one for one in found) / len(found)
    assert empty == pytest.approx(0.3**4, abs=0.006)


def test_descriptions_are_of_each_face():
    values = torch.tensor([[k % 6, 0, 0, 1] for k in range(50)])
    for row, text in zip(values.tolist(), describe(values, share=1.0)):
        assert named(text) == dict(zip(TRAITS, row))
    assert describe(values, share=0.0) == [""] * 50
    with pytest.raises(ValueError, match="share"):
        describe(values, share=1.5)


@pytest.fixture
def net():
    with seeded(0):
        return PhraseEncoder(16)


def vectors(net, *texts):
    with torch.no_grad():
        return net(WORDS.encode_all(texts, LENGTH))


def test_words_in_another_order_are_another_phrase(net):
    a, b = vectors(net, "red hair, blue hat", "blue hair, red hat")
    assert (a - b).abs().max() > 1e-3


def test_no_words_give_zeros_and_ends_do_not_count(net):
    assert not vectors(net, "").any()
    short = net(WORDS.encode_all(["red hair"], LENGTH))
    longer = WORDS.encode_all(["red hair"], LENGTH)
    with torch.no_grad():
        net.word.weight[0] += 9.0
        net.position[2:] -= 5.0
    torch.testing.assert_close(net(longer), short)


def test_a_phrase_is_read_as_alone_in_a_batch(net):
    texts = ["no hat", "glasses, red hair, no beard", ""]
    for text, mine in zip(texts, vectors(net, *texts)):
        torch.testing.assert_close(mine, vectors(net, text)[0])


@pytest.mark.parametrize("length", [1, 2, 5])
def test_room_after_the_end_does_not_count(net, length):
    c = WORDS.encode_all(["glasses"], LENGTH)
    assert torch.equal(c[:, 1:], 0 * c[:, 1:])
    torch.testing.assert_close(net(c[:, :length]), net(c))


def test_the_vector_is_a_sum_over_words(net):
    """Written out, with the net's own parts."""
    c = WORDS.encode_all(["beard, no hat"], LENGTH)
    h = net.net(net.word(c) + net.position)
    torch.testing.assert_close(net(c), net.head(h[:, :3].sum(1)))
