"""What Grafana draws of alarms, trips, commands and plans: names in both languages, origins kept, on a real influxd."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from alarms.alarm import AlarmTransition
from alarms.alarm import encode as encode_alarm
from alarms.states import AlarmState, Event
from console.api.shapes_commands import StatusWord
from device_registry.devices import Site
from device_registry.load import load_site
from gengfu import annotation_words as words
from gengfu.annotations import Annotator
from gengfu.rules import shipped
from interlocks.matrix import Effect
from interlocks.record import EXPECT, InterlockRecord, Status, TripEvent
from interlocks.record import encode as encode_trip
from interlocks.states import InterlockState
from operations.events import EventName, PlanEvent, encode_event
from operations.plan_files import shipped_plans
from protocols.command import Command, CommandEvent, encode_command_event
from protocols.profile.loader import shipped_profiles
from protocols.quality import Quality
from protocols.reading import Origin
from telemetry.annotation import KINDS
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.sink import Consumed, StoredItem
from tests.console.conftest import SITE
from tests.fixtures.influx import Influxd

T0 = 1_790_000_000 * 10**9
GAS = "t:gas:1"
ZONE = "street/hotpot"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    file = tmp_path / "site.toml"
    file.write_text(SITE, encoding="utf-8")
    return load_site(file, shipped_profiles())


@pytest.fixture
def annotate(site: Site) -> Annotator:
    return Annotator(site, shipped(), shipped_plans())


def alarm(origin: Origin = Origin.LIVE, **changes: object) -> bytes:
    """A second-level leak is raised."""
    one = AlarmTransition(
        f"{GAS}~CK-04",
        GAS,
        "methane",
        "CK-04",
        origin,
        "critical",
        life_safety=True,
        event=Event.RAISE,
        before=AlarmState.NORMAL,
        after=AlarmState.UNACKNOWLEDGED,
        at=T0,
        sampled_at=T0 - 5,
        value=62.5,
        quality=Quality.GOOD,
        raised_at=T0,
    )
    return encode_alarm(msgspec.structs.replace(one, **changes))


def trip(origin: Origin = Origin.LIVE) -> bytes:
    record = InterlockRecord(f"{ZONE}~restaurant-kitchen", ZONE, "restaurant-kitchen", origin, InterlockState.TRIPPED)
    one = TripEvent(record.id, ZONE, record.matrix, origin, "effect", T0 + 1, "RK-2", "E1", "close-valve", GAS, "done")
    return encode_trip(msgspec.structs.replace(one, record=record))


def command(origin: Origin = Origin.LIVE, cause: str = "person/li", name: str = "close-valve") -> bytes:
    told = Command("c1", GAS, name, origin, cause, T0, T0 + 10**9)
    return encode_command_event(CommandEvent(told, "refused", T0 + 2, detail="late", why="smell of gas", priority=0))


def plan(origin: Origin = Origin.LIVE) -> bytes:
    (name, known), *_ = sorted(shipped_plans().items())
    step = next(iter(known.steps))
    return encode_event(
        PlanEvent("r1", 4, name, 1, ZONE, origin, "step-done", T0 + 3, "full", step, who="wang", alarm=f"{GAS}~CK-04")
    )


MAKE: dict[str, Callable[[Origin], bytes]] = {"alarm": alarm, "trip": trip, "command": command, "plan": plan}


def test_an_alarm_has_its_name_its_place_and_its_value(annotate: Annotator) -> None:
    one = annotate("alarm", alarm(late=True, who="li", why="smell"))
    assert one is not None
    assert (one.at, one.site, one.district, one.device, one.priority) == (T0, "demo", ZONE, GAS, "critical")
    assert (one.alarm, one.rule, one.state) == (f"{GAS}~CK-04", "CK-04", "unacknowledged")
    assert (one.title, one.title_zh) == ("Gas leak, level 2 · raise", "燃气泄漏 二级 · 报警")
    assert one.text == (
        f"Alarm ({GAS}) · unacknowledged · methane 62.5 %LEL · the reading was too old to act on · li · smell"
    )
    assert one.text_zh == f"报警器 ({GAS}) · 未确认 · methane 62.5 %LEL · 数据过旧,未据此动作 · li · smell"


def test_an_alarm_without_a_value_says_its_quality(annotate: Annotator) -> None:
    one = annotate("alarm", alarm(value=None, quality=int(Quality.BAD_SENSOR_FAULT)))
    assert one is not None
    assert "methane bad:sensor-fault" in one.text


def test_a_trip_names_cause_effect_and_result(annotate: Annotator) -> None:
    one = annotate("trip", trip())
    assert one is not None
    assert one.title_zh == "餐饮厨房 因果矩阵 · 执行情况"
    assert one.text_zh == f"厨房 · 二级泄漏或超量程 · 关断阀 · 报警器 ({GAS}) · 回读确认"
    assert (one.device, one.district, one.state, one.rule) == (GAS, ZONE, "tripped", "RK-2")


@pytest.mark.parametrize(("cause", "priority"), [("person/li", "urgent"), ("trip/x", "trip")])
def test_a_command_says_who_wanted_it(annotate: Annotator, cause: str, priority: str) -> None:
    one = annotate("command", command(cause=cause))
    assert one is not None
    assert (one.priority, one.state, one.at) == (priority, "refused", T0 + 2)
    assert one.title_zh.endswith(" · 被拒绝")
    assert one.text == f"Alarm ({GAS}) · {cause} · late · smell of gas"


def test_a_plan_says_its_step(annotate: Annotator) -> None:
    one = annotate("plan", plan())
    assert one is not None
    (_, known), *_ = sorted(shipped_plans().items())
    step = next(iter(known.steps.values()))
    assert one.title_zh == f"{known.plan.title.zh} · 已完成"
    assert one.text_zh == f"厨房 · {step.title.zh} · wang"
    assert (one.device, one.district, one.state, one.alarm) == ("", ZONE, "full", f"{GAS}~CK-04")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("origin", "en", "zh"), [(Origin.DRILL, "DRILL · ", "演练 · "), (Origin.SIMULATED, "SIM", "模拟")]
)
def test_what_is_not_real_says_so_first(annotate: Annotator, kind: str, origin: Origin, en: str, zh: str) -> None:
    one = annotate(kind, MAKE[kind](origin))
    assert one is not None
    assert one.origin is origin
    assert one.title.startswith(en)
    assert one.title_zh.startswith(zh)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_body_of_another_kind_is_refused_and_no_other_kind_is_drawn(annotate: Annotator, kind: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        annotate(kind, b"\x93\x01")
    assert annotate("site", b"\xc1") is None


def test_what_is_not_known_is_shown_by_its_id(annotate: Annotator) -> None:
    one = annotate("alarm", alarm(device="gone:1", rule="ZZ-9", value=None))
    assert one is not None
    assert (one.title_zh, one.text, one.district) == ("ZZ-9 · 报警", "gone:1 · unacknowledged", "")


def test_what_was_removed_from_the_site_keeps_its_tags(site: Site, annotate: Annotator) -> None:
    before = annotate("alarm", alarm())
    annotate.follow_site(msgspec.structs.replace(site, devices={}, areas={}))
    assert annotate("alarm", alarm()) == before
    assert annotate("trip", trip()) is not None


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (words.ALARM_EVENT, [one.word for one in Event]),
        (words.ALARM_STATE, [one.word for one in AlarmState]),
        (words.COMMAND_STATUS, get_args(StatusWord)),
        (words.EFFECT_STATUS, get_args(Status)),
        (words.EFFECT_ACTION, [*get_args(Effect.model_fields["action"].annotation), EXPECT]),
        (words.PLAN_EVENT, get_args(EventName)),
    ],
)
def test_every_word_has_its_chinese(table: dict[str, str], wanted: list[str]) -> None:
    assert set(table) == set(wanted)


@pytest.fixture
def sink(influxd: Influxd, tmp_path: Path, annotate: Annotator) -> Iterator[tuple[InfluxSink, str]]:
    database = influxd.database()
    made = InfluxSink(
        InfluxSettings(url=influxd.url, database=database), lambda _: None, tmp_path / "influx.db", annotate
    )
    with closing(made):
        yield made, database


@pytest.mark.server
def test_each_kind_and_origin_stands_in_the_database_once(influxd: Influxd, sink: tuple[InfluxSink, str]) -> None:
    into, database = sink
    batch: list[StoredItem] = [
        (position, 3, kind, MAKE[kind](origin))
        for position, (kind, origin) in enumerate((kind, origin) for kind in MAKE for origin in Origin)
    ]
    for _ in range(2):
        assert into.consume(batch) == Consumed(12, 0, 0)
    rows = influxd.query("SELECT * FROM annotation", database)
    assert len(rows) == 12
    assert {(row["kind"], row["origin"]) for row in rows} == {
        (kind, origin.name.lower()) for kind in MAKE for origin in Origin
    }
    assert {(row["kind"], row["device"], row["priority"], row["district"], row["site"]) for row in rows} == {
        ("alarm", GAS, "critical", ZONE, "demo"),
        ("trip", GAS, None, ZONE, "demo"),
        ("command", GAS, "urgent", ZONE, "demo"),
        ("plan", None, None, ZONE, "demo"),
    }
    live = influxd.query("SELECT title_zh FROM annotation WHERE origin = 'live'", database)
    assert [row["title_zh"] for row in live if "演练" in row["title_zh"]] == []


@pytest.mark.server
def test_two_transitions_of_one_instant_are_both_there(influxd: Influxd, sink: tuple[InfluxSink, str]) -> None:
    into, database = sink
    into.consume([(41, 3, "alarm", alarm()), (42, 3, "alarm", alarm(rule="CK-03"))])
    rows = influxd.query("SELECT rule FROM annotation", database)
    assert [(row["time"], row["rule"]) for row in rows] == [(T0 + 41, "CK-04"), (T0 + 42, "CK-03")]
