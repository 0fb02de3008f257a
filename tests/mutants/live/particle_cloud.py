"""Mistakes in live/particle_cloud.py, and the tests that must notice them."""

TESTS = ("test_live_particles.py",)
MUTANTS = [
    (
        "a diffusion of its own kind",
        "type(model) is not Diffusion:",
        "not isinstance(model, Diffusion):",
    ),
    ("any net", "type(net) is not PointDenoiser:", "False:"),
    ("a label that must be told", " and not condition.required)", ")"),
    ("labels that the net is not told", " or net.classes != labels", ""),
    ("any path", "type(model.path) is Cosine", "True"),
    ("a loss in another coordinate", "model.loss_in is model.predict", "True"),
    ("any times of training", "model.times is uniform", "True"),
    ("any grid", "model.grid is samplers.evenly", "True"),
    ("limits forgotten", "model.limits is None", "True"),
    ("always noise", "_COORDINATES.index(model.predict)", "1"),
    ("always the same sampler", "_SAMPLERS.index(model.sampler)", "0"),
    ("no center", '"center": model.center', '"center": 0.0'),
    ("no spread", '"spread": model.spread', '"spread": 1.0'),
    ("always a fifth dropped", '"drop": model.drop', '"drop": 0.2'),
    ("an untrained still", "_train(page, groups, batch, steps, rate)", "pass"),
    ("the still backward", "way[::10]", "way[::-10]"),
    (
        "other noise each time",
        "    with seeded(0):\n        way",
        "    if True:\n        way",
    ),
    ("as many points as are given", "1 <= len(points) <= _MOST", "len(points)"),
    ("one of a pair is enough", "len(parts) != due", "False"),
    ("one noise for both labels", "[k::due]", "[:400]"),
    ("points not drawn as many", "[0][2][k::due]", "[0][2]"),
]
