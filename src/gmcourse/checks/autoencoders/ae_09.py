"""Exercise ae-09: Keep the k largest."""

import torch
from torch.nn import functional as F

from .._exercise import Exercise


@Exercise(
    id="ae-09",
    title="Keep the k largest",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Write a sparse activation that needs no penalty, with the right gradient.",
    ),
    statement=r"""
A penalty makes codes sparse, and too small. The alternative is to keep the largest and
drop the rest ([Makhzani and Frey, 2014](https://arxiv.org/abs/1312.5663)).

Write the module `TopK(k)`: for an input of shape `(b, d)` it returns `(b, d)`. In each
row the `k` largest values, as far as they are positive, stay as they are and where
they are; all else is exactly zero. Of equal values any may stay, but no more than `k`
in all. If `k` is `d` or more, all positive values stay.
The gradient passes through what stays, with slope one, and nowhere else. Training and
evaluation mode make no difference.
""",
    stub='''
class TopK(nn.Module):
    def __init__(self, k):
        super().__init__()
        ...

    def forward(self, z):
        """(b, d) -> (b, d)."""
        return ...
''',
    answers={"TopK": callable},
    hints=(
        "`torch.topk` gives values and their places. What may `k` be at most?",
        "`torch.zeros_like(z).scatter(1, places, values)` puts values back in their "
        "places, and the gradient follows.",
        "Where do negative values go? A ReLU, before or after, makes no difference.",
    ),
    misconceptions={
        "largest by size": "The largest values, not the largest absolute values.",
        "negative values kept": "Only positive values stay.",
        "largest of the whole batch": "The k largest of each row are due.",
        "largest of each column": "The k largest of each row are due, not of each "
        "code over the batch.",
        "the same places in all rows": "Each row has places of its own, whatever the "
        "other rows or their mean hold.",
        "values out of place": "What stays, stays in its place: the place is the "
        "meaning of a code.",
        "order taken for rank": "argsort gives the place of each rank, not the rank "
        "of each place: it takes a second argsort, or a scatter.",
        "one too few": "k values stay, if k are positive, not k - 1.",
        "one too many": "k values stay, not k + 1.",
        "another number than k": "The largest of each row stay, but k of them are due, "
        "as far as they are positive.",
        "k not used": "Only the k largest stay, not all that are positive or above "
        "some mean.",
        "smallest kept": "The largest stay, the others go.",
        "largest dropped": "The largest stay, the others go.",
        "moved toward zero": "What stays, stays as it is: its own value, not its "
        "excess over a threshold.",
        "replaced by one": "The values themselves stay, not their places alone.",
        "values changed": "What stays is chosen rightly and then changed: it stays as "
        "it is, not squared, scaled, squashed or divided by a sum.",
        "softmax in place of the values": "No softmax is asked for: what stays, stays "
        "as it is.",
        "random": "The same rows gave another result at a second call: nothing random "
        "is needed, not even where values are equal.",
        "another rule in evaluation mode": "The module does the same in both modes.",
        "gradient of what was dropped": "What was dropped gets no gradient, and what "
        "is negative was dropped.",
        "another slope for what stays": "What stays is itself: its slope is one.",
        "nearly zero in place of zero": "Zeros are exact: a small factor or a large "
        "negative number in a softmax leaves something.",
        "ties all kept": "A comparison with the k-th value keeps all that equal it.",
        "ties all dropped": "A comparison with the next value drops all that equal it.",
        "mode switched by a call": "train() and eval() belong to the caller.",
        "k above d": "If k is d or more, all positive values stay, and only these.",
    },
)
def ae_09(t, TopK):
    b, d, k = t.integer(8, 9), 13, t.integer(3, 4)
    # Distinct values. In every other row the two largest by size are negative; one row
    # is far larger, and one has a single positive value.
    some = [0.3, 0.7, 1.1, 1.4, 1.7, 2.0, 2.3, 2.6, 0.5, -3.1, -3.4, -0.4, -0.9]
    rest = [0.2, 0.6, 1.2, 1.5, 1.8, 2.1, 2.4, 2.7, 0.9, 3.2, -0.35, -0.1, -0.5]
    some, rest = torch.tensor(some), torch.tensor(rest)
    z = torch.stack([(some, rest)[i % 2][torch.randperm(d, generator=t.rng)]
                     for i in range(b)])  # fmt: skip
    z = z + t.uniform(b, d, low=-0.04, high=0.04)
    z[0] *= 10
    z[1] = -z[1].abs()
    z[1, t.integer(0, d - 1)] = 1.5
    keep = ((z[:, None] > z[:, :, None]).sum(2) < k) & (z > 0)
    due, plus = torch.where(keep, z, 0.0), z.relu()

    t.property("the shape stays")
    model = t.call(TopK, k)
    leaf = z.clone().requires_grad_()
    out = t.call(model, leaf)
    ideas = {"values out of place": (b, k)}
    t.shape(out, (b, d), "a row of d values for each row.", ideas=ideas)
    again = t.tensor(t.call(model, z)).detach()
    seen = t.tensor(out).detach()
    why, got = "The same rows, the same result.", "another result at a second call"
    t.true(torch.equal(again, seen), why, got, "random")

    t.property("in each row the largest positive values stay, in their places", of=out)
    tiny = (seen - due).abs()[~keep].max() < 1e-2
    if tiny and torch.allclose(seen[keep], due[keep]):
        t.equal(seen[~keep], 0.0, "Zeros are exact.", "nearly zero in place of zero")
    ideas = rivals(z, k)
    # Chosen rightly, but not left as it is.
    exact = ((seen != 0) == keep).all()
    ideas["values changed"] = [seen] if exact else []
    t.close(out, due, "Found by counting, entry by entry.", ideas=ideas)

    t.property("slope one for what stays, zero for the rest", of=out)
    weight = t.uniform(b, d, low=0.5, high=1.5)
    slope = t.grad(out, leaf, weight)
    off = (slope - weight * keep).abs() > 1e-5
    ideas = {
        "cut off from the graph": 0.0,
        "gradient of what was dropped": torch.inf if off[keep].any() else slope,
        "another slope for what stays": torch.inf if off[~keep].any() else slope,
    }
    t.close(slope, weight * keep, "A kept value is itself.", ideas=ideas)

    t.property("another batch, by the same module")
    kept = "result of an earlier call"
    t.close(t.call(model, z.flip(0)), due.flip(0), "The rows in another order.", kept)

    t.property("k of d or more: all positive values")
    for many in (d, d + 4):
        full, why = t.call(TopK, many), "All positive values stay."
        try:
            out = full(z.clone())
        except Exception:
            t.fail("k above d", why=why, got="an exception")
        t.close(out, plus, why, "k above d")

    t.property("ties: k values stay, whichever of the equal ones")
    tied = torch.tensor([[1.0, 1, 1, -2], [-1, 3, 2, 2], [2, 2, 2, 2]])
    stay = (t.tensor(t.call(t.call(TopK, 2), tied)) != 0).sum(1)
    ideas = {"ties all kept": [[3.0, 3, 4]], "ties all dropped": [[0.0, 1, 0]]}
    t.equal(stay, 2.0, "Two of each row.", ideas=ideas)

    t.property("a zero is not positive, and gets no gradient")
    zeros = torch.tensor([[0.0, 0.0, 2.0, 0.0, 0.0]])
    leaf = zeros.clone().requires_grad_()
    slope, why = t.grad(t.call(t.call(TopK, 3), leaf), leaf), "Only the 2 stays."
    t.close(slope, (zeros > 0).float(), why, "gradient of what was dropped")

    t.property("one row, and one value of it")
    for one, many in (model, k), (t.call(TopK, 1), 1):
        out = t.call(one, z[:1])
        t.shape(out, (1, d), "A batch of one.", "batch axis lost")
        best = z[0] * (z[0] >= z[0].topk(many).values[-1])
        t.close(out, best.relu()[None], "A row of its own.")

    t.property("the same in evaluation mode")
    model.eval()
    other = "another rule in evaluation mode"
    t.close(t.call(model, z), due, "As in training mode.", other)
    kept = not model.training
    t.true(kept, "The mode stays.", "Training mode.", "mode switched by a call")


def rivals(z, k) -> dict[str, list]:
    """What the mistakes give: those of the choice, with what stays and what becomes of
    negative values, and those of the values that stay."""
    (b, d), plus = z.shape, z.relu()

    def chosen(score, many=k, axis=1):
        places = score.topk(min(many, score.shape[axis]), dim=axis).indices
        return torch.zeros(b, d).scatter(axis, places, 1.0)

    def above(level):
        return (z > level).float()

    flat, one = z.flatten(), torch.ones(b, 1)
    down, up = (z.argsort(dim=1, descending=way) for way in (True, False))
    values, places = z.topk(k + 1, dim=1)
    last, following = values[:, -2:-1], values[:, -1:]
    ranks = [
        v.float()
        for v in (
            down < k,
            up < k,
            up >= d - k,
            down >= d - k,
            plus.argsort(1) < k,
            plus.argsort(1) >= d - k,
        )
    ]
    masks = {
        "negative values kept": [chosen(z)],
        "largest by size": [chosen(z.abs())],
        "largest of the whole batch": [
            (z >= flat.topk(n).values[-1]).float() for n in (k * b, k, 1)],
        "largest of each column": [chosen(z, min(k, b), 0), chosen(z, 1, 0)],
        "the same places in all rows": [
            one * chosen(score[None].expand(b, d))[:1]
            for score in (z[0], z[-1], z.mean(0), z.sum(0).abs(), z.abs().mean(0),
                          plus.mean(0), z.amax(0), -torch.arange(d), torch.arange(d))],
        "order taken for rank": ranks,
        "one too few": [chosen(z, k - 1)],
        "one too many": [chosen(z, k + 1)],
        "another number than k": [chosen(z, n) for n in (*range(1, k), *range(k, 9))],
        "smallest kept": [chosen(-z), chosen(-z.abs()),
                          chosen(torch.where(z > 0, -z, -torch.inf)) * (z > 0)],
        "largest dropped": [1 - chosen(z), 1 - chosen(plus), 1 - chosen(z.abs())],
        "k not used": [torch.ones(b, d), *map(above, (
            0, z.mean(), z.mean(1, True), plus.mean(1, True),
            z.median(1, True).values, z.mean(0)))],
    }  # fmt: skip
    right = chosen(z) * (z > 0)
    found = {
        name: [m * v for m in some for v in (plus, z, z.abs())]
        for name, some in masks.items()
    }
    found["negative values kept"] = [z * chosen(z)]
    front = [values[:, :k], values[:, :k].relu(), values[:, :k].flip(1)]
    rank = z.argsort(1).sort(1).values[:, -k:]
    spread = torch.zeros(b, d).scatter
    in_order = z.gather(1, places[:, :k].sort(1).values)
    found |= {
        "values out of place": [
            *[F.pad(v, (0, d - k)) for v in (*front, in_order, in_order.relu())],
            *[F.pad(v, (d - k, 0)) for v in (*front, in_order, in_order.relu())],
            spread(1, places[:, :k].sort(1).values, front[1]),
            spread(1, places[:, :k], front[1].flip(1)),
            spread(1, rank, front[1]),
            (z * right).sort(1, True).values, (z * right).sort(1).values],
        "moved toward zero": [
            (z - v).relu() * right for v in (
                last, following, following.relu(), last.relu(), z.mean(1, True),
                plus.mean(1, True))],
        "replaced by one": [right, chosen(z), right * z.sign(), chosen(plus)],
        "softmax in place of the values": [
            z.softmax(1), z.softmax(1) * right, z.softmax(1) * chosen(z),
            z.softmax(1) * plus, z * z.softmax(1) * chosen(z), z * z.softmax(1),
            *[v.masked_fill(m == 0, -torch.inf).softmax(1).nan_to_num()
              for v in (z, plus) for m in (chosen(z), right, chosen(plus))]],
    }  # fmt: skip
    return found
