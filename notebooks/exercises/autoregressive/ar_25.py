"""Versions of exercise ar-25."""

import math

import torch
from torch.nn import functional as F

from .. import edits, reference, right, wrong


class Ar25:
    r"""
    With a permutation matrix $P$ the scores become $P Q (P K)^\top = P\, Q K^\top
    P^\top$; the softmax works within rows, and $P^\top P = 1$ meets the values: $P$
    stands in front of the result, and nothing else has changed. So a sentence and its
    anagram have the same bag of results, and order must come in by positions or by a
    causal mask, which tells a position how many stand before it.

    Padding needs care at three places. In the weights a padded key is excluded by
    `-inf`, which no other score can undercut. In the products it is excluded by being
    cleared first, since a weight of 0 does not undo a nan. And in a sequence without
    keys the softmax is 0/0; that nan is replaced in the result by `masked_fill`, and in
    the gradient it must not come back: here the mask of the scores stops it, whose
    gradient is 0 wherever it wrote `-inf`.
    """

    @reference
    def attention(x, keep, wq, wk, wv):
        padded = ~keep[:, :, None]
        x = x.masked_fill(padded, 0.0)
        q, k, v = x @ wq, x @ wk, x @ wv
        scores = q @ k.transpose(1, 2) / math.sqrt(wq.shape[1])
        scores = scores.masked_fill(~keep[:, None, :], -math.inf)
        weights = scores.softmax(dim=2).masked_fill(padded, 0.0)
        return weights @ v

    @right
    def by_the_library(x, keep, wq, wk, wv):
        x = torch.where(keep[..., None], x, torch.zeros_like(x))
        some = keep | ~keep.any(1, keepdim=True)  # a row without keys takes all
        out = F.scaled_dot_product_attention(x @ wq, x @ wk, x @ wv, some[:, None])
        return torch.where(keep[..., None], out, 0)

    @right
    def bag_by_bag(x, keep, wq, wk, wv):
        out = []
        for bag, real in zip(x, keep):
            few = bag[real]
            row = torch.zeros(len(bag), wv.shape[1]).to(x)
            if len(few):
                scores = torch.einsum("ic,cd,jd->ij", few, wq, few @ wk)
                weight = torch.softmax(scores * wq.shape[1] ** -0.5, 1)
                row = row.index_put((real.nonzero()[:, 0],), weight @ (few @ wv))
            out.append(row)
        return torch.stack(out)

    @right
    def by_exponentials(x, keep, wq, wk, wv):
        real = keep.to(x.dtype)
        x = torch.where(keep.unsqueeze(2), x, 0)
        scores = torch.einsum("bid,bjd->bij", x @ wq / wq.shape[1] ** 0.5, x @ wk)
        low = torch.where(keep[:, None], scores, torch.finfo(x.dtype).min)
        top = low.amax(2, keepdim=True).detach()
        weight = torch.where(keep[:, None], low - top, 0).exp() * real[:, None]
        total = weight.sum(2, keepdim=True)
        total = torch.where(total > 0, total, 1)
        return (weight / total) @ (x @ wv) * real[:, :, None]

    @right
    def with_the_lowest_number(x, keep, wq, wk, wv):
        x = x.masked_fill(~keep[..., None], 0)
        scores = (x @ wq) @ (x @ wk).mT / math.sqrt(wk.shape[-1])
        scores = scores.masked_fill(~keep[:, None], torch.finfo(x.dtype).min)
        return (scores.softmax(-1) @ (x @ wv)).masked_fill(~keep[..., None], 0)

    edited = edits(
        attention,
        """
    softmax over the queries | softmax(dim=2) -> softmax(dim=1).nan_to_num()
    softmax over the batch | softmax(dim=2) -> softmax(dim=0).nan_to_num()
    no softmax | scores.softmax(dim=2)
        -> scores.masked_fill(~keep[:, None, :], 0.0)
    scale left out | / math.sqrt(wq.shape[1]) ->
    softmax over the queries | scores.softmax(dim=2)
        -> scores.masked_fill(padded, -math.inf).softmax(dim=1).nan_to_num()
    logarithm of the sum subtracted | scores.softmax(dim=2)
        -> (scores - scores.logsumexp(dim=2, keepdim=True)).exp()
    small constant added to the sum | scores.softmax(dim=2).masked_fill(padded, 0.0)
        -> (scores - scores.amax(2, True).nan_to_num(neginf=0)).exp();
           weights = weights / (weights.sum(2, keepdim=True) + 1e-9);
           weights = weights.masked_fill(padded, 0.0)
    one maximum for all rows | scores.softmax(dim=2).masked_fill(padded, 0.0)
        -> (scores - scores.max()).exp();
           weights = weights / weights.sum(2, keepdim=True).clamp(min=1e-300);
           weights = weights.masked_fill(padded, 0.0)
    root left out | math.sqrt(wq.shape[1]) -> wq.shape[1]
    scale of another width | math.sqrt(wq.shape[1]) -> math.sqrt(x.shape[2])
    scale of another width | math.sqrt(wq.shape[1]) -> math.sqrt(wv.shape[1])
    multiplied by the root of d | / math.sqrt(wq.shape[1]) -> * math.sqrt(wq.shape[1])
    mask of another sequence | scores.masked_fill(~keep[:, None, :], -math.inf)
        -> scores.masked_fill(~keep[:1, None, :], -math.inf).nan_to_num(neginf=-9e99)
    all keys weighed alike | scores.softmax(dim=2)
        -> (0 * scores).nan_to_num(nan=-math.inf).softmax(dim=2)
    values left as they are | return weights @ v -> return weights @ x
    queries and keys exchanged | q, k, v = x @ wq, x @ wk, -> q, k, v = x @ wk, x @ wq,
    one matrix in place of another | x @ wk, x @ wv -> x @ wq, x @ wv
    weights transposed | return weights @ -> return weights.mT @
    padded keys counted | x = x.masked_fill(padded, 0.0) -> x = x
        | scores.masked_fill(~keep[:, None, :], -math.inf) -> scores
    padded keys counted | scores.masked_fill(~keep[:, None, :], -math.inf)
        -> scores.masked_fill(padded, -math.inf)
    keep turned around | ~keep[:, None, :], -math.inf -> keep[:, None, :], -math.inf
    mask after the softmax | x = x.masked_fill(padded, 0.0) -> x = x
        | scores.masked_fill(~keep[:, None, :], -math.inf) -> scores
        | weights @ v -> (weights * keep[:, None, :]) @ v
    padded keys counted | scores.masked_fill(~keep[:, None, :], -math.inf) -> scores
    padded keys counted | ~keep[:, None, :], -math.inf -> ~keep[:, None, :], 0.0
    finite number in place of minus infinity | None, :], -math.inf -> None, :], -1e4
    finite number in place of minus infinity | None, :], -math.inf -> None, :], -1e9
    finite number in place of minus infinity | None, :], -math.inf -> None, :], -100.0
    exponential without a shift | scores.softmax(dim=2)
        -> (scores.exp() / scores.exp().sum(2, keepdim=True).clamp(min=1e-30))
    padded results not zero | scores.softmax(dim=2).masked_fill(padded, 0.0)
        -> scores.softmax(dim=2).nan_to_num()
    nan of a row without keys | scores.softmax(dim=2).masked_fill(padded, 0.0)
        -> scores.softmax(dim=2) * keep[:, :, None]
    zero times nan | x = x.masked_fill(padded, 0.0) -> x = x * keep[:, :, None]
    zero times nan | x = x.masked_fill(padded, 0.0) -> x = x
    sequences mixed | k.transpose(1, 2) -> k.roll(1, 0).transpose(1, 2)
        | weights @ v -> weights @ v.roll(1, 0)
    depends on the order | scores.softmax(dim=2)
        -> (scores + torch.full_like(scores, -1e30).triu(1)).softmax(dim=2)
    depends on the order | x = x.masked_fill(padded, 0.0)
        -> x = x.masked_fill(padded, 0.0) + torch.arange(x.shape[1])[:, None].to(x)
    wrong dtype | return weights @ v -> return (weights @ v).float().double()
    float32 in between | scores.softmax(dim=2) -> scores.float().softmax(dim=2).to(x)
    cut off from the graph | return weights @ v -> return weights.detach() @ v
    cut off from the graph | return weights @ v -> return weights @ v.detach()
    """,
    )

    @wrong("nan in the gradient")
    def minus_infinity_added(x, keep, wq, wk, wv):
        x = x.masked_fill(~keep[..., None], 0)
        bias = torch.zeros(keep.shape).to(x).masked_fill(~keep, -math.inf)
        scores = (x @ wq) @ (x @ wk).mT / wq.shape[1] ** 0.5 + bias[:, None]
        return (scores.softmax(-1) @ (x @ wv)).masked_fill(~keep[..., None], 0)

    @wrong("zero times nan")
    def keys_excluded_alone(x, keep, wq, wk, wv):
        scores = (x @ wq) @ (x @ wk).mT / wq.shape[1] ** 0.5
        scores = scores.masked_fill(~keep[:, None], -math.inf)
        out = scores.softmax(-1) @ (x @ wv)
        return torch.where(keep[..., None], out, 0)

    @wrong("input changed in place")
    def cleared_in_place(x, keep, wq, wk, wv):
        with torch.no_grad():
            x[~keep] = 0
        return Ar25.attention(x, keep, wq, wk, wv)
