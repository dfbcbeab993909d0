"""Who may do what: three roles, each of which may do all that the one before it may."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """``viewer`` reads, ``officer`` (duty officer) acts, ``admin`` also manages accounts."""

    VIEWER = "viewer"
    OFFICER = "officer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 to 2, growing with what the role may do."""
        return tuple(Role).index(self)

    def includes(self, other: "Role") -> bool:
        """Whether this role may do everything that ``other`` may."""
        return self.rank >= other.rank


def lesser(one: Role, other: Role) -> Role:
    """The role of the two that may do less."""
    return one if other.includes(one) else other


@dataclass(frozen=True)
class Principal:
    """Who sent a request. ``credential``: the hash (never the secret) of the session or token that proved it."""

    username: str
    role: Role
    kind: Literal["session", "token"]
    credential: str = field(repr=False)
