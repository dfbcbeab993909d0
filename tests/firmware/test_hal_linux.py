"""The hal of the unix port, under its real interpreter: identity, restarts, watchdog, serial lines, TCP."""

import json
import os
import socket
import subprocess
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.firmware.interpreters import HERE, module_paths, run
from tests.fixtures.ports import unused_port
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.board

PROBE = HERE / "hal_probe.py"
FRAME = bytes(range(256))


class Line:
    """A pseudo-terminal: ``path`` is the board's end, and stays when the line is cut and laid anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = -1
        self.heard = b""
        self.lay()

    def lay(self) -> None:
        """A new line behind the same path."""
        self.fd, end = os.openpty()
        tty.setraw(end)
        new = self.path.with_suffix(".new")
        new.symlink_to(os.ttyname(end))
        new.rename(self.path)
        os.close(end)
        os.set_blocking(self.fd, False)

    def cut(self) -> None:
        """Hang up."""
        os.close(self.fd)
        self.fd = -1

    def read(self) -> bytes:
        """What has arrived. A line that nobody has open has nothing."""
        data = b""
        with suppress(BlockingIOError, OSError):
            data = os.read(self.fd, 4096)
        self.heard += data
        return data

    def answers(self, data: bytes) -> bool:
        """Whether ``data`` comes back, sent again and again until the board has opened its end."""
        os.write(self.fd, data)
        got = bytearray()

        def came() -> bool:
            got.extend(self.read())
            return bytes(got[-len(data) :]) == data

        with suppress(AssertionError):
            return wait_for(came, 0.5)
        return False


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A line that is closed at the end."""
    made = Line(tmp_path / "tty")
    yield made
    if made.fd >= 0:
        made.cut()


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(micropython: Path) -> Iterator[Start]:
    """Starts a piece of the probe that runs until its stdin ends."""
    running: list[subprocess.Popen[str]] = []

    def make(*arguments: str | Path) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [str(micropython), str(PROBE), *map(str, arguments)]
        running.append(subprocess.Popen(command, env=module_paths(), stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return running[-1]

    yield make
    for process in running:
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


def test_folder_is_made_and_identity_outlives_the_run(micropython: Path, tmp_path: Path) -> None:
    state = tmp_path / "deep/flash"
    first, again = (run(micropython, PROBE, "identity", state).stdout.split() for _ in range(2))
    assert first[:2] == [str(state), "1"]
    assert again == first
    assert len(bytes.fromhex(first[2])) == 8
    other = run(micropython, PROBE, "identity", tmp_path / "other").stdout.split()
    assert other[2] != first[2]


def test_identity_that_is_not_whole_is_drawn_anew(micropython: Path, tmp_path: Path) -> None:
    (tmp_path / "unique-id").write_bytes(b"half")
    drawn, kept = (run(micropython, PROBE, "identity", tmp_path).stdout.split()[2] for _ in range(2))
    assert (len(drawn), kept) == (16, drawn)


@pytest.mark.parametrize(("piece", "cause"), [("restart", "4"), ("unfed", "3"), ("held", "3")])
def test_cause_of_a_restart_is_told_once(piece: str, cause: str, micropython: Path, tmp_path: Path) -> None:
    ended = run(micropython, PROBE, piece, tmp_path)
    assert (ended.returncode, "never" in ended.stdout, ended.stderr) == (75, False, "")
    causes = [run(micropython, PROBE, "identity", tmp_path).stdout.split()[1] for _ in range(2)]
    assert causes == [cause, "1"]


def test_note_that_cannot_be_read_is_an_unknown_cause(micropython: Path, tmp_path: Path) -> None:
    (tmp_path / "reset").write_bytes(b"soft")
    causes = [run(micropython, PROBE, "identity", tmp_path).stdout.split()[1] for _ in range(2)]
    assert causes == ["0", "1"]


def test_fed_watchdog_lets_the_board_work_and_shows_it(micropython: Path, tmp_path: Path) -> None:
    done = run(micropython, PROBE, "fed", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "worked"
    assert [json.loads(one) for one in lines[:-1]] == [{"event": "alive"}] * (len(lines) - 1)
    assert len(lines) > 2


def test_memory_clock_and_randomness_are_there(micropython: Path) -> None:
    assert run(micropython, PROBE, "facts").stdout.splitlines() == ["int True True True", "True"]


@pytest.mark.parametrize(("baud", "speed"), [(9600, termios.B9600), (19200, termios.B19200), (115200, termios.B115200)])
def test_line_is_raw_at_its_speed_and_carries_every_byte(baud: int, speed: int, line: Line, start: Start) -> None:
    start("uart", line.path, baud)
    assert wait_for(lambda: line.answers(b"ready"), what="the echo")
    assert line.answers(FRAME)
    flags = termios.tcgetattr(line.fd)
    assert flags[4:6] == [speed, speed]
    assert flags[3] & (termios.ECHO | termios.ICANON | termios.ISIG) == 0


def test_line_that_hung_up_is_opened_again(line: Line, start: Start) -> None:
    process = start("uart", line.path, 9600)
    assert wait_for(lambda: line.answers(b"before"), what="the first echo")
    line.cut()
    line.lay()
    assert wait_for(lambda: line.answers(b"after"), what="the echo of the new line")
    assert process.poll() is None


def test_line_that_is_not_there_yet_is_waited_for(tmp_path: Path, start: Start) -> None:
    process = start("uart", tmp_path / "tty", 9600)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("hello\n")
    process.stdin.flush()
    assert process.stdout.readline() == "line hello\n"
    line = Line(tmp_path / "tty")
    assert wait_for(lambda: line.answers(b"late"), what="the echo")
    line.cut()


def test_line_that_nobody_reads_does_not_hold_the_board(line: Line, micropython: Path) -> None:
    assert run(micropython, PROBE, "unread", line.path).stdout == "not held\n"


def test_what_waited_in_the_line_before_the_start_is_thrown_away(line: Line, start: Start) -> None:
    end = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    os.write(line.fd, b"old command")
    start("uart", line.path, 9600)
    assert wait_for(lambda: line.answers(b"new"), what="the echo")
    os.close(end)
    assert set(line.heard.replace(b"new", b"")) == set()


def test_wrong_speed_is_named_with_the_right_ones(line: Line, micropython: Path) -> None:
    said = run(micropython, PROBE, "wrong_baud", line.path).stdout
    assert said.startswith("baud: 12345 is not one of 9600, 19200, ")


def test_pins_of_a_process_say_what_to_do(micropython: Path) -> None:
    assert run(micropython, PROBE, "pins").stdout.count("--parts rig") == 4


def test_peers_over_tcp_are_heard_one_after_the_other(start: Start) -> None:
    port = unused_port()
    process = start("tcp", str(port))
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    for said in (FRAME, b"again"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(said)
            got = b""
            while len(got) < len(said):
                got += peer.recv(4096)
            assert got == said


@pytest.mark.parametrize("ends", ["\n", "\r", "\r\n"])
def test_console_takes_the_line_ends_of_terminals(ends: str, tmp_path: Path, start: Start) -> None:
    process = start("uart", tmp_path / "none", 9600)
    output, _ = process.communicate(f"valve close{ends}gas 5{ends}", timeout=10)
    assert [one for one in output.splitlines() if one != "line "] == ["line valve close", "line gas 5"]
