"""Errors of the package.

OperationsError
├── PlanError         our data is wrong: a plan file that must not be used; ``problems`` names every wrong key
├── NoSuchRun         an id that names no run, step, plan or area
├── ActionRefused     the person cannot do this now; nothing was changed
└── StoreError        the database does not do what it is asked
    ├── StoreNewer        it was written by a newer release: use that one
    ├── StoreCollided     another worker changed the same at the same time: once more
    └── StoreUnusable     it cannot be opened, read or written: a person must act
"""


class OperationsError(Exception):
    """Anything this package refuses."""


class PlanError(OperationsError):
    """A plan must not be used. ``problems``: lines of ``file: path: what to do``."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NoSuchRun(OperationsError):
    """Nothing of this id is known. The message names the id and what kind of thing was looked for."""


class ActionRefused(OperationsError):
    """Refused with a reason for the person, in both languages. ``str()`` is the English one."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


class StoreError(OperationsError):
    """The database did not do what it was asked; nothing of that call is stored."""


class StoreNewer(StoreError):
    """The database's schema is newer than this program."""


class StoreCollided(StoreError):
    """Another worker changed the same at the same time. Done once more, it sees what that one did."""


class StoreUnusable(StoreError):
    """The database cannot be opened, read or written. The message says which and what to do."""
