"""`kill -9` of the gateway while a device publishes: everything that the broker took is stored, once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gengfu import clock
from journal.entry import PARTITIONS
from journal.sqlite import SqliteJournal
from protocols.reading import decode_reading
from tests.fixtures.mosquitto import Mosquitto, Publisher, running
from tests.fixtures.mqtt_gateway import GAS

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]
PIECES, PIECE = 3, 60


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with running(tmp_path / "broker") as broker:
        yield broker


@contextmanager
def gateway(folder: Path, port: int, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """A gateway of its own process; killed at the end."""
    command = [sys.executable, "-m", "tests.fixtures.mqtt_gateway", str(folder), str(port), *more]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def stored(process: "subprocess.Popen[str]", count: int) -> None:
    """Wait until so many readings are stored."""
    assert process.stdout is not None
    while int(process.stdout.readline()) < count:
        pass


def sample(number: int) -> str:
    return f'[{{"n":"{GAS}/methane","v":{number / 10}}}]'


async def test_samples_without_time_or_number_are_stored_once_over_kills_of_the_gateway(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    folder = tmp_path / "journal"
    device = Publisher(mosquitto.port, f"gengfu/{GAS}/up")
    for piece in range(PIECES):
        with gateway(folder, mosquitto.port, "hold") as process:  # killed after the commit, before the acknowledgement
            stored(process, 0)
            for number in range(piece * PIECE, (piece + 1) * PIECE):
                device.say(sample(number))
            stored(process, (piece + 1) * PIECE)
    device.say(sample(PIECES * PIECE))
    device.close()
    with gateway(folder, mosquitto.port) as process:
        stored(process, PIECES * PIECE + 1)
    journal = SqliteJournal.open(folder, now=clock.wall())
    found = [decode_reading(one.entry.body) for one in journal.read(range(PARTITIONS), {}, 10 * PIECES * PIECE)]
    await journal.close()
    assert sorted(str(one.values[0]) for one in found) == sorted(str(one / 10) for one in range(PIECES * PIECE + 1))
