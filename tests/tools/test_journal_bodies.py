"""What every version stored in its journals is still read, and what this one stores is recorded."""

import ast
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import gengfu
from protocols.quality import Quality
from protocols.reading import Origin
from tests.structure.tree import Module, modules, packages
from tools import journal_samples as samples
from tools.journal_bodies import FOLDER, KINDS, path_of, plain, record, recording

NOW = FOLDER / gengfu.__version__
KIND = {kind.name: kind for kind in KINDS}
VERSIONS = sorted(path for path in FOLDER.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", path.name))
RECORDINGS = [path for version in VERSIONS for path in sorted(version.glob("*.json"))]


def agrees(known: Any, found: Any) -> bool:
    """Whether nothing of what was recorded is another now; fields that came later do not count."""
    if isinstance(known, dict):
        return isinstance(found, dict) and all(key in found and agrees(known[key], found[key]) for key in known)
    if isinstance(known, list):
        return isinstance(found, list) and len(known) == len(found) and all(map(agrees, known, found))
    return type(known) is type(found) and known == found


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_any_version_recorded_means_the_same_today(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    decode = KIND[found["kind"]].decode
    wrong = [
        body["hex"] for body in found["bodies"] if not agrees(body["means"], plain(decode(bytes.fromhex(body["hex"]))))
    ]
    assert wrong == []


def test_another_meaning_is_found() -> None:
    known = {"a": [1, {"b": None}]}
    assert agrees(known, {"a": [1, {"b": None, "later": 0}], "later": 1})
    others: tuple[Any, ...] = (
        {"a": [1.0, {"b": None}]},
        {"a": [1]},
        {"b": 1},
        {"a": [True, {"b": None}]},
        [],
        {"a": [2, {"b": None}]},
    )
    for other in others:
        assert not agrees(known, other)


def test_this_version_is_recorded_and_its_bytes_are_those_of_today() -> None:
    differing = [
        kind.name for kind in KINDS if not (path := path_of(NOW, kind.name)).exists()
        or path.read_text(encoding="utf-8") != recording(kind)
    ]  # fmt: skip
    assert differing == [], "raise the version, then: python -m tools.journal_bodies"


def test_a_recording_with_other_bytes_is_told_and_stays(tmp_path: Path) -> None:
    assert record(tmp_path, again=False) == []
    other = path_of(tmp_path, "reading")
    other.write_text("{}")
    assert record(tmp_path, again=False) == ["reading"]
    assert other.read_text() == "{}"
    assert record(tmp_path, again=True) == []
    assert json.loads(other.read_text())["kind"] == "reading"


def kinds_written(module: Module) -> Iterator[str]:
    """The kinds of the entries that a module makes: the first argument of ``Entry``, or, where that is an argument of
    the function itself, what its callers in the module give."""
    tree = module.tree
    handed = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for call in entry_calls(function)
        if isinstance(call.args[0], ast.Name) and call.args[0].id in {one.arg for one in function.args.args}
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and call.args:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name == "Entry" or name in handed:
                yield from constant(module, call.args[0])


def entry_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Entry" and call.args:
            yield call


def constant(module: Module, node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.Name) and node.id.isupper():
        yield getattr(importlib.import_module(module.name.removesuffix(".py").replace("/", ".")), node.id)


def state_written(module: Module) -> Iterator[str]:
    """How the state keys begin that a module makes: its constants ``STATE`` and ``CURSOR``, and in the packages that
    keep records of their own, texts that begin with a word and a slash."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and "/" in str(node.value.value):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if names & {"STATE", "CURSOR"}:
                yield str(node.value.value)
        if isinstance(node, ast.JoinedStr) and module.name.startswith(("alarms/", "interlocks/")):
            begin = node.values[0]
            if isinstance(begin, ast.Constant) and re.fullmatch(r"[a-z]+/", str(begin.value)):
                yield str(begin.value)


NO_STATE = {"trip/"}
"""A command's cause, not a key."""


def test_every_kind_that_the_program_stores_is_recorded() -> None:
    program = modules(*packages())
    written = {kind for module in program for kind in kinds_written(module)}
    state = {key for module in program for key in state_written(module)} - NO_STATE
    assert {"reading", "alarm", "trip", "request"} < written
    assert {"alarm/", "interlock/", "downlink/cursor"} < state
    assert (written | state) - set(KIND) == set()


def test_a_kind_that_is_not_recorded_is_found() -> None:
    source = """
STATE = "new/"
class A:
    def make(self, kind): return Entry(kind, "x", 0, 0, b"")
    def go(self): return self.make("other"), Entry("third", "x", 0, 0, b"")
"""
    assert set(kinds_written(Module("gengfu/x.py", source))) == {"other", "third"}
    assert set(state_written(Module("gengfu/x.py", source))) == {"new/"}
    assert set(state_written(Module("alarms/x.py", "def f(a): return f'later/{a}'"))) == {"later/"}


def records(item: Any) -> Iterator[msgspec.Struct]:
    """An object and every one in it."""
    if isinstance(item, msgspec.Struct):
        yield item
        for name in item.__struct_fields__:
            yield from records(getattr(item, name))
    elif isinstance(item, list | tuple):
        for one in item:
            yield from records(one)


def test_each_field_of_each_record_has_been_something_else_than_its_default() -> None:
    known = [one for kind in KINDS for body in kind.bodies() for one in records(kind.decode(body))]
    untouched = {
        f"{type(one).__name__}.{field.name}"
        for one in known
        for field in msgspec.structs.fields(one)
        if all(getattr(other, field.name) == default(field) for other in known if type(other) is type(one))
    }
    assert untouched == set()


def default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if callable(field.default_factory) else field.default


def test_readings_have_every_quality_and_origin_and_kind_of_value() -> None:
    readings = samples.readings()
    assert {code for one in readings for code in one.quality} == {int(one) for one in Quality}
    assert {one.origin for one in readings} == set(Origin)
    assert {type(value) for one in readings for value in one.values} == {float, str, type(None)}
