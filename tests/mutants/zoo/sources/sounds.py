"""Mistakes in zoo/sources/sounds.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
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
