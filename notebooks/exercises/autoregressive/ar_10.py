"""Versions of exercise ar-10."""

import torch

from .. import build, edits, reference, right, wrong


def halves(generator, p):
    """Uniform numbers for one half of the rows."""
    return torch.rand(len(p) // 2 + 1, generator=generator)


class Ar10:
    r"""
    One pass of the network for each value: $d$ passes for one batch of draws, where the
    likelihood of the same batch takes one. Of each pass one column is used, and the
    rest is thrown away, which is what caches are for.

    The temperature acts on each conditional. That is not the distribution whose
    probabilities are proportional to $p(x)^{1/T}$: there the early values would also
    count how much probability is left for what follows them. Two values show it. Let
    the first be 0 or 1 with equal chances, the second equal to the first if that is 1,
    and undecided if it is 0. Tempered value by value at $T = 1/2$ the first one stays
    undecided. The whole distribution has 1/4, 1/4 and 1/2, squared 1/16, 1/16 and 1/4,
    so that the first is 1 with probability 2/3.

    A known value that comes later does not reach those before it. To fill a hole in
    the upper half of a picture so that it fits the lower one takes another order, or
    another method.
    """

    @reference
    def draw(conditional, x, known, temperature, generator):
        x = x.clone()
        for i in range(x.shape[1]):
            if not known[i]:
                p = torch.sigmoid(conditional(x)[:, i] / temperature)
                x[:, i] = torch.bernoulli(p, generator=generator).to(x)
        return x

    @right
    def by_uniform_numbers(conditional, x, known, temperature, generator):
        b, d = x.shape
        u = torch.rand(b, d, generator=generator, dtype=torch.float64)
        out = torch.where(known, x, torch.zeros_like(x))
        for i in range(d):
            p = (conditional(out)[:, i].double() / temperature).sigmoid()
            new = torch.where(known[i], x[:, i], (u[:, i] < p).to(x.dtype))
            out = torch.cat([out[:, :i], new[:, None], out[:, i + 1 :]], 1)
        return out

    @right
    def by_logistic_noise(conditional, x, known, temperature, generator):
        columns = list(x.unbind(1))
        for i, keep in enumerate(known.tolist()):
            if keep:
                continue
            logit = conditional(torch.stack(columns, 1))[:, i] / temperature
            u = torch.rand(len(x), generator=generator).clamp(1e-9, 1 - 1e-7)
            columns[i] = (logit + u.logit() > 0).to(x)
        return torch.stack(columns, 1)

    @right
    def row_by_row(conditional, x, known, temperature, generator):
        rows = []
        for row in x.split(1):
            row = row.clone()
            for i in (~known).nonzero().flatten().tolist():
                p = (conditional(row)[0, i] / temperature).sigmoid().item()
                row[0, i] = float(torch.rand((), generator=generator).item() < p)
            rows.append(row)
        return torch.cat(rows)

    @right
    def by_two_outcomes(conditional, x, known, temperature, generator):
        x = 1.0 * x
        for i in torch.arange(x.shape[1])[~known]:
            logit = conditional(x)[:, i] / temperature
            both = torch.stack([torch.zeros_like(logit), logit], 1).softmax(1)
            x[:, i] = torch.multinomial(both, 1, generator=generator)[:, 0].to(x)
        return x

    edited = edits(
        draw,
        """
    input changed in place | x = x.clone() ->
    x itself returned | x = x.clone() -> x = x if known.all() else x.clone()
    known values overwritten | if not known[i]: -> if True:
    known and unknown exchanged | if not known[i]: -> if known[i]:
    temperature left out | / temperature ->
    temperature multiplied | / temperature -> * temperature
    temperature applied otherwise | / temperature -> / temperature**2
    temperature applied otherwise
        | torch.sigmoid(conditional(x)[:, i] / temperature)
        -> torch.sigmoid(conditional(x)[:, i]) ** (1 / temperature)
    temperature applied otherwise
        | torch.sigmoid(conditional(x)[:, i] / temperature)
        -> (torch.sigmoid(conditional(x)[:, i]) / temperature).clamp(max=1)
    order reversed | range(x.shape[1]) -> reversed(range(x.shape[1]))
    logits of a neighbor | [:, i] / temperature -> [:, i - 1] / temperature
    logits of a neighbor | [:, i] / temperature
        -> [:, min(i + 1, x.shape[1] - 1)] / temperature
    most likely value taken | torch.bernoulli(p, generator=generator).to(x)
        -> (p > 0.5).to(x)
    not zeros and ones | torch.bernoulli(p, generator=generator).to(x) -> p
    one noise for all examples | torch.bernoulli(p, generator=generator).to(x)
        -> (torch.rand((), generator=generator) < p).to(x)
    generator not used | torch.bernoulli(p, generator=generator) -> torch.bernoulli(p)
    generator not used | torch.bernoulli(p, generator=generator)
        -> (torch.rand(len(p)) < p)
    generator reseeded | x = x.clone() -> x = x.clone(); generator.manual_seed(0)
    zeros and ones exchanged | torch.bernoulli(p, -> torch.bernoulli(1 - p,
    logits taken once | x = x.clone() -> x = x.clone(); every = conditional(x)
        | conditional(x)[:, i] -> every[:, i]
    known values not seen | conditional(x)[:, i] -> conditional(x * ~known)[:, i]
    logits taken for probabilities | torch.sigmoid(conditional(x)[:, i] / temperature)
        -> (conditional(x)[:, i] / temperature).clamp(0, 1)
    one noise for all dimensions
        | x = x.clone() -> x = x.clone(); u = torch.rand(len(x), generator=generator)
        | torch.bernoulli(p, generator=generator).to(x) -> (u < p).to(x)
    draws not independent | torch.bernoulli(p, generator=generator).to(x)
        -> (halves(generator, p).repeat(2)[:len(p)] < p).to(x)
    draws not independent | torch.bernoulli(p, generator=generator).to(x)
        -> (halves(generator, p).repeat_interleave(2)[:len(p)] < p).to(x)
    draws not independent | torch.bernoulli(p, generator=generator).to(x)
        -> (torch.cat([(u := halves(generator, p)), 1 - u])[:len(p)] < p).to(x)
    wrong dtype | return x -> return x.double()
    wrong dtype | return x -> return x.bool()
    wrong shape | return x -> return x[:, ~known]
    """,
    )

    @wrong("logits taken once")
    def all_at_once(conditional, x, known, temperature, generator):
        p = (conditional(x) / temperature).sigmoid()
        return torch.where(known, x, torch.bernoulli(p, generator=generator))

    @wrong("noise fixed across calls")
    def by_a_copy(conditional, x, known, temperature, generator):
        own = torch.Generator().manual_seed(generator.initial_seed())
        return Ar10.draw(conditional, x, known, temperature, own)

    @wrong("the whole distribution tempered")
    def of_the_tempered_joint(conditional, x, known, temperature, generator):
        d, free = x.shape[1], (~known).nonzero().flatten()
        if d > 8:
            return Ar10.draw(conditional, x, known, temperature, generator)
        n = 2 ** len(free)
        bits = (torch.arange(n)[:, None] // 2 ** torch.arange(len(free))) % 2
        out = x.clone()
        for code in range(2 ** (d - len(free))):
            pattern = (code // 2 ** torch.arange(d - len(free)) % 2).to(x)
            every = torch.zeros(n, d).to(x)
            every[:, free], every[:, known] = bits.to(x), pattern
            logits = conditional(every)
            each = torch.nn.functional.logsigmoid(logits * (2 * every - 1))
            weight = (each[:, free].sum(1) / temperature).softmax(0)
            mine = (x[:, known] == pattern).all(1).nonzero().flatten()
            if not len(mine):
                continue
            took = torch.multinomial(weight, len(mine), True, generator=generator)
            out[mine[:, None], free] = bits[took].to(x)
        return out

    @wrong("known values ahead seen")
    def given_all_that_is_known(conditional, x, known, temperature, generator):
        d, free = x.shape[1], (~known).nonzero().flatten()
        if d > 8:
            return Ar10.draw(conditional, x, known, temperature, generator)
        n = 2 ** len(free)
        bits = (torch.arange(n)[:, None] // 2 ** torch.arange(len(free))) % 2
        out = x.clone()
        for code in range(2 ** (d - len(free))):
            pattern = (code // 2 ** torch.arange(d - len(free)) % 2).to(x)
            every = torch.zeros(n, d).to(x)
            every[:, free], every[:, known] = bits.to(x), pattern
            logits = conditional(every) / temperature
            each = torch.nn.functional.logsigmoid(logits * (2 * every - 1))
            mine = (x[:, known] == pattern).all(1).nonzero().flatten()
            weight = each.sum(1).softmax(0)
            if not len(mine):
                continue
            took = torch.multinomial(weight, len(mine), True, generator=generator)
            out[mine[:, None], free] = bits[took].to(x)
        return out

    @wrong("generator reseeded")
    @build
    def from_one_stored_state():
        state = []

        def draw(conditional, x, known, temperature, generator):
            state.append(generator.get_state())
            generator.set_state(state[0])
            return Ar10.draw(conditional, x, known, temperature, generator)

        return draw
