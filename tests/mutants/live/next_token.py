"""Mistakes in live/next_token.py, and the tests that must notice them."""

TESTS = ("test_live_next_token.py",)
MUTANTS = [
    ("a subclass is taken", "type(model) is not GPT", "not isinstance(model, GPT)"),
    ("a condition is dropped", "model.condition is not None", "False"),
    ("several axes", "len(model.event_shape) != 1 or ", ""),
    ("any length", "length > _LONGEST or ", ""),
    ("any number of levels", " or levels > _MOST", ""),
    ("symbols repeat", " or len(set(symbols)) < levels", ""),
    ("an end of several letters", " or len(symbols[0]) > 1", ""),
    ("the end in start", "set(start) - set(symbols[1:])", "set(start) - set(symbols)"),
    ("no letter is left to draw", "len(start) >= length", "len(start) > length"),
    ("rotary is not told", "attention.turn is rotate", "attention.turn is None"),
    ("attention without its norm", "norm(block.norms[0])", "norm(block.norms[1])"),
    ("the mlp upside down", "linear(block.mlp[0])", "linear(block.mlp[2])"),
    (
        "biases before scales",
        "map(half, layer.parameters())",
        "map(half, [*layer.parameters()][::-1])",
    ),
    ("weights not looked at", "        finite_half(f", "        print(f"),
    ("the trained model draws the still", "rounded(model).params", "model.params"),
    ("the letter before", "[:, len(tokens)].softmax", "[:, len(tokens) - 1].softmax"),
    ("without the beginning", "x[0, : len(tokens)] = ", "_ = "),
    ("the least likely ones", "argsort(descending=True", "argsort(descending=False"),
]
