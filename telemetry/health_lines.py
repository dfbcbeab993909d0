"""Lines for InfluxDB of the gateway's own health, next to those of readings (`telemetry.line_protocol`).

Layout of a line::

    gateway,origin=..,site=.. version="..",uptime_s=..,... <ns>
    consumer,consumer=..,origin=..,site=.. lag=..,problem="..",... <ns>
    connection,connection=..,origin=..,site=..,transport=.. state="..",up=..,... <ns>
    connection_error,connection=..,kind=..,origin=..,site=..,transport=.. errors=.. <ns>
    device_health,connection=..,device=..,district=..,kind=..,origin=..,profile=..,site=.. state="..",silent=..,... <ns>
    device_error,connection=..,device=..,district=..,error=..,kind=..,origin=..,profile=..,site=.. errors=.. <ns>

* ``origin`` is always there (S4): a simulated fleet is never taken for the city. ``kind`` of a device is the
  measurement of its readings; that of a ``connection_error``, the kind of error.
* All lines of one instant have its time. Numbers are floats; what is not known has no field.
* No field has the name of a tag: InfluxDB 3 refuses that.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from telemetry.health import ConnectionHealth, DeviceHealth, DeviceState, Health
from telemetry.line_protocol import Unwritable, key_text, string_text
from telemetry.sink import TIME_MAX, SeriesOf
from telemetry.store import Series

MEASUREMENTS = frozenset({"gateway", "consumer", "connection", "connection_error", "device_health", "device_error"})
MS = 1_000_000

Field: TypeAlias = float | str

_OPTIONAL = (
    ("requests", "requests", 1),
    ("answers", "answers", 1),
    ("skipped_polls", "skipped_polls", 1),
    ("rtt_p50_us", "rtt_p50_s", 1_000_000),
    ("rtt_p95_us", "rtt_p95_s", 1_000_000),
    ("clock_offset_ms", "clock_offset_s", 1_000),
    ("battery_percent", "battery_percent", 1),
)
"""Of a device: what may be unknown, its field, and by what it is divided for that (which makes it a float)."""

_STATES = {state: string_text(state.name.lower()) for state in DeviceState}


def health_lines(health: Health, series_of: SeriesOf) -> Iterator[str]:
    """The lines without their ends. A device that is in no series any more, because it was removed from the site, has
    none: nobody asks how it is. Raises `Unwritable`."""
    if not -TIME_MAX <= health.at <= TIME_MAX:
        raise Unwritable(f"a time is outside the years 1677 to 2262: {health.at} ns")
    where = {"origin": health.origin.name.lower(), "site": health.site}
    end = f" {health.at}"
    if health.gateway is not None:
        yield _line("gateway", where, _known(health.gateway), end)
    for consumer in health.consumers:
        yield _line("consumer", {"consumer": consumer.consumer, **where}, _known(consumer, "consumer"), end)
    for connection in health.connections:
        yield from _of_connection(connection, where, end)
    for device in health.devices:
        series = series_of(device.device)
        if series is not None:
            yield from _of_device(device, series, health, end)


def _of_connection(one: ConnectionHealth, where: Mapping[str, str], end: str) -> Iterator[str]:
    tags = {"connection": one.connection, **where, "transport": one.transport}
    fields = {**_known(one, "connection", "transport"), "errors": sum(one.errors.values())}
    yield _line("connection", tags, fields, end)
    for kind, times in one.errors.items():
        yield _line("connection_error", {"kind": kind, **tags}, {"errors": times}, end)


def _of_device(one: DeviceHealth, series: Series, health: Health, end: str) -> Iterator[str]:
    """Written out, and without a dictionary of fields: there are thousands of them."""
    before = f",connection={key_text(one.connection, 'connection')},device={one.device}"
    if series.area:
        before += f",district={key_text(series.area, 'district')}"
    after = f",kind={key_text(series.kind, 'kind')},origin={health.origin.name.lower()}"
    after += f",profile={key_text(series.profile, 'profile')},site={key_text(health.site, 'site')}"
    fields = f"state={_STATES[one.state]},silent={0.0 if one.state is DeviceState.WELL else 1.0}"
    if one.unheard_ms is not None:
        fields += f",last_seen_ms={float(health.at // MS - one.unheard_ms)},last_seen_age_s={one.unheard_ms / 1000}"
    fields += f",period_s={float(one.period_s)},errors={float(sum(one.errors.values()))}"
    for name, key, unit in _OPTIONAL:
        number = getattr(one, name)
        if number is not None:
            fields += f",{key}={number / unit}"
    if one.firmware is not None:
        fields += f",firmware={string_text(one.firmware)}"
    yield f"device_health{before}{after} {fields}{end}"
    for kind, times in one.errors.items():
        yield f"device_error{before},error={key_text(kind, 'error')}{after} errors={float(times)}{end}"


def _known(item: msgspec.Struct, *tags: str) -> dict[str, Field]:
    """The fields of a record that are numbers or texts and known, but for those that are ``tags``."""
    found: dict[str, Any] = msgspec.structs.asdict(item)
    return {name: one for name, one in found.items() if name not in tags and isinstance(one, float | int | str)}


def _line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Field], end: str) -> str:
    head = "".join(f",{key}={key_text(value, key)}" for key, value in sorted(tags.items()) if value)
    body = ",".join(f"{key}={_text(value)}" for key, value in fields.items())
    return f"{measurement}{head} {body}{end}"


def _text(value: Field) -> str:
    return string_text(value) if isinstance(value, str) else repr(float(value))
