"""The crash log: kept, bounded, told once."""

import gc
import io
import os
import sys

import crash
import kv
import rig


def folder_of(name):
    return rig.FOLDER + "/" + name


def test_crash_is_kept_over_a_start_until_it_is_taken():
    store = rig.store()
    assert (crash.CrashLog(store).waiting, crash.CrashLog(store).text()) == (False, "")
    assert crash.CrashLog(store).write("ValueError: x", 7, 61)
    for _ in range(2):
        log = crash.CrashLog(store)
        assert log.waiting
        assert log.text() == "boot 7, up 61 s\nValueError: x"
    assert log.take() == "boot 7, up 61 s\nValueError: x"
    assert (log.waiting, log.take()) == (False, "")
    assert not crash.CrashLog(store).waiting


def test_of_several_crashes_the_first_is_kept_and_all_are_counted():
    store = rig.store()
    for number in range(300):
        crash.CrashLog(store).write(f"E{number}", number, 0)
    assert crash.CrashLog(store).text() == "255 crashes; the first:\nboot 0, up 0 s\nE0"


def test_long_text_keeps_its_start_and_its_end():
    store = rig.store()
    crash.CrashLog(store).write("begin\n" + "x" * 3000 + "\nOSError: 28", 1, 2)
    text = crash.CrashLog(store).text()
    assert len(text) == crash.LONGEST
    assert text[:22] == "boot 1, up 2 s\n...\nxxx"
    assert text[-11:] == "OSError: 28"


def test_what_is_no_ascii_is_shown_as_question_marks():
    store = rig.store()
    crash.CrashLog(store).write("a\x00\u706b\nb", 1, 2)
    assert crash.CrashLog(store).text() == "boot 1, up 2 s\na????\nb"


def test_traceback_names_the_exception():
    try:
        raise ValueError("no such thing")
    except ValueError as error:
        text = crash.describe(error).decode()
    assert text.split("\n")[-1] == "ValueError: no such thing"


def fails_deep(depth):
    if depth:
        fails_deep(depth - 1)
    raise ValueError("x" * 40 + "at the bottom")


def failed(depth=60):
    """An exception; one from so deep has a traceback that is longer than the log."""
    try:
        fails_deep(depth)
    except ValueError as error:
        return error


def test_long_traceback_keeps_its_end():
    data = bytes(crash.describe(failed()))
    assert data[-13:] == b"at the bottom"
    if hasattr(sys, "print_exception"):
        # All but the line end.
        assert len(data) == crash.LONGEST - 1
        assert data.count(b"fails_deep") > 10
    store = rig.store()
    assert crash.CrashLog(store).write(data, 7, 61)
    text = crash.CrashLog(store).text()
    assert (text[:15], text[-13:]) == ("boot 7, up 61 s", "at the bottom")


def test_what_is_kept_is_the_end_of_what_is_printed():
    if not hasattr(sys, "print_exception"):
        return
    for depth in (0, 1, 7, 20, 21, 60):
        error = failed(depth)
        printed = io.StringIO()
        sys.print_exception(error, printed)
        assert bytes(crash.describe(error)) == printed.getvalue().encode()[-crash.LONGEST :].rstrip(), depth


def test_record_made_in_the_room_of_its_text_is_that_of_a_copy():
    for size in (0, 1, 15, 16, 17, 500, 1004, 1008, 1009, 1010, 1024, 3000):
        text = bytes([33 + at % 90 for at in range(size)])
        copied, moved = crash.CrashLog(rig.store()), crash.CrashLog(rig.store())
        assert copied.write(text, 7, 61)
        assert moved.write(bytearray(text), 7, 61)
        head = "boot 7, up 61 s\n" if size <= crash.LONGEST - 16 else "boot 7, up 61 s\n...\n"
        end = text[max(0, size - crash.LONGEST + len(head)) :].decode()
        assert (copied.text(), moved.text()) == (head + end, head + end), size


def free_in_a_row(size):
    """Whether the heap has so many bytes in a row."""
    try:
        return len(bytearray(size)) == size
    except MemoryError:
        return False


def in_pieces():
    """A heap with no 2500 bytes free in a row, and what holds it so."""
    held = []
    try:
        while True:
            held.append(bytearray(1200))
    except MemoryError:
        pass
    for at in range(0, len(held), 2):
        held[at] = None
    gc.collect()
    return held


def test_crash_is_kept_when_little_memory_is_to_be_had_in_a_row():
    if not hasattr(gc, "mem_free"):
        return
    store = rig.store()
    log = crash.CrashLog(store)
    error = failed()
    held = in_pieces()
    big = free_in_a_row(2500)
    kept = log.write(crash.describe(error), 7, 61)
    text = log.text()
    del held[:]
    assert (big, kept) == (False, True)
    assert (text[:15], text[-13:]) == ("boot 7, up 61 s", "at the bottom")
    assert crash.CrashLog(store).text() == text


class Raises:
    """A store that has come to its end."""

    def __init__(self, error):
        self.error = error

    def get(self, _name):
        return None

    def put(self, _name, _value):
        raise self.error


class Unprintable(Exception):
    def __str__(self):
        raise MemoryError("no memory for a text")


def test_writing_raises_nothing_whatever_fails():
    for error in (OSError(28), MemoryError("full"), ValueError("odd")):
        log = crash.CrashLog(Raises(error))
        assert not log.write(b"E", 1, 2)
        assert not log.write(b"E", 1, 2)
        assert log.waiting
    assert not crash.CrashLog(rig.store()).write(None, 1, 2)
    assert b"Unprintable" in crash.describe(Unprintable())


def test_broken_log_is_a_crash_that_cannot_be_read():
    name = folder_of("crash")
    store = kv.Store(name)
    crash.CrashLog(store).write("E", 1, 2)
    with open(name + "/crash", "rb") as file:
        whole = file.read()
    for size in range(len(whole)):
        with open(name + "/crash", "wb") as file:
            file.write(whole[:size])
        log = crash.CrashLog(store)
        assert (log.waiting, log.text()) == (True, "the log cannot be read: crash: wrong checksum")
    assert log.take()
    assert not crash.CrashLog(store).waiting
    os.remove(name + "/crash")
    assert not crash.CrashLog(store).waiting


class Full:
    def __init__(self, store):
        self.get = store.get

    def put(self, _name, _value):
        raise OSError(28)


def test_full_flash_does_not_raise_and_takes_nothing_away():
    store = rig.store()
    assert not crash.CrashLog(Full(store)).write("E", 1, 2)
    crash.CrashLog(store).write("E", 1, 2)
    log = crash.CrashLog(Full(store))
    assert log.console(["crash", "take"])[-1][:31] == "crash: it stays, the flash refu"
    assert log.waiting


def test_maintenance_line_shows_and_takes():
    store = rig.store()
    log = crash.CrashLog(store)
    assert log.console(["crash"]) == ["crash: none"]
    log.write("E", 1, 2)
    assert log.console(["crash"]) == ["boot 1, up 2 s", "E"]
    assert log.console(["crash", "now"]) == ["crash: say crash, or crash take"]
    assert log.console(["crash", "take"]) == ["boot 1, up 2 s", "E"]
    assert log.console(["crash"]) == ["crash: none"]
