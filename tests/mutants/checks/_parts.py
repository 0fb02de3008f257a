"""Mistakes in checks/_parts.py, and the tests that must notice them."""

TESTS = ("test_checks_parts.py",)
MUTANTS = [
    ("two mistakes before one", "key=lambda row: (len(row[0]),", "key=lambda row: (0,"),
    ("one name in two parts is two", 'name in ("", *names)', "not name"),
    ("what is due is a mistake",
     "far(numbers(value := make(*choices)), due, tol).any()",
     "[value := make(*choices)]"),
    ("right choices are mistakes", "if names and far", "if far"),
    ("as many as there are parts", "if len(called) <= most", "if called or not name"),
    ("an entry that fits is enough", "not far(numbers(out), v, tol).any()",
     "not far(numbers(out), v, tol).all()"),
]  # fmt: skip
