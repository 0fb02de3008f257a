"""Mistakes in live/velocity_field.py, and the tests that must notice them."""

TESTS = ("test_live_velocity.py",)
MUTANTS = [
    (
        "a flow of its own kind",
        "type(flow) is not ContinuousFlow:",
        "not isinstance(flow, ContinuousFlow):",
    ),
    ("a flow that is told", " or flow.condition is not None", ""),
    ("a flow beyond the plane", "flow.event_shape != (2,) or ", ""),
    (
        "a field of its own kind",
        "type(field) is not Field ",
        "not isinstance(field, Field) ",
    ),
    ("a field with classes", " or field.classes", ""),
    ("other activations", 'not {*names} <= {"linear", "tanh"} or ', ""),
    ("a velocity that ends in tanh", ' or names[-1] != "linear"', ""),
    ("a field without time", "field.net, 3, 2", "field.net, None, 2"),
    ("data for noise", "(half(noise)),", "(half(points)),"),
    ("noise for data", "(half(points)),", "(half(noise)),"),
    (
        "draws where data is given",
        "clouds[-1] if data is None else drawn",
        "clouds[-1] if True else drawn",
    ),
    ("what noise was for what it becomes", "points = clouds[-1]", "points = clouds[0]"),
    ("the flow's own solver", '    page.how = {"steps": _STEPS, "step": rk4}\n', ""),
    ("other noise each time", "with seeded(0):", "if True:"),
    (
        "the still always at its end",
        "image, cloud, extent",
        "image, clouds[-1], extent",
    ),
    ("the start not as given", "spot(start, extent)", "spot((0.75, 0.5), extent)"),
    ("one extent for all", '"extent": extent', '"extent": 4.0'),
]
