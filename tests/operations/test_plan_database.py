"""Databases that cannot be used are named, without their secrets, and left as they are."""

import stat

import pytest

from operations.database import Database
from operations.errors import StoreUnusable
from operations.service import Operations
from protocols.moment import SECOND, Moment
from tests.operations.story import AREAS, MALL, START, Site, plans, watch


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            "nonsense with a secret",
            "not a URL; give one such as sqlite:///data/operations.db or postgresql://user@host",
        ),
        (
            "mysql://user:secret@host/gengfu",
            "'mysql' is not supported; give sqlite:///data/operations.db or postgresql:",
        ),
        ("sqlite://", "it has to be a file; give a URL such as sqlite:///data/operations.db"),
        ("sqlite:////proc/nowhere/operations.db", "choose a folder this user can write to"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named(site, wrong, message):
    with pytest.raises(StoreUnusable, match=message) as refused:
        Operations.open(wrong, plans(), AREAS, site.watch, site.now)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(site, tmp_path):
    file = tmp_path / "other.db"
    file.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(StoreUnusable, match=r"other\.db: file is not a database; nothing of this was stored"):
        Operations.open(f"sqlite:///{file}", plans(), AREAS, site.watch, site.now)
    assert file.read_bytes() == b"this is a letter, not a database" * 100


def test_the_file_is_for_its_owner_only(site, tmp_path):
    assert stat.S_IMODE((tmp_path / "operations.db").stat().st_mode) == 0o600


@pytest.fixture
def server_url(postgres):
    return postgres.database()


@pytest.mark.server
def test_a_wrong_password_is_refused_and_never_shown(server_url, postgres):
    wrong = server_url.replace(postgres.password, "not-the-secret")
    with pytest.raises(StoreUnusable, match=r"operations database postgresql://gengfu:\*\*\*@127\.0\.0\.1") as refused:
        Database(wrong)
    error = refused.value
    assert "not-the-secret" not in f"{error} {error.__cause__} {error.__cause__.__cause__}"


@pytest.mark.server
def test_a_server_that_does_not_answer_is_named(free_port):
    with pytest.raises(StoreUnusable, match=rf"127\.0\.0\.1:{free_port}/gengfu: .*; check disk and server"):
        Database(f"postgresql://gengfu:secret@127.0.0.1:{free_port}/gengfu")


@pytest.mark.server
def test_a_committed_act_is_on_the_disk_whatever_the_server_is_set_to(server_url, postgres):
    name = server_url.rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    database = Database(server_url)
    with database.transaction() as db:
        said = [db.exec_driver_sql(f"SHOW {key}").scalar() for key in ("synchronous_commit", "transaction_isolation")]
    database.close()
    assert said == ["on", "read committed"]


@pytest.mark.server
def test_a_server_that_ended_our_sessions_costs_nobody_an_act(server_url, postgres, tmp_path):
    site = Site(tmp_path, url=server_url)
    site.alarm(MALL, "CK-04")
    ended = postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        f"'{server_url.rpartition('/')[2]}' AND pid <> pg_backend_pid()"
    )
    assert ended
    site.act("S02")
    assert site.states("S02") == ["done"]
    assert site.run.opened_at == START
    site.close()


@pytest.fixture
def gateway(server_url):
    """Opens a worker that follows the journal, at a second of its clock."""
    opened = []

    def open_at(second):
        now = Moment(START, second * SECOND)
        opened.append(Operations.open(server_url, plans(), AREAS, watch(now), now, shared=True))
        return opened[-1]

    yield open_at
    for one in opened:
        one.close()


TAKEN = r"another gateway keeps its plans there; end it, or give each site a database of its own"


@pytest.mark.server
def test_one_gateway_at_a_time_follows_with_a_database(server_url, gateway):
    first = gateway(1)
    with pytest.raises(StoreUnusable, match=TAKEN):
        gateway(1)
    Operations.open(server_url, plans(), AREAS, None, Moment(START, SECOND), shared=True).close()
    first.close()
    gateway(1)


@pytest.mark.server
def test_a_gateway_whose_sessions_were_ended_follows_again_or_is_told_that_another_does(server_url, postgres, gateway):
    def end_sessions():
        assert postgres.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
            f"'{server_url.rpartition('/')[2]}' AND pid <> pg_backend_pid()"
        )

    first = gateway(1)
    end_sessions()
    with pytest.raises(StoreUnusable, match="check the server"):
        first.tick(Moment(START, 4 * SECOND))
    first.tick(Moment(START, 7 * SECOND))
    with pytest.raises(StoreUnusable, match=TAKEN):
        gateway(7)
    end_sessions()
    gateway(8)
    for second in (10, 11, 13):
        with pytest.raises(StoreUnusable):
            first.tick(Moment(START, second * SECOND))
