"""Mistakes in data/transforms.py, and the tests that must notice them."""

TESTS = ("test_data_batches.py",)
MUTANTS = [
    ("white comes out black", "torch.rand_like(mean).lt_(mean)", "mean.lt(0.5)"),
    ("255 levels, not 256", "pixels.add_(u).div_(256)", "pixels.add_(u).div_(255)"),
    ("pixels over 256", ".float().div_(255)", ".float().div_(256)"),
]
