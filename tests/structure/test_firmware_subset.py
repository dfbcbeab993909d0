"""The firmware, and the part of `protocols` that it shares, keep to what MicroPython understands."""

import ast
from collections.abc import Iterator

import pytest

from tests.structure.tree import Module, modules

NOT_THERE = frozenset({"abc", "contextlib", "dataclasses", "enum", "functools", "logging", "pathlib", "typing"})
NODES = (ast.Match, ast.TryStar, ast.AsyncWith)
"""Statements that MicroPython refuses, or, for ``async with``, that our boards have no use for."""


def outside(sources: list[Module]) -> list[str]:
    """What a file uses beyond the subset, with its line."""
    return [
        f"{module.name}:{getattr(node, 'lineno', 1)}: {fault}"
        for module in sources
        for node in ast.walk(module.tree)
        for fault in faults(node)
    ]


def faults(node: ast.AST) -> Iterator[str]:
    """What is wrong with one node."""
    if isinstance(node, NODES):
        yield f"{type(node).__name__} is not in the subset"
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        yield from (f"MicroPython has no {name}" for name in names if name.partition(".")[0] in NOT_THERE)
    if isinstance(node, ast.arguments) and node.posonlyargs:
        yield "positional-only parameters"
    if isinstance(node, ast.Attribute) and ast.unparse(node) == "struct.Struct":
        yield "struct.Struct"
    if isinstance(node, ast.Call) and loses_the_sign(node):
        yield "the sign is silently ignored: use struct"
    if isinstance(node, ast.Assign) and ast.unparse(node).startswith("_") and "= const(" in ast.unparse(node):
        yield "a private const() vanishes for importers"


def loses_the_sign(call: ast.Call) -> bool:
    """``int.from_bytes(..., signed=True)`` and its inverse."""
    name = ast.unparse(call.func).rpartition(".")[2]
    return name in ("from_bytes", "to_bytes") and any(key.arg == "signed" for key in call.keywords)


def test_firmware_and_wire_keep_to_the_subset() -> None:
    sources = [module for module in modules("firmware", "protocols") if module.package != "protocols"]
    wire = [one for one in sources if one.name.startswith(("firmware/micropython/", "protocols/wire/"))]
    assert len(wire) > 3
    assert outside(wire) == []


@pytest.mark.parametrize(
    "source",
    [
        "match x:\n    case 1: pass",
        "from typing import Any",
        "import dataclasses",
        "def f(a, /): pass",
        "import struct\nS = struct.Struct('<H')",
        "x = int.from_bytes(b'', 'little', signed=True)",
        "_X = const(1)",
    ],
)
def test_what_is_outside_the_subset_is_found(source: str) -> None:
    assert len(outside([Module("a.py", source)])) == 1


def test_the_subset_that_was_tried_is_accepted() -> None:
    source = "import struct\ndef f(a: 'tuple[int, bytes] | None', *, b=1):\n    if n := a: return f'{n}'\nX = 1"
    assert outside([Module("a.py", source)]) == []
