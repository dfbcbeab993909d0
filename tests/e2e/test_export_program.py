"""Export from the running program, by the command line: a whole file, or none."""

import csv
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import httpx
import pytest

from protocols.quality import Quality
from protocols.reading import Origin
from tests.e2e.changing_site import PASSWORD
from tests.e2e.program_run import Program
from tests.fixtures.ports import unused_port
from tests.fixtures.stopped_site import SECOND, T0, WELL, StoppedSite, reading
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.e2e
MANY = 150_000
"""Values whose export takes long enough to be broken off."""
TIMES = ("--from", "2020-09-13T20:26:40", "--to", "2020-09-30")


class Running:
    """A site with something stored that runs, and the command line beside it."""

    def __init__(self, folder: Path) -> None:
        self.http = unused_port()
        self.site = StoppedSite(folder, self.http, unused_port(socket.SOCK_DGRAM))
        self.url = f"http://127.0.0.1:{self.http}"
        self.out = folder / "out"
        self.out.mkdir()

    def start(self) -> Program:
        program = Program("up", "-c", self.site.settings, environment={"GENGFU_ADMIN_PASSWORD": PASSWORD})
        program.says(r"Console: ", 30)
        return program

    def token(self) -> str:
        given = {"username": "admin", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/v1/auth/login", json=given, trust_env=False, timeout=30)
        return str(answer.json()["token"])

    def export(self, token: str, *options: object) -> Program:
        words = ("export", *TIMES, "--out", self.out, "--url", self.url, *options)
        return Program(*words, environment={"GENGFU_TOKEN": token})

    def files(self) -> list[str]:
        return sorted(one.name for one in self.out.iterdir())


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


@pytest.fixture
def few(running: Running) -> Iterator[Running]:
    """Three values, one of them of a drill."""
    running.site.keep(
        [
            reading(1, {"methane": 20.5, "note": "=井盖\n"}, {"methane": Quality.BAD_OVER_RANGE}),
            reading(SECOND, {"methane": 1.0}, origin=Origin.DRILL),
        ]
    )
    with running.start():
        yield running


def test_the_running_site_gives_csv_and_parquet_and_takes_no_history(few: Running) -> None:
    token = few.token()
    with few.export(token, "--json") as plain, few.export(token, "--format", "parquet", "--origin", "all") as typed:
        assert (plain.ends(60), typed.ends(60)) == (0, 0)
        file = Path(json.loads(plain.text)["file"])
    with file.open(newline="", encoding="utf-8") as opened:
        rows = [(row["time"], row["point"], row["value"], row["text"], row["unit"]) for row in csv.DictReader(opened)]
    assert rows == [
        ("2020-09-13T12:26:40.000000001Z", "methane", "20.5", "", "%{vol}"),
        ("2020-09-13T12:26:40.000000001Z", "note", "", "'=井盖\n", "1"),
    ]
    with closing(duckdb.connect()) as database:
        found = database.execute(
            f"SELECT epoch_ns(time), origin, text FROM '{file.with_suffix('.parquet')}'"
        ).fetchall()
    assert found == [(T0 + 1, "live", None), (T0 + 1, "live", "=井盖\n"), (T0 + SECOND, "drill", None)]
    with Program("import", file, "-c", few.site.settings) as refused:
        assert refused.ends(60) == 3
        assert "is in use by process" in refused.text
    with few.export("wrong", "--force") as stranger:
        assert stranger.ends(60) == 1
        assert "sign in" in stranger.text
    with few.export(token, "--device", "east:well:9", "--force") as unknown:
        assert unknown.ends(60) == 1
        assert "No device 'east:well:9' is registered." in unknown.text
    assert few.files() == ["gengfu-2020-09-13T202640-2020-09-30.csv", "gengfu-2020-09-13T202640-2020-09-30.parquet"]


@pytest.fixture
def many(running: Running) -> Running:
    running.site.keep([reading(n * SECOND, {"methane": float(n % 19)}) for n in range(MANY)])
    return running


def begun(one: Running) -> bool:
    return any(part.stat().st_size > 0 for part in one.out.iterdir())


def test_what_breaks_off_leaves_no_file(many: Running) -> None:
    with many.start() as program:
        token = many.token()
        for _ in range(3):  # more than may be read at the same time: each that is broken off makes room
            with many.export(token) as interrupted:
                wait_for(lambda: begun(many), 30, "the first values")
                interrupted.process.send_signal(signal.SIGINT)
                assert interrupted.ends(30) == 130
                assert many.files() == []
        with many.export(token) as cut:
            wait_for(lambda: begun(many), 30, "the first values")
            program.kill()
            assert cut.ends(60) == 3
            assert "broke off" in cut.text
        assert many.files() == []


def test_the_program_stops_while_it_is_exported(many: Running) -> None:
    with many.start() as program:
        with many.export(many.token()) as cut:
            wait_for(lambda: begun(many), 30, "the first values")
            assert program.interrupt(15) == 0
            assert cut.ends(60) == 3
        assert "Traceback" not in program.text
    assert many.files() == []
    assert len(many.site.rows()) == MANY
    assert many.site.rows()[0].device == WELL
