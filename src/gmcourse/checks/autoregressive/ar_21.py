"""Exercise ar-21: A cache that remembers wrongly."""

import math
from typing import Any

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

BLIND = "no mask among the new tokens"


@Exercise(
    id="ar-21",
    title="A cache that remembers wrongly",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=5,
    stub_mistake=BLIND,
    objectives=(
        "Find what makes a decoder with a cache of keys and values differ from the "
        "same decoder without one.",
    ),
    statement=r"""
The class below is a small decoder: `depth` layers of causal attention with rotary
positions ([Su et al., 2021](https://arxiv.org/abs/2104.09864)), each added to what came
in. `forward(tokens)` takes a whole text, int64 `(b, t)`, and gives its logits,
`(b, t, levels)`, and a cache of the keys and values. `forward(tokens, cache)` goes on:
`tokens` are then only those that are new, one or several, and the logits, as many, are
to be those that the whole text would give at these places.

*Without a cache all is right*: the logits of `forward(tokens)` stay as they are, for
all values of the parameters. With a cache it has **four faults**. Repair them, so that

- a text fed in pieces of any sizes, 1 or more, gives the logits of the text fed at
  once, to $10^{-4}$ in float32 and to $10^{-9}$ in float64 (after `.double()`);
- a cache that was passed in is not changed: one may go on from it a second time, with
  other tokens, and what came out the first time stays as valid as before, so that one
  may then go on from each of the two;
- in each call the new tokens alone are embedded: a cache of the tokens, from which all
  is computed anew, is not what is asked.

The cache itself may be anything but None. The arguments of `Decoder(levels, width,
heads, depth)` stay as they are (`width` is a multiple of $2\,\times$ `heads`, and all
are 1 or more), and so do the names and shapes of the parameters; other values are put
in after it is made. Texts have at most 100 tokens.
""",
    stub='''
def turn(x, places):
    """Rotary positions: x (b, h, t, m), places (t,)."""
    m = x.shape[-1]
    theta = 10_000 ** (-torch.arange(0, m, 2).to(x) / m)
    angle = places[:, None].to(x) * theta
    a, c = x[..., 0::2], x[..., 1::2]
    cos, sin = angle.cos(), angle.sin()
    pair = [a * cos - c * sin, a * sin + c * cos]
    return torch.stack(pair, dim=-1).flatten(-2)


class Decoder(nn.Module):
    """(b, t), cache -> logits (b, t, levels), cache."""

    def __init__(self, levels, width, heads, depth):
        super().__init__()
        self.heads = heads
        self.embed = nn.Embedding(levels, width)
        self.qkv = nn.ModuleList()
        self.out = nn.ModuleList()
        for _ in range(depth):
            self.qkv.append(nn.Linear(width, 3 * width))
            self.out.append(nn.Linear(width, width))
        self.head = nn.Linear(width, levels)

    def forward(self, tokens, cache=None):
        x, new = self.embed(tokens), []
        for i, out in enumerate(self.out):
            old = None if cache is None else cache[i]
            y, kept = self.attend(self.qkv[i](x), old)
            x = x + out(y)
            new.append(kept)
        return self.head(x), new

    def attend(self, qkv, old):
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in qkv.chunk(3, dim=-1)
        )
        t, m = q.shape[-2:]
        start = 0 if old is None else old[0].shape[2] - 1
        q = turn(q, start + torch.arange(t))
        if old is not None:
            k = torch.cat([old[0], k], dim=2)
            v = torch.cat([old[1], v], dim=2)
        k = turn(k, torch.arange(k.shape[2]))
        scores = q @ k.transpose(-2, -1)
        if old is None:
            ahead = torch.ones(t, t, dtype=torch.bool).triu(1)
            scores = (scores / math.sqrt(m)).masked_fill(ahead, -math.inf)
        y = scores.softmax(dim=-1) @ v
        return y.transpose(1, 2).flatten(2), (k, v)
''',
    answers={"Decoder": callable},
    hints=(
        "Feed three tokens at once and then one more. Which of the four mistakes can "
        "that show? And three, then two more?",
        "At which position does the first new token stand, if the cache holds ten? And "
        "by how many angles has the second key been turned after three calls?",
        "Everything that is done to scores without a cache is due with one, too; only "
        "the mask has another shape: `(new, old + new)`.",
    ),
    misconceptions={
        BLIND: "Several tokens that are fed at once must not see each other's future, "
        "with a cache as well.",
        "mask at the wrong diagonal": "The i-th new token sees the cache, the new "
        "tokens before it and itself.",
        "cached tokens not seen": "The whole cache is seen by all new tokens.",
        "scale missing with a cache": "The scores are divided by the root of m, "
        "whether there is a cache or not.",
        "position of the new tokens off": "The first new token stands right after "
        "those in the cache.",
        "cached keys turned again": "A key is turned once, by its own position: either "
        "before it is kept, or each time after.",
        "keys not turned with a cache": "All keys are turned, old and new.",
        "scale of another width": "The root of m, once, with a cache as without.",
        "only the last piece kept": "The new cache holds what was in the old one, too.",
        "only the last tokens kept": "The cache forgets nothing, however long the "
        "text is.",
        "masked after the softmax": "The tokens that are seen share the whole: mask "
        "the scores, not the weights.",
        "new keys before the old ones": "The new keys and values stand behind those in "
        "the cache, as the mask has them.",
        "cache of another layer": "Each layer has keys and values of its own.",
        "logits of the last token alone": "Each new token has its logits.",
        "logits of earlier tokens, too": "Those of the new tokens are due.",
        "other logits without a cache": "Without a cache all was right.",
        "cache changed": "The cache that was passed in belongs to the caller, who may "
        "go on from it again.",
        "several caches share one memory": "What has come out belongs to the caller as "
        "well: another text that goes on from the same cache must not overwrite it.",
        "all is computed anew": "Only the new tokens are embedded: the rest is in the "
        "cache.",
        "state kept in the module": "What is known of the past is in the cache that "
        "was passed in.",
        "parameters renamed or reshaped": "Names and shapes stay as they are.",
        "no pair": "Two things are due, the logits and the cache.",
        "sequences mixed": "Each text of the batch is one by itself.",
        "float32 in between": "A decoder in float64 has sixteen digits.",
        "cache left as it was": "The new cache holds the new tokens as well.",
    },
)
def ar_21(t, Decoder):
    counted: list[int] = []

    def network(levels, width, heads, depth, kind=torch.float32, flat=False):
        net = t.call(Decoder, levels, width, heads, depth)
        shapes = {k: tuple(v.shape) for k, v in net.named_parameters()}
        due = {"embed.weight": (levels, width)}
        for i in range(depth):
            due[f"qkv.{i}.weight"] = (3 * width, width)
            due |= {f"qkv.{i}.bias": (3 * width,), f"out.{i}.weight": (width, width)}
            due[f"out.{i}.bias"] = (width,)
        due |= {"head.weight": (levels, width), "head.bias": (levels,)}
        why, name = "The parameters of the stub.", "parameters renamed or reshaped"
        t.true(shapes == due, why, "Others.", name)
        net = net.to(kind)
        with torch.no_grad():
            for name, p in net.named_parameters():
                size = 0.3 if "bias" in name else 1.2 / width**0.5
                size = 1.0 if "embed" in name else size
                p.copy_(t.normal(*p.shape, std=size).to(kind))
                if "qkv" in name and flat:
                    p[:width] = 0  # all scores are 0
        net.embed.register_forward_pre_hook(lambda _, a: counted.append(a[0].numel()))
        return net

    def called(net, tokens, *cache):
        counted.clear()
        out = t.call(net, tokens, *cache)
        pair = isinstance(out, tuple | list) and len(out) == 2
        got = f"an object of type {type(out).__name__}"
        t.true(pair, "(logits, cache).", got, "no pair")
        (b, n), levels = tokens.shape, net.head.out_features
        got = tuple(t.tensor(out[0]).shape)
        ideas = {
            "logits of the last token alone": [(b, 1, levels), (b, levels)],
            "logits of earlier tokens, too": [got] if got[1:2] > (n,) else [],
        }
        t.shape(out[0], (b, n, levels), "logits.", ideas=ideas)
        t.dtype(out[0], net.head.weight.dtype, "that of the parameters.")
        few = sum(counted) <= tokens.numel()
        told = f"{tokens.numel()} new tokens to embed.", f"{sum(counted)} were."
        t.true(few, *told, "all is computed anew")
        return out

    def fed(name, net, tokens, sizes):
        """In pieces, each against the whole text."""
        t.property(name)
        parts, start, cache = tokens.split(sizes, 1), 0, ()
        kind, single = net.head.weight.dtype, "float32 in between"
        tol = 1e-9 if kind == torch.float64 else 1e-4
        due = model(net, tokens)
        for j, part in enumerate(parts):
            logits, new = called(net, part, *cache)
            end = start + part.shape[1]
            right, why = due[:, start:end], "The logits of the whole text there."
            got = t.tensor(logits).detach().double()
            close = not far(got, right, 1e-3).any()
            name = single if kind == torch.float64 and close else None
            ideas: Any = rivals(net, tokens, sizes, start, end)
            if not j:
                ideas = {"other logits without a cache": [logits]}
            ideas = None if name else ideas
            t.close(logits, right, why, name, ideas, tol)
            start, cache = end, (new,)
        return cache

    def text(b, n, levels=9):
        return t.integers(b, n, low=0, high=levels - 1)

    net = network(9, 8, 2, 1)
    tokens = text(2, 7)
    fed("a whole text at once", net, tokens, [7])
    t.property("the same text again")
    told = "As if it were the first time.", "state kept in the module"
    t.close(called(net, tokens)[0], model(net, tokens), *told, tol=1e-4)
    flat = network(9, 8, 2, 1, flat=True)
    fed("several at once, where all scores are 0", flat, text(2, 7), [3, 4])
    net = network(9, 8, 2, 1)
    fed("one layer, in pieces", net, text(2, 9), [4, 3, 2])
    fed("one layer, one token at a time", net, text(2, 8), [1] * 8)
    double = network(9, 8, 2, 1, torch.float64)
    fed("float64", double, text(2, 9), [4, 1, 3, 1])
    for b, heads, m, depth, sizes in (
        *((2, 2, 4, 2, [3, 1, 4]), (1, 1, 2, 3, [1, 1, 5]), (3, 3, 4, 2, [2, 6, 1, 1])),
        *((2, 1, 8, 1, [1, 9]), (1, 4, 2, 4, [20, 1, 1, 11]), (2, 2, 2, 2, [30, 30])),
        *((1, 2, 2, 2, [40, 30, 1, 1]), (1, 1, 2, 1, [1, 66, 33])),
    ):
        net = network(9, heads * m, heads, depth, torch.float64)
        name = f"{depth} layers, pieces of {', '.join(map(str, sizes))}"
        fed(name, net, text(b, sum(sizes)), sizes)

    net = network(9, 8, 2, 2, torch.float64)
    t.property("two texts in turn")
    pair = [[text(1, 6), 0, ()] for _ in "12"]
    for i in range(6):
        for row in pair:
            logits, cache = called(net, row[0][:, i : i + 1], *row[2])
            row[2] = (cache,)
            due = model(net, row[0])[:, i : i + 1]
            told = "Each has its cache.", "state kept in the module"
            t.close(logits, due, *told, tol=1e-4)
    t.property("going on from one cache twice")
    tokens, other = text(2, 8), text(2, 4)
    _, cache = called(net, tokens[:, :5])
    for more in (tokens[:, 5:], other, tokens[:, 5:], other[:, :1]):
        due = model(net, torch.cat([tokens[:, :5], more], 1))[:, 5:]
        logits, _ = called(net, more, cache)
        t.close(logits, due, "As if it were the first time.", "cache changed", tol=1e-4)
    t.property("going on from both that went on from one")
    _, cache = called(net, tokens[:, :3])
    starts = [(v, called(net, v, cache)[1]) for v in (tokens[:, 3:5], other[:, :2])]
    for start, cache in starts:
        logits, _ = called(net, tokens[:, 5:], cache)
        due = model(net, torch.cat([tokens[:, :3], start, tokens[:, 5:]], 1))[:, 5:]
        told = "Each has its cache.", "several caches share one memory"
        t.close(logits, due, *told, tol=1e-4)


def spun(x, places):
    m = x.shape[-1]
    theta = 10_000 ** (-torch.arange(0, m, 2).double() / m)
    z = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    angle = places.double()[:, None] * theta
    z = z * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(z).flatten(-2)


def model(net, tokens, sizes=None, how=((0, 0), "right", "right", 0.5, "all", "own")):
    """Logits of a text, in pieces with the mistakes ``how``; float64."""
    w = {k: v.detach().double() for k, v in net.named_parameters()}
    heads, depth, outs = net.heads, len(net.out), []
    off, masked, keys, power, kept, layer = how
    cache: list[Any] = [None] * depth
    sizes = sizes or [tokens.shape[1]]
    for j, tokens_new in enumerate(tokens.split(sizes, 1)):
        x, before = w["embed.weight"][tokens_new], [*cache]
        for i in range(depth):
            qkv = x @ w[f"qkv.{i}.weight"].T + w[f"qkv.{i}.bias"]
            split = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
            (q, k, v), n = split, x.shape[1]
            old = before[{"first": 0, "last": depth - 1}.get(layer, i)]
            past = 0 if old is None else old[0].shape[2]
            spots = past + torch.arange(n)
            new = old is not None
            steps = {None: -past, "new": n, "calls": j - past}
            steps["piece"] = sizes[j - 1] - past
            at = [spots + new * steps.get(c, c) for c in off]
            q = spun(q, at[0])
            raw = k, v
            if keys != "again":
                k = k if keys == "plain" and new else spun(k, at[1])
            if old is not None:
                order = -1 if kept == "front" else 1
                k, v = (torch.cat(both[::order], 2) for both in zip(old, (k, v)))
            if keys == "again":
                k = spun(k, torch.arange(k.shape[2]))
            if kept != "old" or not new:
                cut = past if kept == "last" else -kept if type(kept) is int else 0
                cache[i] = k[:, :, cut:], v[:, :, cut:]
            if keys == "late":  # turned when they are new, and kept as they were
                both = zip(old or raw, raw)
                cache[i] = [torch.cat(v, 2) for v in both] if old else raw
            s = q @ k.mT / q.shape[-1] ** (power if new else 0.5)
            place = torch.arange(k.shape[2])
            sees: Any = {
                "right": place <= spots[:, None],
                "none": place >= 0,
                "late": place <= spots[:, None] + 1,
                "early": place < spots[:, None],
                "top": place <= torch.arange(n)[:, None],
                "new": (place <= spots[:, None]) & (place >= past),
                "after": place <= spots[:, None],
            }
            if type(masked) is int:
                sees[masked] = sees["right"] & (place >= past - masked)
            sees = sees[masked if new else "right"]
            if masked == "after":
                s = s.softmax(-1) * sees
            else:
                s = s.masked_fill(~sees, -math.inf).softmax(-1)
            y = (s @ v).transpose(1, 2).flatten(2)
            x = x + y @ w[f"out.{i}.weight"].T + w[f"out.{i}.bias"]
        outs.append(x @ w["head.weight"].T + w["head.bias"])
    return torch.cat(outs, 1)


def rivals(net, tokens, sizes, start, end):
    """What one or two mistakes give in one piece."""
    windows = [16, 32, 64] if end > 17 else []
    parts: list[dict[str, Any]] = [
        {
            "": (0, 0),
            "position of the new tokens off": [
                *((-1, 0), (1, 0), (-1, -1), (1, 1), (0, -1), (0, 1)),
                *((None, 0), (None, None), (0, None), ("new", 0), ("new", "new")),
                *(("calls", "calls"), ("calls", 0), ("piece", "piece"), ("piece", 0)),
            ],
        },
        {
            "": "right",
            BLIND: "none",
            "mask at the wrong diagonal": ["late", "early", "top"],
            "cached tokens not seen": "new",
            "masked after the softmax": "after",
            "only the last tokens kept": windows,
        },
        {
            "": "right",
            "cached keys turned again": "again",
            "keys not turned with a cache": ["plain", "late"],
        },
        {
            "": 0.5,
            "scale missing with a cache": 0.0,
            "scale of another width": [1.0, 0.25, -0.5],
        },
        {
            "": "all",
            "cache left as it was": "old",
            "only the last piece kept": "last",
            "only the last tokens kept": windows,
            "new keys before the old ones": "front",
        },
        {"": "own", "cache of another layer": ["first", "last"]},
    ]

    def value(*how):
        return model(net, tokens, sizes, how)[:, start:end]

    left = "position of the new tokens off, and cached keys turned again, and "
    three = (-1, 0), "right", "again", 0.0, "all", "own"
    yield left + "scale missing with a cache", value(*three)
    yield from mistakes(value, *parts)
    right = model(net, tokens)
    yield "sequences mixed", right.roll(1, 0)[:, start:end]
