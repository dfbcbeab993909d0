"""The telemetry stores as the contract suites know them: each over its real server or file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from protocols.reading import Reading
from telemetry.duck import DuckStore
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_store import InfluxStore
from telemetry.line_protocol import LineEncoder
from telemetry.store import Reader
from tests.fixtures.influx import Influxd
from tests.telemetry.readings import DEVICES, series_of


class FilledReader(Reader, Protocol):
    """A reader whose store can be filled."""

    def write(self, readings: Sequence[Reading], cursor: Mapping[int, int]) -> int: ...
    def close(self) -> None: ...


class FilledInflux(InfluxStore):
    """`InfluxStore` over a database of its own, into which our line protocol is written."""

    def __init__(self, server: Influxd) -> None:
        self._server = server
        self._database = server.database()
        self._encoder = LineEncoder(series_of)
        super().__init__(InfluxSettings(url=server.url, database=self._database), DEVICES)

    def write(self, readings: Sequence[Reading], _cursor: Mapping[int, int]) -> int:
        """InfluxDB stores no cursor, and does not say what is new."""
        lines = [line for line in map(self._encoder.line, readings) if line is not None]
        if lines:
            self._server.write("\n".join(lines), self._database)
        return len(lines)


def duck(folder: Path) -> DuckStore:
    """A new or existing file in this folder."""
    return DuckStore.open(folder / "telemetry.duckdb", series_of)


STORES: dict[str, Callable[[Path], DuckStore]] = {"duck": duck}
"""What is written to by the contract of `telemetry.store.Store`."""

READERS: dict[str, Callable[[Path, Callable[[], Influxd]], FilledReader]] = {
    "duck": lambda folder, _: duck(folder),
    "influx": lambda _, server: FilledInflux(server()),
}
"""What answers by the contract of `telemetry.store.Reader`."""
