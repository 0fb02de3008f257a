"""Versions of exercise ar-06."""

import torch
from torch.nn import functional as F

from .. import RIGHT, build, cases, edits, reference, right, wrong

UNSEEN, BLIND = 290 / 406, 78 / 406


class Ar06:
    r"""
    With a reach of $r$ pixels and $L$ layers a path that is $a$ rows higher has taken
    at most $\min(a, L)$ steps up, and each of them may go $r$ columns to the right. So
    at most $r \min(a, L)$ columns to the right are seen there, and $r L$ columns to the
    left. No path has to leave the image, so its edge only cuts the map.

    Of the 406 pixels before the middle one 8 layers see 8 to the left and $9 + a$ in
    each of the 8 rows above, 116 together: 71 % are out of sight, most of them because
    they are too far away. More layers help with those, but not with the ones to the
    right of the diagonal: 78 of them, 19 %. The nearest is two columns to the right in
    the row above, beside a pixel that is seen.

    With kernels of 5 × 5 the diagonal is less steep, and 36 pixels, 9 %, stay unseen.
    """

    @reference
    @build
    def layer_by_layer():
        def view(height, width, layers, kernel, row, column):
            r = kernel // 2
            seen = torch.zeros(height, width, dtype=torch.bool)
            seen[row, column] = True
            for layer in reversed(range(layers)):  # from the output to the image
                below = torch.zeros_like(seen)
                for i, j in seen.nonzero().tolist():
                    left, right = max(j - r, 0), j + r + 1
                    below[max(i - r, 0) : i, left:right] = True
                    below[i, left : j + (layer > 0)] = True
                seen = below
            return seen

        before = 14 * 28 + 14
        unseen = 1 - view(28, 28, 8, 3, 14, 14).sum().item() / before
        blind = 1 - view(28, 28, 28, 3, 14, 14).sum().item() / before
        return view, unseen, blind

    @right
    @build
    def in_closed_form():
        def view(height, width, layers, kernel, row, column):
            r = (kernel - 1) // 2
            seen = []
            for i in range(height):
                for j in range(width):
                    a, s = row - i, j - column
                    near = a <= r * layers and -s <= r * layers
                    right = s <= r * min(a, layers) if a > 0 else a == 0 and s < 0
                    seen.append(near and right and a >= 0)
            return torch.tensor(seen).reshape(height, width)

        seen = sum(9 + a for a in range(1, 9)) + 8
        far = sum(min(28, 15 + a) for a in range(1, 15)) + 14
        return view, 1 - seen / 406, 1 - far / 406

    @right
    @build
    def by_gradients():
        def view(height, width, layers, kernel, row, column):
            ones = torch.ones(kernel * kernel, dtype=torch.float64)
            ones[kernel * kernel // 2 + 1 :] = 0
            b = ones / ones.sum()
            a = b.clone()
            a[kernel * kernel // 2] = 0
            x = torch.ones(1, 1, height, width, dtype=torch.float64)
            x.requires_grad_()
            y = x
            for w in [a] + [b] * (layers - 1):
                w = w.view(1, 1, kernel, kernel)
                y = F.conv2d(y, w, padding=kernel // 2)
            y[0, 0, row, column].backward()
            return x.grad[0, 0] != 0

        return view, 0.7143, 0.1921

    @right
    @build
    def by_matrices():
        def view(height, width, layers, kernel, row, column):
            place = torch.arange(height * width)
            i, j = place // width, place % width
            di, dj = i[:, None] - i, j[:, None] - j  # from a lower place to a higher
            window = (di.abs() <= kernel // 2) & (dj.abs() <= kernel // 2)
            earlier = place[:, None] > place
            a, b = window & earlier, window & ~earlier.T
            seen = torch.zeros(1, height * width)
            seen[0, row * width + column] = 1
            for step in [b] * (layers - 1) + [a]:
                seen = (seen @ step.float() > 0).float()
            return seen.bool().view(height, width)

        return view, UNSEEN, torch.tensor(BLIND)

    edited = edits(
        layer_by_layer,
        """
    the pixel itself seen | (layer > 0) -> 1
    center hidden in every layer | j + (layer > 0) -> j
    one layer too few | for layer in reversed(range(layers))
        -> for layer in reversed(range(max(layers - 1, 1)))
    one layer too many | reversed(range(layers)) -> reversed(range(layers + 1))
    the first layer alone | reversed(range(layers)) -> reversed(range(1))
    another reach of a kernel | r = kernel // 2 -> r = kernel
    another reach of a kernel | r = kernel // 2 -> r = kernel - 1
    another reach of a kernel | r = kernel // 2 -> r = 1
    what comes later is seen | below[max(i - r, 0) : i, left:right]
        -> below[max(i - r, 0) : i + r + 1, left:right]
    what comes later is seen | below[i, left : j + (layer > 0)]
        -> below[i, left:right]
    rows above not seen | below[max(i - r, 0) : i, left:right] = True -> pass
    """,
    )

    def changed(how):
        view = Ar06.layer_by_layer()[0]
        return (lambda *v: how(view, *v)), UNSEEN, BLIND

    results = cases(
        changed,
        ("unseen in place of seen", {"how": lambda view, *v: ~view(*v)}),
        ("wrong dtype", {"how": lambda view, *v: view(*v).float()}),
        ("wrong shape", {"how": lambda view, *v: view(*v)[None]}),
        ("not a tensor", {"how": lambda view, *v: view(*v).tolist()}),
        ("row and column exchanged", {"how": lambda view, *v: view(*v).T}),
        (
            "row and column exchanged",
            {"how": lambda f, h, w, n, k, i, j: f(w, h, n, k, j, i)},
        ),
    )

    @wrong("blind on the left, too")
    @build
    def a_pyramid():
        def view(height, width, layers, kernel, row, column):
            r = kernel // 2
            seen = torch.zeros(height, width, dtype=torch.bool)
            seen[row, max(column - r * layers, 0) : column] = True
            for a in range(1, min(row, r * layers) + 1):
                s = r * min(a, layers)
                seen[row - a, max(column - s, 0) : column + s + 1] = True
            return seen

        return view, UNSEEN, BLIND

    @wrong("one layer too few")
    @build
    def without_the_first():
        view = Ar06.layer_by_layer()[0]

        def other(height, width, layers, kernel, row, column):
            seen = torch.zeros(height, width, dtype=torch.bool)
            if layers > 1:
                seen = view(height, width, layers - 1, kernel, row, column)
            seen[row, column] = True
            return seen

        return other, UNSEEN, BLIND

    @wrong("blind spot forgotten")
    @build
    def all_near():
        def view(height, width, layers, kernel, row, column):
            d = layers * (kernel // 2)
            seen = torch.zeros(height, width, dtype=torch.bool)
            left = max(column - d, 0)
            seen[max(row - d, 0) : row, left : column + d + 1] = True
            seen[row, left:column] = True
            return seen

        return view, UNSEEN, BLIND

    @wrong("all that is before")
    @build
    def all_before():
        def view(height, width, layers, kernel, row, column):
            seen = torch.zeros(height, width, dtype=torch.bool)
            seen.view(-1)[: row * width + column] = True
            return seen

        return view, UNSEEN, BLIND

    @wrong("later in place of earlier")
    @build
    def turned():
        view = Ar06.layer_by_layer()[0]

        def other(height, width, layers, kernel, row, column):
            at = height - 1 - row, width - 1 - column
            return view(height, width, layers, kernel, *at).flip(0, 1)

        return other, UNSEEN, BLIND

    @wrong("own row not seen")
    @build
    def rows_above_alone():
        view = Ar06.layer_by_layer()[0]

        def other(*sizes):
            seen = view(*sizes)
            seen[sizes[-2]] = False
            return seen

        return other, UNSEEN, BLIND

    @wrong("steps around the edge")
    @build
    def in_a_list_of_pixels():
        def view(height, width, layers, kernel, row, column):
            r, seen = kernel // 2, {row * width + column}
            for layer in reversed(range(layers)):
                steps = [a * width + b for a in range(-r, 0) for b in range(-r, r + 1)]
                steps += range(-r, int(layer > 0))
                seen = {p + s for p in seen for s in steps if p + s >= 0}
            found = torch.zeros(height * width, dtype=torch.bool)
            found[list(seen)] = True
            return found.view(height, width)

        return view, UNSEEN, BLIND

    @wrong("steps around the edge")
    @build
    def with_a_circular_shift():
        def view(height, width, layers, kernel, row, column):
            r = kernel // 2
            seen = torch.zeros(height, width, dtype=torch.bool)
            seen[row, column] = True
            for layer in reversed(range(layers)):
                below = seen.clone() if layer else torch.zeros_like(seen)
                for a in range(r + 1):
                    for s in range(-r, r + 1 if a else 0):
                        moved = seen.roll(s, 1)
                        below[: height - a] |= moved[a:]
                seen = below
            return seen

        return view, UNSEEN, BLIND

    def numbers(unseen=UNSEEN, blind=BLIND):
        return Ar06.layer_by_layer()[0], unseen, blind

    given = cases(
        numbers,
        (RIGHT, {"unseen": 0.7143, "blind": 0.1921}),
        ("seen in place of unseen", {"unseen": 116 / 406}),
        ("seen in place of unseen", {"blind": 328 / 406}),
        ("a number of pixels in place of a share", {"unseen": 290}),
        ("a number of pixels in place of a share", {"blind": 78.0}),
        ("share of other pixels", {"unseen": 290 / 784}),
        ("share of other pixels", {"unseen": 668 / 784}),
        ("share of other pixels", {"blind": 78 / 784}),
        ("another number of layers", {"unseen": 1 - (7 * 8 + 28 + 7) / 406}),
        ("another number of layers", {"blind": 1 - (10 * 11 + 55 + 10) / 406}),
        ("another pixel", {"unseen": 261 / 377}),
        ("another pixel", {"blind": 91 / 377}),
        ("blind spot forgotten", {"unseen": 262 / 406}),
        ("no blind spot", {"blind": 0.0}),
        ("another of the answers", {"unseen": BLIND, "blind": UNSEEN}),
        ("percent in place of a share", {"unseen": 71.43}),
        ("not to the digits asked for", {"unseen": 0.71}),
        ("not to the digits asked for", {"blind": 0.19}),
        ("not finite", {"blind": float("nan")}),
    )
