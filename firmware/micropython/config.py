"""The settings of a board on its flash: two slots, a changed one on trial, the last good one kept.

A slot is a record of `kv` (CRC, written beside and renamed):

    offset  size  field
    0       4     generation, little-endian; the higher is the younger
    4       1     1 new, 2 tried, 3 good
    5       ...   lines ``name=value`` (`settings.text_of`)

    NEW --start--> TRIED, and used: on trial
    TRIED --gateway reached for `CONFIRM_MS`--> GOOD
    TRIED --a start, or `TRIAL_MS` without the gateway--> the other slot's GOOD one, or the factory's

The slot in use is never written, but to call it good. So a cut at any byte leaves the one in use or the changed one.

What the board *is* (`settings.WHAT_IT_IS`) stands in the factory's settings alone. Protection that is to become weaker
needs a second person (S11): the console cannot know who types, it asks for the name and tells it.
"""

import struct

import kv
import settings

SLOTS = ("config-a", "config-b")
NEW = 1
TRIED = 2
GOOD = 3

# Ours [P]: long enough for a network to come up, short enough to be waited for on a ladder.
CONFIRM_MS = 120000
TRIAL_MS = 600000
HEARD_MS = 60000

_HEAD = "<IB"
_HEAD_SIZE = 5
_CONFIRM = "confirmed-by"
_SECOND = f"config apply {_CONFIRM} NAME"
_USAGE = f"config: say config show, config set NAME VALUE, config set NAME, config apply, {_SECOND} or config revert"


class _Slot:
    """What was found in one: ``status`` 0 if it was never written, -1 if it cannot be used (``fault`` says why).
    ``dropped``: what it says that the board is, and the factory's settings do not."""

    def __init__(self, name: str):
        self.name = name
        self.generation = 0
        self.status = 0
        self.given = {}
        self.settings = {}
        self.fault = ""
        self.dropped = ""


class Config:
    """``factory``: texts by name that hold while nothing else is kept; raises `SettingsError` if they are wrong.
    ``fault``: what is wrong with them where that is known (`settings.flashed`): then nothing is raised, a kept
    configuration is used all the same, and without one the board works on `settings.safe`.

    ``settings``: in force, typed. ``fault``: why a configuration could not be used, empty otherwise.
    ``restart``: the board must restart to change over.
    """

    def __init__(self, store, factory: dict, emit, fault: str = ""):
        self._store = store
        self._factory = factory
        self._factory_fault = fault
        self._emit = emit
        self._changed = {}
        self._first_heard = None
        self.restart = False
        self.on_trial = False
        self.fault = ""
        slots = [self._read(name) for name in SLOTS]
        self._generation = max(slot.generation for slot in slots)
        self._slot = self._choose(slots)
        if self._slot:
            self._given, self.settings = self._slot.given, self._slot.settings
            if self._slot.dropped:
                emit(
                    "error", message=f"{self._slot.name}: {self._slot.dropped}: not used; the factory's settings say it"
                )
        else:
            self._given = settings.safe(factory) if fault else factory
            self.settings = settings.check(self._given, linked=not fault)
        if fault:
            used = self._slot.name + " is used" if self._slot else "a safe default is used, without any link"
            self.fault = "; ".join([one for one in (self.fault, fault, used) if one])
        if self.fault:
            emit("error", message=self.fault)

    def step(self, now: int, heard_at: int | None) -> bool:
        """Follow a trial. ``heard_at``: when the gateway (or the master of a polled board) was last heard. ``True``:
        the trial has failed; restart, and the previous configuration returns."""
        if not self.on_trial or self._slot is None:
            return False
        heard = heard_at is not None and now - heard_at < HEARD_MS
        if not heard:
            self._first_heard = None
            return now >= TRIAL_MS
        if self._first_heard is None:
            self._first_heard = now
        if now - self._first_heard >= CONFIRM_MS:
            try:
                self._write(self._slot.name, GOOD, self._given)
            except OSError as error:
                self._first_heard = now
                self._emit("error", message=f"config: the flash refuses to confirm it: {error}")
                return False
            self.on_trial = False
            self._emit("config", confirmed=self._slot.name)
        return False

    def console(self, words: list, forbidden: str = "") -> list:
        """Answer a maintenance line ``config ...``, in lines. Secrets are never shown.

        ``forbidden``: why nothing may change over now (the board is in alarm, say), empty if it may.
        """
        verb = words[1] if len(words) > 1 else ""
        if verb == "show" and len(words) == 2:
            return self._show()
        if verb == "set" and len(words) > 2:
            return self._set(words[2], " ".join(words[3:]))
        if verb == "apply" and (len(words) == 2 or (len(words) > 3 and words[2] == _CONFIRM)):
            return self._apply(forbidden, " ".join(words[3:]))
        if verb == "revert" and len(words) == 2:
            return self._revert()
        return [_USAGE]

    def _show(self) -> list:
        lines = settings.shown(self.settings)
        for name in sorted(self._changed):
            text = self._changed[name]
            lines.append(f"changed: {name} = {settings.shown_value(name, text) if text else '(default)'}")
        if self.on_trial:
            lines.append("on trial")
        if self.fault:
            lines.append("fault: " + self.fault)
        return lines

    def _set(self, name: str, text: str) -> list:
        if name in settings.WHAT_IT_IS:
            return [f"config: {name}: it is said by the settings that come with the firmware, and only there"]
        try:
            if text or name in self._given:
                settings.value(name, text or str(self._given[name]))
        except settings.SettingsError as error:
            return [f"config: {error}"]
        if not text and name not in self._given and name not in self._changed:
            return [f"config: {name} is not set"]
        self._changed[name] = text
        return [f"{name} = {settings.shown_value(name, text) if text else '(default)'}; config apply to try it"]

    def _apply(self, forbidden: str, confirmed_by: str) -> list:
        if not self._changed:
            return ["config: nothing was changed"]
        if self.on_trial:
            return ["config: one is on trial; wait until it is confirmed, or say config revert"]
        if forbidden:
            return [f"config: not now: {forbidden}"]
        given = dict(self._given)
        given.update(self._changed)
        given = {name: given[name] for name in given if given[name]}
        try:
            # Loaded when it is asked for: a heap is small, and few boards are ever told to change.
            weaker = __import__("protection").weaker(self.settings, settings.check(given))
            if weaker and not confirmed_by:
                return [f"config: it protects less ({', '.join(weaker)}); a second person says " + _SECOND]
            self._write(self._other(), NEW, given)
        except settings.SettingsError as error:
            return [f"config: {error}"]
        except OSError as error:
            return [f"config: the flash refuses it, nothing was changed: {error}"]
        self._changed = {}
        self.restart = True
        if weaker:
            self._emit("config", weaker=", ".join(weaker), confirmed_by=confirmed_by)
        return [f"kept; on trial from the next start, good after {CONFIRM_MS // 1000} s with the gateway"]

    def _revert(self) -> list:
        if self._changed:
            self._changed = {}
            return ["the changes are dropped"]
        if self.on_trial:
            self.restart = True
            return ["the previous configuration returns with the next start"]
        other = self._read(self._other())
        if other.status == NEW:
            try:
                self._write(other.name, TRIED, other.given)
            except OSError as error:
                return [f"config: the flash refuses it: {error}"]
            self.restart = False
            return ["the kept configuration will not be tried"]
        return ["config: nothing to revert"]

    def _other(self) -> str:
        return SLOTS[1] if self._slot and self._slot.name == SLOTS[0] else SLOTS[0]

    def _choose(self, slots: list) -> _Slot | None:
        """The slot to use, ``None`` for the factory's settings."""
        good = _youngest(slots, GOOD)
        new = _youngest(slots, NEW)
        if new and self._try(new):
            self.on_trial = True
            return new
        broken = [slot.fault for slot in slots if slot.fault]
        if good:
            for fault in broken:
                self._emit("error", message=f"{fault}; {good.name} is used")
            return good
        if broken:
            tried = _youngest(slots, TRIED)
            self.fault = "; ".join(broken)
            if not self._factory_fault:
                used = f"{tried.name}, which was never confirmed, is" if tried else "the factory's settings are"
                self.fault += f"; {used} used"
            return tried
        return None

    def _try(self, slot: _Slot) -> bool:
        """Note that the slot had its start. What cannot be noted is not tried: it would be tried for ever."""
        try:
            self._write(slot.name, TRIED, slot.given, slot.generation)
        except OSError as error:
            self._emit("error", message=f"config: the flash refuses, {slot.name} is not tried: {error}")
            return False
        return True

    def _write(self, name: str, status: int, given: dict, generation: int = 0) -> None:
        if not generation:
            self._generation += 1
            generation = self._generation
        self._store.put(name, struct.pack(_HEAD, generation, status) + settings.text_of(given).encode())

    def _read(self, name: str) -> _Slot:
        slot = _Slot(name)
        try:
            record = self._store.get(name)
            if record is None:
                return slot
            if len(record) < _HEAD_SIZE:
                raise kv.Corrupt(name + ": too short")
            generation, status = struct.unpack(_HEAD, record[:_HEAD_SIZE])
            kept = settings.pairs_of(record[_HEAD_SIZE:].decode())
            slot.given = self._as_built(dict(kept))
            slot.settings = used = settings.check(slot.given)
            other = [name for name in settings.WHAT_IT_IS if kept.get(name, used.get(name)) != used.get(name)]
            slot.dropped = ", ".join([name + " " + kept[name] for name in other])
            slot.generation, slot.status = generation, status
        except kv.Corrupt as error:
            slot.status, slot.fault = -1, str(error)
        except settings.SettingsError as error:
            slot.status, slot.fault = -1, f"{name}: {error}"
        return slot

    def _as_built(self, given: dict) -> dict:
        """The kept settings with what the factory's say that the board is; where those are lost, as it was kept."""
        if self._factory_fault:
            return given
        for name in settings.WHAT_IT_IS:
            given.pop(name, None)
            if name in self._factory:
                given[name] = self._factory[name]
        return given


def _youngest(slots: list, status: int) -> _Slot | None:
    found = None
    for slot in slots:
        if slot.status == status and (not found or slot.generation > found.generation):
            found = slot
    return found
