"""References, right variants and wrong versions of the exercises.

None of this ships in the package. For each exercise a class of its own name (vae-03:
``Vae03``) holds one ``reference``, at least three ``right`` variants and at least six
``wrong`` versions, each with the misconception that the check must name. A version is
the answer itself, a function; where there are several answers, numbers, classes or
state, it is a function that makes them, marked ``build``.
"""

from collections.abc import Callable


def reference(version: Callable) -> Callable:
    """The solution that the book shows."""
    version.role = "reference"
    return version


def right(version: Callable) -> Callable:
    """Another way to be right: the check must pass it."""
    version.role = "right"
    return version


def wrong(misconception: str) -> Callable:
    """A typical mistake: the check must reject it by this name."""

    def mark(version: Callable) -> Callable:
        version.role, version.misconception = "wrong", misconception
        return version

    return mark


def build(version: Callable) -> Callable:
    """``version()`` returns the answers, anew for each check."""
    version.build = True
    return version
