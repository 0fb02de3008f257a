"""Mistakes in _arguments.py, and the tests that must notice them."""

TESTS = (
    "test_arguments.py",
    "test_bad_input.py",
    "test_devices.py::test_what_a_density_is_made_of_may_be_anywhere",
    "test_devices.py::test_pixels_on_a_gpu_are_looked_at_where_it_is_worth_the_wait",
)
MUTANTS = [
    ("True counts as one", "or isinstance(value, bool)", ""),
    ("no upper bound", "if not low <= number <= high:", "if not low <= number:"),
    ("NaN is nonnegative", "if not 0 <= value < math.inf:", "if value < 0:"),
    ("gray values as pixels", "if not (low >= 0 and high <= 1):", "if low < 0:"),
    (
        "any shape is looped over",
        "if not isinstance(value, tuple | list):",
        "if value is None:",
    ),
]
