"""What every reader answers about groups, gaps and calendar days, the same from each."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from protocols.quality import Quality
from protocols.reading import Origin
from telemetry import buckets
from telemetry.errors import QueryRefused
from telemetry.store import Aggregate, Bucket, Days, Fill, Group, Question
from tests.telemetry.implementations import READERS, FilledReader
from tests.telemetry.readings import SECOND, T0, reading

HOUR = 3600 * SECOND
DAY = 24 * HOUR
SPRING = 1_774_742_400 * SECOND  # 2026-03-29T00:00Z; at 01:00Z Berlin goes from UTC+1 to UTC+2
AUTUMN = 1_792_886_400 * SECOND  # 2026-10-25T00:00Z; at 01:00Z it goes back


@pytest.fixture(params=READERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FilledReader]:
    opened = READERS[request.param](tmp_path, lambda: request.getfixturevalue("influxd"))
    yield opened
    opened.close()


@pytest.fixture
def fleet(store: FilledReader) -> FilledReader:
    """Two gas alarms in one street, a bin in another; a drill at one of them."""
    store.write(
        [
            reading(T0, 1.0, 10.0),
            reading(T0 + 1, 3.0, 30.0),
            reading(T0 + 2, 8.0, 80.0, device="t:gas:2"),
            reading(T0 + SECOND, 5.0, 50.0, device="t:gas:2"),
            reading(T0 + 3, 50.0, 7.0, device="t:bin:1"),
            reading(T0 + 4, 60.0, origin=Origin.DRILL),
            reading(T0 + 5, 99.0, 99.0, quality=(Quality.BAD_SENSOR_FAULT, Quality.BAD_SENSOR_FAULT)),
        ],
        {},
    )
    return store


def ask(store: FilledReader, **more: object) -> dict[str, list[tuple[float | None, int]]]:
    """Two seconds of methane, by group."""
    question = Question("methane", T0, T0 + 2 * SECOND, SECOND)._replace(**more)
    return {group: [(one.value, one.samples) for one in found] for group, found in store.grouped(question).items()}


def test_without_a_group_all_devices_with_the_point_go_in(fleet: FilledReader) -> None:
    assert ask(fleet) == {"": [(4.0, 3), (5.0, 1)]}


@pytest.mark.parametrize(
    ("group", "found"),
    [
        ("device", {"t:gas:1": [(2.0, 2), (None, 0)], "t:gas:2": [(8.0, 1), (5.0, 1)]}),
        ("profile", {"gengfu/gas-alarm": [(4.0, 3), (5.0, 1)]}),
        ("site", {"demo": [(4.0, 3), (5.0, 1)]}),
        ("area", {"street/hotpot": [(4.0, 3), (5.0, 1)]}),
        ("origin", {"live": [(4.0, 3), (5.0, 1)]}),
    ],
)
def test_one_answer_for_each_of_a_group(
    fleet: FilledReader, group: Group, found: dict[str, list[tuple[float | None, int]]]
) -> None:
    assert ask(fleet, group=group) == found


def test_all_origins_only_side_by_side(fleet: FilledReader) -> None:
    found = ask(fleet, group="origin", origin=None)
    assert found == {"drill": [(60.0, 1), (None, 0)], "live": [(4.0, 3), (5.0, 1)]}
    assert ask(fleet, origin=Origin.DRILL, group="device") == {"t:gas:1": [(60.0, 1), (None, 0)]}
    for group in (None, "device", "area"):
        with pytest.raises(QueryRefused, match="a drill is not mixed with what is live"):
            ask(fleet, origin=None, group=group)


@pytest.mark.parametrize(
    ("how", "found"),
    [("min", 1.0), ("max", 8.0), ("sum", 12.0), ("count", 3.0), ("first", 1.0), ("last", 8.0)],
)
def test_devices_are_put_together_as_asked(fleet: FilledReader, how: Aggregate, found: float) -> None:
    assert ask(fleet, how=how, end=T0 + SECOND) == {"": [(found, 3)]}


def test_device_and_profile_restrict_whose_values_go_in(fleet: FilledReader) -> None:
    assert ask(fleet, device="t:gas:2", group="area") == {"street/hotpot": [(8.0, 1), (5.0, 1)]}
    assert ask(fleet, profile="gengfu/gas-alarm") == {"": [(4.0, 3), (5.0, 1)]}
    for nobody in ({"profile": "gengfu/smart-bin"}, {"device": "t:bin:1"}, {"device": "t:gas:9"}, {"point": "speed"}):
        assert ask(fleet, group="device", **nobody) == {}
        assert ask(fleet, **nobody) == {"": [(None, 0), (None, 0)]}


def test_a_point_of_two_kinds_of_devices_is_asked_of_both(store: FilledReader) -> None:
    store.write([reading(T0, 1.0, 2.0), reading(T0, 50.0, 7.0, device="t:bin:1")], {})
    for point, device, value in (("methane", "t:gas:1", 1.0), ("weight", "t:bin:1", 7.0)):
        assert ask(store, point=point, group="device") == {device: [(value, 1), (None, 0)]}


GAPPED = {1: 4.0, 4: 10.0}


@pytest.mark.parametrize(
    ("fill", "values"),
    [
        ("null", [None, 4.0, None, None, 10.0, None]),
        ("none", [4.0, 10.0]),
        ("0", [0.0, 4.0, 0.0, 0.0, 10.0, 0.0]),
        ("previous", [None, 4.0, 4.0, 4.0, 10.0, 10.0]),
        ("linear", [None, 4.0, 6.0, 8.0, 10.0, None]),
    ],
)
def test_gaps_are_filled_as_asked_and_show_that_nothing_was_measured(
    store: FilledReader, fill: Fill, values: list[float | None]
) -> None:
    store.write([reading(T0 + second * SECOND, value) for second, value in GAPPED.items()], {})
    found = store.aggregate("t:gas:1", "methane", T0, T0 + 6 * SECOND, SECOND, "mean", fill=fill)
    assert [one.value for one in found] == values
    measured = {(one.at - T0) // SECOND for one in found if one.samples}
    assert measured == set(GAPPED)


def test_each_group_is_filled_from_its_own_values(fleet: FilledReader) -> None:
    assert ask(fleet, group="device", fill="previous")["t:gas:1"] == [(2.0, 2), (2.0, 0)]
    assert ask(fleet, group="device", fill="none")["t:gas:1"] == [(2.0, 2)]


def test_every_fill_has_a_test() -> None:
    assert set(get_args(Fill)) == {"null", "none", "0", "previous", "linear"}


@pytest.mark.parametrize(
    ("around", "hours"), [(SPRING, [24, 23, 24]), (AUTUMN, [24, 25, 24])], ids=["spring", "autumn"]
)
def test_days_have_23_and_25_hours_where_clocks_are_moved(store: FilledReader, around: int, hours: list[int]) -> None:
    start = around - DAY - (1 if around == SPRING else 2) * HOUR  # midnight in Berlin, the day before
    store.write([reading(start + n * HOUR, float(n)) for n in range(sum(hours))], {})
    edges = [start, start + hours[0] * HOUR, start + (hours[0] + hours[1]) * HOUR]
    end = start + sum(hours) * HOUR
    for how in ("count", "first", "last", "mean", "max"):
        found = store.aggregate("t:gas:1", "methane", start, end, Days(1, "Europe/Berlin"), how)
        first = [(edge - start) // HOUR for edge in edges]
        last = [(edge - start) // HOUR - 1 for edge in (*edges[1:], end)]
        values = {
            "count": [float(length) for length in hours],
            "first": [float(one) for one in first],
            "last": [float(one) for one in last],
            "mean": [(one + other) / 2 for one, other in zip(first, last, strict=True)],
            "max": [float(one) for one in last],
        }[how]
        assert found == [Bucket(*one) for one in zip(edges, values, hours, strict=True)]


@pytest.mark.parametrize(
    ("zone", "offset"), [("Asia/Shanghai", 8 * HOUR), ("Asia/Kathmandu", 5 * HOUR + 2700 * SECOND)]
)
def test_days_begin_at_midnight_of_the_zone(store: FilledReader, zone: str, offset: int) -> None:
    midnight = T0 - (T0 + offset) % DAY
    store.write([reading(midnight - 1, 1.0), reading(midnight, 2.0), reading(midnight + DAY - 1, 3.0)], {})
    found = store.aggregate("t:gas:1", "methane", midnight - DAY, midnight + DAY, Days(1, zone), "sum")
    assert found == [(midnight - DAY, 1.0, 1), (midnight, 5.0, 2)]


def test_part_of_a_day_holds_only_what_was_asked_for(store: FilledReader) -> None:
    midnight = T0 - T0 % DAY
    store.write([reading(midnight + n * HOUR, 1.0) for n in range(48)], {})
    found = store.aggregate(
        "t:gas:1", "methane", midnight + 3 * HOUR + 1, midnight + DAY + 2 * HOUR, Days(1, "UTC"), "count"
    )
    assert found == [(midnight, 20.0, 20), (midnight + DAY, 2.0, 2)]


def test_ten_years_of_calendar_days(store: FilledReader) -> None:
    start, end = T0 - T0 % DAY - 8 * HOUR, T0 - T0 % DAY - 8 * HOUR + 3652 * DAY
    store.write([reading(start, 1.0), reading(end - 1, 2.0)], {})
    found = store.aggregate("t:gas:1", "methane", start, end, Days(1, "Asia/Shanghai"), "max")
    assert (len(found), found[0], found[-1]) == (3652, (start, 1.0, 1), (end - DAY, 2.0, 1))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (Days(0, "UTC"), "every 0 days: must be 1 to 366"),
        (Days(367, "UTC"), "every 367 days"),
        (Days(1, "Mars/Olympus"), "'Mars/Olympus': no time zone"),
        (Days(1, "../etc/passwd"), "no time zone"),
        (Days(1, ""), "no time zone"),
    ],
)
def test_days_that_are_none_are_refused(store: FilledReader, days: Days, words: str) -> None:
    with pytest.raises(QueryRefused, match=words):
        store.aggregate("t:gas:1", "methane", T0, T0 + DAY, days, "mean")


def test_more_buckets_over_all_groups_than_memory_should_hold_are_refused(
    fleet: FilledReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BUCKETS_MAX", 3)
    with pytest.raises(QueryRefused, match="more than 3 buckets over all groups by device"):
        ask(fleet, group="device")
    assert len(ask(fleet, group="device", fill="none")) == 2
    monkeypatch.setattr(buckets, "BUCKETS_MAX", 2)
    with pytest.raises(QueryRefused, match="more than 2 buckets over all groups by device"):
        ask(fleet, group="device", fill="none")


@pytest.mark.parametrize("word", ["it's", 'say "x"', "back\\slash", "x' OR '1'='1", "a;b", "line\nend", "\x00"])
def test_words_of_a_question_are_only_words(fleet: FilledReader, word: str) -> None:
    for part in ({"device": word}, {"profile": word}, {"point": word}):
        assert ask(fleet, group="device", **part) == {}
    assert fleet.samples(word, "methane", T0, T0 + 1) == []


def test_texts_are_left_out_of_every_aggregate(store: FilledReader) -> None:
    store.write([reading(T0, None, 2.0, "three")], {})
    for how in get_args(Aggregate):
        assert ask(store, point="note", how=how) == {"": [(None, 0), (None, 0)]}
