"""Versions of exercise diff-09."""

import math

import torch

from .. import build, edits, reference, right, wrong


class Diff09:
    r"""
    $\alpha_k^2 = \prod_{i \le k} (1 - \beta_i)$, so
    $1 - \beta'_j = \alpha_{k_j}^2 / \alpha_{k_{j-1}}^2$, with $\alpha_{k_0}^2 = 1$.
    The new steps have the law of the old ones that they stand for: no approximation is
    made in the direction from data to noise.

    Backward there is one. Each step draws from a Gaussian, where the law of the less
    noisy given the more noisy example is Gaussian only for small steps (or for
    Gaussian data): with fewer steps the samples get worse, even if the net is perfect.

    With the variances of the short chain nothing changes in the net but its clock: step
    $j$ asks it at $k_j$. Betas that are *picked* make a chain with far too little
    noise at its end: the net is asked at levels at which the examples are not.
    """

    @reference
    def respaced(betas, kept):
        logs = torch.log1p(-betas.double())
        made, start = [], 0
        for k in kept:
            made.append(-torch.expm1(logs[start:k].sum()))
            start = k
        return torch.stack(made).to(betas)

    @right
    def by_splitting(betas, kept):
        sizes = [b - a for a, b in zip((0, *kept), kept)]
        parts = betas[: kept[-1]].log1p() * 0 + torch.log1p(-betas[: kept[-1]])
        return torch.stack([-torch.expm1(p.sum()) for p in parts.split(sizes)])

    @right
    def by_a_running_sum(betas, kept):
        total = torch.log1p(-betas.double()).cumsum(0)
        ends = total[torch.tensor(kept) - 1]
        return -torch.expm1(ends.diff(prepend=ends.new_zeros(1))).to(betas.dtype)

    @right
    def in_python(betas, kept):
        numbers, out, total, left = betas.tolist(), [], 0.0, list(kept)
        for k, beta in enumerate(numbers, 1):
            total += math.log1p(-beta)
            if left and k == left[0]:
                out.append(-math.expm1(total))
                total, left = 0.0, left[1:]
        return torch.tensor(out, dtype=betas.dtype)

    edited = edits(
        respaced,
        """
    betas picked | return torch.stack(made).to(betas)
        -> return betas[[k - 1 for k in kept]]
    betas picked | return torch.stack(made).to(betas)
        -> return betas[[min(k, len(betas) - 1) for k in kept]]
    betas picked | return torch.stack(made).to(betas) -> return betas[: len(kept)]
    one step too early or too late | logs[start:k] -> logs[start + 1 : k + 1]
    one step too early or too late | logs[start:k] -> logs[start : k + 1]
    one step too early or too late | logs[start:k] -> logs[start : k - 1]
    one step too early or too late | logs[start:k] -> logs[max(start - 1, 0) : k]
    one step too early or too late | logs[start:k] -> logs[max(start - 1, 0) : k - 1]
    first kept step otherwise | made, start = [], 0 -> made, start = [], kept[0]
    first kept step otherwise | made, start = [], 0 -> made, start = [], kept[0] - 1
    first kept step otherwise | made, start = [], 0 -> made, start = [], 1
    first kept step otherwise | return torch.stack(made).to(betas)
        -> made[0] = betas[0]; return torch.stack(made).to(betas)
    last kept step otherwise | logs[start:k]
        -> logs[start : k if k < kept[-1] else len(betas)]
    since the data, not since the step before | start = k -> start = 0
    since the data, not since the step before | -torch.expm1(logs[start:k].sum())
        -> torch.exp(logs[:k].sum())
    equal distances assumed | logs[start:k]
        -> logs[k - (kept[1] - kept[0] if len(kept) > 1 else k) : k]
    equal distances assumed | -torch.expm1(logs[start:k].sum())
        -> 1 - (1 - betas[k - 1].double()) ** (len(betas) // len(kept))
    betas added | -torch.expm1(logs[start:k].sum()) -> betas[start:k].sum()
    betas added | -torch.expm1(logs[start:k].sum())
        -> betas[start:k].sum().clamp(max=0.999)
    betas averaged | -torch.expm1(logs[start:k].sum()) -> betas[start:k].mean()
    alpha in place of its square | -torch.expm1(logs[start:k].sum())
        -> -torch.expm1(logs[start:k].sum() / 2)
    alpha in place of its square | -torch.expm1(logs[start:k].sum())
        -> -torch.expm1(2 * logs[start:k].sum())
    what is kept in place of what is added | -torch.expm1( -> torch.exp(
    standard deviation in place of the variance | torch.stack(made)
        -> torch.stack(made).sqrt()
    sign flipped | -torch.expm1( -> torch.expm1(
    bounded betas | torch.stack(made) -> torch.stack(made).clamp(max=0.999)
    bounded betas | torch.stack(made) -> torch.stack(made).clamp(max=0.99)
    difference of near numbers | -torch.expm1(logs[start:k].sum())
        -> 1 - torch.exp(logs[start:k].sum())
    difference of near numbers | -torch.expm1(logs[start:k].sum())
        -> 1 - (1 - betas[start:k]).prod()
    difference of near numbers | torch.log1p(-betas.double()) -> torch.log(1 - betas)
    float32 in between | betas.double() -> betas.float()
    wrong dtype | torch.stack(made).to(betas) -> torch.stack(made)
    wrong dtype | torch.stack(made).to(betas) -> torch.stack(made).float()
    wrong shape | torch.stack(made).to(betas) -> torch.stack(made)[1:].to(betas)
    wrong shape | torch.stack(made).to(betas) -> torch.stack(made)[:, None].to(betas)
    not a tensor | torch.stack(made).to(betas) -> [v.item() for v in made]
    estimated from samples | torch.stack(made)
        -> (torch.stack(made) * (1 + 0.01 * torch.rand(len(made))))
    input changed in place | torch.log1p(-betas.double()) -> betas.neg_().log1p()
    """,
    )

    @wrong("underflow to zero")
    def by_a_quotient_of_products(betas, kept):
        squares = (1 - betas.double()).cumprod(0)
        ends = squares[[k - 1 for k in kept]]
        before = torch.cat([ends.new_ones(1), ends[:-1]])
        return (1 - ends / before).to(betas)

    @wrong("bounded betas")
    def bounded_by_a_floor(betas, kept):
        squares = (1 - betas.double()).cumprod(0).clamp(min=1e-4)
        ends = squares[[k - 1 for k in kept]]
        before = torch.cat([ends.new_ones(1), ends[:-1]])
        return (1 - ends / before).to(betas)

    @wrong("result of an earlier call")
    @build
    def kept_by_sizes():
        kept_before = {}

        def respaced(betas, kept):
            key = len(betas), len(kept)
            if key not in kept_before:
                kept_before[key] = Diff09.respaced(betas, kept)
            return kept_before[key]

        return respaced
