"""Mistakes in denoisers.py, and the tests that must notice them."""

TESTS = ("test_denoisers.py",)
MUTANTS = [
    (
        "w for 1 + w",
        "anything + w * (told(x, t) - anything)",
        "told(x, t) + w * (told(x, t) - anything)",
    ),
    (
        "told and untold exchanged",
        "anything = untold(x, t)",
        "anything = 2 * told(x, t) - untold(x, t)",
    ),
    (
        "away from the condition",
        "w * (told(x, t) - anything)",
        "w * (anything - told(x, t))",
    ),
    ("the weight of the start", "weight(t) if callable", "weight(1.0) if callable"),
    ("both are always asked", "if w == 1:", "if False:"),
    (
        "no label where none is given",
        "torch.full((len(t),), self.classes,",
        "torch.full((len(t),), 0,",
    ),
    ("the same time for all", "self.time(waves(t,", "self.time(waves(t[:1],"),
    (
        "what is told without a bend",
        "F.silu(told + self.label(c))",
        "told + self.label(c)",
    ),
    ("the time without a bend", "return F.silu(told)", "return told"),
    (
        "both are taken",
        'if integer("classes", classes, 0) and encoder',
        "if False and encoder",
    ),
    (
        "deaf in silence",
        'raise ValueError("c is given to a net without classes and encoder")',
        "return F.silu(told)",
    ),
    ("no encoder", "if classes else encoder", "if classes else None"),
    ("sigma for its ratio", "same = of.when(sigma / alpha)", "same = of.when(sigma)"),
    ("the time of the other path", "same = of.when(sigma / alpha)", "same = t"),
    ("the size stays", "of.at(same)[0] / alpha * x, same", "x, same"),
    (
        "the size turned over",
        "of.at(same)[0] / alpha * x",
        "alpha / of.at(same)[0] * x",
    ),
    ("asked at the other time", "/ alpha * x, same)", "/ alpha * x, t)"),
    ("distances, not their squares", "compute_mode=how) ** 2", "compute_mode=how)"),
    ("alpha forgotten", "alpha * flat, compute_mode", "flat, compute_mode"),
    ("half forgotten", "far / (2 * sigma**2)", "far / sigma**2"),
    ("1 / sigma for its square", "(2 * sigma**2)", "(2 * sigma)"),
    ("the far ones", "(-far / (2", "(far / (2"),
    ("shares over the batch", ".softmax(1) @ flat", ".softmax(0) @ flat"),
    ("noisy points", ".softmax(1) @ flat", ".softmax(1) @ (alpha * flat)"),
    ("lost in rounding", "donot_use_mm_for_euclid_dist", "use_mm_for_euclid_dist"),
    (
        "frequencies from 0",
        "torch.arange(1, frequencies + 1,",
        "torch.arange(frequencies,",
    ),
    (
        "the time not told",
        "angles = math.pi / 2 * k * t[..., None]",
        "angles = 0 * k * t[..., None]",
    ),
    ("angles twice as fast", "math.pi / 2 * k", "math.pi * k"),
    ("the same time for all", "* t[..., None]", "* t[:1, ..., None]"),
    ("sines alone", "angles.sin(), angles.cos()]", "angles.sin(), angles.sin()]"),
    ("a label for no label", "self.classes + 1)[:, :-1]", "self.classes + 1)[:, 1:]"),
    ("None is a label", "self.classes).long() if c is None", "0).long() if c is None"),
    (
        "any number of times",
        "if t.shape[1:] != ((times,) if times > 1 else ()):",
        "if False:",
    ),
    (
        "one time of a point",
        "told = [x, waves(t, self.frequencies, self.times)]",
        "told = [x, waves(t[:, :1].expand_as(t), self.frequencies, self.times)]",
    ),
]
