"""Second tries for dead letters, on a real influxd: stored when the cause is gone, kept while it is not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protocols.reading import Origin, encode_reading
from telemetry.annotation import Annotation
from telemetry.errors import StoreUnavailable
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.influx_state import InfluxState
from telemetry.letters import LINE, Refusal, Replayed, Subject, subject
from telemetry.sink import NOT_REGISTERED, Consumed, StoredItem
from telemetry.store import Series
from tests.fixtures.influx import Influxd
from tests.telemetry.readings import DEVICES, GAS, SECOND, T0, item, reading

NEW = "t:gas:new"
MakeSink = Callable[..., InfluxSink]


def annotate(kind: str, body: bytes) -> Annotation | None:
    """An alarm of a text; nothing for an empty one."""
    if not body:
        return None
    return Annotation(kind, T0, Origin.DRILL, "demo", "street", body.decode(), "演练", "", "", priority="high")


@pytest.fixture
def devices() -> dict[str, Series]:
    return dict(DEVICES)


@pytest.fixture
def make_sink(influxd: Influxd, tmp_path: Path, devices: dict[str, Series]) -> Iterator[MakeSink]:
    made: list[InfluxSink] = []

    def make(database: str, url: str = "", **changes: object) -> InfluxSink:
        if made:
            made.pop().close()
        chosen = InfluxSettings.model_validate({"url": url or influxd.url, "database": database, **changes})
        made.append(InfluxSink(chosen, devices.get, tmp_path / "influx.db", annotate, lambda: T0))
        return made[-1]

    yield make
    if made:
        made.pop().close()


def unknown(*positions: int) -> list[StoredItem]:
    """Readings of a device that is not registered yet."""
    return [item(n, encode_reading(reading(T0 + n * SECOND, float(n), device=NEW))) for n in positions]


def times(server: Influxd, database: str, measurement: str = "gas_alarm") -> list[int]:
    return [row["time"] for row in server.query(f'SELECT * FROM "{measurement}"', database)]


@pytest.mark.server
def test_readings_of_a_device_that_was_registered_since_are_stored(
    influxd: Influxd, make_sink: MakeSink, devices: dict[str, Series]
) -> None:
    database = influxd.database()
    sink = make_sink(database)
    assert sink.consume(unknown(1, 2, 3)) == Consumed(0, 0, 3)
    assert sink.replay([1, 2]) == Replayed(0, [Refusal(1, NOT_REGISTERED), Refusal(2, NOT_REGISTERED)], 0, None)
    devices[NEW] = GAS
    assert sink.replay([1, 3, 77]) == Replayed(2, [], 1, None)
    assert times(influxd, database) == [T0 + SECOND, T0 + 3 * SECOND]
    assert [letter.id for letter in sink.letters()] == [2]
    assert sink.cursor() == {3: 3}


@pytest.mark.server
def test_lines_are_stored_when_the_measurement_of_another_type_was_dropped(
    influxd: Influxd, make_sink: MakeSink
) -> None:
    database = influxd.database()
    influxd.write(f'gas_alarm,device=x methane="a text" {T0}', database)
    sink = make_sink(database)
    batch = [item(n, encode_reading(reading(T0 + n * SECOND, float(n)))) for n in range(1, 4)]
    assert sink.consume(batch) == Consumed(0, 0, 3)
    before = [letter.reason for letter in sink.letters()]
    assert sink.replay_beyond(0).stored == 0
    assert [letter.reason for letter in sink.letters()] == before
    influxd.query("DROP MEASUREMENT gas_alarm", database)
    assert sink.replay_beyond(0) == Replayed(3, [], 0, None)
    assert times(influxd, database) == [T0 + n * SECOND for n in range(1, 4)]
    assert sink.dead_letter_count() == 0


@pytest.mark.server
def test_what_is_refused_again_stays_with_the_new_reason(
    influxd: Influxd, make_sink: MakeSink, devices: dict[str, Series]
) -> None:
    database = influxd.database()
    sink = make_sink(database)
    sink.consume([*unknown(1), item(2, b"\xc1"), *unknown(3)])
    devices[NEW] = GAS._replace(profile="another/profile")
    tried = sink.replay_beyond(0)
    assert (tried.stored, [one.id for one in tried.refused]) == (0, [1, 2, 3])
    reasons = [letter.reason for letter in make_sink(database).letters()]
    assert [reason.split(" ")[0] for reason in reasons] == ["device", "not", "device"]
    assert "'another/profile'" in reasons[0]


@pytest.mark.server
def test_a_crash_after_the_write_changes_nothing(
    influxd: Influxd, make_sink: MakeSink, devices: dict[str, Series], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = influxd.database()
    sink = make_sink(database)
    sink.consume(unknown(1, 2))
    devices[NEW] = GAS

    class Crash(Exception):
        pass

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(InfluxState, "settle", crash)
        with pytest.raises(Crash):
            sink.replay_beyond(0)
    stored = [T0 + SECOND, T0 + 2 * SECOND]
    assert times(influxd, database) == stored
    again = make_sink(database)
    assert again.dead_letter_count() == 2
    assert again.replay_beyond(0) == Replayed(2, [], 0, None)
    assert times(influxd, database) == stored


@pytest.mark.server
def test_a_server_that_is_down_costs_no_letter(
    influxd_own: Influxd, make_sink: MakeSink, devices: dict[str, Series]
) -> None:
    database = influxd_own.database()
    sink = make_sink(database, influxd_own.url)
    sink.consume(unknown(1, 2))
    devices[NEW] = GAS
    influxd_own.stop()
    with pytest.raises(StoreUnavailable):
        sink.replay_beyond(0)
    assert sink.dead_letter_count() == 2
    influxd_own.start()
    assert sink.replay_beyond(0).stored == 2


@pytest.mark.server
def test_many_letters_are_tried_part_by_part(influxd: Influxd, make_sink: MakeSink, devices: dict[str, Series]) -> None:
    database = influxd.database()
    sink = make_sink(database)
    sink.consume(unknown(*range(1, 1201)))
    del devices["t:gas:1"]
    devices[NEW] = GAS
    assert sink.replay_beyond(100, 700) == Replayed(700, [], 0, 800)
    assert sink.replay_beyond(800, 700) == Replayed(400, [], 0, None)
    assert sink.replay(range(1, 101)) == Replayed(100, [], 0, None)
    assert len(times(influxd, database)) == 1200
    assert sink.dead_letter_count() == 0


@pytest.mark.server
def test_annotations_stand_beside_readings_of_the_same_batch(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    sink = make_sink(database)
    batch = [
        item(1, encode_reading(reading(T0, 1.0))),
        item(2, "泄漏".encode(), kind="alarm"),
        item(3, "泄漏".encode(), kind="alarm"),
        item(4, b"", kind="trip"),
        item(5, b"?", kind="site"),
    ]
    for _ in range(2):
        assert sink.consume(batch) == Consumed(3, 1, 0)
    assert times(influxd, database) == [T0]
    assert times(influxd, database, "annotation") == [T0 + 2, T0 + 3]
    (row,) = influxd.query("SELECT * FROM annotation LIMIT 1", database)
    assert (row["title"], row["origin"], row["kind"], row["priority"]) == ("泄漏", "drill", "alarm", "high")
    assert sink.cursor() == {3: 5}


@pytest.mark.server
def test_an_annotation_that_cannot_be_read_is_parked_and_tried_again(influxd: Influxd, make_sink: MakeSink) -> None:
    database = influxd.database()
    sink = make_sink(database)
    assert sink.consume([item(1, b"\xff", kind="alarm"), item(2, b"fine", kind="plan")]) == Consumed(1, 0, 1)
    (letter,) = sink.letters()
    assert (letter.kind, letter.position) == ("alarm", 1)
    assert letter.reason.startswith("not readable as alarm: ")
    assert len(sink.replay([1]).refused) == 1


@pytest.mark.server
def test_a_letter_can_be_deleted_once(influxd: Influxd, make_sink: MakeSink) -> None:
    sink = make_sink(influxd.database())
    sink.consume(unknown(1, 2))
    deleted = sink.delete_letter(1)
    assert deleted is not None
    assert deleted.position == 1
    assert sink.delete_letter(1) is None
    assert [letter.id for letter in sink.letters()] == [2]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("reading", encode_reading(reading(T0, 1.0)), Subject("t:gas:1", T0)),
        ("reading", b"\xc1", Subject(None, None)),
        (LINE, b"gas_alarm,device=t:gas:1,district=a co=1.0,co_q=0i 17", Subject("t:gas:1", 17)),
        (LINE, b'a\\ ,device=x.y:z,site=s t="1,device=no,a=b c" -5', Subject("x.y:z", -5)),
        (LINE, b'annotation,kind=plan title="x,device=no,y" 5', Subject(None, 5)),
        (LINE, b"a\\,device=no,device=yes x=1.0", Subject("yes", None)),
        (LINE, b"\xff\xfe", Subject(None, None)),
        ("alarm", b"x", Subject(None, None)),
    ],
)
def test_a_letter_tells_whose_it_is(kind: str, data: bytes, expected: Subject) -> None:
    assert subject(kind, data) == expected
