"""Mistakes in pixels.py, and the tests that must notice them."""

TESTS = ("test_pixels.py", "test_contract.py")
MUTANTS = [
    ("masks A and B exchanged", "// 2 + center :] = 0", "// 2 + (not center) :] = 0"),
    ("a mask of the first half", "// 2 + center :] = 0", "// 2 :] = 0"),
    ("mask forgotten", "self.weight * self.mask", "self.weight"),
    ("an even side", "% 2 == 0:", "% 2 == 2:"),
    ("gates exchanged", "u.tanh() * v.sigmoid()", "v.tanh() * u.sigmoid()"),
    ("rows not moved down", "(0, 0, 1, 0))[:, :, :-1]", "(0, 0, 0, 0))"),
    ("pixels not moved right", "(1, 0))[..., :-1]", "(0, 0))"),
    ("rows moved up", "F.pad(v, (0, 0, r, 0))", "F.pad(v, (0, 0, 0, r))"),
    ("padding to the right", "F.pad(h, (r, 0))", "F.pad(h, (0, r))"),
    ("no link between the stacks", "self.left(h) + link + bias", "self.left(h) + bias"),
    ("no gradient through the link", "self.link(both)", "self.link(both.detach())"),
    ("a label for one stack", "gate(both + bias)", "gate(both)"),
    ("a label for the other", "+ link + bias", "+ link"),
    ("a kept row too few", "rows[k][:, :, 1:], v", "rows[k][:, :, :-1], v"),
    ("the link of another column", "links[k][..., j : j + 1]", "links[k][..., :1]"),
    ("the row above that", "x[:, :, i - 1 : i]", "x[:, :, i - 2 : i - 1]"),
    (
        "no label is a class",
        "self.condition.null(len(x), x)",
        "0 * self.condition.null(len(x), x)",
    ),
    (
        "forget and keep exchanged",
        "forget * memory + keep *",
        "keep * memory + forget *",
    ),
    ("a row sees its own pixels", "(self.reach, 0))[..., :-1]", "(self.reach - 1, 0))"),
    (
        "the state of the row itself",
        "above = self.row(x[:, :, i], *above)",
        "above = self.row(x[:, :, i - 1], *above)",
    ),
    (
        "no state from above",
        "self.left(before) + self.above(h)",
        "self.left(before) + 0 * self.above(h)",
    ),
]
