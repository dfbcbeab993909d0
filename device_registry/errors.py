"""Errors of the package.

RegistryError
└── SiteError   a site file that must not be used
"""


class RegistryError(Exception):
    """Anything this package refuses."""


class SiteError(RegistryError):
    """A site file is wrong. ``problems`` names every wrong key as ``file: path: what to do``; the caller stops."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
