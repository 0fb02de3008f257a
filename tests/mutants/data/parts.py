"""Mistakes in data/parts.py, and the tests that must notice them."""

TESTS = ("test_data_sets.py",)
MUTANTS = [
    ("the first of ten is the test part", "i % k == k - 1", "i % k == 0"),
    (
        "validation from the start",
        "slice(n - size, n) if last",
        "slice(0, size) if last",
    ),
    ("the last tenth rounded down", "n - 9 * n // 10", "n // 10"),
    ("attributes of all rows", "attributes=pick(parsed.attributes),", ""),
]
