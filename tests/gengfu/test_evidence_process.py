"""Evidence is copied by a process of its own, which is begun anew when it is killed and never outlives the gateway."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gengfu.evidence.copying import CopyProcess, Folders
from tests.fixtures.towns import KITCHEN, Kept, Town
from tests.fixtures.waiting import wait_for

LEAK = {"methane": 55.0}


def runs(pid: int) -> bool:
    """Whether a process is there that is more than a number nobody asked after."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def folders_of(folder: Path) -> Folders:
    return Folders(*(folder / name for name in ("evidence", "journal", "downlink", "frames")))


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Whose evidence is copied as in the program."""
    opened = await Town(tmp_path).open()
    opened.keeper._copier = CopyProcess(folders_of(tmp_path))
    yield opened
    await opened.close()


def copier_of(town: Town) -> CopyProcess:
    copier = town.keeper._copier
    assert isinstance(copier, CopyProcess)
    return copier


def pid_of(town: Town) -> int:
    pid = copier_of(town).pid
    assert pid is not None
    return pid


async def test_a_process_is_there_while_evidence_is_gathered_and_no_longer(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.hear(1)
    await town.step()
    assert copier_of(town).pid is None
    town.hear(2, **LEAK)
    await town.step()
    pid = pid_of(town)
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0), "the gateway goes first"
    assert os.getsid(pid) != os.getsid(0), "Ctrl-C is not for it"
    town.hear(50)
    await town.step()
    assert pid_of(town) == pid
    (path,) = town.files()
    assert Kept(path).readings == [("gas:1", 1), ("gas:1", 2), ("gas:1", 50)]
    assert Kept(path).frames == ["gas:1 1", "gas:1 2", "gas:1 50"]
    await town.step(100)
    assert Kept(path).about.is_closed
    assert copier_of(town).pid is None
    assert not runs(pid)
    assert [one.levelname for one in caplog.records if KITCHEN in one.getMessage()] == ["WARNING", "WARNING"]


async def test_one_that_was_killed_is_told_and_another_goes_on(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.hear(2, **LEAK)
    await town.step()
    first = pid_of(town)
    os.kill(first, signal.SIGKILL)
    town.hear(3)
    await town.step()
    assert "evidence is not copied" in caplog.text
    town.hear(4)
    await town.step()
    assert pid_of(town) != first
    (path,) = town.files()
    assert Kept(path).readings == [("gas:1", 2), ("gas:1", 3), ("gas:1", 4)]
    assert Kept(path).frames == ["gas:1 2", "gas:1 3", "gas:1 4"]


async def test_it_ends_with_the_gateway_and_the_next_one_goes_on(town: Town, tmp_path: Path) -> None:
    town.hear(2, **LEAK)
    await town.step()
    pid = pid_of(town)
    await town.close()
    assert not runs(pid)
    await town.open()
    town.keeper._copier = CopyProcess(folders_of(tmp_path))
    town.hear(3)
    await town.step()
    (path,) = town.files()
    assert Kept(path).readings == [("gas:1", 2), ("gas:1", 3)]


async def test_what_it_cannot_do_is_told_here_and_counted(
    town: Town, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "evidence").write_text("in the way")
    town.hear(1, **LEAK)
    for _ in range(2):
        await town.step()
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert len(told) == 1
    assert str(tmp_path / "evidence") in told[0]
    failing = next(one for one in town.keeper.collect() if one.name == "gengfu_evidence_failing")
    assert failing.samples[0].value == 1
    (tmp_path / "evidence").unlink()
    await town.step()
    assert Kept(town.files()[0]).readings == [("gas:1", 1)]


def test_it_does_not_outlive_a_gateway_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path;"
        "from gengfu.evidence.copying import CopyProcess, Folders; from gengfu.evidence.order import Order;"
        "copies = CopyProcess(Folders(*[Path(one) for one in sys.argv[1:]]));"
        "copies._ask(Order([], {}, [], [], 0, 0)); print(copies.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, folders_of(tmp_path))], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as gateway:
        assert gateway.stdout is not None
        pid = int(gateway.stdout.readline())
        assert runs(pid)
        gateway.kill()
    wait_for(lambda: not runs(pid))
