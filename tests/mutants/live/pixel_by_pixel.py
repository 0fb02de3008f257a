"""Mistakes in live/pixel_by_pixel.py, and the tests that must notice them."""

TESTS = ("test_live_pixels.py",)
MUTANTS = [
    ("a subclass is taken", "type(model) is not NADE", "not isinstance(model, NADE)"),
    ("only one side is held", "max(shape) > _LARGEST", "shape[1] > _LARGEST"),
    ("the weights in another order", '"into", "out"', '"out", "into"'),
    ("the output bias for the hidden one", '"hidden_bias", "bias"', '"bias", "bias"'),
    ("height and width as drawn before", "list(shape[1:])", "list(shape[:0:-1])"),
    (
        "a start is kept as if by hand",
        '"by_hand": known is not None',
        '"by_hand": True',
    ),
    (
        "what is known is open",
        "str(int(v)) if kept else",
        "str(int(v)) if not kept else",
    ),
    ("any number is a pixel", "(values == 0) | (values == 1)", "(values >= 0)"),
    ("a mask of numbers", "known.dtype != torch.bool or ", ""),
    ("the trained model draws the still", "rounded(model).sample", "model.sample"),
    ("another seed", "seeded(0)", "seeded(1)"),
    (
        "the outer stream moves on",
        "    with seeded(0):\n",
        "    if torch.manual_seed(0):\n",
    ),
    (
        "columns for rows",
        ".permute(0, 2, 1, 3)\n    return",
        ".permute(1, 2, 0, 3)\n    return",
    ),
]
