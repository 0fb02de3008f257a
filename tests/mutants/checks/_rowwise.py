"""Mistakes in checks/_rowwise.py, and the tests that must notice them."""

TESTS = ("test_checks_combinators.py",)
MUTANTS = [
    ("sizes that hide mistakes", "    if begin and (n < 3", "    if False and (n < 3"),
    (
        "an estimate passes",
        "t.close(again, t.tensor(out).detach(), *told, tol=1e-6)",
        "pass",
    ),
    ("standard mistakes at an edge", "    if misconception is None:", "    if True:"),
    ("gradients not tested", "    if grads:", "    if False:"),
    (
        "no batch of one",
        '    if begin:\n        t.property("a batch',
        '    if False:\n        t.property("a batch',
    ),
    (
        "constants misnamed",
        '        found["constant left out"]',
        '        found["sign flipped"]',
    ),
    (
        "left-out dimensions misnamed",
        '"dimensions left out": [',
        '"bits in place of nats": [',
    ),
]
