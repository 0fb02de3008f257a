"""Mistakes in live.py, and the tests that must notice them."""

TESTS = ("test_live.py",)
MUTANTS = [
    ("size of a layer not compared", "width not in (None, layer", "None in (0, layer"),
    ("overflow in half precision", "not torch.isfinite(half).all()", "False"),
    ("PNG rows without their filter byte", 'b"\\0" + row', "row"),
    ("gray written as color", "0 if c == 1 else 2", "2"),
]
