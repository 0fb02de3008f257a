"""What may see what, exactly; one distribution from both ends; the blind spot."""

import itertools
from functools import partial

import pytest
import torch
from models import MODELS, small_gpt, small_pixelcnn
from torch.func import jacrev

from gmcourse import Labels, seeded
from gmcourse.autoregressive import MADE, NADE, Autoregressive, anew, fill
from gmcourse.likelihoods import Bernoulli, Categorical, LogisticMixture
from gmcourse.pixels import MaskedConv2d, PixelCNN, RowCNN, RowLSTM, RowNet
from gmcourse.scales import CoarseToFine, turns
from gmcourse.sequences import GPT

NAMES = [
    "nade",
    "row lstm",
    "row cnn",
    "row cnn of levels",
    "pixelcnn",
    "pixelcnn of levels",
    "pixelcnn by label",
    "gpt of the library",
    "rotary gpt",
    "gpt of images by label",
    "recurrent",
    "gru of images by label",
    "wavenet",
    "wavenet by label",
]

SYMBOLS = ["row cnn of levels", *NAMES[NAMES.index("gpt of the library") :]]


def awake(make, seed=0):
    """In double precision, with weights that let every connection show."""
    with seeded(seed):
        model = make().double().eval()
        for p in model.parameters():
            p.data.normal_(0, 0.5)
    return model


def test_every_autoregressive_model_is_here():
    kinds = {type(MODELS[name]()) for name in NAMES}
    every = {k for k in below(Autoregressive) if k.__module__.startswith("gmcourse")}
    assert kinds == {kind for kind in every if not kind.__name__.startswith("_")}


def below(kind):
    return {k for one in kind.__subclasses__() for k in {one, *below(one)}}


def slopes(params, x):
    """``(kinds, values, d)``: of the conditionals of one example, by its values."""
    d = x.numel()

    def flat(v):
        return params(v.view(1, *x.shape)).reshape(-1, d)

    return jacrev(flat)(x.flatten())


@pytest.mark.parametrize("name", [n for n in NAMES if n not in SYMBOLS])
def test_no_value_sees_itself_or_a_later_one(name):
    reached = 0
    for seed in range(5):  # a unit may sleep under some weights
        model = awake(MODELS[name], seed)
        x, c = model.example(1)
        params = partial(model.params, c=c)
        reached = reached + slopes(params, x[0]).abs().sum(0)
    assert (reached.triu() == 0).all()
    if not isinstance(model, RowLSTM):  # whose view is a triangle
        assert (reached[torch.ones_like(reached).tril(-1).bool()] != 0).all()


@pytest.mark.parametrize("name", SYMBOLS)
def test_no_symbol_sees_itself_or_a_later_one(name):
    """Symbols have no derivatives: each is changed, and what moves is looked at."""
    moved = 0
    for seed in range(5):
        model = awake(MODELS[name], seed)
        x, c = model.example(1)
        levels, d = model.likelihood.levels, x.numel()
        x = (x * (levels - 1)).round() / (levels - 1) if x.is_floating_point() else x
        step = 1 / (levels - 1) if x.is_floating_point() else 1
        plain, rows = model.params(x, c).reshape(-1, d), []
        for i in range(d):
            y = x.clone()
            y.view(-1)[i] = (y.view(-1)[i] + step) % (levels * step)
            change = model.params(y, c).reshape(-1, d) - plain
            rows.append(change.abs().sum(0))
        moved = moved + torch.stack(rows, 1)
    assert (moved.triu() == 0).all()
    assert (moved[torch.ones_like(moved).tril(-1).bool()] > 1e-9).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_by_one_gives_what_one_pass_gives(name):
    model = awake(MODELS[name])
    x, c = model.example(4)
    if isinstance(model.likelihood, Bernoulli):
        x = x.round()
    every = model.params(x, c).reshape(4, model.likelihood.per_value, -1)
    for steps in (model.steps(x, c), anew(model.params, x, c)):
        places, each = zip(*steps)
        assert list(places) == list(range(every.shape[2]))
        torch.testing.assert_close(torch.stack(each, 2), every, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_with_and_without_what_is_kept_the_draws_are_the_same(name):
    model = awake(MODELS[name])
    c = model.example(5)[1]
    with seeded(1):
        fast = model.sample(5, c)
    with seeded(1):
        assert torch.equal(model.sample(5, c, cached=False), fast)


@pytest.mark.parametrize("name", NAMES)
def test_known_values_are_kept_and_the_rest_is_drawn_given_them(name):
    model = awake(MODELS[name])
    x, c = model.example(40)
    if isinstance(model.likelihood, Bernoulli):
        x = x.round()
    known = torch.zeros(model.event_shape, dtype=torch.bool)
    known.view(-1)[:3] = True
    made = model.sample(40, c, given=x, known=known)
    assert torch.equal(made[:, known], x[:, known])
    assert not torch.equal(made, x) and made.dtype == x.dtype
    one = model.sample(40, c, given=x[0], known=known)
    assert torch.equal(one[:, known], x[:1, known].expand(40, -1))
    params = model.params(one, c).reshape(40, model.likelihood.per_value, -1)
    found = model.likelihood.log_prob(params[:, :, 3:], one.flatten(1)[:, None, 3:])
    assert found.isfinite().all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: RowLSTM((1, 3, 3), Bernoulli(), width=4, reach=2),
        lambda: PixelCNN((1, 3, 3), Bernoulli(), width=4, depth=1, head=4),
        lambda: RowCNN((1, 3, 3), Bernoulli(), width=4, depth=1, hidden=8),
        lambda: NADE((9,), 5),
        lambda: MADE((3, 3), depth=0),
    ],
)
def test_probabilities_of_all_binary_images_add_up(make):
    model = awake(make)
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=9))).double()
    total = model.log_prob(x.view(512, *model.event_shape)).exp().sum()
    torch.testing.assert_close(total, torch.ones(()).double())


@pytest.mark.parametrize("likelihood", [Categorical(3), LogisticMixture(2, 3)])
@pytest.mark.parametrize(
    "make",
    [
        partial(PixelCNN, width=4, depth=2, reach=1, head=4),
        partial(RowCNN, width=4, depth=2, hidden=8, embedding=3),
    ],
)
def test_probabilities_of_all_images_of_three_levels_add_up(make, likelihood):
    model = awake(lambda: make((1, 2, 3), likelihood))
    x = torch.tensor(list(itertools.product([0.0, 0.5, 1.0], repeat=6))).double()
    total = model.log_prob(x.view(-1, 1, 2, 3)).exp().sum()
    torch.testing.assert_close(total, torch.ones(()).double())


def test_a_row_is_told_of_the_twelve_rows_above():
    """Four by the first layer, and 1 + 1 + 2 + 4 more by the others."""
    net = awake(lambda: RowNet(1, 2, 1, 8))
    x = torch.randn(1, 1, 16, 2).double().requires_grad_()
    seen = torch.autograd.grad(net(x)[0, 0, 14].sum(), x)[0][0, 0].abs().sum(1) > 0
    assert seen.nonzero().flatten().tolist() == list(range(2, 14))


def test_a_pixel_is_embedded_by_its_own_level():
    model = RowCNN((1, 2, 3), Categorical(6), embedding=4)
    x = torch.arange(6.0).view(1, 1, 2, 3) / 5
    vectors = model.values.weight
    assert torch.equal(model.seen(x)[0].flatten(1).T, vectors)
    assert torch.equal(vectors[:, 0], torch.linspace(-1, 1, 6))
    assert vectors.requires_grad and vectors[:, 1:].std() > 0
    other = RowCNN((1, 2, 3), Categorical(6), embedding=4, levels=11)
    assert torch.equal(other.values.weight[:, 0], torch.linspace(-1, 1, 11))
    assert torch.equal(other.seen(x)[0].flatten(1).T, other.values.weight[::2])


def test_a_label_left_out_is_a_row_of_its_own():
    """Not that of a class: with all rows but the last changed it stays as it was."""
    model = awake(MODELS["pixelcnn by label"])
    x, _ = model.example(3)
    before = model.log_prob(x)
    for layer in model.layers:
        layer.told.weight.data[:3] += 1
    assert torch.equal(model.log_prob(x), before)
    assert not torch.allclose(model.log_prob(x, torch.tensor([0, 1, 2])), before)


def test_a_label_reaches_both_stacks_of_every_layer():
    model = awake(MODELS["pixelcnn by label"])
    x, c = model.example(4)
    model.log_prob(x, c).sum().backward()
    for layer in model.layers[:-1]:
        both = layer.told.weight.grad[c].abs().chunk(2, dim=1)
        assert all((half > 0).any() for half in both)


def test_a_masked_convolution_sees_what_comes_before():
    for center in (False, True):
        conv = MaskedConv2d(1, 1, 3, 5, center=center).double()
        torch.nn.init.uniform_(conv.weight, 0.5, 1.0)
        with torch.no_grad():
            found = slopes(conv, torch.zeros(1, 5, 5).double())[0, 12] != 0
        assert found.tolist() == [True] * (12 + center) + [False] * (13 - center)
    with pytest.raises(ValueError, match="odd"):
        MaskedConv2d(1, 1, 2, 4, center=True)


def test_masked_convolutions_leave_a_blind_spot_and_two_stacks_do_not():
    """Of the third row's first pixel: what it sees in the rows above."""
    with seeded(0):
        single = torch.nn.Sequential(
            MaskedConv2d(1, 4, 2, 3, center=False),
            *(MaskedConv2d(4, 4, 2, 3, center=True) for _ in range(6)),
            MaskedConv2d(4, 1, 1, 1, center=True),
        ).double()
        for p in single.parameters():
            p.data.normal_()
    x = torch.rand(1, 4, 8).double()
    seen = slopes(single, x)[0, 16].view(4, 8) != 0
    assert seen[0].tolist() == [True] * 3 + [False] * 5  # one more to the right a row
    assert seen[1].tolist() == [True] * 2 + [False] * 6
    double = awake(lambda: PixelCNN((1, 4, 8), Bernoulli(), width=4, depth=7, reach=1))
    seen = slopes(double.params, x)[0, 16].view(4, 8) != 0
    assert seen[:2].all() and not seen[2:].any()


def test_a_row_lstm_sees_a_triangle():
    model = awake(lambda: RowLSTM((1, 4, 9), Bernoulli(), width=4, reach=2))
    seen = slopes(model.params, torch.rand(1, 4, 9).double())[0, 3 * 9 + 4] != 0
    rows = seen.view(4, 9).nonzero().tolist()
    left = [(row, column) for row in range(3) for column in range(9)]
    due = [[i, j] for i, j in left if 4 - (3 - i) - 2 <= j <= 4 + (3 - i) - 1]
    assert rows == [*due, [3, 2], [3, 3]]


# Coarse to fine.


def test_turns_by_hand():
    assert turns(4, 4).tolist() == [[0, 2, 0, 2], [2, 1, 2, 1]] * 2
    found = turns(28, 28)
    assert found.unique().tolist() == list(range(9))
    assert (found == 0).sum() == 4  # a grid of 16
    assert (turns(8, 8) == 0).sum() == 4 and turns(2, 2).tolist() == [[0, 0]] * 2


@pytest.mark.parametrize("sides", [(16, 16), (28, 28), (8, 16)])
def test_in_each_turn_pixels_have_known_ones_around_them(sides):
    """Four corners of a square, then four ends of a cross, where the image has them."""
    turn = turns(*sides)
    for k in range(1, int(turn.max()) + 1):
        step = 2 ** ((int(turn.max()) - k) // 2)
        around = [(-step, -step), (-step, step), (step, -step), (step, step)]
        if k % 2 == 0:
            around = [(-step, 0), (step, 0), (0, -step), (0, step)]
        for i, j in (turn == k).nonzero().tolist():
            near = [
                turn[i + a, j + b].item()
                for a, b in around
                if 0 <= i + a < sides[0] and 0 <= j + b < sides[1]
            ]
            assert near and max(near) < k


class ByKnown(torch.nn.Module):
    """The logit of each pixel: the sum of the known ones, and how many they are."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([0.3, -0.1]).double())

    def forward(self, both):
        return (both.sum((2, 3)) @ self.scale)[:, None, None, None].expand(
            -1, 1, *both.shape[2:]
        )


def test_a_turn_sees_the_turns_before_and_all_probabilities_add_up():
    model = CoarseToFine(ByKnown(), Bernoulli(), (1, 3, 3)).double().eval()
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=9))).double()
    x = x.view(512, 1, 3, 3)
    torch.testing.assert_close(model.log_prob(x).exp().sum(), torch.ones(()).double())
    due, known = 0, torch.zeros(3, 3).double()
    for k in range(3):
        logit = 0.3 * (x * known).sum((1, 2, 3)) - 0.1 * known.sum()
        each = Bernoulli().log_probs(logit.view(-1, 1, 1, 1).expand_as(x), x)
        own = (turns(3, 3) == k).double()
        due, known = due + (each * own).sum((1, 2, 3)), known + own
    torch.testing.assert_close(model.log_prob(x), due)
    assert torch.equal(model.loss(x), -model.log_prob(x).mean())


def test_the_loss_in_training_is_the_likelihood_on_average():
    model = CoarseToFine(ByKnown(), Bernoulli(), (1, 3, 3)).double().train()
    with seeded(0):
        x = torch.rand(1, 1, 3, 3).round().double().expand(20_000, -1, -1, -1)
        found = model.loss(x)
    each = [-3 * model.log_prob_of(x[:1], torch.tensor([k])).item() for k in range(3)]
    spread = torch.tensor(each).std() / 20_000**0.5
    assert abs(found.item() - sum(each) / 3) < 6 * spread
    assert abs(found.item() + model.log_prob(x[:1]).item()) < 6 * spread


def test_drawn_turns_stay_as_they_were():
    """With certain pixels: ones, a zero in the middle, and ones between them."""

    class Certain(torch.nn.Module):
        def forward(self, both):
            known = both[:, 1:].sum((2, 3), keepdim=True)  # 0, 4 and 5 in three turns
            return (200.0 * (known != 4) - 100).expand(-1, 1, *both.shape[2:])

    model = CoarseToFine(Certain(), Bernoulli(), (1, 3, 3))
    x = model.sample(2)
    assert torch.equal(x, (turns(3, 3) != 1).expand_as(x).to(x))
    assert (model.log_prob(x) > -1e-9).all()


# Drawing.


def test_a_temperature_tempers_each_conditional():
    model = awake(lambda: small_gpt((3,)))
    with seeded(0):
        x = model.sample(60_000, temperature=0.5)
    cold = model.params(x[:1]).view(4, 3)[:, 0] / 0.5
    share = x[:, 0].bincount(minlength=4) / len(x)
    assert (share - cold.softmax(0)).abs().max() < 0.012
    same = x[:, 0] == 2
    second = model.params(torch.tensor([[2, 0, 0]])).view(4, 3)[:, 1] / 0.5
    share = x[same, 1].bincount(minlength=4) / same.sum()
    assert (share - second.softmax(0)).abs().max() < 6 * (0.25 / same.sum()) ** 0.5


def test_bad_requests_are_told(as_users_run_it):
    model, mixture = small_pixelcnn(Bernoulli()), small_pixelcnn(LogisticMixture(2))
    x, known = torch.zeros(1, 3, 4), torch.ones(1, 3, 4, dtype=torch.bool)
    for how, text in (
        ({"temperature": 0.0}, "temperature"),
        ({"given": x}, "belong together"),
        ({"known": known}, "belong together"),
        ({"given": x[0], "known": known}, "expected both as an example"),
        ({"given": x, "known": known[0]}, "expected both as an example"),
    ):
        with pytest.raises(ValueError, match=text):
            model.sample(2, **how)
    with pytest.raises(ValueError, match="no logits"):
        mixture.sample(2, temperature=0.5)
    for make, text in (
        (lambda: PixelCNN((3, 4, 4), Bernoulli()), "expected"),
        (lambda: PixelCNN((1, 4, 4), Bernoulli(), depth=0), "depth"),
        (lambda: RowLSTM((4, 4), Bernoulli()), "expected"),
        (lambda: RowCNN((3, 4, 4), Bernoulli()), "expected"),
        (lambda: RowCNN((1, 4, 4), Bernoulli(), hidden=0), "hidden"),
        (lambda: RowCNN((1, 4, 4), Bernoulli(), embedding=3), "no levels"),
        (lambda: RowCNN((1, 4, 4), Categorical(3), embedding=0), "embedding"),
        (lambda: NADE((), 3), "empty"),
        (lambda: NADE((4,), 0), "hidden"),
        (lambda: CoarseToFine(ByKnown(), Bernoulli(), (4, 4)), "expected"),
        (lambda: GPT((4,), 3, width=10, heads=4), "multiple of heads"),
        (lambda: GPT((4,), 1), "levels"),
    ):
        with pytest.raises(ValueError, match=text):
            make()


def test_filling_reads_the_steps_as_it_goes():
    """The second value is the first one's opposite, as its conditional says."""

    def steps(x):
        yield 0, torch.zeros(len(x), 1)
        yield 1, 200 * (0.5 - x[:, :1])

    with seeded(0):
        x = fill(torch.zeros(50, 2), steps, Bernoulli())
    assert (x.sum(1) == 1).all() and 0 < x[:, 0].mean() < 1


def test_labels_condition_a_gpt_from_its_first_token():
    model = awake(lambda: small_gpt((3,), condition=Labels(2)))
    x = torch.zeros(2, 3, dtype=torch.int64)
    params = model.params(x, torch.tensor([0, 1])).view(2, 4, 3)
    assert not torch.allclose(params[0, :, 0], params[1, :, 0])
