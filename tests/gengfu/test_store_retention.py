"""How long telemetry is kept is what the settings say."""

from contextlib import AsyncExitStack
from pathlib import Path

from bench.parts import gas_alarms
from gengfu import clock, stores
from gengfu.rules import shipped
from gengfu.settings import TelemetryPart
from journal.sqlite import SqliteJournal
from protocols.moment import SECOND
from protocols.reading import Origin, Reading

DEVICE, PROFILE = "gas:1", "gengfu/gas-alarm"
DAY = 86_400 * SECOND


async def test_raw_values_go_after_the_days_of_the_settings(tmp_path: Path) -> None:
    site = gas_alarms({"id": "coap", "transport": "coap", "listen": "127.0.0.1:0"}, [DEVICE])
    now = clock.wall()
    async with AsyncExitStack() as stack:
        journal = SqliteJournal.open(tmp_path / "journal", now=now)
        stack.push_async_callback(journal.close)
        part = TelemetryPart.model_validate({"keep": {"raw_days": 1}})
        opened = await stores.open_stores(stack, site, tmp_path, shipped(), journal, part)
        point = site.devices[DEVICE].profile.points[0].name
        for number, at in enumerate((now - 3 * DAY, now - 2 * DAY, now)):
            opened.duck.write([Reading(DEVICE, PROFILE, at, at, Origin.LIVE, (1.0,), (0,))], {0: number})
        for number in range(6):  # what is due goes with the writes that follow
            opened.duck.write([], {0: 3 + number})
        assert [one.at for one in opened.duck.samples(DEVICE, point, 0, 2**62)] == [now]
