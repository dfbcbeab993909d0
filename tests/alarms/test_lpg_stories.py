"""Stories of bottled gas: its own rules, the device's own alarm, and the rules it shares with methane."""

from protocols.profile.loader import shipped_profiles
from protocols.reading import Origin, Reading
from tests.fixtures.alarm_stories import Story, do, only
from tests.fixtures.stories import at

LPG = shipped_profiles()["gengfu/lpg-alarm"]
QUIET = {"lpg": 0.0, "co": 0.0, "alarm": 0.0, "fault": 0.0, "warm_up": 0.0, "over_range": 0.0}
EVERY_GAS_RULE = ("CK-01", "CK-02", "CK-04", "CK-05", "CK-06", "CK-07", "BL-01", "BL-02")


def told(seconds: float, **values: float) -> Reading:
    points = tuple((QUIET | values).get(point.name) for point in LPG.points)
    return Reading("gas:1", LPG.id, at(seconds).wall, at(seconds).wall, Origin.LIVE, points, LPG.qualify(points))


def story(*rules: str) -> Story:
    return Story(only(*rules), profile=LPG)


def test_early_warning_of_lpg_latches() -> None:
    story("CK-01", "CK-05").tell(
        [
            (0, told(0, lpg=9.9), []),
            (10, told(10, lpg=10.0), []),
            (20, None, ["CK-05 unacknowledged @20"]),
            (30, told(30, lpg=7.9), []),
            (90, None, ["CK-05 latched-unacknowledged @90"]),
            (91, do("acknowledge", "CK-05"), ["CK-05 latched-acknowledged @91"]),
            (92, told(92, lpg=1.0), []),
            (93, do("reset", "CK-05"), ["CK-05 normal @93"]),
        ]
    )


def test_lpg_over_level_1_is_told_at_once_and_a_dip_into_the_dead_band_clears_nothing() -> None:
    story("CK-04", "CK-06").tell(
        [
            (0, told(0, lpg=24.9), []),
            (1, told(1, lpg=25.0), ["CK-06 unacknowledged @1"]),
            (2, told(2, lpg=60.0), []),
            (3, told(3, lpg=20.0), []),
            (200, told(200, lpg=19.9), []),
            (320, told(320, lpg=0.0), ["CK-06 latched-unacknowledged @320"]),
        ]
    )


def test_alarm_bit_alone_is_level_1_of_lpg_too() -> None:
    story(*EVERY_GAS_RULE).tell([(0, told(0, alarm=1.0), []), (5, None, ["CK-02 unacknowledged @5"])])


def test_lpg_detector_that_fails_while_rising_is_blind() -> None:
    story("BL-01").tell(
        [(0, told(0, lpg=6.0), []), (1, told(1, fault=1.0), []), (11, None, ["BL-01 unacknowledged @11"])]
    )


def test_lpg_over_range_is_the_highest_level() -> None:
    story("CK-07").tell([(0, told(0, lpg=101.0), ["CK-07 unacknowledged @0"])])
