"""Versions of exercise gan-23."""

import torch

from .. import build, edits, reference, right, wrong


class Gan23:
    r"""
    One backward pass gives $J^\top y$ without $J$, and `create_graph=True` lets it be
    differentiated in turn. Over the noise the mean of $a^2$ is $\|J\|_F^2 / (L n)$: the
    noise looks at all directions at once, and a single draw of it is an estimate. How
    good a one depends on $J$. With 768 numbers in a picture of 16×16, eight layers and
    64 numbers in a style, over 4,000 draws of the noise:

    | singular values of $J$ | std of $a$, in parts of its mean | one $w$ for all |
    |---|---|---|
    | those of a matrix of normal numbers | 0.04 | 2.82 times as long |
    | falling as $1/k$ | 0.41 | 2.79 times as long |

    The last column is the length that the same map has where one $w$ moves all eight
    layers: where their slopes have nothing to do with each other it is longer by
    $\sqrt 8 = 2.83$. A weight of the penalty that was tuned for one of the two is
    wrong for the other, since the penalty is a square, by a factor of eight.
    """

    @reference
    def path_lengths(synthesis, w, y):
        if not w.requires_grad:
            w = w.detach().requires_grad_()  # the caller's tensor stays as it is
        moved = (synthesis(w) * y).sum()
        (u,) = torch.autograd.grad(moved, w, create_graph=True)
        b, layers, _ = u.shape
        size = y.shape[2] * y.shape[3]
        # A norm has the slope 0 at 0, where the root of a sum has none.
        length = torch.linalg.vector_norm(u.reshape(b, -1), dim=1)
        return length / (layers * size) ** 0.5

    @right
    def by_vjp(synthesis, w, y):
        _, pull = torch.func.vjp(synthesis, w)
        (u,) = pull(y.to(w) / (y.shape[-1] * y.shape[-2]) ** 0.5)
        square = u.square().sum(2).mean(1)
        zero = square == 0
        return torch.where(zero, 0.0, torch.where(zero, 1.0, square).sqrt())

    @right
    def one_by_one(synthesis, w, y):
        made = []
        for row, noise in zip(w, y):
            row = row[None] if row.requires_grad else row[None].clone().requires_grad_()
            x = synthesis(row)[0]
            u = torch.autograd.grad(
                x, row, noise / noise[0].numel() ** 0.5, create_graph=True
            )[0]
            made.append(u.flatten().norm() / row.shape[1] ** 0.5)
        return torch.stack(made)

    @right
    def place_by_place(synthesis, w, y):
        w = w if w.requires_grad else w.clone().requires_grad_()
        x, u = synthesis(w).flatten(1), 0.0
        for i, noise in enumerate(y.flatten(1).T):
            (row,) = torch.autograd.grad(x[:, i].sum(), w, create_graph=True)
            u = u + row * noise[:, None, None]
        return u.flatten(1).norm(dim=1) / (w.shape[1] * y[0, 0].numel()) ** 0.5

    @right
    def with_a_tiny_number_under_the_root(synthesis, w, y):
        with torch.enable_grad():
            w = w + torch.zeros_like(w).requires_grad_()
            x = synthesis(w)
            x = (x * y) / x[0, 0].numel() ** 0.5
            u = torch.autograd.grad(x.sum(), w, create_graph=True)[0]
        return (u.pow(2).sum(2).mean(1) + 1e-18).sqrt()

    edited = edits(
        path_lengths,
        """
    mean over the numbers of a style | (layers * size) ** 0.5
        -> (u[0].numel() * size) ** 0.5
    sum over the layers | (layers * size) -> size
    roots of the layers averaged
        | length / (layers * size) ** 0.5
        -> u.norm(dim=2).mean(1) / size**0.5
    one layer alone
        | length / (layers * size) ** 0.5
        -> u[:, 0].norm(dim=1) / size**0.5
    layers added before they are squared
        | length / (layers * size) ** 0.5
        -> u.sum(1).norm(dim=1) / size**0.5
    picture in the product | (synthesis(w) * y).sum()
        -> (synthesis(w) - y).square().sum()
    sum in place of a length
        | torch.linalg.vector_norm(u.reshape(b, -1), dim=1) -> u.sum((1, 2)).abs()
    mean of the layers subtracted | (u.reshape(b, -1)
        -> ((u - u.mean(1, True)).reshape(b, -1)
    derivatives under no_grad | moved = (
        -> synthesis = torch.no_grad()(synthesis); moved = (
    square of the length
        | length / (layers * size) ** 0.5
        -> u.square().sum((1, 2)) / (layers * size)
    absolute values in place of squares
        | length / (layers * size) ** 0.5
        -> u.abs().sum((1, 2)) / layers / size**0.5
    not divided by the root of the size | (layers * size) -> layers
    divided by the number of places | (layers * size) ** 0.5 -> layers**0.5 / size
    channels counted in the size | y.shape[2] * y.shape[3] -> y[0].numel()
    another size | y.shape[2] * y.shape[3] -> y.shape[2] ** 2
    another size | y.shape[2] * y.shape[3] -> y.shape[1] * y.shape[2]
    noise not used | synthesis(w) * y -> synthesis(w)
    noise of another kind | synthesis(w) * y -> synthesis(w) * y.sign()
    noise of another kind | synthesis(w) * y -> synthesis(w) * y / y.norm()
    noise of another kind | moved = (
        -> y = y / y.flatten(1).norm(dim=1)[:, None, None, None]; moved = (
    noise drawn inside | moved = ( -> y = torch.randn_like(y); moved = (
    noise of another kind | synthesis(w) * y -> synthesis(w) * y.flip(0)
    picture in place of its derivative | length = torch.linalg.vector_norm(u.reshape
        -> layers = 1; length = torch.linalg.vector_norm((synthesis(w) * y).reshape
    one number for all examples | (u.reshape(b, -1), dim=1) -> (u)
    one number for all examples | (u.reshape(b, -1), dim=1)
        -> (u.reshape(b, -1)).expand(b) / b**0.5
    not summed over the dimensions | (u.reshape(b, -1), dim=1) -> (u, dim=2)
    divided by the size of the batch | (synthesis(w) * y).sum()
        -> (synthesis(w) * y).sum((1, 2, 3)).mean()
    no graph of the gradient | create_graph=True -> retain_graph=True
    no graph of the gradient | return length -> return length.detach()
    cut off from what w came from | if not w.requires_grad: -> if True:
    w without a gradient refused | if not w.requires_grad: -> if False:
    slope of a root at zero | torch.linalg.vector_norm(u.reshape(b, -1), dim=1)
        -> u.square().sum((1, 2)).sqrt()
    floor under the root | torch.linalg.vector_norm(u.reshape(b, -1), dim=1)
        -> (u.square().sum((1, 2)) + 1e-8).sqrt()
    floor under the root | torch.linalg.vector_norm(u.reshape(b, -1), dim=1)
        -> u.square().sum((1, 2)).clamp(min=1e-6).sqrt()
    requires_grad of an input changed
        | w = w.detach().requires_grad_() -> w.requires_grad_()
    gradients left behind | (u,) = -> moved.backward(retain_graph=True); (u,) =
    float32 in between | return length / (layers * size) ** 0.5
        -> return (length / (layers * size) ** 0.5).float().to(w)
    float32 in between | moved = (
        -> dtype, y, w = w.dtype, y.float(), w.float(); moved = (
        | return length / (layers * size) ** 0.5
        -> return (length / (layers * size) ** 0.5).to(dtype)
    wrong dtype | return length -> return length.float()
    batch axis lost | return length -> return length.squeeze()
    off by a factor of two | return length -> return 2 * length
    sign flipped | return length -> return -length
    input changed in place | moved = ( -> w.data *= 2; moved = (
    """,
    )

    @wrong("weights frozen or thawed")
    def frozen_for_good(synthesis, w, y):
        out = Gan23.path_lengths(synthesis, w, y)
        nodes = [out.grad_fn] if out.requires_grad else []
        while nodes:
            node = nodes.pop()
            if hasattr(node, "variable") and node.variable is not w:
                node.variable.requires_grad_(False)
            nodes += [more for more, _ in node.next_functions if more]
        return out

    @wrong("whole Jacobian")
    def norm_of_the_jacobian(synthesis, w, y):
        made = []
        for row in w:
            j = torch.autograd.functional.jacobian(synthesis, row[None], True)
            size = y.shape[2] * y.shape[3] * w.shape[1]
            made.append((j.square().sum() / size).sqrt())
        return torch.stack(made)

    @wrong("differences in place of derivatives")
    def by_differences(synthesis, w, y):
        x = w.double()
        u = torch.zeros_like(x)
        for k in range(w.shape[1]):
            for j in range(w.shape[2]):
                step = torch.zeros_like(x)
                step[:, k, j] = 1e-5
                moved = (synthesis(x + step) - synthesis(x - step)) / 2e-5
                u[:, k, j] = (moved * y).sum((1, 2, 3))
        size = y.shape[2] * y.shape[3]
        return (u.flatten(1).norm(dim=1) / (w.shape[1] * size) ** 0.5).to(w.dtype)

    @wrong("result of an earlier call")
    @build
    def kept_for_the_noise():
        memory = {}

        def path_lengths(synthesis, w, y):
            key = synthesis, tuple(y.flatten().tolist())
            if key not in memory:
                memory[key] = Gan23.path_lengths(synthesis, w, y)
            return memory[key]

        return path_lengths

    @wrong("result of an earlier call")
    @build
    def a_noise_that_is_kept():
        memory = {}

        def path_lengths(synthesis, w, y):
            y = memory.setdefault((synthesis, y.shape), y)
            return Gan23.path_lengths(synthesis, w, y)

        return path_lengths
