"""The consumer that fills InfluxDB, on a real influxd: written, refused, lost and found again.

All of it by v1, and by v2 through a shim that judges who may write and leaves the lines to the real server.
"""

import json
import math
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value, decode_reading, encode_reading
from telemetry.errors import StoreRefused, StoreUnavailable
from telemetry.influx import InfluxWriter
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.line_protocol import LineEncoder, field_names
from telemetry.sink import Consumed, StoredItem
from telemetry.store import Series
from tests.fixtures.influx import Influxd
from tests.fixtures.influx_v2_shim import ORG, TOKEN, InfluxV2Shim
from tests.telemetry.readings import GAS, SECOND, T0, item, reading, series_of

pytestmark = pytest.mark.server
MakeSink = Callable[..., InfluxSink]


@pytest.fixture(params=["v1", "v2", "v3"])
def api(request: pytest.FixtureRequest) -> str:
    """How it is written: by v1, by v2 to a server like 2.7, by v2 to one like 3."""
    return str(request.param)


@pytest.fixture
def make_sink(influxd: Influxd, tmp_path: Path, api: str) -> Iterator[MakeSink]:
    """Sinks of one state file; the last one made is closed before the next. The way to write is found out."""
    made: list[InfluxSink] = []
    shims: dict[str, InfluxV2Shim] = {}

    def make(database: str = "", url: str = "", **changes: object) -> InfluxSink:
        if made:
            made.pop().close()
        url = url or influxd.url
        if api != "v1":
            if url not in shims:
                shims[url] = InfluxV2Shim(url, "3" if api == "v3" else "2.7")
            url = shims[url].url
            changes = {"org": ORG, "token": TOKEN, **changes}
        chosen = InfluxSettings.model_validate(
            {"url": url, "database": database or influxd.database(), "timeout_s": 20.0, **changes}
        )
        made.append(InfluxSink(chosen, series_of, tmp_path / "influx.sqlite"))
        return made[-1]

    yield make
    if made:
        made.pop().close()
    for shim in shims.values():
        shim.close()


def items(seconds: range, origin: Origin = Origin.LIVE) -> list[StoredItem]:
    return [item(n, encode_reading(reading(T0 + n * SECOND, float(n), n / 2, origin=origin))) for n in seconds]


def stored(server: Influxd, database: str, column: str = "methane") -> dict[int, object]:
    rows = server.query(f'SELECT "{column}" FROM "gas_alarm"', database)
    return {row["time"]: row[column] for row in rows}


@pytest.mark.parametrize("compress", [True, False])
def test_readings_arrive_with_their_nanosecond(influxd: Influxd, make_sink: MakeSink, compress: bool) -> None:
    database = influxd.database()
    body = encode_reading(reading(T0 + 123_456_789, 12.5))
    assert make_sink(database, compress=compress).consume([item(1, body)]) == Consumed(1, 0, 0)
    assert stored(influxd, database) == {T0 + 123_456_789: 12.5}


def test_every_type_comes_back(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    one = reading(
        T0, 5.0, None, '阀门 "关"\\\n', quality=(Quality.UNCERTAIN_CLOCK, Quality.BAD_MISSING, 0), claimed_at=7
    )
    make_sink(database).consume([item(1, encode_reading(one))])
    (row,) = influxd.query('SELECT * FROM "gas_alarm"', database)
    assert row == {
        "time": T0,
        "methane": 5.0,
        "methane_q": Quality.UNCERTAIN_CLOCK,
        "co_q": Quality.BAD_MISSING,
        "note": '阀门 "关"\\\n',
        "note_q": 0,
        "claimed_at": 7,
        "device": "t:gas:1",
        "district": "street/hotpot",
        "origin": "live",
        "profile": "gengfu/gas-alarm",
        "site": "demo",
    }


def test_resent_batch_is_stored_once(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    sink = make_sink(database)
    batch = items(range(50)) + items(range(50), origin=Origin.DRILL)
    sink.consume(batch)
    sink.consume(batch)
    counted = influxd.query('SELECT count("methane") FROM "gas_alarm" GROUP BY "origin"', database)
    assert {row["origin"]: row["count"] for row in counted} == {"live": 50, "drill": 50}


def test_cursor_is_kept_over_a_restart_of_ours(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    make_sink(database).consume([*items(range(3)), item(40, b"?", partition=9, kind="alarm")])
    assert make_sink(database).cursor() == {3: 2, 9: 40}


@pytest.mark.parametrize("api", ["v1"])
def test_missing_database_is_created(influxd: Influxd, make_sink: MakeSink) -> None:
    influxd.query('DROP DATABASE "made ""here"'.replace('""', '\\"'))
    make_sink('made "here').consume(items(range(1)))
    assert 'made "here' in {row["name"] for row in influxd.query("SHOW DATABASES")}


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ("v1", r"database 'nowhere': 404.*create the database"),
        ("v2", r"bucket 'nowhere': 404.*create the bucket"),
    ],
)
def test_missing_database_is_refused_when_it_may_not_be_created(
    influxd: Influxd, make_sink: MakeSink, told: str
) -> None:
    sink = make_sink("nowhere", create_database=False)
    with pytest.raises(StoreRefused, match=told):
        sink.consume(items(range(1)))
    assert sink.cursor() == {}


def test_server_that_is_down_costs_nothing(influxd_own: Influxd, make_sink: MakeSink) -> None:
    database = influxd_own.database()
    sink = make_sink(database, influxd_own.url)
    sink.consume(items(range(10)))
    influxd_own.stop()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        sink.consume(items(range(10, 20)))
    assert sink.cursor() == {3: 9}
    influxd_own.start()
    assert sink.consume(items(range(10, 20))) == Consumed(10, 0, 0)
    assert list(stored(influxd_own, database)) == [T0 + n * SECOND for n in range(20)]


def test_everything_acknowledged_survives_the_servers_kill(influxd_own: Influxd, make_sink: MakeSink) -> None:
    database = influxd_own.database()
    sink = make_sink(database, influxd_own.url)
    for first in range(0, 60, 20):
        sink.consume(items(range(first, first + 20)))
        influxd_own.kill()
        influxd_own.start()
    assert len(stored(influxd_own, database)) == 60
    assert sink.cursor() == {3: 59}


def test_refused_lines_are_parked_with_the_reason_and_the_rest_is_stored(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    influxd.write(f'gas_alarm,device=x co="a text" {T0}', database)
    batch = items(range(20))
    for position in (4, 11):
        batch[position] = item(position, encode_reading(reading(T0 + position * SECOND, 1.0)))
    sink = make_sink(database)
    assert sink.consume(batch) == Consumed(2, 0, 18)
    assert set(stored(influxd, database)) == {T0 + n * SECOND for n in (4, 11)}
    letters = sink.dead_letters()
    assert [letter.position for letter in letters] == [n for n in range(20) if n not in (4, 11)]
    assert {letter.partition for letter in letters} == {3}
    assert all("field type conflict" in letter.reason for letter in letters)
    assert letters[0].data == (LineEncoder(series_of).line(reading(T0, 0.0, 0.0)) or "").encode()
    assert sink.cursor() == {3: 19}


def write_requests(server: Influxd) -> int:
    with urllib.request.urlopen(f"{server.url}/debug/vars") as answer:
        statistics = json.load(answer)
    groups = [one for one in statistics.values() if isinstance(one, dict)]
    return next(int(one["values"]["writeReq"]) for one in groups if one.get("name") == "httpd")


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_wholly_refused_batch_costs_one_request(influxd_own: Influxd, make_sink: MakeSink) -> None:
    database = influxd_own.database()
    influxd_own.write(f'gas_alarm,device=x co="a text" {T0}', database)
    sink = make_sink(database, influxd_own.url)
    before = write_requests(influxd_own)
    assert sink.consume(items(range(500))) == Consumed(0, 0, 500)
    assert write_requests(influxd_own) - before == 1


def test_one_refused_line_among_many_is_found(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    batch = items(range(100))
    batch[63] = item(63, encode_reading(reading(T0 + 63 * SECOND, "x" * 70_000)))
    sink = make_sink(database)
    first = [item(0, encode_reading(reading(T0, 0.0)))]
    sink.consume(first)
    assert sink.consume(batch) == Consumed(99, 0, 1)
    assert [letter.position for letter in sink.dead_letters()] == [63]
    assert len(stored(influxd, database)) == 99


def test_points_older_than_the_retention_are_parked(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    influxd.query(f'CREATE RETENTION POLICY "short" ON "{database}" DURATION 1h REPLICATION 1 DEFAULT')
    old = item(1, encode_reading(reading(SECOND, 1.0)))
    sink = make_sink(database)
    assert sink.consume([old]) == Consumed(0, 0, 1)
    assert "retention policy" in sink.dead_letters()[0].reason


def test_bodies_and_readings_without_a_line_are_parked(influxd: Influxd, make_sink: MakeSink) -> None:
    gone = reading(T0, 1.0, device="t:gone")
    sink = make_sink()
    assert sink.consume([item(1, b"\xc1"), item(2, encode_reading(gone)), *items(range(3, 5))]) == Consumed(2, 0, 2)
    found = {letter.position: letter for letter in sink.dead_letters()}
    assert found[1].data == b"\xc1"
    assert decode_reading(found[2].data) == gone
    assert sink.dead_letter_count() == 2


def test_a_reading_with_nothing_to_say_is_passed_over(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    sink = make_sink(database)
    assert sink.consume([*items(range(1)), item(1, encode_reading(reading(T0, None))), *items(range(2, 3))]).stored == 2
    assert len(stored(influxd, database)) == 2
    assert sink.cursor() == {3: 2}


def test_dead_letters_stand_in_the_order_of_the_journal(make_sink: MakeSink) -> None:
    gone = encode_reading(reading(T0, 1.0, device="t:gone"))
    sink = make_sink()
    batch = [item(1, gone), item(2, b"\xc1"), item(3, gone), item(4, b"?", kind="alarm"), item(5, b"")]
    assert sink.consume(batch) == Consumed(0, 1, 4)
    assert [letter.position for letter in sink.dead_letters()] == [1, 2, 3, 5]


@pytest.mark.parametrize("compress", [True, False])
def test_a_compressed_batch_is_small(influxd_own: Influxd, make_sink: MakeSink, compress: bool) -> None:
    """Told by the server's own bound on the bytes of a request: 200 lines take 30 kB, or less than 10."""
    influxd_own.stop()
    configuration = influxd_own.folder / "influxd.conf"
    configuration.write_text(configuration.read_text().replace("[http]", "[http]\n  max-body-size = 10000"))
    influxd_own.start()
    sink = make_sink(influxd_own.database(), influxd_own.url, compress=compress)
    before = write_requests(influxd_own)
    assert sink.consume(items(range(200))) == Consumed(200, 0, 0)
    assert (write_requests(influxd_own) - before == 1) is compress


def test_batch_too_large_for_the_server_is_split(influxd_own: Influxd, make_sink: MakeSink) -> None:
    influxd_own.stop()
    configuration = influxd_own.folder / "influxd.conf"
    configuration.write_text(configuration.read_text().replace("[http]", "[http]\n  max-body-size = 2000"))
    influxd_own.start()
    database = influxd_own.database()
    noisy = [
        item(n, encode_reading(reading(T0 + n * SECOND, math.sin(n), math.cos(n), f"{math.exp(n % 50)!r}" * 3)))
        for n in range(200)
    ]
    sink = make_sink(database, influxd_own.url)
    assert sink.consume(noisy) == Consumed(200, 0, 0)
    assert len(stored(influxd_own, database)) == 200


def test_line_too_large_for_the_server_is_parked(influxd_own: Influxd, make_sink: MakeSink) -> None:
    influxd_own.stop()
    configuration = influxd_own.folder / "influxd.conf"
    configuration.write_text(configuration.read_text().replace("[http]", "[http]\n  max-body-size = 400"))
    influxd_own.start()
    long_text = "".join(repr(math.sin(n)) for n in range(200))
    large = item(1, encode_reading(reading(T0, 1.0, 2.0, long_text)))
    sink = make_sink(influxd_own.database(), influxd_own.url)
    assert sink.consume([large, *items(range(2, 4))]) == Consumed(2, 0, 1)
    assert sink.dead_letters()[0].reason.startswith("413")


def test_more_lines_than_a_batch_all_arrive(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    assert make_sink(database, batch_lines=7).consume(items(range(50))).stored == 50
    assert len(stored(influxd, database)) == 50


@pytest.mark.parametrize("api", ["v1"])
def test_login_is_sent_and_never_shown(influxd_own: Influxd, make_sink: MakeSink, tmp_path: Path) -> None:
    influxd_own.query("CREATE USER admin WITH PASSWORD 's3cret word' WITH ALL PRIVILEGES")
    database = influxd_own.database()
    influxd_own.stop()
    configuration = influxd_own.folder / "influxd.conf"
    configuration.write_text(configuration.read_text().replace("[http]", "[http]\n  auth-enabled = true"))
    influxd_own.start()
    password = tmp_path / "password"
    password.write_text("s3cret word\n")
    login = {"username": "admin", "password_file": password}
    assert make_sink(database, influxd_own.url, **login).consume(items(range(3))).stored == 3
    password.write_text("wr0ng word\n")
    with pytest.raises(StoreRefused, match=r"401.*check username and password_file") as caught:
        make_sink(database, influxd_own.url, **login).consume(items(range(3)))
    assert "wr0ng" not in str(caught.value)


NAME = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: not re.search(r"\\([,= \"]|\Z)", text)  # 1.6.7 drops a backslash before a quote in a field's name
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.fixture(scope="module")
def examples(influxd: Influxd) -> Iterator[tuple[InfluxWriter, str, Iterator[int]]]:
    database = influxd.database("examples")
    with closing(InfluxWriter(InfluxSettings(url=influxd.url, database=database))) as writer:
        yield writer, database, count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.tuples(NAME, NAME, NAME),
    points=st.lists(NAME, min_size=3, max_size=3, unique=True),
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False) | TEXT, min_size=1, max_size=3),
    offset=st.integers(0, SECOND),
)
def test_the_real_server_reads_any_line_as_we_meant_it(
    influxd: Influxd,
    examples: tuple[InfluxWriter, str, Iterator[int]],
    names: tuple[str, str, str],
    points: list[str],
    values: list[Value],
    offset: int,
) -> None:
    writer, database, numbers = examples
    kind = f"k{next(numbers)}{names[0]}"
    series = Series("v/m", kind, names[1], names[2], tuple(points))
    one = Reading("d", "v/m", T0 + offset, 0, Origin.LIVE, tuple(values), (0,) * len(values))
    line = LineEncoder(lambda _: series).line(one)
    assert line is not None
    assert writer.write([line]) == []
    (row,) = influxd.query(f"SELECT * FROM {quoted(kind)}", database)
    expected = dict(zip(field_names(points), values, strict=False))
    # The server's JSON shows a float without a fraction as an integer.
    found = {name: float(row[name]) if isinstance(row[name], int) else row[name] for name in expected}
    assert found == expected
    assert (row["site"], row["district"], row["time"]) == (names[1], names[2], T0 + offset)


def test_gas_series_of_the_tests_is_what_the_lines_carry() -> None:
    assert parse_points(LineEncoder(series_of).line(reading(T0, 1.0, 2.0, "x")) or "") == set(GAS.points)


def parse_points(line: str) -> set[str]:
    return {pair.split("=")[0] for pair in line.split(" ")[1].split(",")} - {f"{point}_q" for point in GAS.points}
