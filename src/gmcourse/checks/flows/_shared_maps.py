"""What several exercises on maps and their log-determinants try."""


def pair(t, out, why):
    """The two parts of a result; ``why`` says which are due."""
    two = isinstance(out, tuple | list) and len(out) == 2
    got = f"an object of type {type(out).__name__}"
    got += f", of length {len(out)}" if isinstance(out, tuple | list) else ""
    t.true(two, f"A pair {why}.", got, "no pair")
    return out
