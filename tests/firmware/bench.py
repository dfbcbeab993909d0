"""A bench for real boards: the firmware in its interpreter, and a gateway that answers, keeps silent or refuses."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from protocols.wire import coap
from tests.firmware.interpreters import FIRMWARE, module_paths
from tests.fixtures.waiting import wait_for

DEVICE = "t:1"
HEAP = "heapsize=512k"


class Board:
    """One board with its stimulus (stdin) and its events (stdout). Leaving the context ends its life line.

    ``planted``: a folder whose modules come before those of the firmware.
    """

    def __init__(
        self,
        micropython: Path,
        gateway: str,
        state: Path,
        product: str = "gas-alarm",
        planted: Path | None = None,
        **options: object,
    ) -> None:
        # As a module, not as a file: MicroPython looks for the others beside a file first.
        command = [str(micropython), "-X", HEAP, *(["-m", "main"] if planted else [str(FIRMWARE / "main.py")])]
        command += ["--product", product, "--device", DEVICE, "--gateway", gateway, "--state", str(state)]
        settings = {"period": 0.2, "warm_up": 0, "seed": 1, **options}
        for name, value in settings.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.product = product
        self.state = state
        where = module_paths()
        if planted:
            where["MICROPYPATH"] = f"{planted}:{where['MICROPYPATH']}"
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, env=where, cwd=planted, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def say(self, line: str) -> None:
        """A line of stimulus."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self, *, kill: bool = False) -> tuple[int, str]:
        """End its life line (or kill it); returns its exit code and what it wrote to stderr."""
        if kill:
            self.process.kill()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        try:
            code = self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join(5)
        errors = "" if self.process.stderr.closed else self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, errors

    def ended(self) -> tuple[int, str]:
        """Wait until it ends by itself; as `stop`."""
        self.process.wait(30)
        return self.stop()

    def of(self, event: str) -> list[dict[str, Any]]:
        """The events of a name, so far."""
        return [one for one in self.events if one.get("event") == event]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line) if line.startswith("{") else {"event": "output", "text": line})


class Arrived(NamedTuple):
    """A datagram from the board; ``at`` is the monotonic clock."""

    at: float
    peer: tuple[str, int]
    data: bytes

    @property
    def values(self) -> dict[str, Any]:
        """The points of its pack, by name."""
        return values_of(coap.decode(self.data)[5])


def values_of(pack: bytes) -> dict[str, Any]:
    """The points of a pack, by name."""
    return {record["n"]: record.get("v", record.get("vb")) for record in json.loads(pack)}


class Gateway(threading.Thread):
    """A gateway made of one socket. ``answer`` gives the response code, or ``None`` to keep silent.

    ``readings``: those of the product, ``own``: what the board tells of itself, ``replies``: all else, as they came.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._over = threading.Event()
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.answer: int | None = coap.CHANGED
        self.readings: list[Arrived] = []
        self.own: list[Arrived] = []
        self.replies: list[Arrived] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.join(5)
        self._socket.close()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                data, peer = self._socket.recvfrom(2000)
            except TimeoutError:
                continue
            self._take(Arrived(time.monotonic(), peer, data))

    def send(self, data: bytes) -> None:
        """A datagram to the board whose reading came last."""
        self._socket.sendto(data, self.readings[-1].peer)

    def command(self, mid: int, path: bytes, payload: bytes, code: int = coap.PUT) -> tuple[int, bytes]:
        """A confirmable request to the board; the code and payload of its answer."""
        self.send(coap.encode(coap.CON, code, mid, b"cmd", ((coap.URI_PATH, path),), payload=payload))
        reply = wait_for(lambda: [one for one in self.replies if coap.decode(one.data)[2] == mid], what="the answer")
        answer = coap.decode(reply[-1].data)
        return answer[1], answer[5]

    def reading(self, condition: Callable[[dict[str, Any]], bool], what: str, timeout: float = 10) -> dict[str, Any]:
        """The first reading whose values fulfil the condition."""
        found = wait_for(lambda: [one.values for one in list(self.readings) if condition(one.values)], timeout, what)
        return found[0]

    def of_the_board(
        self, condition: Callable[[dict[str, Any]], bool], what: str, timeout: float = 10
    ) -> dict[str, Any]:
        """As `reading`, of what the board tells of itself."""
        found = wait_for(lambda: [one.values for one in list(self.own) if condition(one.values)], timeout, what)
        return found[0]

    def _take(self, arrived: Arrived) -> None:
        kind, code, mid, token, _, _ = coap.decode(arrived.data)
        if kind != coap.CON or code != coap.POST:
            self.replies.append(arrived)
            return
        (self.own if b'"boots"' in arrived.data else self.readings).append(arrived)
        if self.answer is not None:
            self._socket.sendto(coap.encode(coap.ACK, self.answer, mid, token), arrived.peer)
