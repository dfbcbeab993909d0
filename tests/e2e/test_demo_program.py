"""`gengfu demo` from the first line to the last, again, and after `kill -9`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.program_run import Demo, Program, all_gone, is_alive, newest
from tests.e2e.stores import in_duckdb
from tests.fixtures.nice import nice_of, nice_of_program
from tests.fixtures.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.board, pytest.mark.usefixtures("micropython")]

DEVICES = ["demo:bin:0001", "demo:bin:0002", "demo:gas:0001", "demo:gas:0002", "demo:h2:0001"]
MEASURED = {"gas": "methane", "bin": "fill", "h2": "h2_1"}


def measured(device: str) -> str:
    """The point that a kind of board is there for."""
    return MEASURED[device.split(":")[1]]


def all_have_values(client: httpx.Client) -> bool:
    return all(measured(device) in newest(client, device) for device in DEVICES)


def known(client: httpx.Client) -> list[str]:
    return [item["id"] for item in client.get("/api/v1/devices").json()["items"]]


def history(client: httpx.Client, device: str) -> list[str]:
    """The times of the stored samples, oldest first."""
    now = datetime.now(UTC)
    span = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat()}
    answer = client.get("/api/v1/telemetry", params={"device": device, "point": measured(device), **span})
    assert answer.status_code == 200, answer.text
    return [item["at"] for item in answer.json()["items"]]


@contextmanager
def watching(client: httpx.Client) -> Iterator[threading.Event]:
    """An open event stream; the event is set when the server has ended it."""
    opened, ended = threading.Event(), threading.Event()

    def read() -> None:
        try:
            with client.stream("GET", "/api/v1/events", timeout=30) as stream:
                for _ in stream.iter_bytes():
                    opened.set()
        except httpx.TransportError:
            pass
        finally:
            ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert opened.wait(10)
    yield ended
    reader.join(10)


def test_the_demo_shows_five_boards_stops_at_ctrl_c_and_remembers(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with Demo(data) as first:
        first.says(r"\AGengfu \S+ demo, data in \S+")
        with first.enter() as client:
            assert client.get("/").status_code == 200
            assert sorted(known(client)) == DEVICES
            wait_for(lambda: all_have_values(client), 10, "values of all five boards")
            boards = first.boards()
            assert sorted(boards) == DEVICES
            assert all(is_alive(pid) for pid in boards.values())
            assert nice_of(first.process.pid) == nice_of_program()
            assert {nice_of(pid) for pid in boards.values()} == {nice_of()}, "they do not go first"
            wait_for(lambda: history(client, "demo:gas:0001"), 10, "stored samples")
            before = {device: history(client, device) for device in DEVICES}
            with watching(client) as ended:
                assert first.interrupt() == 0
                assert ended.wait(5)
    assert "Traceback" not in first.text
    assert "First start: user admin, password" in first.text
    assert first.text.endswith("Stopped.")
    all_gone(list(boards.values()), 0)

    with Demo(data) as again:
        with again.enter() as client:
            assert sorted(known(client)) == DEVICES
            assert {device: history(client, device)[: len(times)] for device, times in before.items()} == before
            wait_for(lambda: len(history(client, "demo:gas:0001")) > len(before["demo:gas:0001"]), 10, "new samples")
        assert again.interrupt() == 0
    assert "Traceback" not in again.text
    assert "First start" not in again.text
    times = in_duckdb(data)
    assert set(times.values()) == {1}
    assert {device for device, _ in times} == set(DEVICES)


def test_killed_demo_leaves_no_board_behind_and_starts_again(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with Demo(data) as killed:
        with killed.enter() as client:
            wait_for(lambda: all_have_values(client), 10, "values of all five boards")
        boards = killed.boards()
        killed.kill()
    all_gone(list(boards.values()))
    with Demo(data) as again:
        with again.enter() as client:
            wait_for(lambda: all_have_values(client), 10, "values of all five boards")
        assert set(again.boards().values()).isdisjoint(boards.values())
        assert again.interrupt() == 0
    assert "Traceback" not in again.text
    assert set(in_duckdb(data).values()) == {1}


def test_a_second_demo_on_the_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with Demo(tmp_path) as running:
        running.link()
        with Demo(tmp_path) as second:
            assert second.ends() == 3
        assert second.text.splitlines()[1:] == [
            f"gengfu demo: data folder {tmp_path} is in use by process {running.process.pid}; "
            "stop it or give another with --data DIR"
        ]
        with Program("demo", "status", "--data", tmp_path) as status:
            assert status.ends() == 0
        assert [line.split()[0] for line in status.text.splitlines()] == [
            "demo:gas:0001", "demo:gas:0002", "demo:bin:0001", "demo:bin:0002", "demo:h2:0001"
        ]  # fmt: skip
        assert running.interrupt() == 0
