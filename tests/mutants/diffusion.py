"""Mistakes in diffusion.py, and the tests that must notice them."""

TESTS = ("test_diffusion.py",)
MUTANTS = [
    ("times up to the end", "return 1e-3 + (1 - 2e-3) * u", "return u"),
    (
        "variance for deviation",
        "mean + std * torch.special",
        "mean + std**2 * torch.special",
    ),
    (
        "times of log(alpha / sigma)",
        "(mean + std * torch.special.ndtri(uniform(path, u))).exp()",
        "(-mean - std * torch.special.ndtri(uniform(path, u))).exp()",
    ),
    (
        "the input not scaled",
        "return skip * x_t + out * self._say(scale * x_t, t, c)",
        "return skip * x_t + out * self._say(x_t, t, c)",
    ),
    (
        "the skip forgotten",
        "return skip * x_t + out * self._say(scale * x_t, t, c)",
        "return out * self._say(scale * x_t, t, c)",
    ),
    (
        "the label forgotten",
        "return skip * x_t + out * self._say(scale * x_t, t, c)",
        "return skip * x_t + out * self._say(scale * x_t, t, None)",
    ),
    (
        "dropout forgotten",
        "x, c = self.inner(x), self._taught(c)",
        "x = self.inner(x)",
    ),
    (
        "data in their own units",
        "x, c = self.inner(x), self._taught(c)",
        "c = self._taught(c)",
    ),
    (
        "one time for all",
        "torch.rand(len(x), device=x.device, dtype=x.dtype)",
        "torch.rand(1, device=x.device, dtype=x.dtype).expand(len(x))",
    ),
    ("weighted twice", "error * (mine / asked) ** 2", "error * (mine / asked) ** 4"),
    (
        "weighted by the root",
        "error * (mine / asked) ** 2",
        "error * (mine / asked).abs()",
    ),
    (
        "weighted the other way",
        "error * (mine / asked) ** 2",
        "error * (asked / mine) ** 2",
    ),
    ("weights forgotten", "if self.loss_in is not self.predict:", "if False:"),
    (
        "noise that is uniform",
        "eps = torch.randn_like(x)\n        x_t",
        "eps = torch.rand_like(x)\n        x_t",
    ),
    (
        "noise of one for all",
        "eps = torch.randn_like(x)\n        x_t",
        "eps = torch.randn_like(x[:1]).expand_as(x)\n        x_t",
    ),
    ("the target is the data", "target = (x - skip * x_t) / out", "target = x"),
    (
        "the target not divided",
        "target = (x - skip * x_t) / out",
        "target = x - skip * x_t",
    ),
    (
        "a sum over values",
        ".square().flatten(1).mean(1)",
        ".square().flatten(1).sum(1)",
    ),
    ("absolute errors", ".square().flatten(1).mean(1)", ".abs().flatten(1).mean(1)"),
    (
        "the net asked without scale",
        "(self._say(scale * x_t, t, c) - target)",
        "(self._say(x_t, t, c) - target)",
    ),
    (
        "the bound without its condition",
        "(out / ratio) ** 2 * self._error(x, t, c)",
        "(out / ratio) ** 2 * self._error(x, t, None)",
    ),
    (
        "None told",
        "c = self.condition.null(len(x_t), x_t)",
        "pass",
    ),
    (
        "a mean over values in the bound",
        "error = d * (out / ratio)",
        "error = (out / ratio)",
    ),
    ("errors of the data", "d * (out / ratio) ** 2", "d * out ** 2"),
    ("errors of the net", "d * (out / ratio) ** 2", "d * (0 * out + 1) ** 2"),
    ("as many steps as levels", "way = (steps - 1) / 2 *", "way = steps / 2 *"),
    ("the half forgotten", "way = (steps - 1) / 2 *", "way = (steps - 1) *"),
    ("the ratio for the SNR", "math.expm1(2 * step)", "math.expm1(step)"),
    ("the limit of many steps", "math.expm1(2 * step)", "2 * step"),
    (
        "the less noisy end of a step",
        "torch.randint(1, steps,",
        "torch.randint(0, steps - 1,",
    ),
    ("the last step never", "torch.randint(1, steps,", "torch.randint(1, steps - 1,"),
    (
        "one step for all",
        "torch.randint(1, steps, (len(x),), device=x.device)",
        "torch.randint(1, steps, (1,), device=x.device).expand(len(x))",
    ),
    ("the end forgotten", "return seen - way - end", "return seen - way"),
    ("the way rewarded", "return seen - way - end", "return seen + way - end"),
    (
        "the end's half",
        "end = (x / ratios[1]).square().flatten(1).sum(1) / 2",
        "end = (x / ratios[1]).square().flatten(1).sum(1)",
    ),
    (
        "the end's mean",
        "end = (x / ratios[1]).square().flatten(1).sum(1) / 2",
        "end = (x / ratios[1]).square().flatten(1).mean(1) / 2",
    ),
    ("the spread forgotten", "std = ratios[0] * self.spread", "std = ratios[0]"),
    ("the entropy without e", "2 * math.pi * math.e * std**2", "2 * math.pi * std**2"),
    ("of one value", "seen = -d / 2 *", "seen = -1 / 2 *"),
    (
        "seen without noise",
        "seen = values[k] + std * torch.randn_like(like)",
        "seen = values[k]",
    ),
    ("levels over their number", "/ (levels - 1)\n    seen", "/ levels\n    seen"),
    (
        "the level before",
        ".gather(-1, k[..., None])",
        ".gather(-1, (k[..., None] - 1).clamp(0))",
    ),
    (
        "values between levels",
        'if x.device.type == "cpu" and (x * top - k)',
        "if False and (x * top - k)",
    ),
    ("levels beyond 1", "    within_unit(x)\n", ""),
    ("ratios that fall", "if not ratios[0] < ratios[1]:", "if False:"),
    (
        "samples of no label",
        "def told(x: Tensor, t: float, c: Any = c)",
        "def told(x: Tensor, t: float, c: Any = None)",
    ),
    (
        "guided by itself",
        "untold = lambda x, t: told(x, t, None)",
        "untold = lambda x, t: told(x, t)",
    ),
    (
        "told and untold exchanged",
        "guide(told, untold, guidance)",
        "guide(untold, told, guidance)",
    ),
    (
        "w for 1 + w",
        "guide(told, untold, guidance)",
        "guide(told, untold, guidance + 1)",
    ),
    (
        "clipped before guidance",
        "return self._clipped(guide(told, untold, guidance))",
        "return guide(self._clipped(told), self._clipped(untold), guidance)",
    ),
    (
        "limits in the data's units",
        "((limit - self.center) / self.spread for limit",
        "(limit for limit",
    ),
    (
        "never clipped",
        "        if self.limits is None:\n            return denoise",
        "        return denoise",
    ),
    (
        "guidance without a label",
        "if c is None or self.condition is None or self.condition.required:\n"
        "            raise",
        "if self.condition is None or self.condition.required:\n            raise",
    ),
    (
        "guidance where none is untold",
        "or self.condition.required:\n            raise",
        "or False:\n            raise",
    ),
    (
        "the condition not looked at",
        "        self.check_condition(c, n)\n        times",
        "        times",
    ),
    ("noise of size 1", "x = self.path.at(times[0])[1] * self.noise", "x = self.noise"),
    ("the first state left out", "in itertools.chain(first, states)", "in states"),
    ("inner units", "yield t, self.center + self.spread * x", "yield t, x"),
    ("the model's own sampler", "(sampler or self.sampler)(", "self.sampler("),
    ("the model's own grid", "(grid or self.grid)(", "self.grid("),
    ("the model's own steps", "self.steps if steps is None else steps", "self.steps"),
    ("the first for the last", "deque(states, maxlen=1)[0][1]", "next(states)[1]"),
    (
        "the center forgotten",
        "return (x - self.center) / self.spread",
        "return x / self.spread",
    ),
    (
        "multiplied by the spread",
        "return (x - self.center) / self.spread",
        "return (x - self.center) * self.spread",
    ),
    (
        "labels that are required, dropped",
        "if c is None or self.condition is None or self.condition.required:\n"
        "            return c",
        "if c is None or self.condition is None:\n            return c",
    ),
    ("nothing is dropped", "self.condition.drop(c, self.drop)", "c"),
    (
        "all but a share",
        "self.condition.drop(c, self.drop)",
        "self.condition.drop(c, 1 - self.drop)",
    ),
]
