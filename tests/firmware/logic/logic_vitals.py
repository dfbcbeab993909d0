"""How the board itself is, and the counting of its starts."""

import crash
import kv
import rig
import version
import vitals


class Waiting:
    waiting = 3
    overwritten = 4


def test_board_tells_all_of_its_common_points():
    log = crash.CrashLog(rig.store())
    one = vitals.Vitals(5, 3, lambda: 70000, Waiting(), log)
    shown = one.snapshot(61999)
    assert set(shown) == set(vitals.POINTS)
    assert [shown[name] for name in vitals.POINTS] == [61, 5, 70000, 3, version.NUMBER, 3, 4, False]
    log.write("E", 1, 2)
    assert one.snapshot(62000)["crashed"] is True
    assert one.snapshot(62000)["uptime"] == 62


def test_board_that_pushes_nothing_has_nothing_queued():
    shown = vitals.Vitals(1, 9, lambda: 1, None, crash.CrashLog(rig.store())).snapshot(0)
    assert (shown["queued"], shown["overwritten"], shown["reset_cause"]) == (0, 0, 0)


def test_version_is_one_number():
    assert version.NUMBER == version.MAJOR * 10000 + version.MINOR * 100 + version.PATCH
    assert [int(part) for part in version.TEXT.split(".")] == [version.MAJOR, version.MINOR, version.PATCH]


def test_starts_are_counted_from_one_whatever_the_boot_number_is():
    store = rig.store()
    assert kv.next_start(store, 1000) == (1001, 1)
    assert kv.next_start(store, 5) == (1002, 2)
    assert kv.next_boot(store, 5) == 1003
    assert kv.next_start(store, 5) == (1004, 4)


def test_boot_number_goes_on_from_a_record_without_starts():
    store = rig.store()
    store.put("boot", b"\x07\0\0\0")
    assert kv.next_start(store, 1000) == (8, 1)
