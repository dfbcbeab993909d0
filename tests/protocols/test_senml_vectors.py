"""SenML against the published examples: RFC 8428 (JSON, resolved, CBOR) and Eclipse Leshan (CBOR)."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from protocols.senml.decode import decode_cbor, decode_json
from protocols.senml.encode import encode_json
from protocols.senml.record import Record
from protocols.senml.resolve import Resolved, resolve

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors/senml.json").read_text())["sets"]
RFC = {vector["id"]: vector for vector in VECTORS[0]["vectors"]}
LESHAN = {vector["id"]: vector for vector in VECTORS[1]["vectors"]}
KINDS = {"vs": str, "vb": bool, "vd": bytes}


def now_of(vector: dict[str, Any]) -> int:
    """The instant at which the example was resolved: that of its records without a time."""
    return int(vector["resolved_json"][0]["t"]) * 10**9


def as_json(record: Resolved) -> dict[str, Any]:
    """A resolved record the way the RFC's generator writes it."""
    written: dict[str, Any] = {"n": record.name, "t": record.at / 1e9}
    if record.unit:
        written["u"] = record.unit
    label = next((label for label, kind in KINDS.items() if isinstance(record.value, kind)), "v")
    return {**written, label: record.value}


def expected(vector: dict[str, Any]) -> list[dict[str, Any]]:
    """The resolved example without its unknown fields (the link extension ``l`` of example 8)."""
    return [{key: value for key, value in record.items() if key != "l"} for record in vector["resolved_json"]]


@pytest.mark.parametrize("name", [name for name, vector in RFC.items() if "resolved_json" in vector])
def test_rfc_example_resolves_as_published(name: str) -> None:
    vector = RFC[name]
    resolved = resolve(decode_json(json.dumps(vector["json"]).encode()), now_of(vector))
    # The generator of the resolved examples leaves data values out.
    assert [as_json(record) for record in resolved if not isinstance(record.value, bytes)] == expected(vector)


@pytest.mark.parametrize("name", [name for name, vector in RFC.items() if "cbor_hex" in vector])
def test_rfc_example_in_cbor_resolves_as_in_json(name: str) -> None:
    vector = RFC[name]
    now = now_of(vector)
    cbor = resolve(decode_cbor(bytes.fromhex(vector["cbor_hex"])), now)
    assert cbor == resolve(decode_json(json.dumps(vector["json"]).encode()), now)


def test_data_value_of_the_rfc_example() -> None:
    resolved = resolve(decode_json(json.dumps(RFC["rfc8428-ex7"]["json"]).encode()), 0)
    assert resolved[-1].value == b"hi \n"


def test_tenth_of_a_second_is_added_exactly() -> None:
    resolved = resolve(decode_json(json.dumps(RFC["rfc8428-ex13"]["json"]).encode()), 0)
    assert [record.at for record in resolved] == [1320078429 * 10**9] * 2 + [1320078429_100_000_000] * 2


def fields(record: Record) -> dict[str, Any]:
    """The fields of a record, data as hexadecimal, times as numbers."""
    found: dict[str, Any] = json.loads(encode_json([record]))[0]
    if "vd" in found:
        found["vd_hex"] = base64.urlsafe_b64decode(found.pop("vd") + "==").hex()
    return found


@pytest.mark.parametrize("name", list(LESHAN))
def test_leshan_pack_has_the_published_records(name: str) -> None:
    vector = LESHAN[name]
    records = decode_cbor(bytes.fromhex(vector["cbor_hex"]))
    assert [fields(record) for record in records] == vector["expect_records"]


def test_leshan_decimal_fraction_is_an_absolute_time() -> None:
    records = decode_cbor(bytes.fromhex(LESHAN["leshan-timestamped-decimal-fraction"]["cbor_hex"]))
    assert [record.at for record in resolve(records, 0)] == [500000004 * 10**9, 500000005 * 10**9, 500000006 * 10**9]
