"""Mistakes in checks/_surroundings.py, and the tests that must notice them."""

TESTS = ("test_checks.py",)
MUTANTS = [
    (
        "the caller's device is lost",
        "            torch.set_default_device(device)",
        "            pass",
    ),
    (
        "autocast stays on",
        "stack.enter_context(torch.autocast(kind, enabled=False))",
        "pass",
    ),
    (
        "the limit can be caught",
        "class TimeUp(BaseException)",
        "class TimeUp(Exception)",
    ),
    (
        "the signal's handler is lost",
        "        signal.signal(signal.SIGALRM, old)\n        if left:",
        "        if False:",
    ),
    ("somebody else's timer is lost", "0 < left <= seconds", "left < 0"),
    (
        "a limit outside the main thread",
        "able and threading.current_thread() is threading.main_thread()",
        "able",
    ),
    (
        "lines without end",
        "            if self.lines >= LINES or",
        "            if False and",
    ),
    ("a line without end", "self.characters + len(line) > CHARACTERS", "False"),
    ("what is dropped is not told", "        if dropped:", "        if False:"),
]
