"""Mistakes in transformers.py, and the tests that must notice them."""

TESTS = ("test_transformers.py",)
MUTANTS = [
    ("not the identity at first", "silent(self.told)", "pass"),
    ("heads that do not fit", 'if integer("width", width) % heads:', "if False:"),
    (
        "a norm with weights",
        "self.norm = nn.LayerNorm(width, elementwise_affine=False)\n        self.qkv",
        "self.norm = nn.LayerNorm(width)\n        self.qkv",
    ),
    (
        "scales alone",
        "self._attention(self.norm(h) * (1 + scale) + shift)",
        "self._attention(self.norm(h) * scale + shift)",
    ),
    (
        "shift and scale exchanged",
        "shift, scale, gate = parts[:3]",
        "scale, shift, gate = parts[:3]",
    ),
    ("gates of 1", "return h + gate * self.mlp", "return h + (1 + gate) * self.mlp"),
    (
        "one set of six",
        "shift, scale, gate = parts[3:]",
        "shift, scale, gate = parts[:3]",
    ),
    (
        "no norm before the net",
        "self.mlp(self.norm(h) * (1 + scale) + shift)",
        "self.mlp(h * (1 + scale) + shift)",
    ),
    ("no skip", "h = h + gate * self._attention", "h = gate * self._attention"),
    ("keys for queries", "attended(*qkv)", "attended(qkv[1], qkv[0], qkv[2])"),
    (
        "heads mixed",
        ".view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)",
        ".view(b, n, 3, -1, self.heads).permute(2, 0, 4, 1, 3)",
    ),
    ("places forgotten", "self.into(squares) + self.position", "self.into(squares)"),
    ("large places", "0.02 * position", "position"),
    ("the head speaks at first", "silent(self.head)", "pass"),
    (
        "squares by columns",
        "F.pixel_unshuffle(x, self.side).flatten(2).mT",
        "F.pixel_unshuffle(x, self.side).mT.flatten(2).mT",
    ),
    (
        "the last scale and shift exchanged",
        "scale, shift = self.last(told)",
        "shift, scale = self.last(told)",
    ),
    (
        "the last norm forgotten",
        "self.head(self.norm(h) * (1 + scale) + shift)",
        "self.head(h * (1 + scale) + shift)",
    ),
    ("the condition forgotten", "told = self.told(t, c)", "told = self.told(t, None)"),
    (
        "the grid turned",
        "self.grid = (sides[0] // side, sides[1] // side)",
        "self.grid = (sides[1] // side, sides[0] // side)",
    ),
    ("one block", 'for _ in range(integer("depth", depth))', "for _ in range(1)"),
    ("any size", "if len(sides) != 2 or any(", "if len(sides) != 2 and any("),
    ("no encoder", "frequencies, classes, encoder, times)", "frequencies, classes)"),
    (
        "few waves",
        "frequencies, classes, encoder, times)",
        "1, classes, encoder, times)",
    ),
    (
        "one time",
        "frequencies, classes, encoder, times)",
        "frequencies, classes, encoder)",
    ),
]
