"""Mistakes in unet.py, and the tests that must notice them."""

TESTS = ("test_unet.py",)
MUTANTS = [
    ("nothing told", "* (1 + factor) + summand", ""),
    ("a factor of 0 at first", "* (1 + factor)", "* factor"),
    (
        "factor and summand exchanged",
        "factor, summand = self",
        "summand, factor = self",
    ),
    ("no skip", "return self.skip(h) + self.last", "return self.last"),
    ("no norm at first", "F.silu(self.before(h))", "F.silu(h)"),
    ("a second norm with weights", "out, affine=False)", "out)"),
    ("blocks that start at random", "        silent(self.last)\n", ""),
    ("a net that starts at random", "        silent(self.head)\n", ""),
    (
        "partners in the order of the way down",
        "kept.pop()",
        "kept.pop(0)",
    ),
    (
        "the image itself at no size",
        "torch.cat([h, kept.pop()], 1)",
        "torch.cat([h, h], 1)",
    ),
    ("no middle", "h = self.middle(h, told)", "h = h"),
    (
        "the condition forgotten",
        "told, kept = self.told(t, c), []",
        "told, kept = self.told(t, None), []",
    ),
    ("sizes unchecked", "or any(s % least for s in sides)", ""),
    (
        "sizes checked for one less",
        "2 ** (len(multiples) - 1)",
        "2 ** (len(multiples) - 2)",
    ),
    ("no encoder", "frequencies, classes, encoder, times)", "frequencies, classes)"),
    (
        "one time",
        "frequencies, classes, encoder, times)",
        "frequencies, classes, encoder)",
    ),
]
