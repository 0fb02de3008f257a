"""Strings and their tokens: there and back, ends, and what is refused."""

import re

import pytest
import torch

from gmcourse.data import Alphabet

LETTERS = Alphabet("abc")
NAMES = Alphabet("abc", end=True)
ATOMS = Alphabet(["C", "Cl", "O", "(", ")"], split=re.compile("Cl|.").findall, end=True)


def test_tokens_are_places_among_the_symbols():
    assert LETTERS.encode("cabba").tolist() == [2, 0, 1, 1, 0]
    assert NAMES.encode("cabba").tolist() == [3, 1, 2, 2, 1]
    assert (len(LETTERS), len(NAMES), len(ATOMS)) == (3, 4, 6)
    assert NAMES.symbols == ("a", "b", "c")
    empty = LETTERS.encode("")
    assert empty.dtype == torch.int64 and empty.shape == (0,)


def test_symbols_of_several_characters():
    tokens = ATOMS.encode("CC(Cl)O")
    assert tokens.tolist() == [1, 1, 4, 2, 5, 3]
    assert ATOMS.decode(tokens) == "CC(Cl)O"
    assert ATOMS.encode_all(["Cl", "ClC"], 2).tolist() == [[2, 0], [2, 1]]


def test_what_is_decoded_is_what_was_encoded():
    for alphabet in (LETTERS, NAMES):
        for text in ("", "a", "abc", "ccba"):
            assert alphabet.decode(alphabet.encode(text)) == text


def test_rows_are_filled_with_ends_and_read_to_the_first_one():
    items = ["ab", "", "cab"]
    rows = NAMES.encode_all(items, 3)
    assert rows.tolist() == [[1, 2, 0], [0, 0, 0], [3, 1, 2]]
    assert [NAMES.decode(row) for row in rows] == items
    assert NAMES.decode(torch.tensor([1, 0, 2])) == "a"
    assert LETTERS.decode(torch.tensor([1, 0, 2])) == "bac"  # no end: 0 is a symbol
    assert LETTERS.encode_all(["abc", "cab"], 3).tolist() == [[0, 1, 2], [2, 0, 1]]
    assert NAMES.encode_all([], 3).shape == (0, 3)


def test_tokens_are_on_the_cpu_whatever_the_default_device():
    with torch.device("meta"):
        assert NAMES.encode("ab").device.type == "cpu"
        assert NAMES.encode_all(["ab"], 4).device.type == "cpu"


def test_bad_requests_are_told(as_users_run_it):
    with pytest.raises(ValueError, match=r"unknown symbols \['x', 'y'\].*'a', 'b'"):
        NAMES.encode("aybxy")
    with pytest.raises(ValueError, match="'abcab' has 5 symbols; expected at most 4"):
        NAMES.encode_all(["a", "abcab"], 4)
    with pytest.raises(ValueError, match="'ab' has 2 symbols; expected 3"):
        LETTERS.encode_all(["abc", "ab"], 3)
    for symbols in ("aba", ["a", ""], ""):
        with pytest.raises(ValueError, match="expected each once"):
            Alphabet(symbols)
    for bad in ([0, 4], [-1]):
        with pytest.raises(ValueError, match="expected 0 to 3"):
            NAMES.decode(torch.tensor(bad))
    for bad in (torch.zeros(2), torch.zeros(1, 2).long()):
        with pytest.raises(ValueError, match=r"expected integers \(t,\)"):
            NAMES.decode(bad)
    with pytest.raises(TypeError, match="length"):
        NAMES.encode_all(["a"], 2.5)
