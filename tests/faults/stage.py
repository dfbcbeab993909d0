"""A scene with everything it needs, in a folder of its own; nothing is left behind."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.load import Load, Rate
from tests.faults.place import Place, bins
from tests.faults.scene import Scene
from tests.fixtures.influx import Influxd

BINS = 200
WARM_UP = 100


@asynccontextmanager
async def staged(
    folder: Path,
    server: Influxd,
    rate: float | Rate,
    *,
    url: str | None = None,
    data: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    seed: str = "",
) -> AsyncIterator[Scene]:
    """A scene at work. ``rate``: readings a second, or more about them; ``url``: of InfluxDB where something stands
    before it; ``data``: the data folder where it is not in ``folder``; ``timeout_s``: see `Place`; ``seed``: lines that
    InfluxDB has before the program starts."""
    database = server.database()
    if seed:
        server.write(seed, database)
    place = Place(folder, data or folder / "data", bins(BINS), url or server.url, database, timeout_s)
    load = Load(place.names[:-1], rate if isinstance(rate, Rate) else Rate(rate))
    scene = Scene(place, server, load, environment or {})
    try:
        await scene.begin(WARM_UP)
        yield scene
    except BaseException:
        if scene.program is not None:
            print(scene.program.text[-6000:])
        raise
    finally:
        scene.close()
