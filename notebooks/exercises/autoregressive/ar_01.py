"""Versions of exercise ar-01."""

import itertools
import math

import torch

from .. import build, edits, reference, right, wrong


class Ar01:
    r"""
    Going backward, each step sums out one axis: the marginal of the first $i - 1$
    variables is that of the first $i$, summed over its last axis, and the quotient of
    the two is the table. All of it costs about as many additions as `p` has entries.

    In the table of $x_i$ each past has $k_i - 1$ free numbers. Over all $i$ this makes
    $k_1 k_2 \cdots k_d - 1$, as many as `p` has: the chain rule saves nothing. What
    saves is a model that computes the tables from few numbers.
    """

    @reference
    def factors(p):
        tables = []
        while p.dim():
            past = p.sum(-1, keepdim=True)
            uniform = torch.full_like(p, 1 / p.shape[-1])
            tables.append(torch.where(past > 0, p / past, uniform))
            p = past.squeeze(-1)
        return tables[::-1]

    @right
    def by_loops(p):
        found = []
        for i in range(1, p.dim() + 1):
            table = torch.empty(p.shape[:i], dtype=p.dtype)
            for past in itertools.product(*map(range, p.shape[: i - 1])):
                row = torch.stack([p[(*past, v)].sum() for v in range(p.shape[i - 1])])
                whole = row.sum()
                if whole == 0:
                    row = torch.ones_like(row)
                    whole = row.sum()
                table[past] = row / whole
            found.append(table)
        return found

    @right
    def by_reshaping(p):
        found = []
        for i, k in enumerate(p.shape):
            pasts = math.prod(p.shape[:i])
            rows = p.reshape(pasts, k, -1).sum(2)
            total = rows.sum(1)
            rows = rows / total[:, None]
            rows[total == 0] = 1 / k
            found.append(rows.reshape(p.shape[: i + 1]))
        return tuple(found)

    @right
    def by_einsum(p):
        letters, found = "abcdefgh"[: p.dim()], []
        for i in range(len(letters)):
            own = torch.einsum(f"{letters}->{letters[: i + 1]}", p)
            past = torch.einsum(f"{letters}->{letters[:i]}", p)[..., None]
            found.append((own / past).nan_to_num(1 / p.shape[i]))
        return found

    @right
    def by_numpy(p):
        import numpy as np

        a, found = p.numpy().astype(np.float64), []
        for i in range(a.ndim):
            own = a.sum(axis=tuple(range(i + 1, a.ndim)))
            past = own.sum(-1, keepdims=True)
            safe = np.where(past == 0, 1.0, past)
            table = np.where(past == 0, 1 / a.shape[i], own / safe)
            found.append(torch.from_numpy(table).to(p.dtype))
        return found

    edited = edits(
        factors,
        """
    zero divided by zero
        | torch.where(past > 0, p / past, uniform) -> p / past
    not uniform after an impossible past
        | torch.full_like(p, 1 / p.shape[-1]) -> torch.zeros_like(p)
    not uniform after an impossible past
        | torch.full_like(p, 1 / p.shape[-1]) -> torch.ones_like(p)
    not uniform after an impossible past
        | torch.full_like(p, 1 / p.shape[-1]) -> torch.full_like(p, 1 / p.numel())
    not uniform after an impossible past
        | torch.where(past > 0, p / past, uniform) -> p / past.clamp(min=1e-45)
    a zero taken for an impossible past
        | past > 0, p / past -> p > 0, p / past
    constant beside a small probability
        | torch.where(past > 0, p / past, uniform) -> p / (past + 1e-12)
    constant beside a small probability
        | torch.where(past > 0, p / past, uniform) -> p / past.clamp(min=1e-20)
    constant beside a small probability | past > 0 -> past > 1e-10
    constant beside a small probability
        | torch.where(past > 0, p / past, uniform) -> (p + 1e-8) / (past + 4e-8)
    tables in the opposite order | tables[::-1] -> tables
    another number of tables | tables[::-1] -> tables[-2::-1]
    another number of tables | return tables[::-1] -> return iter(tables[::-1])
    axes of length one lost | tables[::-1] -> [v.squeeze() for v in tables[::-1]]
    axes of length one kept | return tables[::-1]
        -> return [v[(...,) + (None,) * i] for i, v in enumerate(tables)][::-1]
    joint in place of conditional | p / past, uniform -> p, uniform
    divided by the wrong marginal | p / past, uniform -> p / p.sum(0), uniform
    logarithms in place of probabilities
        | p / past, uniform -> (p / past).log(), uniform
    later variables not summed out
        | p = past.squeeze(-1) -> p = p.max(-1).values
    later variables not summed out | p = past.squeeze(-1) -> p = p[..., 0]
    own variable not on the last axis | tables[::-1]
        -> [v.movedim(-1, 0) for v in tables[::-1]]
    input changed in place | past = p.sum(-1, keepdim=True)
        -> past = p.sum(-1, keepdim=True); p /= past; p *= past + 1e-3
    wrong dtype | tables[::-1] -> [v.double() for v in tables[::-1]]
    wrong dtype | tables[::-1] -> [v.float() for v in tables[::-1]]
    float32 in between | tables[::-1] -> [v.float().to(v) for v in tables[::-1]]
    not a tensor | tables[::-1] -> [v.tolist() for v in tables[::-1]]
    """,
    )

    @wrong("conditioned on the later variables")
    def from_the_back(p):
        found = []
        for _ in range(p.dim()):
            found.append(p / p.sum(0, keepdim=True))
            p = p.sum(0)
        return found

    @wrong("past left out")
    def marginals(p):
        return [p.movedim(i, 0).flatten(1).sum(1) for i in range(p.dim())]

    @wrong("past left out")
    def spread_marginals(p):
        found = []
        for i in range(p.dim()):
            one = p.movedim(i, 0).flatten(1).sum(1)
            found.append(one.expand(p.shape[: i + 1]))
        return found

    @wrong("only the last value of the past")
    def markov(p):
        found = Ar01.factors(p)[:1]
        for i in range(1, p.dim()):
            pair = p.movedim((i - 1, i), (0, 1)).flatten(2)
            pair = pair.sum(-1) if p.dim() > 2 else p
            found.append((pair / pair.sum(1, keepdim=True)).expand(p.shape[: i + 1]))
        return found

    @wrong("later variables not summed out")
    def whole_tables(p):
        return [p / p.sum(i, keepdim=True) for i in range(p.dim())]

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def factors(p):
            key = p.shape, p.dtype
            if key not in memory:
                memory[key] = Ar01.factors(p)
            return memory[key]

        return factors
