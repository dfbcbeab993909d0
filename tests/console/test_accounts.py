"""Users, sessions, API tokens and entry links."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import argon2
import pytest
from argon2 import PasswordHasher

from console.accounts import SESSION_IDLE_S, Accounts
from console.errors import AccountError, LoginBlocked, LoginRefused, SchemaTooNew
from console.roles import Principal, Role
from tests.console.conftest import PASSWORDS, Clock

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LOCAL, REMOTE = "127.0.0.1", "192.0.2.7"


@pytest.fixture
def fresh(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    """No users yet."""
    opened = Accounts(f"sqlite:///{tmp_path}/new/fresh.db", clock=clock.seconds, hasher=CHEAP)
    yield opened
    opened.close()


def sign_in(accounts: Accounts, role: Role) -> Principal:
    who = accounts.resolve(accounts.login(role.value, PASSWORDS[role], LOCAL))
    assert who is not None
    return who


def test_the_first_start_makes_up_a_password_once(fresh: Accounts) -> None:
    password = fresh.ensure_admin()
    assert password is not None
    assert len(password) >= 16
    assert fresh.users() == [("admin", Role.ADMIN)]
    assert fresh.resolve(fresh.login("admin", password, LOCAL)) is not None
    assert fresh.ensure_admin() is None


def test_a_given_password_is_taken_and_not_told_again(fresh: Accounts) -> None:
    assert fresh.ensure_admin("chosen-by-hand") is None
    assert fresh.login("admin", "chosen-by-hand", LOCAL)


def test_a_second_start_does_not_change_the_password(fresh: Accounts) -> None:
    fresh.ensure_admin("chosen-by-hand")
    fresh.ensure_admin("another-password")
    with pytest.raises(LoginRefused):
        fresh.login("admin", "another-password", LOCAL)


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "x" * 65])
def test_bad_user_names_are_refused(fresh: Accounts, name: str) -> None:
    with pytest.raises(AccountError, match="user name"):
        fresh.add_user(name, "long-enough", Role.VIEWER)


def test_short_passwords_are_refused_without_repeating_them(fresh: Accounts) -> None:
    with pytest.raises(AccountError, match="at least 8") as caught:
        fresh.add_user("someone", "short7!", Role.VIEWER)
    assert "short7!" not in str(caught.value)


def test_a_name_is_taken_once(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="already"):
        accounts.add_user("viewer", "long-enough", Role.ADMIN)


@pytest.mark.parametrize(("name", "password"), [("viewer", "wrong-password"), ("nobody", "viewer-secret-1")])
def test_wrong_name_and_wrong_password_are_refused_alike(accounts: Accounts, name: str, password: str) -> None:
    with pytest.raises(LoginRefused, match=r"^wrong name or password$"):
        accounts.login(name, password, LOCAL)


def test_an_unknown_name_costs_the_same_check_as_a_known_one(tmp_path: Path, clock: Clock) -> None:
    checked = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            argon2.extract_parameters(str(hash))
            checked.append(password)
            return super().verify(hash, password)

    counting = Counting(time_cost=1, memory_cost=8, parallelism=1)
    opened = Accounts(f"sqlite:///{tmp_path}/counted.db", clock=clock.seconds, hasher=counting)
    opened.add_user("linked", None, Role.VIEWER)
    for name in ("nobody", "linked"):
        with pytest.raises(LoginRefused):
            opened.login(name, "guess-" + name, LOCAL)
    opened.close()
    assert checked == ["guess-nobody", "guess-linked"]


def test_the_sixth_attempt_waits_even_with_the_right_password(accounts: Accounts, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefused):
            accounts.login("viewer", "wrong-password", REMOTE)
    with pytest.raises(LoginBlocked) as caught:
        accounts.login("viewer", PASSWORDS[Role.VIEWER], REMOTE)
    assert caught.value.retry_after_s == 30
    assert accounts.login("viewer", PASSWORDS[Role.VIEWER], LOCAL)
    clock.advance(30)
    assert accounts.login("viewer", PASSWORDS[Role.VIEWER], REMOTE)


def test_a_session_ends_after_twelve_idle_hours_but_not_while_used(accounts: Accounts, clock: Clock) -> None:
    token = accounts.login("viewer", PASSWORDS[Role.VIEWER], LOCAL)
    for _ in range(3):
        clock.advance(SESSION_IDLE_S - 1)
        assert accounts.resolve(token) is not None
    clock.advance(SESSION_IDLE_S + 1)
    assert accounts.resolve(token) is None


def test_the_idle_time_is_a_setting(tmp_path: Path, clock: Clock) -> None:
    short = Accounts(f"sqlite:///{tmp_path}/short.db", clock=clock.seconds, idle_s=60, hasher=CHEAP)
    short.ensure_admin("chosen-by-hand")
    token = short.login("admin", "chosen-by-hand", LOCAL)
    clock.advance(61)
    assert short.resolve(token) is None
    short.close()


def test_logging_out_ends_this_session_only(accounts: Accounts) -> None:
    one, other = (accounts.login("viewer", PASSWORDS[Role.VIEWER], LOCAL) for _ in range(2))
    who = accounts.resolve(one)
    assert who is not None
    accounts.logout(who)
    assert (accounts.resolve(one), accounts.resolve(other) is not None) == (None, True)


def test_a_new_password_ends_all_sessions(accounts: Accounts) -> None:
    token = accounts.login("viewer", PASSWORDS[Role.VIEWER], LOCAL)
    accounts.set_password("viewer", "another-password")
    assert accounts.resolve(token) is None
    assert accounts.login("viewer", "another-password", LOCAL)


def test_a_password_of_nobody_cannot_be_set(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="no user 'nobody'"):
        accounts.set_password("nobody", "long-enough")


def test_sessions_and_tokens_outlive_a_restart(accounts: Accounts, tmp_path: Path, clock: Clock) -> None:
    session = accounts.login("officer", PASSWORDS[Role.OFFICER], LOCAL)
    _, token = accounts.create_token(sign_in(accounts, Role.OFFICER), "meter")
    again = Accounts(f"sqlite:///{tmp_path}/accounts.db", clock=clock.seconds, hasher=CHEAP)
    found = [again.resolve(secret) for secret in (session, token)]
    again.close()
    assert [(one.username, one.role, one.kind) for one in found if one] == [
        ("officer", Role.OFFICER, "session"),
        ("officer", Role.OFFICER, "token"),
    ]


def test_a_token_has_at_most_its_makers_role(accounts: Accounts) -> None:
    officer = sign_in(accounts, Role.OFFICER)
    assert accounts.create_token(officer, "lamp", Role.VIEWER)[0].role is Role.VIEWER
    with pytest.raises(AccountError, match="cannot make a token"):
        accounts.create_token(officer, "crown", Role.ADMIN)


def test_a_token_tells_when_it_was_last_used(accounts: Accounts, clock: Clock) -> None:
    who = sign_in(accounts, Role.OFFICER)
    info, secret = accounts.create_token(who, "meter")
    clock.advance(3600)
    accounts.resolve(secret)
    assert [(one.name, one.created, one.used) for one in accounts.tokens(who)] == [
        ("meter", info.created, info.created + 3600)
    ]
    assert info.used is None


def test_tokens_are_seen_and_taken_back_by_owner_and_admin_only(accounts: Accounts) -> None:
    officer, viewer, admin = (sign_in(accounts, role) for role in (Role.OFFICER, Role.VIEWER, Role.ADMIN))
    one, secret = accounts.create_token(officer, "meter")
    assert [len(accounts.tokens(who)) for who in (officer, viewer, admin)] == [1, 0, 1]
    assert not accounts.delete_token(viewer, one.id)
    assert accounts.resolve(secret) is not None
    assert accounts.delete_token(admin, one.id)
    assert accounts.resolve(secret) is None


def test_a_link_works_once_from_anywhere_and_again_from_loopback(accounts: Accounts) -> None:
    key = accounts.issue_link(Role.OFFICER, "demo")
    peers = (REMOTE, REMOTE, LOCAL, "::1", "::ffff:127.0.0.1", "unknown")
    assert [accounts.enter(key, peer) is not None for peer in peers] == [True, False, True, True, True, False]


def test_a_link_gives_its_role_and_no_password(accounts: Accounts) -> None:
    token = accounts.enter(accounts.issue_link(Role.OFFICER, "demo"), LOCAL)
    who = accounts.resolve(token or "")
    assert who is not None
    assert (who.username, who.role) == ("demo", Role.OFFICER)
    with pytest.raises(LoginRefused):
        accounts.login("demo", "", LOCAL)


def test_a_link_of_an_administrator_may_give_less(accounts: Accounts) -> None:
    who = accounts.resolve(accounts.enter(accounts.issue_link(Role.VIEWER, "admin"), LOCAL) or "")
    assert who is not None
    assert who.role is Role.VIEWER


def test_a_link_cannot_raise_a_user(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="cannot make it admin"):
        accounts.issue_link(Role.ADMIN, "viewer")


def test_a_wrong_key_opens_nothing(accounts: Accounts) -> None:
    key = accounts.issue_link(Role.VIEWER, "demo")
    assert [accounts.enter(wrong, LOCAL) for wrong in ("", key[:-1], key + "x")] == [None, None, None]


def test_links_end_with_the_process(accounts: Accounts, tmp_path: Path, clock: Clock) -> None:
    key = accounts.issue_link(Role.VIEWER, "demo")
    again = Accounts(f"sqlite:///{tmp_path}/accounts.db", clock=clock.seconds, hasher=CHEAP)
    entered = again.enter(key, LOCAL)
    again.close()
    assert entered is None


def test_secrets_are_in_no_file_and_no_repr(accounts: Accounts, tmp_path: Path) -> None:
    session = accounts.login("officer", PASSWORDS[Role.OFFICER], LOCAL)
    who = accounts.resolve(session)
    assert who is not None
    info, token = accounts.create_token(who, "meter")
    key = accounts.issue_link(Role.OFFICER, "demo")
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("accounts.db*"))
    assert b"officer" in stored
    secrets = (session, token, key, PASSWORDS[Role.OFFICER])
    assert [one for one in secrets if one.encode() in stored or one in f"{accounts!r}{who!r}{info!r}"] == []


def test_the_file_is_for_its_owner_only(accounts: Accounts, tmp_path: Path) -> None:
    assert (tmp_path / "accounts.db").stat().st_mode & 0o777 == 0o600


def test_a_newer_schema_is_refused_and_left_alone(accounts: Accounts, tmp_path: Path, clock: Clock) -> None:
    accounts.close()
    with sqlite3.connect(tmp_path / "accounts.db") as db:
        db.execute("UPDATE schema_version SET version = 2")
    db.close()
    with pytest.raises(SchemaTooNew, match=r"accounts\.db: its schema 2 is newer .*start the newer release"):
        Accounts(f"sqlite:///{tmp_path}/accounts.db", clock=clock.seconds, hasher=CHEAP)


def test_a_database_error_does_not_show_parameters(accounts: Accounts, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "accounts.db") as db:
        db.execute("DROP TABLE sessions")
    db.close()
    with pytest.raises(Exception, match="no such table") as caught:
        accounts.login("viewer", PASSWORDS[Role.VIEWER], LOCAL)
    assert "hidden" in str(caught.value)
