"""Who is let in and who is believed: certificates, users, and the words in which a refusal is told."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.diagnostics import Diagnosis
from gateway.errors import BusDown, DeviceRefused, DeviceSilent, TransportError
from gateway.transports.opcua.parts import Access
from gateway.transports.opcua.security import Files, application_uri, make_certificate, read_certificate
from gateway.transports.opcua.session import open_session, server_certificate
from protocols.profile.node_ids import parse
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_links import TestedLink
from tests.fixtures.opcua_peers import OpcUaPeer, Secrets
from tests.fixtures.opcua_profiles import point
from tests.fixtures.ports import unused_port

pytestmark = pytest.mark.server
NOW = datetime.now(UTC)


class Station(NamedTuple):
    """A server that wants Basic256Sha256 and a user."""

    peer: OpcUaPeer
    access: Access
    folder: Path


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("station")
    secrets = Secrets.made(folder, "gateway")
    peer = OpcUaPeer(folder, **secrets.of_server)
    peer.start()
    ours = {key: Path(value) for key, value in secrets.of_gateway.items() if key.endswith("file")}
    access = Access(
        peer.url,
        4.0,
        ours["certificate_file"],
        ours["key_file"],
        ours["server_certificate_file"],
        "gateway",
        ours["password_file"],
    )
    yield Station(peer, access, folder)
    peer.kill()


def diagnosis() -> Diagnosis:
    return Diagnosis("c", "opcua", (), time.time_ns)


async def signed_in(access: Access) -> Diagnosis:
    """Sign in, ask for something, and out again; what was told of it."""
    told = diagnosis()
    session = await open_session(access, told, time.time_ns())
    try:
        assert (await session.read([parse("i=2255")]))[0].value
    finally:
        await session.close()
    return told


async def refusal(access: Access) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await signed_in(access)
    return caught.value


async def test_user_signs_in_and_neither_password_nor_values_go_over_the_wire_readable(station: Station) -> None:
    told = await signed_in(station.access)
    wire = b"".join(one.data for one in told.wire)
    assert len(wire) > 1000
    assert "kept 秘密".encode() not in wire
    assert b"urn:test:station" not in wire.partition(b"MSG")[2]
    assert station.peer.sessions == 0


async def test_keys_are_renewed_while_values_come(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    station.peer.add("renewed", "Double", 0.0)
    made = profile(point("n", node="nsu=urn:test:station;s=renewed"))
    link = TestedLink(station.access._replace(channel_s=4.0), made, {"d": ""}, period_s=0.2)
    sent: list[bytes] = []
    monkeypatch.setattr(Diagnosis, "sent", lambda _diagnosis, data: sent.append(bytes(data[:4])))
    async with link:
        await link.up()
        number = 0.0
        while sent.count(b"OPNF") < 3:
            number += 1
            station.peer.set("renewed", number)
            await link.tells("n", number)
    assert (link.link.connects, link.lost) == (1, [])


async def test_user_may_be_a_certificate(station: Station) -> None:
    user = make_certificate(station.folder / "user", "urn:test:user", "localhost", 30, NOW)
    access = station.access._replace(
        username=None, password_file=None, user_certificate=user.certificate, user_key=user.key
    )
    await signed_in(access)


async def test_wrong_password_is_told_as_such(station: Station) -> None:
    wrong = station.folder / "wrong"
    wrong.write_text("guessed\n", encoding="utf-8")
    error = await refusal(station.access._replace(password_file=wrong))
    assert isinstance(error, DeviceRefused)
    assert "it refuses user 'gateway'; check username, password_file" in str(error)
    assert "guessed" not in str(error)


async def test_nobody_without_a_name_is_let_in(station: Station) -> None:
    error = await refusal(station.access._replace(username=None, password_file=None))
    assert "it refuses an anonymous user" in str(error)


async def test_server_with_another_certificate_is_not_believed(station: Station) -> None:
    other = make_certificate(station.folder / "other", "urn:test:station:server", "127.0.0.1", 30, NOW)
    error = await refusal(station.access._replace(server_certificate=other.certificate))
    assert isinstance(error, DeviceRefused)
    shown = await server_certificate(station.peer.url, 4.0, diagnosis())
    assert shown == read_certificate(_pinned(station))
    assert f"not {other.fingerprint} of {other.certificate}: nothing was sent to it" in str(error)


def _pinned(station: Station) -> Path:
    assert station.access.server_certificate is not None
    return station.access.server_certificate


async def test_server_that_does_not_trust_us_is_told_as_such(station: Station, tmp_path: Path) -> None:
    secrets = Secrets.made(tmp_path, "gateway")
    strict = OpcUaPeer(tmp_path, **secrets.of_server, trusting="no")
    strict.start()
    try:
        theirs = Path(secrets.of_gateway["server_certificate_file"])
        error = await refusal(station.access._replace(url=strict.url, server_certificate=theirs))
    finally:
        strict.kill()
    assert isinstance(error, DeviceRefused)
    assert f"make the server trust {station.access.certificate}" in str(error)


async def test_server_without_security_is_not_spoken_to_in_the_clear(station: Station, tmp_path: Path) -> None:
    plain = OpcUaPeer(tmp_path)
    plain.start()
    try:
        error = await refusal(station.access._replace(url=plain.url))
        assert plain.sessions == 0
    finally:
        plain.kill()
    assert isinstance(error, DeviceRefused | BusDown)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda files: files.certificate.unlink(), "certificate.der cannot be read: No such file"),
        (lambda files: files.certificate.write_bytes(b"x"), "is no certificate in DER or PEM"),
        (lambda files: files.key.write_bytes(b"x"), "is no private key in DER or PEM"),
        (lambda files: files.key.write_bytes(_another_key(files)), "is not the key of"),
    ],
)
async def test_file_of_ours_that_is_wrong_is_told(station: Station, tmp_path: Path, spoil, why: str) -> None:  # type: ignore[no-untyped-def]  # a lambda of the table above
    files = make_certificate(tmp_path / "ours", "urn:test:gateway", "localhost", 30, NOW)
    spoil(files)
    error = await refusal(station.access._replace(certificate=files.certificate, key=files.key))
    assert isinstance(error, BusDown)
    assert why in str(error)


def _another_key(files: Files) -> bytes:
    other = make_certificate(files.key.parent / "other", "urn:test:gateway", "localhost", 30, NOW)
    return other.key.read_bytes()


async def test_certificate_of_ours_that_is_past_its_time_is_told(station: Station, tmp_path: Path) -> None:
    old = make_certificate(tmp_path, "urn:test:gateway", "localhost", 1, NOW - timedelta(days=2))
    error = await refusal(station.access._replace(certificate=old.certificate, key=old.key))
    assert "is past its time: make a new one with gengfu opcua certificate" in str(error)


async def test_nobody_there_and_nobody_answering_are_told_apart(station: Station) -> None:
    nobody = await refusal(station.access._replace(url=f"opc.tcp://127.0.0.1:{unused_port()}/x"))
    assert (type(nobody), "Connect" in str(nobody)) == (BusDown, True)


def test_certificate_is_never_overwritten_and_its_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "urn:test:gateway", "box", 30, NOW)
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert application_uri(read_certificate(files.certificate), files.certificate) == "urn:test:gateway"
    before = files.key.read_bytes()
    with pytest.raises(FileExistsError):
        make_certificate(tmp_path, "urn:test:gateway", "box", 30, NOW)
    assert files.key.read_bytes() == before


async def test_answer_that_never_comes_is_told_in_time(station: Station) -> None:
    error = await refusal(station.access._replace(timeout_s=0.001))
    assert isinstance(error, DeviceSilent | BusDown)
