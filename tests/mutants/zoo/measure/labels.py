"""Mistakes in zoo/measure/labels.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
    (
        "the real ones for the samples",
        "return Result.mean(drawn, real=float(real.mean()))",
        "return Result.mean(real, real=float(real.mean()))",
    ),
    (
        "not as warm as asked for",
        "self.n, temperature=self.temperature",
        "self.n, temperature=1.0",
    ),
    ("not guided as asked for", "guidance=self.guidance", "guidance=1.0"),
    (
        "all traits of a face",
        "said.items() <= row.items()",
        "said.items() >= row.items()",
    ),
    (
        "one trait is enough",
        "said.items() <= row.items()",
        "bool(said.items() & row.items())",
    ),
    (
        "traits by another order",
        "dict(zip(TRAITS, row))",
        "dict(zip(reversed(TRAITS), row))",
    ),
    ("read as anything", "argmax(1) == c", "argmax(1) >= 0"),
    (
        "a share for a percentage",
        "100.0 * right(reader, x, c)",
        "1.0 * right(reader, x, c)",
    ),
]
