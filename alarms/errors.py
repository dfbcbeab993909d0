"""Errors of the package.

AlarmError
├── RuleError       a rule file is wrong; ``problems`` names every wrong key
├── NoSuchAlarm     an id that names no alarm
└── ActionRefused   the action is not allowed in this state or for this class
"""


class AlarmError(Exception):
    """Anything this package refuses."""


class RuleError(AlarmError):
    """A rule must not be used. ``problems``: lines of ``file: path: what to do``."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NoSuchAlarm(AlarmError):
    """No alarm has this id."""


class ActionRefused(AlarmError):
    """The message tells the person why, and what would be needed."""
