"""Mistakes in checkpoint.py, and the tests that must notice them."""

TESTS = (
    "test_resume.py",
    "test_training.py",
    "test_bad_input.py",
)
MUTANTS = [
    ("checksum not compared", 'intact = seal["sha256"] ==', 'intact = "" !='),
    ("the previous file is not kept", "if not path.exists():", "if True:"),
    ("for a moment no file", "os.link(path, link)", "raise OSError"),
    ("a folder moved away", "if path.is_dir():", "if False:"),
]
