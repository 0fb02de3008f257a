"""Mistakes in data/transforms.py, and the tests that must notice them."""

TESTS = ("test_data_batches.py",)
MUTANTS = [
    ("white comes out black", "torch.rand_like(mean).lt_(mean)", "mean.lt(0.5)"),
    ("255 levels, not 256", "pixels.add_(u).div_(256)", "pixels.add_(u).div_(255)"),
    ("pixels over 256", ".float().div_(255)", ".float().div_(256)"),
    ("mu for one more", "(levels - 1)).log1p() / math", "levels).log1p() / math"),
    ("the sign lost", "x.sign() * (x.abs()", "(x.abs()"),
    ("to the nearest token", "levels).floor()", "levels).round()"),
    ("the ends fall out", ".long().clamp(0, levels - 1)", ".long()"),
    ("edges for centers", "(2 * tokens.float() + 1)", "(2 * tokens.float())"),
    ("not scaled back", ".expm1() / (levels - 1)", ".expm1() / levels"),
]
