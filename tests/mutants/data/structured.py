"""Mistakes in data/structured.py, and the tests that must notice them."""

TESTS = (
    "test_structured.py",
    "test_arguments.py",
)
MUTANTS = [
    (
        "constant patterns counted twice",
        "torch.cat([bars, bars[1:-1].mT])",
        "torch.cat([bars, bars.mT])",
    ),
    (
        "neighbors across alone",
        "self.coupling * (across + down)",
        "self.coupling * (across + across)",
    ),
    (
        "one row too few",
        "for _ in range(self.side - 1):",
        "for _ in range(self.side - 2):",
    ),
]
