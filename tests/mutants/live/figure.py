"""Mistakes in live/figure.py, and the tests that must notice them."""

TESTS = ("test_live.py", "test_live_gan.py")
MUTANTS = [
    ("a title that can end the script", '.replace("<", "\\\\u003c")', ""),
    ("shared scripts left out", "map(_script, self.parts)", "[]"),
    ("the drawing left out", "{_script(f'{self.kind}.js')}", ""),
]
