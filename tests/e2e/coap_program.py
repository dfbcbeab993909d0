"""The program with one gas alarm on CoAP: killed, started again, and what its journal holds in the end."""

import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from protocols.reading import Reading, decode_reading
from tests.e2e.program_run import FROM_CHECKOUT, Program
from tests.fixtures.ports import unused_port

SITE = """
[site]
id = "kitchen"
title = { zh = "厨房", en = "Kitchen" }
[[area]]
id = "kitchen"
title = { zh = "厨房", en = "Kitchen" }
kind = "commercial-kitchen"
[[connection]]
id = "coap"
transport = "coap"
listen = "127.0.0.1:%d"
[[device]]
id = "%s"
profile = "gengfu/gas-alarm"
title = { zh = "报警器", en = "Alarm" }
area = "kitchen"
connection = "coap"
%s
"""
SETTINGS = """
data = "%(folder)s/data"
site = "%(folder)s/site.toml"
[http]
port = %(http)d
"""
DIES_BEFORE_IT_ANSWERS = (
    sys.executable,
    "-c",
    "import os, signal, sys\n"
    "from gateway.transports.coap.door import CoapDoor\n"
    "from gengfu.cli import main\n"
    "CoapDoor._settle = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    "sys.exit(main())",
)
"""The program, killed between the commit and the acknowledgement of the first reading."""


class CoapProgram:
    """``device``: id of the alarm; ``more``: lines of its part in the document."""

    def __init__(self, folder: Path, device: str, more: str = "") -> None:
        self.port = unused_port(socket.SOCK_DGRAM)
        self._folder = folder
        (folder / "site.toml").write_text(SITE % (self.port, device, more))
        (folder / "gengfu.toml").write_text(SETTINGS % {"folder": folder, "http": unused_port()})

    def start(self, command: Sequence[str] = FROM_CHECKOUT) -> Program:
        """``gengfu up``."""
        return Program("up", "-c", self._folder / "gengfu.toml", command=command)

    async def readings(self) -> list[Reading]:
        """What the journal of the ended program holds."""
        journal = SqliteJournal.open(self._folder / "data" / "journal", now=time.time_ns())
        entries = [one.entry for one in journal.read(range(PARTITIONS), {}, 100_000)]
        await journal.close()
        return [decode_reading(one.body) for one in entries if one.kind == "reading"]
