"""The report strategy: what goes to the journal, and that judging sees everything."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from device_registry.devices import Device
from device_registry.site import AreaPart, DevicePart
from gateway.counters import Counters
from gateway.pipeline import Pipeline, Verdict
from gateway.report import Reporter
from journal.entry import Entry
from journal.errors import JournalFull
from protocols.moment import SECOND
from protocols.profile.model import Profile
from protocols.profile.parts_report import ReportPart
from protocols.profile.rules import check
from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value
from tests.fixtures.modbus_profiles import TITLE, point, profile
from tests.fixtures.pipelines import GAS_1, SITE, Bench
from tests.fixtures.stories import WALL, at, gas_reading

DEVICE = "t:1"
AREA = AreaPart.model_validate({"id": "yard", "title": TITLE, "kind": "street"})


def device(made: Profile, **report: dict[str, Any]) -> Device:
    part = DevicePart.model_validate(
        {"id": DEVICE, "profile": "t/t", "title": TITLE, "area": "yard", "connection": "line", "report": report}
    )
    return Device(DEVICE, part, made, AREA, "line")


class Line:
    """A device with one number (and what else is given), polled."""

    def __init__(self, *points: dict[str, Any], override: dict[str, Any] | None = None, **head: Any) -> None:
        self.made = profile(*points)
        if head:
            file = self.made.file
            self.made.file.__dict__["profile"] = file.profile.model_copy(update=head)
        self.device = device(self.made, **({"level": override} if override else {}))
        self.reporter = Reporter(lambda one: self.device if one == DEVICE else None)

    def hear(
        self,
        seconds: float,
        *values: Value,
        quality: int = 0,
        transport: str = "modbus",
        origin: Origin = Origin.LIVE,
        is_quiet: bool = True,
    ) -> bool:
        """Whether the reading is stored."""
        time = WALL + int(seconds * SECOND)
        marks = tuple(quality if place == 0 else 0 for place in range(len(values)))
        reading = Reading(DEVICE, "t/t", time, time, origin, values, marks)
        return self.reporter.keeps(reading, self.reporter.plan(DEVICE), transport, is_quiet)


def level(**report: Any) -> dict[str, Any]:
    return {**point("level"), "range": [0.0, 200.0], "report": report}


def stored(line: Line, *values: float, every_s: float = 1.0) -> list[float]:
    return [value for number, value in enumerate(values) if line.hear(number * every_s, value)]


def test_without_a_strategy_every_reading_is_stored() -> None:
    assert stored(Line(point("level")), 1, 1, 1) == [1, 1, 1]
    assert stored(Line(level(every=True)), 1, 1, 1) == [1, 1, 1]


def test_on_change_stores_what_is_another_value() -> None:
    assert stored(Line(level()), 1, 1, 2, 2, 1) == [1, 2, 1]


def test_a_deadband_is_measured_from_what_was_stored_so_that_a_slow_drift_is_seen() -> None:
    assert stored(Line(level(deadband=1.0)), 10, 10.6, 11.0, 11.2, 12.0, 12.3) == [10, 11.2, 12.3]


def test_a_deadband_in_percent_is_of_the_span() -> None:
    assert stored(Line(level(deadband_percent=1.0)), 10, 12, 12.5, 14.5, 14.6) == [10, 12.5, 14.6]


def test_not_sooner_than_the_shortest_interval_and_not_later_than_the_longest() -> None:
    line = Line(level(min_interval_s=3, max_interval_s=5))
    assert [line.hear(second, value) for second, value in enumerate((1, 2, 2, 2, 2, 2, 2, 2, 2))] == [
        True, False, False, True, False, False, False, False, True,
    ]  # fmt: skip


def test_a_quality_that_changes_is_stored_both_ways() -> None:
    line = Line(level(min_interval_s=60))
    bad = int(Quality.BAD_SENSOR_FAULT)
    assert [line.hear(0, 1.0), line.hear(1, 1.0, quality=bad), line.hear(2, 1.0, quality=bad), line.hear(3, 1.0)] == [
        True, True, False, True,
    ]  # fmt: skip


def test_from_the_loud_value_on_all_is_stored_and_the_first_quiet_one_after_it() -> None:
    line = Line(level(deadband=50, quiet_below=5.0))
    assert stored(line, 1, 4.9, 5.0, 5.0, 6.0, 4.0, 3.0) == [1, 5.0, 5.0, 6.0, 4.0]


def test_a_reading_that_caused_something_is_stored() -> None:
    line = Line(level())
    assert [line.hear(0, 1.0), line.hear(1, 1.0, is_quiet=False), line.hear(2, 1.0)] == [True, True, False]


@pytest.mark.parametrize("transport", ["coap", "http", "mqtt", "serial-link"])
def test_what_is_pushed_is_thinned_only_where_the_profile_says_so(transport: str) -> None:
    said = Line(level(), thin_pushed=True)
    assert [Line(level()).hear(0, 1.0, transport=transport) for _ in range(2)] == [True, True]
    pushed = Line(level())
    assert [pushed.hear(second, 1.0, transport=transport) for second in range(2)] == [True, True]
    assert [said.hear(second, 1.0, transport=transport) for second in range(2)] == [True, False]


def test_a_reading_is_stored_whole_when_one_value_is_a_reason() -> None:
    two = Line(level(), {**point("flow", address=1)})
    assert [two.hear(0, 1.0, 2.0), two.hear(1, 1.0, 2.0), two.hear(2, 1.0, None)] == [True, True, False]


def test_origins_are_kept_apart_and_late_readings_are_stored() -> None:
    line = Line(level())
    assert [line.hear(0, 1.0), line.hear(1, 1.0, origin=Origin.DRILL), line.hear(2, 1.0), line.hear(-60, 1.0)] == [
        True, True, False, True,
    ]  # fmt: skip


def test_the_device_s_own_strategy_wins() -> None:
    assert stored(Line(level(), override={"every": True}), 1, 1) == [1, 1]
    assert stored(Line({**point("level")}, override={"deadband": 5.0}), 1, 2) == [1]


def test_a_changed_site_begins_anew() -> None:
    line = Line(level())
    assert line.hear(0, 1.0)
    line.device = device(line.made, level={"deadband": 5.0})
    assert [line.hear(1, 1.0), line.hear(2, 4.0)] == [True, False]


@given(
    values=st.lists(st.floats(0, 200), min_size=1, max_size=40),
    deadband=st.floats(0, 50),
    longest=st.integers(1, 20),
)
def test_what_is_not_stored_is_within_the_deadband_and_the_longest_interval_of_what_is(
    values: list[float], deadband: float, longest: int
) -> None:
    line = Line(level(deadband=deadband, max_interval_s=longest))
    last: tuple[int, float] | None = None
    for second, value in enumerate(values):
        if line.hear(second, value):
            last = (second, value)
        else:
            assert last is not None
            assert abs(value - last[1]) <= deadband
            assert second - last[0] < longest


@pytest.mark.parametrize(
    ("made", "path"),
    [
        ({"type": "flag", "report": {"deadband": 1.0}}, ""),
        ({"report": {"deadband_percent": 1.0}}, ".deadband_percent"),
        ({"report": {"min_interval_s": 61}}, ".min_interval_s"),
        ({"range": [0, 1], "life_safety": True, "report": {"quiet_below": 1}}, ".max_interval_s"),
        ({"range": [0, 1], "life_safety": True, "report": {"max_interval_s": 2}}, ".quiet_below"),
        (
            {
                "range": [0, 1],
                "life_safety": True,
                "report": {"quiet_below": 1, "max_interval_s": 2, "min_interval_s": 1},
            },
            ".min_interval_s",
        ),
    ],
)
def test_a_strategy_that_cannot_be_is_refused(made: dict[str, Any], path: str) -> None:
    told = [one for one, _ in check(profile({**point("level"), **made}).file) if ".report" in one]
    assert told == [f"point[level].report{path}"]


# -- through the pipeline -------------------------------------------------------------------------------------


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    one = Bench(tmp_path)
    yield one
    await one.journal.close()


def thinned(bench: Bench) -> Pipeline:
    """The bench's pipeline for a gas alarm of which only changes are stored."""
    known = SITE.devices[GAS_1]
    part = known.part.model_copy(update={"report": {one.name: ReportPart() for one in known.profile.points}})
    site = msgspec.structs.replace(SITE, devices={GAS_1: msgspec.structs.replace(known, part=part)})
    return Pipeline(site, bench.journal, Counters(CollectorRegistry()), (bench.judge,))


async def offered(bench: Bench, pipeline: Pipeline, *values: float, transport: str = "modbus", start: int = 0) -> None:
    for second, value in enumerate(values, start):
        reading = gas_reading(second, GAS_1, methane=value)
        pipeline.offer((reading,), transport, bench.settled.append, at(second))
        await bench.durable()


def methane(bench: Bench) -> list[Value]:
    index = SITE.devices[GAS_1].profile.by_name["methane"].index
    return [one.values[index] for one in bench.readings()]


async def test_judges_see_every_reading_and_all_are_acknowledged(bench: Bench) -> None:
    await offered(bench, thinned(bench), 1.0, 1.0, 1.0, 2.0)
    assert (len(bench.judge.seen), bench.settled, methane(bench)) == (4, [None] * 4, [1.0, 2.0])


async def test_a_pushed_reading_is_stored_before_it_is_acknowledged(bench: Bench) -> None:
    await offered(bench, thinned(bench), 1.0, 1.0, transport="coap")
    assert methane(bench) == [1.0, 1.0]


async def test_what_caused_a_transition_is_stored_with_it(bench: Bench) -> None:
    pipeline = thinned(bench)
    await offered(bench, pipeline, 1.0, 1.0)
    bench.judge.verdict = Verdict([Entry("alarm", "a", 1, WALL, b"\x90")], {})
    await offered(bench, pipeline, 1.0, start=2)
    assert methane(bench) == [1.0, 1.0]


async def test_the_first_reading_after_a_restart_is_stored(bench: Bench) -> None:
    await offered(bench, thinned(bench), 1.0, 1.0)
    await offered(bench, thinned(bench), 1.0, start=5)
    assert methane(bench) == [1.0, 1.0]


async def test_after_the_journal_refused_one_the_next_is_stored(bench: Bench) -> None:
    pipeline = thinned(bench)
    await offered(bench, pipeline, 1.0)
    submit, refused = bench.journal.submit, JournalFull("full")

    def full(*_args: object, **_more: object) -> None:
        raise refused

    bench.journal.submit = full  # type: ignore[method-assign]  # the disk is full for one call
    pipeline.offer((gas_reading(1, GAS_1, methane=3.0),), "modbus", bench.settled.append, at(1))
    await asyncio.sleep(0)
    bench.journal.submit = submit  # type: ignore[method-assign]  # and has room again
    await offered(bench, pipeline, 3.0, start=2)
    assert (bench.settled, methane(bench)) == ([None, refused, None], [1.0, 3.0])
