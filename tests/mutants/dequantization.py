"""Mistakes in dequantization.py, and the tests that must notice them."""

TESTS = ("test_flows.py", "test_continuous.py", "test_contract.py")
MUTANTS = [
    ("without its 1/256", " + d * math.log(256)", ""),
    ("counted for one pixel", "+ d * math.log(256)", "+ math.log(256)"),
    ("256 for 255", "return (x + u) / 256", "return (x + u) / 255"),
    ("the entropy of the noise with the wrong sign", "log_q + d", "-log_q + d"),
    ("the entropy of the noise forgotten", "log_q + d", "d"),
    (
        "the mean of the logs",
        "self.log_weights(x, c, k).logsumexp(0) - math.log(k)",
        "self.log_weights(x, c, k).mean(0)",
    ),
    (
        "the sigmoid without its slope",
        "- log_det - slope.flatten(1).sum(1)",
        "- log_det",
    ),
    ("the map without its determinant", "- log_det - slope", "- slope"),
    ("no noise at all", "(256 * dequantize(x) - x)", "0 * dequantize(x)"),
    ("the value in the noise", "(256 * dequantize(x) - x)", "256 * dequantize(x)"),
    ("rounded, not cut", "(256 * y).floor()", "(256 * y).round()"),
    ("levels rounded", "(levels * x).floor()", "(levels * x).round()"),
    ("the cell beyond the last", ".clamp(0, levels - 1)", ""),
    ("levels below 1", " / (levels - 1)", " / levels"),
    ("any density will do", "if not flow.exact:", "if False:"),
    (
        "a loss that is always exact",
        "return self.flow.loss(y, c) + less.mean()",
        "return -self.elbo(x, c).mean()",
    ),
    (
        "a loss of the density alone",
        "return self.flow.loss(y, c) + less.mean()",
        "return self.flow.loss(y, c)",
    ),
    (
        "an estimate of the density alone",
        "return self.flow.estimate(y, c) - less",
        "return self.flow.estimate(y, c)",
    ),
]
