"""N-grams: against dictionaries, by hand, and probabilities that add up exactly."""

import itertools
import math
import time
from collections import Counter, defaultdict
from fractions import Fraction
from functools import partial

import pytest
import torch
from models import MODELS
from pretended import DEVICE, pretended_device

from gmcourse import seeded
from gmcourse.decoding import speculative, top_k
from gmcourse.likelihoods import Tokens
from gmcourse.ngrams import NGram


def text(shape, levels=3, seed=0):
    """Tokens of which each goes with the two before it, most of the time."""
    with seeded(seed):
        x = torch.randint(levels, shape)
        for i in range(2, shape[-1]):
            due = (x[..., i - 1] + 2 * x[..., i - 2] + 1) % levels
            x[..., i] = torch.where(torch.rand(shape[:-1]) < 0.8, due, x[..., i])
    return x


def counted(levels, n, x):
    model = NGram(levels, n)
    model.fit(x)
    return model


class ByDictionary:
    """Witten and Bell's recursion as it is written, in fractions."""

    def __init__(self, levels, n, rows):
        self.levels, self.n = levels, n
        self.after = defaultdict(Counter)
        for row in rows:
            for i, k in itertools.product(range(len(row)), range(n)):
                if i >= k:
                    self.after[tuple(row[i - k : i])][row[i]] += 1

    def chance(self, context, token):
        context = tuple(context[max(0, len(context) - self.n + 1) :])
        shorter = (
            self.chance(context[1:], token) if context else Fraction(1, self.levels)
        )
        found = self.after.get(context)
        if not found:
            return shorter
        seen, kinds = sum(found.values()), len(found)
        new = Fraction(kinds, seen + kinds)
        return (1 - new) * Fraction(found[token], seen) + new * shorter


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(60,), (4, 15), (2, 2, 15)])
def test_it_is_the_recursion(n, shape):
    x, other = text(shape), text((3, 12), seed=1)
    model, due = counted(3, n, x), ByDictionary(3, n, x.view(-1, shape[-1]).tolist())
    for rows in (other, x.view(-1, shape[-1])):
        found = model.log_probs(rows)
        assert found.shape == rows.shape and found.dtype == torch.float64
        for row, logs in zip(rows.tolist(), found.tolist()):
            for i, token in enumerate(row):
                chance = float(due.chance(row[:i], token))
                assert logs[i] == pytest.approx(math.log(chance), rel=1e-12)
    shaped = model.log_probs(x)
    assert torch.equal(
        shaped.view(-1, shape[-1]), model.log_probs(x.view(-1, shape[-1]))
    )


def test_two_tokens_by_hand():
    model = counted(2, 2, torch.tensor([0, 0, 1, 0, 0]))
    one = (1 + 2 * 0.5) / 7  # of a 1: once in five, two kinds
    zero = (4 + 2 * 0.5) / 7
    found = model.log_probs(torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])).exp()
    after_zero = [(2 + 2 * zero) / 5, (1 + 2 * one) / 5]  # three times, two kinds
    after_one = [(1 + zero) / 2, one / 2]  # once, one kind
    due = [[zero, after_zero[0]], [zero, after_zero[1]]]
    due += [[one, after_one[0]], [one, after_one[1]]]
    torch.testing.assert_close(found, torch.tensor(due).double())


@pytest.mark.parametrize("n", [1, 3, 6])
def test_probabilities_add_up_whatever_came_before(n):
    model, x = counted(5, n, text((200,), 4)), text((20, 9), 5, seed=2)
    every = model.params(x).view(20, 5, 9).exp()  # token 4 was never seen
    torch.testing.assert_close(
        every.sum(1), torch.ones(20, 9).double(), rtol=0, atol=1e-14
    )
    assert (every > 0).all()
    own = every.gather(1, x[:, None])[:, 0].log()
    torch.testing.assert_close(model.log_probs(x), own)
    due = Tokens(5).log_prob(model.params(x), x)
    torch.testing.assert_close(model.log_probs(x).sum(1), due)


def test_sequences_do_not_reach_into_each_other():
    rows = torch.tensor([[0, 1], [2, 0], [2, 0]])
    apart, joined = counted(3, 2, rows), counted(3, 2, rows.flatten())
    pair = torch.tensor([1, 2])
    assert joined.log_probs(pair)[1] > apart.log_probs(pair)[1]
    torch.testing.assert_close(
        apart.log_probs(pair)[1], apart.log_probs(torch.tensor([2]))[0]
    )


def test_fitting_again_forgets():
    model = counted(3, 2, text((50,)))
    model.fit(text((40,), seed=1))
    due = counted(3, 2, text((40,), seed=1))
    x = text((30,), seed=2)
    assert torch.equal(model.log_probs(x), due.log_probs(x))


def test_one_by_one_is_as_at_once():
    model, x = counted(3, 3, text((80,))), text((4, 7), seed=1)
    places, each = zip(*model.steps(x))
    assert list(places) == list(range(7))
    every = model.params(x).view(4, 3, 7)
    torch.testing.assert_close(torch.stack(each, 2), every, rtol=0, atol=0)


def test_draws_are_as_likely_as_it_says():
    model, n = counted(3, 3, text((80,))), 20_000
    with seeded(0):
        x = model.sample(n, 3)
    assert x.shape == (n, 3) and x.dtype == torch.int64
    every = torch.tensor(list(itertools.product(range(3), repeat=3)))
    due = model.log_probs(every).sum(1).exp()
    torch.testing.assert_close(due.sum(), torch.ones(()).double())
    share = (x @ torch.tensor([9, 3, 1])).bincount(minlength=27) / n
    assert ((share - due).abs() < 5 * (due * (1 - due) / n).sqrt()).all()


def test_draws_can_be_told_how():
    model, x = counted(3, 3, text((80,))), text((6,), seed=1)
    known = torch.arange(6) < 3
    keep = partial(top_k, k=1)
    made = model.sample(2, 6, restrict=keep, given=x, known=known)
    assert torch.equal(made[:, :3], x[:3].expand(2, 3))
    likeliest = model.params(made).view(2, 3, 6).argmax(1)
    assert torch.equal(made[:, 3:], likeliest[:, 3:])


def test_it_can_draft_for_another():
    """A long gram for one that looks as far: what it accepts is what it draws."""
    long, short = counted(3, 4, text((300,))), counted(3, 2, text((300,)))
    x = torch.zeros(1, 30, dtype=torch.int64)
    drawn = speculative(long.params, short.params, x, gamma=3)
    assert 0 < drawn.accepted < drawn.drafted
    same = speculative(long.params, long.params, x, gamma=3)
    assert same.accepted == same.drafted and same.passes == 8


def test_tokens_may_be_anywhere():
    x = text((40,))
    due = counted(3, 3, x)
    with pretended_device():
        model = counted(3, 3, x.to(DEVICE))
        found = model.log_probs(x.to(DEVICE))
        assert found.device.type == model.sample(2, 3).device.type == "cpu"
        assert torch.equal(model.params(x.to(DEVICE)[None]), due.params(x[None]))
        target = MODELS["recurrent"]().to(DEVICE)
        tokens = target.example(1)[0]
        drawn = speculative(target.params, counted(4, 2, tokens).params, tokens)
        assert drawn.x.device == DEVICE
    assert torch.equal(found, due.log_probs(x))


def test_a_million_characters_take_seconds():
    with seeded(0):
        x = torch.randint(8, (1_000_000,)).cumsum(0) % 97
    start = time.process_time()
    model = counted(97, 6, x)
    assert model.log_probs(x).shape == x.shape
    assert time.process_time() - start < 30  # 2 or so


def test_bad_requests_are_told(as_users_run_it):
    model = NGram(3, 2)
    x = torch.zeros(4, dtype=torch.int64)
    for call, text in (
        (lambda: NGram(1, 2), "levels"),
        (lambda: NGram(3, 0), "n is 0"),
        (lambda: NGram(256, 8), "n is 8; with 256 tokens expected 7 or less"),
        (lambda: model.log_probs(x), "call fit first"),
        (lambda: model.sample(2, 3), "call fit first"),
        (lambda: model.fit(x[:1]), "sequences of 2 or more"),
        (lambda: model.fit(x[None, :0]), "sequences of 2 or more"),
        (lambda: model.fit(x + 3), "expected 0 to 2"),
        (lambda: counted(3, 2, x).log_probs(x - 1), "expected 0 to 2"),
        (lambda: counted(3, 2, x).sample(0, 3), "n is 0"),
        (lambda: counted(3, 2, x).sample(1, 0), "length"),
    ):
        with pytest.raises(ValueError, match=text):
            call()
    for levels, most in ((2, 63), (128, 9), (256, 7), (97, 9)):
        with pytest.raises(ValueError, match=f"expected {most} or less"):
            NGram(levels, most + 1)
        top = torch.full((70,), levels - 1)  # whose grams have the largest numbers
        assert counted(levels, most, top).log_probs(top)[-1].exp() > 0.97
