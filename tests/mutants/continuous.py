"""Mistakes in continuous.py, and the tests that must notice them."""

TESTS = ("test_continuous.py", "test_contract.py")
MUTANTS = [
    ("the time not told", "x.new_full((len(x), 1), t)", "x.new_full((len(x), 1), 0.0)"),
    ("the label not told", "if not classes or c is None:", "if True:"),
    (
        "the sum of all derivatives",
        "(rows * each).flatten(2).sum((0, 2))",
        "rows.flatten(2).sum((0, 2))",
    ),
    (
        "no gradient of the trace",
        "v, x, each.expand(d, *v.shape), create_graph=True",
        "v, x, each.expand(d, *v.shape), retain_graph=True",
    ),
    (
        "signs of 0 and 1",
        "torch.randint_like(x, 2) * 2 - 1",
        "torch.randint_like(x, 2)",
    ),
    (
        "noise that is uniform",
        "return torch.randn_like(x)",
        "return torch.rand_like(x)",
    ),
    (
        "the sign of the trace",
        "return normal_log_prob(z) + log_det\n\n    def estimate",
        "return normal_log_prob(z) - log_det\n\n    def estimate",
    ),
    (
        "the trace forgotten",
        "return normal_log_prob(z) + log_det\n\n    def loss",
        "return normal_log_prob(z)\n\n    def loss",
    ),
    (
        "the sign of the loss's trace",
        "- normal_log_prob(z) - log_det).mean()",
        "- normal_log_prob(z) + log_det).mean()",
    ),
    ("energy that is rewarded", "self.kinetic * energy", "-self.kinetic * energy"),
    (
        "the weights exchanged",
        "self.kinetic * energy + self.jacobian * bend",
        "self.jacobian * energy + self.kinetic * bend",
    ),
    (
        "the loss always exact",
        "eps = None if self.probe is None else self.probe(x)",
        "eps = None",
    ),
    ("other noise of the estimate", "(self.probe or signs)(x)", "2.0 * signs(x)"),
    (
        "back from 0 to 1",
        "(z,), start=1.0, end=0.0, **self.how)\n        return self.before",
        "(z,), start=0.0, end=1.0, **self.how)\n        return self.before",
    ),
    (
        "the trajectory of other times",
        "(z,), start=1.0, end=0.0, **self.how\n        ):",
        "(z,), start=0.0, end=1.0, **self.how\n        ):",
    ),
    (
        "a temperature squared",
        "temperature * self.noise",
        "temperature**2 * self.noise",
    ),
    (
        "draws that know no label",
        "return self._back(temperature * self.noise(n, *self.event_shape), c)",
        "return self._back(temperature * self.noise(n, *self.event_shape), None)",
    ),
    ("a solver that does not hear of steps", "zero), **self.how | how)", "zero))"),
    (
        "a loss of as many steps",
        "self._carried(x, c, eps, **self.in_loss)",
        "self._carried(x, c, eps)",
    ),
    (
        "fewer steps for all",
        "zero), **self.how | how)",
        "zero), **self.how | self.in_loss)",
    ),
    (
        "the gradient of x cut",
        "x = x if x.requires_grad else x.detach().requires_grad_()",
        "x = x.detach().requires_grad_()",
    ),
    (
        "a depth of one",
        'hidden = [integer("width", width)] * integer("depth", depth)',
        'hidden = [integer("width", width)] * min(1, integer("depth", depth))',
    ),
    ("penalties without noise", "if self.jacobian and probe is None:", "if False:"),
    (
        "the adjoint's sign",
        "torch.zeros_like(v) if g is None else -g",
        "torch.zeros_like(v) if g is None else g",
    ),
    (
        "the adjoint forward again",
        'ctx.how | {"start": ctx.how["end"], "end": ctx.how["start"]}',
        "ctx.how",
    ),
    (
        "gradients of the states alone",
        "return None, None, None, *found[n:]",
        "return None, None, None, *found[n : 2 * n], *zeros",
    ),
    (
        "the state as it came in",
        "ctx.save_for_backward(*out, *inputs[n:])",
        "ctx.save_for_backward(*inputs)",
    ),
    (
        "the noise once",
        "_dot(_pulled(v, x, eps), eps)",
        "_pulled(v, x, eps).flatten(1).sum(1)",
    ),
    ("a mean over values", "(a * b).flatten(1).sum(1)", "(a * b).flatten(1).mean(1)"),
    ("the slopes not squared", "_dot(row, row)", "_dot(row, eps)"),
    ("the speed not squared", "_dot(v, v), bend", "_dot(v, v).sqrt(), bend"),
    (
        "new noise at each evaluation",
        "row = _pulled(v, x, eps)",
        "eps_ = signs(x)\n                    row = _pulled(v, x, eps_)",
    ),
    (
        "no gradient of the estimate",
        "grad(v, x, eps, create_graph=True)",
        "grad(v, x, eps, retain_graph=True)",
    ),
    ("the map before forgotten", "x, first = self.before.to_latent(x, c)", "first = 0"),
    (
        "the slope of the map before forgotten",
        "(x, first, zero, zero)",
        "(x, zero, zero, zero)",
    ),
    ("draws not led back", "return self.before.from_latent(x, c)", "return x"),
    (
        "a trajectory not led back",
        "yield t, self.before.from_latent(x, c)",
        "yield t, x",
    ),
    (
        "an image not told the time",
        "told = _told(x, t, c, self.classes)",
        "told = _told(x, 0.0, c, self.classes)",
    ),
    (
        "an image without its label",
        "told = _told(x, t, c, self.classes)",
        "told = _told(x, t, None if c is None else 0 * c, self.classes)",
    ),
    ("places alike", "h + self.place if i == 1 else h", "h"),
    ("places in all layers", "h + self.place if i == 1 else h", "h + self.place"),
    ("a kink in the velocity", "h = F.softplus(h +", "h = F.relu(h +"),
    ("a velocity from the start", "silent(self.layers[-1])", "pass"),
    ("a depth of one in images", '[width] * integer("depth", depth)', "[width]"),
    ("squares that do not fit", "any(s % side for s in sides)", "False"),
]
