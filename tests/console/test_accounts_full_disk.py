"""A disk that takes nothing more locks nobody out of the desk."""

import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from console.accounts import TOUCH_S, Accounts
from console.roles import Role


@pytest.mark.parametrize("kind", ["session", "token"])
def test_who_is_signed_in_stays_so_when_nothing_can_be_written(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]
    accounts = Accounts(f"sqlite:///{tmp_path}/console.db", clock=lambda: now[0])
    accounts.add_user("li", "a long password", Role.ADMIN)
    secret = accounts.login("li", "a long password", "peer")
    who = accounts.resolve(secret)
    assert who is not None
    if kind == "token":
        _, secret = accounts.create_token(who, "grafana")
    # SQLite refuses every write, as on a full disk; the pool has one connection.
    _write_nothing(accounts, "ON")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            now[0] += TOUCH_S
            found = accounts.resolve(secret)
            assert found is not None
            assert (found.username, found.kind) == ("li", kind)
    assert len(caplog.records) == 1
    _write_nothing(accounts, "OFF")
    assert accounts.resolve(secret) is not None
    accounts.close()


def _write_nothing(accounts: Accounts, word: str) -> None:
    with accounts._engine.connect() as connection:
        connection.execute(text(f"PRAGMA query_only = {word}"))
