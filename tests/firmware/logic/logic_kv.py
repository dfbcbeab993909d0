"""Small records: whole or not, and what a flash that cannot read one is taken for."""

import os

import kv
import rig


def outcome(store, name):
    """The record, or why it cannot be had."""
    try:
        return store.get(name)
    except kv.Corrupt as error:
        return str(error)


def test_only_what_was_never_written_is_no_record():
    store = rig.store()
    assert store.get("latch") is None
    store.put("latch", b"\x07")
    assert store.get("latch") == b"\x07"
    store.put("latch", bytearray(b""))
    assert store.get("latch") == b""


def test_record_that_the_flash_cannot_read_is_not_one_that_was_never_written():
    store = rig.store()
    # A folder in its place: the record is there, and reading it fails.
    os.mkdir(store._folder + "/latch")
    assert outcome(store, "latch")[:23] == "latch: cannot be read: "


def test_cut_record_names_itself():
    store = rig.store()
    store.put("latch", b"\x07")
    with open(store._folder + "/latch", "wb") as file:
        file.write(b"\0\0")
    assert outcome(store, "latch") == "latch: wrong checksum"


def test_start_whose_number_cannot_be_read_draws_a_new_one():
    store = rig.store()
    assert kv.next_start(store, 41) == (42, 1)
    assert kv.next_start(store, 90) == (43, 2)
    with open(store._folder + "/boot", "wb") as file:
        file.write(b"\0\0")
    assert kv.next_start(store, 90) == (91, 1)
