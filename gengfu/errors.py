"""Errors of the package.

GengfuError          one line for the person at the terminal; carries the exit code
├── InputError       exit 1: what was given is wrong
└── MissingError     exit 3: something it needs is not there, or is taken
"""


class GengfuError(Exception):
    """A message that says what, where and what to do. ``exit_code`` is the process's."""

    exit_code = 1


class InputError(GengfuError):
    """The input is wrong (a file, a value)."""


class MissingError(GengfuError):
    """A port, line, folder or program it needs is missing or taken."""

    exit_code = 3
