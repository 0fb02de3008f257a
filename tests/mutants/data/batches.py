"""Mistakes in data/batches.py, and the tests that must notice them."""

TESTS = (
    "test_data_batches.py",
    "test_training.py",
    "test_devices.py::test_batches_bring_labels_to_the_data",
)
MUTANTS = [
    ("the same order in every epoch", "spawn_key=(epoch,)", "spawn_key=(0,)"),
    (
        "labels not shuffled with x",
        "self.c.index_select(0, rows)",
        "self.c[start:stop]",
    ),
    ("a pass without its last batch", "range(0, len(self.x), ", "range(0, 4, "),
    ("resume at the epoch's start", "self._position = position\n", "pass\n"),
    (
        "NaN in data passes",
        "if x.is_floating_point() and not torch.isfinite(x).all():",
        "if False:",
    ),
]
