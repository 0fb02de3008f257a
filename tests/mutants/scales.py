"""Mistakes in scales.py, and the tests that must notice them."""

TESTS = ("test_pixels.py", "test_contract.py")
MUTANTS = [
    ("a turn sees itself", "(self.turn < turn[", "(self.turn <= turn["),
    ("all turns' pixels counted", "own = self.turn == turn", "own = self.turn >= turn"),
    ("one turn for the sum", "return -self.turns * self", "return -self"),
    (
        "a turn never trained",
        "torch.randint(self.turns, (len(x),)",
        "torch.randint(self.turns - 1, (len(x),)",
    ),
    ("turns averaged", "each.sum(0)", "each.mean(0)"),
    (
        "later turns drawn again",
        "self.turn == turn, drawn, x",
        "self.turn <= turn, drawn, x",
    ),
    (
        "the last turn not drawn",
        "for turn in range(self.turns):",
        "for turn in range(self.turns - 1):",
    ),
    ("all pixels seen", "[x * known, known", "[x, known"),
    (
        "crosses before middles",
        "turn[half::step, half::step] = 2 * level + 1",
        "turn[half::step, half::step] = 2 * level + 2",
    ),
    (
        "half of the crosses",
        "turn[::step, half::step] = 2 * level + 2",
        "turn[::step, half::step] = 2 * level + 1",
    ),
    ("a coarser grid", "(max(2, min(sides)))) - 1)", "(max(2, min(sides)))))"),
]
