"""Mistakes in checks/_engine.py, and the tests that must notice them."""

TESTS = ("test_checks.py",)
MUTANTS = [
    (
        "a limit that is not told",
        "        except TimeUp:",
        "        except ZeroDivisionError:",
    ),
    (
        "a missing method is not named",
        "    if isinstance(error, AttributeError) and error.name:",
        "    if False:",
    ),
]
