"""Runs the demo until Ctrl-C."""

import argparse
import ipaddress
from collections.abc import Mapping

import msgspec

from console.roles import Role
from device_registry.connections import CoapConnection, Connection, SerialPart
from device_registry.devices import Site
from gateway.transports.line import LineRelay
from gengfu import main_loop, places, process
from gengfu.demo import control
from gengfu.demo.site import BANNER, Stage, save_endpoints
from gengfu.demo.timing import quick
from gengfu.errors import InputError
from gengfu.rules import shipped
from gengfu.settings import load_settings
from gengfu.sites import read_site
from gengfu.staging import Staging


def run_demo(options: argparse.Namespace) -> None:
    """Start the site and its boards; return when they have stopped."""
    places.micropython()
    settings = load_settings(data=options.data, http={"host": options.host, "port": options.port})
    _only_loopback(settings.http.host)
    document = read_site(places.demo_site())

    async def main() -> None:
        relays = {name: LineRelay() for name, part in document.connections.items() if isinstance(part, SerialPart)}
        for relay in relays.values():
            relay.open()
        site = _on_this_machine(document, options.coap_port, relays)
        stage = Stage(relays)
        staging = Staging(BANNER, stage, stage.begin)
        async with process.running(settings, site, options.data, quick(shipped()), staging) as running:
            door = await control.listen(options.data, stage.handle)
            save_endpoints(running)
            _say(running, len(stage.boards()))
            try:
                await main_loop.until_signal(running.console.stop)
            finally:
                print("\nStopping ...", flush=True)
                door.close()
        for relay in relays.values():
            relay.close()

    main_loop.run(main)


def _say(running: process.Process, boards: int) -> None:
    key = running.console.accounts.issue_link(Role.ADMIN, "demo")
    host = running.settings.http.host
    where = f"http://{f'[{host}]' if ':' in host else host}:{running.http_port}"
    if running.console.made_up:
        print(f"First start: user admin, password {running.console.made_up}", flush=True)
    print(f"{boards} boards run the real firmware. Open the duty desk 值班台:\n\n    {where}/enter?key={key}\n")
    print("In a second shell: gengfu demo leak [--slow], clear, a minute later reopen; status.")
    print("Ctrl-C stops everything.", flush=True)


def _only_loopback(host: str) -> None:
    """S22: in a demo folder everything counts as live, so nobody from outside may reach it."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise InputError(f"host {host}: the demo listens on loopback only (127.0.0.1 or ::1)")


def _on_this_machine(site: Site, coap_port: int, relays: Mapping[str, LineRelay]) -> Site:
    """The site with its CoAP door on another port and its serial lines on pseudo terminals."""
    moved: dict[str, Connection] = {}
    for name, part in site.connections.items():
        match part:
            case CoapConnection():
                moved[name] = part.model_copy(update={"listen": f"127.0.0.1:{coap_port}"})
            case SerialPart():
                moved[name] = part.model_copy(update={"port": relays[name].left})
            case _:
                moved[name] = part
    return msgspec.structs.replace(site, connections=moved)
