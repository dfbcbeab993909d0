"""The demo: a small site on this machine, its boards real firmware in processes of their own."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from console.errors import DemoRefused
from device_registry.devices import Device
from gateway.transports.line import LineRelay
from gengfu.demo.boards import Board
from gengfu.errors import InputError
from gengfu.process import Process
from gengfu.staging import Field

log = logging.getLogger("gengfu.demo")

BANNER = {
    "zh": "演示:本机模拟站点,电路板运行真实固件,不接真实阀门",
    "en": "DEMO: a small site on this machine; the boards run the real firmware, no real valve is connected",
}
LEVEL_1_GAS = 32
LEVEL_2_GAS = 62
LEAK_RAMP_S = 20
"""With ``--slow``: level 1 first, then level 2 after so many seconds."""


def make_boards(field: Field, relays: Mapping[str, LineRelay]) -> dict[str, Board]:
    """The boards of the site, by device id; none runs yet. ``relays``: the serial lines, by connection id."""
    boards = {}
    folder = field.folder / "boards"
    folder.mkdir(exist_ok=True)
    for number, device in enumerate(field.site.devices.values()):
        arguments = (
            "--product", device.profile.file.profile.model,
            "--device", device.id,
            *_link(field, device, relays),
            "--period", f"{device.period_s:g}",
            "--seed", str(number),
        )  # fmt: skip
        state = folder / device.id.replace(":", "-")
        boards[device.id] = Board(device.id, arguments, state, folder / f"{state.name}.log")
    return boards


def _link(field: Field, device: Device, relays: Mapping[str, LineRelay]) -> tuple[str, ...]:
    relay = relays.get(device.connection)
    if relay is not None:
        return "--gateway", "none", "--modbus", relay.right, "--unit", str(device.part.unit)
    return "--gateway", f"127.0.0.1:{field.coap_ports[device.connection]}"


class Stage:
    """What people can do to the demo: the verbs of the socket, and the buttons of the page (`console.services.Demo`).

    ``relays``: the serial lines, by connection id.
    """

    def __init__(self, relays: Mapping[str, LineRelay]) -> None:
        self._relays = relays
        self._boards: dict[str, Board] = {}
        self._slow: dict[str, asyncio.Task[None]] = {}

    def begin(self, field: Field) -> None:
        """Start the boards (`gengfu.staging.Staging`)."""
        self._boards = make_boards(field, self._relays)
        for board in self._boards.values():
            field.supervisor.run(f"board {board.device}", board.run)

    def boards(self) -> Sequence[str]:
        """Ids of the devices whose boards run here."""
        return tuple(self._boards)

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request of the control socket. Raises `InputError`."""
        verb = str(request.get("verb"))
        if verb == "status":
            return {"boards": [self._status(board) for board in self._boards.values()]}
        device = request.get("device")
        done = self._do(verb, None if device is None else str(device), slow=bool(request.get("slow")))
        return {"done": verb, "device": done}

    async def act(self, verb: str, device: str | None, slow: bool) -> None:
        """One button of the page. Raises `DemoRefused`."""
        try:
            self._do(verb, device, slow=slow)
        except InputError as error:
            raise DemoRefused(str(error)) from None

    def _do(self, verb: str, device: str | None, *, slow: bool) -> str:
        board = self._board(device)
        if verb == "leak":
            self._leak(board, slow=slow)
        elif verb == "clear":
            self._stop_slow(board)
            board.stimulate("gas 0")
            board.stimulate("over off")
        elif verb == "reopen":
            board.stimulate("valve open")
        else:
            raise InputError(f"no verb {verb!r}; one of leak, clear, reopen, status")
        return board.device

    def _board(self, device: str | None) -> Board:
        first_alarm = next((name for name in self._boards if ":gas:" in name), "")
        board = self._boards.get(first_alarm if device is None else device)
        if board is None:
            raise InputError(f"no board {device or ''!r}; one of {', '.join(self._boards)}")
        return board

    def _leak(self, board: Board, *, slow: bool) -> None:
        self._stop_slow(board)
        board.stimulate(f"gas {LEVEL_1_GAS if slow else LEVEL_2_GAS}")
        if slow:
            self._slow[board.device] = asyncio.create_task(self._later(board))

    async def _later(self, board: Board) -> None:
        await asyncio.sleep(LEAK_RAMP_S)
        try:
            board.stimulate(f"gas {LEVEL_2_GAS}")
        except InputError as error:
            log.warning("the leak does not go on: %s", error)

    def _stop_slow(self, board: Board) -> None:
        ramp = self._slow.pop(board.device, None)
        if ramp is not None:
            ramp.cancel()

    def _status(self, board: Board) -> dict[str, Any]:
        last = board.events[-1] if board.events else {}
        return {"device": board.device, "pid": board.pid, "starts": board.starts, "last": last}


def save_endpoints(process: Process) -> None:
    """``endpoints.json`` of the data folder: where this run listens, for scripts beside it."""
    text = json.dumps({"http": process.http_port, "coap": process.coap_ports})
    (process.folder / "endpoints.json").write_text(text + "\n", encoding="utf-8")
