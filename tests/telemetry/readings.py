"""Readings and series that the telemetry tests share."""

from protocols.quality import Quality
from protocols.reading import Origin, Reading, Value
from telemetry.sink import StoredItem
from telemetry.store import Series

SECOND = 10**9
T0 = 1_790_000_000 * SECOND
GAS = Series("gengfu/gas-alarm", "gas_alarm", "demo", "street/hotpot", ("methane", "co", "note"))
BIN = Series("gengfu/smart-bin", "smart_bin", "demo", "street/corner", ("fill", "weight"))
DEVICES = {"t:gas:1": GAS, "t:gas:2": GAS, "t:bin:1": BIN}


def series_of(device: str) -> Series | None:
    """The registry of the tests."""
    return DEVICES.get(device)


def reading(
    at: int,
    *values: Value,
    device: str = "t:gas:1",
    origin: Origin = Origin.LIVE,
    quality: tuple[int, ...] | None = None,
    claimed_at: int | None = None,
) -> Reading:
    """One reading, good unless said otherwise, received a millisecond after it was taken."""
    codes = quality if quality is not None else (int(Quality.GOOD),) * len(values)
    profile = DEVICES[device].profile if device in DEVICES else GAS.profile
    return Reading(device, profile, at, at + 1_000_000, origin, values, codes, claimed_at=claimed_at)


def item(position: int, body: bytes, partition: int = 3, kind: str = "reading") -> StoredItem:
    """An entry of the journal."""
    return position, partition, kind, body
