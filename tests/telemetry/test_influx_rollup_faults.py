"""Roll-ups where something is missing, silent, refused or ends in the middle: raw values go on, nothing is left out."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from protocols.reading import Reading, encode_reading
from telemetry import influx_rollup
from telemetry.errors import StoreRefused, StoreUnavailable
from telemetry.influx_rollup import Roller
from telemetry.influx_rollup_lines import HOUR
from telemetry.influx_settings import InfluxSettings
from telemetry.influx_sink import InfluxSink
from telemetry.influx_state import InfluxState
from telemetry.influx_store import InfluxStore
from telemetry.store import Series
from tests.fixtures.http_faults import fault_proxy
from tests.fixtures.http_peer import Reply, Request
from tests.fixtures.influx import Influxd
from tests.fixtures.waiting import wait_for
from tests.telemetry.readings import DEVICES, GAS, SECOND, item, reading
from tests.telemetry.rolled_site import BASE, Site

pytestmark = pytest.mark.server

TWO = [reading(BASE, 1.0), reading(BASE + SECOND, 3.0)]
ONE = {("t:gas:1", "live", "methane", BASE): (2.0, 1, 3, 2)}
NEVER_S = 300.0


@pytest.fixture
def site(influxd: Influxd, tmp_path: Path) -> Iterator[Site]:
    with closing(Site(influxd, tmp_path)) as made:
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread looks at once, and does not rest."""
    monkeypatch.setattr(influx_rollup, "_LOOK_S", 0.02)
    monkeypatch.setattr(influx_rollup, "_REST_S", 0.02)


@pytest.mark.usefixtures("quick")
def test_the_thread_rolls_up_what_is_over(site: Site) -> None:
    site.take(TWO)
    site.now += 2 * HOUR
    wait_for(lambda: site.sink.windows_waiting == 0, 20, "the roll-ups")
    assert (site.rolled("1m"), site.rolled("1h")) == (ONE, ONE)


@pytest.mark.usefixtures("quick")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_a_fault_of_ours_ended_begins_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    began = threading.Event()

    def fail(*_: object) -> bool:
        began.set()
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Roller, "step", fail)
        site.take(TWO)
        assert began.wait(20)
        wait_for(lambda: not is_running(), 20, "its end")
    site.now += 2 * HOUR
    site.take([reading(BASE + SECOND, 3.0)])
    site.now += 2 * HOUR
    wait_for(lambda: site.sink.windows_waiting == 0, 20, "the roll-ups")
    assert site.rolled("1m") == ONE


def is_running() -> bool:
    return any(one.name == "influx roll-ups" for one in threading.enumerate())


def close_in_time(what: Site | InfluxSink) -> bool:
    """Whether it ends long before its time-out, and its thread with it."""
    ending = threading.Thread(target=what.close, daemon=True)
    ending.start()
    ending.join(30)
    return not ending.is_alive() and not is_running()


@pytest.mark.usefixtures("quick")
def test_a_stop_does_not_wait_for_a_server_that_is_silent_to_questions(influxd: Influxd, tmp_path: Path) -> None:
    with fault_proxy(influxd.url) as proxy:
        site = Site(influxd, tmp_path, url=proxy.url, timeout_s=NEVER_S)
        site.take(TWO)
        proxy.begin("mute")
        site.now += 2 * HOUR
        wait_for(lambda: proxy.hits, 20, "the question")
        assert close_in_time(site)
    with closing(Site(influxd, tmp_path)) as again:
        assert again.sink.windows_waiting == 2


@pytest.mark.usefixtures("quick")
def test_a_stop_does_not_wait_for_a_server_that_is_silent_to_what_is_written(
    influxd: Influxd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(influxd, tmp_path, "v2", timeout_s=NEVER_S)
    assert site.shim is not None
    asked, ended, answer = threading.Event(), threading.Event(), site.shim.answer

    def mute(request: Request) -> Reply:
        if not request.query.get("bucket", "").endswith("_1m"):
            return answer(request)
        asked.set()
        ended.wait()
        return Reply(0, cut_at=0)

    monkeypatch.setattr(site.shim, "answer", mute)
    site.take(TWO)
    site.now += 2 * HOUR
    assert asked.wait(20)
    assert close_in_time(site.sink)
    ended.set()
    site.duck.close()
    site.shim.close()
    with closing(Site(influxd, tmp_path)) as again:
        assert again.sink.windows_waiting == 2


def test_a_bucket_that_is_missing_is_named_and_made_up_for(
    influxd: Influxd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Site, "make_buckets", lambda _: None)
        site = Site(influxd, tmp_path, "v2")
    with closing(site):
        assert site.take(TWO).stored == 2
        bucket = f"bucket '{site.database}_1[mh]': 404.*create the bucket"
        for _ in range(2):
            with pytest.raises(StoreRefused, match=bucket):
                site.roll()
        assert site.roll() == 0
        assert site.take([reading(BASE, 1.0)]).stored == 1
        site.make_buckets()
        assert site.roll(3 * HOUR) == 2
        assert (site.rolled("1m"), site.rolled("1h")) == (ONE, ONE)


def test_a_policy_that_may_not_be_created_is_named_and_made_up_for(influxd: Influxd, tmp_path: Path) -> None:
    with closing(Site(influxd, tmp_path, create_database=False, minutes_to="mine", hours_to="others")) as site:
        assert site.take(TWO).stored == 2
        with pytest.raises(StoreUnavailable, match=r"policy 'mine': 500.*retention policy not found: mine"):
            site.roll()
        for name in ("mine", "others"):
            influxd.query(f'CREATE RETENTION POLICY "{name}" ON "{site.database}" DURATION INF REPLICATION 1')
        site.roll(3 * HOUR)
        assert len(influxd.query(f'SELECT * FROM "{site.database}"."mine"."gas_alarm"')) == 1
        assert len(influxd.query(f'SELECT * FROM "{site.database}"."others"."gas_alarm"')) == 1


def durations(server: Influxd, database: str) -> dict[str, str]:
    return {row["name"]: row["duration"] for row in server.query(f'SHOW RETENTION POLICIES ON "{database}"')}


def test_each_class_is_kept_as_the_settings_say(influxd: Influxd, tmp_path: Path) -> None:
    keep = {"raw_days": 365, "minute_days": 730, "hour_days": None}
    with closing(Site(influxd, tmp_path, keep=keep)) as site:
        influxd.query(f'DROP DATABASE "{site.database}"')
        site.take(TWO)
        site.roll()
        assert durations(influxd, site.database) == {"autogen": "8760h0m0s", "rp_1m": "17520h0m0s", "rp_1h": "0s"}


def test_a_policy_that_is_there_stays_as_it_is(influxd: Influxd, tmp_path: Path) -> None:
    with closing(Site(influxd, tmp_path, keep={"raw_days": 1, "minute_days": 730, "hour_days": None})) as site:
        influxd.query(f'CREATE RETENTION POLICY "rp_1m" ON "{site.database}" DURATION 400d REPLICATION 1')
        site.take(TWO)
        site.roll()
        assert durations(influxd, site.database) == {"autogen": "0s", "rp_1m": "9600h0m0s", "rp_1h": "0s"}
        assert site.rolled("1m") == ONE


def test_what_a_class_does_not_keep_any_more_is_told_and_not_tried_again(
    influxd: Influxd, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    year = 365 * 24 * HOUR
    with closing(Site(influxd, tmp_path, keep={"raw_days": 1, "minute_days": 2, "hour_days": None})) as site:
        site.take([reading(BASE - 9 * year, 1.0)])
        with caplog.at_level(logging.WARNING):
            assert site.roll() == 2
        assert "1 of 1 roll-ups were refused: 400: partial write: points beyond retention policy" in caplog.text
        assert (site.rolled("1m"), len(site.rolled("1h")), site.sink.windows_waiting) == ({}, 1, 0)


def test_what_a_server_cannot_reckon_does_not_hold_up_the_others(site: Site) -> None:
    largest = 1.7e308  # the sum of two is none that JSON can carry
    site.take([reading(BASE, largest), reading(BASE + 1, largest), reading(BASE, 7.0, device="t:bin:1")])
    refusals = 0
    for _ in range(4):
        try:
            site.roll()
        except StoreRefused:
            refusals += 1
    assert refusals == 2
    assert site.rolled("1m") == {("t:bin:1", "live", "fill", BASE): (7, 7, 7, 1)}
    assert site.sink.windows_waiting == 2


@pytest.mark.parametrize("failing", ["rolled", "take"])
def test_an_end_in_the_middle_is_done_again(site: Site, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    site.take(TWO)

    def crash(*_: object) -> None:
        raise StoreUnavailable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(InfluxState, failing, crash)
        with pytest.raises(StoreUnavailable, match="killed"):
            site.roll()
    site.restart()
    site.take([reading(BASE + SECOND, 3.0)])
    site.roll()
    assert (site.rolled("1m"), site.rolled("1h"), site.sink.windows_waiting) == (ONE, ONE, 0)


def test_a_letter_that_is_stored_later_is_rolled_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Reading("t:gas:9", GAS.profile, BASE, BASE, TWO[0].origin, (5.0,), (0,))
    site.sink.consume([item(1, encode_reading(one))])
    assert (site.sink.dead_letter_count(), site.roll()) == (1, 0)
    monkeypatch.setitem(DEVICES, "t:gas:9", GAS)
    assert site.sink.replay([1]).stored == 1
    site.roll()
    assert site.rolled("1h") == {("t:gas:9", "live", "methane", BASE): (5, 5, 5, 1)}


@pytest.mark.parametrize("word", ["it's", 'say "x"', "back\\slash", "a, b=c", "x' OR device != '"])
def test_words_are_only_words(site: Site, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    odd = Series(word, word, word, word, (word, "device"))
    monkeypatch.setitem(DEVICES, word, odd)
    site.take([Reading(word, word, BASE, BASE, TWO[0].origin, (5.0, 6.0), (0, 0))])
    assert site.roll() == 2
    kind = word.replace("\\", "\\\\").replace('"', '\\"')
    (row,) = site.server.query(f'SELECT * FROM "{site.database}"."rp_1m"."{kind}"')
    assert (row[f"{word}_mean"], row["device__max"]) == (5, 6)
    assert [row[tag] for tag in ("device", "profile", "site", "district")] == [word] * 4


def test_roll_ups_can_be_left_out(influxd: Influxd, tmp_path: Path) -> None:
    with closing(Site(influxd, tmp_path, roll_ups=False)) as site:
        site.take(TWO)
        assert (site.sink.roll_ups, site.sink.windows_waiting) == (None, 0)


def test_the_raw_values_are_read_as_before(site: Site) -> None:
    site.take(TWO)
    site.roll()
    with closing(InfluxStore(InfluxSettings(url=site.server.url, database=site.database), DEVICES)) as store:
        assert [one.value for one in store.samples("t:gas:1", "methane", BASE, BASE + HOUR)] == [1.0, 3.0]
        assert len(store.latest()) == 1
