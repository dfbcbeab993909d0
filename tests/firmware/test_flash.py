"""Flashing: the plan for each board and product, and the real mpremote against MicroPython with a real LittleFS."""

import hashlib
import os
import subprocess
import threading
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.firmware.interpreters import module_paths
from tests.fixtures.programs import missing
from tests.fixtures.waiting import wait_for
from tools import flash
from tools.firmware_stubs import PROGRAM_BUNDLE
from tools.test_servers import Failed

BOARD_SCRIPT = Path(__file__).with_name("flash_board.py")
ORDERS = [flash.Order(board, product, "a", False) for board in flash.BOARDS for product in flash.PROFILES]
SETTINGS = ["--device", "t:1", "--gateway", "192.0.2.1:5683", "--set", "wifi=yard"]
KEY = "correct horse battery staple"


@pytest.fixture
def programs() -> None:
    """mpy-cross and mpremote."""
    if not PROGRAM_BUNDLE.there():
        missing("mpy-cross and mpremote are missing; run: make servers")


class Board:
    """MicroPython behind a serial line at ``port``, its flash in an image file."""

    def __init__(self, micropython: Path, image: Path, blocks: int = 256, *does: str) -> None:
        self._start = [str(micropython), "-i", str(BOARD_SCRIPT), str(image), str(blocks), *does]
        self._dump = [str(micropython), str(BOARD_SCRIPT), str(image), str(blocks), "dump"]
        self._fds: list[int] = []
        board, board_end = self._pair()
        host, host_end = self._pair()
        self.port = os.ttyname(host_end)
        self._process = subprocess.Popen(
            self._start, env=module_paths(), stdin=board_end, stdout=board_end, stderr=board_end
        )
        self._threads = [threading.Thread(target=relay, args=pair) for pair in ((board, host), (host, board))]
        wait_for(lambda: b"board ready" in os.read(board, 4096), what="the board")
        for thread in self._threads:
            thread.start()

    def files(self) -> dict[str, str]:
        """The SHA-256 of every file, by path. The board is switched off for it."""
        self.stop()
        done = subprocess.run(self._dump, env=module_paths(), capture_output=True, text=True, timeout=20, check=True)
        return {path: found for path, _, found in (line.rpartition(" ") for line in done.stdout.splitlines())}

    def stop(self) -> None:
        """Cut the supply."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            for fd in self._fds:
                os.close(fd)
            for thread in self._threads:
                thread.join(5)

    def _pair(self) -> tuple[int, int]:
        pair = os.openpty()
        tty.setraw(pair[1])
        self._fds += pair
        return pair


def relay(source: int, target: int) -> None:
    """Carry bytes until the line is gone."""
    try:
        while data := os.read(source, 4096):
            os.write(target, data)
    except OSError:
        return


def sums(files: list[flash.File]) -> dict[str, str]:
    """What `Board.files` gives for them."""
    return {f"/{file.path}": hashlib.sha256(file.data).hexdigest() for file in files}


@pytest.fixture
def board(micropython: Path, tmp_path: Path, programs: None) -> Iterator[Board]:
    """A board with an empty flash of 1 MB."""
    made = Board(micropython, tmp_path / "flash")
    yield made
    made.stop()


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.board}-{order.product}")
def test_board_gets_its_port_its_product_and_everything_they_import(order: flash.Order) -> None:
    found = flash.closure(order.board, order.product)
    table = order.product.replace("-", "_")
    assert {"main", "hal", f"hal.{order.board}", f"registers.{table}", "protocols", "protocols.wire"} <= found.keys()
    for module, source in found.items():
        for name in flash.imported(source):
            known = name in found or flash.source_of(name) is None or flash.left_out(name, order.board)
            assert known, f"{module} imports {name}"


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.board}-{order.product}")
def test_board_gets_nothing_of_other_machines(order: flash.Order) -> None:
    paths = " ".join(file.path for file in flash.firmware_files(order))
    other = "esp32" if order.board == "rp2" else "rp2"
    for part in ("linux", "desk_rig", "wiring/rig", other, "tests", "gateway"):
        assert part not in paths
    assert "a/main.py" in paths


def test_what_makes_the_board_start_is_laid_last(tmp_path: Path) -> None:
    files = flash.plan(ORDERS[0], "product=gas-alarm\n")
    for file in files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_bytes(file.data)
    copy, restart = flash.commands("COM7", "a", tmp_path)
    assert copy[:4] == ["connect", "COM7", "resume", "exec"]
    assert copy[-2:] == [str(tmp_path / "main.py"), ":/"]
    assert restart == ["connect", "COM7", "resume", "reset"]
    assert [file.path for file in files[-5:]] == ["settings.txt", "slot-0", "slot-1", "slots.py", "main.py"]


def test_slot_that_was_laid_is_the_one_in_use() -> None:
    order = flash.Order("rp2", "gas-alarm", "b", False)
    files = {file.path: file.data for file in flash.plan(order, "")}
    assert "b/main.py" in files
    assert not any(path.startswith("a/") for path in files)
    assert files["slot-0"] == files["slot-1"]
    assert files["slot-0"][4] == 1


def test_board_that_runs_from_its_image_gets_only_its_settings(tmp_path: Path) -> None:
    order = flash.Order("rp2", "gas-alarm", "image", True)
    files = {file.path: file.data for file in flash.plan(order, "product=gas-alarm\n")}
    assert sorted(files) == ["settings.txt", "slot-0", "slot-1"]
    assert files["slot-0"][4] == 2
    assert flash.table(flash.plan(order, ""), order).endswith("gas-alarm on rp2, from its image")
    assert ".frozen/image" in flash.commands("COM7", "image", tmp_path)[0][4]
    assert ".frozen/image" not in flash.commands("COM7", "a", tmp_path)[0][4]


@pytest.mark.board
def test_settings_for_an_image_are_not_laid_onto_a_board_without_one(board: Board) -> None:
    with pytest.raises(Failed, match="no firmware in the image of this board"):
        flash.lay(
            flash.plan(flash.Order("rp2", "gas-alarm", "image", True), "product=gas-alarm\n"), board.port, "image"
        )
    assert "settings.txt" not in board.files()


def test_compiled_file_runs_on_the_interpreter(micropython: Path, programs: None, tmp_path: Path) -> None:
    file = flash.as_file(flash.FIRMWARE / "slots.py", "slots.py", compiled=True)
    assert file.path == "slots.mpy"
    (tmp_path / file.path).write_bytes(file.data)
    command = [str(micropython), "-c", "import slots; print(slots.__file__, slots.record(7, 1).hex())"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.split() == ["slots.mpy", flash.own_module("slots").record(7, 1).hex()]


def test_file_that_does_not_compile_stops_the_flashing(programs: None, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f(:\n")
    with pytest.raises(Failed, match="SyntaxError"):
        flash.compile_file(wrong, "wrong.py")


def test_dry_run_tells_the_plan_and_keeps_the_key_to_itself(
    programs: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "site"
    secret.write_text(f"# the workshop\nwifi=yard\nwifi-key={KEY}\nperiod=5\n")
    asked = ["--board", "rp2", "--product", "gas-alarm", *SETTINGS, "--settings", str(secret), "--dry-run"]
    assert flash.main([*asked, "--port", "/dev/nowhere"]) == 0
    said = capsys.readouterr()
    assert "/a/main.mpy" in said.out
    assert "gas-alarm on rp2, slot a, compiled: " in said.out
    assert KEY not in said.out + said.err


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (["--set", "colour=red"], "colour"),
        (["--set", "level-1=30"], "level-1"),
        (["--set", "baud"], "'baud': it must be NAME=VALUE"),
        (["--settings", "/nowhere/site"], "--settings"),
        (["--gateway", "none"], "gateway none"),
        (["--set", "wifi="], "gateway needs wifi"),
        (["--gateway", "none", "--set", "wifi=", "--set", "modbus-tcp=502"], "modbus-tcp needs wifi"),
    ],
)
def test_wrong_settings_never_reach_a_board(wrong: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--board", "rp2", "--product", "gas-alarm", *SETTINGS, "--port", "/dev/nowhere", *wrong]
    assert flash.main(asked) == 1
    said = capsys.readouterr()
    assert what in said.err
    assert said.out == ""


def test_settings_are_those_of_the_board() -> None:
    options = flash.arguments(["--board", "rp2", "--product", "smart-bin", *SETTINGS, "--set", "height=900"])
    text = flash.settings_text(flash.settings_of(options))
    rules = flash.own_module("settings")
    found = rules.check(rules.pairs_of(text))
    assert (found["product"], found["height"], found["parts"], found["period"]) == ("smart-bin", 900, "board", 60.0)


def test_port_without_a_board_is_told(programs: None, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--board", "rp2", "--product", "gas-alarm", *SETTINGS, "--source", "--port", "/dev/nowhere"]
    assert flash.main(asked) == 1
    assert "/dev/nowhere" in capsys.readouterr().err


@pytest.mark.board
def test_board_holds_exactly_the_plan_after_flashing(board: Board) -> None:
    mpremote = ["connect", board.port, "resume", "exec"]
    before = "import os\nfor f in ('a', 'a/old', 'state'):\n os.mkdir('/' + f)\n"
    for path in ("a/old/gone.py", "a/kv.mpy", "slots.mpy", "state/config-a", "state/boot"):
        before += f"with open('/{path}', 'w') as file:\n file.write('before')\n"
    flash.run_program("mpremote", [*mpremote, before])
    files = flash.plan(ORDERS[0], "product=gas-alarm\n")
    flash.lay(files, board.port, "a")
    expected = sums([*files, flash.File("state/boot", b"before")])
    assert board.files() == expected


@pytest.mark.board
def test_flash_that_is_too_small_ends_with_an_error(micropython: Path, tmp_path: Path, programs: None) -> None:
    small = Board(micropython, tmp_path / "flash", blocks=16)
    try:
        with pytest.raises(Failed, match="mpremote"):
            flash.lay(flash.plan(ORDERS[0], "product=gas-alarm\n"), small.port, "a")
        assert "/main.py" not in small.files()
    finally:
        small.stop()


@pytest.mark.board
def test_board_that_runs_leaves_its_firmware_before_it_is_flashed(
    micropython: Path, tmp_path: Path, programs: None
) -> None:
    running = Board(micropython, tmp_path / "flash", 256, "watch")
    try:
        files = flash.plan(ORDERS[0], "product=gas-alarm\n")
        flash.lay(files, running.port, "a")
        assert running.files() == sums(files)
    finally:
        running.stop()


def test_board_is_the_only_one_there_is_or_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [SimpleNamespace(device=name, vid=vid) for name, vid in (("/dev/ttyS0", None), ("/dev/ttyACM1", 11914))]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    assert flash.port_of("auto") == "/dev/ttyACM1"
    assert flash.port_of("/dev/ttyACM7") == "/dev/ttyACM7"
    ports.append(SimpleNamespace(device="/dev/ttyACM0", vid=11914))
    with pytest.raises(Failed, match="/dev/ttyACM0, /dev/ttyACM1; name one"):
        flash.port_of("auto")
    del ports[:]
    with pytest.raises(Failed, match="no board is plugged in"):
        flash.port_of("auto")
