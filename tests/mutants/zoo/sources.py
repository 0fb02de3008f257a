"""Mistakes in zoo/sources.py, and the tests that must notice them."""

TESTS = (
    "test_zoo_molecules.py",
    "test_zoo_text.py",
    "test_zoo_recipes.py",
    "test_zoo.py",
)
MUTANTS = [
    ("the test part is the training part", "seeded(1 if train else 2)", "seeded(1)"),
    ("points drawn anew each time", "with seeded(1 if train else 2):", "if True:"),
    ("a test part of another size", "examples // 10", "examples"),
    ("one digit for all channels", "(n, 3), device", "(n, 1), device"),
    (
        "the last digit first",
        "100 * digits[:, 0] + 10 * digits[:, 1] + digits[:, 2]",
        "100 * digits[:, 2] + 10 * digits[:, 1] + digits[:, 0]",
    ),
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
    ("a test text in steps of one", 'split == "train" else self.length', "True else 1"),
    ("the last window lost", "- self.length + 1, step", "- self.length, step"),
    (
        "strings of the training part",
        "data.load_text(self.name, split)\n        x =",
        "data.load_text(self.name)\n        x =",
    ),
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
    (
        "one sample for the mean of two",
        ".view(-1, each).mean(1)",
        ".view(-1, each)[:, 0]",
    ),
    (
        "silence on the recording's own scale",
        "self.quiet * wave.abs().max()",
        "self.quiet",
    ),
    ("the last loud sample cut off", "int(loud[-1]) + 1]", "int(loud[-1])]"),
    ("as loud as it was", "[wave / wave.abs().max(), silence]", "[wave, silence]"),
    (
        "padded in front",
        "[wave / wave.abs().max(), silence]",
        "[silence, wave / wave.abs().max()]",
    ),
    (
        "played in other steps",
        "mu_law_inverse(tokens, self.levels)",
        "mu_law_inverse(tokens, 256)",
    ),
    (
        "sound of the training part",
        "data.load_sequences(self.name, split)",
        "data.load_sequences(self.name)",
    ),
]
