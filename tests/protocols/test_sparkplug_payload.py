"""Sparkplug B payloads: bytes of another implementation, and any bytes at all."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.sparkplug import payload as sparkplug
from protocols.sparkplug.payload import Payload, decode, encode_command, value_of
from protocols.sparkplug.protobuf import put_bytes, put_varint

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/sparkplug_b.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in VECTORS["cases"]}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_payload_of_another_implementation_is_read(case: dict[str, Any]) -> None:
    found = decode(bytes.fromhex(case["hex"]))
    metrics = [
        [one.name, datatype, value_of(one, datatype)]
        for one, (_, datatype, _) in zip(found.metrics, case["metrics"], strict=True)
    ]
    assert (found.timestamp, found.seq, metrics) == (case["timestamp"], case["seq"], case["metrics"])


def test_null_history_quality_and_alias_are_told() -> None:
    born = decode(bytes.fromhex(CASES["a device is born, with aliases and qualities"]["hex"]))
    data = decode(bytes.fromhex(CASES["data by alias, one of it historical, bytes and uuid passed over"]["hex"]))
    assert [(one.alias, one.quality, one.is_null) for one in born.metrics] == [
        (10, 192, False),
        (11, 500, False),
        (12, None, True),
    ]
    assert [(one.alias, one.is_historical) for one in data.metrics] == [(10, True), (11, False), (None, False)]


def test_command_is_the_bytes_of_another_implementation() -> None:
    made = encode_command("Node Control/Rebirth", sparkplug.BOOLEAN, True, VECTORS["command"]["timestamp"])
    assert made.hex() == VECTORS["command"]["hex"]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (sparkplug.INT8, -128.0),
        (sparkplug.INT64, -5e9),
        (sparkplug.UINT32, 4e9),
        (sparkplug.FLOAT, 1.5),
        (sparkplug.DOUBLE, -0.1),
        (sparkplug.STRING, "闭"),
    ],
)
def test_command_is_read_back(datatype: int, value: float | str) -> None:
    (metric,) = decode(encode_command("a", datatype, value, 5)).metrics
    assert value_of(metric, datatype) == value


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (sparkplug.INT8, 128.0),
        (sparkplug.UINT8, -1.0),
        (sparkplug.UINT8, 1.5),
        (sparkplug.UINT8, True),
        (sparkplug.BOOLEAN, 1.0),
        (sparkplug.STRING, 1.0),
        (sparkplug.FLOAT, 1e300),
        (sparkplug.DOUBLE, float("inf")),
        (17, 1.0),
    ],
)
def test_command_of_another_type_than_its_metric_is_refused(datatype: int, value: float | str) -> None:
    with pytest.raises(ValueError, match=r"data type|fit into|no value"):
        encode_command("a", datatype, value, 5)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_one_error(data: bytes) -> None:
    with suppress(DecodeError):
        for metric in decode(data).metrics:
            for datatype in range(36):
                value_of(metric, datatype)


@given(st.sampled_from([bytes.fromhex(case["hex"]) for case in CASES.values()]), st.data())
def test_damaged_payload_is_one_or_an_error(whole: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + draw.draw(st.binary(max_size=3)) + whole[at + draw.draw(st.integers(0, 3)) :]
    with suppress(DecodeError):
        assert isinstance(decode(damaged), Payload)


def test_endless_list_of_metrics_is_refused() -> None:
    with pytest.raises(DecodeError, match="more than 10000 metrics"):
        decode(b"\x12\x00" * 10_001)


@pytest.mark.parametrize(
    "properties",
    [
        put_bytes(1, b"Quality") + put_bytes(2, put_varint(1, 12) + put_bytes(8, b"BAD")),
        put_bytes(1, b"Quality") + put_bytes(2, put_varint(1, 3) + put_varint(2, 1)),
        put_bytes(1, b"Quality"),
    ],
    ids=["a text", "null", "no value"],
)
def test_quality_that_cannot_be_read_is_not_good(properties: bytes) -> None:
    (metric,) = decode(put_bytes(2, put_bytes(1, b"a") + put_bytes(9, properties))).metrics
    assert metric.quality == sparkplug.UNREADABLE
