"""Lines of the gateway's own health: what stands in them, any text in them, and a real influxd that takes them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.profile.rules import RESERVED_KINDS
from protocols.reading import Origin
from telemetry import annotation
from telemetry.health import (
    HEALTH,
    ConnectionHealth,
    ConsumerHealth,
    DeviceHealth,
    DeviceState,
    GatewayHealth,
    Health,
    decode_health,
    encode_health,
)
from telemetry.health_lines import MEASUREMENTS, health_lines
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.letters import LINE
from telemetry.line_protocol import Unwritable
from telemetry.sink import TIME_MAX, Consumed
from tests.fixtures.influx import Influxd
from tests.telemetry.line_parser import Parsed, parse
from tests.telemetry.readings import SECOND, T0, item, reading, series_of

GATEWAY = GatewayHealth("0.1.0", 61.25, 141e6, 7.5, 12e9, 1e6, 4096e6, 1200, 1, 2, 3, 30, 4, 5, 6)
STORE = ConsumerHealth("influxdb", 1800, 360.5, 0, "takes no data: StoreUnavailable", 1, 2, 3)
LINE_UP = ConnectionHealth(
    "east", "modbus-tcp", "up", 1, "", T0 // 10**6, 30, 4, 5, 6, 400, 7, 6.5, {"crc": 2, "late": 1}, 0.125, 0.01, 0.03
)
DOOR = ConnectionHealth("coap", "coap", "down", 0, "in use", T0 // 10**6, 0, 0, 0, 0, 0, 0, 0.0, {})
POLLED = DeviceHealth(
    "t:gas:1", "east", DeviceState.LOST, 12_345, 5, {"timeout": 3}, 400, 397, 7, 12_000, 30_000, -2500, "0.1.2", 88
)
SILENT = DeviceHealth("t:bin:1", "coap", DeviceState.UNHEARD, None, 60, {})
FULL = Health(T0, Origin.LIVE, "demo", GATEWAY, (STORE,), (LINE_UP, DOOR), (POLLED, SILENT))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ID = st.text(st.sampled_from("ab,= \"'区"), min_size=1, max_size=8)


def lines(health: Health) -> list[Parsed]:
    return [parse(line) for line in health_lines(health, series_of)]


def only(measurement: str, health: Health = FULL) -> list[Parsed]:
    return [line for line in lines(health) if line.measurement == measurement]


def test_the_gateway_says_how_it_is() -> None:
    (line,) = only("gateway")
    assert (line.tags, line.at) == ({"origin": "live", "site": "demo"}, T0)
    assert line.fields == {
        "version": "0.1.0",
        "uptime_s": 61.25,
        "memory_bytes": 141e6,
        "cpu_s": 7.5,
        "disk_free_bytes": 12e9,
        "journal_bytes": 1e6,
        "journal_bound_bytes": 4096e6,
        "readings": 1200.0,
        "duplicates": 1.0,
        "refused": 2.0,
        "unknown_devices": 3.0,
        "devices": 30.0,
        "devices_silent": 4.0,
        "devices_lost": 5.0,
        "devices_unheard": 6.0,
    }


def test_a_store_behind_the_journal_says_how_far_it_is() -> None:
    (line,) = only("consumer")
    assert line.tags == {"consumer": "influxdb", "origin": "live", "site": "demo"}
    assert line.fields == {
        "lag": 1800.0,
        "oldest_age_s": 360.5,
        "taking": 0.0,
        "problem": "takes no data: StoreUnavailable",
        "forgotten": 1.0,
        "missed": 2.0,
        "dead_letters": 3.0,
    }


def test_a_connection_has_a_line_of_its_own_and_one_for_each_kind_of_error() -> None:
    up, down = only("connection")
    tags = {"connection": "east", "origin": "live", "site": "demo", "transport": "modbus-tcp"}
    assert up.tags == tags
    assert up.fields == {
        "state": "up",
        "up": 1.0,
        "reason": "",
        "since_ms": float(T0 // 10**6),
        "devices": 30.0,
        "devices_silent": 4.0,
        "devices_lost": 5.0,
        "devices_unheard": 6.0,
        "requests": 400.0,
        "skipped_polls": 7.0,
        "requests_per_s": 6.5,
        "utilisation": 0.125,
        "rtt_p50_s": 0.01,
        "rtt_p95_s": 0.03,
        "errors": 3.0,
    }
    assert not {"utilisation", "rtt_p50_s", "rtt_p95_s"} & down.fields.keys()
    assert [(line.tags, line.fields) for line in only("connection_error")] == [
        ({**tags, "kind": "crc"}, {"errors": 2.0}),
        ({**tags, "kind": "late"}, {"errors": 1.0}),
    ]


def test_a_device_has_the_tags_of_its_readings_and_one_line_for_each_kind_of_error() -> None:
    polled, silent = only("device_health")
    tags = {
        "connection": "east",
        "device": "t:gas:1",
        "district": "street/hotpot",
        "kind": "gas_alarm",
        "origin": "live",
        "profile": "gengfu/gas-alarm",
        "site": "demo",
    }
    assert polled.tags == tags
    assert polled.fields == {
        "state": "lost",
        "silent": 1.0,
        "last_seen_ms": T0 / 10**6 - 12_345,
        "last_seen_age_s": 12.345,
        "period_s": 5.0,
        "errors": 3.0,
        "requests": 400.0,
        "answers": 397.0,
        "skipped_polls": 7.0,
        "rtt_p50_s": 0.012,
        "rtt_p95_s": 0.03,
        "clock_offset_s": -2.5,
        "firmware": "0.1.2",
        "battery_percent": 88.0,
    }
    assert silent.fields == {"state": "unheard", "silent": 1.0, "period_s": 60.0, "errors": 0.0}
    assert [(line.tags, line.fields) for line in only("device_error")] == [
        ({**tags, "error": "timeout"}, {"errors": 3})
    ]


@pytest.mark.parametrize(
    ("state", "silent"),
    [(DeviceState.WELL, 0.0), (DeviceState.SILENT, 1.0), (DeviceState.LOST, 1.0), (DeviceState.UNHEARD, 1.0)],
)
def test_everything_but_well_is_silent(state: DeviceState, silent: float) -> None:
    one = msgspec.structs.replace(POLLED, state=state)
    (line,) = only("device_health", Health(T0, Origin.LIVE, "demo", devices=(one,)))
    assert (line.fields["state"], line.fields["silent"]) == (state.name.lower(), silent)


def test_a_device_that_was_removed_has_no_line() -> None:
    gone = msgspec.structs.replace(POLLED, device="t:gone")
    assert lines(Health(T0, Origin.LIVE, "demo", devices=(gone,))) == []


@pytest.mark.parametrize("origin", list(Origin))
def test_every_line_says_its_origin(origin: Origin) -> None:
    found = lines(msgspec.structs.replace(FULL, origin=origin))
    assert {line.tags["origin"] for line in found} == {origin.name.lower()}


def test_no_field_has_the_name_of_a_tag_and_numbers_are_floats() -> None:
    found = lines(FULL)
    assert {line.measurement for line in found} == MEASUREMENTS
    tags = {name for line in found for name in line.tags}
    assert not tags & {name for line in found for name in line.fields}
    assert {type(value) for line in found for value in line.fields.values()} == {float, str}


def test_no_kind_of_device_can_have_a_measurement_of_ours() -> None:
    assert {annotation.MEASUREMENT, *MEASUREMENTS} == RESERVED_KINDS


@pytest.mark.parametrize("at", [TIME_MAX + 1, -TIME_MAX - 1])
def test_a_time_that_no_store_has_is_refused(at: int) -> None:
    with pytest.raises(Unwritable, match="1677 to 2262"):
        lines(msgspec.structs.replace(FULL, at=at))


@given(problem=TEXT, reason=TEXT, firmware=TEXT, connection=ID, error=ID)
def test_any_text_reads_back_as_it_was(problem: str, reason: str, firmware: str, connection: str, error: str) -> None:
    made = Health(
        T0,
        Origin.LIVE,
        "demo",
        consumers=(msgspec.structs.replace(STORE, problem=problem),),
        connections=(msgspec.structs.replace(LINE_UP, connection=connection, reason=reason, errors={error: 1}),),
        devices=(msgspec.structs.replace(POLLED, connection=connection, firmware=firmware, errors={error: 1}),),
    )
    store, line, line_error, device, device_error = lines(decode_health(encode_health(made)))
    assert (store.fields["problem"], line.fields["reason"]) == (problem, reason)
    assert (line.tags["connection"], line_error.tags["kind"]) == (connection, error)
    assert (device.tags["connection"], device.fields["firmware"]) == (connection, firmware)
    assert device_error.tags["error"] == error


@pytest.mark.server
def test_influxdb_has_every_line_of_an_entry_and_what_it_refuses_is_a_letter(influxd: Influxd, tmp_path) -> None:
    database = influxd.database()
    influxd.write(f'device_error,device=t:gas:1,origin=live errors="text" {T0 - SECOND}', database)
    settings = InfluxSettings(url=influxd.url, database=database, batch_lines=50)
    sink = InfluxSink(settings, series_of, tmp_path / "influx.db")
    later = msgspec.structs.replace(FULL, at=T0 + 60 * SECOND)
    items = [item(1, encode_health(FULL), kind=HEALTH), item(2, encode_health(later), kind=HEALTH)]
    # 9 lines of each entry, of which one is refused: its field is a text there
    assert sink.consume([*items, item(3, b"\x93\x02", kind=HEALTH)]) == Consumed(16, 0, 3)
    assert [(letter.kind, letter.position) for letter in sink.letters()] == [(HEALTH, 3), (LINE, 1), (LINE, 2)]
    assert sink.cursor() == {3: 3}
    for measurement, number in (("gateway", 2), ("connection", 4), ("connection_error", 4), ("device_health", 4)):
        assert len(influxd.query(f"SELECT * FROM {measurement}", database)) == number
    (row, _) = influxd.query("SELECT * FROM device_health WHERE device = 't:gas:1' AND origin = 'live'", database)
    assert (row["time"], row["last_seen_age_s"], row["firmware"], row["district"]) == (
        T0, 12.345, "0.1.2", "street/hotpot",
    )  # fmt: skip
    influxd.query("DROP MEASUREMENT device_error", database)
    assert (sink.replay([2, 3]).stored, sink.dead_letter_count()) == (2, 1)
    assert len(influxd.query("SELECT * FROM device_error", database)) == 2
    sink.close()


@pytest.mark.server
def test_lines_of_many_entries_go_in_requests_of_the_usual_size(influxd: Influxd, tmp_path, monkeypatch) -> None:
    settings = InfluxSettings(url=influxd.url, database=influxd.database(), batch_lines=20)
    sink = InfluxSink(settings, series_of, tmp_path / "influx.db")
    sizes: list[int] = []
    write = sink._writer.write
    monkeypatch.setattr(sink._writer, "write", lambda some: sizes.append(len(some)) or write(some))
    many = [msgspec.structs.replace(FULL, at=T0 + number) for number in range(18)]
    items = [item(number + 1, encode_health(one), kind=HEALTH) for number, one in enumerate(many)]
    assert sink.consume([*items, item(30, msgspec.msgpack.encode(reading(T0, 1.0)))]).stored == 18 * 9 + 1
    assert (max(sizes), sum(sizes)) == (27, 163)
    sink.close()
