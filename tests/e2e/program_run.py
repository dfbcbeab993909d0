"""The real program as a user starts it: a process of its own, its output read line by line, ended by its pid."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from tests.fixtures.waiting import TooLate, wait_for

ROOT = Path(__file__).parents[2]
FROM_CHECKOUT = (sys.executable, "-m", "gengfu.cli")
LINK = re.compile(r"(http://\S+)/enter\?key=(\S+)")


def clean_environment() -> dict[str, str]:
    """This process's environment without what would change how the program runs."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("GENGFU", "PYTHON", "COV_", "PYTEST"))
    }


class Program:
    """One run of ``gengfu``. ``lines``: what it has printed, standard error included."""

    def __init__(
        self,
        *arguments: object,
        command: Sequence[str] = FROM_CHECKOUT,
        cwd: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.lines: list[str] = []
        self._fresh: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=cwd,
            env={**clean_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="output")
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._fresh.put(line.rstrip("\n"))
        self._fresh.put(None)

    @property
    def text(self) -> str:
        """Everything printed so far."""
        while not self._fresh.empty():
            line = self._fresh.get()
            if line is not None:
                self.lines.append(line)
        return "\n".join(self.lines)

    def says(self, pattern: str, timeout: float = 10.0) -> re.Match[str]:
        """The first match of ``pattern`` in the output. Fails when the program ends or the time is over."""
        deadline = time.monotonic() + timeout
        while (found := re.search(pattern, self.text)) is None:
            if self.process.poll() is not None and not self._reader.is_alive() and self._fresh.empty():
                raise TooLate(f"gengfu ended ({self.process.returncode}) before it said {pattern!r}:\n{self.text}")
            if time.monotonic() > deadline:
                raise TooLate(f"waited {timeout:g} s for {pattern!r}:\n{self.text}")
            time.sleep(0.01)
        return found

    def ends(self, timeout: float = 10.0) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TooLate(f"gengfu did not end within {timeout:g} s:\n{self.text}") from None
        self._reader.join()
        return code

    def interrupt(self, timeout: float = 3.0) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ends(timeout)

    def kill(self) -> None:
        """``kill -9``, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)


class Demo(Program):
    """``gengfu demo`` on free ports in a folder of its own."""

    def __init__(self, data: Path, **how: Any) -> None:
        super().__init__("demo", "--data", data, "--port", 0, "--coap-port", 0, **how)
        self.data = data

    def link(self, timeout: float = 10.0) -> tuple[str, str]:
        """Address and key of the printed link."""
        found = self.says(LINK.pattern, timeout)
        return found[1], found[2]

    @contextmanager
    def enter(self) -> Iterator[httpx.Client]:
        """A browser's session, opened by the printed link."""
        address, key = self.link()
        with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
            answer = client.get("/enter", params={"key": key})
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            yield client

    def boards(self) -> dict[str, int]:
        """Process ids of the boards by device, as ``gengfu demo status`` tells them."""
        command = [*FROM_CHECKOUT, "demo", "status", "--json", "--data", str(self.data)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
        return {board["device"]: board["pid"] for board in json.loads(done.stdout)["boards"]}


def newest(client: httpx.Client, device: str) -> dict[str, Any]:
    """The newest value of each point of a device, over the API."""
    answer = client.get(f"/api/v1/devices/{device}/latest")
    assert answer.status_code == 200, answer.text
    return {item["point"]: item["value"] for item in answer.json()["items"]}


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and was not yet collected does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def all_gone(pids: Sequence[int], timeout: float = 10.0) -> None:
    """Wait until none of these processes runs."""
    wait_for(lambda: not any(is_alive(pid) for pid in pids), timeout, f"the end of the processes {list(pids)}")
