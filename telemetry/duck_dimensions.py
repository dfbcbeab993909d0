"""Small integer keys for device ids and point names: what makes a row 9 bytes instead of 60."""

from typing import NamedTuple

from duckdb import DuckDBPyConnection

from telemetry.store import Series


class Bound(NamedTuple):
    """A device as the rows know it. ``points`` are the point keys in the order of `Reading.values`."""

    key: int
    series: Series
    points: tuple[int, ...]


class Dimensions:
    """The keys of all devices and points of a file, in memory. Keys are given once and never change."""

    def __init__(self, database: DuckDBPyConnection) -> None:
        rows = database.execute("SELECT id, key FROM device").fetchall()
        self.devices: dict[str, int] = dict(rows)
        self.points: dict[str, int] = dict(database.execute("SELECT name, key FROM point").fetchall())
        self._bound: dict[str, Bound] = {}
        self._database = database

    def bind(self, device: str, series: Series) -> Bound:
        """The keys of a device and its points; new ones are written at once (harmless if no row follows).

        A device that moved keeps its key; the `device` table says where it stands now.
        """
        known = self._bound.get(device)
        if known is not None and (known.series is series or known.series == series):
            return known
        points = tuple(self._point(name) for name in series.points)
        bound = Bound(self._device(device, series), series, points)
        self._bound[device] = bound
        return bound

    def _point(self, name: str) -> int:
        key = self.points.get(name)
        if key is None:
            key = len(self.points)
            self._database.execute("INSERT INTO point VALUES (?, ?)", [key, name])
            self.points[name] = key
        return key

    def _device(self, device: str, series: Series) -> int:
        columns = [series.profile, series.kind, series.site, series.area]
        key = self.devices.get(device)
        if key is None:
            key = len(self.devices)
            self._database.execute("INSERT INTO device VALUES (?, ?, ?, ?, ?, ?)", [key, device, *columns])
            self.devices[device] = key
        else:
            self._database.execute(
                "UPDATE device SET profile = ?, kind = ?, site = ?, area = ? WHERE key = ?", [*columns, key]
            )
        return key
