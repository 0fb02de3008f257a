"""Mistakes in ngrams.py, and the tests that must notice them."""

TESTS = ("test_ngrams.py",)
MUTANTS = [
    ("a gram of the wrong end", "gram = gram[..., :-1]", "gram = gram[..., 1:]"),
    (
        "digits overlap",
        "gram = gram * self.levels + x",
        "gram = gram * (self.levels - 1) + x",
    ),
    (
        "rows reach into each other",
        "self._counts, gram = [], torch.zeros_like(x)",
        "self._counts, gram = [], torch.zeros_like(x := x.flatten())",
    ),
    ("nothing forgotten", "self._counts, gram = [],", "gram ="),
    ("begins with certainty", "1 / self.levels,", "1.0,"),
    (
        "the token itself is its context",
        "+ x[..., k:-1, None]",
        "+ x[..., k + 1 :, None]",
    ),
    ("unseen contexts say nothing", "torch.where(seen > 0, share, p)", "share"),
    ("seen contexts are left", "torch.where(seen > 0, share, p)", "p"),
    (
        "as many kinds as times",
        "index_add_(0, row, self.times)",
        "index_add_(0, row, self.times * 0 + 1)",
    ),
    (
        "unknown grams counted",
        "self.times[at] * known + kinds * p",
        "self.times[at] + kinds * p",
    ),
    ("nothing left for the new", "(seen + kinds)", "seen"),
    (
        "the one after it",
        "return at, numbers[at] == query",
        "return at, numbers[at] >= query",
    ),
    ("a window too short", "place - self.n + 1)", "place - self.n + 2)"),
    ("the next token in the window", ": place + 1]", ": place + 2]"),
    ("levels and places exchanged", ".transpose(1, 2).flatten(1)", ".flatten(1)"),
    ("too many grams", "> 2**63", "> 2**70"),
]
