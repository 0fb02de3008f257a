"""Mistakes in checks/__init__.py, and the tests that must notice them."""

TESTS = ("test_checks.py",)
MUTANTS = [
    ("no typo is understood", "    if parts and (meant", "    if False and (meant"),
    ("no hints is not told", "    if not hints:", "    if False:"),
    (
        "all exercises are imported",
        "        importlib.import_module(_modules()[id])",
        "        catalog()",
    ),
]
