"""Versions of exercise ae-04."""

import copy

import torch
from torch import nn

from .. import edits, reference, right


def made(last, first, m, back, mean):
    """The layers for the codes m (z - mean)."""
    new_last, new_first = copy.deepcopy(last), copy.deepcopy(first)
    with torch.no_grad():
        new_last.weight.copy_(m @ last.weight)
        new_last.bias.copy_(m @ (last.bias - mean))
        new_first.weight.copy_(first.weight @ back)
        new_first.bias.copy_(first.bias + first.weight @ mean)
    return new_last, new_first


class Ae04:
    @reference
    def whiten(last, first, z):
        sizes = [(a.in_features, a.out_features) for a in (last, first)]
        new_last, new_first = (nn.Linear(*size).to(z) for size in sizes)
        mean = z.mean(0)
        root = torch.linalg.cholesky(torch.cov(z.T))  # z = mean + root z'
        undo = torch.linalg.inv(root)
        with torch.no_grad():
            new_last.weight.copy_(undo @ last.weight)
            new_last.bias.copy_(undo @ (last.bias - mean))
            new_first.weight.copy_(first.weight @ root)
            new_first.bias.copy_(first.bias + first.weight @ mean)
        return new_last, new_first

    @right
    def by_eigenvectors(last, first, z):
        values, vectors = torch.linalg.eigh(torch.cov(z.T))
        m = (vectors / values.sqrt()).T
        back = vectors * values.sqrt()
        return made(last, first, m, back, z.mean(0))

    @right
    def by_symmetric_root(last, first, z):
        values, v = torch.linalg.eigh(torch.cov(z.T))
        m = v @ torch.diag(values.rsqrt()) @ v.T
        return made(last, first, m, torch.linalg.inv(m), z.mean(0))

    @right
    def by_svd_of_the_codes(last, first, z):
        _, s, vt = torch.linalg.svd(z - z.mean(0), full_matrices=False)
        s = s / (len(z) - 1) ** 0.5
        return made(last, first, vt / s[:, None], vt.T * s, z.mean(0))

    @right
    def by_sequential(last, first, z):
        root = torch.linalg.cholesky(torch.cov(z.T))
        go, back = nn.Linear(z.shape[1], z.shape[1]), nn.Linear(z.shape[1], z.shape[1])
        with torch.no_grad():
            go.weight.copy_(torch.linalg.inv(root))
            go.bias.copy_(-go.weight @ z.mean(0))
            back.weight.copy_(root)
            back.bias.copy_(z.mean(0))
        last, first = copy.deepcopy(last), copy.deepcopy(first)
        return nn.Sequential(last, go), nn.Sequential(back, first)

    @right
    def by_functions(last, first, z):
        root, mean = torch.linalg.cholesky(torch.cov(z.T)), z.mean(0)
        undo = torch.linalg.inv(root)
        return [lambda a: (last(a) - mean) @ undo.T, lambda c: first(c @ root.T + mean)]

    edited = edits(
        whiten,
        """
    given layers changed | (nn.Linear(*size).to(z) for size in sizes) -> last, first
    mean not removed | z.mean(0) -> 0 * z.mean(0)
    mean not removed | z.mean(0) -> last.bias.detach()
    mean not removed | (last.bias - mean) -> (last.bias + mean)
    encoder's bias not mapped | undo @ (last.bias - mean) -> last.bias
    encoder's bias not mapped | undo @ (last.bias - mean) -> last.bias - mean
    encoder's bias not mapped | undo @ (last.bias - mean) -> undo @ last.bias - mean
    each code scaled alone | linalg.cholesky(torch.cov(z.T)) -> diag(z.std(0))
    each code scaled alone | linalg.cholesky(torch.cov(z.T)) -> diag(z.var(0))
    scaled by the covariance itself | linalg.cholesky(torch.cov(z.T)) -> cov(z.T)
    root in place of its inverse | torch.linalg.inv(root) -> root
    root on the wrong side | (torch.cov(z.T)) -> (torch.cov(z.T)).T
    root on the wrong side | first.weight @ root -> first.weight @ root.T
    covariance on another scale | cov(z.T) -> cov(z.T, correction=0)
    covariance on another scale | torch.cov(z.T) -> (len(z) - 1) * torch.cov(z.T)
    only rotated | cholesky(torch.cov(z.T)) -> eigh(torch.cov(z.T))[1]
    number added to the covariance
        | cov(z.T) -> cov(z.T) + 1e-6 * torch.eye(z.shape[1])
    number added to the covariance
        | cov(z.T) -> cov(z.T) + 1e-8 * torch.eye(z.shape[1])
    difference of large numbers
        | torch.cov(z.T) -> (z.T @ z / len(z) - mean.outer(mean)) * 40 / 39
    decoder left as it was | return new_last, new_first -> return new_last, first
    decoder scaled the same way | first.weight @ root -> first.weight @ undo
    decoder scaled the same way | first.weight @ root -> first.weight @ undo.T
    decoder's bias left as it was | first.bias + first.weight @ mean -> first.bias
    decoder's bias moved wrongly | first.bias + first -> first.bias - first
    decoder's bias moved wrongly | first.weight @ mean -> new_first.weight @ mean
    decoder does not undo the encoder
        | first.weight @ root -> first.weight @ torch.linalg.eigh(root @ root.T)[1]
    """,
    )
