"""Which tokens are kept; a draft changes no probability: every event in turn."""

import itertools
from collections import Counter
from functools import partial

import pytest
import torch
from models import MODELS, small_gpt
from pretended import DEVICE, pretended_device
from test_pixels import awake

from gmcourse import decoding, seeded
from gmcourse.autoregressive import MADE, fill
from gmcourse.decoding import nucleus, speculative, top_k
from gmcourse.likelihoods import Bernoulli, Categorical, Tokens

INF = torch.inf


def kept(logits):
    return logits.isfinite().int().tolist()


def test_top_k_by_hand():
    logits = torch.tensor([[1.0, 3.0, 2.0, 2.0], [0.0, 0.0, 0.0, 5.0]])
    due = [[-INF, 3.0, 2.0, -INF], [0.0, -INF, -INF, 5.0]]
    assert top_k(logits, 2).tolist() == due
    assert top_k(logits[:, None], 2).tolist() == [[row] for row in due]
    assert top_k(logits[0], 2).tolist() == due[0]
    assert torch.equal(top_k(logits, 4), logits)
    assert top_k(logits, 1).isfinite().sum(1).tolist() == [1, 1]
    assert torch.equal(logits[0], torch.tensor([1.0, 3.0, 2.0, 2.0])), "input changed"


def test_nucleus_by_hand():
    logits = torch.tensor([[0.1, 0.4, 0.2, 0.3], [0.25] * 4]).log()
    for p, due in (
        (1e-9, [[0, 1, 0, 0], [1, 0, 0, 0]]),
        (0.39, [[0, 1, 0, 0], [1, 1, 0, 0]]),
        (0.41, [[0, 1, 0, 1], [1, 1, 0, 0]]),
        (0.69, [[0, 1, 0, 1], [1, 1, 1, 0]]),
        (0.71, [[0, 1, 1, 1], [1, 1, 1, 0]]),
        (0.95, [[1, 1, 1, 1], [1, 1, 1, 1]]),
        (1.0, [[1, 1, 1, 1], [1, 1, 1, 1]]),
    ):
        found = nucleus(logits, p)
        assert kept(found) == due
        assert torch.equal(found[found.isfinite()], logits[found.isfinite()])


def test_half_of_two_equal_ones_is_one_of_them():
    assert kept(nucleus(torch.zeros(2), 0.5)) == [1, 0]
    assert kept(nucleus(torch.zeros(2, dtype=torch.bfloat16), 0.5)) == [1, 0]
    assert nucleus(torch.zeros(2, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16


def test_all_are_kept_with_one_however_unlikely():
    logits = torch.tensor([0.0, -30.0, -60.0])
    assert kept(nucleus(logits, 1.0)) == [1, 1, 1]
    assert kept(nucleus(logits, 1 - 1e-6)) == [1, 0, 0]


@pytest.mark.parametrize("p", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_no_smaller_set_than_the_nucleus_has_as_much(p):
    with seeded(0):
        logits = 2 * torch.randn(3, 20, 6).double()
    share, inside = logits.softmax(-1), nucleus(logits, p).isfinite()
    size, total = inside.sum(-1), (share * inside).sum(-1)
    assert (total >= p - 1e-12).all()
    for k in range(1, 7):
        most = torch.stack(
            [share[..., list(s)].sum(-1) for s in itertools.combinations(range(6), k)]
        ).amax(0)
        assert (most < p)[size > k].all()
        torch.testing.assert_close(most[size == k], total[size == k])


def test_restricted_samples_and_the_temperature_before():
    model = awake(lambda: small_gpt((2,)))
    with seeded(0):
        x = model.sample(40_000, temperature=2.0, restrict=partial(nucleus, p=0.7))
    logits = model.params(x[:1]).view(4, 2)[:, 0]
    due = nucleus(logits / 2, 0.7).softmax(0)
    assert (due > 0).sum() == 3 and nucleus(logits, 0.7).isfinite().sum() == 2
    share = x[:, 0].bincount(minlength=4) / len(x)
    assert (share - due).abs().max() < 0.012 and ((share > 0) == (due > 0)).all()


@pytest.mark.parametrize("name", ["pixelcnn of levels", "gpt of images by label"])
def test_the_likeliest_alone(name):
    model = awake(MODELS[name])
    c = model.example(3)[1]
    x = model.sample(3, c, restrict=partial(top_k, k=1))
    levels, d = model.likelihood.levels, x[0].numel()
    every = model.params(x, c).reshape(3, levels, d).argmax(1)
    tokens = x if x.dtype == torch.int64 else x * (levels - 1)
    assert torch.equal(every, tokens.reshape(3, d).round().long())


def test_what_no_level_has_a_logit_for_is_not_restricted(as_users_run_it):
    keep = partial(top_k, k=1)
    with pytest.raises(ValueError, match="Bernoulli are no logits of levels"):
        MADE((3,)).sample(2, restrict=keep)
    with pytest.raises(ValueError, match="no logits of levels"):
        MODELS["pixelcnn by label"]().sample(1, torch.tensor([0]), restrict=keep)
    for likelihood in (Tokens(2), Categorical(2)):
        steps = lambda x: iter([(0, torch.tensor([[0.0, 1.0]]))])  # noqa: E731
        assert fill(torch.zeros(1, 1), steps, likelihood, restrict=keep).item() == 1
    assert MADE((3,), Bernoulli()).sample(2, restrict=None).shape == (2, 3)


def test_bad_requests_are_told(as_users_run_it):
    logits = torch.zeros(3)
    for call, text in (
        (lambda: top_k(logits, 0), "k is 0; expected 1 to 3"),
        (lambda: top_k(logits, 4), "k is 4; expected 1 to 3"),
        (lambda: nucleus(logits, 0.0), "p is 0.0"),
        (lambda: nucleus(logits, 1.5), "p is 1.5"),
    ):
        with pytest.raises(ValueError, match=text):
            call()
    p, x = Table(3, 2), torch.zeros(1, 3, dtype=torch.int64)
    for call, text in (
        (lambda: speculative(p, p, x.expand(2, 3)), "x holds 2 examples"),
        (lambda: speculative(p, p, x, gamma=0), "gamma"),
        (lambda: speculative(p, p, x, first=4), "first"),
        (lambda: speculative(p, p, x, temperature=0.0), "temperature"),
        (lambda: speculative(p, Table(3, 4), x), "the draft has 4 tokens .* 2; exp"),
    ):
        with pytest.raises(ValueError, match=text):
            call()


# Speculative decoding.


class Table:
    """Conditionals of ``d`` tokens, drawn once; they depend on all tokens before."""

    def __init__(self, d, levels, seed=0, spread=1.0):
        self.d, self.levels, self.calls = d, levels, 0
        with seeded(seed):
            self.logits = [
                spread * torch.randn(levels**i, levels).double() for i in range(d)
            ]

    def __call__(self, x):
        self.calls += 1
        rows, row = [], 0
        for token, logits in zip(x.flatten().tolist(), self.logits):
            rows.append(logits[row])
            row = row * self.levels + token
        return torch.stack(rows, 1)[None]  # (1, levels, d)

    def probabilities(self, change=lambda logits: logits, before=()):
        """Of each sequence that begins like that."""
        found = {}
        for x in itertools.product(range(self.levels), repeat=self.d):
            each = change(self(torch.tensor(x))[0].T).softmax(1)
            chosen = each[range(self.d), x][len(before) :]
            if x[: len(before)] == tuple(before):
                found[x] = chosen.prod().item()
        return found


def branches(monkeypatch, run):
    """All that can happen: ``(probability, what run returned)``, each once.

    Wherever a token or a coin is drawn, every result of positive weight is followed.
    """
    path = []  # of each draw so far: [which result, how many there are]
    while True:
        chance, depth = 1.0, 0

        def choose(weights):
            nonlocal chance, depth
            weights = weights / weights.sum()
            possible = weights.nonzero().flatten().tolist()
            if depth == len(path):
                path.append([0, len(possible)])
            one = possible[path[depth][0]]
            chance, depth = chance * weights[one].item(), depth + 1
            return one

        monkeypatch.setattr(decoding, "_one_of", choose)
        result = run()
        yield chance, result
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        path[-1][0] += 1


def same(found, due):
    assert {x for x in due if due[x] > 0} == set(found)
    for x, chance in found.items():
        assert chance == pytest.approx(due[x], abs=1e-12)


@pytest.mark.parametrize(
    ("d", "levels", "how"),
    [
        (4, 2, {"gamma": 1}),
        (4, 2, {"gamma": 2}),
        (4, 2, {"gamma": 3, "temperature": 0.6}),
        (3, 3, {"gamma": 2}),
        (3, 3, {"gamma": 9, "restrict": partial(top_k, k=2), "temperature": 2.0}),
        (1, 3, {}),
    ],
)
def test_every_sequence_has_the_probability_that_the_target_gives(
    monkeypatch, d, levels, how
):
    target, draft = Table(d, levels, 0), Table(d, levels, 1)
    found, x = Counter(), torch.zeros(1, d, dtype=torch.int64)
    for chance, drawn in branches(
        monkeypatch, lambda: speculative(target, draft, x, **how)
    ):
        found[tuple(drawn.x[0].tolist())] += chance
        assert drawn.accepted + drawn.passes == d
        assert drawn.accepted <= drawn.drafted
    keep, warm = how.get("restrict", lambda v: v), how.get("temperature", 1.0)
    same(found, target.probabilities(lambda v: keep(v / warm)))
    assert not x.any(), "input changed"


def test_after_a_beginning_the_rest_is_drawn_given_it(monkeypatch):
    target, draft = Table(4, 2, 0), Table(4, 2, 1)
    found, x = Counter(), torch.tensor([[[1, 0, 1, 1]]])
    run = lambda: speculative(target, draft, x, first=2, gamma=2)  # noqa: E731
    for chance, drawn in branches(monkeypatch, run):
        assert drawn.x.shape == x.shape
        found[tuple(drawn.x.flatten().tolist())] += chance
    same(found, target.probabilities(before=(1, 0)))
    assert torch.equal(speculative(target, draft, x, first=4).x, x)


def test_a_draft_is_taken_as_often_as_the_two_overlap(monkeypatch):
    """The sum of the smaller of p and q; Leviathan et al., theorem 3.5."""
    target, draft = Table(2, 3, 0), Table(2, 3, 1)
    x, mean = torch.zeros(1, 2, dtype=torch.int64), 0.0
    for chance, drawn in branches(monkeypatch, lambda: speculative(target, draft, x)):
        mean += chance * drawn.accepted
        assert drawn.drafted == 1
    p, q = (table.logits[0][0].softmax(0) for table in (target, draft))
    assert mean == pytest.approx(torch.minimum(p, q).sum().item(), abs=1e-12)


def test_the_target_as_its_own_draft_accepts_all_of_a_block():
    table, x = Table(11, 2), torch.zeros(1, 11, dtype=torch.int64)
    drawn = speculative(table, table, x, gamma=3)
    assert (drawn.drafted, drawn.accepted, drawn.passes) == (
        8,
        8,
        3,
    )  # blocks of 3 + 1, 3 + 1 and 2 + 1
    assert table.calls == 8 + 3


def test_the_target_looks_once_at_each_block():
    target, draft = Table(8, 2, 0), Table(8, 2, 1, spread=4.0)
    x = torch.zeros(1, 8, dtype=torch.int64)
    drawn = speculative(target, draft, x, gamma=3)
    assert (target.calls, draft.calls) == (drawn.passes, drawn.drafted)
    assert drawn.accepted < drawn.drafted and drawn.passes < 8


def test_frequencies_with_a_gpt_as_the_draft_of_another():
    every = torch.cartesian_prod(torch.arange(4), torch.arange(4))
    target, draft = (awake(lambda: small_gpt((2,)), seed) for seed in (0, 1))
    p, q = (model.params(every) for model in (target, draft))
    row = lambda x: 4 * x[0, :1] + x[0, 1:]  # noqa: E731
    n, blank = 1_000, torch.zeros(1, 2, dtype=torch.int64)
    with seeded(0):
        found = [
            row(speculative(lambda x: p[row(x)], lambda x: q[row(x)], blank).x)
            for _ in range(n)
        ]
    due = target.log_prob(every).exp()
    share = torch.cat(found).bincount(minlength=16) / n
    assert ((share - due).abs() < 5 * (due * (1 - due) / n).sqrt() + 1e-3).all()


def test_on_another_device():
    with pretended_device():
        model = MODELS["wavenet"]().to(DEVICE)
        assert model.sample(2, restrict=partial(nucleus, p=0.9)).device == DEVICE
        assert model.sample(2, restrict=partial(top_k, k=2)).device == DEVICE
        x = model.example(1)[0]
        assert speculative(model.params, model.params, x, first=1).x.device == DEVICE


def test_models_as_they_are():
    """GPTs of images, each with the label bound to it; the first row is given."""
    target, draft = (awake(MODELS["gpt of images by label"], seed) for seed in (0, 1))
    x, c = target.example(1)
    target, draft = (partial(model.params, c=c) for model in (target, draft))
    drawn = speculative(target, draft, x, first=3, restrict=partial(nucleus, p=0.9))
    assert drawn.x.shape == x.shape and torch.equal(drawn.x[:, :, 0], x[:, :, 0])
    assert drawn.accepted + drawn.passes == 3
