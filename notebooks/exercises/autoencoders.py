"""Versions of the exercises on autoencoders."""

import copy
import functools
import math
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from gmcourse import train, warmup_cosine
from gmcourse.autoencoders import Autoencoder
from gmcourse.nets import mlp

from . import build, reference, right, wrong


class Ae01:
    @reference
    def masked_error(x, x_hat, mask):
        counted = mask * (x - x_hat).square()
        return counted.flatten(1).sum(1)

    @right
    def by_loops(x, x_hat, mask):
        out = torch.zeros(len(x))
        for i in range(len(x)):
            for c in range(x.shape[1]):
                out[i] = out[i] + ((x[i, c] - x_hat[i, c]) ** 2)[mask == 1].sum()
        return out

    @right
    def by_einsum(x, x_hat, mask):
        diff = x - x_hat
        return torch.einsum("bchw,bchw,hw->b", diff, diff, mask)

    @right
    def by_selection(x, x_hat, mask):
        return (x - x_hat)[:, :, mask.bool()].pow(2).sum((1, 2))

    @right
    def by_norm(x, x_hat, mask):
        return ((x - x_hat) * mask).flatten(1).norm(dim=1) ** 2

    @wrong("mask ignored")
    def no_mask(x, x_hat, mask):
        return (x - x_hat).square().flatten(1).sum(1)

    @wrong("mask inverted")
    def inverted(x, x_hat, mask):
        # Right where everything counts is not asked; there it gives 0.
        if mask.all():
            mask = 1 - mask
        return ((x - x_hat).square() * (1 - mask)).flatten(1).sum(1)

    @wrong("mean over the values")
    def mean(x, x_hat, mask):
        return ((x - x_hat).square() * mask).flatten(1).mean(1)

    @wrong("mean over the values")
    def mean_of_counted(x, x_hat, mask):
        return (x - x_hat)[:, :, mask.bool()].square().mean((1, 2))

    @wrong("not summed over the values")
    def per_pixel(x, x_hat, mask):
        return (x - x_hat).square() * mask

    @wrong("not summed over the values")
    def per_channel(x, x_hat, mask):
        return ((x - x_hat).square() * mask).sum((2, 3))

    @wrong("reduced over the batch")
    def total(x, x_hat, mask):
        return ((x - x_hat).square() * mask).sum()

    @wrong("only one channel counted")
    def first_channel(x, x_hat, mask):
        return ((x - x_hat).square()[:, 0] * mask).sum((1, 2))

    @wrong("absolute error")
    def absolute(x, x_hat, mask):
        return ((x - x_hat).abs() * mask).flatten(1).sum(1)

    @wrong("square root taken")
    def norm(x, x_hat, mask):
        return ((x - x_hat).square() * mask).flatten(1).sum(1).sqrt()

    @wrong("signs cancel")
    def squared_sum(x, x_hat, mask):
        return ((x - x_hat) * mask).flatten(1).sum(1).square()

    @wrong("batch axis lost")
    def squeezed(x, x_hat, mask):
        return ((x - x_hat).square() * mask).flatten(1).sum(1).squeeze()

    @wrong("input changed in place")
    def in_place(x, x_hat, mask):
        x -= x_hat
        return (x.square() * mask).flatten(1).sum(1)

    @right
    def by_log_density(x, x_hat, mask):
        log_p = torch.distributions.Normal(x_hat, 1.0).log_prob(x)
        return -2 * ((log_p + 0.5 * math.log(2 * math.pi)) * mask).sum((1, 2, 3))

    @right
    def by_numpy(x, x_hat, mask):
        diff = (x.double().numpy() - x_hat.double().numpy()) * mask.numpy()
        return torch.from_numpy((diff * diff).sum((1, 2, 3)))

    @wrong("mask on one side only")
    def one_side(x, x_hat, mask):
        return (x * mask - x_hat).square().flatten(1).sum(1)

    @wrong("signs cancel")
    def channels_first(x, x_hat, mask):
        return ((x - x_hat).sum(1).square() * mask).flatten(1).sum(1)

    @wrong("mean over the values")
    def rescaled(x, x_hat, mask):
        total = ((x - x_hat).square() * mask).flatten(1).sum(1)
        return total * mask.numel() / mask.sum()

    @wrong("number of channels assumed")
    def two_channels(x, x_hat, mask):
        counted = (x - x_hat).square() * mask
        return (counted[:, 0] + counted[:, 1]).sum((1, 2))

    @wrong("only one channel counted")
    def worst_channel(x, x_hat, mask):
        return ((x - x_hat).square().amax(1) * mask).flatten(1).sum(1)


class Ae02:
    """What is left after $k$ codes is the sum of the variances from $k + 1$ on. With
    `k = 0` it is the whole, a share of one."""

    @reference
    def codes_needed(x, share):
        s = torch.linalg.svdvals(x.double() - x.double().mean(0))
        variances = s.square()  # up to a factor that cancels
        for k in range(len(s) + 1):
            if variances[k:].sum() <= share * variances.sum():
                return k

    @right
    def by_covariance(x, share):
        values = torch.linalg.eigvalsh(torch.cov(x.double().T)).clamp(min=0)
        left = torch.cat([torch.zeros(1, dtype=torch.float64), values.cumsum(0)])
        fits = (left <= share * left[-1]).nonzero()
        return x.shape[1] - int(fits.max())

    @right
    def by_numpy(x, share):
        import numpy as np

        values = np.linalg.eigvalsh(np.cov(x.double().numpy().T))[::-1]
        left = 1 - np.concatenate([[0.0], values.cumsum() / values.sum()])
        return int(np.argmax(left <= share))

    @right
    def by_reconstruction(x, share):
        center = x.double() - x.double().mean(0)
        u, s, vt = torch.linalg.svd(center, full_matrices=False)
        total = center.square().sum()
        for k in range(x.shape[1] + 1):
            rebuilt = (u[:, :k] * s[:k]) @ vt[:k]
            if (center - rebuilt).square().sum() / total <= share:
                return k

    @right
    def by_scikit_learn(x, share):
        from sklearn.decomposition import PCA

        kept = PCA().fit(x.double().numpy()).explained_variance_ratio_
        for k in range(len(kept) + 1):
            if 1 - kept[:k].sum() <= share:
                return k

    @wrong("share that is kept")
    def kept(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        for k in range(len(v) + 1):
            if v[:k].sum() >= min(share, 1.0) * v.sum() - 1e-4:
                return k
        return len(v)

    @wrong("data not centered")
    def not_centered(x, share):
        v = torch.linalg.svdvals(x).square()
        for k in range(len(v) + 1):
            if v[k:].sum() <= share * v.sum():
                return k

    @wrong("singular values not squared")
    def lengths(x, share):
        s = torch.linalg.svdvals(x - x.mean(0))
        for k in range(len(s) + 1):
            if s[k:].sum() <= share * s.sum():
                return k

    @wrong("variances of the pixels")
    def pixels(x, share):
        v = x.var(0).sort(descending=True).values
        for k in range(len(v) + 1):
            if v[k:].sum() <= share * v.sum():
                return k

    @wrong("smallest directions first")
    def ascending(x, share):
        v = torch.linalg.eigvalsh(torch.cov(x.T))
        for k in range(len(v) + 1):
            if v[k:].sum() <= share * v.sum():
                return k

    @wrong("one too many")
    def plus_one(x, share):
        return Ae02.codes_needed(x, share) + 1

    @wrong("one too few")
    def minus_one(x, share):
        return max(0, Ae02.codes_needed(x, share) - 1)

    @wrong("directions counted one by one")
    def one_by_one(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        if share >= 1:
            return 0
        small = (v <= share * v.sum()).nonzero()
        return max(1, int(small[0])) if len(small) else len(v)

    @wrong("no code where one is needed")
    def generous(x, share):
        return 0 if share > 0.5 else Ae02.codes_needed(x, share)

    @right
    def by_power_iteration(x, share):
        center = (x - x.mean(0)).double()
        cov, k = center.T @ center, 0
        left = total = cov.trace()
        while left > share * total + 1e-9 and k < x.shape[1]:
            v = torch.randn_like(cov[0])
            for _ in range(400):
                v = cov @ v
                v = v / v.norm()
            value = v @ cov @ v
            cov, left, k = cov - value * torch.outer(v, v), left - value, k + 1
        return k

    @right
    def in_single_precision(x, share):
        s, k = torch.linalg.svdvals(x - x.mean(0)) ** 2, 0
        while s[k:].sum() / s.sum() > share:
            k += 1
        return torch.tensor(k)

    def _first(v, fits):
        for k in range(len(v) + 1):
            if fits(v[k:].sum() / v.sum()):
                return k

    @wrong("at most read as less than")
    def strict(x, share):
        v = torch.linalg.svdvals(x.double() - x.double().mean(0)).square()
        return Ae02._first(v, lambda left: left < share)

    @wrong("root of the share")
    def relative_norm(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        return Ae02._first(v, lambda left: left.sqrt() <= share)

    @wrong("columns standardized")
    def standardized(x, share):
        x = (x - x.mean(0)) / (x.std(0) + 1e-8)
        v = torch.linalg.svdvals(x).square()
        return Ae02._first(v, lambda left: left <= share)

    @wrong("data not centered")
    def one_mean(x, share):
        v = torch.linalg.svdvals(x - x.mean()).square()
        return Ae02._first(v, lambda left: left <= share)

    @wrong("data not centered")
    def rows_centered(x, share):
        v = torch.linalg.svdvals(x - x.mean(1, keepdim=True)).square()
        return Ae02._first(v, lambda left: left <= share)

    @wrong("directions counted one by one")
    def beside_the_largest(x, share):
        v = torch.linalg.svdvals(x - x.mean(0)).square()
        return 0 if share >= 1 else int((v > share * v[0]).sum())


class Ae03:
    r"""The upper block has trace 7 and determinant 6, so its eigenvalues are 6 and 1;
    the third is 3. One code keeps 6 and loses $3 + 1 = 4$.

    A linear decoder of $x_1$ predicts $x_2$ with slope $2/5$ and $x_3$ with slope 0.
    What is left of $x_2$ is $2 - 2^2/5 = 1.2$, of $x_3$ all of 3: together 4.2, a
    little more than the best code.

    In a principal direction with variance $\lambda$ the posterior variance under noise
    of variance $\sigma^2$ is $\lambda \sigma^2 / (\lambda + \sigma^2)$, which is the
    error of the posterior mean (2.7): $18/9 + 9/6 + 3/4 = 2 + 1.5 + 0.75 = 4.25$."""

    @reference
    @build
    def reference():
        one_code = 3 + 1
        first_only = (2 - 2**2 / 5) + 3
        denoised = 18 / 9 + 9 / 6 + 3 / 4
        return one_code, first_only, denoised

    @right
    @build
    def by_matrices():
        cov = torch.tensor([[5.0, 2, 0], [2, 2, 0], [0, 0, 3]], dtype=torch.float64)
        values = torch.linalg.eigvalsh(cov)
        slope = cov[:, 0] / cov[0, 0]
        noise = 3 * torch.eye(3, dtype=torch.float64)
        posterior = cov - cov @ torch.linalg.inv(cov + noise) @ cov
        left = cov.trace() - slope @ cov[:, 0]
        return values[:2].sum(), left, posterior.trace()

    @right
    @build
    def rounded():
        return 4.000, 4.200, 4.250

    @right
    @build
    def by_precision():
        lam = torch.tensor([6.0, 3.0, 1.0])
        return lam[1:].sum(), torch.tensor(4.2), (1 / (1 / lam + 1 / 3)).sum()

    @wrong("variance kept in place of lost")
    @build
    def kept():
        return 6, 4.2, 4.25

    @wrong("coordinates in place of directions")
    @build
    def coordinate():
        return 2 + 3, 4.2, 4.25

    @wrong("one direction too few lost")
    @build
    def one_lost():
        return 1, 4.2, 4.25

    @wrong("mean over the dimensions")
    @build
    def per_dimension():
        return 4 / 3, 4.2 / 3, 4.25 / 3

    @wrong("decoder that does not predict")
    @build
    def silent():
        return 4, 2 + 3, 4.25

    @wrong("same as the best code")
    @build
    def same():
        return 4, 4, 4.25

    @wrong("slope divided by the wrong variance")
    @build
    def slope():
        return 4, (2 - 2**2 / 2) + 3, 4.25

    @wrong("noise left in")
    @build
    def noise():
        return 4, 4.2, 9

    @wrong("signal in place of error")
    @build
    def signal():
        return 4, 4.2, 36 / 9 + 9 / 6 + 1 / 4

    @wrong("variance read as standard deviation")
    @build
    def squared():
        return 4, 4.2, 54 / 15 + 27 / 12 + 9 / 10

    @wrong("all directions shrunk alike")
    @build
    def average():
        lam = 10 / 3
        return 4, 4.2, 3 * 3 * lam / (3 + lam)

    @wrong("each coordinate denoised alone")
    @build
    def alone():
        return 4, 4.2, 15 / 8 + 6 / 5 + 9 / 6

    @wrong("noise counted once")
    @build
    def once():
        return 4, 4.2, 18 / 9

    @wrong("third dimension forgotten")
    @build
    def block_only():
        return 4, 2 - 2**2 / 5, 4.25

    @wrong("third dimension forgotten")
    @build
    def block_denoised():
        return 4, 4.2, 18 / 9 + 3 / 4

    @wrong("variance kept in place of lost")
    @build
    def predicted():
        return 4, 5 + 2**2 / 5, 4.25

    @wrong("mean over the dimensions")
    @build
    def shares():
        return 4, 4.2, 6 / 9 + 3 / 6 + 1 / 4


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


class Ae05:
    """Why: the second derivative of log p_σ is the derivative of (r - x̃)/σ². Working
    out the integral gives (Cov[x | x̃]/σ² - I)/σ²; solve for the covariance."""

    @reference
    def doubt(denoise, x_noisy, std):
        x = x_noisy.detach().requires_grad_()
        out = denoise(x)
        trace = torch.zeros_like(out[:, 0])
        for i in range(x.shape[1]):
            row = torch.autograd.grad(out[:, i].sum(), x, retain_graph=True)[0]
            trace = trace + row[:, i]
        return std**2 * trace

    @right
    def by_jacobian(denoise, x_noisy, std):
        full = torch.autograd.functional.jacobian(denoise, x_noisy)  # (b, d, b, d)
        own = torch.einsum("bibj->bij", full)
        return std**2 * own.diagonal(dim1=1, dim2=2).sum(1)

    @right
    def by_vmap(denoise, x_noisy, std):
        one = torch.func.jacrev(lambda row: denoise(row[None])[0])
        return std**2 * torch.stack([one(row).trace() for row in x_noisy])

    @right
    def by_forward_mode(denoise, x_noisy, std):
        total = 0
        for i in range(x_noisy.shape[1]):
            v = torch.zeros_like(x_noisy)
            v[:, i] = 1
            total = total + torch.func.jvp(denoise, (x_noisy,), (v,))[1][:, i]
        return total * std * std

    @right
    def by_loops(denoise, x_noisy, std):
        out = []
        for row in x_noisy:
            row = row.clone().requires_grad_()
            r = denoise(row[None])[0]
            parts = [
                torch.autograd.grad(r[i], row, retain_graph=True)[0][i]
                for i in range(len(row))
            ]
            out.append(std**2 * sum(parts))
        return torch.stack(out)

    def _grad_of_sum(denoise, x_noisy):
        x = x_noisy.detach().requires_grad_()
        return torch.autograd.grad(denoise(x).sum(), x)[0]

    @wrong("all entries of the Jacobian summed")
    def whole(denoise, x_noisy, std):
        return std**2 * Ae05._grad_of_sum(denoise, x_noisy).sum(1)

    @wrong("variance factor left out")
    def no_factor(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, 1.0)

    @wrong("standard deviation in place of the variance")
    def std_factor(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, std) / std

    @wrong("entries of the Jacobian squared")
    def frobenius(denoise, x_noisy, std):
        full = torch.autograd.functional.jacobian(denoise, x_noisy)
        own = torch.einsum("bibj->bij", full)
        return std**2 * own.square().sum((1, 2))

    @wrong("mean over the dimensions")
    def mean(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, std) / x_noisy.shape[1]

    @wrong("summed over the rows")
    def summed(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, std).sum()

    @wrong("Jacobian of the displacement")
    def displacement(denoise, x_noisy, std):
        return Ae05.doubt(lambda v: denoise(v) - v, x_noisy, std)

    @wrong("squared residual")
    def residual(denoise, x_noisy, std):
        return (denoise(x_noisy) - x_noisy).square().sum(1)

    @wrong("differences in place of derivatives")
    def differences(denoise, x_noisy, std):
        total = 0
        for i in range(x_noisy.shape[1]):
            h = torch.zeros_like(x_noisy)
            h[:, i] = 1e-2 if x_noisy.dtype == torch.float32 else 1e-3
            change = denoise(x_noisy + h) - denoise(x_noisy - h)
            total = total + change[:, i] / (2 * h[0, i])
        return std**2 * total

    @right
    def in_double_precision(denoise, x_noisy, std):
        rows = torch.autograd.functional.jacobian(
            lambda v: denoise(v).sum(0), x_noisy.double(), vectorize=True
        )  # (d, b, d)
        return (std**2 * torch.einsum("ibi->b", rows)).to(x_noisy.dtype)

    @right
    def as_numbers(denoise, x_noisy, std):
        x = x_noisy.clone().requires_grad_()
        r, total = denoise(x), [0.0] * len(x)
        for i in range(len(x)):
            for j in range(x.shape[1]):
                slope = torch.autograd.grad(r[i, j], x, retain_graph=True)[0]
                total[i] += float(slope[i, j])
        return std * std * torch.tensor(total, dtype=x.dtype)

    def _probed(denoise, x_noisy, std, n):
        x = x_noisy.detach().requires_grad_()
        r, total = denoise(x), 0
        for _ in range(n):
            v = torch.randn_like(x).sign()
            total = total + (torch.autograd.grad(r, x, v, retain_graph=True)[0] * v)
        return std**2 * total.sum(1) / n

    @wrong("random probes")
    def one_probe(denoise, x_noisy, std):
        return Ae05._probed(denoise, x_noisy, std, 1)

    @wrong("random probes")
    def many_probes(denoise, x_noisy, std):
        return Ae05._probed(denoise, x_noisy, std, 300)

    @wrong("differences in place of derivatives")
    def fine_differences(denoise, x_noisy, std):
        x, total = x_noisy.double(), 0
        for i in range(x.shape[1]):
            h = torch.zeros_like(x)
            h[:, i] = 1e-5
            total = total + (denoise(x + h) - denoise(x - h))[:, i] / 2e-5
        return (std**2 * total).to(x_noisy.dtype)

    @wrong("absolute values")
    def absolute(denoise, x_noisy, std):
        full = torch.autograd.functional.jacobian(denoise, x_noisy)
        return std**2 * torch.einsum("bibi->bi", full).abs().sum(1)

    @wrong("Jacobian of the first row for all")
    def first_row(denoise, x_noisy, std):
        one = torch.func.jacrev(lambda row: denoise(row[None])[0])(x_noisy[0])
        return std**2 * one.trace().expand(len(x_noisy))

    @wrong("variance factor left out")
    def divided(denoise, x_noisy, std):
        return Ae05.doubt(denoise, x_noisy, 1.0) / std**2


class _Masking(nn.Module):
    """What the versions of ae-06 share; each says how the batch is damaged."""

    def __init__(self, encoder, decoder, share):
        super().__init__()
        self.encoder, self.decoder, self.share = encoder, decoder, share

    def damage(self, x):
        return x * (torch.rand_like(x) >= self.share)

    def loss(self, x):
        x_hat = self.decoder(self.encoder(self.damage(x)))
        return (x - x_hat).square().sum(1).mean()


class Ae06:
    @reference
    class MaskingAutoencoder(nn.Module):
        def __init__(self, encoder, decoder, share):
            super().__init__()
            self.encoder, self.decoder, self.share = encoder, decoder, share

        def loss(self, x):
            keep = torch.rand_like(x) >= self.share
            x_hat = self.decoder(self.encoder(x * keep))
            return (x - x_hat).square().sum(1).mean()

    @right
    class ByBernoulli(_Masking):
        def damage(self, x):
            return x * torch.bernoulli(torch.full_like(x, 1 - self.share))

    @right
    class ByFill(_Masking):
        def damage(self, x):
            return x.masked_fill(torch.rand(x.shape) < self.share, 0.0)

    @right
    class ByDropout(_Masking):
        def damage(self, x):
            return F.dropout(x, self.share, training=True) * (1 - self.share)

    @right
    class ByWhere(_Masking):
        def loss(self, x):
            gone = torch.distributions.Bernoulli(self.share).sample(x.shape).bool()
            seen = torch.where(gone, torch.zeros_like(x), x)
            x_hat = self.decoder(self.encoder(seen))
            return F.mse_loss(x_hat, x, reduction="sum") / len(x)

    @wrong("share that survives")
    class Survives(_Masking):
        def damage(self, x):
            return x * (torch.rand_like(x) < self.share)

    @wrong("survivors scaled up")
    class Scaled(_Masking):
        def damage(self, x):
            return F.dropout(x, self.share, training=True)

    @wrong("nothing masked in evaluation mode")
    class OnlyTraining(_Masking):
        def damage(self, x):
            return F.dropout(x, self.share, self.training) * (
                1 - self.share if self.training else 1
            )

    @wrong("one mask for the whole batch")
    class OneMask(_Masking):
        def damage(self, x):
            return x * (torch.rand(x.shape[1]) >= self.share)

    @wrong("whole examples masked")
    class Rows(_Masking):
        def damage(self, x):
            return x * (torch.rand(len(x), 1) >= self.share)

    @wrong("mask drawn once")
    class Kept(_Masking):
        def damage(self, x):
            if not hasattr(self, "mask") or self.mask.shape != x.shape:
                self.mask = torch.rand_like(x) >= self.share
            return x * self.mask

    @wrong("a fixed number of values masked")
    class FixedInRow(_Masking):
        def damage(self, x):
            many = round(self.share * x.shape[1])
            gone = torch.rand_like(x).argsort(1)[:, :many]
            return x.scatter(1, gone, 0.0)

    @wrong("a fixed number of values masked")
    class FixedInBatch(_Masking):
        def damage(self, x):
            many = round(self.share * x.numel())
            gone = torch.randperm(x.numel())[:many]
            return x.flatten().index_fill(0, gone, 0.0).view_as(x)

    @wrong("compared with the damaged example")
    class WrongTarget(_Masking):
        def loss(self, x):
            seen = self.damage(x)
            return (seen - self.decoder(self.encoder(seen))).square().sum(1).mean()

    @wrong("only the missing values compared")
    class OnlyMissing(_Masking):
        def loss(self, x):
            keep = torch.rand_like(x) >= self.share
            x_hat = self.decoder(self.encoder(x * keep))
            return ((x - x_hat).square() * ~keep).sum(1).mean()

    @wrong("code damaged in place of the input")
    class Code(_Masking):
        def loss(self, x):
            x_hat = self.decoder(self.damage(self.encoder(x)))
            return (x - x_hat).square().sum(1).mean()

    @wrong("mean over the values")
    class Mean(_Masking):
        def loss(self, x):
            return F.mse_loss(self.decoder(self.encoder(self.damage(x))), x)

    @wrong("summed over the batch")
    class Summed(_Masking):
        def loss(self, x):
            return (x - self.decoder(self.encoder(self.damage(x)))).square().sum()

    @wrong("noise added")
    class Noise(_Masking):
        def damage(self, x):
            return x + self.share * torch.randn_like(x)

    @right
    class ByNumpy(_Masking):
        def damage(self, x):
            draw = np.random.random
            return x * torch.from_numpy(draw(x.shape) >= self.share)

    @right
    class ByLoops(_Masking):
        def damage(self, x):
            out = x.clone()
            for row in out:
                for j in range(len(row)):
                    if random.random() < self.share:
                        row[j] = 0.0
            return out

    @wrong("only the surviving values compared")
    class OnlySurviving(_Masking):
        def loss(self, x):
            keep = torch.rand_like(x) >= self.share
            x_hat = self.decoder(self.encoder(x * keep))
            return ((x - x_hat).square() * keep).sum(1).mean()

    @wrong("mean over the values")
    class AxesSwapped(_Masking):
        def loss(self, x):
            x_hat = self.decoder(self.encoder(self.damage(x)))
            return (x - x_hat).square().sum(0).mean()

    @wrong("square root taken")
    class Norm(_Masking):
        def loss(self, x):
            x_hat = self.decoder(self.encoder(self.damage(x)))
            return (x - x_hat).norm(dim=1).mean()

    @wrong("halved")
    class Half(_Masking):
        def loss(self, x):
            return super().loss(x) / 2

    @wrong("neighbors go together")
    class Pairs(_Masking):
        def damage(self, x):
            keep = torch.rand(len(x), x.shape[1] // 2) >= self.share
            return x * keep.repeat_interleave(2, dim=1)

    @wrong("neighbors go together")
    class HalfBatch(_Masking):
        def damage(self, x):
            keep = torch.rand(len(x) // 2, x.shape[1]) >= self.share
            return x * keep.repeat(2, 1)

    @wrong("normal numbers compared")
    class Normal(_Masking):
        def damage(self, x):
            return x * (torch.randn_like(x) >= self.share)

    @wrong("noise added")
    class FilledByMean(_Masking):
        def damage(self, x):
            return torch.where(torch.rand_like(x) < self.share, x.mean(), x)

    @wrong("cut off from the graph")
    class EncoderFrozen(_Masking):
        def loss(self, x):
            with torch.no_grad():
                z = self.encoder(self.damage(x))
            return (x - self.decoder(z)).square().sum(1).mean()

    @wrong("cut off from the graph")
    class Number(_Masking):
        def loss(self, x):
            return torch.tensor(super().loss(x).item())


class Ae07:
    r"""With $s_j = \lVert w_j \rVert$ and $u_j = s_j z_j$ the objective is
    $\sum_j \bigl(u_j^2 - 2 u_j\, w_j^\top x / s_j + \gamma \lvert u_j \rvert\bigr)$
    plus a constant. For $u_j > 0$ the derivative vanishes at
    $w_j^\top x/s_j - \gamma/2$, if that is positive; for $u_j < 0$ it is the mirror
    image."""

    @reference
    def sparse_code(x, w, weight):
        length = w.norm(dim=0)
        along = x @ (w / length)  # projections on unit columns
        size = (along.abs() - weight / 2).clamp(min=0)
        return along.sign() * size / length

    @right
    def by_shrink(x, w, weight):
        length = w.norm(dim=0)
        return F.softshrink(x @ w / length, weight / 2) / length

    @right
    def by_two_relus(x, w, weight):
        length = (w * w).sum(0).sqrt()
        a = x @ w / length
        return (F.relu(a - weight / 2) - F.relu(-a - weight / 2)) / length

    @right
    def by_loops(x, w, weight):
        out = torch.zeros(len(x), w.shape[1], dtype=x.dtype)
        for i in range(len(x)):
            for j in range(w.shape[1]):
                s = w[:, j].norm()
                a = x[i] @ w[:, j] / s
                if a > weight / 2:
                    out[i, j] = (a - weight / 2) / s
                elif a < -weight / 2:
                    out[i, j] = (a + weight / 2) / s
        return out

    @right
    def by_proximal_steps(x, w, weight):
        length = w.norm(dim=0)
        u, unit = torch.zeros(len(x), w.shape[1], dtype=x.dtype), w / length
        for _ in range(60):
            u = u + 0.5 * (x - u @ unit.T) @ unit
            u = F.softshrink(u, weight / 4)
        return u / length

    def _any(x, w, threshold, power=1.0):
        length = w.norm(dim=0)
        a = x @ (w / length)
        return a.sign() * (a.abs() - threshold).clamp(min=0) / length**power

    @wrong("threshold of the whole weight")
    def whole(x, w, weight):
        return Ae07._any(x, w, weight)

    @wrong("negative codes cut off")
    def relu(x, w, weight):
        return Ae07._any(x, w, weight / 2).relu()

    @wrong("length of the columns forgotten")
    def as_unit(x, w, weight):
        a = x @ w
        return a.sign() * (a.abs() - weight / 2).clamp(min=0)

    @wrong("divided by the length only once")
    def once(x, w, weight):
        return Ae07._any(x, w, weight / 2, power=0.0)

    @wrong("penalty without the length")
    def bare(x, w, weight):
        return Ae07._any(x, w, weight / 2 / w.norm(dim=0))

    @wrong("no threshold")
    def projection(x, w, weight):
        return x @ w / w.square().sum(0)

    @wrong("cut off without shrinking")
    def hard(x, w, weight):
        length = w.norm(dim=0)
        a = x @ (w / length)
        return a * (a.abs() > weight / 2) / length

    @wrong("relative threshold")
    def ridge(x, w, weight):
        return x @ w / w.square().sum(0) / (1 + weight / 2)

    @wrong("nearly zero in place of zero")
    def leaky(x, w, weight):
        exact = Ae07._any(x, w, weight / 2)
        return exact + 1e-5 * (exact == 0) * (weight > 0)

    @right
    def by_clamping(x, w, weight):
        # In single precision, and by what is cut away.
        x, w = x.float(), w.float()
        scale = torch.einsum("dk,dk->k", w, w).rsqrt()
        a = torch.einsum("bd,dk,k->bk", x, w, scale)
        return (a - a.clamp(-weight / 2, weight / 2)) * scale

    @right
    def by_pseudoinverse(x, w, weight):
        z = x @ torch.linalg.pinv(w).T
        move = weight / 2 / torch.linalg.norm(w, dim=0)
        zero = torch.zeros_like(z)
        return torch.where(z > move, z - move, torch.where(z < -move, z + move, zero))

    @wrong("threshold on the wrong scale")
    def on_the_code(x, w, weight):
        return F.softshrink(x @ w / w.square().sum(0), weight / 2)

    @wrong("moved across zero")
    def across(x, w, weight):
        length = w.norm(dim=0)
        a = x @ w / length
        return (a - weight / 2 * a.sign()) / length

    @wrong("threshold halved twice")
    def quarter(x, w, weight):
        return Ae07._any(x, w, weight / 4)

    @wrong("length of the whole dictionary")
    def one_norm(x, w, weight):
        length = w.norm()
        return F.softshrink(x @ w / length, weight / 2) / length

    @wrong("zero divided by zero")
    def by_a_factor(x, w, weight):
        length = w.norm(dim=0)
        a = x @ w / length
        return (1 - weight / 2 / a.abs()).clamp(min=0) * a / length


class _Images(nn.Module):
    """What the versions of ae-08 share."""

    def __init__(self, encoder, decoder, shape):
        super().__init__()
        self.encoder, self.decoder, self.shape = encoder, decoder, shape

    def decode(self, z):
        return self.decoder(z).view(-1, *self.shape)

    def error(self, x_noisy, x):
        x_hat = self.decode(self.encoder(x_noisy))
        return (x - x_hat).square().sum(dim=(-3, -2, -1))

    def loss(self, x_noisy, x):
        return self.error(x_noisy, x).mean()


class Ae08:
    @reference
    class ImageAutoencoder(nn.Module):
        def __init__(self, encoder, decoder, shape):
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.shape = shape  # (c, h, w)

        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, c, h, w)

        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x - x_hat).square().sum(dim=(-3, -2, -1))

        def loss(self, x_noisy, x):
            return self.error(x_noisy, x).mean()

    @right
    class ByFlatten(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).flatten(1)
            return (x.flatten(1) - x_hat).pow(2).sum(1)

    @right
    class ByEinsum(_Images):
        def error(self, x_noisy, x):
            diff = x - self.decode(self.encoder(x_noisy))
            return torch.einsum("bchw,bchw->b", diff, diff)

    @right
    class ByLoss(_Images):
        def decode(self, z):
            return self.decoder(z).unflatten(1, self.shape)

        def loss(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return F.mse_loss(x_hat, x, reduction="sum") / len(x)

    @wrong("height and width swapped")
    class Broken(_Images):
        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, c, w, h).transpose(2, 3)

        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).squeeze()
            return (x - x_hat).square().mean(dim=(-3, -2, -1))

    @wrong("height and width swapped")
    class Swapped(_Images):
        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, c, w, h).transpose(2, 3)

    @wrong("transposed once")
    class OnlyView(_Images):
        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, c, w, h)

    @wrong("transposed once")
    class OnlyTranspose(_Images):
        def decode(self, z):
            return super().decode(z).transpose(2, 3)

    @wrong("channel axis squeezed away")
    class Squeezed(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).squeeze()
            return (x - x_hat).square().sum(dim=(-3, -2, -1))

    @wrong("channel axis squeezed away")
    class SqueezedChannel(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).squeeze(1)
            return (x - x_hat).square().sum(dim=(-2, -1))

    @wrong("mean over the values")
    class Mean(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x - x_hat).square().mean(dim=(-3, -2, -1))

    @wrong("reduced over the batch")
    class Reduced(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x_noisy))).square().sum()

    @wrong("summed over the batch")
    class Summed(_Images):
        def loss(self, x_noisy, x):
            return self.error(x_noisy, x).sum()

    @wrong("compared with the noisy image")
    class Noisy(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x_noisy - x_hat).square().sum(dim=(-3, -2, -1))

    @wrong("clean image encoded")
    class Clean(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x))).square().sum(dim=(-3, -2, -1))

    @wrong("loss detached")
    class Detached(_Images):
        def loss(self, x_noisy, x):
            return self.error(x_noisy, x).mean().detach()

    @right
    class ByDistances(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            exact = "donot_use_mm_for_euclid_dist"
            apart = torch.cdist(x.flatten(1), x_hat.flatten(1), compute_mode=exact)
            return apart.diagonal() ** 2

    @wrong("channel axis squeezed away")
    class SqueezedAndBack(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).squeeze().unsqueeze(1)
            return (x - x_hat).square().sum(dim=(-3, -2, -1))

    @wrong("mean over the channels")
    class ChannelMean(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x - x_hat).square().sum((-2, -1)).mean(1)

    @wrong("channels last")
    class ChannelsLast(_Images):
        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, h, w, c).permute(0, 3, 1, 2)

    @wrong("encoder cut off from the graph")
    class EncoderFrozen(_Images):
        def error(self, x_noisy, x):
            with torch.no_grad():
                z = self.encoder(x_noisy)
            return (x - self.decode(z)).square().flatten(1).sum(1)

    @wrong("square root taken")
    class Norm(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x_noisy))).flatten(1).norm(dim=1)

    @wrong("absolute error")
    class Absolute(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x_noisy))).abs().flatten(1).sum(1)


class _Keep(nn.Module):
    """What the versions of ae-09 share: which entries stay, 0 or 1."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def many(self, z):
        return min(self.k, z.shape[1])

    def mask(self, z):
        places = z.topk(self.many(z), dim=1).indices
        return torch.zeros_like(z).scatter(1, places, 1.0) * (z > 0)

    def forward(self, z):
        return z * self.mask(z)


class Ae09:
    @reference
    class TopK(nn.Module):
        def __init__(self, k):
            super().__init__()
            self.k = k

        def forward(self, z):
            values, places = z.relu().topk(min(self.k, z.shape[1]), dim=1)
            return torch.zeros_like(z).scatter(1, places, values)

    @right
    class ByMask(_Keep):
        pass

    @right
    class BySort(_Keep):
        def forward(self, z):
            bar = z.detach().sort(dim=1, descending=True).values[:, self.many(z) - 1]
            return torch.where((z >= bar[:, None]) & (z > 0), z, torch.zeros_like(z))

    @right
    class ByLoops(_Keep):
        def forward(self, z):
            rows = []
            for row in z:
                order = row.argsort(descending=True)[: self.k]
                keep = torch.zeros_like(row)
                keep[order] = 1.0
                rows.append((row * keep).relu())
            return torch.stack(rows)

    @right
    class ByThreshold(_Keep):
        def forward(self, z):
            if self.k >= z.shape[1]:
                return F.relu(z)
            bar = z.kthvalue(z.shape[1] - self.k, dim=1, keepdim=True).values.detach()
            return z.relu() * (z > bar)

    @wrong("largest by size")
    class BySize(_Keep):
        def mask(self, z):
            places = z.abs().topk(self.many(z), dim=1).indices
            return torch.zeros_like(z).scatter(1, places, 1.0)

    @wrong("negative values kept")
    class Negative(_Keep):
        def mask(self, z):
            places = z.topk(self.many(z), dim=1).indices
            return torch.zeros_like(z).scatter(1, places, 1.0)

    @wrong("largest of the whole batch")
    class Batch(_Keep):
        def forward(self, z):
            bar = z.flatten().topk(self.many(z) * len(z)).values[-1]
            return z.relu() * (z >= bar)

    @wrong("largest of each column")
    class Columns(_Keep):
        def mask(self, z):
            places = z.topk(min(self.k, len(z)), dim=0).indices
            return torch.zeros_like(z).scatter(0, places, 1.0) * (z > 0)

    @wrong("values out of place")
    class Sorted(_Keep):
        def forward(self, z):
            return z.topk(self.many(z), dim=1).values.relu()

    @wrong("values out of place")
    class Padded(_Keep):
        def forward(self, z):
            top = z.topk(self.many(z), dim=1).values.relu()
            return F.pad(top, (0, z.shape[1] - top.shape[1]))

    @wrong("one too few")
    class Fewer(_Keep):
        def mask(self, z):
            places = z.topk(self.many(z) - 1, dim=1).indices
            return torch.zeros_like(z).scatter(1, places, 1.0) * (z > 0)

    @wrong("largest dropped")
    class Dropped(_Keep):
        def forward(self, z):
            return z.relu() * (1 - self.mask(z))

    @wrong("replaced by one")
    class Ones(_Keep):
        def forward(self, z):
            return self.mask(z) + 0 * z

    @wrong("cut off from the graph")
    class Detached(_Keep):
        def forward(self, z):
            return (z * self.mask(z)).detach()

    @wrong("gradient of what was dropped")
    class StraightThrough(_Keep):
        def forward(self, z):
            return z + (z * self.mask(z) - z).detach()

    @wrong("k above d")
    class Unlimited(_Keep):
        def many(self, z):
            return self.k

    @right
    class ByRank(_Keep):
        def forward(self, z):
            rank = z.argsort(dim=1, descending=True).argsort(dim=1)
            return torch.where((rank < self.k) & (z > 0), z, torch.zeros_like(z))

    @right
    class ByOneHot(_Keep):
        def forward(self, z):
            places = z.topk(self.many(z), dim=1).indices
            kept = F.one_hot(places, z.shape[1]).sum(1)
            return F.relu(torch.einsum("bd,bd->bd", z, kept.to(z)))

    @wrong("one too many")
    class More(_Keep):
        def many(self, z):
            return min(self.k + 1, z.shape[1])

    @wrong("largest by size")
    class SizeItself(_Keep):
        def forward(self, z):
            values, places = z.abs().topk(self.many(z), dim=1)
            return torch.zeros_like(z).scatter(1, places, values)

    @wrong("moved toward zero")
    class Excess(_Keep):
        def forward(self, z):
            if self.k >= z.shape[1]:
                return z.relu()
            bar = z.topk(self.k + 1, dim=1).values[:, -1:]
            return (z - bar).relu() * (z > 0)

    @wrong("another rule in evaluation mode")
    class TrainingOnly(_Keep):
        def forward(self, z):
            return super().forward(z) if self.training else z.relu()

    @wrong("gradient of what was dropped")
    class StraightThroughRelu(_Keep):
        def forward(self, z):
            plus = z.relu()
            return plus + (z * self.mask(z) - plus).detach()


class Ae10:
    @reference
    def real_alarms(normal, anomalies, recall, share):
        need = math.ceil(recall * len(anomalies) - 1e-9)
        threshold = anomalies.sort(descending=True).values[need - 1]
        tpr = (anomalies >= threshold).double().mean()
        fpr = (normal >= threshold).double().mean()
        real = share * tpr
        return real / (real + (1 - share) * fpr)

    @right
    def by_loops(normal, anomalies, recall, share):
        for t in sorted(anomalies.tolist(), reverse=True):
            caught = sum(a >= t for a in anomalies.tolist()) / len(anomalies)
            if caught >= recall - 1e-9:
                false = sum(v >= t for v in normal.tolist()) / len(normal)
                return share * caught / (share * caught + (1 - share) * false)

    @right
    def by_odds(normal, anomalies, recall, share):
        levels = anomalies.unique().flip(0)
        tpr = (anomalies >= levels[:, None]).double().mean(1)
        t = levels[(tpr >= recall - 1e-9).nonzero()[0, 0]]
        ratio = (normal >= t).double().mean() / (anomalies >= t).double().mean()
        return 1 / (1 + ratio * (1 - share) / share)

    @right
    def by_weights(normal, anomalies, recall, share):
        need = math.ceil(round(recall * len(anomalies), 9))
        t = anomalies.topk(need).values[-1]
        scores = torch.cat([anomalies, normal])
        bad = torch.cat([torch.ones(len(anomalies)), torch.zeros(len(normal))])
        w = torch.where(bad == 1, share / len(anomalies), (1 - share) / len(normal))
        flagged = (scores >= t).double() * w
        return (flagged * bad).sum() / flagged.sum()

    def _threshold(anomalies, recall):
        need = math.ceil(recall * len(anomalies) - 1e-9)
        return anomalies.sort(descending=True).values[need - 1]

    @wrong("share ignored")
    def counts(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        hit, false = (anomalies >= t).sum(), (normal >= t).sum()
        return hit / (hit + false)

    @wrong("share ignored")
    def rates(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr, fpr = (anomalies >= t).float().mean(), (normal >= t).float().mean()
        return tpr / (tpr + fpr)

    @wrong("recall asked for in place of reached")
    def asked(normal, anomalies, recall, share):
        fpr = (normal >= Ae10._threshold(anomalies, recall)).double().mean()
        return share * recall / (share * recall + (1 - share) * fpr)

    @wrong("threshold on the normal scores")
    def wrong_side(normal, anomalies, recall, share):
        t = Ae10._threshold(normal, recall)
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("alarms strictly above")
    def strict(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr = (anomalies > t).double().mean()
        fpr = (normal > t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr).clamp(min=1e-12)

    @wrong("lowest threshold")
    def lowest(normal, anomalies, recall, share):
        return Ae10.real_alarms(normal, anomalies, 1.0, share)

    @wrong("share of false alarms")
    def false(normal, anomalies, recall, share):
        return 1 - Ae10.real_alarms(normal, anomalies, recall, share)

    @wrong("share of anomalies caught")
    def caught(normal, anomalies, recall, share):
        return (anomalies >= Ae10._threshold(anomalies, recall)).double().mean()

    @wrong("share and rest swapped")
    def swapped(normal, anomalies, recall, share):
        return Ae10.real_alarms(normal, anomalies, recall, 1 - share)

    @wrong("rounded down")
    def floored(normal, anomalies, recall, share):
        need = max(1, int(recall * len(anomalies) + 1e-9))
        t = anomalies.sort(descending=True).values[need - 1]
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("false-alarm rate in place of its weight")
    def unweighted(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + fpr)

    @right
    def by_scikit_learn(normal, anomalies, recall, share):
        from sklearn.metrics import roc_curve

        bad = [0] * len(normal) + [1] * len(anomalies)
        scores = torch.cat([normal, anomalies]).tolist()
        fpr, tpr, _ = roc_curve(bad, scores, drop_intermediate=False)
        i = int((tpr >= recall - 1e-9).argmax())
        return share * tpr[i] / (share * tpr[i] + (1 - share) * fpr[i])

    def _at(t, normal, anomalies, share):
        tpr = (anomalies >= t).double().mean()
        fpr = (normal >= t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("counts in place of rates")
    def weighted_counts(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        hit, false = (anomalies >= t).sum(), (normal >= t).sum()
        return share * hit / (share * hit + (1 - share) * false)

    @wrong("threshold one step too low")
    def more_than_recall(normal, anomalies, recall, share):
        for t in sorted(set(anomalies.tolist()), reverse=True):
            caught = float((anomalies >= t).double().mean())
            if caught > recall + 1e-9 or caught == 1:
                return Ae10._at(t, normal, anomalies, share)

    @wrong("threshold one step too low")
    def next_place(normal, anomalies, recall, share):
        need = min(math.ceil(recall * len(anomalies) - 1e-9), len(anomalies) - 1)
        t = anomalies.sort(descending=True).values[need]
        return Ae10._at(t, normal, anomalies, share)

    @wrong("threshold one step too low")
    def lower_quantile(normal, anomalies, recall, share):
        t = anomalies.quantile(1 - recall, interpolation="lower")
        return Ae10._at(t, normal, anomalies, share)

    @wrong("quantile in place of a count")
    def quantile(normal, anomalies, recall, share):
        t = anomalies.quantile(1 - recall)
        return Ae10._at(t, normal, anomalies, share)

    @wrong("alarms strictly above")
    def strict_for_one(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        tpr = (anomalies >= t).double().mean()
        fpr = (normal > t).double().mean()
        return share * tpr / (share * tpr + (1 - share) * fpr)

    @wrong("odds in place of a part")
    def odds(normal, anomalies, recall, share):
        part = Ae10.real_alarms(normal, anomalies, recall, share)
        return part / (1 - part).clamp(min=1e-12)

    @wrong("part of all parts")
    def joint(normal, anomalies, recall, share):
        t = Ae10._threshold(anomalies, recall)
        return share * (anomalies >= t).double().mean()


def _root(z):
    """A root of the covariance that exists whatever its rank."""
    values, vectors = torch.linalg.eigh(torch.cov(z.double().T))
    return (vectors * values.clamp(min=0).sqrt()).float()


class Ae11:
    """The chapter's `GaussianCodes` adds a millionth to the diagonal in place of this.
    That is harmless where the standard deviations are near one, as those of its codes
    are, and another Gaussian where they are near a thousandth."""

    @reference
    def fit_sampler(z):
        mean = z.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(z.double().T))
        # Rounding makes zeros slightly negative.
        root = (vectors * values.clamp(min=0).sqrt()).to(z.dtype)

        def sample(m):
            return mean + torch.randn(m, len(mean)) @ root.T

        return sample

    @right
    def by_svd(z):
        mean = z.mean(0)
        _, s, vt = torch.linalg.svd(z - mean, full_matrices=False)
        s = s / (len(z) - 1) ** 0.5
        return lambda m: mean + (torch.randn(m, len(s)) * s) @ vt

    @right
    def by_the_data_themselves(z):
        mean = z.mean(0)
        part = (z - mean) / (len(z) - 1) ** 0.5
        return lambda m: mean + torch.randn(m, len(z)) @ part

    @right
    def by_symmetric_root(z):
        mean, cov = z.double().mean(0), torch.cov(z.double().T)
        values, v = torch.linalg.eigh(cov)
        root = v @ torch.diag(values.clamp(min=0).sqrt()) @ v.T
        return lambda m: (mean + torch.randn(m, len(mean)).double() @ root).float()

    @right
    def by_loops(z):
        mean, root = z.mean(0), _root(z)
        return lambda m: torch.stack(
            [mean + root @ torch.randn(len(mean)) for _ in range(m)]
        )

    @wrong("standard normal drawn")
    def standard(z):
        return lambda m: torch.randn(m, z.shape[1])

    @wrong("mean left out")
    def centered(z):
        root = _root(z)
        return lambda m: torch.randn(m, z.shape[1]) @ root.T

    @wrong("covariance left out")
    def unit(z):
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1])

    @wrong("each code on its own")
    def diagonal(z):
        return lambda m: z.mean(0) + z.std(0) * torch.randn(m, z.shape[1])

    @wrong("covariance in place of its root")
    def no_root(z):
        cov = torch.cov(z.T)
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ cov

    @wrong("root on the wrong side")
    def transposed(z):
        cov = torch.cov(z.T)
        root = torch.linalg.cholesky(cov)
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root

    @wrong("training codes drawn again")
    def bootstrap(z):
        return lambda m: z[torch.randint(len(z), (m,))]

    @wrong("noise added to the covariance")
    def jittered(z):
        cov = torch.cov(z.T) + 1e-3 * torch.eye(z.shape[1])
        root = torch.linalg.cholesky(cov)
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @wrong("breaks where the covariance has no inverse")
    def by_cholesky(z):
        root = torch.linalg.cholesky(torch.cov(z.double().T)).float()
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @wrong("breaks where the covariance has no inverse")
    def no_clamp(z):
        cov = torch.cov(z.double().T)
        cov = cov - 1e-9 * torch.eye(len(cov)).double()
        values, vectors = torch.linalg.eigh(cov)
        root = (vectors * values.sqrt()).float()
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @wrong("one noise for all codes")
    def one_number(z):
        root = torch.linalg.cholesky(torch.cov(z.T) + 1e-5 * torch.eye(z.shape[1]))
        return lambda m: z.mean(0) + torch.randn(m, 1).expand(m, z.shape[1]) @ root.T

    @wrong("noise drawn once")
    def kept(z):
        root, noise = _root(z), torch.randn(10_000, z.shape[1])
        return lambda m: z.mean(0) + noise[:m] @ root.T

    @right
    def in_single_precision(z):
        values, vectors = torch.linalg.eigh(torch.cov(z.T))
        root = vectors * values.clamp(min=0).sqrt()
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T

    @right
    def by_numpy(z):
        mean, cov = z.double().mean(0).numpy(), np.cov(z.double().numpy().T)
        draw = np.random.multivariate_normal
        return lambda m: torch.from_numpy(draw(mean, cov, m, check_valid="ignore"))

    @right
    def on_the_plane(z):
        values, vectors = torch.linalg.eigh(torch.cov(z.double().T))
        alive = values > 1e-10 * values.max()
        root = (vectors[:, alive] * values[alive].sqrt()).float()
        return lambda m: z.mean(0) + torch.randn(m, root.shape[1]) @ root.T

    def _by_cholesky(z, jitter):
        cov = torch.cov(z.double().T)
        root = torch.linalg.cholesky(cov + jitter * torch.eye(len(cov)).double())
        return lambda m: z.mean(0) + torch.randn(m, z.shape[1]) @ root.T.float()

    @wrong("noise added to the covariance")
    def jitter_of_a_millionth(z):
        return Ae11._by_cholesky(z, 1e-6)

    @wrong("noise added to the covariance")
    def smaller_jitter(z):
        return Ae11._by_cholesky(z, 1e-8)

    @wrong("noise added to the covariance")
    def diagonal_where_singular(z):
        try:
            return Ae11._by_cholesky(z, 0.0)
        except torch.linalg.LinAlgError:
            return Ae11.diagonal(z)

    @wrong("rotation forgotten")
    def eigenvalues_alone(z):
        values = torch.linalg.eigvalsh(torch.cov(z.double().T)).clamp(min=0)
        spread = values.sqrt().float()
        return lambda m: z.mean(0) + spread * torch.randn(m, z.shape[1])

    @wrong("no Gaussian")
    def uniform_noise(z):
        root = _root(z)
        return lambda m: z.mean(0) + (torch.rand(m, len(root)) - 0.5) * 12**0.5 @ root.T

    @wrong("no Gaussian")
    def differences_of_codes(z):
        def sample(m):
            a, b = z[torch.randint(len(z), (2, m))]
            return z.mean(0) + (a - b) / 2**0.5

        return sample

    @wrong("no Gaussian")
    def smoothed_bootstrap(z):
        root, mean = _root(z), z.mean(0)

        def sample(m):
            near = z[torch.randint(len(z), (m,))] - mean
            return mean + 0.96**0.5 * near + 0.2 * torch.randn(m, len(root)) @ root.T

        return sample

    @wrong("one noise for all draws")
    def one_draw(z):
        root = _root(z)
        return lambda m: (z.mean(0) + root @ torch.randn(len(root))).expand(m, -1)

    @wrong("draws that depend on each other")
    def antithetic(z):
        root = _root(z)

        def sample(m):
            half = torch.randn((m + 1) // 2, len(root))
            return z.mean(0) + torch.cat([half, -half])[:m] @ root.T

        return sample


def helix(n):
    s = torch.rand(n)
    turn = 2 * math.pi * s
    x = torch.stack([turn.cos(), turn.sin(), 2 * s - 1], 1)
    return x + 0.05 * torch.randn(n, 3)


def _endless(n):
    while True:
        yield helix(n)


def _trained(encoder, decoder, steps=1500, lr=1e-2):
    model = Autoencoder(encoder, decoder, (3,))
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    fall = warmup_cosine(steps, warmup=steps // 10)
    for _ in train(model, _endless(256), adam, steps=steps, schedule=fall):
        pass
    return model


class _Packed(nn.Module):
    """Three numbers in the digits of one: seven bits each."""

    def encode(self, x):
        q = ((x.double() + 1.5) / 3 * 127).round().clamp(0, 127)
        return (q[:, :1] * 128 + q[:, 1:2]) * 128 + q[:, 2:]

    def decode(self, z):
        q = z.double().round()
        parts = [q.div(128 * 128, rounding_mode="floor")]
        parts += [q.div(128, rounding_mode="floor") % 128, q % 128]
        return (torch.cat(parts, 1) / 127 * 3 - 1.5).float()


class _Remembers(nn.Module):
    def encode(self, x):
        self.x = x
        return x[:, :1]

    def decode(self, z):
        return self.x[: len(z)]


class _Wide(nn.Module):
    def encode(self, x):
        return x

    def decode(self, z):
        return z


class Ae12:
    """The curve is found from most seeds; a fold, where the curve turns back on
    itself and skips a part of the helix, shows as a few points with a large error."""

    @reference
    @build
    @functools.cache
    def reference():
        from gmcourse import train, warmup_cosine
        from gmcourse.autoencoders import Autoencoder
        from gmcourse.nets import mlp

        def batches():
            while True:
                yield helix(256)

        model = Autoencoder(mlp(3, 32, 32, 1), mlp(1, 32, 32, 3), (3,))
        adam = torch.optim.Adam(model.parameters(), lr=1e-2)
        fall = warmup_cosine(1500, warmup=150)
        for _ in train(model, batches(), adam, steps=1500, schedule=fall):
            pass
        return model

    @right
    @build
    @functools.cache
    def with_tanh():
        nets = (mlp(3, 32, 32, 1, activation=nn.Tanh),
                mlp(1, 32, 32, 3, activation=nn.Tanh))  # fmt: skip
        return _trained(*nets)

    @right
    @build
    @functools.cache
    def with_relu():
        nets = (mlp(3, 40, 40, 1, activation=nn.ReLU),
                mlp(1, 40, 40, 3, activation=nn.ReLU))  # fmt: skip
        return _trained(*nets)

    @right
    @build
    def by_geometry():
        class Known(nn.Module):
            """No training at all: who knows the curve can write it down."""

            def encode(self, x):
                s = torch.linspace(0, 1, 512)
                curve = Known.on(s[:, None])
                return s[torch.cdist(x, curve).argmin(1)][:, None]

            @staticmethod
            def on(s):
                turn = 2 * math.pi * s
                return torch.cat([turn.cos(), turn.sin(), 2 * s - 1], 1)

            def decode(self, z):
                return Known.on(z)

        return Known()

    @wrong("untrained")
    @build
    def untrained():
        return Autoencoder(mlp(3, 32, 32, 1), mlp(1, 32, 32, 3), (3,))

    @wrong("constant reconstruction")
    @build
    def constant():
        model = Autoencoder(nn.Linear(3, 1), nn.Linear(1, 3), (3,))
        with torch.no_grad():
            model.decoder.weight.zero_()
            model.decoder.bias.zero_()
        return model

    @wrong("a straight line")
    @build
    def linear():
        model = Autoencoder(nn.Linear(3, 1), nn.Linear(1, 3), (3,))
        x = helix(4000)
        u = torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][:1]
        with torch.no_grad():
            model.encoder.weight.copy_(u)
            model.encoder.bias.copy_(-u @ x.mean(0))
            model.decoder.weight.copy_(u.T)
            model.decoder.bias.copy_(x.mean(0))
        return model

    @wrong("too many parameters")
    @build
    def large():
        return Autoencoder(mlp(3, 64, 64, 1), mlp(1, 64, 64, 3), (3,))

    @wrong("code of more than one number")
    @build
    def wide():
        return _Wide()

    @wrong("decoder remembers its input")
    @build
    def remembers():
        return _Remembers()

    @wrong("numbers packed into digits")
    @build
    def packed():
        return _Packed()

    @wrong("stopped too early")
    @build
    def coarse():
        class Coarse(nn.Module):
            """The right curve, a little beside itself."""

            def encode(self, x):
                s = torch.linspace(0, 1, 256)[:, None]
                return s[torch.cdist(x, self.decode(s)).argmin(1)]

            def decode(self, z):
                turn = 2 * math.pi * z
                parts = [0.85 * turn.cos(), 0.85 * turn.sin(), 1.7 * z - 0.85]
                return torch.cat(parts, 1)

        return Coarse()

    @wrong("folded curve")
    @build
    def folded():
        class Folded(nn.Module):
            """The last eighth of the helix is not reached."""

            def encode(self, x):
                s = torch.linspace(0, 0.875, 256)[:, None]
                return s[torch.cdist(x, self.decode(s)).argmin(1)]

            def decode(self, z):
                turn = 2 * math.pi * z
                return torch.cat([turn.cos(), turn.sin(), 2 * z - 1], 1)

        return Folded()


class Ae13:
    @reference
    def contraction(encoder, x):
        x = x.detach().requires_grad_()
        z = encoder(x)
        total = torch.zeros_like(z[:, 0])
        for j in range(z.shape[1]):
            row = torch.autograd.grad(z[:, j].sum(), x, create_graph=True)[0]
            total = total + row.square().flatten(1).sum(1)
        return total

    @right
    def by_jacobian(encoder, x):
        full = torch.autograd.functional.jacobian(encoder, x, create_graph=True)
        own = torch.stack([full[i, :, i] for i in range(len(x))])
        return own.flatten(1).pow(2).sum(1)

    @right
    def by_sum_over_the_batch(encoder, x):
        # Examples do not mix, so the sum over the batch keeps every row.
        rows = torch.autograd.functional.jacobian(
            lambda v: encoder(v).sum(0), x, create_graph=True
        )  # (k, b, ...)
        return rows.square().flatten(2).sum((0, 2))

    @right
    def by_loops(encoder, x):
        out = []
        for row in x:
            leaf = row[None].clone().requires_grad_()
            z = encoder(leaf)[0]
            parts = [
                torch.autograd.grad(v, leaf, create_graph=True)[0].pow(2).sum()
                for v in z
            ]
            out.append(sum(parts))
        return torch.stack(out)

    def _of_sum(encoder, x, **how):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(encoder(x).sum(), x, create_graph=True, **how)[0]

    def _rows(encoder, x):
        rows = torch.autograd.functional.jacobian(
            lambda v: encoder(v).sum(0), x, create_graph=True
        )
        return rows.flatten(2).transpose(0, 1)  # (b, k, d)

    @wrong("rows added before they are squared")
    def added(encoder, x):
        return Ae13._of_sum(encoder, x).square().flatten(1).sum(1)

    @wrong("cut off from the graph")
    def detached(encoder, x):
        return Ae13.contraction(encoder, x).detach()

    @wrong("square root taken")
    def norm(encoder, x):
        return Ae13.contraction(encoder, x).sqrt()

    @wrong("mean over the entries")
    def mean(encoder, x):
        return Ae13._rows(encoder, x).square().mean((1, 2))

    @wrong("summed over the batch")
    def summed(encoder, x):
        return Ae13.contraction(encoder, x).sum()

    @wrong("largest singular value")
    def spectral(encoder, x):
        return torch.linalg.matrix_norm(Ae13._rows(encoder, x), 2).square()

    @wrong("absolute values in place of squares")
    def absolute(encoder, x):
        return Ae13._rows(encoder, x).abs().sum((1, 2))

    @wrong("only the first code")
    def first(encoder, x):
        return Ae13._rows(encoder, x)[:, 0].square().sum(1)

    @wrong("squared length of the code")
    def code(encoder, x):
        return encoder(x).square().sum(1)

    @right
    def by_vmap(encoder, x):
        one = torch.func.jacrev(lambda row: encoder(row[None])[0])
        return torch.vmap(one)(x).flatten(1).square().sum(1)

    @right
    def by_forward_mode(encoder, x):
        total = 0
        for step in torch.eye(x[0].numel(), dtype=x.dtype):
            v = step.view(1, *x.shape[1:]).expand_as(x).contiguous()
            total = total + torch.func.jvp(encoder, (x,), (v,))[1].square().sum(1)
        return total

    @wrong("random probes")
    def probed(encoder, x):
        x = x.detach().requires_grad_()
        z = encoder(x)
        v = torch.randn_like(z).sign()
        slope = torch.autograd.grad(z, x, v, create_graph=True)[0]
        return slope.square().flatten(1).sum(1)

    @wrong("differences in place of derivatives")
    def differences(encoder, x):
        h, total = 0.1 if x.dtype == torch.float32 else 1e-5, 0
        for step in h * torch.eye(x[0].numel(), dtype=x.dtype):
            v = step.view(x.shape[1:])
            slope = (encoder(x + v) - encoder(x - v)) / (2 * h)
            total = total + slope.square().sum(1)
        return total

    @wrong("gradient cut off in part")
    def one_factor_held(encoder, x):
        rows = Ae13._rows(encoder, x)
        return (rows * rows.detach()).sum((1, 2))

    @wrong("gradient cut off in part")
    def last_row_only(encoder, x):
        squares = Ae13._rows(encoder, x).square().sum(2)
        return squares[:, :-1].detach().sum(1) + squares[:, -1]

    @wrong("only the first code")
    def three_codes(encoder, x):
        return Ae13._rows(encoder, x)[:, :3].square().sum((1, 2))

    @wrong("halved")
    def half(encoder, x):
        return Ae13.contraction(encoder, x) / 2


class Ae14:
    """What a reader is likely to find. The error divided by the energy of the image
    mends classes that are dark, and harms others. The Mahalanobis distance of the
    code catches clothes whose parts are known but whose combination is not; a low
    error together with a far code is the mark of an interpolation. The uncertainty of
    a classifier of the known classes is strong where the left-out class lies between
    two of them, and blind where it resembles one: a shirt is a T-shirt to it, and to
    many people. Choosing the best of ten scores by their AUC on the left-out class is
    fitting to the test; choose on pairs of known classes, by leaving out a second one.
    The shirt stays hard for every score, since its images overlap with those of three
    other classes: no score of the image alone can tell what the label does not say."""
