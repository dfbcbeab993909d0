"""Every kind of error that a connection counts has words on its page, in both languages."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("gateway", "gengfu", "protocols")
NAMED_FIRST = ("DecodeError", "failed")
"""Who takes the kind as its first argument: the error of all decoders, and `Diagnosis.failed`."""
FEWEST = 40
"""Or the search finds nothing any more, and the test proves nothing."""


def kinds_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in NAMED_FIRST:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
        if isinstance(node, ast.ClassDef):
            yield from _class_kinds(node)


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _class_kinds(of: ast.ClassDef) -> Iterator[str]:
    """``kind = "word"`` in the body of an error."""
    for node in of.body:
        match node:
            case ast.Assign(targets=[ast.Name("kind")], value=ast.Constant(str(word))):
                yield word


def every_kind() -> set[str]:
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    return {kind for file in files for kind in kinds_of(ast.parse(file.read_text(encoding="utf-8")))}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_error_has_words(language: str) -> None:
    words = json.loads((ROOT / f"console/static/i18n/{language}.json").read_text(encoding="utf-8"))
    kinds = every_kind()
    assert len(kinds) >= FEWEST
    assert sorted(kind for kind in kinds if not words.get(f"connection.error.{kind}")) == []
