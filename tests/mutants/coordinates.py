"""Mistakes in coordinates.py, and the tests that must notice them."""

TESTS = ("test_coordinates.py",)
NOISE = "return 1 / alpha, -path.sigma(t) / alpha, torch.ones_like(t)"
SCORE = "return 1 / alpha, path.sigma(t) ** 2 / alpha, torch.ones_like(t)"
TURN = "return s_rate / turn, -s / turn, torch.ones_like(t)"
SCALED = "return alpha / size**2, sigma / size, 1 / size"
CONVERT = "skip, out, _ = (over(value, x_t) for value in "
MUTANTS = [
    (
        "data with a skip",
        "return torch.zeros_like(t), one, one",
        "return one, one, one",
    ),
    ("the noise's sign", NOISE, NOISE.replace("-path", "path")),
    ("alpha forgotten", NOISE, NOISE.replace("1 / alpha", "torch.ones_like(t)")),
    (
        "alpha forgotten in the noise",
        NOISE,
        NOISE.replace("-path.sigma(t) / alpha", "-path.sigma(t)"),
    ),
    ("1 / sigma missing in the score", SCORE, SCORE.replace(" ** 2", "")),
    ("the score's sign", SCORE, SCORE.replace(", path", ", -path")),
    ("the velocity's sign", TURN, TURN.replace("-s /", "s /")),
    ("rates exchanged", TURN, TURN.replace("s_rate /", "a_rate /")),
    ("a sum of turns", "a * s_rate - s * a_rate", "a * s_rate + s * a_rate"),
    ("a velocity in angles", "turn = a * s_rate - s * a_rate", "turn = a**2 + s**2"),
    ("a skip by the size", SCALED, SCALED.replace("size**2", "size")),
    ("the input not scaled", SCALED, SCALED.replace("1 / size", "torch.ones_like(t)")),
    ("the target not scaled", SCALED, SCALED.replace("sigma / size", "sigma")),
    ("alpha taken for 1", SCALED, SCALED.replace("alpha / size**2", "1 / size**2")),
    ("a sum of sizes", "torch.sqrt(alpha**2 + sigma**2)", "alpha + sigma"),
    (
        "variance for deviation",
        "torch.sqrt(alpha**2 + sigma**2)",
        "alpha**2 + sigma**2",
    ),
    ("of and to exchanged", CONVERT + "of(path, t))", CONVERT + "to(path, t))"),
    ("the skip forgotten", "x = skip * x_t + out * value", "x = out * value"),
    ("the other skip forgotten", "return (x - skip * x_t) / out", "return x / out"),
    ("not divided", "return (x - skip * x_t) / out", "return (x - skip * x_t) * out"),
]
