"""An InfluxDB that is rolled up, and the embedded store beside it over the same readings."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from protocols.reading import Origin, Reading, encode_reading
from telemetry.duck import DuckStore
from telemetry.influx_rollup import RollUps
from telemetry.influx_rollup_lines import HOUR
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.sink import Consumed
from telemetry.store import Aggregate
from tests.fixtures.influx import Influxd
from tests.fixtures.influx_v2_shim import ORG, TOKEN, InfluxV2Shim
from tests.telemetry.readings import DEVICES, T0, item, series_of

BASE = T0 - T0 % (24 * HOUR)
HOW: tuple[Aggregate, ...] = ("mean", "min", "max", "count")
NUMBERS = [(device, point) for device, one in DEVICES.items() for point in one.points if point != "note"]
Summary = dict[tuple[str, str, str, int], tuple[object, ...]]
"""(device, origin, point, beginning) -> mean, min, max, count."""


class Site:
    """A sink, and the embedded store beside it. ``now``: the time of both, at which nothing is due; so the thread of
    the sink has nothing to do, and `roll` does its work."""

    def __init__(self, server: Influxd, folder: Path, api: str = "v1", url: str = "", **keys: object) -> None:
        self.server, self.folder, self.now = server, folder, T0
        self.database = server.database()
        self.is_v1 = api == "v1"
        self.shim = None if self.is_v1 else InfluxV2Shim(url or server.url, "3" if api == "v3" else "2.7")
        if self.shim is not None:
            keys = {"org": ORG, "token": TOKEN, **keys}
            self.make_buckets()
        url = self.shim.url if self.shim else url or server.url
        self.settings = InfluxSettings.model_validate(
            {"url": url, "database": self.database, "timeout_s": 20.0, **keys}
        )
        self.duck = DuckStore.open(folder / "telemetry.duckdb", series_of)
        self.sink = self._open()
        self._position = count(1)

    def make_buckets(self) -> None:
        """Where the roll-ups of v2 go."""
        for what in ("1m", "1h"):
            self.server.database(f"{self.database}_{what}")

    def restart(self) -> None:
        self.sink.close()
        self.sink = self._open()

    def take(self, readings: Sequence[Reading]) -> Consumed:
        self.duck.write(readings, {})
        return self.sink.consume([item(next(self._position), encode_reading(one)) for one in readings])

    @property
    def roll_ups(self) -> RollUps:
        assert self.sink.roll_ups is not None
        return self.sink.roll_ups

    def roll(self, later: int = 2 * HOUR) -> int:
        """How many pieces were done of what is due so much later."""
        return sum(1 for _ in iter(lambda: self.roll_ups.roller.step(self.now + later), False))

    def rolled(self, what: str, kinds: Sequence[str] = ("gas_alarm", "smart_bin")) -> Summary:
        place = f'"{self.database}"."rp_{what}"' if self.is_v1 else f'"{self.database}_{what}"."autogen"'
        found: Summary = {}
        for kind in kinds:
            for row in self.server.query(f'SELECT * FROM {place}."{kind}"'):
                for name in row:
                    point = name.removesuffix("_count")
                    if point != name and row[name] is not None:
                        values = tuple(row[f"{point}_{how}"] for how in HOW)
                        found[row["device"], row["origin"], point, row["time"]] = values
        return found

    def expected(self, step: int, start: int, end: int) -> Summary:
        """What the embedded store answers from its own roll-ups."""
        for _ in range(15):
            self.duck.write([], {})
        found: dict[tuple[str, str, str, int], list[object]] = {}
        for device, point in NUMBERS:
            for origin in Origin:
                for how in HOW:
                    asked = self.duck.aggregate(device, point, start, end, step, how, origin, "none")
                    for one in asked:
                        assert one.value is not None
                        key = device, origin.name.lower(), point, one.at
                        found.setdefault(key, []).append(pytest.approx(one.value, rel=1e-12, abs=1e-6))
        return {key: tuple(values) for key, values in found.items()}

    def close(self) -> None:
        self.sink.close()
        self.duck.close()
        if self.shim is not None:
            self.shim.close()

    def _open(self) -> InfluxSink:
        return InfluxSink(self.settings, series_of, self.folder / "influx.db", now=lambda: self.now)
