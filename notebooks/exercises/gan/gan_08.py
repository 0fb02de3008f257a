"""Versions of exercise gan-08."""

import torch

from .. import edits, reference, right, wrong


class Gan08:
    r"""
    `detach()` gives points without a past, `requires_grad_()` lets them have a slope,
    and `create_graph=True` makes that slope a function of the weights. The sum of the
    values has each image's own gradient, because no value depends on another image; a
    batch normalization in the critic would break that.

    The penalty has to be differentiated twice, and this is not for free. For a critic
    of two convolutions on 64 images of 28 × 28, the critic's loss and its backward, in
    CPU time on one thread, five repetitions:

    | penalty | times the cost of none |
    |---|---|
    | one brake | 2.5 to 2.9 |
    | both, one after the other | 3.6 to 4.4 |
    | both in one pass of a joined batch | 4.0 to 4.8 |

    A joined batch saves nothing here. What does save is a brake at every $k$-th step
    only, with a weight that is $k$ times as large, the *lazy regularization* of
    [Karras et al. (2020)](https://arxiv.org/abs/1912.04958).
    """

    @reference
    def brake(critic, real, made, gamma_real, gamma_made):
        def squares(x):
            x = x.detach().requires_grad_()
            values = critic(x).sum()
            (slope,) = torch.autograd.grad(values, x, create_graph=True)
            return slope.square().sum((1, 2, 3)).mean()

        return gamma_real / 2 * squares(real) + gamma_made / 2 * squares(made)

    @right
    def in_one_pass(critic, real, made, gamma_real, gamma_made):
        x = torch.cat([real, made]).detach().clone().requires_grad_(True)
        f = critic(x)
        g = torch.autograd.grad(f, x, torch.ones_like(f), create_graph=True)[0]
        squares = g.flatten(1).pow(2).sum(1)
        n = len(real)
        of_real, of_made = squares[:n].mean(), squares[n:].mean()
        return 0.5 * (gamma_real * of_real + gamma_made * of_made)

    @right
    def by_loops(critic, real, made, gamma_real, gamma_made):
        total = 0.0
        for images, gamma in (real, gamma_real), (made, gamma_made):
            for image in images:
                x = image.detach()[None].requires_grad_()
                g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
                square = torch.einsum("bchw,bchw->", g, g)
                total = total + gamma * square / (2 * len(images))
        return total

    @right
    def by_func(critic, real, made, gamma_real, gamma_made):
        slope = torch.func.vmap(torch.func.grad(lambda x: critic(x[None]).sum()))
        parts = [slope(v.detach()).flatten(1) for v in (real, made)]
        squares = [(v * v).sum() / len(v) for v in parts]
        return (gamma_real * squares[0] + gamma_made * squares[1]) / 2

    edited = edits(
        brake,
        """
    cut off from the graph | , create_graph=True ->
    cut off from the graph | create_graph -> retain_graph
    cut off from the graph | slope.square() -> slope.detach().square()
    one side cut off from the graph
        | * squares(made) -> * squares(made).detach()
    float32 in between | return gamma_real / 2 * squares(real) + gamma_made / 2
        -> return (gamma_real / 2 * squares(real) + gamma_made / 2
        | squares(made) -> squares(made)).float().to(real.dtype)
    wrong dtype | return gamma_real / 2 * squares(real) + gamma_made / 2
        -> return (gamma_real / 2 * squares(real) + gamma_made / 2
        | squares(made) -> squares(made)).float()
    values taken for a column | critic(x).sum() -> critic(x)[:, 0].sum()
    slope of the probability | critic(x).sum() -> critic(x).sigmoid().sum()
    slope of the probability | critic(x).sum() -> critic(x).sigmoid().log().sum()
    one count for both batches | .mean() -> .sum() / len(real)
    constant under the root | slope.square().sum((1, 2, 3))
        -> (slope.square().sum((1, 2, 3)) + 1e-6).sqrt().square()
    constant under the root | slope.square().sum((1, 2, 3))
        -> (slope.square().sum((1, 2, 3)) + 1e-12).sqrt().square()
    norm not squared | slope.square().sum((1, 2, 3)) -> slope.flatten(1).norm(dim=1)
    mean over the pixels | .sum((1, 2, 3)).mean() -> .mean()
    norm over the channels only | slope.square().sum((1, 2, 3)).mean()
        -> slope.norm(dim=1).square().mean()
    norm over the channels only | slope.square().sum((1, 2, 3)).mean()
        -> slope.norm(dim=1).mean()
    distance from a slope of one | slope.square().sum((1, 2, 3))
        -> (slope.flatten(1).norm(dim=1) - 1).square()
    slope of the mean value | critic(x).sum() -> critic(x).mean()
    slopes averaged before the square | slope.square().sum((1, 2, 3)).mean()
        -> slope.mean(0).square().sum()
    sizes of the slopes in place of squares | slope.square() -> slope.abs()
    entries summed before the square
        | slope.square().sum((1, 2, 3)) -> slope.sum((1, 2, 3)).square()
    sum over the batch | 3)).mean() -> 3)).sum()
    factor one half lost | gamma_real / 2 -> gamma_real | gamma_made / 2 -> gamma_made
    off by a factor of two | gamma_real / 2 -> gamma_real / 4
        | gamma_made / 2 -> gamma_made / 4
    sign flipped | return gamma_real / 2 * squares(real) + g
        -> return -gamma_real / 2 * squares(real) - g
    gammas exchanged | gamma_real / 2 * squares(real) + gamma_made / 2
        -> gamma_made / 2 * squares(real) + gamma_real / 2
    one gamma for both | + gamma_made / 2 -> + gamma_real / 2
    gammas left out | gamma_real / 2 -> 0.5 | gamma_made / 2 -> 0.5
    gammas squared | gamma_real / 2 -> gamma_real**2 / 2
        | gamma_made / 2 -> gamma_made**2 / 2
    only at real images | + gamma_made / 2 * squares(made) ->
    only at made images | gamma_real / 2 * squares(real) + ->
    both terms at the same images | squares(made) -> squares(real)
    both terms at the same images | squares(real) -> squares(made)
    gradient reaches what was made | x = x.detach().requires_grad_()
        -> x = x if x.requires_grad else x.detach().requires_grad_()
    gradient reaches what was made | x = x.detach().requires_grad_()
        -> x = (x if x.grad_fn else x.detach()).requires_grad_()
    requires_grad of an input changed | x = x.detach().requires_grad_()
        -> x = (x.detach() if x.requires_grad else x).requires_grad_()
    gradients of the weights touched | values = critic(x).sum()
        -> values = critic(x).sum(); critic.zero_grad()
    mode changed | values = critic(x) -> values = critic.eval()(x)
    batch axis lost | slope.square().sum((1, 2, 3))
        -> slope.squeeze().flatten(1).square().sum(1)
    root of zero | slope.square().sum((1, 2, 3))
        -> slope.square().sum((1, 2, 3)).sqrt().square()
    values in place of slopes | slope.square().sum((1, 2, 3))
        -> critic(x).square()
    not reduced over the batch | 3)).mean() -> 3))
    """,
    )

    @wrong("gradients of the weights touched")
    def by_backward(critic, real, made, gamma_real, gamma_made):
        total = 0.0
        for x, gamma in (real, gamma_real), (made, gamma_made):
            x = x.detach().requires_grad_()
            critic(x).sum().backward()
            total = total + gamma / 2 * x.grad.square().sum() / len(x)
        return total

    @wrong("gradients left at the images")
    def by_backward_to_the_images(critic, real, made, gamma_real, gamma_made):
        for x in real, made:
            if x.requires_grad:
                torch.autograd.backward(critic(x).sum(), inputs=x)
        return Gan08.brake(critic, real, made, gamma_real, gamma_made)

    @wrong("requires_grad of an input changed")
    def switched_off(critic, real, made, gamma_real, gamma_made):
        out = Gan08.brake(critic, real, made, gamma_real, gamma_made)
        for x in real, made:
            if x.is_leaf:
                x.requires_grad_(False)
        return out

    @wrong("weights frozen or thawed")
    def frozen_for_good(critic, real, made, gamma_real, gamma_made):
        out = Gan08.brake(critic, real, made, gamma_real, gamma_made)
        critic.requires_grad_(False)
        return out

    @wrong("at random points")
    def of_another_paper(critic, real, made, gamma_real, gamma_made):
        k = min(len(real), len(made))
        x = torch.lerp(real[:k], made[:k], torch.rand(k, 1, 1, 1).to(real))
        x = x.detach().requires_grad_()
        g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
        return gamma_real / 2 * g.square().sum((1, 2, 3)).mean()

    @wrong("between real and made images")
    def half_way(critic, real, made, gamma_real, gamma_made):
        k = min(len(real), len(made))
        return Gan08.brake(critic, (real[:k] + made[:k]) / 2, real, gamma_real, 0.0)

    @wrong("one mean over both batches")
    def mixed(critic, real, made, gamma_real, gamma_made):
        x = torch.cat([real, made])
        return Gan08.brake(critic, x, x, gamma_real, gamma_made)

    @wrong("differences in place of derivatives")
    def by_differences(critic, real, made, gamma_real, gamma_made):
        total, step = 0.0, 1e-5
        for x, gamma in (real.detach(), gamma_real), (made.detach(), gamma_made):
            for e in torch.eye(x[0].numel(), dtype=x.dtype).view(-1, *x[0].shape):
                rise = critic(x + step * e) - critic(x - step * e)
                total = total + gamma / 2 * (rise / (2 * step)).square().mean()
        return total
