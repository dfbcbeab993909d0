"""COBS for any bytes; its published vectors run in `tests/firmware/logic/logic_link.py` under both interpreters."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.wire.cobs import CobsError, decode, encode, encoded_size

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/serial_framing.json").read_text())["cobs"]

# Runs without 00 around the block's 254 bytes are where an encoder goes wrong.
runs = st.integers(0, 520).map(lambda size: b"x" * size)
datas = st.one_of(st.binary(max_size=600), st.lists(st.one_of(runs, st.just(b"\0")), max_size=6).map(b"".join))


@given(datas)
def test_any_bytes_come_back_and_hold_no_zero(data: bytes) -> None:
    encoded = encode(data)
    assert 0 not in encoded
    assert len(encoded) <= encoded_size(len(data))
    assert decode(encoded) == data


@given(datas)
def test_arrays_and_views_are_encoded_like_bytes(data: bytes) -> None:
    assert encode(bytearray(data)) == encode(memoryview(data)) == encode(data)
    assert decode(memoryview(encode(data))) == data


@given(st.binary(max_size=600))
@example(b"\xff" + b"x" * 254 + b"\x01")
def test_any_bytes_are_an_encoding_or_one_error(data: bytes) -> None:
    try:
        found = decode(data)
    except CobsError:
        return
    assert len(found) < len(data)
    # The one second spelling of the same data: a full last block and an empty one behind it.
    assert encode(found) in (data, data[:-1])


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_every_prefix_of_a_published_encoding_is_shorter_data_or_an_error(vector: dict[str, str]) -> None:
    whole = bytes.fromhex(vector["encoded"])
    for size in range(len(whole)):
        try:
            found = decode(whole[:size])
        except CobsError:
            continue
        assert len(found) < max(size, 1)
        assert bytes.fromhex(vector["data"]).startswith(found)
