"""Mistakes in steering.py, and the tests that must notice them."""

TESTS = ("test_steering.py",)
MUTANTS = [
    (
        "sigma for its square",
        "weight * sigma**2 / alpha * slope",
        "weight * sigma / alpha * slope",
    ),
    (
        "alpha left out",
        "weight * sigma**2 / alpha * slope",
        "weight * sigma**2 * slope",
    ),
    ("the slope taken off", "denoise(x, t) + weight", "denoise(x, t) - weight"),
    ("the weight forgotten", "+ weight * sigma**2", "+ sigma**2"),
    (
        "a graph through the net",
        "with torch.no_grad():\n            return denoise",
        "with torch.enable_grad():\n            return denoise",
    ),
    ("the mask turned", "look = lambda x: there * x", "look = lambda x: ~there * x"),
    ("any mask", "if not ((mask == 0)", "if False and not ((mask == 0)"),
    ("zeros are masked", "return mask == 1", "return mask != 1"),
    ("ones alone", "((mask == 0) | (mask == 1)).all()", "(mask == 1).all()"),
    ("any mask is put in", "_there(mask)\n\n    def", "mask == 1\n\n    def"),
    ("the sum of the colors", "x.mean(1, keepdim=True)", "x.sum(1, keepdim=True)"),
    (
        "a third back",
        "y.expand(-1, channels, *y.shape[2:])",
        "y.expand(-1, channels, *y.shape[2:]) / channels",
    ),
    (
        "three channels always",
        "y.expand(-1, channels, *y.shape[2:])",
        "y.expand(-1, 3, *y.shape[2:])",
    ),
    (
        "rows alone",
        "y.repeat_interleave(side, -2).repeat_interleave(side, -1)",
        "y.repeat_interleave(side, -2).repeat(1, 1, 1, side)",
    ),
    (
        "taken off",
        "data + seen.back(y - seen.look(data))",
        "data - seen.back(y - seen.look(data))",
    ),
    (
        "the measurement alone",
        "data + seen.back(y - seen.look(data))",
        "data + seen.back(y)",
    ),
    (
        "the noisy is looked at",
        "data + seen.back(y - seen.look(data))",
        "data + seen.back(y - seen.look(x))",
    ),
    (
        "the variance of the noise",
        "variance = sigma**2 / (alpha**2 + sigma**2)",
        "variance = sigma**2",
    ),
    (
        "the deviation",
        "variance = sigma**2 / (alpha**2 + sigma**2)",
        "variance = (sigma**2 / (alpha**2 + sigma**2)) ** 0.5",
    ),
    ("the noisy in place of the estimate", "seen.look(denoise(x, t))", "seen.look(x)"),
    ("no half", "/ (2 * variance)", "/ variance"),
    (
        "pixels of means",
        "off = seen.back(y - seen.look(denoise(x, t)))",
        "off = y - seen.look(denoise(x, t))",
    ),
    ("the other sign", "return -off.square()", "return off.square()"),
    (
        "the mean over values",
        "off.square().flatten(1).sum(1)",
        "off.square().flatten(1).mean(1)",
    ),
    (
        "no gradient through the net",
        "seen.look(denoise(x, t))",
        "seen.look(denoise(x, t).detach() + x - x.detach())",
    ),
    (
        "noise of the time before",
        "alpha, sigma = path.at(s)\n                seen",
        "alpha, sigma = path.at(t)\n                seen",
    ),
    (
        "no noise on the known",
        "alpha * known + sigma * torch.randn_like(x)",
        "alpha * known",
    ),
    (
        "the known at full size",
        "alpha * known + sigma * torch.randn_like(x)",
        "known + sigma * torch.randn_like(x)",
    ),
    (
        "the unknown put in",
        "x = torch.where(there, seen, x)",
        "x = torch.where(there, x, seen)",
    ),
    (
        "once more",
        "for left in reversed(range(again))",
        "for left in reversed(range(again + 1))",
    ),
    ("noise after the last", "if left:", "if True:"),
    ("never noisier", "if left:", "if False:"),
    (
        "options lost",
        "sampler(denoise, path, x, [t, s], **how)",
        "sampler(denoise, path, x, [t, s])",
    ),
    (
        "all times at once",
        "sampler(denoise, path, x, [t, s], **how)",
        "sampler(denoise, path, x, [t, *[u for u in times if u < t]], **how)",
    ),
    ("the share squared", "share = a_t / a_s", "share = (a_t / a_s) ** 2"),
    ("all the noise of t", "s_t**2 - (share * s_s) ** 2", "s_t**2"),
    ("the noise of s not scaled", "s_t**2 - (share * s_s) ** 2", "s_t**2 - s_s**2"),
    (
        "any number of times",
        'again, there = integer("again", again)',
        "again, there = int(again)",
    ),
    (
        "the same noise where one example is known",
        "sigma * torch.randn_like(x)",
        "sigma * torch.randn_like(known)",
    ),
    ("any channels", "if x.shape[1] != channels:", "if False:"),
    ("a part of a square", "% side or x.shape[-1] % side", "% side"),
    ("rows that do not fit", "x.shape[-2] % side or ", ""),
]
