"""Mistakes in metrics.py, and the tests that must notice them."""

TESTS = (
    "test_metrics.py",
    "test_arguments.py",
    "test_bad_input.py",
)
MUTANTS = [
    (
        "bits with the wrong base",
        "math.prod(event_shape) * math.log(2)",
        "math.prod(event_shape) * math.log(10)",
    ),
    ("Fréchet without its cross term", " - 2 * cross)", ")"),
    (
        "Fréchet with a biased mean term",
        "(a.mean(0) - b.mean(0)).square().sum()",
        "(a.mean(0) - b.mean(0)).abs().sum()",
    ),
    ("kernel distance with the diagonal", "(gram.sum() - gram.trace())", "gram.sum()"),
    ("own point counted as a neighbor", "kthvalue(k + 1)", "kthvalue(k)"),
    (
        "precision and recall exchanged",
        "return inside(fake, real), inside(real, fake)",
        "return inside(real, fake), inside(fake, real)",
    ),
    ("draws of the last part counted wrong", "min(draws, k - done)", "draws"),
    ("labels too few shorten the estimate", "    vae.check(x, c)\n", ""),
    ("a density's cells not counted", "+ math.log2(integer", "+ 0 * math.log2(integer"),
    ("Fréchet below zero", "return max(distance, 0.0)", "return distance"),
    ("features in single precision", "f.detach().cpu().double()", "f.detach().cpu()"),
    (
        "two standard deviations for three",
        "near <= 3 * positive",
        "near <= 2 * positive",
    ),
    (
        "modes by the largest coordinate",
        "torch.cdist(samples, means).min(1)",
        "torch.cdist(samples, means, math.inf).min(1)",
    ),
    (
        "samples of low quality counted",
        "torch.bincount(which[good]",
        "torch.bincount(which",
    ),
    ("lost modes not counted", ", minlength=len(means))", ")"),
    (
        "modes counted by their samples",
        "int((self.counts > 0).sum())",
        "int(self.counts.sum())",
    ),
    ("the edge left out", "near <= 3 * positive", "near < 3 * positive"),
    ("any width of means", " or d != width", ""),
    ("entropy for divergence", "math.log(len(shares)) - float(", "float("),
    (
        "divergence to the modes that are covered",
        "math.log(len(shares))",
        "math.log(self.covered)",
    ),
    (
        "divergence in bits",
        "return math.log(len(shares)) - float(",
        "return math.log2(len(shares)) - 1 / math.log(2) * float(",
    ),
    (
        "divergence the other way round",
        "float(torch.special.entr(shares).sum())",
        "-float(shares.log().mean() + 2 * math.log(len(shares)))",
    ),
    (
        "lost classes not counted",
        "bincount(labels.cpu(), minlength=k)",
        "bincount(labels.cpu())",
    ),
    ("a class too many", "if low < 0 or high >= k:", "if low < 0 or high > k:"),
    (
        "the nearest of all is its own",
        "far.fill_diagonal_(math.inf).min(1)",
        "far.min(1)",
    ),
    ("found from the other side", ".min(1).values", ".min(0).values"),
    ("a tie is a hit", "(own < others)", "(own <= others)"),
    (
        "distances by a product",
        ', compute_mode="donot_use_mm_for_euclid_dist")',
        ")",
    ),
    ("earth unsorted", "x, y = x.sort().values, y.sort().values", "pass"),
    ("squares of shares", "(below_x - below_y).abs()", "(below_x - below_y).square()"),
    (
        "one size for both",
        "right=True).double() / len(v)",
        "right=True).double() / len(x)",
    ),
    ("a place counted late", "places[:-1], right=True", "places[:-1]"),
]
