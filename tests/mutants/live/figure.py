"""Mistakes in live/figure.py, and the tests that must notice them."""

TESTS = ("test_live.py",)
MUTANTS = [
    ("a title that can end the script", '.replace("<", "\\\\u003c")', ""),
    ("the drawing left out", "{_script(f'{self.kind}.js')}", ""),
]
