"""The memory of each product, frozen into a 32-bit interpreter as into a board's image, in a heap of 64 KB."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.programs import missing
from tests.hil import boards, frozen, memory
from tests.hil.master import Master
from tests.hil.story import PRODUCTS
from tests.hil.unix_board import SmallUnixBoard

pytestmark = pytest.mark.board
LIVE_MOST = 40 * 1024
FREE_LEAST_OF_128 = 48 * 1024
LARGEST = 2048
STANDS = {"gas-alarm": "alarm", "smart-bin": "fault", "hydrogen-node": "esd"}
"""What the world of `on_board/pins.py` raises in each product."""
KEY = {"sender_id": "01", "recipient_id": "02", "master_secret": "00" * 16, "master_salt": "00" * 8}
STIMULI = {
    "gas-alarm": ("gas 60", "co 400", "garble co", "valve jammed"),
    "smart-bin": ("fill 96", "temperature 90", "tilt 60", "silent distance"),
    "hydrogen-node": ("h2_1 1.5", "flame on", "esd on", "open pressure_trailer"),
}


@pytest.fixture
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallUnixBoard]:
    """A board with a heap of 64 KB, or of what the test's parameter says."""
    parts = boards.parts()
    if not parts.builds.has_small:
        missing("the 32-bit interpreter is built on x86-64 machines only")
    with SmallUnixBoard([str(frozen.small(parts))], tmp_path, heap=getattr(request, "param", memory.HEAP)) as found:
        yield found


@pytest.mark.parametrize("product", PRODUCTS)
def test_shipped_board_fits_while_it_is_polled_in_alarm(small: SmallUnixBoard, product: str) -> None:
    found = memory.heap_of(small, product, parts="board")
    print(f"{product}: {found.live} bytes live, largest allocation {found.largest}")
    with Master(small) as master:
        small.wait(lambda: master.points()[STANDS[product]] == 1.0, "its alarm")
    assert 0 < found.live <= LIVE_MOST
    assert 0 < found.largest <= LARGEST


@pytest.mark.parametrize("product", PRODUCTS)
def test_board_on_the_rig_runs_in_the_same_heap_through_alarms_and_faults(small: SmallUnixBoard, product: str) -> None:
    found = memory.heap_of(small, product, STIMULI[product])
    print(f"{product}, with the rig: {found.live} bytes live, largest allocation {found.largest}")
    assert 0 < found.largest <= LARGEST


@pytest.mark.parametrize("small", ["128k"], indirect=True)
@pytest.mark.parametrize("secure", [False, True])
def test_board_whose_gateway_is_away_leaves_room_in_a_heap_of_128_kb(small: SmallUnixBoard, secure: bool) -> None:
    small.put({"key": json.dumps(KEY).encode()})
    # Nobody listens on the port for discarding (RFC 863).
    settings = {"gateway": "127.0.0.1:9", "ack_timeout": 0.2, "ring": 16, "oscore": "key" if secure else ""}
    found = memory.heap_of(small, "gas-alarm", parts="board", **settings)
    print(f"gas-alarm, CoAP, OSCORE {secure}: {found.live} bytes live, largest allocation {found.largest}")
    assert 0 < found.live <= 128 * 1024 - FREE_LEAST_OF_128
    assert 0 < found.largest <= LARGEST
