"""Mistakes in live/flow_plane.py, and the tests that must notice them."""

TESTS = ("test_live_flow.py",)
MUTANTS = [
    ("every layer moves the same half", "bool(part.flip)", "False"),
    ("one limit for all", "move.limit if", "3.0 if"),
    ("what is held back is learned", "half(points[:_LEARNED])", "half(points)"),
    ("judged by what is learned", "half(points[_LEARNED:])", "half(points[:_HELD])"),
    (
        "the true density on other points",
        "_truth(plane, points[_LEARNED:])",
        "_truth(plane, points[:_LEARNED])",
    ),
    ("one rate for all", '"rate": rate', '"rate": 0.01'),
    ("log p for the loss", "-log_prob(held)", "log_prob(held)"),
    ("a net that ends in a curve", 'spec[-1][0] != "linear"', "False"),
    ("a flow of its own kind", "type(flow) is not Flow", "not isinstance(flow, Flow)"),
    ("a flow that is told", " or flow.condition is not None", ""),
    ("the still twice before the layers", "flow.to_latent(x)[0]", "x"),
    ("level lines alone in the still", "rows, rows.flip(1)", "rows, rows"),
]
