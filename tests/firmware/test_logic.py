"""One suite, two interpreters: the firmware's logic and the shared codec under CPython and MicroPython."""

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocols.profile.loader import shipped_profiles
from tests.firmware.interpreters import HERE, run

SUITES = sorted(path.stem for path in (HERE / "logic").glob("logic_*.py"))
VECTORS = json.loads(Path(__file__).parents[1].joinpath("vectors/coap.json").read_text(encoding="utf-8"))["vectors"]
PRODUCTS = ("gengfu/gas-alarm", "gengfu/lpg-alarm", "gengfu/smart-bin", "gengfu/hydrogen-node")


@pytest.fixture(params=["cpython", "micropython"])
def interpreter(request: pytest.FixtureRequest) -> Path:
    """Each of the two."""
    if request.param == "cpython":
        return Path(sys.executable)
    found: Path = request.getfixturevalue("micropython")
    return found


@pytest.mark.parametrize("suite", SUITES)
def test_every_function_of_the_suite_passes(suite: str, interpreter: Path, tmp_path: Path) -> None:
    done = run(interpreter, HERE / "run_logic.py", suite, tmp_path)
    functions = re.findall(r"^def (test_\w+)", (HERE / f"logic/{suite}.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == sorted(functions)


def test_a_failing_function_fails_the_run(interpreter: Path, tmp_path: Path) -> None:
    done = run(interpreter, HERE / "run_logic.py", "failing", tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("test_a_passes\n")
    assert "on purpose" in done.stdout + done.stderr


def datagrams() -> list[bytes]:
    """All golden messages, every prefix of them, and 2000 that are damaged."""
    golden = [bytes.fromhex(vector["hex"]) for vector in VECTORS]
    found = golden + [whole[:size] for whole in golden for size in range(1, len(whole))]
    damage = random.Random(7252)
    for _ in range(2000):
        data = bytearray(damage.choice(golden))
        for _ in range(damage.randint(1, 2)):
            data[damage.randrange(len(data))] = damage.randrange(256)
        found.append(bytes(data) + damage.randbytes(damage.choice((0, 0, 3, 12))))
    return found


def test_codec_gives_equal_results_under_both(micropython: Path, tmp_path: Path) -> None:
    source = tmp_path / "datagrams"
    source.write_text("\n".join(data.hex() for data in datagrams()), encoding="ascii")
    first, second = (run(one, HERE / "wire_dump.py", source) for one in (sys.executable, micropython))
    assert (first.returncode, second.returncode) == (0, 0), second.stdout + second.stderr
    lines = first.stdout.splitlines()
    assert len(lines) == len(datagrams())
    assert lines == second.stdout.splitlines()
    assert 250 < sum(1 for line in lines if re.match(r"\d \d\.\d\d ", line)) < 2200


def test_flood_of_datagrams_does_not_hold_the_sampling(micropython: Path, tmp_path: Path) -> None:
    done = run(micropython, HERE / "flood_probe.py", tmp_path)
    assert done.stdout.splitlines()[-1:] == ["sampled"], done.stdout + done.stderr


@pytest.fixture(scope="module")
def shown(micropython: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each product shows and obeys, by profile."""
    done = run(micropython, HERE / "points_dump.py", tmp_path_factory.mktemp("points"))
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


TYPES: dict[str, Callable[[str], bool]] = {
    "number": lambda word: word in ("int", "float"),
    "counter": lambda word: word == "int",
    "enum": lambda word: word == "int",
    "flag": lambda word: word == "bool",
}


@pytest.mark.parametrize("profile", PRODUCTS)
def test_product_shows_exactly_the_points_of_its_profile(profile: str, shown: dict[str, Any]) -> None:
    points = {point.name: point.type for point in shipped_profiles()[profile].points}
    types = shown[profile]["types"]
    assert types.keys() == points.keys()
    assert [name for name, kind in points.items() if not TYPES[kind](types[name])] == []


@pytest.mark.parametrize("profile", PRODUCTS)
def test_product_obeys_exactly_the_commands_of_its_profile(profile: str, shown: dict[str, Any]) -> None:
    commands = [
        [command.name, command.coap.path, command.coap.payload]
        for command in shipped_profiles()[profile].file.command
        if command.coap is not None
    ]
    assert shown[profile]["commands"] == sorted(commands)
