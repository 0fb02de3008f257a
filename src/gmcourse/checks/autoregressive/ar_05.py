"""Exercise ar-05: Masks with colors."""

import itertools

import torch

from .._exercise import Exercise
from .._parts import wrong_part

FREE = "kernel of one pixel not masked"


@Exercise(
    id="ar-05",
    title="Masks with colors",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=("Write the mask of a convolution for pixels of three colors.",),
    statement=r"""
In a color image the values come in this order: row by row from above, in a row from
left to right, and of a pixel first its red value, then green, then blue. In a network
of masked convolutions ([van den Oord et al., 2016](https://arxiv.org/abs/1601.06759))
the channels of each layer are divided into three equal groups of neighboring channels,
a first third for red, the next for green, the last for blue: what the channels of
a group hold at a pixel is used to predict the value of their color at this pixel.

Write `mask(kind, out_channels, in_channels, kernel)`, which gives the mask of the
weight of `nn.Conv2d(in_channels, out_channels, kernel)`, in its shape and in float32: 1
where the weight may be used, 0 elsewhere.

- Of the pixels above the center of the kernel, and left of it in the center's own row,
  all channels are seen. Of those to the right in this row, and below, none.
- At the center itself kind `"A"`, that of the first layer, sees the groups *before* the
  group of the channel that comes out, and kind `"B"`, that of all later layers, sees
  these and the group itself. (The values of the image are the first layer's input, one
  channel for each group.)

`kernel` is odd, 1 included; `out_channels` and `in_channels` are multiples of 3, and
need not be equal.
""",
    stub='''
def mask(kind, out_channels, in_channels, kernel):
    """A kind and three sizes -> a mask (out, in, kernel, kernel)."""
    return ...
''',
    answers={"mask": callable},
    hints=(
        "Begin with the part that all channels share: the rows above, and the pixels "
        "to the left. What is left is one matrix, (out, in), at the center.",
        "The group of channel $i$ of $n$ is a whole number, 0, 1 or 2. Its formula "
        "uses $n$, which differs between what goes in and what comes out.",
        "The weight of a convolution has the shape `(out_channels, in_channels, "
        "kernel, kernel)`: rows, then columns.",
    ),
    misconceptions={
        "A and B exchanged": "Kind A, of the first layer, does not see the value "
        "itself.",
        "one kind for both": "The two kinds differ at the center.",
        "in and out exchanged": "The weight of a convolution has the channels that "
        "come out on its first axis.",
        "one mask for all channels": "At the center it depends on the groups: the mask "
        "has the shape of the weight.",
        "channels interleaved": "The groups are the first, second and last third of "
        "the channels, not every third channel.",
        "border of the groups off by one": "The groups are equal: channel n / 3 is the "
        "first one of the second group.",
        "groups in the opposite order": "Green sees red, and red does not see green.",
        "groups of one size for in and out": "Each side has thirds of its own number "
        "of channels.",
        "colors left out at the center": "At the center a green value sees the red one "
        "of its pixel, and blue sees both.",
        "the channel in place of its group": "All channels of a group are alike.",
        "later colors seen at the center": "Of its own pixel green does not see blue.",
        "red sees itself": "In kind A the channels of red see nothing at the center.",
        "the group right before alone": "Blue sees green, and red as well.",
        "the group alone": "Blue sees red as well.",
        "colors held apart everywhere": "Of pixels before the center all channels are "
        "seen.",
        "the past left out": "What lies above and to the left is seen.",
        "the row below seen": "What comes later is not seen.",
        "pixels to the right seen": "In the center's row only the left half is seen.",
        "the rows above not seen to the right": "Of a row above all of its pixels are "
        "before the center.",
        "pixels further away not seen": "All that the kernel holds above, and to the "
        "left, is seen.",
        "other numbers than 0 and 1": "A weight is used or not.",
        "used and unused exchanged": "1 where the weight may be used.",
        "groups of three channels": "The groups are thirds, however many channels "
        "there are.",
        "center at a fixed place": "The center depends on the size of the kernel.",
        FREE: "The center is masked by the groups, whatever stands around it.",
        "a kernel of one pixel not met": "The center is then all there is.",
        "pixels to the left not seen": "They are before the center.",
        "rows and columns exchanged": "Rows are the third axis, columns the fourth.",
        "center in the wrong place": "The center of a kernel of side k has the index "
        "k // 2.",
    },
)
def ar_05(t, mask):
    def before(i, j, c):
        return i < c or (i == c and j < c)

    spaces = {
        "": before,
        "the row below seen": [
            lambda i, j, c: before(i - 1, j, c) and not i == j == c,
            lambda i, j, c: before(i, j, c) or i == c + 1,
            lambda i, j, c: before(i, j, c) or i > c,
            lambda i, j, c: not i == j == c,
            lambda i, j, c: i > c or (i == c and j > c),
            lambda i, j, c: i >= c and not i == j == c,
        ],
        "pixels to the right seen": [
            lambda i, j, c: i <= c and not i == j == c,
            lambda i, j, c: i < c or (i == c and j > c),
            lambda i, j, c: before(i, j, c) or (i == c and j == c + 1),
        ],
        "the rows above not seen to the right": [
            lambda i, j, c: i <= c and j <= c and not i == j == c,
            lambda i, j, c: i <= c and j < c,
            lambda i, j, c: (i == c and j < c) or (j == c and i < c),
        ],
        "pixels to the left not seen": lambda i, j, c: i < c,
        "pixels further away not seen": [
            lambda i, j, c: before(i, j, c) and i >= c - 1,
            lambda i, j, c: before(i, j, c) and (i < c or j == c - 1),
            lambda i, j, c: before(i, j, c) and i >= c - 1 and abs(j - c) <= 1,
        ],
        "rows and columns exchanged": lambda i, j, c: before(j, i, c),
        "center in the wrong place": [
            lambda i, j, c: i < c or (i == c and j < c - 1),
            lambda i, j, c: i < c - 1 or (i == c - 1 and j < c),
        ],
        "the past left out": [
            lambda i, j, c: False,
            lambda i, j, c: i == c and j < c,
        ],
    }
    centers = {
        "": lambda kind, a, b: b < a or (kind == "B" and a == b),
        "A and B exchanged": lambda kind, a, b: b < a or (kind == "A" and a == b),
        "one kind for both": [
            lambda kind, a, b: b < a,
            lambda kind, a, b: b <= a,
        ],
        "the channel in place of its group": lambda kind, a, b: (
            int(b) < int(a) if kind == "A" else b <= a
        ),
        "groups in the opposite order": lambda kind, a, b: (
            a < b or (kind == "B" and a == b)
        ),
        "colors left out at the center": [
            lambda kind, a, b: kind == "B",
            lambda kind, a, b: kind == "A",
            lambda kind, a, b: False,
            lambda kind, a, b: kind == "B" and b <= a,
            lambda kind, a, b: kind == "A" and b < a,
        ],
        "later colors seen at the center": [
            lambda kind, a, b: b < a or kind == "B",
            lambda kind, a, b: b != a or kind == "B",
            lambda kind, a, b: b <= a or kind == "A",
        ],
        "red sees itself": lambda kind, a, b: b < max(a, 1) or (kind == "B" and a == b),
        "the group right before alone": [
            lambda kind, a, b: b == a - 1 or (kind == "B" and a == b),
            lambda kind, a, b: b == max(a - (kind == "A"), 0),
            lambda kind, a, b: b == a - (kind == "A"),
        ],
        "the group alone": [
            lambda kind, a, b: kind == "B" and a == b,
            lambda kind, a, b: a == b,
            lambda kind, a, b: b < a if kind == "A" else a == b,
        ],
    }
    groups = {
        "": lambda i, n, m: i * 3 // n,
        "channels interleaved": lambda i, n, m: i % 3,
        "groups of one size for in and out": [
            lambda i, n, m: i * 3 // m,
            lambda i, n, m: min(i * 3 // m, 2),
        ],
        "the channel in place of its group": [
            lambda i, n, m: i,
            lambda i, n, m: min(i, 2),
            lambda i, n, m: i * 3 / n,
            lambda i, n, m: i * 3 // n + i % (n // 3) / 1000,
        ],
        "groups of three channels": [
            lambda i, n, m: i // 3,
            lambda i, n, m: min(i // 3, 2),
        ],
        "border of the groups off by one": [
            lambda i, n, m: min((i + 1) * 3 // n, 2),
            lambda i, n, m: max(i - 1, 0) * 3 // n,
            lambda i, n, m: i // (n // 3 + 1),
            lambda i, n, m: round(2 * i / (n - 1)),
            lambda i, n, m: round(3 * i / n),
            lambda i, n, m: -(-3 * i // n),
        ],
    }
    apart = {"": False, "colors held apart everywhere": True}
    moves = {
        "": lambda k: 0,
        "center in the wrong place": [lambda k: -1, lambda k: 1],
        "center at a fixed place": [
            *(lambda k, c=c: min(c, k - 1) - k // 2 for c in (1, 2, 3)),
            lambda k: min(3 if k > 6 else 1, k - 1) - k // 2,
        ],
    }

    def made_by(sizes, space, center, group, other, apart, move):
        """The mask that these rules make."""
        kind, out, into, k = sizes
        c, full = k // 2 + (k > 1) * move(k), torch.zeros(out, into, k, k)
        rows = [group(i, out, into) for i in range(out)]
        columns = [other(i, into, out) for i in range(into)]
        one = [[float(center(kind, a, b)) for b in columns] for a in rows]
        inner = torch.tensor(one)
        for i, j in itertools.product(range(k), repeat=2):
            if space(i, j, c):
                full[:, :, i, j] = inner if apart else 1.0
        full[:, :, c, c] = inner
        return full

    rules = spaces, centers, groups, groups, apart, moves
    right_rules = [rule[""] for rule in rules]

    kept: list = []

    first: dict = {}  # the kind that was asked for first, by the sizes

    def judged(*calls, edge=None):
        """Several calls; a mistake is one that explains all of them."""
        found, old = [], list(kept)
        for sizes in calls:
            _, out, into, k = sizes
            made = t.edge(edge, mask, *sizes) if edge else t.call(mask, *sizes)
            ideas = {
                "in and out exchanged": (into, out, k, k) if out != into else (),
                "one mask for all channels": [(k, k), (1, 1, k, k)],
                "result of an earlier call": [tuple(v.shape) for v in old],
            }
            t.shape(made, (out, into, k, k), "that of the weight.", ideas=ideas)
            t.dtype(made, torch.float32, "1 and 0 as numbers.")
            found.append(t.tensor(made).detach())
            kept.append(made_by(sizes, *right_rules))
            first.setdefault((out, into, k), sizes[0])
            old.append(kept[-1])
        for sizes, made in zip(calls, found):
            due = made_by(sizes, *right_rules)
            if torch.equal(made, due):
                continue
            every = torch.cat([v.flatten() for v in found])

            def make(*choices):
                masks = [made_by(sizes, *choices) for sizes in calls]
                return torch.cat([v.flatten() for v in masks])

            old = [made_by((first[v[1:]], *v[1:]), *right_rules) for v in calls]
            if torch.equal(every, 1 - make(*right_rules)):
                name = "used and unused exchanged"
            elif ((every != 0) & (every != 1)).any():
                name = "other numbers than 0 and 1"
            elif every.all() and all(v[3] == 1 for v in calls):
                name = FREE
            elif torch.equal(every, torch.cat([v.flatten() for v in old])):
                name = "result of an earlier call"
            else:
                name = wrong_part(every, make, *rules, tol=1e-6)
            t.equal(made, due, "1 where the weight may be used.", name)

    t.property("kinds A and B, from 6 channels to 9, and from 9 to 6")
    judged(("A", 9, 6, 5), ("B", 9, 6, 5), ("B", 6, 9, 3), ("A", 6, 9, 3))
    t.property("the first layer, from 3 channels, and the last, to 3")
    judged(("A", 12, 3, 7), ("A", 3, 3, 3))
    judged(("B", 3, 12, 5), ("B", 3, 3, 5))
    t.property("a kernel of a single pixel")
    one = "a kernel of one pixel not met"
    judged(("A", 9, 6, 1), ("B", 9, 6, 1), ("B", 12, 12, 1), ("B", 3, 12, 1), edge=one)
    t.property("other sizes")
    for _ in range(4):
        a, b, k = 3 * t.integer(1, 6), 3 * t.integer(1, 6), 2 * t.integer(0, 4) + 1
        judged(("A", a, b, k), ("B", a, b, k))
    t.property("large sizes")
    judged(("A", 96, 3, 7))
    judged(("B", 96, 60, 3))
