"""Mistakes in pixels.py, and the tests that must notice them."""

TESTS = ("test_pixels.py", "test_contract.py", "test_parity_06.py")
MUTANTS = [
    ("masks A and B exchanged", "side + center :] = 0", "side + (not center) :] = 0"),
    ("always mask A", "side + center :] = 0", "side :] = 0"),
    ("mask forgotten", "self.weight * self.mask", "self.weight"),
    ("an even side", "% 2 == 0:", "% 2 == 2:"),
    ("gates exchanged", "u.tanh() * v.sigmoid()", "v.tanh() * u.sigmoid()"),
    ("rows not moved down", "(0, 0, 1, 0))[:, :, :-1]", "(0, 0, 0, 0))"),
    ("pixels not moved right", "(1, 0))[..., :-1]", "(0, 0))"),
    ("rows moved up", "F.pad(v, (0, 0, r, 0))", "F.pad(v, (0, 0, 0, r))"),
    ("padding to the right", "F.pad(h, (r, 0))", "F.pad(h, (0, r))"),
    ("no link between the stacks", "self.left(h) + link, bias", "self.left(h), bias"),
    ("no gradient through the link", "self.link(both)", "self.link(both.detach())"),
    ("a label for one stack", "gate(_plus(both, bias))", "gate(both)"),
    ("a label for the other", "+ link, bias)", "+ link, None)"),
    ("a kept row too few", "rows[k][:, :, 1:], v", "rows[k][:, :, :-1], v"),
    ("the link of another column", "links[k][..., j])", "links[k][..., 0])"),
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
    ("padding below", "(side, side, rows - 1, 0)", "(side, side, 0, rows - 1)"),
    ("a row sees itself", "_down(rows, k + 1)", "_down(rows, k)"),
    (
        "rows shifted up",
        "F.pad(rows, (0, 0, k, 0))[:, : rows.shape[1]]",
        "F.pad(rows, (0, 0, 0, k))[:, k:]",
    ),
    (
        "a gap forgotten",
        "torch.cat([a, _down(a, gap)], -1)",
        "torch.cat([a, _down(a, 1)], -1)",
    ),
    ("what was drawn is not read", "= drawn[..., 0, 0]", "= 0 * drawn[..., 0, 0]"),
    ("the level above", "self.values(levels)", "self.values(levels.clamp(min=1))"),
    ("one level too many", ".num_embeddings)", ".num_embeddings - 1)"),
    ("vectors that do not learn", "freeze=False", "freeze=True"),
    ("a kept pixel beside it", "before[:, :, i + 1, j + 1]", "before[:, :, i + 1, j]"),
    (
        "the row before that",
        "seen[:, :, top : own.stop, side:-side]",
        "seen[:, :, top - 1 : own.stop - 1, side:-side]",
    ),
]
