"""A server may say anything: one error comes of it, soon, and no memory is filled."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.ua.ua_binary import (  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
    struct_from_binary,
    struct_to_binary,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.diagnostics import Diagnosis
from gateway.errors import TransportError
from gateway.transports.opcua.parts import Access
from gateway.transports.opcua.session import open_session, sample_of
from gateway.transports.opcua.socket import LONGEST_CHUNK
from protocols.opcua.values import judge, parts_of
from tests.fixtures.modbus_profiles import profile
from tests.fixtures.opcua_profiles import VALVE, point

ACKNOWLEDGE = b"ACKF" + (28).to_bytes(4, "little") + bytes(4) + b"\xff\xff\0\0" * 2 + bytes(8)
EACH = profile(point("n", range=[0.0, 9.0]), point("f", "flag"), VALVE, point("t", "text"))


@asynccontextmanager
async def server(*said: bytes) -> AsyncIterator[str]:
    """Says one thing after each message of ours, or when none comes, then hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for one in said:
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(4096), 0.02)
                writer.write(one)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        yield f"opc.tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def outcome(*said: bytes) -> tuple[str, Diagnosis]:
    """What came of a sign-in at such a server."""
    told = Diagnosis("c", "opcua", (), time.time_ns)
    async with server(*said) as url:
        with pytest.raises(TransportError) as caught:
            await open_session(Access(url, 5.0), told, time.time_ns())
    return str(caught.value), told


@given(st.binary(max_size=200), st.binary(max_size=200), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_of_a_server_are_refused(first: bytes, second: bytes, acknowledges: bool) -> None:
    asyncio.run(outcome(ACKNOWLEDGE if acknowledges else first, second))


async def test_chunk_that_is_announced_too_long_is_not_collected() -> None:
    endless = b"ACKF" + b"\xff\xff\xff\x7f" + bytes(4 * 1024 * 1024)
    why, told = await outcome(endless, endless)
    assert f"a chunk of more than {LONGEST_CHUNK} bytes" in why
    taken = sum(len(one.data) for one in told.wire if not one.outgoing)
    assert taken < 4 * LONGEST_CHUNK


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1601, 9999))
VALUES: tuple[tuple[Any, str], ...] = (
    (True, "Boolean"),
    (-3, "SByte"),
    (3, "Byte"),
    (-3, "Int16"),
    (2**64 - 1, "UInt64"),
    (-(2**63), "Int64"),
    (1.5, "Float"),
    (float("nan"), "Double"),
    (float("-inf"), "Double"),
    ("闭", "String"),
    (None, "String"),
    (datetime(2026, 1, 1, tzinfo=UTC), "DateTime"),
    (uuid.uuid4(), "Guid"),
    (b"\0\xff", "ByteString"),
    (ua.NodeId("x", 2), "NodeId"),
    (ua.StatusCode(0x80000000), "StatusCode"),
    (ua.QualifiedName("q", 1), "QualifiedName"),
    (ua.LocalizedText("开", "zh"), "LocalizedText"),
    (ua.Argument(), "ExtensionObject"),
    ([1, 2], "Int32"),
    ([], "Double"),
    ([[1.0], [2.0]], "Double"),
    (None, "Null"),
)


@given(
    st.sampled_from(VALUES),
    st.integers(0, 2**32 - 1),
    st.none() | st.datetimes(timezones=st.just(UTC), min_value=FIRST, max_value=LAST),
)
@settings(deadline=None)
def test_every_shape_of_a_data_value_is_judged(shape: tuple[Any, str], status: int, at: datetime | None) -> None:
    value, kind = shape
    sent = ua.DataValue(ua.Variant(value, ua.VariantType[kind]), ua.StatusCode(status), at)
    sample = sample_of(struct_from_binary(ua.DataValue, ua.utils.Buffer(struct_to_binary(sent))))
    values, quality = judge(EACH, parts_of(EACH), [(index, sample) for index in range(len(EACH.points))])
    assert all(value is not None or mark >= 0x80 for value, mark in zip(values, quality, strict=True))
    assert sample.status == status
    assert sample.source_at is None or at is not None
    if at is not None and 1601 < at.year < 9999:
        assert sample.source_at is not None
        assert EPOCH + timedelta(microseconds=sample.source_at // 1000) == at
