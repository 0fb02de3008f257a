"""Mistakes in meanflow.py, and the tests that must notice them."""

TESTS = ("test_meanflow.py",)
MUTANTS = [
    ("any share", 'probability("apart", apart)', "float(apart)"),
    ("any power", 'nonnegative("power", power)', "float(power)"),
    ("any guidance", 'positive("guidance", guidance)', "float(guidance)"),
    (
        "guided by nothing",
        "if guidance != 1 and (self.condition is None or self.condition.required):",
        "if False:",
    ),
    (
        "guided where a label is required",
        "(self.condition is None or self.condition.required)",
        "self.condition is None",
    ),
    ("other times", "lognormal(-0.4, 1.0) if", "lognormal() if"),
    (
        "times not taken",
        "lognormal(-0.4, 1.0) if times is None else times",
        "lognormal(-0.4, 1.0)",
    ),
    ("center lost", "center=center,", "center=0.0,"),
    ("limits lost", "limits=limits,", "limits=None,"),
    ("dropout lost", "drop=drop,", ""),
    (
        "both ends",
        "torch.stack([t, t - s], 1)",
        "torch.stack([t, s], 1)",
    ),
    (
        "the length first",
        "torch.stack([t, t - s], 1)",
        "torch.stack([t - s, t], 1)",
    ),
    (
        "the label forgotten",
        "torch.stack([t, t - s], 1), c)",
        "torch.stack([t, t - s], 1), None)",
    ),
    (
        "the velocity from 0",
        "self.average(x_t, t, t)",
        "self.average(x_t, 0 * t, t)",
    ),
    (
        "s moves too",
        "(v, torch.zeros_like(s), torch.ones_like(t))",
        "(v, torch.ones_like(s), torch.ones_like(t))",
    ),
    (
        "t stays",
        "(v, torch.zeros_like(s), torch.ones_like(t))",
        "(v, torch.zeros_like(s), torch.zeros_like(t))",
    ),
    (
        "x_t stays",
        "(v, torch.zeros_like(s), torch.ones_like(t))",
        "(0 * v, torch.zeros_like(s), torch.ones_like(t))",
    ),
    ("attention as it is", "with sdpa_kernel(SDPBackend.MATH):", "if True:"),
    (
        "the sign of the rest",
        "(v - over(t - s, v) * rate)",
        "(v + over(t - s, v) * rate)",
    ),
    ("the rest in full", "over(t - s, v) * rate", "rate"),
    ("the time for the length", "over(t - s, v) * rate", "over(t, v) * rate"),
    ("a gradient through the target", "* rate).detach()", "* rate)"),
    (
        "the label of the rate forgotten",
        "self.average(x_t, s, t, c), (x_t",
        "self.average(x_t, s, t), (x_t",
    ),
    ("input not checked", "        self.check(x, c)\n        x, c", "        x, c"),
    (
        "data in their own units",
        "x, c = self.flow.inner(x), self.flow._taught(c)",
        "c = self.flow._taught(c)",
    ),
    (
        "nothing dropped",
        "x, c = self.flow.inner(x), self.flow._taught(c)",
        "x = self.flow.inner(x)",
    ),
    ("noise that is uniform", "eps = torch.randn_like(x)", "eps = torch.rand_like(x)"),
    (
        "toward the data",
        "self._guided(eps - x, x_t, t)",
        "self._guided(x - eps, x_t, t)",
    ),
    ("a sum over values", ".flatten(1).mean(1)", ".flatten(1).sum(1)"),
    ("the weight learns", "(error.detach() + 1e-3)", "(error + 1e-3)"),
    ("no weight", "/ (error.detach() + 1e-3) ** self.power", ""),
    ("always in full", "1e-3) ** self.power", "1e-3)"),
    (
        "one pair for all",
        "torch.rand(3, len(x), device=x.device, dtype=x.dtype)",
        "torch.rand(3, 1, device=x.device, dtype=x.dtype).expand(3, len(x))",
    ),
    ("the first is the later", "t = torch.maximum(first, second)", "t = first"),
    ("the others", "uniform[2] < self.apart", "uniform[2] > self.apart"),
    (
        "the share depends on the time",
        "uniform[2] < self.apart",
        "uniform[1] < self.apart",
    ),
    (
        "from the data",
        "torch.minimum(first, second), t)",
        "0 * first, t)",
    ),
    (
        "a gradient through guidance",
        "@torch.no_grad()\n    def _guided",
        "def _guided",
    ),
    ("never guided", "if self.guidance == 1:", "if True:"),
    (
        "guided the other way",
        "self.guidance * v + (1 - self.guidance) * self.average(x_t, t, t)",
        "(1 - self.guidance) * v + self.guidance * self.average(x_t, t, t)",
    ),
    (
        "w for 1 + w",
        "self.guidance * v + (1 - self.guidance) * self.average(x_t, t, t)",
        "(1 + self.guidance) * v - self.guidance * self.average(x_t, t, t)",
    ),
    (
        "one step always",
        "for i in range(steps)] + [0.0]",
        "for i in range(1)] + [0.0]",
    ),
    (
        "the label of draws forgotten",
        "x.new_full((n,), t), c)",
        "x.new_full((n,), t))",
    ),
    (
        "times exchanged",
        "x.new_full((n,), s), x.new_full((n,), t)",
        "x.new_full((n,), t), x.new_full((n,), s)",
    ),
    ("a whole step", "x = x - (t - s) * u", "x = x - u"),
    ("away from the data", "x = x - (t - s) * u", "x = x + (t - s) * u"),
    ("inner units", "x = self.flow.center + self.flow.spread * x", "x = x + 0"),
    (
        "never clipped",
        "return x if self.flow.limits is None else x.clamp(*self.flow.limits)",
        "return x",
    ),
    (
        "clipped before",
        "        x = self.flow.center + self.flow.spread * x\n        return x if "
        "self.flow.limits is None else x.clamp(*self.flow.limits)",
        "        x = x if self.flow.limits is None else x.clamp(*self.flow.limits)\n"
        "        return self.flow.center + self.flow.spread * x",
    ),
    ("some time passes", "torch.zeros_like(t)], 1)", "t], 1)"),
    (
        "the label of the flow",
        "torch.zeros_like(t)], 1), c)",
        "torch.zeros_like(t)], 1), None)",
    ),
    (
        "None told",
        "            c = self.condition.null(len(x_t), x_t)\n",
        "            pass\n",
    ),
]
