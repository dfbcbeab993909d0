"""``gengfu opcua browse``: the nodes of a server, printed for somebody who writes a profile."""

import asyncio
import json
import time
from collections.abc import Mapping

from gateway.diagnostics import Diagnosis
from gateway.errors import TransportError
from gateway.transports.opcua.browse import Row, browse
from gateway.transports.opcua.parts import Access
from gateway.transports.opcua.session import open_session
from gengfu.errors import InputError, MissingError
from protocols.errors import ProtocolError
from protocols.opcua.status import is_good, name_of
from protocols.profile.node_ids import parse, resolve

LONGEST_VALUE = 40


def print_nodes(access: Access, start: str, most: int, *, as_json: bool) -> None:
    """Print every node below ``start``. Raises `InputError` for a node id that is none, `MissingError` for the rest."""
    try:
        asyncio.run(_print(access, start, most, as_json))
    except TransportError as error:
        raise MissingError(str(error)) from None
    except ProtocolError as error:
        raise InputError(str(error)) from None


async def _print(access: Access, start: str, most: int, as_json: bool) -> None:
    first = parse(start)
    session = await open_session(access, Diagnosis("browse", "opcua", (), time.time_ns), time.time_ns())
    try:
        shown = 0
        async for row in browse(session, resolve(first, session.namespaces), most):
            print(json.dumps(_fields(row), ensure_ascii=False) if as_json else line(row), flush=True)
            shown += 1
        if shown == most:
            print(f"... no more than {most}: begin further down with --node, or raise --most")
    finally:
        await session.close()


def line(row: Row) -> str:
    """One node in one line: its place in the tree, what it is, what it holds, and its id for a profile."""
    name = f"{'  ' * row.depth}{row.name}"
    kind = f"{row.type}{' (writable)' if row.writable else ''}"
    return f"{name:<32} {kind:<18} {_value(row):<24} {row.node}".rstrip()


def _value(row: Row) -> str:
    if not is_good(row.status):
        return name_of(row.status)
    text = "" if row.value is None else str(row.value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def _fields(row: Row) -> Mapping[str, object]:
    value = row.value if isinstance(row.value, bool | int | float | str | None) else str(row.value)
    return {
        "depth": row.depth,
        "name": row.name,
        "type": row.type,
        "value": value,
        "status": row.status,
        "writable": row.writable,
        "node": row.node,
        "short": row.short,
    }
