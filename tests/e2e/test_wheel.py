"""The wheel in an empty virtual environment, outside the checkout: everything the demo needs is in it."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.e2e.program_run import ROOT, Demo, clean_environment, newest
from tests.fixtures.programs import missing
from tests.fixtures.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.board, pytest.mark.usefixtures("micropython")]

UV = Path(sys.executable).with_name("uv")
SHIPPED = {
    "alarms/rules": "*.toml",
    "console/pages": "*",
    "console/static": "**/*",
    "firmware/micropython": "**/*.py",
    "interlocks/matrices": "*.toml",
    "operations/plans": "*.toml",
    "protocols/profiles": "*/*.toml",
    "sites": "**/*.toml",
}
PLACE_IN_WHEEL = {"firmware/micropython": "gengfu/_firmware", "sites": "gengfu/_sites"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder of programs of a new environment that has the wheel and what the runtime lock names."""
    place = wheel.parent / "environment"
    environment = {**clean_environment(), "VIRTUAL_ENV": str(place)}

    def uv(*arguments: str) -> None:
        done = subprocess.run([UV, *arguments], capture_output=True, text=True, env=environment, check=False, cwd=ROOT)
        if "error sending request" in done.stderr or "Failed to fetch" in done.stderr:
            missing(f"the locked packages cannot be had: {done.stderr.splitlines()[-1]}")
        assert done.returncode == 0, done.stderr

    uv("venv", "--python", sys.executable, str(place))
    uv("pip", "sync", "--compile-bytecode", "requirements/runtime.lock")
    uv("pip", "install", "--no-deps", "--compile-bytecode", str(wheel))
    return place / "bin"


@pytest.mark.parametrize("folder", SHIPPED)
def test_the_wheel_carries_the_data_the_program_reads(wheel: Path, folder: str) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    wanted = {
        f"{PLACE_IN_WHEEL.get(folder, folder)}/{path.relative_to(ROOT / folder).as_posix()}"
        for path in (ROOT / folder).glob(SHIPPED[folder])
        if path.is_file() and "__pycache__" not in path.parts and path.name != "README.md"
    }
    assert wanted
    assert wanted - names == set()


def test_the_wheel_carries_no_tests_benchmarks_or_tools(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        roots = {name.partition("/")[0] for name in archive.namelist()}
    assert roots & {"bench", "docs", "tests", "tools", "firmware", "sites", "dashboards"} == set()


def test_the_wheel_in_an_empty_environment_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    with Demo(Path("data"), command=[str(installed / "gengfu")], cwd=tmp_path) as demo:
        demo.says(r"\AGengfu \S+ demo, data in data")
        with demo.enter() as client:
            assert client.get("/").status_code == 200
            devices = [item["id"] for item in client.get("/api/v1/devices").json()["items"]]
            wait_for(lambda: all(newest(client, device) for device in devices), 15, f"values of {devices}")
        assert demo.interrupt() == 0
    assert "Traceback" not in demo.text
    assert (tmp_path / "data" / "stamp").read_text() == "demo\n"
