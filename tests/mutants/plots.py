"""Mistakes in plots.py, and the tests that must notice them."""

TESTS = (
    "test_plots.py",
    "test_arguments.py",
)
MUTANTS = [
    (
        "the reader's style shines through",
        'plt.style.use(["default", style])',
        "plt.rcParams.update(style)",
    ),
]
