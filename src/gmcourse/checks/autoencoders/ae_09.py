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
        "torch.topk gives values and their places. What may k be at most?",
        "torch.zeros_like(z).scatter(1, places, values) puts values back in their "
        "places, and the gradient follows.",
        "Where do negative values go? A ReLU, before or after, makes no difference.",
    ),
    misconceptions={
        "largest by size": "The largest values, not the largest absolute values.",
        "negative values kept": "Only positive values stay.",
        "largest of the whole batch": "The k largest of each row are due.",
        "largest of each column": "The k largest of each row are due, not of each "
        "code over the batch.",
        "values out of place": "What stays, stays in its place: the place is the "
        "meaning of a code.",
        "one too few": "k values stay, if k are positive.",
        "one too many": "k values stay, not k + 1.",
        "moved toward zero": "What stays, stays as it is: its own value, not its "
        "excess over a threshold.",
        "another rule in evaluation mode": "The module does the same in both modes.",
        "largest dropped": "The largest stay, the others go.",
        "replaced by one": "The values themselves stay, not their places alone.",
        "gradient of what was dropped": "What was dropped gets no gradient.",
        "nearly zero in place of zero": "Zeros are exact: a small factor leaves "
        "something.",
        "ties all kept": "A comparison with the k-th value keeps all that equal it.",
        "ties all dropped": "A comparison with the next value drops all that equal it.",
        "mode switched by a call": "train() and eval() belong to the caller.",
        "k above d": "If k is d or more, all positive values stay.",
    },
)
def ae_09(t, TopK):
    b, d, k = t.integer(5, 6), 9, t.integer(2, 3)
    # Distinct values; the two largest by size are negative.
    steps = torch.tensor([0.3, 0.7, 1.1, 1.6, 2.1, 0.5, -2.5, -2.8, -0.4])
    z = torch.stack([steps[torch.randperm(d, generator=t.rng)] for _ in range(b)])
    z = z + t.uniform(b, d, low=-0.05, high=0.05)
    # A row that is far larger, and one with a single positive value.
    z[0] *= 10
    z[1] = -z[1].abs()
    z[1, t.integer(0, d - 1)] = 1.5
    larger = (z[:, None] > z[:, :, None]).sum(2)
    keep = ((larger < k) & (z > 0)).float()
    due, plus = z * keep, z.relu()

    t.property("the shape stays")
    model = t.call(TopK, k)
    leaf = z.clone().requires_grad_()
    out = t.call(model, leaf)
    ideas = {"values out of place": (b, k)}
    t.shape(out, (b, d), "a row of d values for each row.", ideas=ideas)

    t.property("in each row the largest positive values stay, in their places")

    def chosen(score, many=k, axis=1):
        places = score.topk(many, dim=axis).indices
        return torch.zeros(b, d).scatter(axis, places, 1.0)

    top, size, column = chosen(z), chosen(z.abs()), chosen(z, axis=0)
    ranked = z.topk(k, dim=1).values
    next_one = z.topk(k + 1, dim=1).values[:, -1:]
    ideas = {
        "largest by size": [z * size, plus * size, z.abs() * size],
        "negative values kept": z * top,
        "largest of the whole batch": [
            plus * (z >= z.flatten().topk(n).values[-1]) for n in (k * b, k)
        ],
        "largest of each column": [z * column, plus * column],
        "one too few": plus * chosen(z, k - 1),
        "one too many": plus * chosen(z, k + 1),
        "moved toward zero": [(z - v).relu() * (z > 0)
                              for v in (next_one, next_one.relu())],
        "largest dropped": [z - due, plus - due],
        "replaced by one": [keep, top],
        "values out of place": [F.pad(v, (0, d - k)) for v in (ranked, ranked.relu())],
    }  # fmt: skip
    t.close(out, due, "Found by counting, entry by entry.", ideas=ideas)

    t.property("all else is exactly zero", of=out)
    rest = t.tensor(out).detach()[keep == 0]
    t.equal(rest, 0.0, "Not only nearly.", "nearly zero in place of zero")

    t.property("slope one for what stays, zero for the rest", of=out)
    weight = t.uniform(b, d, low=0.5, high=1.5)
    ideas = {
        "cut off from the graph": 0.0,
        "gradient of what was dropped": [weight, weight * (z > 0)],
    }
    slope = t.grad(out, leaf, weight)
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

    t.property("one row")
    t.close(t.call(model, z[:1]), due[:1], "A row of its own.")

    t.property("the same in evaluation mode")
    model.eval()
    other = "another rule in evaluation mode"
    t.close(t.call(model, z), due, "As in training mode.", other)
    kept = not model.training
    t.true(kept, "The mode stays.", "Training mode.", "mode switched by a call")
