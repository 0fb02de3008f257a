"""Mistakes in zoo/__init__.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
    ("never resumed", "resume=run,", "resume=None,"),
    (
        "minutes before a kill forgotten",
        '{"wall": 0.0, "cpu": 0.0} | found',
        'dict.fromkeys(found or ("wall", "cpu"), 0.0)',
    ),
    (
        "the model in training is kept, not its average",
        "_weights.write(ema.model,",
        "_weights.write(model,",
    ),
    ("the end of a recipe forgotten", "if entry.finish is not None:", "if False:"),
    ("the start forgotten", "if entry.start is not None:", "if False:"),
    ("the seed forgotten", "with seeded(seed), _Clock", "with seeded(0), _Clock"),
]
