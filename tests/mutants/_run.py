"""Mistakes in _run.py, and the tests that must notice them."""

TESTS = (
    "test_runs.py",
    "test_resume.py",
    "test_training.py",
    "test_devices.py::test_models_train_and_sample_where_they_are",
)
MUTANTS = [
    (
        "resume forgets the optimizer",
        "self.optimizers[player].load_state_dict(saved)",
        "pass",
    ),
    ("resume forgets the data's place", 'load_state_dict(state["data"])', "epoch()"),
    ("resume forgets the random stream", 'set_rng_state(state["rng"])', "seed()"),
    (
        "resume forgets the average's age",
        'self.ema.updates = state["ema"]["updates"]',
        "pass",
    ),
    ("step counted before the save", 'self.step = self.saved = meta["step"]', "pass"),
    ("a longer run cut short in silence", 'if meta["step"] > steps:', "if False:"),
    (
        "what no file keeps is found at the first save",
        'checkpoint.flatten(self._state() | self._place(), {}, "run")',
        "pass",
    ),
    ("a loop that is left is not saved", "self.save(self.place)", "pass"),
    (
        "annealing one step late",
        "self._at(self.step)",
        "self._at(self.step + 1)",
    ),
    (
        "schedule one step late",
        "float(self.schedule(self.step))",
        "float(self.schedule(self.step + 1))",
    ),
    ("the average is not annealed", "self.ema.model.at(step)", "pass"),
    (
        "what was removed comes back",
        "if self.saved and not self.path.exists():",
        "if False:",
    ),
    ("the schedule's rate stays", "== rate * self.factor:", "is None:"),
    ("a rate of the caller's is lost", "== rate * self.factor:", "is not None:"),
]
