"""A limit: when it comes and when it goes; a stretch of time by its samples."""

from products.limit import Limit, Stretch


def play(limit, rows, now=0):
    """Rows of (ms, value, trusted, expected); a sample each 100 ms; returns the time."""
    for turn, (span, value, trusted, expected) in enumerate(rows):
        end = now + span
        while now < end:
            now += 100
            stands = limit.step(now, value, trusted)
        assert (stands, limit.stands) == (expected, expected), turn
    return now


def made(stands=False, on_ms=2000):
    return Limit(10.0, 8.0, on_ms, 5000, most_ms=1000, stands=stands)


def test_it_comes_after_its_delay_at_the_limit_itself():
    play(made(), [(1000, 9.9, True, False), (2000, 10.0, True, False), (100, 10.0, True, True)])
    play(made(on_ms=0), [(100, 9.9, True, False), (100, 10.0, True, True)])


def test_value_that_is_not_trusted_raises_it_and_does_not_end_it():
    limit = made()
    now = play(limit, [(2100, 12.0, False, True), (60000, 0.0, False, True)])
    play(limit, [(5000, 0.0, True, True), (100, 0.0, True, False)], now)


def test_delay_starts_anew_only_when_it_was_left_for_as_long():
    play(made(), [(100, 10.0, True, False), (1900, 0.0, True, False), (100, 10.0, True, True)])
    play(
        made(), [(100, 10.0, True, False), (2100, 0.0, True, False), (2000, 10.0, True, False), (100, 10.0, True, True)]
    )


def test_it_does_not_come_while_the_value_is_below():
    play(made(), [(500, 10.0, True, False), (60000, 9.9, True, False)])


def test_what_is_lost_in_the_delay_counts_as_over_and_elsewhere_as_nothing():
    play(made(), [(100, 10.0, True, False), (1900, None, False, False), (100, None, False, True)])
    play(made(), [(60000, None, False, False)])
    play(made(stands=True), [(60000, None, False, True)])


def test_dead_band_and_breaks_hold_it():
    limit = made()
    rows = [
        (2100, 10.0, True, True),
        (4900, 7.9, True, True),
        (100, None, False, True),
        (4900, 7.9, True, True),
        (60000, 8.0, True, True),
    ]
    now = play(limit, rows)
    now = play(limit, [(5000, 7.9, True, True), (100, 7.9, True, False)], now)
    play(limit, [(2000, 10.0, True, False), (100, 10.0, True, True)], now)


def test_stretch_is_the_time_it_has_held():
    stretch = Stretch(1000)
    rows = [(0, True, 0), (300, True, 300), (1300, True, 1300), (1400, False, 0), (1500, True, 0), (1600, True, 100)]
    for now, holds, expected in rows:
        assert stretch.step(now, holds) == expected, now


def test_stretch_counts_a_gap_for_little():
    stretch = Stretch(1000)
    assert [stretch.step(now, True) for now in (0, 3600000, 3600500)] == [0, 1000, 1500]
