"""Mistakes in data/formats.py, and the tests that must notice them."""

TESTS = ("test_data_sets.py",)
MUTANTS = [
    ("keys numbered from 0", "np.where(digit == 0, 10, digit - 1)", "digit"),
    (
        "rows and columns exchanged",
        "place // 3], columns[place % 3]",
        "place % 3], columns[place // 3 % 3]",
    ),
    ("the test part heard before", "RandomState(1 if train else 2)", "RandomState(1)"),
    ("drawn anew each time", "RandomState(1 if train else 2)", "RandomState()"),
    ("all as loud", "10 ** draw.uniform(-1, 0)", "10 ** draw.uniform(0, 0)"),
    ("loud noise", "wave += 0.01 *", "wave += 0.3 *"),
]
