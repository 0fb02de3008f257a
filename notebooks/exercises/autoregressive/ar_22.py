"""Versions of exercise ar-22."""

import math

import torch

from .. import edits, reference, right, wrong


class Ar22:
    r"""
    A fixed number of tokens fits no row well: where one word is certain, $k = 40$ lets
    39 others in, and where hundreds would do, it cuts most of them off. The sum of the
    probabilities adapts. With $k$ first, $p$ counts the probabilities among the $k$; in
    the other order, or with the softmax over all tokens, $p = 0.9$ may keep all forty,
    and no row notices.

    The mask need not be carried back into the old order: whoever knows the smallest
    logit that stays compares with it, and ties are settled by that alone. The token
    that crosses $p$ stays, so that the head has at least the probability $p$, and never
    is it empty.
    """

    @reference
    def restrict(logits, k, p, temperature):
        logits = logits / temperature
        if k is not None:
            least = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
            logits = logits.masked_fill(logits < least, -math.inf)
        if p is not None and p < 1:
            falling = logits.sort(dim=-1, descending=True).values
            share = falling.softmax(dim=-1)
            before = share.cumsum(dim=-1) - share
            kept = falling.masked_fill(before >= p, math.inf)
            least = kept.amin(dim=-1, keepdim=True)
            logits = logits.masked_fill(logits < least, -math.inf)
        return logits

    @right
    def by_ranks(logits, k, p, temperature):
        y = logits.div(temperature)
        n = y.shape[-1]
        more = (y[..., None, :] > y[..., :, None]).sum(-1)  # that are larger
        if k is not None:
            y = torch.where(more < k, y, torch.full_like(y, -torch.inf))
        if p is not None and p != 1:
            share = torch.softmax(y.double(), -1)
            above = y[..., None, :] > y[..., :, None]
            before = (share[..., None, :].expand(*y.shape, n) * above).sum(-1)
            y = torch.where(before < p, y, torch.full_like(y, -torch.inf))
        return y

    @right
    def row_by_row(logits, k, p, temperature):
        flat = (logits / temperature).reshape(-1, logits.shape[-1]).clone()
        for row in flat:
            if k is not None and k < len(row):
                row[row < sorted(row.tolist())[-k]] = -math.inf
            if p is not None and p < 1.0:
                values = sorted(row.tolist(), reverse=True)
                weight = [math.exp(v - values[0]) for v in values]
                total, i = weight[0], 0
                while total / sum(weight) < p:
                    i += 1
                    total += weight[i]
                row[row < torch.tensor(values[i], dtype=row.dtype)] = -math.inf
        return flat.view(logits.shape)

    @right
    def by_scattering(logits, k, p, temperature):
        y = logits / temperature
        falling, order = torch.sort(y, -1, descending=True)
        stay = torch.ones_like(falling, dtype=torch.bool)
        if k is not None:
            kth = falling[..., min(k, y.shape[-1]) - 1, None]
            stay = falling >= kth
        if p is not None and p < 1:
            share = falling.where(stay, torch.tensor(-math.inf).to(y)).softmax(-1)
            sums = share.cumsum(-1)
            first = stay & (sums - share < p)
            last = first.sum(-1, keepdim=True) - 1
            stay = stay & (falling >= falling.gather(-1, last))
        mask = torch.zeros_like(stay).scatter(-1, order, stay)
        return y.masked_fill(~mask, -math.inf)

    @right
    def by_candidates(logits, k, p, temperature):
        y = logits / temperature
        if k is not None and k < y.shape[-1]:
            kth = y.kthvalue(y.shape[-1] - k + 1, -1, True)[0]
            y = torch.where(y >= kth, y, torch.full_like(y, -math.inf))
        if p is None or p >= 1:
            return y
        weight = (y - y.amax(-1, keepdim=True)).exp()
        whole = weight.sum(-1)
        out = torch.full_like(y, -math.inf)
        for i in range(y.shape[-1]):
            mine = y[..., i]
            larger = (weight * (y > mine[..., None])).sum(-1)
            out[..., i] = torch.where(larger < p * whole, mine, out[..., i])
        return out

    edited = edits(
        restrict,
        """
    temperature left out | logits / temperature -> logits * 1.0
    temperature multiplied | logits / temperature -> logits * temperature
    temperature applied after | logits / temperature -> logits * 1.0
        | return logits -> return logits / temperature
    temperature in the choice alone | return logits -> return logits * temperature
    as many tokens for all rows | before = share.cumsum(dim=-1) - share
        -> before = share.cumsum(dim=-1) - share; before = before.reshape(
           -1, before.shape[-1]).amin(0).expand_as(before)
    exponential without a shift | share = falling.softmax(dim=-1)
        -> share = falling.exp() / falling.exp().sum(-1, keepdim=True)
    k left out | if k is not None -> if False
    k off by one | min(k, logits.shape[-1]) -> min(k + 1, logits.shape[-1])
    k off by one | min(k, logits.shape[-1]) -> max(min(k, logits.shape[-1]) - 1, 1)
    p left out | if p is not None and -> if False and
    crossing token dropped | before = share.cumsum(dim=-1) - share
        -> before = share.cumsum(dim=-1); before[..., 0] = 0
    crossing token dropped | before = share.cumsum(dim=-1) - share
        -> before = share.cumsum(dim=-1)
    one token too many | before = share.cumsum(dim=-1) - share
        -> before = (share.cumsum(-1) - share).roll(1, -1); before[..., 0] = 0
    threshold on each probability | before = share.cumsum(dim=-1) - share
        -> before = torch.where(share >= p, 0.0, 2.0)
    threshold of 1 - p on the wrong side | before >= p -> share.cumsum(-1) >= 1 - p
    threshold on each probability | before >= p -> share <= 1 - p
    probabilities of all tokens
        | logits = logits / temperature -> logits = every = logits / temperature
        | share = falling.softmax(dim=-1)
        -> share = every.softmax(-1).sort(-1, descending=True).values
    softmax over the wrong axis | falling.softmax(dim=-1) -> falling.softmax(dim=0)
    one threshold for all rows | .values[..., -1:] -> .values[..., -1:].min()
    zero in place of minus infinity | return logits
        -> return logits.nan_to_num(neginf=0.0)
    large number in place of minus infinity | return logits
        -> return logits.nan_to_num(neginf=-1e9)
    probabilities in place of logits | return logits -> return logits.softmax(-1)
    log-probabilities in place of logits | return logits
        -> return logits.log_softmax(-1)
    p of 1 cuts off | p is not None and p < 1 -> p is not None
    large number in place of minus infinity | return logits
        -> return logits.nan_to_num(neginf=torch.finfo(logits.dtype).min)
    large number in place of minus infinity | return logits
        -> return logits.nan_to_num(neginf=-1e30)
    temperature applied after | share = falling.softmax(dim=-1)
        -> share = (falling * temperature).softmax(dim=-1)
    float32 in between | logits = logits / temperature
        -> kind, logits = logits, logits.float() / temperature
        | return logits -> return logits.to(kind)
    wrong dtype | return logits -> return logits.double()
    wrong shape | return logits -> return logits.reshape(-1, logits.shape[-1])
    the same tensor | logits = logits / temperature
        -> logits = logits / temperature if temperature != 1 else logits
    input changed in place | logits = logits / temperature -> logits /= temperature
    """,
        *(
            (
                "nearly equal ones taken for equal",
                "logits < least, -math.inf)\n    if p",
                f"{change}, -math.inf)\n    if p",
            )
            for change in ("logits < least - 1e-8", "logits.float() < least.float()")
        ),
        (
            "one threshold for all rows",
            "kept.amin(dim=-1, keepdim=True)",
            "kept.amin()",
        ),
        (
            "least probable kept",
            "dim=-1).values[..., -1:]",
            "dim=-1, largest=False).values[..., -1:]",
            "logits < least, -math.inf)\n    if p",
            "logits > least, -math.inf)\n    if p",
        ),
    )

    @wrong("ties broken")
    def exactly_k(logits, k, p, temperature):
        y = logits / temperature
        if k is not None:
            value, index = y.topk(min(k, y.shape[-1]), -1)
            y = torch.full_like(y, -math.inf).scatter(-1, index, value)
        return Ar22.restrict(y, None, p, 1.0)

    @wrong("nearly equal ones taken for equal")
    def by_isclose(logits, k, p, temperature):
        y = logits / temperature
        for step in ((k, None), (None, p)):
            z = Ar22.restrict(y, *step, 1.0)
            least = z.masked_fill(z == -math.inf, math.inf).amin(-1, keepdim=True)
            y = y.masked_fill((y < least) & ~torch.isclose(y, least), -math.inf)
        return y

    @wrong("equal ones counted once")
    def of_different_values(logits, k, p, temperature):
        y = (logits / temperature).reshape(-1, logits.shape[-1]).clone()
        for row in y if k is not None else ():
            row[row < row.unique().flip(0)[:k][-1]] = -math.inf
        return Ar22.restrict(y.view(logits.shape), None, p, 1.0)

    @wrong("ties broken")
    def by_places(logits, k, p, temperature):
        y = Ar22.restrict(logits, k, None, temperature)
        if p is None or p >= 1:
            return y
        falling, order = y.sort(-1, descending=True)
        share = falling.softmax(-1)
        out = share.cumsum(-1) - share >= p
        return y.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)

    @wrong("mask in the sorted order")
    def mask_not_carried_back(logits, k, p, temperature):
        y = Ar22.restrict(logits, k, None, temperature)
        if p is None or p >= 1:
            return y
        share = y.sort(-1, descending=True)[0].softmax(-1)
        return y.masked_fill(share.cumsum(-1) - share >= p, -math.inf)

    @wrong("sorted order kept")
    def in_falling_order(logits, k, p, temperature):
        y = Ar22.restrict(logits, k, None, temperature)
        if p is None or p >= 1:
            return y
        return Ar22.restrict(y, None, p, 1.0).sort(-1, descending=True)[0]

    @wrong("probabilities of all tokens")
    def nucleus_first(logits, k, p, temperature):
        y = Ar22.restrict(logits, None, p, temperature)
        return Ar22.restrict(y, k, None, 1.0)

    @wrong("either in place of both")
    def whatever_is_in_one(logits, k, p, temperature):
        if k is None or p is None:
            return Ar22.restrict(logits, k, p, temperature)
        one = Ar22.restrict(logits, k, None, temperature)
        return torch.maximum(one, Ar22.restrict(logits, None, p, temperature))

    @wrong("nothing kept")
    def only_below_p(logits, k, p, temperature):
        y = Ar22.restrict(logits, k, None, temperature)
        out = Ar22.restrict(y, None, p, 1.0)
        if p is not None and p < 0.1:
            out = out.masked_fill(y.softmax(-1) > p, -math.inf)
        return out

    @wrong("least probable kept")
    def from_the_tail(logits, k, p, temperature):
        y = Ar22.restrict(logits, k, None, temperature)
        if p is None or p >= 1:
            return y
        rising, order = y.sort(-1)
        share = rising.softmax(-1)
        out = share.cumsum(-1) - share >= p
        return y.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -math.inf)

    @wrong("not finite")
    def times_a_mask(logits, k, p, temperature):
        y = logits / temperature
        stay = (Ar22.restrict(logits, k, p, temperature) > -math.inf).to(y)
        return torch.where(y > -1e9, y, y * 0) * stay + torch.log(stay) * (1 - stay)

    @wrong("one threshold for all rows")
    def least_of_the_first_row(logits, k, p, temperature):
        y = logits / temperature
        if k is not None:
            flat = y.reshape(-1, y.shape[-1])[0]
            y = y.masked_fill(y < flat.topk(min(k, len(flat)))[0][-1], -math.inf)
        return Ar22.restrict(y, None, p, 1.0)
