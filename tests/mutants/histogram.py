"""Mistakes in histogram.py, and the tests that must notice them."""

TESTS = (
    "test_mixtures.py",
    "test_contract.py",
    "test_arguments.py",
    "test_parity_01.py",
    "test_devices.py::test_models_without_networks_are_fitted_where_the_data_is",
)
MUTANTS = [
    (
        "points on an upper edge are kept",
        "while (lost := self.cell(x) != cell).any():",
        "while False:",
    ),
    ("histogram without the cells' size", " - self.width.log().sum()", ""),
    (
        "points outside put into a cell",
        "where(cell < 0, -math.inf,",
        "where(cell < -1, -math.inf,",
    ),
]
