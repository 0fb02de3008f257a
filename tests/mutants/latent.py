"""Mistakes in latent.py, and the tests that must notice them."""

TESTS = ("test_latent.py",)
MUTANTS = [
    ("the codec learns", "codec.requires_grad_(False).eval()", "codec.eval()"),
    (
        "the codec trains",
        "with evaluating(self.codec):\n            z",
        "if True:\n            z",
    ),
    (
        "the mean for a draw",
        "z = reparameterize(*self.codec.encode(x))",
        "z = self.codec.encode(x)[0]",
    ),
    (
        "latents by pixels",
        "self.diffusion.loss(self.to_latents(x), c)",
        "self.diffusion.loss(self.to_latents(x.flip(0)), c)",
    ),
    (
        "the condition forgotten",
        "self.diffusion.loss(self.to_latents(x), c)",
        "self.diffusion.loss(self.to_latents(x))",
    ),
    (
        "parameters for means",
        "self.codec.likelihood.mean(self.codec.decode(z.flatten(1)))",
        "self.codec.decode(z.flatten(1))",
    ),
    (
        "the condition of a draw forgotten",
        "self.diffusion.draw(n, c, **how)",
        "self.diffusion.draw(n, **how)",
    ),
    ("options lost", "self.diffusion.draw(n, c, **how)", "self.diffusion.draw(n, c)"),
    ("the rate added", "return seen - rate", "return seen + rate"),
    ("no rate", "return seen - rate", "return seen"),
    ("the bound forgets the condition", "elbo(grid, c, **how)", "elbo(grid, **how)"),
    (
        "the bound is told nothing else",
        "elbo(grid, c, **how)",
        "elbo(grid, c)",
    ),
    (
        "the mean in the bound",
        "z = reparameterize(mean, log_std)\n            seen",
        "z = mean\n            seen",
    ),
    (
        "any number of latents",
        "if math.prod(diffusion.event_shape) != codec.latent_dim:",
        "if False:",
    ),
    (
        "grids that do not fit",
        "if len(sides) != 2 or places != smaller:",
        "if len(sides) != 2:",
    ),
    ("any autoencoder", "if codec.condition is not None:", "if False:"),
    (
        "any sizes",
        'values, *places = shape_of("latent_shape", latent)',
        "values, *places = latent",
    ),
    (
        "as many channels at twice the size",
        """        into, out = _fit(event_shape, latent_shape, side)
        half = max(1, integer("width", width) // 2)""",
        """        into, out = _fit(event_shape, latent_shape, side)
        half = max(1, integer("width", width))""",
    ),
]
