"""A whole process watches over itself: its gateway gives signs, and its desk knows what is blind."""

import socket
import tomllib
from pathlib import Path

from device_registry.load import compile_site
from device_registry.site import SiteConfig
from gengfu import process
from gengfu.own_devices.devices import connection_id, gateway_id, sign_id
from gengfu.rules import shipped
from gengfu.settings import load_settings
from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin
from tests.fixtures.cut_lines import DEVICE, HEAD
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for_async


async def test_line_behind_which_nobody_listens_is_blind_on_the_desk(tmp_path: Path) -> None:
    head = HEAD.format(kind="commercial-kitchen").replace("1502", str(unused_port(socket.SOCK_STREAM)))
    document = tomllib.loads(head + DEVICE.format(id="gas:1", model="gas-alarm", unit=1))
    site = compile_site(SiteConfig.model_validate(document, strict=False), shipped_profiles())
    settings = load_settings(data=tmp_path, http={"port": 0})
    async with process.running(settings, site, tmp_path, shipped()) as running:
        alarms, desk = running.gateway.watch.alarms, running.console._desk
        await wait_for_async(lambda: desk.lines.blind(connection_id("east", "line/1")), what="the blind line")
        own = alarms.group_of(gateway_id("east"), Origin.LIVE).picture
        names = own.profile.by_name
        await wait_for_async(lambda: own.known(names["journal_fill"].index) is not None, what="what it senses")
        seen = {name: known.value for name, point in names.items() if (known := own.known(point.index)) is not None}
        assert 0 < seen["journal_fill"] < 1
        assert (seen["bypasses"], seen["disk_refuses"]) == (0.0, 0.0)
        sign = running.console._watch._alarms.group_of(sign_id("east"), Origin.LIVE).picture
        await wait_for_async(lambda: sign.known(0) is not None, what="a sign of life at the console")
