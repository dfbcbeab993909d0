"""`gengfu opcua`: a certificate of ours, a server's to be trusted, and the nodes somebody writes a profile from."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.transports.opcua.security import fingerprint, read_certificate
from gengfu.cli import main
from tests.fixtures.opcua_peers import OpcUaPeer, Secrets


@pytest.fixture
def station(tmp_path: Path) -> Iterator[tuple[OpcUaPeer, Secrets]]:
    """A server with security and three nodes."""
    secrets = Secrets.made(tmp_path, "gateway")
    peer = OpcUaPeer(tmp_path, **secrets.of_server)
    peer.start()
    peer.add("Cabinet1.Methane", "Int16", 31)
    peer.add("Cabinet1.CloseValve", "Boolean", False, writable=True)
    peer.add("Cabinet1.Text", "String", "气" * 100)
    peer.set("Cabinet1.Methane", None, status=0x80310000)
    yield peer, secrets
    peer.kill()


@pytest.mark.server
def test_three_steps_lead_to_the_nodes_of_a_server(
    station: tuple[OpcUaPeer, Secrets], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer, secrets = station
    ours, theirs = tmp_path / "opcua", tmp_path / "plc.der"
    assert main(["opcua", "certificate", "--out", str(ours)]) == 0
    assert main(["opcua", "trust", peer.url, str(theirs)]) == 0
    pinned = read_certificate(Path(secrets.of_gateway["server_certificate_file"]))
    assert (read_certificate(theirs), fingerprint(pinned) in capsys.readouterr().out) == (pinned, True)

    browse = ["opcua", "browse", peer.url, "--certificate", str(ours), "--server-certificate", str(theirs)]
    browse += ["--user", "gateway", "--password-file", secrets.of_gateway["password_file"]]
    assert main(browse) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["Cabinet1.Methane"].split()[1:] == [
        "Int16",
        "BadNoCommunication",
        "nsu=urn:test:station;s=Cabinet1.Methane",
    ]
    assert "Boolean (writable)" in lines["Cabinet1.CloseValve"]
    assert "气" * 37 + "..." in lines["Cabinet1.Text"]

    assert main([*browse, "--json", "--most", "2"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert len(rows) == 2
    assert set(rows[0]) == {"depth", "name", "type", "value", "status", "writable", "node", "short"}


@pytest.mark.server
def test_certificate_that_is_trusted_is_replaced_on_purpose_only(
    station: tuple[OpcUaPeer, Secrets], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer, _ = station
    file = tmp_path / "plc.der"
    file.write_bytes(b"old")
    assert main(["opcua", "trust", peer.url, str(file)]) == 1
    assert "is there already: compare the fingerprints, then use --replace" in capsys.readouterr().err
    assert file.read_bytes() == b"old"
    assert main(["opcua", "trust", peer.url, str(file), "--replace"]) == 0
    assert read_certificate(file)


def test_certificate_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "opcua")
    assert main(["opcua", "certificate", "--out", out, "--uri", "urn:city:gateway"]) == 0
    made = capsys.readouterr().out
    assert "application urn:city:gateway, SHA-256 " in made
    assert main(["opcua", "certificate", "--out", out]) == 1
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["certificate", "--out", "x", "--days", "0"], 1, "give at least 1"),
        (["trust", "opc.tcp://127.0.0.1:1", "none/x.der"], 3, "Connect"),
        (["browse", "opc.tcp://127.0.0.1:1"], 3, "Connect"),
        (["browse", "opc.tcp://127.0.0.1:1", "--node", "x"], 1, "is no node id"),
        (["browse", "opc.tcp://127.0.0.1:1", "--user", "a"], 1, "--user and --password-file go together"),
        (["browse", "opc.tcp://x", "--user", "a", "--password-file", "p"], 1, "would send the password readable"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    words: list[str], code: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["opcua", *words]) == code
    told = capsys.readouterr().err
    assert why in told
    assert len(told.splitlines()) == 1
