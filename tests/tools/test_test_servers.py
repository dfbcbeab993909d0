"""The tool that brings the test servers says exactly what is missing and ends as CI and people need."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import test_servers as tool

MISSING = tool.Program("gengfu-nonesuch", "nonesuch", ("-V",), "nonesuch")


def script(root: Path, name: str, body: str) -> None:
    path = root / "usr" / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run_copy(folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the tool, so with an empty cache, where neither apt-get nor a browser can be found."""
    (folder / "tools").mkdir()
    copy = shutil.copy(Path(tool.__file__), folder / "tools")
    env = {"CI": ci, "PATH": str(folder)}
    return subprocess.run([sys.executable, copy], env=env, capture_output=True, text=True, check=False)


def test_missing_programs_end_the_run_in_ci_with_one_line_each(tmp_path: Path) -> None:
    done = run_copy(tmp_path, ci="true")
    assert done.returncode == 1
    for name in ("influxd", "coap-client", "mbpoll", "socat", "chromium"):
        assert done.stderr.count(f"test servers: {name} missing") == 1
    assert "no apt-get" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_programs_are_only_told_on_a_developers_machine(tmp_path: Path) -> None:
    done = run_copy(tmp_path, ci="")
    assert done.returncode == 0
    assert "influxd missing (Debian package influxdb) (the tests that need it will be skipped)" in done.stderr


def test_a_program_that_is_not_there_or_does_not_run_is_a_fault(tmp_path: Path) -> None:
    assert tool.fault_of(MISSING, tmp_path) == "gengfu-nonesuch missing (Debian package nonesuch)"
    script(tmp_path, "gengfu-nonesuch", "echo error while loading shared libraries >&2; exit 127")
    assert "error while loading shared libraries" in (tool.fault_of(MISSING, tmp_path) or "")
    script(tmp_path, "gengfu-nonesuch", "echo nonesuch 1.0")
    assert tool.fault_of(MISSING, tmp_path) is None


def test_the_cache_stands_before_the_machine_and_aliases_are_found(tmp_path: Path) -> None:
    assert tool.locate("sh", tmp_path) == Path(shutil.which("sh") or "")
    script(tmp_path, "sh", "exit 0")
    assert tool.locate("sh", tmp_path) == tmp_path / "usr" / "bin" / "sh"
    script(tmp_path, "coap-client-openssl", "exit 0")
    assert tool.locate("coap-client", tmp_path) == tmp_path / "usr" / "bin" / "coap-client-openssl"


def test_programs_find_the_libraries_that_came_with_them(tmp_path: Path) -> None:
    folder = tmp_path / "usr" / "lib" / "x86_64-linux-gnu"
    folder.mkdir(parents=True)
    assert tool.environment(tmp_path)["LD_LIBRARY_PATH"] == str(folder)


def test_wanted_adds_what_the_machine_lacks_and_upgrades_nothing() -> None:
    plan = (
        "Inst libcoap3 (4.3.1-1 Debian:12 [amd64])\n"
        "Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64])\n"
        "Inst libcoap3-bin (4.3.1-1 Debian:12 [amd64])\n"
        "Conf libcoap3 (4.3.1-1 Debian:12 [amd64])\n"
    )
    assert tool.wanted(["libcoap3-bin"], lambda *_: plan) == ["libcoap3", "libcoap3-bin"]


def test_package_lists_have_an_age_only_when_there_are_lists(tmp_path: Path) -> None:
    (tmp_path / "partial").mkdir()
    assert tool.lists_age_s(5000, tmp_path) is None
    (tmp_path / "mirror_dists_main_Packages.lz4").touch()
    os.utime(tmp_path, (3000, 3000))
    os.utime(tmp_path / "partial", (4000, 4000))
    assert tool.lists_age_s(5000, tmp_path) == 1000


def test_a_failing_command_says_what_failed() -> None:
    with pytest.raises(tool.Failed, match=r"«sh -c .* failed: E: no such package"):
        tool.run("sh", "-c", "echo 'W: noise' >&2; echo 'E: no such package' >&2; exit 100")
    with pytest.raises(tool.Failed, match="gengfu-nonesuch cannot be started"):
        tool.run("gengfu-nonesuch")
