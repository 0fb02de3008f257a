"""Exercise diff-27: Squares for tokens."""

import itertools
from itertools import chain

import torch

from .._exercise import Exercise
from ._shared_noised import again

ORDERS = "values of a token in another order"
PLACES = "tokens in another order"
DIGITS = "not to the digits asked for"
EARLIER = "result of an earlier call"


@Exercise(
    id="diff-27",
    title="Squares for tokens",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Cut an image into the tokens of a transformer and put it together again, and "
        "count what the side of the squares costs.",
    ),
    statement=r"""
A transformer reads a sequence of tokens. An image `(c, h, w)` becomes one by being cut
into squares of `side` × `side` pixels, which do not overlap: there are
$(h / \mathrm{side}) (w / \mathrm{side})$ tokens of $\mathrm{side}^2 c$ values each.
Orders are a convention, and here it is that of the first vision transformers:

- **tokens**: row of squares by row of squares, from the top; in a row from left to
  right;
- **the values of a token**: pixel by pixel, the rows of the square from the top, in a
  row from left to right; of each pixel its `c` channels, one after the other.

Write three functions.

`tokens(x, side)` takes images `(b, c, h, w)` and gives `(b, n, side² c)`.

`image(parts, side, shape)` is its inverse: from any `(b, n, side² c)` to
`(b, c, h, w)`, where `shape` is the tuple `(c, h, w)`.

`pairs(shape, side)` is the number of pairs that one layer of attention compares in one
image of one head: each token is compared with each, also with itself, and (i, j) is
another pair than (j, i). It is a Python int, and exact however large it is: sides of
images are at most $10^6$.

`side` is an int, 1 or more, which divides `h` and `w`; these may differ, and all sizes
are 1 or more. `x` and `parts` may be of any type: floats of 16, 32 or 64 bits,
integers, bool; and need not be contiguous in memory. What comes back has their type and
their very values, and gradients flow through it. Nothing that is given is changed.
""",
    stub='''
def tokens(x, side):
    """(b, c, h, w), int -> (b, n, side**2 * c)."""
    return ...


def image(parts, side, shape):
    """(b, n, side**2 * c), int, (c, h, w) -> (b, c, h, w)."""
    return ...


def pairs(shape, side):
    """(c, h, w), int -> int."""
    return ...
''',
    answers={"tokens": callable, "image": callable, "pairs": callable},
    hints=(
        "Split the axis of rows in two, the row of squares and the row in its square, "
        "and that of columns as well: six axes. No value has moved yet.",
        "Bring the six axes into the order of the statement by `permute`, then join "
        "those that belong together. The inverse does the same backward: split, "
        "`permute` the other way, join.",
        "`//` keeps Python ints exact; `/` makes floats, with sixteen digits.",
    ),
    misconceptions={
        ORDERS: "Row by row, pixel by pixel, and of a pixel its channels together.",
        PLACES: "Row of squares by row of squares, each from left to right.",
        "pixels that are no neighbors": "A token is a square of neighboring pixels; "
        "the first axis that splits off counts the squares, the second the pixels.",
        "reshaped without moving": "A reshape alone takes pixels in the order in which "
        "they lie: whole rows, not squares.",
        "examples mixed": "A token holds values of one example.",
        "axes of tokens and values exchanged": "The tokens are axis 1, their values "
        "axis 2.",
        "height and width exchanged": "Images need not be square.",
        "floating point assumed": "Values of any type are moved, not computed with: "
        "fold and unfold know floats alone.",
        "tokens in place of pairs": "Each token is compared with each.",
        "each pair counted once": "(i, j) and (j, i) are two comparisons.",
        "pairs of a token with itself left out": "A token is compared with itself, "
        "too.",
        "pixels in place of tokens": "Squares are compared, not pixels.",
        "side counted once": "A square holds side² pixels: there are as many fewer "
        "tokens.",
        "channels counted": "The channels of a pixel are in one token.",
        "float in place of an int": "A float holds sixteen digits.",
    },
)
def diff_27(t, tokens, image, pairs):
    def numbers(b, c, h, w, kind=torch.float64):
        x = torch.randperm(b * c * h * w, generator=t.rng).reshape(b, c, h, w)
        if kind in (torch.float64, torch.float32):  # all digits of the type
            return (x.to(kind) + 1) / 7
        x = x + 2**60 if kind == torch.int64 else x
        return x % 2 == 0 if kind == torch.bool else x.to(kind)

    def cut(name, b, c, h, w, side, kind=torch.float64, why=None, strided=False):
        n, size, shape = h * w // side**2, side**2 * c, (c, h, w)
        table = places(*shape, side)
        for f, away in ((tokens, False), (image, True)):
            t.property(f"{name}, {'back' if away else 'there'}")
            x = numbers(b, c, h, w, kind)
            parts = x.flatten(1)[:, table]
            given, due = (parts, x) if away else (x, parts)
            if strided:
                given = given.transpose(1, 2).contiguous().transpose(1, 2)
            args = (given, side, shape) if away else (given, side)
            out = t.edge(why, f, *args) if why else t.call(f, *args)
            ideas = {
                "axes of tokens and values exchanged": (b, size, n),
                "height and width exchanged": (b, c, w, h),
                "batch axis lost": tuple(v for v in due.shape if v > 1),
            }
            ideas = {k: v for k, v in ideas.items() if v != tuple(due.shape)}
            t.shape(out, due.shape, "see the statement.", ideas=ideas)
            t.dtype(out, kind, "that of what is given.")
            old = [v for v in past[away] if v.shape == due.shape]
            got = t.tensor(out).detach()
            near = kind.is_floating_point and torch.allclose(got, due, 1e-3)
            first = [(DIGITS, [got.double()] * near), (EARLIER, old)]
            found = chain(first[:1], wrong(x, parts, shape, side, away), first[1:])
            t.equal(out, due, "Each value in its place.", None, found)
            same = torch.equal(got, due)  # to the last digit of an int64, too
            t.true(same, "The very values.", "near ones", DIGITS)
            past[away].append(due.double())

    past: tuple = ([], [])
    again(t, tokens, numbers(3, 2, 4, 2), 2)
    for name in ("squares of 2 × 2 pixels", "the same, other numbers"):
        cut(name, 2, 3, 4, 6, 2)
    cut("squares of 3 × 3 pixels", 2, 2, 9, 6, 3)
    cut("one channel", 3, 1, 6, 8, 2)
    cut("squares of one pixel", 2, 3, 4, 5, 1)
    cut("one square", 3, 2, 4, 4, 4)
    cut("one example", 1, 4, 6, 4, 2)
    cut("one row of squares", 2, 3, 2, 10, 2)
    cut("one column of squares", 2, 3, 9, 3, 3)
    cut("as many tokens as values", 4, 1, 4, 4, 2)
    cut("one of everything", 1, 1, 1, 1, 1)
    for kind in (torch.float32, torch.float16, torch.uint8, torch.int64, torch.bool):
        known = kind in (torch.float32, torch.float16)
        sizes = (2, 3, 4, 4, 2)
        cut(f"{kind}", *sizes, kind, None if known else "floating point assumed")
    cut("not contiguous", 2, 3, 4, 6, 2, strided=True)
    t.property("gradients flow")
    shape, side = (3, 6, 4), 2
    table = places(*shape, side)
    x, weight = numbers(2, *shape), numbers(2, *shape)
    for f, args, turned in (
        (tokens, (x, side), weight.flatten(1)[:, table]),
        (image, (x.flatten(1)[:, table], side, shape), weight),
    ):
        leaf = args[0].requires_grad_()
        out = t.call(f, leaf, *args[1:])
        due = weight if f is tokens else weight.flatten(1)[:, table]
        told = "Each value's own.", "cut off from the graph"
        t.equal(t.grad(out, leaf, turned), due, *told)

    for shape, side in (
        ((3, 8, 12), 2), ((3, 8, 12), 4), ((5, 6, 6), 1), ((2, 7, 7), 7),
        ((4, 30, 18), 3), ((3, 1_000_000, 998_001), 1), ((1, 999_999, 777_777), 3),
    ):  # fmt: skip
        t.property(f"pairs of {shape}, {side}")
        out = t.call(pairs, shape, side)
        told = f"an object of type {type(out).__name__}"
        whole = type(out) is int
        mistake = "float in place of an int" if isinstance(out, float) else None
        t.true(whole, "A Python int.", told, mistake)
        due, found = counts(*shape, side)
        names = [n for n, values in found.items() if out in values and out != due]
        near = abs(out - due) < 1e-9 * due
        names += ["float in place of an int"] * near
        name = names[0] if names else None
        t.true(out == due, "Each token with each.", f"{out}", name)


def places(c, h, w, side, outer=(0, 1), inner=(0, 1, 2), far=False):
    """(n, side² c): where in a flattened image the values of each token are.

    By the places one by one; `outer` and `inner` are orders of the loops, the last of
    them the fastest; `far` takes pixels as far apart as there are squares.
    """
    rows, columns = h // side, w // side
    table = []
    for i in itertools.product(*(range((rows, columns)[a]) for a in outer)):
        r, q = (i[outer.index(a)] for a in (0, 1))
        line = []
        for j in itertools.product(*(range((side, side, c)[a]) for a in inner)):
            y, x, channel = (j[inner.index(a)] for a in (0, 1, 2))
            down = y * rows + r if far else r * side + y
            right = x * columns + q if far else q * side + x
            line.append((channel * h + down) * w + right)
        table.append(line)
    return torch.tensor(table)


def wrong(x, parts, shape, side, away):
    """What other orders give, under the names of the mistakes."""
    b, due = len(x), x if away else parts
    right = places(*shape, side)

    def through(table):
        if not away:
            return x.flatten(1)[:, table]
        made = torch.empty_like(x).flatten(1)
        made[:, table.flatten()] = parts.flatten(1)
        return made.reshape(x.shape)

    def other(values):
        return [v for v in values if (v != due).any()]

    flat = torch.arange(right.numel()).reshape(right.shape)
    last = flat.reshape(shape).permute(1, 2, 0).reshape(right.shape)
    yield "reshaped without moving", other([through(flat), through(last)])
    for far in (False, True):
        for o in ((0, 1), (1, 0)):
            name = "pixels that are no neighbors" if far else PLACES
            name = name if far or o != (0, 1) else ORDERS
            for i in itertools.permutations(range(3)):
                yield name, other([through(places(*shape, side, o, i, far))])
    mixed = parts.reshape(-1, b, parts.shape[2]).transpose(0, 1)
    yield "examples mixed", [] if away else other([mixed])


def counts(c, h, w, side):
    """The number that is due, and those of mistakes."""
    n = sum(w // side for _ in range(0, h, side)) if h < 99 else h // side * (w // side)
    pixels, once = h * w, h * w // side
    return sum([n] * n) if n < 999 else n * n, {
        "tokens in place of pairs": [n],
        "each pair counted once": [(n + n * n) // 2, (n * n - n) // 2],
        "pairs of a token with itself left out": [n * n - n],
        "pixels in place of tokens": [pixels * pixels],
        "side counted once": [once * once, pixels * pixels // side**2],
        "channels counted": [n * n * c, n * n * c * c, (n * side**2 * c) ** 2],
    }
