"""Versions of exercise ae-04."""

import copy

import torch
from torch import nn

from .. import reference, right, wrong


class Ae04:
    @reference
    def whiten(last, first, z):
        new_last, new_first = copy.deepcopy(last), copy.deepcopy(first)
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
        return Ae04._made(last, first, m, back, z.mean(0))

    @right
    def by_symmetric_root(last, first, z):
        values, v = torch.linalg.eigh(torch.cov(z.T))
        m = v @ torch.diag(values.rsqrt()) @ v.T
        return Ae04._made(last, first, m, torch.linalg.inv(m), z.mean(0))

    @right
    def by_svd_of_the_codes(last, first, z):
        _, s, vt = torch.linalg.svd(z - z.mean(0), full_matrices=False)
        s = s / (len(z) - 1) ** 0.5
        return Ae04._made(last, first, vt / s[:, None], vt.T * s, z.mean(0))

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

    def _made(last, first, m, back, mean, decode=True):
        new_last, new_first = copy.deepcopy(last), copy.deepcopy(first)
        with torch.no_grad():
            new_last.weight.copy_(m @ last.weight)
            new_last.bias.copy_(m @ (last.bias - mean))
            new_first.weight.copy_(first.weight @ back)
            new_first.bias.copy_(first.bias + first.weight @ mean)
        return new_last, new_first

    @wrong("given layers changed")
    def in_place(last, first, z):
        new_last, new_first = Ae04.whiten(last, first, z)
        last.load_state_dict(new_last.state_dict())
        first.load_state_dict(new_first.state_dict())
        return last, first

    @wrong("decoder left as it was")
    def encoder_only(last, first, z):
        return Ae04.whiten(last, first, z)[0], copy.deepcopy(first)

    @wrong("decoder's bias left as it was")
    def no_bias(last, first, z):
        new_last, new_first = Ae04.whiten(last, first, z)
        with torch.no_grad():
            new_first.bias.copy_(first.bias)
        return new_last, new_first

    @wrong("mean not removed")
    def uncentered(last, first, z):
        root = torch.linalg.cholesky(torch.cov(z.T))
        undo = torch.linalg.inv(root)
        return Ae04._made(last, first, undo, root, torch.zeros(z.shape[1]))

    @wrong("encoder's bias left as it was")
    def old_bias(last, first, z):
        new_last, new_first = Ae04.whiten(last, first, z)
        with torch.no_grad():
            new_last.bias.copy_(last.bias)
        return new_last, new_first

    @wrong("each code scaled alone")
    def diagonal(last, first, z):
        s = z.std(0)
        return Ae04._made(last, first, torch.diag(1 / s), torch.diag(s), z.mean(0))

    @wrong("scaled by the covariance itself")
    def no_root(last, first, z):
        cov = torch.cov(z.T)
        return Ae04._made(last, first, torch.linalg.inv(cov), cov, z.mean(0))

    @wrong("root on the wrong side")
    def transposed(last, first, z):
        root = torch.linalg.cholesky(torch.cov(z.T)).T
        return Ae04._made(last, first, torch.linalg.inv(root), root, z.mean(0))

    @wrong("decoder scaled the same way")
    def same_way(last, first, z):
        root = torch.linalg.cholesky(torch.cov(z.T))
        undo = torch.linalg.inv(root)
        return Ae04._made(last, first, undo, undo, z.mean(0))

    @right
    def by_qr(last, first, z):
        r = torch.linalg.qr(z - z.mean(0))[1] / (len(z) - 1) ** 0.5
        return Ae04._made(last, first, torch.linalg.inv(r).T, r.T, z.mean(0))

    @right
    def by_functions(last, first, z):
        root, mean = torch.linalg.cholesky(torch.cov(z.T)), z.mean(0)
        undo = torch.linalg.inv(root)
        return [lambda a: (last(a) - mean) @ undo.T, lambda c: first(c @ root.T + mean)]

    @wrong("covariance on another scale")
    def divided_by_n(last, first, z):
        root = torch.linalg.cholesky(torch.cov(z.T, correction=0))
        return Ae04._made(last, first, torch.linalg.inv(root), root, z.mean(0))

    @wrong("covariance on another scale")
    def not_divided(last, first, z):
        _, s, vt = torch.linalg.svd(z - z.mean(0), full_matrices=False)
        return Ae04._made(last, first, vt / s[:, None], vt.T * s, z.mean(0))

    @wrong("each code scaled alone")
    def by_variances(last, first, z):
        v = z.var(0)
        return Ae04._made(last, first, torch.diag(1 / v), torch.diag(v), z.mean(0))

    @wrong("only rotated")
    def rotated(last, first, z):
        v = torch.linalg.eigh(torch.cov(z.T))[1]
        return Ae04._made(last, first, v.T, v, z.mean(0))

    @wrong("mean not removed")
    def old_bias_as_mean(last, first, z):
        root = torch.linalg.cholesky(torch.cov(z.T))
        return Ae04._made(last, first, torch.linalg.inv(root), root, last.bias.detach())

    @wrong("decoder's bias moved wrongly")
    def minus(last, first, z):
        new_last, new_first = Ae04.whiten(last, first, z)
        with torch.no_grad():
            new_first.bias.copy_(first.bias - first.weight @ z.mean(0))
        return new_last, new_first

    @wrong("decoder's bias moved wrongly")
    def by_the_new_weight(last, first, z):
        new_last, new_first = Ae04.whiten(last, first, z)
        with torch.no_grad():
            new_first.bias.copy_(first.bias + new_first.weight @ z.mean(0))
        return new_last, new_first

    @wrong("root on the wrong side")
    def decoder_transposed(last, first, z):
        root = torch.linalg.cholesky(torch.cov(z.T))
        return Ae04._made(last, first, torch.linalg.inv(root), root.T, z.mean(0))

    @wrong("decoder does not undo the encoder")
    def two_roots(last, first, z):
        cov = torch.cov(z.T)
        values, v = torch.linalg.eigh(cov)
        m = v @ torch.diag(values.rsqrt()) @ v.T
        return Ae04._made(last, first, m, torch.linalg.cholesky(cov), z.mean(0))
