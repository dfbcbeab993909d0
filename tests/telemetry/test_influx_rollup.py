"""Minutes and hours in a real InfluxDB are what the embedded store answers over the same readings, whatever comes late,
out of order or BAD, and whoever is away in between."""

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from protocols.quality import Quality
from protocols.reading import Origin, Reading, encode_reading
from telemetry import duck_rollup, duck_session
from telemetry.errors import StoreUnavailable
from telemetry.influx_rollup_lines import HOUR, MINUTE
from tests.fixtures.influx import Influxd
from tests.telemetry.readings import SECOND, item, reading
from tests.telemetry.rolled_site import BASE, Site

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded store rolls up with each write, in small steps."""
    monkeypatch.setattr(duck_session, "SETTLE_AFTER", 1)
    monkeypatch.setattr(duck_rollup, "STEP_VALUES", 50)
    monkeypatch.setattr(duck_rollup, "MINUTES_AT_LEAST", 5)
    monkeypatch.setattr(duck_rollup, "MINUTES_BEFORE_HOURS", 3)


def minute_of(start: int, devices: Sequence[str] = ("t:gas:1", "t:gas:2", "t:bin:1")) -> list[Reading]:
    """Each device every 7 s: good, uncertain, BAD and absent values, a drill, a text."""
    made = []
    for number, at in enumerate(range(start + SECOND, start + MINUTE, 7 * SECOND)):
        for place, device in enumerate(devices):
            value = math.sin(at / 1e11 + place) * 10.0**place
            quality = (Quality.GOOD, Quality.UNCERTAIN_STALE, Quality.BAD_TYPE, Quality.BAD_COMM_LOSS)[number % 4]
            made.append(reading(at + place, value, 2.0 + number, device=device, quality=(quality, 0)))
        made.append(reading(at, None, 3.0, "阀门", origin=Origin.DRILL))
    return made


@pytest.mark.parametrize("api", ["v1", "v2", "v3"])
def test_minutes_and_hours_are_those_of_the_embedded_store(influxd_own: Influxd, tmp_path: Path, api: str) -> None:
    with closing(Site(influxd_own, tmp_path, api)) as site:
        compare_with_gaps(site)


def compare_with_gaps(site: Site) -> None:
    starts = range(BASE, BASE + 2 * HOUR, 17 * MINUTE)
    for start in starts[:4]:
        site.take(minute_of(start))
    assert site.roll() > 0
    site.restart()
    site.take(minute_of(starts[7])[::-1])  # newer ones first
    site.server.stop()
    with pytest.raises(StoreUnavailable):
        site.roll()
    with pytest.raises(StoreUnavailable):
        site.sink.consume([item(900, encode_reading(reading(starts[4], 1.0)))])
    site.server.start()
    for start in starts[4:7]:
        site.take(minute_of(start))
    site.take(minute_of(starts[1] + 3 * SECOND, ["t:gas:2"]))
    site.restart()
    site.roll(3 * HOUR)  # what was tried while the server was away waits for a minute more
    for what, step in (("1m", MINUTE), ("1h", HOUR)):
        assert site.rolled(what) == site.expected(step, BASE, BASE + 3 * HOUR)
    assert len(site.rolled("1h")) == 2 * 7
    assert site.roll_ups.roller.step(site.now + 9 * HOUR) is False


# Few minutes of few hours, so that many values share one.
TIMES = st.builds(
    lambda hour, minute, ns: hour * HOUR + minute * MINUTE + ns,
    st.integers(-2, 1),
    st.sampled_from([0, 1, 9, 10, 59]),
    st.integers(0, MINUTE - 1),
)
VALUES = st.tuples(
    st.floats(-1e6, 1e6),
    st.sampled_from([Quality.GOOD, Quality.UNCERTAIN_STALE, Quality.BAD_TYPE]),
    st.sampled_from(["t:gas:1", "t:gas:2"]),
)
BATCH = st.dictionaries(TIMES, VALUES, min_size=1, max_size=15)


@settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(st.tuples(BATCH, st.integers(0, 3), st.booleans()), min_size=1, max_size=4))
def test_whatever_is_rolled_up_in_between_the_end_is_the_same(
    influxd: Influxd,
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[tuple[dict[int, tuple[float, Quality, str]], int, bool]],
) -> None:
    with closing(Site(influxd, tmp_path_factory.mktemp("site"))) as site:
        compare_step_by_step(site, batches)


def compare_step_by_step(site: Site, batches: list[tuple[dict[int, tuple[float, Quality, str]], int, bool]]) -> None:
    stamps: set[int] = set()
    for batch, pieces, restarts in batches:
        fresh = {at: one for at, one in batch.items() if at not in stamps}
        stamps |= fresh.keys()
        site.take(
            [reading(BASE + at, value, device=device, quality=(code,)) for at, (value, code, device) in fresh.items()]
        )
        for _ in range(pieces):
            site.roll_ups.roller.step(site.now + 2 * HOUR)
        if restarts:
            site.restart()
    site.roll(3 * HOUR)  # what was tried while the server was away waits for a minute more
    for what, step in (("1m", MINUTE), ("1h", HOUR)):
        assert site.rolled(what, ["gas_alarm"]) == site.expected(step, BASE - 3 * HOUR, BASE + 3 * HOUR)
