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
    ("new keys first", "zip(self._kept, (k, v))", "zip((k, v), self._kept)"),
    (
        "heads of every other channel",
        "part.unflatten(-1, (self.heads, -1)).transpose(1, 2)",
        "part.unflatten(-1, (-1, self.heads)).movedim(3, 1)",
    ),
    ("in bfloat16", "torch.float32 if slow else q.dtype", "q.dtype"),
    ("autocast goes on", "q.device.type, enabled=False", "q.device.type"),
    ("no scale", "is_causal=t > 1)", "is_causal=t > 1, scale=1.0)"),
    ("angles the other way for one", "a * sin + b * cos", "b * cos - a * sin"),
    ("speeds from 1 to 1 / 100", "10_000.0 **", "100.0 **"),
    (
        "the first position forgotten",
        "torch.arange(first, first + x",
        "torch.arange(0, x",
    ),
    ("queries for keys", "q, k, v = (", "k, q, v = ("),
]
