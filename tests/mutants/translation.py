"""Mistakes in translation.py, and the tests that must notice them."""

TESTS = ("test_translation.py", "test_contract.py")
MUTANTS = [
    ("the input not centered", "cat([2 * c - 1, planes]", "cat([c, planes]"),
    (
        "noise once for a batch",
        "c.new_empty(len(c), self.noise",
        "c.new_empty(1, self.noise",
    ),
    ("uniform noise", ".normal_()", ".uniform_()"),
    (
        "no way past",
        "torch.cat([x, self.through(x)]",
        "torch.cat([0 * x, self.through(x)]",
    ),
    ("no way through", "torch.cat([x, self.through(x)]", "torch.cat([x, x]"),
    (
        "halved once",
        "_Half(width, wide, _Half(wide, wide, nn.Identity()))",
        "_Half(width, wide, nn.Identity())",
    ),
    ("sides not compared", "if side != due:", "if False:"),
    (
        "a smaller patch",
        "nn.Conv2d(2 * width, 1, 3, padding=1)",
        "nn.Conv2d(2 * width, 1, 1)",
    ),
    ("the distance squared", "(a - b).abs().mean()", "(a - b).square().mean()"),
    ("the distance summed", "(a - b).abs().mean()", "(a - b).abs().sum()"),
    (
        "the generator learns in the critic's turn",
        "fake = fake.detach()",
        "fake = fake",
    ),
    ("the critic learns in both turns", "with _frozen(self.critic):", "if True:"),
    (
        "one critic learns in both turns",
        "with _frozen(self.critic_a), _frozen(self.critic_b):",
        "with _frozen(self.critic_a):",
    ),
    ("penalty subtracted", "loss += self.penalty(", "loss -= self.penalty("),
    (
        "penalty of the sum of patches",
        "_values(judge, x).mean(1)",
        "_values(judge, x).sum(1)",
    ),
    (
        "real and fake exchanged",
        "for part in (real, fake))",
        "for part in (fake, real))",
    ),
    (
        "the real examples are not told",
        "seen = _values(judge, real).flatten() if self.game.pairs else None",
        "seen = _values(judge, fake).flatten() if self.game.pairs else None",
    ),
    (
        "the critic sees the answer alone",
        "torch.cat([c, x], dim=1)",
        "torch.cat([0 * c, x], dim=1)",
    ),
    (
        "the paper's weight in other units",
        "l1_weight: float = 200.0",
        "l1_weight: float = 100.0",
    ),
    (
        "the paper's weight with a game that is halved",
        "cycle_weight: float = 10.0",
        "cycle_weight: float = 20.0",
    ),
    (
        "one net's weights twice",
        "for p in nn.ModuleList(nets).parameters() if",
        "for net in nets for p in net.parameters() if",
    ),
    ("images of another scale", "        within_unit(x)\n", ""),
    ("conditions of another scale", '        within_unit(c, name="c")\n', ""),
    (
        "only the generator's normalization",
        "max(map(_smallest_batch, (generator, *others)))",
        "_smallest_batch(generator)",
    ),
    ("the distance has no weight", "loss + self.l1_weight * _gap", "loss + _gap"),
    (
        "a critic of one kind alone",
        "sides = (self.critic_a, a, to_a), (self.critic_b, b, to_b)",
        "sides = ((self.critic_b, b, to_b),)",
    ),
    (
        "critics of the other translation",
        "sides = (self.critic_a, a, to_a), (self.critic_b, b, to_b)",
        "sides = (self.critic_a, a, a), (self.critic_b, b, b)",
    ),
    (
        "half a cycle",
        "(_gap(back(to_b), a) + _gap(forth(to_a), b))",
        "_gap(back(to_b), a)",
    ),
    (
        "the other half",
        "(_gap(back(to_b), a) + _gap(forth(to_a), b))",
        "_gap(forth(to_a), b)",
    ),
    (
        "compared with the other kind",
        "(_gap(forth(b), b) + _gap(back(a), a))",
        "(_gap(forth(a), b) + _gap(back(b), a))",
    ),
    (
        "half of the identity",
        "(_gap(forth(b), b) + _gap(back(a), a))",
        "_gap(forth(b), b)",
    ),
    ("shapes of an identity not compared", "if identity_weight and", "if False and"),
    (
        "frozen weights are a player's",
        "for p in nn.ModuleList(nets).parameters() if p.requires_grad]",
        "for p in nn.ModuleList(nets).parameters()]",
    ),
    ("a translation of another shape", "if tuple(x.shape) != due:", "if False:"),
    ("values of no image", "if values.ndim == 0 or len(values) != n:", "if False:"),
    ("bfloat16 under autocast", "return x.to(c.dtype)", "return x"),
]
