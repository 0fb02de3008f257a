"""Mistakes in conditions.py, and the tests that must notice them."""

TESTS = (
    "test_kept.py",
    "test_contract.py",
    "test_devices.py::test_models_train_and_sample_where_they_are",
    "test_devices.py::test_conditions_are_made_where_the_model_is",
)
MUTANTS = [
    ("labels not checked from above", "c.max() <= top", "True"),
    (
        "labels not checked from below",
        "c.min() >= 0 and c.max() <= top",
        "c.max() <= top",
    ),
    ("the null label is a class", "(n,), self.classes,", "(n,), self.classes - 1,"),
    ("all labels dropped together", "torch.rand(len(c)", "torch.rand(1"),
    (
        "labels kept where they are to be dropped",
        "where(lost, self",
        "where(~lost, self",
    ),
]
