"""Mistakes in drifting.py, and the tests that must notice them."""

TESTS = ("test_drifting.py",)
MUTANTS = [
    ("a reach turned", "return -distance / tau", "return -distance * tau"),
    ("no half", "/ (2 * tau**2)", "/ tau**2"),
    ("tau for its square", "/ (2 * tau**2)", "/ (2 * tau)"),
    (
        "the distance not squared",
        "return -(distance**2) / (2",
        "return -distance / (2",
    ),
    (
        "toward the draws",
        "field + to_data.softmax(1) @ data - to_drawn.softmax(1) @ others",
        "field - to_data.softmax(1) @ data + to_drawn.softmax(1) @ others",
    ),
    (
        "attraction alone",
        "to_data.softmax(1) @ data - to_drawn.softmax(1) @ others",
        "to_data.softmax(1) @ data - x",
    ),
    (
        "normalized over x",
        "field + to_data.softmax(1) @ data",
        "field + to_data.softmax(0) @ data",
    ),
    (
        "the last reach alone",
        "field = field + to_data.softmax(1)",
        "field = to_data.softmax(1)",
    ),
    (
        "the draws are x",
        "field, others = torch.zeros_like(x), x if drawn is None else drawn\n"
        "    for to_data",
        "field, others = torch.zeros_like(x), x\n    for to_data",
    ),
    (
        "rows alone",
        "(logits.log_softmax(1) + logits.log_softmax(0)) / 2",
        "logits.log_softmax(1)",
    ),
    (
        "columns alone",
        "(logits.log_softmax(1) + logits.log_softmax(0)) / 2",
        "logits.log_softmax(0)",
    ),
    (
        "the product without its root",
        "(logits.log_softmax(1) + logits.log_softmax(0)) / 2",
        "logits.log_softmax(1) + logits.log_softmax(0)",
    ),
    (
        "weights of its own side",
        "(plus * minus.sum(1, keepdim=True))",
        "(plus * plus.sum(1, keepdim=True))",
    ),
    (
        "draws without their factor",
        "(minus * plus.sum(1, keepdim=True))",
        "minus",
    ),
    (
        "both pull",
        "field = field - (minus * plus",
        "field = field + (minus * plus",
    ),
    (
        "split at the draws",
        "w.split([len(data), len(others)], 1)",
        "w.split([len(others), len(data)], 1)",
    ),
    ("a single row", "(drawn is None and len(x) < 2)", "False"),
    ("two rows are too few", "(drawn is None and len(x) < 2)", "len(x) < 3"),
    ("a single row of others", "(drawn is None and len(x) < 2)", "len(x) < 2"),
    ("none will do", "if not taus or (drawn", "if (drawn"),
    (
        "a row sees itself",
        "    if drawn is None:\n        own",
        "    if False:\n        own",
    ),
    (
        "nobody sees the first",
        "    if drawn is None:\n        own",
        "    if len(x) == len(to_drawn[0]):\n        own",
    ),
    ("any reach", 'one = positive("tau", one)\n        yield', "yield"),
    (
        "any number in a model",
        '            positive("tau", one)\n',
        "            pass\n",
    ),
    ("no reach in a model", "if not self.tau:", "if False:"),
    (
        "a condition of any kind",
        "if not isinstance(condition, Labels | None):",
        "if False:",
    ),
    (
        "a label left out",
        "if condition is not None and not condition.required:",
        "if False:",
    ),
    (
        "features that learn",
        "self.features.requires_grad_(False).eval()",
        "self.features.eval()",
    ),
    (
        "features in the mode of the model",
        "with evaluating(self.features):",
        "with evaluating(nn.Identity()):",
    ),
    ("input not checked", "        self.check(x, c)\n        z", "        z"),
    (
        "noise of the event's shape",
        "z = self.noise(len(x), *self.noise_shape)",
        "z = self.noise(len(x), *self.event_shape)",
    ),
    (
        "examples in place of features",
        "data = self.features(x).flatten(1)",
        "data = x.flatten(1)",
    ),
    (
        "the target is the data",
        "target = drawn + self._moved(drawn, data, c)",
        "target = data",
    ),
    (
        "the other way",
        "target = drawn + self._moved(drawn, data, c)",
        "target = drawn - self._moved(drawn, data, c)",
    ),
    (
        "through the field",
        "with torch.no_grad(), torch.autocast",
        "with torch.enable_grad(), torch.autocast",
    ),
    ("a sum over values", ".square().mean()", ".square().sum(1).mean()"),
    (
        "distances not squared",
        "(drawn - target).square().mean()",
        "(drawn - target).abs().mean()",
    ),
    (
        "labels not told",
        "return self.net(z) if c is None else self.net(z, c)",
        "return self.net(z) if c is None else self.net(z, 0 * c)",
    ),
    (
        "labels mixed",
        "        if c is None:\n            return self.field",
        "        if True:\n            return self.field",
    ),
    ("the kernel forgotten", '"kernel": self.kernel}', '"kernel": laplacian}'),
    ("the first reach", 'how = {"tau": self.tau,', 'how = {"tau": self.tau[0],'),
    ("the plain field", "field[rows] = self.field(", "field[rows] = drift("),
    (
        "the plain field without labels",
        "return self.field(drawn, data, **how)",
        "return drift(drawn, data, **how)",
    ),
    (
        "data of all labels",
        "self.field(drawn[rows], data[rows], **how)",
        "self.field(drawn[rows], data, **how)",
    ),
    ("one of a label", "if len(rows) > 1:", "if len(rows) > 0:"),
    ("a pair of a label", "if len(rows) > 1:", "if len(rows) > 2:"),
    (
        "samples of another size",
        "return self._made(self.noise(n, *self.noise_shape), c)",
        "return self._made(self.noise(n, *self.noise_shape) / 2, c)",
    ),
    (
        "data in bfloat16",
        "self.features(x).flatten(1).to(x.dtype)",
        "self.features(x).flatten(1)",
    ),
    ("draws in bfloat16", "c)).flatten(1).to(x.dtype)", "c)).flatten(1)"),
    (
        "a field in bfloat16",
        "torch.autocast(x.device.type, enabled=False):",
        "torch.autocast(x.device.type):",
    ),
]
