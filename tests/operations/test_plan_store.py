"""What is stored: cursor, outbox, audit, plan versions; and what a wrong database does."""

import json
import sqlite3
import stat

import msgspec
import pytest

from alarms.states import Event
from journal.entry import Entry, Stored, partition_of
from operations.errors import StoreNewer, StoreUnusable
from operations.events import PlanEvent, decode_event, encode_event, entry_of
from operations.plan import Plan
from operations.service import Operations
from protocols.reading import Origin
from tests.operations.story import AREAS, KITCHEN, MALL, MALL_2, START, Site, alarm_entry, plans, transition


def entries(*rules, device=MALL):
    return [
        Stored(number, alarm_entry(transition(device, rule, START), number)) for number, rule in enumerate(rules, 1)
    ]


def test_entries_that_come_again_change_nothing(site):
    items = entries("CK-02", "CK-04")
    site.operations.consume(items, site.now)
    once = site.run
    site.operations.consume(items, site.now)
    site.restart()
    site.operations.consume(items, site.now)
    assert site.run == once
    assert site.operations.cursor() == {partition_of(MALL): 2}


def test_other_kinds_only_move_the_cursor(site):
    other = [Stored(7, Entry("reading", "r", 3, START, b"\x90")), Stored(8, Entry("no-such-kind", "x", 4, START, b""))]
    site.operations.consume(other, site.now)
    site.restart()
    assert site.operations.cursor() == {3: 7, 4: 8}
    assert site.operations.runs(site.now) == []


def test_an_alarm_of_a_newer_release_is_counted_and_passed(site):
    newer = Stored(1, Entry("alarm", "x", partition_of(MALL), START, msgspec.msgpack.encode([99, "x"])))
    site.operations.consume([newer, entries("CK-02", "CK-02")[1]], site.now)
    assert site.operations.undecoded == 1
    assert site.run.state == "verify"


def test_another_journal_begins_anew_when_told(site):
    site.operations.consume([Stored(500, alarm_entry(transition(MALL, "CK-02", START), 1))], site.now)
    site.operations.consume(entries("CK-04"), site.now)
    assert site.run.state == "verify"
    site.operations.forget_cursor()
    site.operations.consume(entries("CK-04"), site.now)
    assert site.run.state == "full"


def test_the_outbox_holds_every_event_once_and_in_order(site):
    site.alarm(MALL, "CK-04")
    site.act("S02")
    first = site.operations.outbox(limit=3)
    rest = site.operations.outbox()[3:]
    told = [decode_event(entry.body) for entry in [*first, *rest]]
    assert told == list(site.run.events)
    assert [one.number for one in told] == list(range(1, len(told) + 1))
    assert {entry.kind for entry in first} == {"plan"}
    site.operations.confirm([entry.id for entry in first])
    assert site.operations.outbox() == rest


def test_reading_the_journal_confirms_what_a_crash_left_open(site):
    site.alarm(MALL, "CK-04")
    out = site.operations.outbox()
    site.restart()
    site.operations.consume([Stored(10 + n, one) for n, one in enumerate(out[:2])], site.now)
    assert site.operations.outbox() == out[2:]
    assert {one.partition for one in out} == {partition_of("mall")}


def test_an_event_reads_back_equal_and_its_schema_number_stands_first():
    event = PlanEvent("r", 1, "p", 2, "a", Origin.LIVE, "opened", 5, "verify", evidence=(("a", "b"),), late=True)
    assert decode_event(encode_event(event)) == event
    assert msgspec.msgpack.decode(encode_event(event))[0] == 1
    assert entry_of(event).id == "r#1"


def test_the_audit_says_who_did_what_when_why_and_on_which_evidence(site):
    site.alarm(MALL, "CK-04")
    site.act("S01", evidence={"report": "digger hit the pipe"}, why="the contractor phoned", who="Wang Fang")
    site.close()
    with sqlite3.connect(site.url.removeprefix("sqlite:///")) as file:
        row = file.execute(
            "SELECT who, role, event, step, at, why, evidence FROM plan_events WHERE event = 'step-done'"
        ).fetchall()
    file.close()
    assert row == [
        ("Wang Fang", "contractor", "step-done", "S01", site.now.wall, "the contractor phoned",
         '{"report": "digger hit the pipe"}')
    ]  # fmt: skip
    site.open()


def test_a_run_keeps_the_version_of_its_plan(tmp_path):
    data = json.loads(plans()["mall-gas-leak-dongkeng"].model_dump_json(by_alias=True))
    data["plan"]["version"], data["step"] = 2, data["step"][:-1]
    site = Site(tmp_path, {data["plan"]["id"]: Plan.model_validate_json(json.dumps(data))})
    site.alarm(MALL, "CK-02")
    site.close()
    again = Site(tmp_path)
    again.position = site.position
    assert (again.run.version, len(again.run.steps)) == (2, 27)
    again.alarm(MALL, "CK-02", Event.RETURN)
    evidence = {"cause": "x", "repair": "x", "second_instrument": "x"}
    again.operations.close_run(again.run.id, "Li", "branch", "false", evidence, again.now)
    again.alarm(MALL, "CK-02")
    assert [(run.version, len(run.steps)) for run in again.operations.runs(again.now)] == [(1, 28), (2, 27)]
    again.close()


def test_two_runs_of_one_instant_have_ids_of_their_own(tmp_path):
    site = Site(tmp_path)
    site.alarm(MALL, "CK-04")
    site.alarm("mall:duct:1", "CK-08")
    site.alarm(KITCHEN, "CK-04")
    ids = [run.id for run in site.operations.runs(site.now)]
    assert sorted(ids) == [
        "mall-gas-leak-dongkeng.20260921T141320.000Z",
        "mall-gas-leak-dongkeng.20260921T141320.001Z",
        "restaurant-gas-leak.20260921T141320.000Z",
    ]
    site.close()


def test_a_database_of_a_newer_release_is_refused(site):
    site.close()
    with sqlite3.connect(site.url.removeprefix("sqlite:///")) as file:
        file.execute("UPDATE operations_schema SET version = 2")
    file.close()
    with pytest.raises(
        StoreNewer, match=r"its schema 2 is newer than this release knows \(1\); start the newer release"
    ):
        site.open()
    with sqlite3.connect(site.url.removeprefix("sqlite:///")) as file:
        file.execute("UPDATE operations_schema SET version = 1")
    file.close()
    site.open()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "give a URL such as sqlite:///data/operations.db"),
        ("sqlite://", "it has to be a file; give a URL such as sqlite:///data/operations.db"),
        ("sqlite:////proc/nowhere/operations.db", "choose a folder this user can write to"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named(site, url, message):
    with pytest.raises(StoreUnusable, match=message):
        Operations.open(url, plans(), AREAS, site.watch, site.now)


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(site, tmp_path):
    file = tmp_path / "other.db"
    file.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(StoreUnusable, match=r"other\.db: file is not a database; nothing of this was stored"):
        Operations.open(f"sqlite:///{file}", plans(), AREAS, site.watch, site.now)
    assert file.read_bytes() == b"this is a letter, not a database" * 100


def test_the_file_is_for_its_owner_only(site, tmp_path):
    assert stat.S_IMODE((tmp_path / "operations.db").stat().st_mode) == 0o600


def test_a_failed_transaction_stores_neither_effect_nor_cursor(site, tmp_path):
    blocker = sqlite3.connect(tmp_path / "operations.db", isolation_level=None)
    blocker.execute("CREATE TRIGGER no_space BEFORE INSERT ON plan_events BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    items = entries("CK-02", device=MALL_2)
    with pytest.raises(StoreUnusable, match="disk full; nothing of this was stored"):
        site.operations.consume(items, site.now)
    assert (site.operations.cursor(), site.operations.runs(site.now)) == ({}, [])
    blocker.execute("DROP TRIGGER no_space")
    blocker.close()
    site.operations.consume(items, site.now)
    assert [run.state for run in site.operations.runs(site.now)] == ["verify"]
    assert site.operations.due() is not None
