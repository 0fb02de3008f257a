"""Versions of exercise ae-04."""

import copy

import torch

from .. import edits, reference, right, wrong


def made(last, first, up, go, mean):
    """The layers for the codes go (z - mean), decoded by the columns up."""
    new_last, new_first = copy.deepcopy(last), copy.deepcopy(first)
    with torch.no_grad():
        new_last.weight.copy_(go @ last.weight)
        new_last.bias.copy_(go @ (last.bias - mean))
        new_first.weight.copy_(up)
        new_first.bias.copy_(first(mean))
    return new_last, new_first


def covariance(rows):
    """That of (n, k) rows, also for one column, where torch.cov gives a number."""
    return torch.atleast_2d(torch.cov(rows.T))


class Ae04:
    r"""The answers minus their mean are $W (z - \mu)$. With their principal
    directions as columns, $U$, they are $U U^\top W (z - \mu)$, since they lie in
    the span of $U$: the new code is $U^\top W (z - \mu)$, and $U$ decodes it.

    Why the directions of the answers, not of the codes: the right singular vectors of
    the centered answers are the eigenvectors of their covariance, so the columns are
    orthonormal *and* the codes along them uncorrelated, of descending variance.
    `full_matrices=False` matters: without it svd also makes an $n \times n$ matrix."""

    @reference
    def principal(last, first, z):
        new_last, new_first = copy.deepcopy(last), copy.deepcopy(first)
        mean = z.mean(0)
        w = first.weight.detach()
        answers = (z - mean) @ w.T
        up = torch.linalg.svd(answers, full_matrices=False)[2][: len(mean)].T
        go = up.T @ w
        with torch.no_grad():
            new_last.weight.copy_(go @ last.weight)
            new_last.bias.copy_(go @ (last.bias - mean))
            new_first.weight.copy_(up)
            new_first.bias.copy_(first.bias + w @ mean)
        return new_last, new_first

    @right
    def by_covariance(last, first, z):
        w = first.weight.detach()
        cov = w @ covariance(z) @ w.T
        up = torch.linalg.eigh(cov)[1].flip(1)[:, : z.shape[1]]
        return made(last, first, up, up.T @ w, z.mean(0))

    @right
    def by_qr(last, first, z):
        q, r = torch.linalg.qr(first.weight.detach())
        turn = torch.linalg.eigh(covariance(z @ r.T))[1].flip(1)
        return made(last, first, q @ turn, turn.T @ r, z.mean(0))

    @right
    def by_svd_of_the_weight(last, first, z):
        u, s, vt = torch.linalg.svd(first.weight.detach(), full_matrices=False)
        codes = (z - z.mean(0)) @ vt.T * s
        turn = torch.linalg.svd(codes, full_matrices=False)[2]
        return made(last, first, u @ turn.T, turn @ (s[:, None] * vt), z.mean(0))

    @right
    def in_double_precision(last, first, z):
        z, w = z.double(), first.weight.detach().double()
        root = torch.linalg.cholesky(covariance(z))
        u, _, _ = torch.linalg.svd(w @ root, full_matrices=False)
        u = -u  # signs are free
        return made(last, first, u.float(), (u.T @ w).float(), z.mean(0).float())

    @right
    def by_functions(last, first, z):
        mean, w = z.mean(0), first.weight.detach()
        up = torch.linalg.svd(first(z) - first(mean))[2][: len(mean)].T
        return [lambda a: (last(a) - mean) @ w.T @ up, lambda c: c @ up.T + first(mean)]

    @wrong("codes made white")
    def white(last, first, z):
        root = torch.linalg.cholesky(covariance(z))
        up = first.weight.detach() @ root
        return made(last, first, up, torch.linalg.inv(root), z.mean(0))

    @wrong("directions of the codes alone")
    def turned(last, first, z):
        v = torch.linalg.eigh(covariance(z))[1].flip(1)
        return made(last, first, first.weight.detach() @ v, v.T, z.mean(0))

    @wrong("columns only scaled")
    def scaled(last, first, z):
        size = first.weight.detach().norm(dim=0)
        return made(last, first, first.weight.detach() / size, size.diag(), z.mean(0))

    @wrong("directions of the weight alone")
    def orthonormal(last, first, z):
        q, r = torch.linalg.qr(first.weight.detach())
        return made(last, first, q, r, z.mean(0))

    @wrong("directions of the weight alone")
    def singular(last, first, z):
        u, s, vt = torch.linalg.svd(first.weight.detach(), full_matrices=False)
        return made(last, first, u, s[:, None] * vt, z.mean(0))

    @wrong("codes still correlated")
    def turned_too_far(last, first, z):
        q, r = torch.linalg.qr(first.weight.detach())
        turn = torch.linalg.eigh(covariance(z @ r.T))[1].flip(1)
        turn = turn @ turn @ turn
        return made(last, first, q @ turn, turn.T @ r, z.mean(0))

    @wrong("turned the wrong way")
    def turned_the_other_way(last, first, z):
        q, r = torch.linalg.qr(first.weight.detach())
        turn = torch.linalg.eigh(covariance(z @ r.T))[1].flip(1)
        return made(last, first, q @ turn.T, turn @ r, z.mean(0))

    @wrong("a direction outside the answers")
    def ascending(last, first, z):
        w = first.weight.detach()
        up = torch.linalg.eigh(w @ covariance(z) @ w.T)[1][:, : z.shape[1]]
        return made(last, first, up, up.T @ w, z.mean(0))

    @wrong("columns still oblique")
    def sorted_by_variance(last, first, z):
        order = torch.eye(z.shape[1])[z.var(0).argsort(descending=True)]
        return made(last, first, first.weight.detach() @ order.T, order, z.mean(0))

    edited = edits(
        principal,
        """
    given layers changed | copy.deepcopy(last), copy.deepcopy(first) -> last, first
    mean not removed | (last.bias - mean) -> last.bias
    mean not removed | (last.bias - mean) -> (last.bias + mean)
    mean or bias not mapped | go @ (last.bias - mean) -> last.bias
    mean or bias not mapped | go @ (last.bias - mean) -> last.bias - mean
    mean or bias not mapped | go @ (last.bias - mean) -> go @ last.bias - mean
    encoder's bias lost or counted twice | (last.bias - mean) -> -mean
    another center than the mean | mean = z.mean(0) -> mean = z[0]
    another center than the mean | mean = z.mean(0) -> mean = z.median(0).values
    mean left in the directions | (z - mean) @ w.T -> z @ w.T
    a direction dropped | go = up.T @ w
        -> go = up.T @ w; go = go * ((answers @ up).std(0) > 0.1)[:, None]
    smallest variance first | [2][: len(mean)].T -> [2][: len(mean)].flip(0).T
    decoder left as it was | return new_last, new_first -> return new_last, first
    decoder's bias left as it was | first.bias + w @ mean -> first.bias
    decoder's bias moved wrongly | first.bias + w @ mean -> first.bias - w @ mean
    decoder's bias moved wrongly | w @ mean -> up @ mean
    decoder does not undo the encoder | go = up.T @ w -> go = 0.5 * up.T @ w
    decoder does not undo the encoder | copy_(up) -> copy_(-up)
    difference of large numbers | answers = (z - mean) @ w.T
        -> second = (z.T @ z / len(z) - mean.outer(mean))
        | torch.linalg.svd(answers, full_matrices=False)[2]
        -> torch.linalg.eigh(w @ second @ w.T)[1].T.flip(0)
    """,
    )
