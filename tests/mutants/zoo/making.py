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
    ("vectors decay", ', "weight_decay": 0.0})', "})"),
    ("vectors forgotten", "        if vectors:\n", "        if not matrices:\n"),
    ("betas of its own", '"betas": betas, "weight_decay"', '"weight_decay"'),
    ("a penalty not made up for", "return every * penalty", "return penalty"),
    ("a penalty most of the time", ">= 1 / every", "< 1 / every"),
    ("a rate that stays up", "(steps - step) / max(1, steps - warmup)", "1.0"),
    ("a tenth of a long run", "min(500, steps // 10)", "steps // 10"),
    ("all weights for each player", "Adam(weights, **how)", "Adam(model.parameters())"),
    ("values as they are stored", "transform=part.transform, ", ""),
]
