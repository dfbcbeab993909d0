"""Slots: which firmware starts, over trials, cuts and broken files."""

import os

import kv
import rig
import slots

_made = [0]


def folder():
    """A new, empty flash."""
    _made[0] += 1
    path = f"{rig.FOLDER}/slots-{_made[0]}"
    kv.Store(path)
    return path


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def firmware(root, name, file="main.mpy"):
    kv.Store(f"{root}/{name}")
    write(f"{root}/{name}/{file}", b"")


def test_empty_board_starts_slot_a():
    root = folder()
    found = slots.Slots(root)
    assert (found.active, found.trial, found.spare, found.next()) == ("a", None, "b", "a")


def test_firmware_on_trial_returns_to_the_one_in_use_after_its_tries():
    root = folder()
    slots.Slots(root).offer()
    started = [slots.Slots(root).next() for _ in range(slots.TRIES + 2)]
    assert started == ["b"] * slots.TRIES + ["a", "a"]
    assert slots.Slots(root).trial is None


def test_confirmed_firmware_is_the_one_in_use():
    root = folder()
    slots.Slots(root).offer()
    running = slots.Slots(root)
    assert running.next() == "b"
    running.confirm()
    again = slots.Slots(root)
    assert (again.active, again.trial, again.spare) == ("b", None, "a")
    assert [slots.Slots(root).next() for _ in range(5)] == ["b"] * 5


def test_confirm_without_a_trial_changes_nothing():
    root = folder()
    slots.Slots(root).confirm()
    assert os.listdir(root) == []


def test_cut_at_any_byte_of_a_write_leaves_the_choice_before_or_the_new_one():
    for size in range(12):
        root = folder()
        slots.Slots(root).offer()
        tried = slots.Slots(root)
        tried.next()
        tried.confirm()
        assert slots.Slots(root).active == "b"
        # The next write goes to the older copy, and is cut after ``size`` bytes.
        before = {}
        for copy in ("slot-0", "slot-1"):
            with open(f"{root}/{copy}", "rb") as file:
                before[copy] = file.read()
        slots.Slots(root).offer()
        for copy, old in before.items():
            with open(f"{root}/{copy}", "rb") as file:
                now = file.read()
            if now != old:
                write(f"{root}/{copy}", now[:size])
        found = slots.Slots(root)
        assert (found.active, found.trial) == ("b", "a" if size >= 11 else None)


def test_any_damaged_byte_makes_a_copy_unsound():
    good = slots.record(7, 1)
    for at in range(len(good)):
        root = folder()
        write(f"{root}/slot-0", good[:at] + bytes((good[at] ^ 0x10,)) + good[at + 1 :])
        assert slots.Slots(root).active == "a"
    root = folder()
    write(f"{root}/slot-0", good)
    assert slots.Slots(root).active == "b"
    write(f"{root}/slot-1", good + b"more")
    assert slots.Slots(root).active == "b"


def test_slot_of_a_number_that_is_none_is_unsound():
    root = folder()
    write(f"{root}/slot-0", slots.record(7, 3))
    write(f"{root}/slot-1", slots.record(9, 1, 3, 1))
    assert slots.Slots(root).active == "a"


def test_entry_of_the_chosen_slot_is_called():
    root = folder()
    slots.Slots(root).offer()
    called = []
    told = []
    slots.begin(root, lambda name: lambda: called.append(name), told.append)
    assert called == ["b"]
    assert told == ["slots: b starts on trial"]


def test_slot_in_use_that_cannot_be_loaded_is_swapped_for_the_other():
    root = folder()
    firmware(root, "b", "main.py")
    called = []

    def load(name):
        if name == "a":
            raise ImportError("no module named 'main'")
        return lambda: called.append(name)

    told = []
    slots.begin(root, load, told.append)
    slots.begin(root, load, told.append)
    assert called == ["b"]
    assert told[1:] == ["slots: b is used from now on", "slots: b starts"]


def test_slot_in_use_stays_when_the_other_is_empty():
    root = folder()
    told = []

    def load(_name):
        raise MemoryError("no room")

    slots.begin(root, load, told.append)
    assert len(told) == 1
    assert slots.Slots(root).active == "a"


def test_trial_that_cannot_be_loaded_does_not_touch_the_slot_in_use():
    root = folder()
    firmware(root, "a")
    firmware(root, "b")
    slots.Slots(root).offer()
    loaded = []

    def load(name):
        loaded.append(name)
        if name == "b":
            raise SyntaxError("torn file")
        return lambda: None

    for _ in range(slots.TRIES + 1):
        slots.begin(root, load, lambda _line: None)
    assert loaded == ["b"] * slots.TRIES + ["a"]
    assert slots.Slots(root).active == "a"


def test_flash_that_refuses_the_count_starts_the_slot_in_use():
    root = folder()
    slots.Slots(root).offer()
    # A folder where the next record would be written: every write of it fails.
    for copy in ("slot-0", "slot-1"):
        try:
            os.stat(f"{root}/{copy}")
        except OSError:
            os.mkdir(f"{root}/{copy}")
    called = []
    told = []
    slots.begin(root, lambda name: lambda: called.append(name), told.append)
    assert called == ["a"]
    assert "the flash refuses" in told[0]


def test_hold_is_for_one_start_only():
    root = folder()
    write(f"{root}/{slots.HOLD}", b"")
    assert [slots.held(root), slots.held(root)] == [True, False]


def test_empty_flash_starts_the_firmware_of_the_image():
    root = folder()
    called = []
    told = []
    slots.begin(root, lambda name: lambda: called.append(name), told.append, True)
    assert (called, told) == (["image"], ["slots: image starts"])
    firmware(root, "a")
    slots.begin(root, lambda name: lambda: called.append(name), told.append, True)
    assert called == ["image", "a"]


def test_firmware_that_cannot_be_loaded_gives_way_to_the_one_of_the_image():
    root = folder()
    firmware(root, "a")
    called = []

    def load(name):
        if name != "image":
            raise MemoryError("no room")
        return lambda: called.append(name)

    told = []
    for _ in range(2):
        slots.begin(root, load, told.append, True)
    assert called == ["image"]
    assert told[1:] == ["slots: image is used from now on", "slots: image starts"]


def test_image_that_cannot_be_loaded_gives_way_to_a_slot():
    root = folder()
    write(f"{root}/slot-0", slots.record(7, 2))
    firmware(root, "b")
    called = []

    def load(name):
        if name == "image":
            raise ValueError("incompatible")
        return lambda: called.append(name)

    for _ in range(2):
        slots.begin(root, load, lambda _line: None, True)
    assert called == ["b"]


def test_update_of_a_board_that_runs_from_the_image_goes_into_slot_a_and_returns_to_the_image():
    root = folder()
    write(f"{root}/slot-0", slots.record(7, 2))
    assert slots.Slots(root).spare == "a"
    slots.Slots(root).offer()
    started = [slots.Slots(root).next() for _ in range(slots.TRIES + 1)]
    assert started == ["a"] * slots.TRIES + ["image"]
