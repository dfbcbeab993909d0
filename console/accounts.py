"""Accounts: users, their sessions, API tokens and entry links.

Every call blocks (database, argon2): the HTTP side makes them in threads. No secret is ever stored, logged or
put in an error: a session or API token exists in clear only in the answer that hands it out.
"""

import hashlib
import logging
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Update, delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as Db

from console.backoff import LoginBackoff
from console.database import open_database
from console.errors import AccountError, LoginBlocked, LoginRefused
from console.links import EntryLinks
from console.roles import Principal, Role, lesser
from console.tables import Session, Token, User

log = logging.getLogger("gengfu.console")

SESSION_IDLE_S = 12 * 3600.0
TOUCH_S = 60.0
"""A session's last use is written at most this often: a request must not cost a disk write."""
PASSWORD_MIN = 8
NAME_MAX = 64
_TOKEN_MARK = "gft_"  # noqa: S105 - a public prefix, so that a leaked token is recognised by scanners
_SESSION_MARK = "gfs_"


@dataclass(frozen=True)
class TokenInfo:
    """What may be shown of an API token. Times in UTC s; ``used`` is ``None`` until the first use."""

    id: str
    name: str
    user: str
    role: Role
    created: float
    used: float | None


class Accounts:
    """The accounts of one console. Thread-safe. ``clock``: UTC seconds; ``idle_s``: a session unused for so
    long is over."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        idle_s: float = SESSION_IDLE_S,
        hasher: PasswordHasher | None = None,
    ) -> None:
        """Open or create the database at a SQLAlchemy ``url``. Raises `console.errors.SchemaTooNew`."""
        self._engine, self._db = open_database(url)
        self._clock = clock
        self._is_untold = True
        self._idle_s = idle_s
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        self._backoff = LoginBackoff(clock)
        self._links = EntryLinks()

    def close(self) -> None:
        """Release the files."""
        self._engine.dispose()

    # Users

    def ensure_admin(self, password: str | None = None) -> str | None:
        """On the first start create the user ``admin``. Returns the password if one had to be made up, to be
        shown once; ``None`` if it was given or there is an administrator already."""
        with self._db() as db:
            if db.scalars(select(User.id).where(User.role == Role.ADMIN)).first() is not None:
                return None
        chosen = password or secrets.token_urlsafe(12)
        self.add_user("admin", chosen, Role.ADMIN)
        return None if password else chosen

    def add_user(self, name: str, password: str | None, role: Role) -> None:
        """Create a user; without a password nobody signs in as it but by link. Raises `AccountError`."""
        if not 0 < len(name) <= NAME_MAX or not name.isprintable() or name != name.strip():
            raise AccountError(f"a user name has 1 to {NAME_MAX} printable characters and no space around it")
        hashed = None if password is None else self._hash(password)
        with self._db.begin() as db:
            if self._user(db, name) is not None:
                raise AccountError(f"there is a user {name!r} already; choose another name")
            db.add(User(name=name, role=role.value, password_hash=hashed, created=self._clock()))

    def set_password(self, name: str, password: str) -> None:
        """Replace the password and end all sessions of the user. Raises `AccountError`."""
        hashed = self._hash(password)
        with self._db.begin() as db:
            user = self._user(db, name)
            if user is None:
                raise AccountError(f"there is no user {name!r}")
            user.password_hash = hashed
            db.execute(delete(Session).where(Session.user_id == user.id))

    def users(self) -> list[tuple[str, Role]]:
        """Names and roles, by name."""
        with self._db() as db:
            return [(one.name, Role(one.role)) for one in db.scalars(select(User).order_by(User.name))]

    # Sessions

    def login(self, name: str, password: str, peer: str) -> str:
        """The token of a new session. Raises `LoginRefused`, or `LoginBlocked` after five failures."""
        wait_s = self._backoff.begin(name, peer)
        if wait_s > 0:
            raise LoginBlocked(math.ceil(wait_s))
        with self._db() as db:
            user = self._user(db, name)
        # An unknown name costs the same time as a wrong password.
        stored = (user.password_hash if user else None) or self._nobody
        if not self._matches(stored, password) or user is None:
            raise LoginRefused("wrong name or password")
        self._backoff.succeed(name, peer)
        return self._start_session(user.id, Role(user.role))

    def logout(self, who: Principal) -> None:
        """End the session. An API token is not a session and stays."""
        if who.kind == "session":
            with self._db.begin() as db:
                db.execute(delete(Session).where(Session.digest == who.credential))

    def resolve(self, secret: str) -> Principal | None:
        """Who holds this session token or API token; ``None`` if nobody (wrong, ended or expired)."""
        digest, now = _digest(secret), self._clock()
        with self._db() as db:
            if secret.startswith(_TOKEN_MARK):
                holder, used = self._token_holder(db, digest)
            else:
                holder, used = self._session_holder(db, digest, now)
        if holder is not None and (used is None or now - used >= TOUCH_S):
            table = Token if holder.kind == "token" else Session
            self._touch(update(table).where(table.digest == digest).values(used=now))
        return holder

    def _touch(self, use: Update) -> None:
        """Nobody is locked out of the desk because the disk is full."""
        try:
            with self._db.begin() as db:
                db.execute(use)
            self._is_untold = True
        except OperationalError as error:
            if self._is_untold:
                log.warning("when sessions and tokens were last used cannot be stored: %s", error.orig)
            self._is_untold = False

    # Entry links

    def issue_link(self, role: Role, user: str) -> str:
        """The key of an entry link for ``user``, who is created without a password if unknown.

        Raises `AccountError` if the user exists and may do less than ``role``.
        """
        with self._db() as db:
            known = self._user(db, user)
        if known is None:
            self.add_user(user, None, role)
        elif not Role(known.role).includes(role):
            raise AccountError(f"user {user!r} is {known.role}; a link cannot make it {role.value}")
        return self._links.issue(user, role)

    def enter(self, key: str, peer: str) -> str | None:
        """The token of a new session for the holder of a link; ``None`` if the key does not work (any more)."""
        granted = self._links.redeem(key, peer)
        if granted is None:
            return None
        with self._db() as db:
            user = self._user(db, granted[0])
        return self._start_session(user.id, granted[1]) if user else None

    # API tokens

    def create_token(self, who: Principal, name: str, role: Role | None = None) -> tuple[TokenInfo, str]:
        """A new API token of ``who`` with at most its role, and its secret. Raises `AccountError`."""
        wanted = role or who.role
        if not who.role.includes(wanted):
            raise AccountError(f"a {who.role.value} cannot make a token with the role {wanted.value}")
        secret = _TOKEN_MARK + secrets.token_urlsafe(32)
        with self._db.begin() as db:
            user = self._user(db, who.username)
            if user is None:
                raise AccountError(f"there is no user {who.username!r}")
            row = Token(
                id=secrets.token_hex(8),
                digest=_digest(secret),
                name=name,
                role=wanted.value,
                created=self._clock(),
                used=None,
                user=user,
            )
            db.add(row)
            return _info(row), secret

    def tokens(self, who: Principal) -> list[TokenInfo]:
        """The API tokens of ``who``, oldest first; an administrator sees everybody's."""
        with self._db() as db:
            query = select(Token).order_by(Token.created, Token.id)
            return [_info(row) for row in db.scalars(query) if _owns(who, row)]

    def delete_token(self, who: Principal, id_: str) -> bool:
        """Take back an API token; ``False`` if ``who`` has none of this id."""
        with self._db.begin() as db:
            row = db.get(Token, id_)
            if row is None or not _owns(who, row):
                return False
            db.delete(row)
            return True

    def _user(self, db: Db, name: str) -> User | None:
        return db.scalars(select(User).where(User.name == name)).one_or_none()

    def _session_holder(self, db: Db, digest: str, now: float) -> tuple[Principal | None, float]:
        """Who, and when the session was last used."""
        row = db.scalars(select(Session).where(Session.digest == digest)).one_or_none()
        if row is None or now - row.used > self._idle_s:
            return None, now
        role = lesser(Role(row.role), Role(row.user.role))
        return Principal(row.user.name, role, "session", digest), row.used

    def _token_holder(self, db: Db, digest: str) -> tuple[Principal | None, float | None]:
        """Who, and when the token was last used."""
        row = db.scalars(select(Token).where(Token.digest == digest)).one_or_none()
        if row is None:
            return None, None
        role = lesser(Role(row.role), Role(row.user.role))
        return Principal(row.user.name, role, "token", digest), row.used

    def _start_session(self, user_id: int, role: Role) -> str:
        secret, now = _SESSION_MARK + secrets.token_urlsafe(32), self._clock()
        with self._db.begin() as db:
            db.execute(delete(Session).where(Session.used < now - self._idle_s))
            db.add(Session(digest=_digest(secret), user_id=user_id, role=role.value, created=now, used=now))
        return secret

    def _hash(self, password: str) -> str:
        if len(password) < PASSWORD_MIN:
            raise AccountError(f"a password has at least {PASSWORD_MIN} characters")
        return self._hasher.hash(password)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


def _digest(secret: str) -> str:
    # A fast hash is enough: what is hashed has 256 random bits and cannot be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()


def _owns(who: Principal, row: Token) -> bool:
    return who.role is Role.ADMIN or row.user.name == who.username


def _info(row: Token) -> TokenInfo:
    return TokenInfo(row.id, row.name, row.user.name, Role(row.role), row.created, row.used)
