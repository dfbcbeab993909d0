"""`gengfu user`: accounts are added and passwords set, and no password is ever shown."""

import io
import time

import pytest

from console.accounts import Accounts
from console.errors import LoginRefused
from console.roles import Role


@pytest.fixture
def data(tmp_path):
    """The data folder of a site that was started once."""
    accounts = Accounts(f"sqlite:///{tmp_path / 'console.db'}", clock=time.time)
    accounts.ensure_admin("first-password")
    accounts.close()
    return tmp_path


@pytest.fixture
def typed(monkeypatch):
    """What stands on standard input."""

    def lines(text):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return lines


def role_of(data, name, password):
    """The role that signing in gives. Raises `LoginRefused`."""
    accounts = Accounts(f"sqlite:///{data / 'console.db'}", clock=time.time)
    try:
        token = accounts.login(name, password, "test")
        return accounts.resolve(token).role
    finally:
        accounts.close()


def test_a_user_is_added_with_a_role_and_signs_in(gengfu, data, typed):
    typed("secret-enough\n")
    assert gengfu("user", "--data", data, "add", "li", "--role", "officer") == (0, "li: added\n", "")
    assert role_of(data, "li", "secret-enough") is Role.OFFICER


def test_a_password_is_replaced(gengfu, data, typed):
    typed("another-password\n")
    assert gengfu("user", "--data", data, "passwd", "admin") == (0, "admin: password set\n", "")
    assert role_of(data, "admin", "another-password") is Role.ADMIN
    with pytest.raises(LoginRefused):
        role_of(data, "admin", "first-password")


@pytest.mark.parametrize(
    ("words", "password", "problem"),
    [
        (["add", "admin"], "secret-enough", "admin"),
        (["add", "li"], "short-1", "8"),
        (["passwd", "nobody"], "secret-enough", "nobody"),
    ],
)
def test_what_cannot_be_done_is_told_without_the_password(gengfu, data, typed, words, password, problem):
    typed(password + "\n")
    said = gengfu("user", "--data", data, *words)
    assert (said.code, said.out) == (1, "")
    assert problem in said.err
    assert password not in said.err
    assert len(said.err.splitlines()) == 1


def test_a_folder_without_accounts_is_told(gengfu, tmp_path, typed):
    typed("secret-enough\n")
    said = gengfu("user", "--data", tmp_path, "add", "li")
    assert said == (
        3, "", f"gengfu user: {tmp_path}/console.db: no accounts here yet; start gengfu once, or give --data DIR\n"
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
