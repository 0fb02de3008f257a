"""Mistakes in nets.py, and the tests that must notice them."""

TESTS = (
    "test_nets.py",
    "test_autoencoders.py",
    "test_contract.py",
    "test_bad_input.py",
)
MUTANTS = [
    (
        "height and width swapped",
        "(width, height // 4, breadth // 4)",
        "(width, breadth // 4, height // 4)",
    ),
    (
        "label planes of the wrong label",
        "F.one_hot(c, self.classes)",
        "F.one_hot(c.flip(0), self.classes)",
    ),
    ("the critic sees pixels in [0, 1]", "self.net(2 * x - 1)", "self.net(x)"),
    (
        "the slope ignored",
        "nn.LeakyReLU(slope),\n            nn.Flatten(),",
        "nn.LeakyReLU(0.2),\n            nn.Flatten(),",
    ),
    (
        "the generator never normalizes",
        "[nn.BatchNorm2d] if normalize else []",
        "[]",
    ),
    (
        "the critic always normalizes",
        "*([nn.BatchNorm2d(wide)] if normalize else []),",
        "nn.BatchNorm2d(wide),",
    ),
    (
        "sides of no size",
        '[integer("a size of the image", size) for size in shape]',
        "list(shape)",
    ),
    ("an image in [-1, 1]", "nn.Sigmoid()", "nn.Tanh()"),
]
