"""The firmware's OSCORE in a real process against the reference implementation: aiocoap as its gateway, both ways.

Debian 12's libcoap (4.3.1) has no OSCORE.
"""

import asyncio
import importlib
import importlib.util
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import aiocoap
import aiocoap.credentials
import aiocoap.resource
import pytest

from protocols.wire import coap, oscore
from tests.firmware.bench import Board, Gateway
from tests.fixtures.programs import missing
from tests.fixtures.waiting import wait_for, wait_for_async

pytestmark = pytest.mark.board

SECRET = "000102030405060708090a0b0c0d0e0f"
SALT = "9e7ca92223786340"
NEEDED = ("cbor2", "cryptography", "filelock", "ge25519", "lakers")
"""Modules of the extra aiocoap[oscore]."""


class SecureBoard(Board):
    """A board with a credential; all that it wrote can be looked through when it has stopped."""

    def __init__(self, micropython: Path, port: int, state: Path, **options: object) -> None:
        state.mkdir(exist_ok=True)
        told = {"sender_id": "01", "recipient_id": "02", "master_secret": SECRET, "master_salt": SALT}
        (state / "key").write_text(json.dumps(told), encoding="ascii")
        settings = {"oscore": "key", "ack_timeout": 1, **options}
        super().__init__(micropython, f"127.0.0.1:{port}", state, "gas-alarm", None, **settings)

    def cut(self) -> str:
        """End it as a power cut does; all that it wrote."""
        _, errors = self.stop(kill=True)
        return errors + json.dumps(self.events)


class Readings(aiocoap.resource.Resource):
    """``/readings``: aiocoap's wrapper lets plain requests through, so each is asked whether it was protected."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []
        self.boots: list[int] = []
        self.plain = 0
        self.remotes: list[str] = []

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        if not hasattr(request.remote, "security_context"):
            self.plain += 1
            return aiocoap.Message(code=aiocoap.UNAUTHORIZED)
        boot, number = json.loads(request.payload)[:2]
        self.boots.append(boot["v"])
        self.numbers.append(number["v"])
        self.remotes.append(request.remote.underlying_address.hostinfo)
        return aiocoap.Message(code=aiocoap.CHANGED)


class SecureGateway:
    """aiocoap with the other half of the board's credential, as server and as client."""

    def __init__(self, folder: Path, *, lost_window: bool = False) -> None:
        # These cannot be imported without the libraries of NEEDED.
        contexts = importlib.import_module("aiocoap.oscore")
        wrappers = importlib.import_module("aiocoap.oscore_sitewrapper")
        folder.mkdir()
        keys = {"sender-id_hex": "02", "recipient-id_hex": "01", "secret_hex": SECRET, "salt_hex": SALT}
        (folder / "settings.json").write_text(json.dumps(keys), encoding="ascii")
        if lost_window:
            lost = {"next-to-send": 0, "received": "unknown"}
            (folder / "sequence.json").write_text(json.dumps(lost), encoding="ascii")
        self.security = contexts.FilesystemSecurityContext(str(folder))
        self.readings = Readings()
        site = aiocoap.resource.Site()
        site.add_resource(["readings"], self.readings)
        known = aiocoap.credentials.CredentialsMap()
        known[":board"] = self.security
        self.site = wrappers.OscoreSiteWrapper(site, known)
        self.context: aiocoap.Context

    async def ask(self, code: aiocoap.Code, path: str, payload: bytes, *, protected: bool = True) -> aiocoap.Message:
        """A request to the board that spoke last."""
        base = f"coap://{self.readings.remotes[-1]}/"
        self.context.client_credentials.clear()
        if protected:
            self.context.client_credentials[base + "*"] = self.security
        message = aiocoap.Message(code=code, payload=payload, uri=base + path)
        return await asyncio.wait_for(self.context.request(message).response, 20)


@pytest.fixture
async def gateway(tmp_path: Path, free_udp_port: int, request: pytest.FixtureRequest) -> AsyncIterator[SecureGateway]:
    """Listening on ``free_udp_port``; the test's parameter says whether it has lost its replay window."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        missing(f"aiocoap[oscore] lacks {', '.join(absent)}")
    found = SecureGateway(tmp_path / "gateway", lost_window=getattr(request, "param", False))
    # The first that can send a request sends it: behind udp6, OSCORE would silently never be used.
    found.context = await aiocoap.Context.create_server_context(
        found.site, bind=("127.0.0.1", free_udp_port), transports=["oscore", "udp6"]
    )
    yield found
    for _ in range(3):
        await asyncio.sleep(0)
    await found.context.shutdown()


@pytest.fixture
def board(micropython: Path, free_udp_port: int, tmp_path: Path) -> Iterator[SecureBoard]:
    """A board that posts to ``free_udp_port``."""
    found = SecureBoard(micropython, free_udp_port, tmp_path / "state")
    yield found
    if found.process.poll() is None:
        found.cut()


@pytest.mark.parametrize("gateway", [False, True], indirect=True, ids=["known", "challenged"])
async def test_protected_readings_arrive_once_and_in_order(gateway: SecureGateway, board: SecureBoard) -> None:
    await wait_for_async(lambda: len(board.of("acknowledged")) >= 5, 20, "five acknowledged readings")
    numbers = list(gateway.readings.numbers)
    assert numbers[:5] == [1, 2, 3, 4, 5]
    assert gateway.readings.plain == 0
    assert [one["seq"] for one in board.of("acknowledged")][:5] == [1, 2, 3, 4, 5]
    assert board.of("refused") == []
    board.say("config show")
    await wait_for_async(lambda: board.of("answer"), what="the settings")
    assert SECRET not in board.cut()


async def test_commands_of_the_gateway_prove_that_they_are_fresh(gateway: SecureGateway, board: SecureBoard) -> None:
    await wait_for_async(lambda: gateway.readings.remotes, what="a reading")
    # aiocoap answers the challenge by itself.
    started = await gateway.ask(aiocoap.PUT, "fan", b"start")
    closed = await gateway.ask(aiocoap.PUT, "valve", b"close")
    opened = await gateway.ask(aiocoap.PUT, "valve", b"open")
    assert [one.code for one in (started, closed, opened)] == [aiocoap.CHANGED, aiocoap.CHANGED, aiocoap.FORBIDDEN]
    core = await gateway.ask(aiocoap.GET, ".well-known/core", b"")
    assert core.payload.count(b"<") == 3
    assert [one["name"] for one in board.of("command")] == ["start-fan", "close-valve"]


async def test_plain_commands_of_the_same_gateway_move_nothing(gateway: SecureGateway, board: SecureBoard) -> None:
    await wait_for_async(lambda: gateway.readings.remotes, what="a reading")
    for path, payload in (("valve", b"close"), ("fan", b"start"), ("valve", b"open")):
        refused = await gateway.ask(aiocoap.PUT, path, payload, protected=False)
        assert refused.code == aiocoap.UNAUTHORIZED
    assert board.of("command") == []


async def test_board_killed_at_any_time_goes_on_and_is_taken(
    gateway: SecureGateway, micropython: Path, free_udp_port: int, tmp_path: Path
) -> None:
    """aiocoap refuses a number that it has seen: each life's readings would stay unacknowledged."""
    for life in range(1, 5):
        board = SecureBoard(micropython, free_udp_port, tmp_path / "state", period=0.1)
        try:
            await wait_for_async(partial(taken, gateway.readings, life), 20, "a reading of a life")
        finally:
            board.cut()
        assert board.of("refused") == []


def test_killed_board_never_sends_a_number_twice(micropython: Path, tmp_path: Path) -> None:
    """Against a silent socket: what each life sends first lies behind all that was sent before."""
    sent: list[int] = []
    with Gateway() as listener:
        listener.answer = None
        port = int(listener.address.rpartition(":")[2])
        for life in range(1, 6):
            board = SecureBoard(micropython, port, tmp_path / "state")
            try:
                wait_for(partial(more_than, listener, len(sent)), 20, "a message of this life")
            finally:
                board.cut()
            assert len(set(numbers(listener))) >= life
            sent = numbers(listener)
    fresh = [number for at, number in enumerate(sent) if number not in sent[:at]]
    assert fresh == sorted(fresh)
    assert len(fresh) >= 5
    payloads = {number: set[bytes]() for number in fresh}
    for arrived, number in zip(list(listener.readings), sent, strict=False):
        payloads[number].add(arrived.data)
    assert {len(one) for one in payloads.values()} == {1}


def taken(readings: Readings, life: int) -> bool:
    """Whether that many lives had a reading taken."""
    return len(set(readings.boots)) == life


def more_than(listener: Gateway, count: int) -> bool:
    """Whether more has arrived."""
    return len(numbers(listener)) > count


def numbers(listener: Gateway) -> list[int]:
    """The Partial IVs of all that has arrived."""
    found = [coap.decode(one.data)[4] for one in list(listener.readings)]
    values = [coap.option(options, oscore.OSCORE) for options in found]
    return [int.from_bytes(oscore.parse_option(value or b"")[0], "big") for value in values]


def test_plain_acknowledgements_change_nothing(micropython: Path, tmp_path: Path) -> None:
    with Gateway() as listener:
        board = SecureBoard(micropython, int(listener.address.rpartition(":")[2]), tmp_path / "state")
        try:
            wait_for(lambda: len(listener.readings) >= 3, 20, "two retransmissions")
            wait_for(lambda: board.of("refused"), what="the refusal")
        finally:
            board.cut()
        assert len({one.data for one in listener.readings[:3]}) == 1
    assert board.of("acknowledged") == []
    assert board.of("refused")[0]["diagnostic"] == "response is not protected"
