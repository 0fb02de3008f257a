"""Mistakes in zoo/sources/pictures.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
    ("one digit for all channels", "(n, 3), device", "(n, 1), device"),
    (
        "the last digit first",
        "100 * digits[:, 0] + 10 * digits[:, 1] + digits[:, 2]",
        "100 * digits[:, 2] + 10 * digits[:, 1] + digits[:, 0]",
    ),
    ("phrases that change", "with seeded(1):", "if True:"),
    ("labels that nobody asked for", "if self.labels else None", "if True else None"),
    (
        "stacks of the training digits",
        'digits = data.load("mnist", split)',
        'digits = data.load("mnist")',
    ),
    ("told what is due", "data.load(self.given, split)", "data.load(self.name, split)"),
    (
        "pairs of another part",
        "data.load(self.name, split), data.load(self.given, split)",
        'data.load(self.name, "test"), data.load(self.given, "test")',
    ),
    ("pairs not compared", "if len(x) != len(c):", "if False:"),
    (
        "the sample passed for the set",
        "data.to_unit, x.info.is_sample",
        "data.to_unit, not x.info.is_sample",
    ),
    ("whole numbers cut", "2).round().to(torch.uint8)", "2).to(torch.uint8)"),
    ("pixels of another size", "avg_pool2d(x.float(), 2)", "avg_pool2d(x.float(), 1)"),
]
