"""What is wrong, or worth a word, in the rules and matrices of a site."""

from typing import NamedTuple


class Where(NamedTuple):
    """``file`` as people know it, and the ``key`` of a table in it: ``override[CK-02]``."""

    file: str
    key: str
    is_shipped: bool = False

    def at(self, *keys: str) -> "Where":
        """A key below this one; an empty one is none."""
        return self._replace(key=".".join(key for key in (self.key, *keys) if key))


class Finding(NamedTuple):
    """``what`` says what is wrong and what to do. A warning refuses nothing."""

    where: Where
    what: str
    warning: bool = False

    def __str__(self) -> str:
        """One line: file, key, what to do."""
        return f"{self.where.file}: {self.where.key}: {'warning: ' if self.warning else ''}{self.what}"


def errors(findings: list[Finding]) -> list[str]:
    """The lines of those for which the rules must not be used; each once."""
    return list(dict.fromkeys(str(one) for one in findings if not one.warning))


def warnings(findings: list[Finding]) -> list[str]:
    """The lines of the others; each once."""
    return list(dict.fromkeys(str(one) for one in findings if one.warning))
