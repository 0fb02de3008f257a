"""Mistakes in zoo/measure/molecules.py, and the tests that must notice them."""

TESTS = ("test_zoo_molecules.py",)
MUTANTS = [
    ("novel beside all", '.strings("train")[: self.against]', '.strings("train")'),
    ("novel beside the test part", 'source.strings("train")', 'source.strings("test")'),
    (
        "donors of all that are drawn",
        "sum(told) / max(1, len(told))",
        "sum(told) / len(strings)",
    ),
    (
        "donors without an end",
        "min(3, read(string).donors) == due",
        "read(string).donors == due",
    ),
    ("chance as if all were equal", "share.square().sum()", "share.mean()"),
    (
        "the error of one string",
        "(value * (100 - value) / len(strings)) ** 0.5",
        "(value * (100 - value)) ** 0.5",
    ),
]
