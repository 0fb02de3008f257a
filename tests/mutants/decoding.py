"""Mistakes in decoding.py, and the tests that must notice them."""

TESTS = ("test_decoding.py",)
MUTANTS = [
    ("the smallest are kept", "order[..., integer", "order.flip(-1)[..., integer"),
    ("what stands after the edge goes", "(before >= p)", "(before + share >= p)"),
    ("one more at the edge", "(before >= p)", "(before > p)"),
    ("in the order of the shares", ".gather(-1, order.argsort(-1))", ""),
    ("ranks for places", "order.argsort(-1))", "order)"),
    ("shares in the order of tokens", ".softmax(-1).gather(-1, order)", ".softmax(-1)"),
    ("a rounded sum cuts the tail", "if p == 1:", "if p == 2:"),
    ("always taken", "(p[token] / q[token])", "(q[token] / q[token])"),
    ("a ratio the wrong way", "(p[token] / q[token])", "(q[token] / p[token])"),
    ("drawn again from the target", "(p - q).clamp(min=0)", "p"),
    ("what the draft has too much of", "(p - q).clamp(min=0)", "(q - p).clamp(min=0)"),
    ("the rest is kept after a rejection", "                break\n", ""),
    ("the next token from the draft's last", "rest = due[-1]", "rest = due[0]"),
    ("a temperature for one", "logits = params(x)", "logits = temperature * params(x)"),
    ("not restricted", "logits if restrict is None else restrict(logits)", "logits"),
    (
        "a draft for the last token too",
        "min(place + gamma, d - 1)",
        "min(place + gamma, d)",
    ),
    ("one draft too few", "min(place + gamma, d - 1)", "min(place + gamma - 1, d - 1)"),
    (
        "the input is written into",
        "x.clone(memory_format=torch.contiguous_format)",
        "x",
    ),
    ("drafts not written", "values[at] = _one_of(guesses[-1])", "_one_of(guesses[-1])"),
]
