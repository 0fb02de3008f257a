"""Mistakes in phrases.py, and the tests that must notice them."""

TESTS = ("test_phrases.py",)
MUTANTS = [
    ("hats without asking", '* _there(faces, "hat")', "* 1"),
    ("who has none", "return (codes != values.index", "return (codes == values.index"),
    (
        "hair for hats",
        '_colors(faces, "hatColor", _HAT)',
        '_colors(faces, "hairColor", _HAIR)',
    ),
    ("blue is red", '"#bd1700": "red"', '"#bd1700": "blue"'),
    ("hats of another color", '"#2663a3": "blue"', '"#2663a3": "red"'),
    (
        "beard and glasses exchanged",
        '_there(faces, "glasses"),\n        _there(faces, "beard"),',
        '_there(faces, "beard"),\n        _there(faces, "glasses"),',
    ),
    ("named by place", "for name in names)", "for name in list(TRAITS)[: len(names)])"),
    ("one order", ".argsort(1)", ".argsort(1) * 0 + torch.arange(len(names))"),
    ("named where it should not", "< share).tolist()", "> share).tolist()"),
    (
        "one draw for all",
        '(torch.rand(n, len(names), device="cpu") < share)',
        '(torch.rand(n, 1, device="cpu") < share).expand(n, 4)',
    ),
    ("any share", 'probability("share", share)', "share"),
    ("twice is once", " or word in found:", ":"),
    ("any value", " or value not in TRAITS[word]", ""),
    ("a value is left", "if value:\n        raise", "if False:\n        raise"),
    (
        "the first word alone",
        'found[word], value = TRAITS[word].index(value), ""',
        'found[word], value = 0, ""',
    ),
    ("ends count", "there = (c != 0)", "there = (c >= 0)"),
    ("a mean", "(there * h).sum(1))", "(there * h).mean(1))"),
    (
        "no places",
        "self.net(self.word(c) + self.position[: c.shape[1]])",
        "self.net(self.word(c))",
    ),
    ("places of the longest", "self.position[: c.shape[1]]", "self.position"),
    (
        "a bag of words",
        "h = self.net(self.word(c) + self.position[: c.shape[1]])",
        "h = self.word(c)",
    ),
    (
        "a bias",
        'nn.Linear(width, integer("out", out), bias=False)',
        'nn.Linear(width, integer("out", out))',
    ),
    ("over all places", "(there * h).sum(1)", "h.sum(1)"),
]
