"""A life-safety limit is not raised or delayed while it is in alarm, over a start either (S11)."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from alarms.alarm import decode_record, encode
from alarms.engine import AlarmEngine
from alarms.states import AlarmState
from gateway.actuator import Actuator
from gateway.pipeline import Verdict
from gateway.watch import Watch
from gengfu import rules
from gengfu.routes import Routes
from gengfu.rules import Rulebook
from gengfu.site_rules.book import read_book
from gengfu.site_rules.in_alarm import withhold
from interlocks.engine import InterlockEngine
from protocols.reading import Origin
from tests.fixtures.rule_site import BOOK, matrix_override, override, site, write
from tests.fixtures.stories import at, gas_reading

TWO = '"王伟", "Li Na"'
LATER = {"rules/a.toml": override("CK-02", "on_delay_s = 20.0", by=TWO)}
SOONER = {"rules/a.toml": override("CK-02", "on_delay_s = 1.0")}
SLOWER = {"interlocks/b.toml": matrix_override("restaurant-kitchen", "reset_after_s = 10.0", by=TWO)}
STANDS = "CK-02 is not changed: gas:1~CK-02 stands; settle it, and start again"


def left_by(book: Rulebook, methane: float, origin: Origin = Origin.LIVE) -> dict[str, bytes]:
    """The state that a gateway leaves behind whose detector gas:1 told this for a minute."""
    alarms = AlarmEngine(book.alarms, rules.watched(site()), at(0))
    interlocks = InterlockEngine(book.matrices, rules.zones(site()), at(0))
    for second in range(0, 60, 2):
        reading = gas_reading(second, methane=methane, origin=origin)
        alarms.observe(reading, at(second))
        interlocks.observe(reading, at(second))
    return alarms.drain()[1] | {key: body for key, body in interlocks.drain().state.items() if body is not None}


def started(folder: Path, files: Mapping[str, str], state: Mapping[str, bytes]) -> tuple[Rulebook, list[str]]:
    document = write(folder, files)
    read = read_book(document, site())
    return withhold(document, site(), read, lambda prefix: {k: v for k, v in state.items() if k.startswith(prefix)})


def test_a_delay_that_was_approved_while_it_is_in_alarm_waits(tmp_path: Path) -> None:
    book, told = started(tmp_path, LATER, left_by(BOOK, 30.0))
    assert told == [STANDS]
    assert book.alarms["CK-02"] == BOOK.alarms["CK-02"]


def test_it_is_taken_when_nothing_of_it_stands(tmp_path: Path) -> None:
    state = left_by(BOOK, 30.0)
    record = decode_record(state["alarm/gas:1~CK-02"])
    over = encode(msgspec.structs.replace(record, state=AlarmState.NORMAL, active=False))
    book, told = started(tmp_path, LATER, state | {"alarm/gas:1~CK-02": over})
    assert (told, book.alarms["CK-02"].on_delay_s) == ([], 20.0)


def test_what_ran_already_when_it_was_raised_goes_on(tmp_path: Path) -> None:
    ran = read_book(write(tmp_path, LATER), site())
    book, told = started(tmp_path, LATER, left_by(ran, 30.0))
    assert (told, book.alarms["CK-02"].on_delay_s) == ([], 20.0)


@pytest.mark.parametrize("origin", [Origin.DRILL, Origin.SIMULATED])
def test_a_drill_keeps_nobody_from_a_change(tmp_path: Path, origin: Origin) -> None:
    book, told = started(tmp_path, LATER, left_by(BOOK, 30.0, origin))
    assert (told, book.alarms["CK-02"].on_delay_s) == ([], 20.0)


def test_what_is_stricter_is_taken_at_once(tmp_path: Path) -> None:
    book, told = started(tmp_path, SOONER, left_by(BOOK, 30.0))
    assert (told, book.alarms["CK-02"].on_delay_s) == ([], 1.0)


def test_a_matrix_is_not_weakened_while_it_is_tripped(tmp_path: Path) -> None:
    book, told = started(tmp_path, SLOWER, left_by(BOOK, 30.0))
    assert told == ["restaurant-kitchen is not changed: kitchen~restaurant-kitchen stands; settle it, and start again"]
    assert book.matrices == BOOK.matrices
    book, told = started(tmp_path, SLOWER, left_by(BOOK, 1.0))
    assert (told, book.matrices == BOOK.matrices) == ([], False)


def test_a_site_without_rules_of_its_own_is_not_looked_at(tmp_path: Path) -> None:
    document = write(tmp_path, {})
    for where in (document, None):
        book, told = withhold(where, site(), BOOK, lambda _prefix: pytest.fail("read the state for nothing"))
        assert (book is BOOK, told) == (True, [])


def test_whether_its_rule_is_another_one_now_is_stored_at_the_start_for_the_desk() -> None:
    stored: list[Verdict] = []
    changed = BOOK.alarms["CK-02"].model_copy(update={"off_delay_s": 1.0})
    watch = Watch(
        InterlockEngine((), (), at(60)),
        AlarmEngine({"CK-02": changed}, rules.watched(site()), at(60)),
        Actuator(Routes({}, lambda: None), site().find_profile),
        stored.append,
    )
    watch.load({key: body for key, body in left_by(BOOK, 30.0).items() if key.endswith("CK-02")}, at(60))
    (verdict,) = stored
    body = verdict.state["alarm/gas:1~CK-02"]
    assert body is not None
    assert (verdict.entries, decode_record(body).outlived) == ([], True)
