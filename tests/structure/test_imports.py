"""Who imports what: the part of the design that import-linter cannot hold."""

import ast
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch

import pytest

from tests.structure.tree import ROOT, Import, Module, import_contracts, imports, modules, packages, settings

TRANSPORT = "gateway/transports/*.py"
LINE = "gateway/transports/line.py"
HOME: Mapping[str, tuple[str, ...]] = {
    "aiocoap": (TRANSPORT,),
    "asyncua": (TRANSPORT, "gengfu/simulate/opcua_server.py"),
    "paho": (TRANSPORT,),
    "serial": (LINE,),
    "pty": (LINE,),
    "os.openpty": (LINE,),
    "urllib3": ("telemetry/influx.py", "telemetry/influx_link.py", "telemetry/influx_query.py"),
    "influxdb_client": ("telemetry/influx.py",),
    "grafana_foundation_sdk": ("dashboards/*",),
    "duckdb": ("telemetry/duck*.py",),
    "nats": ("journal/nats.py",),
    "fastapi": ("console/*",),
    "starlette": ("console/*",),
    "uvicorn": ("console/serve.py",),
    "argon2": ("console/accounts.py",),
    "sqlalchemy": (
        *("console/accounts.py", "console/database.py", "console/tables.py", "console/duty/logbook.py"),
        *("operations/database.py", "operations/store.py", "operations/tables.py"),
    ),
    "sqlite3": ("journal/*", "telemetry/influx_state.py"),
}
"""An I/O library, and the files in which alone it may be imported."""

PURE = ("alarms", "interlocks", "protocols")
NOT_PURE = (
    "asyncio",
    "concurrent",
    "http",
    "logging",
    "multiprocessing",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
)
FIRMWARE_MODULES = frozenset(
    {
        "array",
        "asyncio",
        "binascii",
        "collections",
        "cryptolib",
        "errno",
        "framebuf",
        "gc",
        "hashlib",
        "io",
        "json",
        "machine",
    }
    | {"math", "micropython", "network", "ntptime", "os", "platform", "random", "re", "rp2", "select", "socket"}
    | {"ssl", "struct", "sys", "termios", "time", "vfs"}
)
"""Modules that MicroPython itself brings (documentation of 1.28, «libraries»)."""

WIRE_MAY_IMPORT = ("protocols.wire", "array", "binascii", "hashlib", "struct")
"""Itself, and four modules of which CPython and MicroPython both bring what it uses."""


def libraries_away_from_home(sources: list[Module], home: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Imports of an I/O library outside the files that own it."""
    return [
        f"{module.name}:{found.line}: {library} belongs in {' or '.join(places)}"
        for module in sources
        for found in used_names(module)
        for library, places in home.items()
        if found.is_in(library) and not any(fnmatch(module.name, place) for place in places)
    ]


def used_names(module: Module) -> Iterator[Import]:
    """Every import, and uses of the form ``os.openpty``."""
    yield from imports(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in HOME:
            yield Import(ast.unparse(node), node.lineno)


def impure_imports(sources: list[Module]) -> list[str]:
    """Imports of what waits, tells the time, or speaks to the world."""
    return [
        f"{module.name}:{found.line}: a pure package imports {found.target}"
        for module in sources
        for found in imports(module)
        for name in NOT_PURE
        if found.is_in(name)
    ]


def relative_imports(sources: list[Module]) -> list[str]:
    """Imports that begin with a dot."""
    return [
        f"{module.name}:{node.lineno}: relative import"
        for module in sources
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def foreign_to_wire(sources: list[Module]) -> list[str]:
    """Imports of `protocols.wire` beyond itself and what both interpreters bring."""
    return [
        f"{module.name}:{found.line}: protocols.wire imports {found.target}"
        for module in sources
        for found in imports(module)
        if not any(found.is_in(name) for name in WIRE_MAY_IMPORT)
    ]


def foreign_to_firmware(sources: list[Module], own: frozenset[str]) -> list[str]:
    """Imports of the firmware beyond `protocols.wire`, its own modules and MicroPython's."""
    return [
        f"{module.name}:{found.line}: the firmware imports {found.target}"
        for module in sources
        for found in imports(module)
        if not found.is_in("protocols.wire") and found.target.partition(".")[0] not in FIRMWARE_MODULES | own
    ]


def words(value: str) -> set[str]:
    """The names in a setting of import-linter."""
    return set(value.replace("|", " ").split())


def test_each_io_library_has_one_home() -> None:
    assert libraries_away_from_home(modules(*packages()), HOME) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("gengfu/x.py", "import paho.mqtt.client"),
        ("gateway/transports/coap/door.py", "from serial import Serial"),
        ("gengfu/demo/x.py", "import os\nos.openpty()"),
        ("telemetry/store.py", "def f():\n    import duckdb"),
    ],
)
def test_a_library_away_from_home_is_found(name: str, source: str) -> None:
    assert len(libraries_away_from_home([Module(name, source)], HOME)) == 1


def test_a_library_at_home_is_not_found() -> None:
    good = [Module(LINE, "import serial, pty, os\nos.openpty()"), Module("console/a/b.py", "import fastapi")]
    assert libraries_away_from_home(good, HOME) == []


def test_pure_packages_neither_wait_nor_tell_the_time_nor_speak() -> None:
    assert impure_imports(modules(*PURE)) == []


def test_an_impure_import_is_found() -> None:
    assert len(impure_imports([Module("protocols/x.py", "from time import time\nimport datetime")])) == 1


def test_imports_are_absolute() -> None:
    assert relative_imports(modules()) == []


def test_a_relative_import_is_found() -> None:
    assert relative_imports([Module("a/b.py", "from . import c")]) == ["a/b.py:1: relative import"]


def test_wire_imports_only_itself_and_what_both_interpreters_bring() -> None:
    sources = [module for module in modules("protocols") if module.package == "protocols.wire"]
    assert foreign_to_wire(sources) == []
    assert (ROOT / "protocols" / "__init__.py").read_text() == ""  # MicroPython runs it


@pytest.mark.parametrize("source", ["from protocols import errors", "import dataclasses", "import gateway.x"])
def test_an_import_foreign_to_wire_is_found(source: str) -> None:
    assert len(foreign_to_wire([Module("protocols/wire/x.py", source)])) == 1


def test_firmware_imports_only_wire_itself_and_micropython() -> None:
    folder = ROOT / "firmware" / "micropython"
    own = frozenset(path.stem for path in folder.iterdir())
    assert own.isdisjoint(packages())
    assert foreign_to_firmware(modules("firmware"), own) == []


@pytest.mark.parametrize("source", ["import protocols.reading", "from alarms import engine", "import typing"])
def test_an_import_foreign_to_the_firmware_is_found(source: str) -> None:
    assert len(foreign_to_firmware([Module("firmware/micropython/x.py", source)], frozenset({"board"}))) == 1
    good = Module("firmware/micropython/x.py", "import board, machine\nfrom protocols.wire import crc")
    assert foreign_to_firmware([good], frozenset({"board"})) == []


def test_every_package_is_placed_in_the_import_contracts() -> None:
    contracts = import_contracts()
    layers = contracts["importlinter:contract:layers"]["layers"].strip().splitlines()
    assert [" | ".join(sorted(words(layer))) for layer in layers] == [
        "gengfu",
        "console | gateway",
        "operations",
        "alarms | device_registry | interlocks | journal | telemetry",
        "protocols",
    ]
    assert words(" ".join(layers)) == set(packages())
    assert words(contracts["importlinter"]["root_packages"]) == set(packages())
    assert words(contracts["importlinter:contract:acyclic"]["ancestors"]) == set(packages())
    assert words(contracts["importlinter:contract:wire"]["forbidden_modules"]) == {"protocols.*"}
    assert not [name for name in contracts.sections() if "ignore_imports" in contracts[name]]


def test_every_package_is_built_and_typed() -> None:
    tool = settings()["tool"]
    assert set(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(packages())
    assert set(tool["mypy"]["packages"]) == set(packages())


def test_top_level_modules_of_ours_hide_no_standard_module() -> None:
    assert set(packages()).isdisjoint(sys.stdlib_module_names)
