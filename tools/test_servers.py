"""Brings the real servers and programs that the tests use.

Debian packages are downloaded (`apt-get download`) and unpacked (`dpkg -x`) into the git-ignored cache
`.cache/servers`: nothing is installed on the machine and no service is started. Libraries that the machine
lacks come along. Chromium and the Chinese fonts cannot run from such a cache; they are installed for real,
but only with ``CI=true`` or ``APT=1``.

Exit codes: 0 everything is there, or it is missing on a developer's machine (the tests that need it skip and
say why); 1 something is missing and ``CI=true``.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "servers"
LISTS = Path("/var/lib/apt/lists")
LISTS_MAX_AGE_S = 24 * 3600.0
"""In CI older package lists are refreshed first: a package that moved on would answer «not found»."""
APT = ("-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0")
"""Root downloads as itself: apt's own user may not enter the checkout."""


class Program(NamedTuple):
    """A program of the tests. ``probe``: arguments with which it proves that it runs, and ends with 0, 1 or 3
    (some print their usage with 1, mosquitto with 3) and ``says`` in what it prints."""

    name: str
    package: str
    probe: tuple[str, ...]
    says: str


PROGRAMS = (
    Program("influxd", "influxdb", ("version",), "InfluxDB v1."),
    Program("coap-client", "libcoap3-bin", ("-h",), "coap-client"),
    Program("coap-server", "libcoap3-bin", ("-h",), "coap-server"),
    Program("mbpoll", "mbpoll", ("-h",), "ModBus Master Simulator"),
    Program("socat", "socat", ("-V",), "socat version"),
    Program("mosquitto", "mosquitto", ("-h",), "mosquitto version"),
    Program("mosquitto_pub", "mosquitto-clients", ("--help",), "mosquitto_pub version"),
    Program("mosquitto_sub", "mosquitto-clients", ("--help",), "mosquitto_sub version"),
    Program("postgres", "postgresql", ("--version",), "postgres (PostgreSQL)"),
    Program("initdb", "postgresql", ("--version",), "initdb (PostgreSQL)"),
)
ALIASES = {name: (name, f"{name}-openssl") for name in ("coap-client", "coap-server")}
"""Debian names these programs after their TLS library and links the short name only on installing."""
POSTGRESQL = "lib/postgresql/*/bin"
"""Below ``/usr``: Debian keeps the servers of its versions apart, and out of everybody's path."""
INSTALLED = (("chromium", "chromium"), ("fonts", "fonts-noto-cjk"), ("libatomic", "libatomic1"))
"""What has to be installed for real: the name used here, and the package. The program that drives the browser (Node,
inside the Playwright wheel) needs libatomic, which a small Debian lacks."""


def environment(root: Path | None = None) -> dict[str, str]:
    """The environment in which a program of the cache finds the libraries that came with it."""
    root = root or CACHE / "root"
    folders = [str(path) for base in ("usr/lib", "lib") for path in sorted(root.glob(f"{base}/*-linux-gnu*"))]
    return {"LD_LIBRARY_PATH": ":".join(folders), "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def locate(name: str, root: Path | None = None) -> Path | None:
    """Where a program stands: in the cache, else on the machine, else ``None``."""
    root = root or CACHE / "root"
    names = ALIASES.get(name, (name,))
    folders = [root / "usr" / "bin", root / "usr" / "sbin", *sorted(root.glob(f"usr/{POSTGRESQL}"))]
    cached = (folder / each for each in names for folder in folders)
    own = sorted(map(str, Path("/usr").glob(POSTGRESQL)))
    places = ":".join([os.environ.get("PATH", os.defpath), "/usr/sbin", *own])
    on_path = (Path(found) for each in names if (found := shutil.which(each, path=places)))
    return next((path for path in cached if path.is_file()), None) or next(on_path, None)


def fault_of(program: Program, root: Path | None = None) -> str | None:
    """``None`` when the program runs, else what is wrong with it."""
    path = locate(program.name, root)
    if path is None:
        return f"{program.name} missing (Debian package {program.package})"
    try:
        done = subprocess.run(
            [path, *program.probe],
            env=environment(root),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program.name} does not run: {error}"
    output = done.stdout + done.stderr
    if done.returncode in (0, 1, 3) and program.says in output:
        return None
    return f"{program.name} ({path}) does not run: {output.strip()[:200] or f'exit {done.returncode}'}"


def has_installed(name: str) -> bool:
    """Whether Chromium, a font that has Chinese characters, or libatomic is on this machine."""
    if name == "chromium":
        return any(shutil.which(command) for command in ("chromium", "chromium-browser", "google-chrome"))
    if name == "libatomic":
        return _loads("libatomic.so.1")
    fonts = shutil.which("fc-list")
    if fonts is None:
        return any(Path("/usr/share/fonts").rglob("NotoSansCJK*"))
    listed = subprocess.run([fonts, ":lang=zh-cn", "file"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


class Failed(Exception):
    """A step did not work. The message says which, and what to do."""


def run(*command: str, cwd: Path | None = None) -> str:
    """What the command printed. Raises `Failed` with the end of its messages."""
    env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=900, check=False)
    except OSError as error:
        raise Failed(f"{command[0]} cannot be started ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"«{' '.join(command[:3])} ...» did not end within 15 minutes") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg"))]
        raise Failed(f"«{' '.join(command)}» failed: {' '.join(lines)[:400] or done.stderr.strip()[-400:]}")
    return done.stdout


def lists_age_s(now: float, lists: Path = LISTS) -> float | None:
    """Seconds since the package lists were fetched, or ``None`` when there are none."""
    if not any(lists.glob("*_Packages*")):
        return None
    # The lists keep their publisher's date; the folders change when lists are fetched.
    return now - max(folder.stat().st_mtime for folder in (lists, lists / "partial") if folder.is_dir())


def update(now: float, in_ci: bool, is_root: bool) -> None:
    """Fetch the package lists when there are none, or in CI when they are old."""
    if shutil.which("apt-get") is None:
        raise Failed("this machine has no apt-get; install the programs named below by its own means")
    age = lists_age_s(now)
    if age is None and not is_root:
        raise Failed("there are no package lists on this machine; run: sudo apt-get update")
    if is_root and (age is None or (in_ci and age > LISTS_MAX_AGE_S)):
        run("apt-get", *APT, "update", "-qq")


def wanted(packages: Sequence[str], simulate: Callable[..., str] = run) -> list[str]:
    """The packages, and those they need that this machine lacks."""
    plan = simulate("apt-get", *APT, "install", "--simulate", "--no-install-recommends", *packages)
    lines = [line.split() for line in plan.splitlines()]
    needed = [words[1] for words in lines if words[:1] == ["Inst"] and not words[2].startswith("[")]
    return sorted({*packages, *needed})


def fetch(programs: Sequence[Program], is_root: bool) -> None:
    """Download and unpack. The cache is replaced in one step, so an interrupted run leaves the old one."""
    debs, fresh = CACHE / "debs", CACHE / "root.new"
    for folder in (debs, fresh):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    packages = wanted([program.package for program in programs])
    print(f"test servers: fetching {', '.join(packages)}", flush=True)
    try:
        run("apt-get", *APT, "download", "-qq", *packages, cwd=debs)
    except Failed:
        if not is_root:
            raise
        run("apt-get", *APT, "update", "-qq")  # the lists named a version that is gone by now
        run("apt-get", *APT, "download", "-qq", *packages, cwd=debs)
    for deb in sorted(debs.glob("*.deb")):
        run("dpkg", "-x", str(deb), str(fresh))
    shutil.rmtree(CACHE / "root", ignore_errors=True)
    fresh.rename(CACHE / "root")
    shutil.rmtree(debs)


def install(names: Sequence[str]) -> None:
    """Install what cannot run from the cache."""
    packages = [package for name, package in INSTALLED if name in names]
    print(f"test servers: installing {', '.join(packages)}", flush=True)
    run("apt-get", *APT, "install", "-y", "-qq", "--no-install-recommends", *packages)


def attempt(step: Callable[[], None], problems: list[str]) -> None:
    """Take a step, and note what is wrong with it."""
    try:
        step()
    except (Failed, OSError) as error:
        problems.append(str(error))


def bring(settings: Mapping[str, str], is_root: bool, now: float) -> list[str]:
    """Bring what is missing. Returns what is missing afterwards, and why."""
    in_ci = settings.get("CI") == "true"
    faulty = [program for program in PROGRAMS if fault_of(program)]
    absent = [name for name, _ in INSTALLED if not has_installed(name)]
    may_install = is_root and (in_ci or settings.get("APT") == "1")
    problems: list[str] = []
    if faulty or (absent and may_install):
        attempt(lambda: update(now, in_ci, is_root), problems)
    if faulty and not problems:
        attempt(lambda: fetch(PROGRAMS, is_root), problems)
    if absent and may_install and not problems:
        attempt(lambda: install(absent), problems)
    problems += [fault for program in PROGRAMS if (fault := fault_of(program))]
    for name, package in INSTALLED:
        if not has_installed(name):
            problems.append(f"{name} missing; run: sudo apt-get install --no-install-recommends {package}")
    return problems


def main() -> int:
    """Bring everything and report in a line for each missing thing."""
    problems = bring(os.environ, os.geteuid() == 0, time.time())
    in_ci = os.environ.get("CI") == "true"
    for problem in problems:
        ending = "" if in_ci else " (the tests that need it will be skipped)"
        print(f"test servers: {problem}{ending}", file=sys.stderr)
    return 1 if problems and in_ci else 0


if __name__ == "__main__":
    sys.exit(main())
