"""Gas alarm: methane and CO, local alarm, one-way valve, fan contact. Logic only; time is an argument (ms).

Points, names and codes are those of the profile ``gengfu/gas-alarm``; rules S1, S2, S3 and S21 of the safety
rules. The methane channel is a 4-20 mA loop of 0-100 %LEL.
"""

import kv

from products.inputs import Input, StimulusError, amount, switch
from products.valve import CLOSED, MOVING, OPEN, STATES, UNKNOWN, Valve

# Figures of the safety rules (S21, CK-02, CK-07) and of the ESN14, which closes after 15 s of standing alarm.
LEVEL_1_LEL = 25.0
DEAD_BAND_LEL = 5.0
FULL_SCALE_LEL = 100.0
JUMP_LEL = 5.0
BROKEN_LOOP_MA = 3.6
BLIND_FROM_LEL = 5.0
RISING_LEL_PER_MIN = 1.0
TRIP_AFTER_MS = 15000
# A transmitter's output saturates at about 22 mA (112.5 %LEL); noise and fan pick-up time are chosen by us.
SATURATED_LEL = 112.5
FAN_PICK_UP_MS = 300

BY_TRIP = 1
BY_COMMAND = 2
BY_PERSON = 3

FAN_STOPPED = 1
FAN_RUNNING = 2

# Bits of the first byte of the record «latch»; the valve's state and cause follow.
_TRIP = 1
_OVER_RANGE = 2
_ALARM = 4
_BLIND = 8


class GasAlarm:
    """One board. ``sample`` it at least every 250 ms; ``snapshot`` and ``command`` serve every link."""

    profile = "gengfu/gas-alarm"
    commands = ("close-valve", "start-fan")
    watched = (
        "alarm",
        "fault",
        "warm_up",
        "over_range",
        "muted",
        "expired",
        "trip_latched",
        "valve",
        "fan",
        "valve_cause",
    )

    def __init__(self, store, noise, now: int, *, warm_up_ms: int = 2000, trip_after_ms: int = TRIP_AFTER_MS):
        """Restore what stood before the reset; no output is pulsed that was not already ordered."""
        self.jumps = {"methane": JUMP_LEL}
        self._store = store
        self._noise = noise
        self._started = now
        self._warm_up_ms = warm_up_ms
        self._trip_after_ms = trip_after_ms
        self._inputs = {
            "methane": Input(1.2, 0.15, -25.0, SATURATED_LEL),
            "co": Input(3.0, 0.6, 0.0, 1200.0),
            "temperature": Input(24.5, 0.1, -45.0, 130.0),
            "supply": Input(12.0, 0.02, 0.0, 40.0),
        }
        self._broken = self.fault = self.muted = self.expired = False
        self.store_errors = 0
        self.methane = self.co = 0.0
        self._last_good = 0.0
        self._slow = None
        self._sampled_at = now
        self._standing_since = None
        self._fan = FAN_STOPPED
        self._fan_at = None
        self._restore(now)
        self.sample(now)

    def sample(self, now: int) -> None:
        """Read the inputs, judge them, drive the outputs, keep what must outlive a reset."""
        loop_ma = 0.0 if self._broken else 4.0 + 0.16 * self._inputs["methane"].read(now, self._noise)
        was_faulty = self.fault
        self.fault = loop_ma < BROKEN_LOOP_MA
        self.warm_up = now - self._started < self._warm_up_ms
        if self.fault:
            self._go_blind(was_faulty)
        else:
            self._judge((loop_ma - 4.0) / 16.0 * FULL_SCALE_LEL, now)
        self.co = 0.0 if self._broken else self._inputs["co"].read(now, self._noise)
        self._temperature = self._inputs["temperature"].read(now, self._noise)
        self._supply = self._inputs["supply"].read(now, self._noise)
        self._sampled_at = now
        self._trip(now)
        self.valve.step(now)
        if self._fan_at is not None and now >= self._fan_at:
            self._fan, self._fan_at = FAN_RUNNING, None
        self._keep()

    def snapshot(self) -> dict:
        """The last sample: point name -> float, int (codes, counters) or bool (flags)."""
        return {
            "methane": round(self.methane, 1),
            "co": int(self.co + 0.5),
            "alarm": self.alarm,
            "fault": self.fault,
            "warm_up": self.warm_up,
            "over_range": self.over_range,
            "muted": self.muted,
            "expired": self.expired,
            "trip_latched": self.trip_latched,
            "valve": self.valve.state,
            "fan": self._fan,
            "temperature": round(self._temperature, 1),
            "supply": round(self._supply, 2),
            "uptime": (self._sampled_at - self._started) // 1000,
            "valve_cause": self.valve.cause,
        }

    def command(self, name: str, now: int) -> bool:
        """Do what a link asks; ``False`` for anything that is not in ``commands``. Nothing here opens the valve."""
        if name == "close-valve":
            self.valve.close(now, BY_COMMAND)
            self._keep()
            return True
        if name == "start-fan":
            if self._fan != FAN_RUNNING and self._fan_at is None:
                self._fan_at = now + FAN_PICK_UP_MS
            return True
        return False

    def stimulate(self, words: list, now: int) -> None:
        """One line from the rig, or from a person at the board. Raises `StimulusError`."""
        what = words[0]
        if what in ("gas", "co", "temperature") and len(words) in (2, 3):
            self._move("methane" if what == "gas" else what, words[1:], now)
        elif what == "set" and len(words) in (3, 4):
            self._set(words[1], words[2:], now)
        elif len(words) == 2 and what in _HANDS:
            _HANDS[what](self, words[1], now)
        else:
            raise StimulusError("no such stimulus for a gas alarm")

    def _restore(self, now: int) -> None:
        try:
            record = self._store.get("latch")
        except kv.Corrupt:
            record = b""
        if record is None:
            record = bytes((0, OPEN, 0))
        if len(record) != 3 or record[1] not in STATES:
            # What stood is not known: assume the trip, and close. A needless visit costs less than a leak.
            record = bytes((_TRIP, UNKNOWN, 0))
        flags, state, cause = record
        self.trip_latched = bool(flags & _TRIP)
        self.over_range = bool(flags & _OVER_RANGE)
        self.alarm = bool(flags & _ALARM)
        self._blind = bool(flags & _BLIND)
        self.warm_up = self._warm_up_ms > 0
        self._kept = record
        self.valve = Valve(state, cause, now)
        if state == UNKNOWN:
            self.valve.close(now, BY_TRIP)

    def _keep(self) -> None:
        flags = self.trip_latched * _TRIP + self.over_range * _OVER_RANGE
        flags += self.alarm * _ALARM + self._blind * _BLIND
        record = bytes((flags, self.valve.state, self.valve.cause))
        if record == self._kept:
            return
        try:
            self._store.put("latch", record)
            self._kept = record
        except OSError:
            # The valve has moved already and the flash is tried again at the next sample.
            self.store_errors += 1

    def _judge(self, lel: float, now: int) -> None:
        """A value from a whole loop. Warm-up never hides a high value, and never ends what stood (S3)."""
        self.methane = self._last_good = lel
        if lel > FULL_SCALE_LEL:
            self.over_range = True
        limit = LEVEL_1_LEL - DEAD_BAND_LEL
        self.alarm = lel >= LEVEL_1_LEL or (self.alarm and (lel >= limit or self.warm_up)) or self.over_range
        if not self.warm_up:
            self._blind = False
        if self._slow is None:
            self._slow = lel
        # First-order lag of one minute: for a steady rise the lag equals the rise per minute.
        self._slow += (lel - self._slow) * min((now - self._sampled_at) / 60000.0, 1.0)

    def _go_blind(self, was_faulty: bool) -> None:
        """The loop is broken: no value; one that was high or rising when it was lost is a cause to close (S1)."""
        self.methane = 0.0
        if not was_faulty:
            rising = self._slow is not None and self._last_good - self._slow >= RISING_LEL_PER_MIN
            self._blind = self._blind or rising or self._last_good >= BLIND_FROM_LEL

    def _trip(self, now: int) -> None:
        if not (self.alarm or self.over_range or self._blind):
            self._standing_since = None
            return
        if self._standing_since is None:
            self._standing_since = now
        if now - self._standing_since >= self._trip_after_ms and self.valve.state not in (CLOSED, MOVING):
            self.trip_latched = True
            self.valve.close(now, BY_TRIP)

    def _move(self, point: str, words: list, now: int) -> None:
        seconds = amount(words[1], 0.0, 86400.0) if len(words) == 2 else 0.0
        self._inputs[point].move(now, amount(words[0]), seconds)

    def _set(self, point: str, words: list, now: int) -> None:
        if point in self._inputs:
            self._move(point, words, now)
        elif point in ("muted", "expired") and len(words) == 1:
            setattr(self, point, amount(words[0], 0, 1) != 0)
        else:
            raise StimulusError(f"point {point!r} cannot be set")

    def _hand_at_fault(self, word: str, _now: int) -> None:
        self._broken = switch(word)

    def _hand_at_over_range(self, word: str, _now: int) -> None:
        """``off``: a person has confirmed zero and calibration on site."""
        self.over_range = switch(word)
        if not self.over_range:
            self.alarm = False

    def _hand_at_valve(self, word: str, now: int) -> None:
        if word == "jammed" or word == "free":
            self.valve.jammed = word == "jammed"
        elif switch(word, "open", "close"):
            self.valve.open_by_hand()
            self._standing_since = None
            self.trip_latched = self.trip_latched and (self.alarm or self.over_range or self._blind)
            self._keep()
        else:
            self.valve.close(now, BY_PERSON)

    def _hand_at_fan(self, word: str, _now: int) -> None:
        if word != "stop":
            raise StimulusError("a person can only stop the fan")
        self._fan, self._fan_at = FAN_STOPPED, None


_HANDS = {
    "fault": GasAlarm._hand_at_fault,
    "over": GasAlarm._hand_at_over_range,
    "valve": GasAlarm._hand_at_valve,
    "fan": GasAlarm._hand_at_fan,
}
