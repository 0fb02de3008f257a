"""Mistakes in live/gan_plane.py, and the tests that must notice them."""

TESTS = ("test_live_gan.py",)
MUTANTS = [
    ("always the same game", "_GAMES.index(type(game))", "0"),
    (
        "the players' rates exchanged",
        "for rate in chosen]",
        "for rate in chosen[::-1]]",
    ),
    ("variances for deviations", "variance.sqrt().tolist()", "variance.tolist()"),
    ("the still upside down", "at.flip(0).repeat", "at.repeat"),
    ("points upside down", "size - 2 - row + down", "row + down"),
]
