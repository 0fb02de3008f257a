"""Mistakes in sequences.py, and the tests that must notice them."""

TESTS = ("test_sequences.py", "test_pixels.py", "test_contract.py")
MUTANTS = [
    (
        "a token sees itself",
        "self.token(x.flatten(1)[:, :-1])\n        h = torch",
        "self.token(x.flatten(1)[:, 1:])\n        h = torch",
    ),
    (
        "the axes of tokens and levels",
        "self.head(self.net(h)).transpose(1, 2)",
        "self.head(self.net(h))",
    ),
    (
        "positions forgotten in steps",
        "self.net(h + where, cache)",
        "self.net(h, cache)",
    ),
    (
        "the token before that",
        "where, cache)[:, 0])\n            h = self.token(tokens[:, place, None])",
        "where, cache)[:, 0])\n            h = self.token(tokens[:, place - 1, None])",
    ),
    ("not turned", "rotate if rotary else None", "None"),
    (
        "label forgotten in steps",
        "self.net.cache(), self.begin(x, c)",
        "self.net.cache(), self.begin(x, None)",
    ),
    (
        "a token sees itself in a recurrent net",
        "self.token(x.flatten(1)[:, :-1])\n        h, _",
        "self.token(x.flatten(1)[:, 1:])\n        h, _",
    ),
    ("a state forgotten", "self.net(h, state)", "self.net(h)"),
    (
        "the token before that in a recurrent net",
        "h[:, 0])\n            h = self.token(tokens[:, place, None])",
        "h[:, 0])\n            h = self.token(tokens[:, place - 1, None])",
    ),
    (
        "label forgotten in the steps of a recurrent net",
        "None, self.begin(x, c)",
        "None, self.begin(x, None)",
    ),
    ("always an LSTM", "self.net = cell(width", "self.net = nn.LSTM(width"),
    ("one layer", "cell(width, width, depth,", "cell(width, width, 1,"),
]
