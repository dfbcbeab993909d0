"""What goes over a wire, shown in the terminal: the wire log of a connection, or a serial line listened on."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from console.present import iso
from gateway.errors import BusDown
from gateway.transports.line import SerialLine
from gengfu import clock
from gengfu.errors import MissingError
from gengfu.site_client import SiteClient
from protocols.explain import explain
from protocols.explain.listen import Heard, RtuListener

LOOK_EVERY_S = 0.3
QUIET_S = 0.05
"""So long without a byte a frame that is not whole is noise: serial adapters hand over what they have every 16 ms."""

Item = Mapping[str, Any]


def line_of(item: Item) -> str:
    """One piece of a wire log as text."""
    arrow = "->" if item["direction"] == "out" else "<-"
    peer = f" {item['peer']}" if item["peer"] else ""
    head = f"{item['at']} {arrow}{peer} {bytes.fromhex(item['hex']).hex(' ')}"
    cut = f" ... ({item['size']} bytes)" if item["size"] * 2 > len(item["hex"]) else ""
    return "\n".join([head + cut, *(f"    {text}" for text in item["text"])])


def pieces(
    site: SiteClient, connection: str, *, follow: bool, pause: Callable[[float], None] = time.sleep
) -> Iterator[Item]:
    """The wire log of a connection: what is kept, and with ``follow`` what comes, until nobody asks for more.

    ``{"missed": n}`` stands for pieces that the gateway did not keep until they were asked for.
    """
    after = 0
    while True:
        found = site.get(f"connections/{quote(connection)}/wire", after=after, limit=1000)
        if found["missed"]:
            yield {"missed": found["missed"]}
        yield from found["items"]
        after = found["items"][-1]["n"] if found["items"] else min(after, found["last"])
        if len(found["items"]) < 1000:
            if not follow:
                return
            pause(LOOK_EVERY_S)


def show(item: Item, *, as_json: bool) -> None:
    """Print one piece."""
    if as_json:
        print(json.dumps(item, ensure_ascii=False), flush=True)
    elif "missed" in item:
        print(f"... {item['missed']} pieces were not kept", flush=True)
    else:
        print(line_of(item), flush=True)


class LineSniffer:
    """Tells each frame on a serial line, and sends nothing."""

    def __init__(self, line: SerialLine, told: Callable[[Item], None]) -> None:
        self._line = line
        self._told = told
        self._listener = RtuListener()
        self._number = 0
        self._quiet: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()
        self._reason = ""

    async def run(self) -> None:
        """Until Ctrl-C. Raises `MissingError` when the line is not there, or is gone."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self._ended.set)
        try:
            self._line.open(self._came, self._end)
        except BusDown as error:
            raise MissingError(str(error)) from None
        await self._ended.wait()
        self._line.close()
        self._silence()
        if self._reason:
            raise MissingError(f"{self._reason}; the line is gone")

    def _came(self, data: bytes) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
        self._tell(self._listener.feed(data))
        self._quiet = asyncio.get_running_loop().call_later(QUIET_S, self._silence)

    def _silence(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        self._tell(self._listener.silence())

    def _end(self, reason: str) -> None:
        self._reason = reason
        self._ended.set()

    def _tell(self, heard: list[Heard]) -> None:
        for outgoing, data in heard:
            self._number += 1
            self._told(_item(self._number, outgoing, data))


def _item(number: int, outgoing: bool, data: bytes) -> Item:
    return {
        "n": number,
        "at": iso(clock.wall()),
        "direction": "out" if outgoing else "in",
        "peer": "",
        "size": len(data),
        "hex": data.hex(),
        "text": explain("modbus-rtu", data, outgoing),
    }
