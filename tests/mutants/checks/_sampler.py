"""Mistakes in checks/_sampler.py, and the tests that must notice them."""

TESTS = ("test_checks_combinators.py",)
MUTANTS = [
    (
        "noise that is kept",
        't.true((one != two).any(), why, got, "noise fixed across calls")',
        "pass",
    ),
    ("one draw for all", "(one != one[:1]).any()", "True"),
    (
        "columns that share noise",
        '        independent(one[:, 0, :], "one noise for all dimensions")',
        "        pass",
    ),
    (
        "rows that share noise",
        '        independent(one[:, :, 0], "one noise for all examples")',
        "        pass",
    ),
    (
        "noise used twice",
        "    independent(together,",
        "    (lambda *a: None)(together,",
    ),
    ("draws of one call not tested", "    if few is not None:", "    if False:"),
    ("deviations not tested", "    t.std(z, std", "    (lambda *a, **k: None)(z, std"),
    ("means not tested", "    t.mean(z, mean", "    (lambda *a, **k: None)(z, mean"),
    ("far tails not tested", "    far_tails(t, (", "    (lambda *a: None)(t, ("),
    ("no graph is misnamed", "    if not z.requires_grad:", "    if False:"),
    ("no path is misnamed", "no_path if nothing else", "no_path if False else"),
]
