"""`gengfu profile decode` of what is no SenML: JSON by paths, bytes by a decoder, and a network server's message."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

Gengfu = Callable[..., Any]


def points(said: Any) -> dict[str, object]:
    assert (said.code, said.err) == (0, "")
    found: dict[str, object] = json.loads(said.out)["points"]
    return found


def test_hex_is_decoded_as_the_device_sent_it(gengfu: Gengfu) -> None:
    said = gengfu("profile", "decode", "milesight/gs301", "017564 047dfeff", "--port", "85")
    assert points(said) == {
        "battery": {"value": 100.0, "quality": "GOOD"},
        "nh3": {"value": None, "quality": "BAD_MISSING"},
    }


def test_message_of_a_network_server_is_opened(gengfu: Gengfu) -> None:
    message = {
        "deviceInfo": {"devEui": "24e124136b502217"},
        "time": "2026-11-20T01:15:00Z",
        "fPort": 85,
        "data": base64.b64encode(bytes.fromhex("058e01")).decode(),
    }
    said = gengfu("profile", "decode", "milesight/gs101", json.dumps(message))
    assert points(said) == {"alarm": {"value": 1.0, "quality": "GOOD"}}
    assert json.loads(said.out)["at_ns"] == 1_795_137_300 * 10**9


def test_mapped_json_is_decoded(gengfu: Gengfu) -> None:
    said = gengfu("profile", "decode", "tasmota/power-plug", '{"ENERGY":{"Power":41},"POWER":"ON"}')
    assert points(said) == {"power": {"value": 41.0, "quality": "GOOD"}, "on": {"value": 1.0, "quality": "GOOD"}}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("dragino/ldds75", "0ce404b0", "--port", "42"), "unknown FPort 42"),
        (("milesight/gs101", "7777"), "channel 7777 is not known"),
        (("tasmota/power-plug", '{"ENERGY":{"Power":'), "the payload is no JSON"),
    ],
)
def test_payload_that_is_none_is_told_in_one_line(gengfu: Gengfu, words: tuple[str, ...], told: str) -> None:
    said = gengfu("profile", "decode", *words)
    assert said.code == 1
    assert told in said.err
    assert said.err.count("\n") == 1
