"""Versions of exercise ar-21."""

import math

import torch
from torch import nn

from .. import edits, reference, right, wrong


def turn(x, places):
    m = x.shape[-1]
    theta = 10_000 ** (-torch.arange(0, m, 2).to(x) / m)
    angle = places[:, None].to(x) * theta
    a, c = x[..., 0::2], x[..., 1::2]
    pair = [a * angle.cos() - c * angle.sin(), a * angle.sin() + c * angle.cos()]
    return torch.stack(pair, dim=-1).flatten(-2)


class Base(nn.Module):
    """The parameters."""

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

    def split(self, i, x):
        """Queries, keys, values, each (b, h, t, m)."""
        b, t, d = x.shape
        y = self.qkv[i](x).view(b, t, 3, self.heads, d // self.heads)
        return y.permute(2, 0, 3, 1, 4)


class Ar21:
    r"""
    The new queries stood one place too early; the keys in the cache had been turned,
    and were turned again with each call; the scale and the mask were in the branch
    without a cache alone. There are two ways to mend the second: keep keys as they are
    and turn all of them each time, or turn each once, before it is kept, which costs
    less.

    One token at a time shows three of them. The mask is missing only where several
    tokens are fed at once, as a prompt is that comes when something is in the cache
    already, and then every logit but the last of the piece is wrong, in one layer. With
    more layers the last one is wrong, too, and so is what is kept for later.

    A wrong position of all new tokens, keys and queries alike, is harmless among them,
    since only distances count, and wrong toward those in the cache. What a test of
    single steps from an empty cache cannot show, a text fed in pieces does.
    """

    @reference
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
            start = 0 if old is None else old[0].shape[2]
            places = start + torch.arange(t)
            q, k = turn(q, places), turn(k, places)
            if old is not None:
                k = torch.cat([old[0], k], dim=2)
                v = torch.cat([old[1], v], dim=2)
            scores = q @ k.transpose(-2, -1) / math.sqrt(m)
            ahead = torch.arange(start + t) > places[:, None]
            y = scores.masked_fill(ahead, -math.inf).softmax(dim=-1) @ v
            return y.transpose(1, 2).flatten(2), (k, v)

    @right
    class TurnedEachTime(Base):
        """Keys are kept as they are."""

        def forward(self, tokens, cache=None):
            x, kept = self.embed(tokens), []
            for i in range(len(self.out)):
                q, k, v = self.split(i, x)
                if cache:
                    k = torch.cat((cache[i][0], k), -2)
                    v = torch.cat((cache[i][1], v), -2)
                kept.append((k, v))
                n, t = k.shape[-2], q.shape[-2]
                q, k = turn(q, torch.arange(n - t, n)), turn(k, torch.arange(n))
                mask = torch.ones(t, n, dtype=torch.bool).tril(n - t)
                y = nn.functional.scaled_dot_product_attention(q, k, v, mask)
                x = x + self.out[i](y.transpose(1, 2).reshape(x.shape))
            return self.head(x), kept

    @right
    class TokenByToken(Base):
        """A piece is fed one token after the other, into a dictionary."""

        def forward(self, tokens, cache=None):
            cache = {"at": 0, "kept": {}} if cache is None else cache
            at, kept, found = cache["at"], dict(cache["kept"]), []
            for one in tokens.split(1, 1):
                x = nn.functional.embedding(one, self.embed.weight)
                for i, out in enumerate(self.out):
                    q, k, v = self.split(i, x)
                    place = torch.tensor([at])
                    q, k = turn(q, place), turn(k, place)
                    if i in kept:
                        k = torch.cat([kept[i][0], k], 2)
                        v = torch.cat([kept[i][1], v], 2)
                    kept[i] = (k, v)
                    w = (q @ k.mT / math.sqrt(k.shape[-1])).softmax(-1)
                    x = x + out((w @ v).transpose(1, 2).reshape(x.shape))
                found.append(self.head(x))
                at += 1
            return torch.cat(found, 1), {"at": at, "kept": kept}

    @right
    class CountedFromElsewhere(Base):
        """One tensor; positions begin at 7; keys are turned back and on."""

        def forward(self, tokens, cache=None):
            x, kept = self.embed(tokens), []
            past = 0 if cache is None else cache.shape[4]
            t = tokens.shape[1]
            places = 7 + past + torch.arange(t)
            for i, out in enumerate(self.out):
                q, k, v = self.split(i, x)
                both = torch.stack([turn(k, places), v])
                if past:
                    both = torch.cat([cache[i], both], 3)
                kept.append(both)
                scores = turn(q, places) @ both[0].mT * q.shape[-1] ** -0.5
                shut = torch.full((t, t), -math.inf).to(x).triu(1)
                scores = scores + nn.functional.pad(shut, (past, 0))
                y = torch.softmax(scores, -1) @ both[1]
                x = x + out(y.transpose(1, 2).reshape(x.shape))
            return [self.head(x), torch.stack(kept)]

    @right
    class InABuffer(Base):
        """Room for 100 tokens, copied at each call."""

        def forward(self, tokens, cache=None):
            x, (b, t) = self.embed(tokens), tokens.shape
            m = x.shape[-1] // self.heads
            room, past = cache or (
                x.new_zeros(len(self.out), 2, b, self.heads, 100, m),
                0,
            )
            room, end = room.clone(), past + t
            places = torch.arange(100)
            sees = places <= places[past:end, None]
            for i, out in enumerate(self.out):
                q, k, v = self.split(i, x)
                room[i, 0, :, :, past:end] = turn(k, places[past:end])
                room[i, 1, :, :, past:end] = v
                k, v = room[i].clone()
                scores = turn(q, places[past:end]) @ k.mT / m**0.5
                y = scores.where(sees, -math.inf).softmax(-1) @ v
                x = x + out(y.transpose(1, 2).reshape(x.shape))
            return self.head(x), (room, end)

    edited = edits(
        Decoder,
        """
    no mask among the new tokens | ahead = torch.arange(start + t) > places[:, None]
        -> ahead = torch.arange(start + t) > places[:, None] + (t if start else 0)
    mask at the wrong diagonal | places[:, None] -> places[:, None] + int(start > 0)
    mask at the wrong diagonal | > places[:, None] -> > places[:, None] - int(start > 0)
    mask at the wrong diagonal | > places[:, None] -> > torch.arange(t)[:, None]
    cached tokens not seen | ahead = torch.arange(start + t) > places[:, None]
        -> ahead = torch.arange(start + t) > places[:, None];
           ahead[:, :start] = True
    scale missing with a cache | / math.sqrt(m)
        -> / (math.sqrt(m) if old is None else 1)
    position of the new tokens off | start + torch.arange(t)
        -> start - int(start > 0) + torch.arange(t)
        | ahead = torch.arange(start + t) > places[:, None]
        -> ahead = torch.arange(start + t) > start + torch.arange(t)[:, None]
    position of the new tokens off | start + torch.arange(t)
        -> start + int(start > 0) + torch.arange(t)
        | ahead = torch.arange(start + t) > places[:, None]
        -> ahead = torch.arange(start + t) > start + torch.arange(t)[:, None]
    position of the new tokens off | turn(q, places),
        -> turn(q, places - int(start > 0)),
    position of the new tokens off | turn(q, places),
        -> turn(q, places + int(start > 0)),
    position of the new tokens off | turn(k, places) -> turn(k, places - int(start > 0))
    position of the new tokens off | turn(k, places) -> turn(k, places - start)
    position of the new tokens off | turn(q, places), -> turn(q, places - start),
    position of the new tokens off | q, k = turn(q, places), turn(k, places)
        -> q, k = turn(q, places - start), turn(k, places - start)
    cached keys turned again | q, k = turn(q, places), turn(k, places)
        -> q = turn(q, places)
        | scores = -> k = turn(k, torch.arange(start + t)); scores =
    position of the new tokens off, and cached keys turned again, and scale missing with
        a cache | q, k = turn(q, places), turn(k, places)
        -> q = turn(q, places - int(start > 0))
        | scores = q @ k.transpose(-2, -1) / math.sqrt(m)
        -> k = turn(k, torch.arange(start + t));
           scores = q @ k.transpose(-2, -1) / (1 if start else math.sqrt(m))
    keys not turned with a cache | turn(k, places)
        -> (turn(k, places) if old is None else k)
    other logits without a cache | turn(q, places), turn(k, places) -> q, k
    other logits without a cache | / math.sqrt(m) ->
    other logits without a cache | x + out(y) -> out(y)
    other logits without a cache | x + out(y) -> x + 0.99 * out(y)
    cache left as it was | return self.head(x), new
        -> return self.head(x), new if cache is None else cache
    no pair | return self.head(x), new -> return self.head(x)
    logits of the last token alone | return self.head(x), new
        -> return self.head(x)[:, -1:], new
    logits of the last token alone | return self.head(x), new
        -> return self.head(x)[:, -1], new
    position of the new tokens off | turn(q, places),
        -> turn(q, places + (t if start else 0)),
    scale of another width | / math.sqrt(m) -> / (math.sqrt(m) if old is None else m)
    only the last piece kept | return y.transpose(1, 2).flatten(2), (k, v)
        -> return y.transpose(1, 2).flatten(2), (k[:, :, -t:], v[:, :, -t:])
    only the last tokens kept | return y.transpose(1, 2).flatten(2), (k, v)
        -> return y.transpose(1, 2).flatten(2), (k[:, :, -32:], v[:, :, -32:])
    only the last tokens kept | ahead = torch.arange(start + t) > places[:, None]
        -> ahead = torch.arange(start + t) > places[:, None];
           ahead[:, : max(start - 64, 0)] = True
    masked after the softmax | y = scores.masked_fill(ahead, -math.inf).softmax(dim=-1)
        -> y = scores.softmax(-1) * ~ahead if start else scores.masked_fill(ahead,
        -math.inf).softmax(-1); y = y
    new keys before the old ones | torch.cat([old[0], k] -> torch.cat([k, old[0]]
        | torch.cat([old[1], v] -> torch.cat([v, old[1]]
    position of the new tokens off | start = 0 if old is None else old[0].shape[2]
        -> start = 0 if old is None else old[0].shape[2];
           last = start and self.last; self.last = t
        | places = start + torch.arange(t) -> places = last + torch.arange(t)
        | > places[:, None] -> > places[:, None] - last + start
    cache of another layer | None if cache is None else cache[i]
        -> None if cache is None else cache[0]
    cache of another layer | None if cache is None else cache[i]
        -> None if cache is None else cache[-1]
    sequences mixed | return self.head(x), new
        -> return self.head(x).roll(int(cache is not None), 0), new
    float32 in between | (dim=-1) @ v -> (dim=-1).float().to(v) @ v
    float32 in between | q, k = turn(q, places), turn(k, places)
        -> q, k = turn(q.float(), places).to(v), turn(k.float(), places).to(v)
    parameters renamed or reshaped | width, 3 * width) -> width, 3 * width, bias=False)
    wrong dtype | return self.head(x), new -> return self.head(x).double(), new
    """,
    )

    @wrong("all is computed anew")
    class KeepsTheText(Decoder):
        def forward(self, tokens, cache=None):
            old = 0 if cache is None else cache.shape[1]
            both = tokens if cache is None else torch.cat([cache, tokens], 1)
            return super().forward(both)[0][:, old:], both

    @wrong("keys not turned with a cache")
    class KeepsThemUnturned(Base):
        def forward(self, tokens, cache=None):
            x, kept = self.embed(tokens), []
            for i, out in enumerate(self.out):
                q, k, v = self.split(i, x)
                old = k[:, :, :0] if cache is None else cache[i][0]
                past, t = old.shape[2], k.shape[2]
                places = past + torch.arange(t)
                v = v if cache is None else torch.cat([cache[i][1], v], 2)
                kept.append((torch.cat([old, k], 2), v))
                k = torch.cat([old, turn(k, places)], 2)
                mask = torch.ones(t, past + t, dtype=torch.bool).tril(past)
                y = nn.functional.scaled_dot_product_attention(
                    turn(q, places), k, v, mask
                )
                x = x + out(y.transpose(1, 2).reshape(x.shape))
            return self.head(x), kept

    @wrong("state kept in the module")
    class NeverForgets(Decoder):
        """A cache of its own, also where none is given."""

        def forward(self, tokens, cache=None):
            mine = getattr(self, "kept", None) if len(tokens) == 2 else None
            logits, self.kept = super().forward(
                tokens, mine if cache is None else cache
            )
            return logits, self.kept

    @wrong("logits of earlier tokens, too")
    class GivesAllLogits(Decoder):
        def forward(self, tokens, cache=None):
            old, before = (None, []) if cache is None else cache
            logits, new = super().forward(tokens, old)
            both = torch.cat([*before, logits], 1)
            return both, (new, [both])

    @wrong("cache changed")
    class AppendsToTheList(Decoder):
        def forward(self, tokens, cache=None):
            logits, new = super().forward(tokens, cache)
            if cache is None:
                return logits, new
            cache[:] = new
            return logits, cache

    @wrong("several caches share one memory")
    class InOneBuffer(InABuffer):
        """What is kept is never copied: a second text overwrites the first."""

        def forward(self, tokens, cache=None):
            room, past = (None, 0) if cache is None else cache
            logits, (new, end) = super().forward(tokens, cache)
            if room is None:
                return logits, (new, end)
            room[:, :, :, :, past:end] = new[:, :, :, :, past:end]
            return logits, (room, end)

    @wrong("state kept in the module")
    class KeepsItself(Decoder):
        """Begins anew where there is no cache, and else goes on from the last call."""

        def forward(self, tokens, cache=None):
            mine = None if cache is None else self.kept
            longest = cache is None or cache[0][0].shape[2] == mine[0][0].shape[2]
            same = cache is None or cache[0][0].shape[0] > 1
            logits, self.kept = super().forward(
                tokens, cache if same or not longest else mine
            )
            return logits, self.kept
