"""What is stored: cursor, outbox, audit, plan versions; and what a wrong database does."""

import json

import msgspec
import pytest

from alarms.states import Event
from journal.entry import Entry, Stored, partition_of
from operations.errors import StoreNewer, StoreUnusable
from operations.events import PlanEvent, decode_event, encode_event, entry_of
from operations.plan import Plan
from protocols.reading import Origin
from tests.operations.story import KITCHEN, MALL, MALL_2, START, Site, alarm_entry, plans, transition


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
    row = site.sql("SELECT who, role, event, step, at, why, evidence FROM plan_events WHERE event = 'step-done'")
    assert row == [
        ("Wang Fang", "contractor", "step-done", "S01", site.now.wall, "the contractor phoned",
         '{"report": "digger hit the pipe"}')
    ]  # fmt: skip


def test_a_run_keeps_the_version_of_its_plan(tmp_path):
    data = json.loads(plans()["mall-gas-leak-dongkeng"].model_dump_json(by_alias=True))
    shipped = data["plan"]["version"]
    data["plan"]["version"], data["step"] = shipped + 1, data["step"][:-1]
    site = Site(tmp_path, {data["plan"]["id"]: Plan.model_validate_json(json.dumps(data))})
    site.alarm(MALL, "CK-02")
    site.close()
    again = Site(tmp_path)
    again.position = site.position
    assert (again.run.version, len(again.run.steps)) == (shipped + 1, 27)
    again.alarm(MALL, "CK-02", Event.RETURN)
    evidence = {"cause": "x", "repair": "x", "second_instrument": "x"}
    again.operations.close_run(again.run.id, "Li", "branch", "false", evidence, again.now)
    again.alarm(MALL, "CK-02")
    assert [(run.version, len(run.steps)) for run in again.operations.runs(again.now)] == [
        (shipped, 28),
        (shipped + 1, 27),
    ]
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
    site.sql("UPDATE operations_schema SET version = 2")
    with pytest.raises(
        StoreNewer, match=r"its schema 2 is newer than this release knows \(1\); start the newer release"
    ):
        site.open()
    site.sql("UPDATE operations_schema SET version = 1")
    site.open()


def test_a_failed_transaction_stores_neither_effect_nor_cursor(site):
    site.sql("ALTER TABLE plan_events RENAME TO elsewhere")
    items = entries("CK-02", device=MALL_2)
    with pytest.raises(StoreUnusable, match="nothing of this was stored"):
        site.operations.consume(items, site.now)
    assert (site.operations.cursor(), site.operations.runs(site.now)) == ({}, [])
    site.sql("ALTER TABLE elsewhere RENAME TO plan_events")
    site.operations.consume(items, site.now)
    assert [run.state for run in site.operations.runs(site.now)] == ["verify"]
    assert site.operations.due() is not None


@pytest.mark.parametrize("wrong", ["a\x00b", "a\ud800b"], ids=["nul", "half"])
def test_a_text_that_no_database_takes_is_refused_and_the_plan_goes_on(site, wrong):
    site.alarm(MALL, "CK-04")
    reason = "a text holds NUL or half of a character; write it anew"
    assert site.refused("S02", why=wrong) == reason
    assert site.refused("S02", who=wrong) == reason
    assert site.refused("S01", evidence={"report": wrong}) == reason
    site.act("S02", who="李伟 \U0001f525", why="as\treported\n")
    assert site.step("S02").who == "李伟 \U0001f525"
