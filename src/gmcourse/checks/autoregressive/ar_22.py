"""Exercise ar-22: The tail cut off."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

NEAR = "nearly equal ones taken for equal"
BARE = "exponential without a shift"


@Exercise(
    id="ar-22",
    title="The tail cut off",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Restrict a distribution over tokens to its most probable ones, by number and "
        "by probability.",
    ),
    statement=r"""
Text that is drawn from the whole distribution of a language model goes astray, since
its tail of unlikely tokens is long; so one draws from its head alone
([Holtzman et al., 2019](https://arxiv.org/abs/1904.09751)). Write
`restrict(logits, k, p, temperature)`. `logits` has the shape `(..., n)`, float32 or
float64, with any axes before the last, also none, and each row is treated by itself:

1. The logits are divided by `temperature`, a float above 0.
2. If `k` is a whole number, 1 or more, the $k$ largest stay, where equal ones count
   one by one, and with them all that equal the smallest of those. If `k` is $n$ or
   more, or None, all stay.
3. If `p` is a float, $0 < p < 1$, a softmax over what step 2 left gives probabilities.
   In falling order they are added up until the sum is $p$ or more; the tokens that were
   added, the one that crosses $p$ among them, stay, and with them all whose logits
   equal the smallest of theirs. If `p` is 1 or None, all that step 2 left stay, however
   improbable.

Return a new tensor of the shape and type of `logits`: the logits of step 1 where a
token stays, as they are, and `-inf` elsewhere. `logits` may hold `-inf` already, but
not in a whole row; those stay `-inf` and are never counted: where $k$ or fewer logits
are finite, step 2 leaves them all. Equal logits are equal to the last digit; others
differ, also after step 1, by 0.001 at least in float32 and by $10^{-9}$ in float64. No
sum of step 3 comes nearer to $p$ than 0.001, unless $p$ is 1 or None. Logits may be
some thousands in size.
""",
    stub='''
def restrict(logits, k, p, temperature):
    """(..., n) -> (..., n), with -inf where a token is cut off."""
    return ...
''',
    answers={"restrict": callable},
    hints=(
        "`torch.topk` gives the k-th largest of each row; what is smaller goes.",
        "Sort each row from the largest, and sum up the probabilities. Which token "
        "is the last one that has to stay?",
        "Instead of putting a mask back into the old order: find the smallest logit "
        "that stays, and compare.",
    ),
    misconceptions={
        "temperature left out": "The logits are divided by the temperature.",
        "temperature multiplied": "The logits are divided by the temperature.",
        "temperature applied after": "It comes first: it changes what p counts.",
        "temperature in the choice alone": "What stays are the divided logits.",
        "k left out": "The k largest stay, no more.",
        "k off by one": "The k-th largest stays.",
        "p left out": "Step 3 cuts off the tail.",
        "crossing token dropped": "The token with which the sum reaches p stays.",
        "one token too many": "The token with which the sum reaches p is the last one.",
        "threshold on each probability": "p is compared with the sum.",
        "threshold of 1 - p on the wrong side": "Of the tail less than 1 - p is cut.",
        "least probable kept": "The most probable tokens stay.",
        "probabilities of all tokens": "Step 2 comes first, and the softmax of "
        "step 3 is over what it left.",
        "either in place of both": "A token stays if both steps leave it.",
        "equal ones counted once": "Of 3, 3 and 2 the two largest are 3 and 3.",
        "ties broken": "All that equal the last one stay as well.",
        NEAR: "Only what is equal to the last digit is equal.",
        "as many tokens for all rows": "Each row keeps as many as it needs to reach p.",
        "exponential without a shift": "exp() overflows, or is 0 everywhere, far from "
        "0: subtract the largest first, or leave it to softmax.",
        "sorted order kept": "The result is in the order of the tokens.",
        "mask in the sorted order": "The mask has to go back to the order of the "
        "tokens.",
        "softmax over the wrong axis": "Each row, along the last axis, is a "
        "distribution by itself.",
        "one threshold for all rows": "Each row has a threshold of its own.",
        "nothing kept": "The most probable token always stays.",
        "p of 1 cuts off": "With p = 1 all stay, also those whose probability is 0 as "
        "a float.",
        "zero in place of minus infinity": "exp(0) is 1: a logit of 0 is not excluded.",
        "large number in place of minus infinity": "Only -inf has the probability 0, "
        "whatever the others are.",
        "log-probabilities in place of logits": "The logits of step 1 come back as "
        "they are, not normalized.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "the same tensor": "The result is a new tensor, even where all stays.",
    },
)
def ar_22(t, restrict):
    inf = -math.inf

    def stays(row, k, p):
        """Of one row, token by token."""
        values = sorted((v for v in row.tolist() if v > inf), reverse=True)
        if k is not None and k < len(values):
            values = [v for v in values if v >= values[k - 1]]
        if p is not None and p < 1:
            weight = [math.exp(v - values[0]) for v in values]
            total, n = 0.0, 0
            while total < p * sum(weight):
                total, n = total + weight[n], n + 1
            values = [v for v in values if v >= values[n - 1]]
        return row >= min(values)

    def due(logits, k, p, temperature):
        y = (logits / temperature).double()
        rows = y.reshape(-1, y.shape[-1])
        keep = torch.stack([stays(v, k, p) for v in rows]).view(y.shape)
        return torch.where(keep, y, inf)

    def cut(y, k, shift=0, ties=True):
        """Step 2."""
        if k is None:
            return y
        k = min(max(k + shift, 1), y.shape[-1])
        value, index = y.topk(k, -1)
        if ties:
            return torch.where(y >= value[..., -1:], y, inf)
        return torch.full_like(y, inf).scatter(-1, index, value)

    def nucleus(y, p, how="", of=None, axis=-1):
        """Step 3; ``of`` has the probabilities."""
        if p is None or p >= 1:
            return y
        share = (y if of is None else of).softmax(axis)
        if how == "each":
            keep = share >= p
        elif how == "tail":
            keep = share > 1 - p
        else:
            order = y.sort(dim=-1, descending=how != "least", stable=True)[1]
            sums = share.gather(-1, order).cumsum(-1)
            before = sums - share.gather(-1, order)
            if how == "columns":
                share = y.gather(-1, order).softmax(max(-2, -y.dim()))
                before = share.cumsum(-1) - share
            keep = {"dropped": sums < p, "side": sums < 1 - p}.get(how, before < p)
            if how == "more":
                keep = torch.cat([keep[..., :1] | True, (before < p)[..., :-1]], -1)
            if how == "dropped one":
                keep = torch.cat([keep[..., :1] | True, (sums < p)[..., 1:]], -1)
            if how in ("widest", "narrowest"):
                size = keep.sum(-1)
                size = size.max() if how == "widest" else size.min()
                keep = (torch.arange(y.shape[-1]) < size).expand_as(keep)
            if how == "sorted mask":
                return torch.where(keep, y, inf)
            if how == "sorted":
                return torch.where(keep, y.gather(-1, order), inf)
            keep = torch.zeros_like(keep).scatter(-1, order, keep)
        if how == "":
            least = torch.where(keep, y, math.inf).amin(-1, keepdim=True)
            keep = y >= least
        return torch.where(keep, y, inf)

    def levels(y):
        """How many different values are larger."""
        value, order = y.sort(-1, descending=True)
        steps = (value[..., 1:] < value[..., :-1]).cumsum(-1)
        steps = torch.cat([0 * order[..., :1], steps], -1)
        return torch.empty_like(order).scatter(-1, order, steps)

    def rivals(x, k, p, temperature, low):
        x = x.double()
        heats = {
            "": (1 / temperature, 1.0),
            "temperature left out": (1.0, 1.0),
            "temperature multiplied": (temperature, 1.0),
            "temperature applied after": (1.0, 1 / temperature),
            "temperature in the choice alone": (1 / temperature, temperature),
        }
        steps = {
            "": lambda y: cut(y, k),
            "k left out": lambda y: y,
            "least probable kept": lambda y: torch.where(cut(-y, k) > inf, y, inf),
            "k off by one": [lambda y, c=c: cut(y, k, c) for c in (-1, 1)],
            "ties broken": lambda y: cut(y, k, ties=False),
            "equal ones counted once": lambda y: torch.where(
                levels(y) < (k or 99), y, inf
            ),
            "one threshold for all rows": [
                lambda y, f=f: torch.where(y >= f(cut(y, k)), y, inf)
                for f in (
                    lambda z: z[z > inf].min(),
                    lambda z: z.nan_to_num(neginf=9e9).flatten(0, -2)[0].min(),
                )
            ],
        }
        sums = {
            "": lambda z, y: nucleus(z, p),
            "p left out": lambda z, y: z,
            "crossing token dropped": [
                lambda z, y, h=h: nucleus(z, p, h) for h in ("dropped one", "dropped")
            ],
            "one token too many": lambda z, y: nucleus(z, p, "more"),
            "threshold on each probability": [
                lambda z, y, h=h: nucleus(z, p, h) for h in ("each", "tail")
            ],
            "threshold of 1 - p on the wrong side": lambda z, y: nucleus(z, p, "side"),
            "least probable kept": lambda z, y: nucleus(z, p, "least"),
            "probabilities of all tokens": lambda z, y: nucleus(z, p, of=y),
            "either in place of both": lambda z, y: torch.maximum(z, nucleus(y, p)),
            "ties broken": lambda z, y: nucleus(z, p, "broken"),
            "as many tokens for all rows": [
                lambda z, y, h=h: nucleus(z, p, h) for h in ("widest", "narrowest")
            ],
            "sorted order kept": lambda z, y: nucleus(z, p, "sorted"),
            "mask in the sorted order": lambda z, y: nucleus(z, p, "sorted mask"),
            "softmax over the wrong axis": [
                lambda z, y: nucleus(z, p, axis=max(-2, -z.dim())),
                lambda z, y: nucleus(z, p, "columns"),
            ],
            "one threshold for all rows": lambda z, y: torch.where(
                z >= nucleus(z, p).nan_to_num(neginf=9e9).min(), z, inf
            ),
        }
        ends = {
            "": lambda z, y: z,
            "zero in place of minus infinity": lambda z, y: z.nan_to_num(neginf=0.0),
            "large number in place of minus infinity": lambda z, y: z.nan_to_num(
                neginf=min(low, -50.0)
            ),
            "probabilities in place of logits": [
                lambda z, y: z.softmax(-1),
                lambda z, y: torch.where(z > inf, y.softmax(-1), 0),
                lambda z, y: torch.where(z > inf, y.softmax(-1), inf),
            ],
            "log-probabilities in place of logits": [
                lambda z, y: z.log_softmax(-1),
                lambda z, y: torch.where(z > inf, y.log_softmax(-1), inf),
            ],
        }

        def value(heat, step, add, end):
            y = heat[0] * x
            return heat[1] * end(add(step(y), y), y)

        yield from mistakes(value, heats, steps, sums, ends)

    def judged(name, x, k, p, temperature=1.0, told=None):
        t.property(name)
        out = t.call(restrict, x, k, p, temperature)
        t.shape(out, tuple(x.shape), "as the logits.")
        t.dtype(out, x.dtype, "that of the logits.")
        right = due(x, k, p, temperature)
        found = t.tensor(out).detach()
        none = not found.isnan().any()
        t.true(none, "Logits, or -inf.", "There are nan.", "not finite")
        kept, stay = found > inf, right > inf
        fits = bool((kept <= stay).all())  # fewer than are due
        if told == "nothing kept":
            fits = not kept.any(-1).all()
        if told == BARE:
            fits = True  # the same tokens near 0 went well
        if told == NEAR:
            more, y = kept & ~stay, (x / temperature).double()
            least = torch.where(stay, y, math.inf).amin(-1, keepdim=True)
            fits = bool((stay <= kept).all() and (least - y < 0.02)[more].all())
        double = x.dtype == torch.float64
        if double and not far(found.double(), right, 1e-5).any():
            told, fits = "float32 in between", True
        told = told if fits else None
        found = None if told else rivals(x, k, p, temperature, float(found.min()))
        why, tol = "What stays by both steps.", 1e-12 if double else 2e-6
        t.close(out, right, why, told, found, tol)

    def rows(*shape, k=None, p=None, temperature=1.0, ties=0, size=1.5):
        """Logits apart from each other, but for the ties; no sum comes near to p."""
        n, x, bad = shape[-1], torch.zeros(shape), torch.ones(shape[:-1]) > 0
        while bad.any():
            new = (t.normal(*shape, std=size) / 0.1).round() * 0.1
            new = new + t.uniform(*shape, low=-1, high=1).argsort(-1) * 0.1 / n
            if ties:
                low = new.sort(-1, descending=True)[0]
                kth, last = low[..., ties - 1 : ties], low[..., ties + 1 : ties + 2]
                new = torch.where((new <= kth) & (new >= last), kth, new)
            x = torch.where(bad[..., None], new, x)
            y = (x / temperature).double()
            gaps = y.sort(-1)[0].diff(dim=-1)
            bad = ((gaps < 1.2e-3) & (gaps != 0)).any(-1)
            if p is not None:
                share = cut(y, k).sort(-1, descending=True)[0].softmax(-1)
                bad |= ((share.cumsum(-1) - p).abs() < 4e-3).any(-1)
        return x

    judged("k alone", rows(30, 9), 4, None)
    judged("p alone", rows(6, 12, p=0.6), None, 0.6)
    for k, p, heat in (
        (3, 0.8, 0.7),
        (3, 0.6, 0.5),
        (5, 0.8, 1.6),
        (7, 0.9, 1.0),
        (4, 0.3, 2.5),
    ):
        x = rows(40, 10, k=k, p=p, temperature=heat)
        judged("both, at a temperature", x, k, p, heat)
    judged("temperature alone", rows(3, 5), None, None, 0.4)
    judged("k = 1", rows(3, 6), 1, None)
    judged("k = 1 and a p", rows(3, 6, k=1, p=0.5), 1, 0.5)
    for k in (6, 7, 1000):
        judged("k as many as there are, or more", rows(2, 6), k, None)
    told = "nothing kept"
    for p in (0.02, 1e-6):
        judged("a small p keeps the most probable", rows(4, 7, p=p), None, p, told=told)
    for ties in (2, 3):
        told = "ties broken"
        judged("ties at the k-th", rows(3, 8, ties=ties), ties, None, told=told)
    judged(
        "ties among the k", torch.tensor([[3.0, 1, 3, 2, 0], [1, 1, 2, 4, 1]]), 2, None
    )
    x = torch.tensor([[1.0, 3, 1, 1, -2], [0, 0, 0, 0, 0], [4, 4, 4, -1, 4]])
    judged("ties at p", x, None, 0.77, told="ties broken")
    judged("all alike", torch.zeros(2, 5), 2, 0.5, told="ties broken")
    x = torch.tensor([[0.0, -300, 5, -90, 200], [1000, -3000, 2999, 0, 3000]])
    for p in (1.0, None):
        judged("p of 1 or None", x, None, p, 1.0, "p of 1 cuts off")
    x = t.uniform(3, 6, low=0, high=1).argsort(-1) / 2
    judged("logits near to 0", x, None, 0.8)
    for far_off in (1000.0, -2000.0):
        judged("the same far from 0", x + far_off, None, 0.8, told=BARE)
    x = torch.tensor([[2000, 2000.01, -3000, 1998], [3000, -50, 2999.99, 1]])
    for small in (x, x.double(), torch.tensor([[1e-9, 2e-9, -3, 0]]).double()):
        judged("nearly equal logits", small, 1, None, told=NEAR)
        judged("nearly equal logits", small, None, 0.3, told=NEAR)
    x = torch.tensor([[0.0, -300, 5, -90, 200], [1000, -3000, 2999, 0, 3000]])
    judged("logits of thousands", x, 4, 0.9)
    x = torch.tensor(
        [[inf, inf, 2, inf, 1, 0], [0, inf, -1, 1, 3, 2], [inf] * 3 + [4, inf, inf]]
    )
    for k, p in ((3, None), (6, None), (4, 0.8), (3, 0.8), (None, 1.0), (None, 0.8)):
        judged("logits of minus infinity", x, k, p)
    for shape in ((7,), (1, 7), (1,), (2, 1), (2, 3, 2, 6), (1, 1, 1, 4)):
        k, p = min(4, shape[-1]), 0.75
        judged("other shapes", rows(*shape, k=k, p=p), k, p)
    judged("many tokens", rows(2, 60, k=40, p=0.9, size=2.0), 40, 0.9)
    x = rows(3, 9, k=5, p=0.8, temperature=0.7).double()
    judged("float64", x + 1e-12, 5, 0.8, 0.7)
    x = 1 + torch.tensor([[1e-9, 2e-9, -3, 0]]).double()
    for k, p in ((2, None), (None, 0.3)):
        judged("nearly equal in float64", x, k, p, told=NEAR)
    t.property("a new tensor")
    x = rows(2, 5)
    out = t.tensor(t.guard(restrict, x, None, None, 1.0))
    own = out.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    t.true(own, "A new tensor.", "logits itself.", "the same tensor")
