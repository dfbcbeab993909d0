"""How the gateways of the town were, once a minute: silent and lost devices, errors, lag, a store that is behind."""

from collections.abc import Iterator
from zlib import crc32

from protocols.reading import Origin
from telemetry.health import (
    HEALTH,
    ConnectionHealth,
    ConsumerHealth,
    DeviceHealth,
    DeviceState,
    GatewayHealth,
    Health,
    encode_health,
)
from tests.dashboards.happened import Happening
from tests.dashboards.measured import MINUTE, stamps
from tests.dashboards.town import ODD_DEVICE, Device, Town

MS = 1_000_000
ORIGINS = frozenset({Origin.LIVE, Origin.SIMULATED})
"""A drill has no gateway of its own."""


def health_of(town: Town, site: str, origin: Origin, now: int) -> Iterator[Happening]:
    """All that a gateway wrote of itself."""
    devices = [one for one in town.devices if one.site == site and ODD_DEVICE not in one.id]
    for at in stamps(now, origin):
        minute = _minutes(at, now)
        told = Health(
            at, origin, site, _gateway(minute, len(devices)), _consumers(minute),
            (_connection(site, at, minute, len(devices)),),
            tuple(_device(site, device, minute) for device in devices),
        )  # fmt: skip
        yield Happening(HEALTH, encode_health(told))


def _minutes(at: int, now: int) -> int:
    """Rises to 5000 until now, so that counters do."""
    return 5000 + (at - now) // MINUTE


def _gateway(minute: int, devices: int) -> GatewayHealth:
    return GatewayHealth(
        "0.1.0", minute * 60.0, 1.4e8 + minute, minute * 0.5, 1.2e10 - minute, 1e6 + minute, 4.3e9, minute * 30.0,
        minute * 2.0, minute * 1.0, 3.0, devices, 2, 1, 1,
    )  # fmt: skip


def _consumers(minute: int) -> tuple[ConsumerHealth, ...]:
    return (
        ConsumerHealth("duckdb", minute % 5, 0.4, 1, "", 0, 0, minute % 3),
        ConsumerHealth("influxdb", 100 + minute, 60.0 + minute, 0, 'takes no data: "x"', 1, minute, 7),
    )


def _connection(site: str, at: int, minute: int, devices: int) -> ConnectionHealth:
    is_up = minute % 7 != 0
    state, reason = ("up", "") if is_up else ("down", 'refused: "no route"')
    return ConnectionHealth(
        f"{site}/coap", "coap", state, int(is_up), reason, at // MS - 5000, devices, 2, 1, 1, minute * 40, minute,
        6.5, {"timeout": minute * 3, "crc": minute}, 0.2 + minute % 7 / 10, 0.012, 0.03,
    )  # fmt: skip


def _device(site: str, device: Device, minute: int) -> DeviceHealth:
    seed = crc32(device.id.encode())
    state = DeviceState(seed // 7 % 4)
    is_polled = seed % 2 == 0
    return DeviceHealth(
        device.id,
        f"{site}/coap",
        state,
        None if state is DeviceState.UNHEARD else (seed % 5 + 1) * 60_000,
        60.0,
        {"timeout": minute + seed % 9, "bad-frame": minute // 2} if state else {},
        minute * 4 if is_polled else None,
        minute * 3 if is_polled else None,
        minute if is_polled else None,
        12_000 + seed % 999,
        30_000,
        seed % 5000 - 2500,
        f"0.{seed % 3}.0",
        float(5 + seed % 90),
    )
