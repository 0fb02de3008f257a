"""Mistakes in zoo/making.py, and the tests that must notice them."""

TESTS = ("test_zoo_making.py",)
MUTANTS = [
    (
        "the first one alone",
        "for part in self.parts:\n            part.step()",
        "self.parts[0].step()",
    ),
    (
        "rates of the first alone",
        "[g for part in parts for g in part.param_groups], {}",
        "parts[0].param_groups, {}",
    ),
    (
        "groups left behind",
        "\n        self.param_groups = [g for part in self.parts",
        "\n        _ = [g for part in self.parts",
    ),
    ("a state lost", "part.load_state_dict(state)", "pass"),
    (
        "vectors by Muon's rate",
        "others, betas=(0.9, 0.99), fused",
        "lr, betas=(0.9, 0.99), fused",
    ),
]
