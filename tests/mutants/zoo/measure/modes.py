"""Mistakes in zoo/measure/modes.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
    (
        "the modes of the test examples",
        "found = modes(drawn, truth.means, std)",
        "found = modes(real, truth.means, std)",
    ),
    (
        "modes of the most, not of the least",
        "int(drawn.counts.min())",
        "int(drawn.counts.max())",
    ),
    (
        "an error without its root",
        "(drawn * (100 - drawn) / n) ** 0.5",
        "drawn * (100 - drawn) / n",
    ),
    ("a channel read as another", "digits.view(-1, 3)", "digits.view(3, -1).T"),
    (
        "the test stacks for the draws",
        "found, floor = coverage(drawn, 1000), coverage(real, 1000)",
        "found, floor = coverage(real, 1000), coverage(drawn, 1000)",
    ),
    (
        "the divergence of the real",
        '{"kl": found.kl, "floor": floor.kl}',
        '{"kl": floor.kl, "floor": found.kl}',
    ),
]
