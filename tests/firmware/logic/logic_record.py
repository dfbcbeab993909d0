"""A record that follows what a product holds: what is written, what is refused, and when it is tried again."""

import rig
from plain_parts import Full, damage
from products.record import RETRY_MS, Record


def test_value_is_held_through_a_restart():
    store = rig.store()
    assert Record(store, "a").value is None
    assert Record(store, "a").keep(b"one", 0)
    again = Record(store, "a")
    assert (again.value, again.corrupt, again.refused) == (b"one", False, False)


def test_record_that_cannot_be_read_is_told_and_written_anew():
    store = rig.store()
    Record(store, "a").keep(b"one", 0)
    damage(rig.FOLDER, rig._made[0], "a")
    record = Record(store, "a")
    assert (record.value, record.corrupt) == (None, True)
    assert record.keep(b"one", 0)
    assert Record(store, "a").value == b"one"


def test_refused_write_is_tried_again_once_a_second():
    store = Full()
    record = Record(store, "a")
    taken = [record.keep(b"one", now) for now in range(0, 5000, 100)]
    assert (True in taken, record.errors, record.refused) == (False, 5, True)
    store.full = False
    assert not record.keep(b"two", 5000 - RETRY_MS + 900)
    assert record.keep(b"two", 5000)
    assert (record.refused, store.kept) == (False, {"a": b"two"})


def test_without_a_time_it_is_tried_at_once():
    store = Full()
    record = Record(store, "a")
    assert not record.keep(b"one", 0)
    assert not record.keep(b"one")
    assert record.errors == 2


def test_after_a_refusal_the_flash_is_proven_even_if_the_old_value_is_back():
    store = Full()
    store.full = False
    record = Record(store, "a")
    assert record.keep(b"one", 0)
    store.full = True
    assert not record.keep(b"two", 100)
    assert not record.keep(b"one", 2000)
    assert record.refused
    store.full = False
    assert record.keep(b"one", 4000)
    assert not record.refused
