"""Mistakes in live/latent_plane.py, and the tests that must notice them."""

TESTS = ("test_live.py",)
MUTANTS = [
    ("the plane upside down", "at.flip(0).repeat", "at.repeat"),
    (
        "labels above the last class",
        "labels.max() >= len(names)",
        "labels.max() > len(names)",
    ),
]
