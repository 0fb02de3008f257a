"""Mistakes in monotone.py, and the tests that must notice them."""

TESTS = ("test_flows.py", "test_contract.py")
MUTANTS = [
    (
        "a histogram of other pieces",
        "at = self.bins * x.clamp(0, 1)",
        "at = (self.bins - 1) * x.clamp(0, 1)",
    ),
    ("a height for a density", "log_height + math.log(self.bins)", "log_height"),
    ("the end for the start", "end - log_height.exp()", "end"),
    ("a piece too far", "(z[:, None] >= ends[:, :-1])", "(z[:, None] >= ends)"),
    ("only the piece", "(piece + ((z - start)", "(piece + 0 * ((z - start)"),
    (
        "the sign of a shift",
        "return x - params[:, 0], torch",
        "return x + params[:, 0], torch",
    ),
    ("a slope of its inverse", "slope.exp(), slope", "slope.exp(), -slope"),
    (
        "scaled before it is shifted",
        "(x - shift) * slope.exp()",
        "x * slope.exp() - shift",
    ),
    ("scaled back by the same", "self._limited(raw, 1)", "self._limited(raw, -1)"),
    ("no limit", "self.limit * (raw * (sign / self.limit)).tanh()", "sign * raw"),
    ("moved outside of the bounds", "torch.where(inside, z, x)", "z"),
    ("a slope outside of the bounds", "torch.where(inside, slope, 0.0)", "slope"),
    (
        "not moved back outside of the bounds",
        "torch.where((z > self.low) & (z < self.high), x, z)",
        "x",
    ),
    (
        "a slope without its square",
        "2 * (steep / below).log()",
        "(steep / below).log()",
    ),
    (
        "slopes exchanged",
        "last * t.square() + 2 * steep * mixed + first",
        "first * t.square() + 2 * steep * mixed + last",
    ),
    (
        "slopes exchanged in a piece",
        "(steep * t.square() + first * mixed)",
        "(steep * t.square() + last * mixed)",
    ),
    ("the other root", "(-b - (b", "(-b + (b"),
    (
        "pieces sought by x on the way back",
        "self._piece(z, params, 1)",
        "self._piece(z, params, 0)",
    ),
    (
        "bins that do not fill the interval",
        "share = self.bins, 1 - self.bins * self.least",
        "share = self.bins, 1",
    ),
    (
        "slopes that start elsewhere",
        "params[:, 2 * k :] + self._one",
        "params[:, 2 * k :]",
    ),
    (
        "the next slope",
        "where + i)[:, 0] for i in (0, 1)",
        "where + i)[:, 0] for i in (0, 0)",
    ),
    ("the sizes at the wrong axis", "(2, k)).softmax(2)", "(2, k)).softmax(1)"),
]
