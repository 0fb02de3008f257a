"""Mistakes in gan.py, and the tests that must notice them."""

TESTS = ("test_gan.py", "test_contract.py")
MUTANTS = [
    (
        "the critic's real examples with the wrong sign",
        "softplus(-real) + smooth",
        "softplus(real) + smooth",
    ),
    (
        "smoothing to the wrong side",
        "(1 - self.real_label) * real",
        "(self.real_label - 1) * real",
    ),
    (
        "the saturating loss with the wrong sign",
        "return -F.softplus(fake)",
        "return F.softplus(fake)",
    ),
    ("no saturation for both", "return F.softplus(-fake)", "return -F.softplus(fake)"),
    (
        "least squares with the targets exchanged",
        "0.5 * (real - 1).square() + 0.5 * fake.square()",
        "0.5 * real.square() + 0.5 * (fake - 1).square()",
    ),
    ("hinge without its margin", "F.relu(1 - real)", "F.relu(-real)"),
    ("the sign of the Wasserstein critic", "return fake - real", "return real - fake"),
    (
        "relativistic critic turned around",
        "return F.softplus(fake - real)",
        "return F.softplus(real - fake)",
    ),
    (
        "penalty without create_graph",
        "create_graph=True",
        "create_graph=False, retain_graph=True",
    ),
    (
        "slopes averaged over an example",
        ".reshape(len(x), -1).square().sum(1)",
        ".reshape(len(x), -1).square().mean(1)",
    ),
    (
        "slopes not squared",
        ".reshape(len(x), -1).square().sum(1)",
        ".reshape(len(x), -1).abs().sum(1)",
    ),
    ("one point between for all", "torch.rand(len(real), *", "torch.rand(1, *"),
    (
        "penalty at the real examples",
        "torch.lerp(fake, real, t.to(real.dtype))",
        "torch.lerp(real, real, t.to(real.dtype))",
    ),
    ("penalty toward 0", ".sqrt() - 1).square()", ".sqrt()).square()"),
    ("root of a flat critic", ".clamp(min=1e-12).sqrt()", ".sqrt()"),
    (
        "r1 without its half",
        "return 0.5 * _slopes(critic, real).mean()",
        "return _slopes(critic, real).mean()",
    ),
    (
        "r2 at real examples",
        "0.5 * _slopes(critic, fake).mean()",
        "0.5 * _slopes(critic, real).mean()",
    ),
    (
        "detach forgotten",
        "fake = made.detach()",
        "fake = made",
    ),
    (
        "every step on the first part",
        "zip(reals, labels):",
        "zip(reals[:1] * k, labels):",
    ),
    ("penalty subtracted", "loss = loss + self.penalty", "loss = loss - self.penalty"),
    (
        "parts of unequal size, some too small",
        "x.tensor_split(k)",
        "x.chunk(k)",
    ),
    (
        "labels of other parts",
        "c.tensor_split(k)",
        "c.chunk(k)",
    ),
    (
        "more steps than examples",
        "min(self.critic_steps, len(x))",
        "self.critic_steps",
    ),
    (
        "weights of both players frozen where examples are made",
        "        made = made if self.reuse else self.generate(len(real), told)\n"
        "        with _frozen(self.critic):\n",
        "        with _frozen(self.critic):\n"
        "            made = made if self.reuse else self.generate(len(real), told)\n",
    ),
    ("reused with shared weights", "if reuse and any(", "if False and any("),
    ("any condition", "not condition.required:", "False:"),
    ("a game that is none", "if not isinstance(game, Game):", "if False:"),
    (
        "a target in any game",
        "is not None and not game.classifies:",
        "is not None and False:",
    ),
    (
        "hinge said not to classify",
        "    classifies = True\n\n    def critic(self, real, fake):\n"
        "        return F.relu(1 - real)",
        "    def critic(self, real, fake):\n        return F.relu(1 - real)",
    ),
    ("shapes are broadcast", "if real.shape != fake.shape:", "if False:"),
    ("a row of values", "value.shape[:1] != (n,) or", "False or"),
    ("the critic learns in both turns", "with _frozen(self.critic):", "if True:"),
    (
        "noise on the critic's turn alone",
        "if self.instance_noise:",
        "if self.instance_noise and x.requires_grad:",
    ),
    (
        "the label is not told to the critic",
        "value = self.critic(x) if c is None else self.critic(x, c)",
        "value = self.critic(x) if c is None else self.critic(x, 0 * c)",
    ),
    ("weights stay frozen", "            p.requires_grad_(True)", "            pass"),
    (
        "projection without its value",
        "return self.value(h)[:, 0] + (self.label(c) * h).sum(1)",
        "return (self.label(c) * h).sum(1)",
    ),
    ("spread over the pixels", "x.var(0, correction=0)", "x.var(-1, correction=0)"),
    (
        "the weight of the penalty is not looked at",
        "self.penalty_weight * self.penalty(",
        "self.penalty(",
    ),
    (
        "nothing is annealed",
        "value = value(step) if callable(value)",
        "value = value(0) if callable(value)",
    ),
    (
        "augmented after the critic",
        "            x = self.augment(x)",
        "            self.augment(x)",
    ),
    (
        "augmentation of what is made alone",
        "            x = self.augment(x)",
        "            x = self.augment(x) if x.requires_grad else x",
    ),
    (
        "the chance follows the made examples",
        "self.augment.observe(value)",
        "self.augment.observe(judge(fake))",
    ),
    (
        "nobody tells the augmentation",
        "                self.augment.observe(value)",
        "                pass",
    ),
    (
        "the augmentation is no part of the model",
        "self.augment: Any = None if augment is None else _fitting(augment, game)",
        "self.__dict__['augment'] = augment",
    ),
    (
        "regularizer subtracted",
        "loss = loss + self.regularizer(",
        "loss = loss - self.regularizer(",
    ),
    (
        "regularizer on one example",
        "z = self.noise(len(fake), self.latent_dim)",
        "z = self.noise(1, self.latent_dim)",
    ),
    (
        "regularizer without its gradient",
        "self.regularizer(self.generator, z)",
        "self.regularizer(self.generator, z).detach()",
    ),
    (
        "what is reused has lost its gradient",
        "made = made if self.reuse",
        "made = fake if self.reuse",
    ),
    (
        "a graph in each of the critic's turns",
        "self.reuse and torch.is_grad_enabled()",
        "torch.is_grad_enabled()",
    ),
    (
        "asked to reuse, it makes fresh ones",
        "made = made if self.reuse else",
        "made = made if not self.reuse else",
    ),
    (
        "a graph where gradients are off",
        "self.reuse and torch.is_grad_enabled()",
        "self.reuse",
    ),
]
