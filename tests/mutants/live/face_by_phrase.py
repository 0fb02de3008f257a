"""Mistakes in live/face_by_phrase.py, and the tests that must notice them."""

TESTS = ("test_live_faces.py",)
MUTANTS = [
    ("any net", "type(net) is not DiTDenoiser", "False"),
    ("any reader", "if type(net.label) is not PhraseEncoder:", "if False:"),
    ("any channels", "if channels != 3 or height != width:", "if False:"),
    ("no steps", "if not steps:", "if False:"),
    ("limits in their own units", "(v - model.center) / model.spread", "v"),
    (
        "first order alone",
        "change = 0.0 if last is None else",
        "change = 0.0 if True else",
    ),
    ("the other sign", "-a_s * math.expm1(-h)", "a_s * math.expm1(-h)"),
    ("the step itself for the one before", "last = h\n", "last = 2 * h\n"),
    ("the start at size 1", '"start": path.at(times[0])[1]', '"start": 1.0'),
    (
        "one time for all",
        "waves(one, net.frequencies)",
        "waves(0 * one, net.frequencies)",
    ),
    ("skip and out exchanged", "skip, out, scale = (", "out, skip, scale = ("),
    ("heads of the reader", '"heads": attention.attention.heads', '"heads": 1'),
    ("another seed", '"seed": seed', '"seed": seed + 1'),
]
