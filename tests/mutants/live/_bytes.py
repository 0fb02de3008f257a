"""Mistakes in live/_bytes.py, and the tests that must notice them."""

TESTS = (
    "test_live.py",
    "test_live_next_token.py",
    "test_live_pixels.py",
    "test_live_gan.py",
)
MUTANTS = [
    ("PNG rows without their filter byte", 'b"\\0" + row', "row"),
    ("overflow in half precision", "not values.detach()", "False and values.detach()"),
    ("NaN alone", ".isfinite().all()", ".isnan().logical_not().all()"),
    ("the model itself is rounded", "copy.deepcopy(model).to(", "model.to("),
    ("the trained model draws the still", '"cpu", torch.float16).float()', '"cpu")'),
    ("gray written as color", "0 if c == 1 else 2", "2"),
]
