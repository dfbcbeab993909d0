"""Small integer keys for device ids and point names: what makes a row 9 bytes instead of 60."""

from typing import NamedTuple, TypeAlias

import numpy as np
from duckdb import DuckDBPyConnection

from telemetry.duck_arrays import Arrays, show
from telemetry.store import Series

_Stand: TypeAlias = tuple[str, str, str, str]
"""Profile, kind, site and area of a device."""

_SAVE = """
MERGE INTO device USING bound_device AS b ON device.key = b.key
WHEN MATCHED THEN UPDATE SET profile = b.profile, kind = b.kind, site = b.site, area = b.area
WHEN NOT MATCHED THEN INSERT VALUES (b.key, b.id, b.profile, b.kind, b.site, b.area)
"""


class Bound(NamedTuple):
    """A device as the rows know it. ``points`` are the point keys in the order of `Reading.values`."""

    key: int
    series: Series
    points: tuple[int, ...]


class Dimensions:
    """The keys of all devices and points of a file, in memory. Keys are given once and never change."""

    def __init__(self, database: DuckDBPyConnection) -> None:
        rows = database.execute("SELECT key, id, profile, kind, site, area FROM device").fetchall()
        self.devices: dict[str, int] = {row[1]: row[0] for row in rows}
        self.points: dict[str, int] = dict(database.execute("SELECT name, key FROM point").fetchall())
        self._stands: dict[str, _Stand] = {row[1]: row[2:] for row in rows}
        self._changed: dict[str, _Stand] = {}
        self._bound: dict[str, Bound] = {}
        self._database = database

    def bind(self, device: str, series: Series) -> Bound:
        """The keys of a device and its points. Call `save` before a row with one of them is written.

        A device that moved keeps its key; the `device` table says where it stands now.
        """
        known = self._bound.get(device)
        if known is not None and (known.series is series or known.series == series):
            return known
        points = tuple(self._point(name) for name in series.points)
        bound = Bound(self._device(device, series), series, points)
        self._bound[device] = bound
        return bound

    def save(self) -> None:
        """Write the devices that are new or stand elsewhere, all at once: one by one they take 2 ms each. Harmless if
        no row follows."""
        if self._changed:
            show(self._database, "bound_device", self._columns())
            self._database.execute(_SAVE)
            self._changed = {}

    def _point(self, name: str) -> int:
        key = self.points.get(name)
        if key is None:
            key = len(self.points)
            self._database.execute("INSERT INTO point VALUES (?, ?)", [key, name])
            self.points[name] = key
        return key

    def _device(self, device: str, series: Series) -> int:
        stand = series.profile, series.kind, series.site, series.area
        if self._stands.get(device) != stand:
            self._stands[device] = self._changed[device] = stand
        return self.devices.setdefault(device, len(self.devices))

    def _columns(self) -> Arrays:
        profiles, kinds, sites, areas = zip(*self._changed.values(), strict=True)
        texts = {"id": list(self._changed), "profile": profiles, "kind": kinds, "site": sites, "area": areas}
        keys = np.array([self.devices[device] for device in self._changed], dtype=np.int32)
        return {"key": keys, **{name: np.array(values, dtype=object) for name, values in texts.items()}}
