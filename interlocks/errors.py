"""Errors of the package.

InterlockError
├── MatrixError     a matrix file is wrong; ``problems`` names every wrong key
├── NoSuchTrip      an id that names no interlock
└── ResetRefused    something that a reset needs is missing; the message says what
"""


class InterlockError(Exception):
    """Anything this package refuses."""


class MatrixError(InterlockError):
    """A matrix must not be used. ``problems``: lines of ``file: path: what to do``."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NoSuchTrip(InterlockError):
    """No interlock has this id."""


class ResetRefused(InterlockError):
    """A reset moves nothing, and still needs its conditions."""
