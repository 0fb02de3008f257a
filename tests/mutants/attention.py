"""Mistakes in attention.py, and the tests that must notice them."""

TESTS = ("test_attention.py", "test_pixels.py")
MUTANTS = [
    ("the future seen", "is_causal=t > 1", "is_causal=False"),
    ("the future seen in parts", "seen.tril(first)", "seen"),
    ("mask off by one", "seen.tril(first)", "seen.tril(first - 1)"),
    ("positions of the cache forgotten", "0 if cache is None else cache.length", "0"),
    ("cache position off by one", "else cache.length", "else max(0, cache.length - 1)"),
    (
        "keys not turned",
        "self.turn(q, first), self.turn(k, first)",
        "self.turn(q, first), k",
    ),
    ("new keys first", "zip(kept, (k, v))]", "zip((k, v), kept)]"),
    ("new keys one place late", "first : self.length] =", "first + 1 :][:, :, :1] ="),
    ("written to despite gradients", "if k.requires_grad or ", "if "),
    (
        "heads of every other channel",
        "view(b, t, 3, self.heads, -1)",
        "view(b, t, 3, -1, self.heads).mT",
    ),
    ("in bfloat16", "q.float(), k.float(), v.float()", "q, k, v"),
    ("autocast goes on", '"cpu", enabled=False', '"cpu"'),
    ("no scale", "is_causal=t > 1)", "is_causal=t > 1, scale=1.0)"),
    ("angles the other way for one", "a * sin + b * cos", "b * cos - a * sin"),
    ("speeds from 1 to 1 / 100", "10_000.0 **", "100.0 **"),
    (
        "the first position forgotten",
        "torch.arange(first, first + x",
        "torch.arange(0, x",
    ),
    ("queries for keys", "q, k, v = (part", "k, q, v = (part"),
]
