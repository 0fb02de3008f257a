"""Mistakes in zoo/measure/labels.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
    (
        "the real ones for the samples",
        "return Result.mean(drawn, real=float(real.mean()))",
        "return Result.mean(real, real=float(real.mean()))",
    ),
    ("not as warm as asked for", "temperature=how)", "temperature=1.0)"),
    ("read as anything", "argmax(1) == c)", "argmax(1) >= 0)"),
    ("a share for a percentage", "return 100.0 * (judge", "return 1.0 * (judge"),
]
