"""Mistakes in probability_flow.py, and the tests that must notice them."""

TESTS = ("test_probability_flow.py",)
MUTANTS = [
    ("the size of the noise forgotten", "model.spread * field.size", "model.spread"),
    ("the spread forgotten", "model.spread * field.size", "field.size"),
    ("the center forgotten", "_Shifted(model.center,", "_Shifted(0.0,"),
    (
        "a density in other units",
        "log_det = -x[0].numel() * math.log(self.spread)",
        "log_det = 0.0",
    ),
    ("the sign of the units", "log_det = -x[0].numel()", "log_det = x[0].numel()"),
    ("units of one value", "log_det = -x[0].numel() * math", "log_det = -math"),
    ("not led back", "return self.center + self.spread * z", "return z"),
    ("time that is not its own", "self.start + self.span * t,", "t,"),
    (
        "up to time 1",
        "self.span, self.size = end - start,",
        "self.span, self.size = 1 - start,",
    ),
    (
        "the span forgotten",
        "self.span / self.size * (a_rate",
        "1 / self.size * (a_rate",
    ),
    ("the size of x", ", self.size * x\n", ", x\n"),
    ("the velocity's size", "self.span / self.size * (a_rate", "self.span * (a_rate"),
    ("the drift alone", "(a_rate * data + s_rate * eps)", "(a_rate * data)"),
    (
        "rates exchanged",
        "(a_rate * data + s_rate * eps)",
        "(s_rate * data + a_rate * eps)",
    ),
    ("noise not divided", "eps = (x - alpha * data) / sigma", "eps = x - alpha * data"),
    ("alpha forgotten", "eps = (x - alpha * data) / sigma", "eps = (x - data) / sigma"),
    (
        "labels forgotten",
        "x.new_full((len(x),), t), c)",
        "x.new_full((len(x),), t), None)",
    ),
    ("the condition left out", "condition=model.condition,", "condition=None,"),
]
