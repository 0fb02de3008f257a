"""Mistakes in wavenet.py, and the tests that must notice them."""

TESTS = ("test_sequences.py", "test_pixels.py")
MUTANTS = [
    ("a token sees itself", ".transpose(1, 2), 1)", ".transpose(1, 2), 0)"),
    (
        "all layers look back by one",
        "layer(_back(h, layer.dilation)",
        "layer(_back(h, 1)",
    ),
    (
        "taps exchanged in one pass",
        "torch.cat([past, now], 1)",
        "torch.cat([now, past], 1)",
    ),
    (
        "no gate",
        "gate(self.taps(torch.cat([past, now], 1)) + bias)",
        "(self.taps(torch.cat([past, now], 1)) + bias).chunk(2, 1)[0].tanh()",
    ),
    ("not told", "torch.cat([past, now], 1)) + bias", "torch.cat([past, now], 1))"),
    ("no residual", "return now + both", "return both"),
    ("the past is added", "return now + both", "return past + both"),
    (
        "the last layer's skip alone",
        "            total = total + skip\n        return",
        "            total = skip\n        return",
    ),
    (
        "the last step's skip alone",
        "                total = total + skip",
        "                total = skip",
    ),
    (
        "a queue too short",
        "deque([h] * layer.dilation)",
        "deque([h] * (layer.dilation - 1))",
    ),
    ("the newest of the queue", "queue.popleft()", "queue.pop()"),
    (
        "the token before that",
        "h = self.token(tokens[:, place])",
        "h = self.token(tokens[:, place - 1])",
    ),
    (
        "no label is a class",
        "self.condition.null(len(x), x)",
        "0 * self.condition.null(len(x), x)",
    ),
    (
        "label forgotten in steps",
        "c, tokens = self._label(x, c),",
        "c, tokens = self._label(x, None),",
    ),
    (
        "the token itself counted out",
        "return 1 + sum(self.dilations)",
        "return sum(self.dilations)",
    ),
    (
        "columns moved forward",
        "F.pad(h, (k, 0))[..., : h.shape[-1]]",
        "F.pad(h, (0, k))[..., k:]",
    ),
]
