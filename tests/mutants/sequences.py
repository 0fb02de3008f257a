"""Mistakes in sequences.py, and the tests that must notice them."""

TESTS = ("test_sequences.py", "test_pixels.py", "test_contract.py")
MUTANTS = [
    ("a token sees itself", "x.flatten(1)[:, :-1]", "x.flatten(1)[:, 1:]"),
    ("the axes of tokens and levels", "self.head(h).transpose(1, 2)", "self.head(h)"),
    ("the axes of an image", "-1, *self.event_shape[1:])", "-1)"),
    ("a label is not told", "return self.start(c)", "return self.start(0 * c)"),
    ("no label is the last one", "self.classes + 1, width", "self.classes, width"),
    ("no label is the first one", "(len(x),), self.classes)", "(len(x),), 0)"),
    (
        "positions forgotten",
        "self.late(x, c) + self.position.weight",
        "self.late(x, c)",
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
