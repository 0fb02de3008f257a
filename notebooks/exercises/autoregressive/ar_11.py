"""Versions of exercise ar-11."""

import math

import torch
from torch.nn import functional as F

from .. import edits, reference, right, wrong


class Ar11:
    r"""
    The mask is a triangle, and where it stands decides everything. Minus infinity in
    the scores makes a weight that is exactly 0, $e^{-\infty}$, and a softmax over what
    is left. A zero put into the weights afterward leaves a sum below one, by an amount
    that depends on the scores of the future: nothing of a later value is read, and yet
    the result changes with it. Such a leak is small, no shape shows it, and a model
    that is trained with it has a likelihood that is none. Only the derivative, or a
    changed future, tells.

    The root of $m$ keeps the spread of the scores where it was: a sum of $m$ products
    of independent numbers with variance 1 has the variance $m$.

    Sequences of length 1, and the first position of any, have one weight. Then all is
    linear, and a wrong order of queries, keys and values shows without any softmax.
    """

    @reference
    def attention(x, w_qkv, w_out, heads):
        t = x.shape[1]
        q, k, v = (
            part.unflatten(-1, (heads, -1)).transpose(1, 2)  # (b, h, t, m)
            for part in (x @ w_qkv.T).chunk(3, dim=-1)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        ahead = torch.ones(t, t, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(ahead, -math.inf).softmax(dim=-1)
        return (weights @ v).transpose(1, 2).flatten(2) @ w_out.T

    @right
    def by_the_function_of_torch(x, w_qkv, w_out, heads):
        b, t, d = x.shape
        q, k, v = F.linear(x, w_qkv).view(b, t, 3, heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return F.linear(y.permute(0, 2, 1, 3).reshape(b, t, d), w_out)

    @right
    def by_einsum(x, w_qkv, w_out, heads):
        d = x.shape[-1]
        m = d // heads
        w = w_qkv.reshape(3, heads, m, d)
        q, k, v = torch.einsum("phmd,btd->pbhtm", w, x)
        scores = torch.einsum("bhim,bhjm->bhij", q, k) * m**-0.5
        mask = torch.zeros_like(scores)
        mask[..., ~torch.ones_like(scores[0, 0]).tril().bool()] = -float("inf")
        weights = torch.softmax(scores + mask, -1)
        w = w_out.reshape(d, heads, m)
        return torch.einsum("bhij,bhjm,ohm->bio", weights, v, w)

    @right
    def in_loops(x, w_qkv, w_out, heads):
        b, t, d = x.shape
        m, found = d // heads, []
        w_q, w_k, w_v = w_qkv[:d], w_qkv[d : 2 * d], w_qkv[2 * d :]
        for n in range(b):
            rows = []
            for i in range(t):
                past, outs = x[n, : i + 1], []
                for j in range(heads):
                    own = slice(j * m, (j + 1) * m)
                    q, k = w_q[own] @ x[n, i], past @ w_k[own].T
                    weight = torch.softmax(k @ q / m**0.5, 0)
                    outs.append(weight @ (past @ w_v[own].T))
                rows.append(w_out @ torch.cat(outs))
            found.append(torch.stack(rows))
        return torch.stack(found)

    @right
    def head_by_head(x, w_qkv, w_out, heads):
        t, d = x.shape[1:]
        q, k, v = torch.split(x.matmul(w_qkv.t()), d, dim=2)
        sees = torch.arange(t)[:, None] >= torch.arange(t)[None]
        total = 0
        for q_j, k_j, v_j, w_j in zip(
            *(a.split(d // heads, -1) for a in (q, k, v, w_out))
        ):
            s = torch.bmm(q_j, k_j.transpose(1, 2)).div(math.sqrt(d // heads))
            s = torch.where(sees, s, torch.full_like(s, -torch.inf))
            s = (s - s.max(-1, keepdim=True).values).exp()
            total = total + (s / s.sum(-1, keepdim=True)) @ v_j @ w_j.T
        return total

    edited = edits(
        attention,
        """
    no mask | scores.masked_fill(ahead, -math.inf) -> scores
    mask off by one | .triu(1) -> .triu(2)
    mask off by one | ahead = torch.ones(t, t, dtype=torch.bool).triu(1)
        -> ahead = torch.ones(t, t, dtype=torch.bool).triu(0); ahead[0, 0] = False
    mask turned around | .triu(1) -> .tril(-1)
    zero in place of minus infinity | -math.inf -> 0.0
    large number in place of minus infinity | -math.inf -> -10.0
    large number in place of minus infinity | -math.inf -> -1e3
    scale left out | / math.sqrt(q.shape[-1]) ->
    scale of another width | math.sqrt(q.shape[-1]) -> math.sqrt(x.shape[-1])
    scale of another width | math.sqrt(q.shape[-1]) -> q.shape[-1]
    softmax over the queries | softmax(dim=-1) -> softmax(dim=-2)
    softmax over the queries | scores.masked_fill(ahead, -math.inf).softmax(dim=-1)
        -> scores.softmax(dim=-2).masked_fill(ahead, 0.0)
    mask after the softmax | scores.masked_fill(ahead, -math.inf).softmax(dim=-1)
        -> scores.softmax(dim=-1).masked_fill(ahead, 0.0)
    mask after the softmax | scores.masked_fill(ahead, -math.inf).softmax(dim=-1)
        -> scores.softmax(dim=-1).tril()
    heads interleaved | part.unflatten(-1, (heads, -1)).transpose(1, 2)
        -> part.unflatten(-1, (-1, heads)).movedim(-1, 1)
    heads interleaved | part.unflatten(-1, (heads, -1)).transpose(1, 2)
        -> part.unflatten(-1, (-1, heads)).movedim(-1, 1)
        | (weights @ v).transpose(1, 2).flatten(2)
        -> (weights @ v).permute(0, 2, 3, 1).flatten(2)
    queries, keys and values in another order | q, k, v = -> k, q, v =
    queries, keys and values in another order | q, k, v = -> v, q, k =
    queries, keys and values in another order | q, k, v = -> q, v, k =
    keys in place of values | weights @ v -> weights @ k
    rows of w_qkv by heads | part.unflatten(-1, (heads, -1)).transpose(1, 2)
        -> part.transpose(1, 2)
        | (x @ w_qkv.T).chunk(3, dim=-1)
        -> (x @ w_qkv.T).unflatten(-1, (heads, -1)).chunk(3, dim=-1)
    matrix transposed | @ w_out.T -> @ w_out
    matrix transposed | (x @ w_qkv.T).chunk(3, dim=-1)
        -> (x @ p for p in w_qkv.chunk(3))
    output matrix left out | @ w_out.T ->
    axes of heads and positions mixed | (weights @ v).transpose(1, 2).flatten(2)
        -> (weights @ v).reshape(x.shape)
    axes of heads and positions mixed
        | part.unflatten(-1, (heads, -1)).transpose(1, 2)
        -> part.reshape(len(x), heads, t, -1)
    one head | t = x.shape[1] -> t, heads = x.shape[1], 1
    softmax left out | .masked_fill(ahead, -math.inf).softmax(dim=-1)
        -> .masked_fill(ahead, 0.0)
    mean over what is seen | scores.masked_fill -> torch.zeros_like(scores).masked_fill
    something added | return ( -> return x + (
    softmax without a shift
        | scores.masked_fill(ahead, -math.inf).softmax(dim=-1)
        -> scores.exp().masked_fill(ahead, 0.0)
        | (weights @ v) -> (weights / weights.sum(-1, keepdim=True) @ v)
    cut off from the graph | weights = scores -> weights = scores.detach()
    wrong dtype | return (weights @ v).transpose(1, 2).flatten(2) @ w_out.T
        -> return ((weights @ v).transpose(1, 2).flatten(2) @ w_out.T).double()
    float32 in between | scores.masked_fill(ahead, -math.inf).softmax(dim=-1)
        -> scores.masked_fill(ahead, -math.inf).float().softmax(dim=-1).to(x)
    """,
    )

    @wrong("depends on the future")
    def with_a_whole_softmax_taken_back(x, w_qkv, w_out, heads):
        # Right but for rounding: the future is in the shift and in the sum.
        t = x.shape[1]
        q, k, v = (
            part.unflatten(-1, (heads, -1)).transpose(1, 2)
            for part in (x @ w_qkv.T).chunk(3, dim=-1)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        weights = scores.softmax(-1) * torch.ones(t, t).to(x).tril()
        weights = weights / weights.sum(-1, keepdim=True)
        return (weights @ v).transpose(1, 2).flatten(2) @ w_out.T

    @wrong("values masked")
    def values_summed(x, w_qkv, w_out, heads):
        q, k, v = (
            part.unflatten(-1, (heads, -1)).transpose(1, 2)
            for part in (x @ w_qkv.T).chunk(3, dim=-1)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        y = scores.softmax(-1) @ v.cumsum(2)
        return y.transpose(1, 2).flatten(2) @ w_out.T

    @wrong("sequences mixed")
    def as_one_long_sequence(x, w_qkv, w_out, heads):
        return Ar11.attention(x.reshape(1, -1, x.shape[-1]), w_qkv, w_out, heads).view(
            x.shape
        )
