"""The connection to a broker that is gone, silent, strict or foreign; and commands over it."""

import asyncio
import logging
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.errors import BusDown, DeviceRefused
from protocols.profile.schema import CommandPart
from tests.fixtures.authority import Authority
from tests.fixtures.mosquitto import Mosquitto, publish, running, users
from tests.fixtures.mqtt_gateway import GAS, MqttGateway, document
from tests.fixtures.programs import program
from tests.fixtures.waiting import wait_for_async

pytestmark = pytest.mark.server
PACK = f'[{{"bn":"{GAS}/","n":"methane","v":3}}]'
UP, DOWN = f"gengfu/{GAS}/up", f"gengfu/{GAS}/down"
CLOSE = CommandPart.model_validate(
    {
        "name": "close-valve",
        "title": {"zh": "关阀", "en": "Close"},
        "final_element": True,
        "effect": "close-valve",
        "mqtt": {"payload": "close"},
    }
)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with running(tmp_path / "broker") as broker:
        yield broker


@asynccontextmanager
async def gateway_at(folder: Path, port: int, **connection: Any) -> AsyncIterator[MqttGateway]:
    one = MqttGateway(folder / "journal", document(port, connection))
    await one.open()
    try:
        yield one
    finally:
        await one.close()


async def up(gateway: MqttGateway) -> None:
    await wait_for_async(lambda: gateway.is_up, what="the connection to stand", timeout=20)


async def down(gateway: MqttGateway, word: str) -> str:
    diagnosis = gateway.side.diagnosis
    await wait_for_async(
        lambda: not diagnosis.is_up and word in diagnosis.reason, what=f"a reason with «{word}»", timeout=30
    )
    return diagnosis.reason


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_broker_that_was_away_is_found_again_and_the_log_says_so_once(
    tmp_path: Path, mosquitto: Mosquitto, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gengfu.mqtt")
    mosquitto.stop()
    async with gateway_at(tmp_path, mosquitto.port, version=version) as gateway:
        await down(gateway, "cannot be used")
        tries = gateway.side.client.tries
        await wait_for_async(lambda: gateway.side.client.tries >= tries + 2, what="two more tries")
        mosquitto.start()
        await up(gateway)
        mosquitto.kill()
        await down(gateway, "cannot be used")
        mosquitto.start()
        await up(gateway)
        await asyncio.to_thread(publish, mosquitto.port, UP, PACK)
        await wait_for_async(gateway.readings, what="the reading")
    reasons = [one.getMessage() for one in caplog.records if "cannot be used" in one.getMessage()]
    assert len(reasons) == 2


async def test_silent_broker_is_left_by_the_keep_alive(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with gateway_at(tmp_path, mosquitto.port, keep_alive_s=5) as gateway:
        await up(gateway)
        mosquitto.pause()
        assert "did not answer within 5 s" in await down(gateway, "did not answer")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_wrong_password_is_said_and_a_corrected_one_needs_no_restart(tmp_path: Path, version: str) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    with running(tmp_path / "broker", users(tmp_path, {"gateway": "right"})) as broker:
        given = {"username": "gateway", "password_file": str(secret), "version": version}
        async with gateway_at(tmp_path, broker.port, **given) as gateway:
            reason = await down(gateway, "refuses us")
            assert "check user, password" in reason
            assert "wrong" not in reason
            secret.unlink()
            await down(gateway, "No such file")
            secret.write_text("right\n")
            await up(gateway)


async def test_client_certificate_opens_a_broker_that_asks_for_one(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path / "ours", "ours"), Authority(tmp_path / "theirs", "theirs")
    server, client, stranger = ours.sign("server"), ours.sign("client"), theirs.sign("client")
    strict = (
        f"cafile {ours.file}\ncertfile {server.certificate}\nkeyfile {server.key}\n"
        "require_certificate true\nallow_anonymous true\n"
    )
    with running(tmp_path / "broker", strict) as broker:
        tls = {"tls": True, "ca_file": str(ours.file)}
        mine = {"certificate_file": str(client.certificate), "key_file": str(client.key)}
        async with gateway_at(tmp_path / "1", broker.port, **tls, **mine) as gateway:
            await up(gateway)
        async with gateway_at(tmp_path / "2", broker.port, **tls) as gateway:
            await down(gateway, "certificate")
        foreign = {"certificate_file": str(stranger.certificate), "key_file": str(stranger.key)}
        async with gateway_at(tmp_path / "3", broker.port, **tls, **foreign) as gateway:
            await down(gateway, "nknown ca")
        async with gateway_at(tmp_path / "4", broker.port, tls=True, ca_file=str(theirs.file), **mine) as gateway:
            await down(gateway, "is not trusted")
        async with gateway_at(tmp_path / "5", broker.port, tls=True, ca_file=str(tmp_path / "none.pem")) as gateway:
            await down(gateway, "none.pem")


async def test_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    signed = Authority(tmp_path / "ours", "ours").sign("client")
    key = serialization.load_pem_private_key(signed.key.read_bytes(), None)
    signed.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    mine = {"certificate_file": str(signed.certificate), "key_file": str(signed.key)}
    async with gateway_at(tmp_path / "1", 1, tls=True, **mine) as gateway:
        await down(gateway, "the key without a passphrase")
    assert "phrase:" not in "".join(capfd.readouterr())


async def test_second_client_of_the_same_id_is_named(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with gateway_at(tmp_path / "1", mosquitto.port) as first:
        await up(first)
        async with gateway_at(tmp_path / "2", mosquitto.port) as second:
            await up(second)
            await down(first, "another client with the id gengfu-broker")


async def test_stranger_at_the_port_is_named(tmp_path: Path, free_port: int) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", free_port)
    async with server, gateway_at(tmp_path, free_port) as gateway:
        await down(gateway, "no MQTT")


def listen(broker: Mosquitto, *options: str) -> subprocess.Popen[bytes]:
    """A device that waits for one command, and prints it and whether it was retained."""
    found = program("mosquitto_sub")
    place = ["-h", "127.0.0.1", "-p", str(broker.port), "-t", DOWN, "-C", "1", "-F", "%p %r"]
    return subprocess.Popen([str(found.path), *place, *options], env=dict(found.env), stdout=subprocess.PIPE)


async def test_command_reaches_the_device_and_is_not_retained(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with gateway_at(tmp_path, mosquitto.port) as gateway:
        await up(gateway)
        device = listen(mosquitto)
        told = None
        while told is None:
            with suppress(DeviceRefused):  # until it listens
                told = await gateway.side.deliver(GAS, CLOSE)
        output, _ = await asyncio.to_thread(device.communicate, timeout=10)
        assert (told, output) == ("", b"close 0\n")
        late = listen(mosquitto, "-W", "1")
        output, _ = await asyncio.to_thread(late.communicate, timeout=10)
        assert output == b""


async def test_command_that_nobody_hears_or_no_broker_takes_is_not_delivered(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    async with gateway_at(tmp_path, mosquitto.port) as gateway:
        with pytest.raises(BusDown, match="does not stand"):
            await gateway.side.deliver(GAS, CLOSE)
        await up(gateway)
        with pytest.raises(DeviceRefused, match="nobody listens"):
            await gateway.side.deliver(GAS, CLOSE)
        mosquitto.pause()
        sending = asyncio.ensure_future(gateway.side.deliver(GAS, CLOSE))
        await wait_for_async(lambda: gateway.side.diagnosis.wire, what="the command to leave")
        mosquitto.kill()
        with pytest.raises(BusDown):
            await sending
        assert await gateway.side.deliver(GAS, CLOSE.model_copy(update={"mqtt": None})) != ""
