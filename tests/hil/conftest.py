"""The board of a test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.boards_seen import BOARD
from tests.hil import boards
from tests.hil.board import Board
from tests.hil.pico_emulator import PicoEmulator

HERE = Path(__file__).parent
LONGEST_S = 900
"""A minute of the emulated chip's time is two or three of ours."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "on_pico: runs on the emulated Pico even in a quick run")
    config.addinivalue_line("markers", "needs(*capabilities): runs only on boards that can do this")
    config.addinivalue_line("markers", "slow: waits long for the board; left out of a quick run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not boards.quick(os.environ):
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.timeout(LONGEST_S))
        return
    left_out = [item for item in items if item.get_closest_marker("slow")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "board" not in metafunc.fixturenames:
        return
    on_pico = metafunc.definition.get_closest_marker("on_pico") is not None
    kinds = boards.chosen(os.environ, on_pico=on_pico)
    needs = {one for marker in metafunc.definition.iter_markers("needs") for one in marker.args}
    kinds = [kind for kind in kinds if boards.CAPABILITIES[kind] >= needs]
    metafunc.parametrize("board", kinds, indirect=True)


@pytest.fixture
def board(request: pytest.FixtureRequest, micropython: Path, tmp_path: Path) -> Iterator[Board]:
    """A board, not started; its records stay over restarts within the test."""
    with boards.make(request.param, micropython, tmp_path) as found:
        request.node.user_properties.append((BOARD, found.title))
        yield found


@pytest.fixture
def pico(request: pytest.FixtureRequest, micropython: Path, tmp_path: Path) -> Iterator[PicoEmulator]:
    """An emulated Pico with an empty file system, for tests of the emulator itself."""
    with PicoEmulator(boards.parts(), micropython, tmp_path) as found:
        found.blank()
        request.node.user_properties.append((BOARD, found.title))
        yield found
