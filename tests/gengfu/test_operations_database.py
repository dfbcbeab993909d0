"""`[operations]`: plans in a PostgreSQL server by its URL, and no password that shows."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gengfu import operations_side
from gengfu.errors import InputError
from gengfu.settings import OperationsPart, load_settings
from journal.sqlite import SqliteJournal
from tests.fixtures.pipelines import SITE
from tests.fixtures.waiting import wait_for_async
from tests.operations.story import START

URL = "GENGFU__OPERATIONS__DATABASE_URL"


def refused(tmp_path, text):
    file = tmp_path / "gengfu.toml"
    file.write_text(text)
    with pytest.raises(InputError) as told:
        load_settings(file)
    assert "hush" not in str(told.value)
    return str(told.value)


def test_a_password_in_the_settings_file_is_refused_and_not_shown(tmp_path):
    told = refused(tmp_path, '[operations]\ndatabase_url = "postgresql://gengfu:hush@host/gengfu"')
    assert "operations.database_url: Value error, a secret does not stand in this file: use password_file" in told


@pytest.mark.parametrize("url", ["mysql://gengfu@hush/x", "sqlite:///hush.db", "postgresql hush"])
def test_what_is_no_url_of_a_server_is_refused(tmp_path, url):
    told = refused(tmp_path, f'[operations]\ndatabase_url = "{url}"')
    assert "operations.database_url: Value error, needs a URL such as postgresql://user@host/gengfu" in told


def test_the_password_has_one_place(tmp_path, monkeypatch):
    assert "password_file is for a database_url" in refused(tmp_path, '[operations]\npassword_file = "hush"')
    monkeypatch.setenv(URL, "postgresql://gengfu:hush@host/gengfu")
    assert "not from both" in refused(tmp_path, '[operations]\npassword_file = "hush"')


def test_a_password_of_the_environment_shows_nowhere(monkeypatch):
    monkeypatch.setenv(URL, "postgresql://gengfu:hush@host/gengfu")
    settings = load_settings()
    assert "hush" not in f"{settings!r} {settings} {settings.operations!r}"
    assert "hush" in settings.operations.database_url.get_secret_value()


def test_a_password_file_is_read_without_its_line_end(tmp_path):
    file = tmp_path / "password"
    file.write_text("hush\n")
    part = OperationsPart(database_url="postgresql://gengfu@host/gengfu", password_file=file)
    assert part.password() == "hush"
    missing = part.model_copy(update={"password_file": tmp_path / "none"})
    with pytest.raises(InputError, match=r"operations\.password_file: .*none: No such file"):
        missing.password()


@pytest.mark.server
async def test_a_server_that_is_not_ready_at_the_start_is_asked_again(postgres, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(operations_side, "AGAIN_S", 0.05)
    secret = tmp_path / "password"
    secret.write_text(postgres.password)
    url = f"postgresql://gengfu@127.0.0.1:{postgres.port}/later"
    kept = OperationsPart(database_url=url, password_file=secret)
    journal = SqliteJournal.open(tmp_path / "journal", now=START)
    async with AsyncExitStack() as stack:
        opening = asyncio.create_task(
            operations_side.open_when_there(stack, SITE, tmp_path, journal, kept), name="opening"
        )
        await wait_for_async(lambda: "does not exist" in caplog.text, what="the first refusal")
        assert not opening.done()
        postgres.run("CREATE DATABASE later")
        side = await opening
        assert side.service.runs(operations_side.clock.now()) == []
        assert not (tmp_path / "operations.db").exists()
    await journal.close()
    assert postgres.password not in caplog.text
