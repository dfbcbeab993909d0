"""Calendar days against the time zone database, for any range and zone."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry.buckets import BUCKETS_MAX, DAY, starts
from telemetry.errors import QueryRefused
from telemetry.store import Days

SECOND = 10**9
# Clocks moved at night, at midnight (Beirut, Havana, Sao Paulo), by half an hour (Lord Howe), a day left out (Apia).
ZONES = (
    *("UTC", "Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Asia/Beirut", "America/Havana"),
    *("America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"),
)
YEAR_2050 = 2_524_608_000


@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(-YEAR_2050, YEAR_2050),
    length=st.integers(1, 400 * 86_400),
    days=st.integers(1, 31),
)
@example("Pacific/Apia", 1_325_116_800, 4 * 86_400, 1)  # 2011-12-29: the 30th was left out
@example("America/Sao_Paulo", 1_540_000_000, 30 * 86_400, 1)  # 2018-11-04 began at 01:00
def test_each_bucket_begins_with_its_local_day(zone: str, start: int, length: int, days: int) -> None:
    at = list(starts(start * SECOND, (start + length) * SECOND, Days(days, zone)))
    assert at[0] <= start * SECOND
    assert at[-1] < (start + length) * SECOND
    assert all(one < other for one, other in pairwise(at))
    tz = ZoneInfo(zone)
    for one in at:
        here, before = (datetime.fromtimestamp(second, tz) for second in (one // SECOND, one // SECOND - 1))
        assert before.date() < here.date()
        first = here.date().toordinal() - date(1970, 1, 1).toordinal()
        # A day that was left out lends its bucket to the next.
        assert first % days == 0 or (here.date() - before.date()) > timedelta(days=1)


@given(start=st.integers(-(2**80), 2**80), length=st.integers(-5, 2**80), every=st.integers(1, 2**70))
def test_steps_touch_the_range_and_nothing_else(start: int, length: int, every: int) -> None:
    try:
        at = starts(start, start + length, every)
    except QueryRefused:
        assert (length + start % every - 1) // every + 1 > BUCKETS_MAX
        return
    assert len(at) == max(0, (length + start % every - 1) // every + 1 if length > 0 else 0) <= BUCKETS_MAX
    if at:
        assert at[0] <= start < at[0] + every
        assert at[-1] < start + length <= at[-1] + every


def test_days_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(QueryRefused, match="years 1677 to 2262"):
        starts(2**70, 2**70 + DAY, Days(1, "UTC"))
