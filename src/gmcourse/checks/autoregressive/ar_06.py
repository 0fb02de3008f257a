"""Exercise ar-06: What it cannot see."""

import functools

import torch
from torch.nn import functional as F

from .._exercise import Exercise


@Exercise(
    id="ar-06",
    title="What it cannot see",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Find the pixels that a stack of masked convolutions sees, and its blind spot.",
    ),
    statement=r"""
A stack of masked convolutions of images with one channel: the first layer has kind A,
so that of the kernel's window it sees the rows above the center and, in the center's
own row, the pixels to the left; all later layers have kind B, which sees the center as
well. The kernels are square with an odd side, the stride is 1, and zeros are padded, so
that every layer has the height and width of the image.

Which pixels of the image can the output at one place depend on? Write
`view(height, width, layers, kernel, row, column)`, which gives them for the output at
`(row, column)`, counted from 0: a tensor of the shape `(height, width)` and the type
bool, true where for some weights, the masks kept, a change of the pixel changes the
output. `layers` is 1 or more, and any odd `kernel` is allowed, 1 included, as are
images that are smaller than the kernel. Images have up to 900 pixels, and `layers` is
up to 30.

Then give two numbers for the pixel in row 14 and column 14 of an image of 28 × 28 and
kernels of 3 × 3: which share of the pixels *before* it (the rows above, and those to
its left), a number from 0 to 1, to four digits,

- `unseen`: 8 layers do not see;
- `blind`: no number of layers sees.
""",
    stub='''
def view(height, width, layers, kernel, row, column):
    """Six whole numbers -> what is seen, (height, width), bool."""
    return ...


unseen = ...  # share of the pixels before (14, 14) that 8 layers do not see
blind = ...  # share of them that no number of layers sees
''',
    answers={"view": callable, "unseen": float, "blind": float},
    hints=(
        "Go back from the output: which places of the layer below does it see? And "
        "which do those see? Keep a map of places, and grow it layer by layer. Only "
        "the last step, into the image, has a mask of another kind.",
        "A step to the right is possible only together with a step up. How far to the "
        "right can a path have gone when it is $a$ rows higher?",
        "Or let the machine find it: with positive weights nothing cancels, and the "
        "gradient of the output by the image is positive where it is seen.",
    ),
    misconceptions={
        "the pixel itself seen": "The first layer does not see the center, and no "
        "other path leads there.",
        "center hidden in every layer": "Only the first layer has kind A; in the later "
        "ones a path may stay where it is.",
        "blind spot forgotten": "A path goes to the right only in a step that goes up: "
        "not all that is before the pixel and near is seen.",
        "one layer too few": "Each layer is a step: the first one counts.",
        "one layer too many": "With one layer the output sees the kernel's window.",
        "the first layer alone": "The layers below see further.",
        "another reach of a kernel": "A kernel of side k reaches k // 2 pixels to each "
        "side of its center.",
        "all that is before": "Each layer reaches no further than half a kernel.",
        "what comes later is seen": "The masks leave nothing that comes later.",
        "later in place of earlier": "What is above and to the left is before.",
        "blind on the left, too": "To the left paths run in the own row as well.",
        "own row not seen": "The pixels to the left in the own row are seen.",
        "rows above not seen": "The rows above are seen, not the own row alone.",
        "steps around the edge": "Outside of the image there are zeros: no path leaves "
        "on one side and comes back on the other.",
        "row and column exchanged": "The row comes first, as the height does.",
        "unseen in place of seen": "True marks what is seen.",
        "seen in place of unseen": "The share that is not seen is due.",
        "a number of pixels in place of a share": "Divide by the number of the pixels "
        "before.",
        "share of other pixels": "The share is that of the pixels before the middle "
        "one: 14 rows of 28, and 14 to its left.",
        "another pixel": "Rows and columns are counted from 0.",
        "another number of layers": "For `unseen` there are 8 layers, the first "
        "included; for `blind` there are as many as help.",
        "no blind spot": "Some pixels are seen by no number of layers.",
    },
)
def ar_06(t, view, unseen, blind):
    def later_alone(h, w, n, k, i, j):
        seen = paths(h, w, n, k, i, j, kinds="BB")
        seen[i, j] = True
        return seen

    def box(h, w, i, j, up, own, left, right):
        """Rows up to ``up`` above, columns by how far above they are; own row too."""
        rows, columns = torch.arange(h)[:, None] - i, torch.arange(w) - j
        a = -rows
        inside = (a > 0) & (a <= up) & (columns <= right(a)) & (-columns <= left(a))
        return inside | ((a == 0) & (columns < 0) & (-columns <= own))

    def steps(a, n, r):
        return r * a.clamp(max=n)

    def flat(h, w, n, k, i, j):
        """Paths in the list of all pixels, where a row goes on in the next one."""
        r = k // 2
        moves = [a * w + b for a in range(-r, 1) for b in range(-r, r + 1)
                 if a < 0 or b <= 0]  # fmt: skip
        found = {i * w + j}
        for layer in reversed(range(n)):
            kept = [m for m in moves if m or layer]
            found = {p + m for p in found for m in kept if 0 <= p + m < h * w}
        seen = torch.zeros(h * w, dtype=torch.bool)
        seen[list(found)] = True
        return seen.view(h, w)

    def turned(h, w, n, k, i, j):
        return paths(h, w, n, k, h - 1 - i, w - 1 - j).flip(0, 1)

    def cone(right, left):
        def found(h, w, n, k, i, j):
            r, d = k // 2, n * (k // 2)
            return box(
                h, w, i, j, d, d, *(lambda a, f=f: f(a, n, r) for f in (left, right))
            )

        return found

    def wide(a, n, r):
        return 0 * a + n * r

    rivals = [
        ("the pixel itself seen", lambda *v: paths(*v, kinds="BB")),
        ("center hidden in every layer", lambda *v: paths(*v, kinds="AA")),
        *[
            ("one layer too few", lambda h, w, n, *v, f=f: f(h, w, n - 1, *v))
            for f in (
                paths,
                lambda h, w, n, *v: paths(h, w, max(n, 1), *v),
                lambda h, w, n, *v: later_alone(h, w, n, *v),
            )
        ],
        ("one layer too many", lambda h, w, n, *v: paths(h, w, n + 1, *v)),
        ("the first layer alone", lambda h, w, n, *v: paths(h, w, 1, *v)),
        ("blind spot forgotten", lambda *v: near(*v) & before(*v)),
        *[
            (
                "another reach of a kernel",
                lambda h, w, n, k, *v, f=f: paths(h, w, n, 2 * f(k) + 1, *v),
            )
            for f in (lambda k: k, lambda k: k - 1, lambda k: 1, lambda k: k // 2 + 1)
        ],
        ("another reach of a kernel", cone(lambda a, n, r: a.clamp(max=n * r), wide)),
        ("another reach of a kernel", cone(lambda a, n, r: a.clamp(max=n), wide)),
        ("all that is before", before),
        ("what comes later is seen", near),
        (
            "what comes later is seen",
            lambda h, w, n, k, i, j: (
                near(h, w, n, k, i, j) & (torch.arange(h)[:, None] <= i)
            ),
        ),
        ("later in place of earlier", turned),
        ("blind on the left, too", cone(steps, lambda a, n, r: steps(a, n, r))),
        (
            "own row not seen",
            lambda h, w, n, k, i, j: (
                paths(h, w, n, k, i, j) & (torch.arange(h)[:, None] < i)
            ),
        ),
        (
            "rows above not seen",
            lambda h, w, n, k, i, j: (
                paths(h, w, n, k, i, j) & (torch.arange(h)[:, None] == i)
            ),
        ),
        ("steps around the edge", lambda *v: paths(*v, around=True)),
        ("steps around the edge", flat),
        ("row and column exchanged", lambda h, w, n, k, i, j: paths(h, w, n, k, j, i)),
        ("unseen in place of seen", lambda *v: ~paths(*v)),
        ("unseen in place of seen", lambda *v: before(*v) & ~paths(*v)),
    ]

    def judged(*calls):
        """Several calls; a mistake is one that explains all of them."""
        found = []
        for sizes in calls:
            h, w = sizes[:2]
            out = t.call(view, *sizes)
            ideas = {"row and column exchanged": (w, h) if h != w else ()}
            t.shape(out, (h, w), "that of the image.", ideas=ideas)
            t.dtype(out, torch.bool, "true or false.")
            found.append(t.tensor(out).detach())
        for sizes, out in zip(calls, found):
            due = paths(*sizes)
            if torch.equal(out, due):
                continue
            name = None
            for mistake, rule in rivals:
                if all(torch.equal(v, rule(*s)) for s, v in zip(calls, found)):
                    name = mistake
                    break
            i, j = (out != due).nonzero()[0].tolist()
            got = f"{'seen' if out[i, j] else 'not seen'}: ({i}, {j})"
            got += f", and {int((out != due).sum())} of {due.numel()} pixels are off"
            t.call(view, *sizes)
            why = f"By derivatives, ({i}, {j}) is {'seen' if due[i, j] else 'unseen'}."
            t.fail(name, why=why, got=got)

    def place(h, w, row=None):
        return t.integer(0, h - 1) if row is None else row, t.integer(0, w - 1)

    t.property("kernels of 3 × 3")
    judged((9, 12, 3, 3, 6, 5), (8, 11, 1, 3, 4, 7), (12, 9, 5, 3, 9, 2))
    judged(*((7, 9, n, 3, *place(7, 9)) for n in (1, 2, 3, 4)))
    t.property("kernels of 5 × 5 and 7 × 7")
    judged((13, 16, 2, 5, 9, 7), (12, 17, 3, 5, 11, 6), (15, 14, 1, 7, 9, 6))
    judged((11, 10, 2, 7, *place(11, 10)), (9, 20, 3, 5, *place(9, 20)))
    t.property("pixels at the edges")
    corners = (0, 0), (0, 7), (5, 0), (5, 7)
    judged(*((6, 8, 3, 3, *at) for at in corners))
    judged(*((6, 8, 2, 5, *at) for at in corners))
    t.property("a kernel of one pixel; images smaller than the kernel")
    judged((5, 6, 1, 1, 3, 2), (5, 6, 4, 1, 3, 2))
    judged((1, 1, 3, 3, 0, 0), (1, 9, 3, 3, 0, 7), (9, 1, 3, 3, 7, 0))
    judged((3, 4, 2, 9, 2, 1), (2, 3, 1, 5, 1, 0), (4, 3, 3, 7, *place(4, 3)))
    t.property("many layers, and large images")
    judged((12, 13, 30, 3, 9, 4), (20, 9, 20, 3, 17, 3), (28, 28, 6, 5, 25, 11))
    judged((30, 30, 5, 3, 20, 12), (9, 25, 4, 5, *place(9, 25, row=8)))
    judged((1, 900, 30, 29, 0, 899))

    def numbered(name, got, n, others, why, ideas):
        due = share(n)
        whole, seen = 14 * 28 + 14, paths(28, 28, n, 3, 14, 14)
        count = int(seen.sum())
        lost = whole - count
        usual = {
            "seen in place of unseen": [1 - due],
            "a number of pixels in place of a share": [lost, count],
            "share of other pixels": [
                *(share(n, of=v) for v in (784, 783, 407, 392, 28 * 14)),
                *((784 - count) / 784, (783 - count) / 783, count / 784, count / 783),
                (lost + 1) / 407,
            ],
            "another pixel": [
                share(n, at=at) for at in ((13, 13), (15, 15), (14, 13), (13, 14))
            ],
        }
        ideas = {**ideas, **usual}
        for k, values in ideas.items():
            ideas[k] = [v for v in values if abs(v - due) > 7e-4 * due]
        t.number(name, got, due, why, ideas, tol=2e-4, others=others)

    dues = share(8), share(28)
    why = "Counted with derivatives."
    square = before(28, 28, 8, 3, 14, 14) & ~near(28, 28, 8, 3, 14, 14)
    ideas = {
        "blind spot forgotten": [float(square.sum()) / 406],
        "another number of layers": [share(n) for n in (7, 9, 3, 4)],
        "another reach of a kernel": [share(8, 5), share(8, 7)],
        "center hidden in every layer": [share(8, kinds="AA")],
    }
    name = "the share that 8 layers do not see"
    numbered(name, unseen, 8, dues, why, ideas)
    ideas = {
        "no blind spot": [0.0],
        "another number of layers": [share(n) for n in (7, *range(9, 14))],
        "another reach of a kernel": [share(28, 5), share(28, 7)],
    }
    numbered("the share that no number of layers sees", blind, 28, dues, why, ideas)


def weight(side, kind):
    """A masked kernel with positive weights of sum 1."""
    place = torch.arange(side * side).view(1, 1, side, side)
    middle = side * side // 2
    w = {"A": place < middle, "B": place <= middle, "all": place >= 0}[kind]
    if kind == "above":
        w = place < side * (side // 2)
    return w.double() / max(int(w.sum()), 1)


def paths(h, w, n, k, i, j, kinds="AB", around=False):
    """By derivatives: where a sum over all paths depends on a pixel."""
    first, later = kinds
    x = torch.zeros(1, 1, h, w, dtype=torch.float64, requires_grad=True)
    y, r = x, k // 2
    for layer in range(n):
        m = weight(k, later if layer else first)
        if around:
            y = torch.cat([y] * 3, 3)[..., w - min(r, w) : 2 * w + min(r, w)]
            y = F.pad(y, (r - min(r, w),) * 2 + (r, r))
            y = F.conv2d(y, m)
        else:
            y = F.conv2d(y, m, padding=r)
    if not 0 <= i < h or not 0 <= j < w or n < 1:
        return torch.zeros(h, w, dtype=torch.bool)
    return torch.autograd.grad(y[0, 0, i, j], x)[0][0, 0] > 0


def far(h, w, n, k, i, j):
    """How far any path goes."""
    return n * (k // 2)


def before(h, w, n, k, i, j):
    place = torch.arange(h * w).view(h, w)
    return place < i * w + j


def near(h, w, n, k, i, j):
    d = far(h, w, n, k, i, j)
    rows, columns = torch.arange(h)[:, None] - i, torch.arange(w) - j
    return (rows.abs() <= d) & (columns.abs() <= d)


@functools.cache
def share(n, k=3, at=(14, 14), of=0, kinds="AB"):
    """Of the pixels before that are not seen."""
    all_before = before(28, 28, n, k, *at)
    lost = all_before & ~paths(28, 28, n, k, *at, kinds=kinds)
    return float(lost.sum()) / (of or int(all_before.sum()))
