"""Mistakes in zoo/sources/molecules.py, and the tests that must notice them."""

TESTS = ("test_zoo_molecules.py",)
MUTANTS = [
    ("molecules that are too long", "<= self.length]", "<= self.length + 9]"),
    (
        "donors without end",
        "[min(3, molecules.read(string).donors)",
        "[(molecules.read(string).donors)",
    ),
    (
        "molecules to learn from as the test part",
        "loaded = data.load_text(self.name, split)\n        return",
        "loaded = data.load_text(self.name)\n        return",
    ),
    (
        "donors on any device",
        'torch.tensor(donors, device="cpu")',
        "torch.tensor(donors)",
    ),
]
