"""Stories of a home: the device closes its own valve, and the gateway does where the device has not."""

from pathlib import Path
from typing import Any

import pytest

import interlocks
from interlocks.engine import InterlockEngine
from interlocks.errors import ResetRefused
from interlocks.matrix import load_matrix
from interlocks.record import InterlockRecord
from interlocks.zone import Zone
from protocols.quality import Quality
from protocols.reading import Origin
from tests.fixtures.kitchens import EX_FAN, UP, Kitchen
from tests.fixtures.stories import at, gas_reading, marked

MATRIX = load_matrix(Path(interlocks.__file__).parent / "matrices/household.toml")
ID = "home~household"
LEAK = {"methane": 10.0}
CLOSED = {"valve": 2.0}


class Home(Kitchen):
    """The same engine over one home, whose fan could be started."""

    def __init__(self) -> None:
        super().__init__()
        self.zone = Zone("home", "home-kitchen", True, (EX_FAN, UP))
        self.engine = InterlockEngine([MATRIX], [self.zone], at(0))

    def again(self, seconds: float) -> None:
        """The gateway is killed and started again on what was stored."""
        self.engine = InterlockEngine([MATRIX], [self.zone], at(seconds))
        self.engine.load(self.stored, at(seconds))
        self.take(at(seconds).mono)

    def say(self, begin: int, end: int, origin: Origin = Origin.LIVE, **values: Any) -> None:
        """What its alarm says every 2 s, up to ``end``."""
        for second in range(begin, end, 2):
            quiet = () if origin is Origin.LIVE else (gas_reading(second),)
            self.hear(second, *quiet, gas_reading(second, origin=origin, **values))
        self.until(end)

    @property
    def record(self) -> InterlockRecord:
        return next(one for one in self.engine.records() if one.id == ID)


def home() -> Home:
    scene = Home()
    scene.say(0, 10)
    return scene


@pytest.mark.parametrize("said", [LEAK, {"alarm": 1.0}, {"methane": 103.0}, {"over_range": 1.0}])
def test_valve_that_the_device_has_not_closed_in_15_s_is_closed_by_the_gateway(said: dict[str, float]) -> None:
    scene = home()
    scene.say(10, 26, **said)
    assert scene.sent() == [(25, "gas:1", "close-valve")]


@pytest.mark.parametrize("said", [LEAK, {"over_range": 1.0}])
def test_device_that_closes_in_its_time_is_sent_nothing(said: dict[str, float]) -> None:
    scene = home()
    scene.say(10, 22, **said)
    scene.say(22, 60, **said, **CLOSED)
    assert scene.sent() == []


@pytest.mark.parametrize("valve", [0.0, 1.0, 3.0, 4.0, None])
def test_valve_that_is_unknown_open_moving_or_faulty_is_not_closed(valve: float | None) -> None:
    scene = home()
    scene.say(10, 26, **LEAK, valve=valve)
    assert scene.sent() == [(25, "gas:1", "close-valve")]


def test_closed_that_is_in_doubt_is_not_closed() -> None:
    scene = home()
    for second in range(10, 26, 2):
        scene.hear(second, marked(gas_reading(second, **LEAK, **CLOSED), Quality.UNCERTAIN_CLOCK, "valve"))
    scene.until(26)
    assert (25, "gas:1", "close-valve") in scene.sent()


def test_valve_that_is_opened_while_the_gas_is_there_is_closed_after_its_15_s() -> None:
    scene = home()
    scene.say(10, 20, **LEAK, **CLOSED)
    scene.say(20, 36, **LEAK, valve=1.0)
    assert scene.sent() == [(35, "gas:1", "close-valve")]


def test_valve_that_does_not_obey_hands_over_to_the_one_up_the_line() -> None:
    scene = home()
    scene.say(10, 40, **LEAK)
    scene.settle(40, "gas:1", False)
    assert scene.sent() == [(25, "gas:1", "close-valve"), (40, "up:1", "close-valve")]


def test_latch_is_not_reset_while_the_gas_is_there_though_the_valve_is_closed() -> None:
    scene = home()
    scene.say(10, 700, **LEAK, **CLOSED)
    with pytest.raises(ResetRefused, match="a cause still stands"):
        scene.engine.reset(ID, "li", True, at(699))


@pytest.mark.parametrize(("co", "row", "after"), [(100.0, "HH-2a", 900), (299.0, "HH-2a", 900), (300.0, "HH-2b", 60)])
def test_carbon_monoxide_closes_after_its_exposure_and_starts_no_fan(co: float, row: str, after: int) -> None:
    scene = home()
    scene.say(10, 10 + after - 1, co=co)
    assert scene.sent() == []
    scene.say(10 + after, 12 + after, co=co)
    assert scene.sent() == [(10 + after, "gas:1", "close-valve")]
    assert scene.statuses() == [(row, "E1", "gas:1", "issued"), (row, "E3", "gas:1", "held")]


def test_exposure_counts_down_while_the_air_is_clean() -> None:
    scene = home()
    scene.say(10, 610, co=150.0)  # ten minutes up
    scene.say(610, 910, co=10.0)  # five minutes down
    scene.say(910, 1509, co=150.0)
    assert scene.sent() == []
    scene.say(1509, 1514, co=150.0)
    assert [(device, name) for _, device, name in scene.sent()] == [("gas:1", "close-valve")]


def test_peaks_of_a_cooker_never_close() -> None:
    scene = home()
    for second in range(10, 7_000, 700):
        scene.say(second, second + 300, co=200.0)
        scene.say(second + 300, second + 700, co=10.0)
    assert scene.sent() == []


def test_lost_detector_goes_on_to_its_exposure() -> None:
    scene = home()
    scene.say(10, 20, co=350.0)
    scene.lost(21)
    scene.until(69)
    assert scene.sent() == []
    scene.until(72)
    assert [(device, name) for _, device, name in scene.sent()] == [("gas:1", "close-valve")]


@pytest.mark.parametrize("before", [{}, {"methane": 9.0}])
def test_lost_device_moves_nothing(before: dict[str, float]) -> None:
    scene = home()
    scene.say(10, 20, **before)
    scene.lost(21)
    scene.until(2000)
    assert scene.sent() == []


def test_device_that_falls_silent_in_alarm_has_not_closed() -> None:
    scene = home()
    scene.say(10, 14, **LEAK, **CLOSED)
    scene.lost(15)
    scene.until(31)
    assert scene.sent()[0] == (30, "gas:1", "close-valve")


def test_restart_in_the_15_s_closes_after_15_s_of_its_own() -> None:
    scene = home()
    scene.say(10, 20, **LEAK)
    scene.again(20)
    scene.say(20, 36, **LEAK)
    assert scene.sent() == [(35, "gas:1", "close-valve")]


def test_restart_after_the_trip_closes_again() -> None:
    scene = home()
    scene.say(10, 26, **LEAK)
    scene.again(27)
    scene.say(28, 30, **LEAK)
    assert [(device, name) for _, device, name in scene.sent()] == [("gas:1", "close-valve")] * 2


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
def test_what_is_not_live_sends_nothing(origin: Origin) -> None:
    scene = home()
    scene.say(10, 60, origin, **LEAK, co=400.0)
    assert scene.sent() == []
    assert scene.record.causes == []


def test_no_row_starts_or_stops_a_fan() -> None:
    actions = {effect.action for cause in MATRIX.cause for effect in cause.effect}
    assert actions == {"close-valve", "close-upstream-valve", "hold-fan"}
