"""Mistakes in zoo/measure/labels.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
    (
        "the real ones for the samples",
        "return Result.mean(100 * drawn, real",
        "return Result.mean(100 * real, real",
    ),
    (
        "not as warm as asked for",
        '{"temperature": self.temperature}',
        '{"temperature": 1.0}',
    ),
    ("not guided as asked for", '{"guidance": self.guidance}', '{"guidance": 1.0}'),
    ("one trait is enough", "(traits != 0).all(1)", "(traits == 1).any(1)"),
    ("traits that nobody named", "(traits != 0).all(1)", "(traits == 1).all(1)"),
    ("unnamed ones are wrong", "due < 0, torch.nan", "due < 0, 0.0"),
    ("unnamed ones are right", "due < 0, torch.nan", "due < 0, 1.0"),
    ("the samples for the real ones", '"real_each": real,', '"real_each": drawn,'),
    ("the real ones for each", '"each": drawn}', '"each": real}'),
    (
        "whole samples for the real ones",
        '"real": _whole(real)',
        '"real": _whole(drawn)',
    ),
    ("read as anything", "argmax(1) == c", "argmax(1) >= 0"),
    ("a share for a percentage", "Result.mean(100 * drawn", "Result.mean(drawn"),
    ("a share of phrases", "Result.mean(100 * _whole", "Result.mean(_whole"),
    (
        "traits in another order",
        "for name in TRAITS] for said",
        "for name in reversed(TRAITS)] for said",
    ),
]
