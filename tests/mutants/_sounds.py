"""Mistakes in _sounds.py, and the tests that must notice them."""

TESTS = ("test_plots.py",)
MUTANTS = [
    ("upside down", "middle * (1 - float(value))", "middle * (1 + float(value))"),
    ("the lowest forward", "low[::-1]", "low"),
    ("half as loud", "(sound * 32767)", "(sound * 16384)"),
    ("cut off, not rounded", "32767).round()", "32767)"),
    ("wraps around where it is too loud", ".clamp(-1, 1)", ""),
    ("always at 8,000", "file.setframerate(rate)", "file.setframerate(8000)"),
    (
        "labels that are HTML",
        "label, data = html.escape(label),",
        "label, data = label,",
    ),
    ("nothing for those who cannot see", 'role="img" aria-label=', "data-label="),
]
