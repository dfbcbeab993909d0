"""Smart bin: fill level, weight, fire, tilt, lid, battery. Logic only; time is an argument (ms).

Points, names and codes are those of the profile ``gengfu/smart-bin``. It idles between its samples, or sleeps where the
setting ``sleep`` says so, and looks at heat and tilt all the same each ten seconds, at the contacts each second; what
costs is the ranger, which is asked at each ``wake`` alone. What a crew or a fire brigade must know goes out at once. It
has no output and obeys nothing: no lid is unlocked and no compactor run from here (S24).

A level is shown only while the bin stands upright with its lid closed; a sensor without a valid value has none and
sets its own fault flag, so that one dead sensor does not put the others in doubt.
"""

import struct

from products import battery
from products.bin_fire import FireWatch
from products.emptied import Emptied
from products.fill import BURST_MS, Fill
from products.record import Record
from products.valid import BEYOND, valid

# Fill and tilt: the dead bands of the rules SB-02 and SB-05 (10 points, 5 degrees at 30). The rest is chosen by us.
OVERFLOW_BAND = 10.0
TILTED_DEG = 30.0
UPRIGHT_DEG = 25.0
TILT_AFTER_MS = 3000
FAST_MS = 5000
# S24: smoke, heat and the lid are looked at so often even while the bin sleeps; chosen by us.
LOOK_MS = 10000
# A thermistor that reads colder has lost its line: it would hide the loss of one that has burnt.
COLDEST_CEL = -40.0
# A bin that lies on its side for days must not empty its battery.
ALERT_MS = 600000
TARE_MOST_KG = 100.0
JUMPS = {"fill": 10.0, "temperature": 5.0, "tilt": 15.0}


class SmartBin:
    """One board. ``parts``: distance (mm), weight (kg gross), temperature (Cel), tilt (deg), battery (V) with
    ``read(now)`` and ``fault``; lid_open, smoke with ``get()``.

    ``settings``: height, offset (mm), overflow (%), fire (Cel), wake, period (s), ``cell`` (`battery.CELLS`; li-ion
    where it is not given), and ``sleep``, with ``parts`` and the lines, which a board that sleeps has none of.
    ``sample`` it every ``sample_ms``, which changes from sample to sample.
    """

    profile = "gengfu/smart-bin"
    commands = ()
    watched = (
        "lid_open",
        "fire",
        "fault",
        "collections",
        "overflow",
        "tilted",
        "smoke",
        "fire_cause",
        "fill_fault",
        "weight_fault",
        "temperature_fault",
        "tilt_fault",
        "battery_fault",
        "memory_fault",
    )
    jumps = JUMPS

    def __init__(self, parts, store, now: int, settings: dict):
        """Restore what stood before the reset, then sample."""
        self._parts = parts
        self._cell = settings.get("cell", "li-ion")
        self._overflow_at = settings["overflow"]
        self._wake_ms = int(min(settings["wake"], settings["period"]) * 1000)
        self._fill = Fill(parts.distance, settings["height"], settings["offset"])
        self._fire = FireWatch(store, settings["fire"])
        self._emptied = Emptied(store, now)
        self._tare_record = Record(store, "tare")
        held = self._tare_record.value
        self._tare = struct.unpack("<i", held)[0] / 1000 if held is not None and len(held) == 4 else 0.0
        self._tare_lost = self._tare_record.corrupt or (held is not None and len(held) != 4)
        self._stood = Record(store, "stood")
        stood = self._stood.value or b"\0"
        self.overflow = stood[0] & 1 != 0
        self.tilted = stood[0] & 2 != 0
        self._was_under = False
        self._leaning_since = None
        self._blocked = False
        self._blocked_at = now
        self._sleeps = settings.get("sleep") == "light" and settings["parts"] == "board"
        for line in ("modbus", "serial-link", "modbus-tcp"):
            # A master may ask at any time.
            self._sleeps = self._sleeps and not settings.get(line)
        self.sample(now)

    @property
    def sample_ms(self) -> int:
        """When to sample next: soon while a burst is under way or something is out of the ordinary."""
        if self._fill.busy:
            return BURST_MS
        return min(FAST_MS if self._alert else LOOK_MS, self._wake_ms)

    @property
    def may_sleep(self) -> bool:
        """Whether the chip may stop until the next look: not in a burst of the ranger, nor out of the ordinary."""
        return self._sleeps and not self._fill.busy and not self._alert

    def is_stirred(self) -> bool:
        """Whether lid or smoke have changed since the last sample: it costs next to nothing to look."""
        parts = self._parts
        return parts.lid_open.get() != self.lid_open or parts.smoke.get() != self.smoke

    @property
    def store_errors(self) -> int:
        """Writes that the flash refused."""
        return self._fire.store_errors + self._emptied.store_errors + self._tare_record.errors + self._stood.errors

    @property
    def in_alarm(self) -> bool:
        """Whether there is fire: no limit is to be changed now (S11)."""
        return self._fire.cause != 0

    def sample(self, now: int) -> None:
        """Read the inputs and judge them."""
        parts = self._parts
        self.lid_open = parts.lid_open.get()
        self.smoke = parts.smoke.get()
        self._tilt = valid(parts.tilt, now)
        self._weight = valid(parts.weight, now)
        self._temperature = valid(parts.temperature, now, COLDEST_CEL, BEYOND)
        self._volts = valid(parts.battery, now)
        self._fire.step(now, self._temperature, self.smoke)
        self._measure(now, self._lean(now) or self.lid_open)
        self._stood.keep(bytes((self.overflow + 2 * self.tilted,)), now)

    def snapshot(self) -> dict:
        """The last sample: point name -> float, int (codes, counters), bool (flags), ``None``: no valid value."""
        weight = None if self._weight is None or self._tare_lost else round(self._weight - self._tare, 1)
        faults = (
            self._fill.fault,
            weight is None,
            self._temperature is None,
            self._tilt is None,
            self._volts is None,
            self._fire.refused or self._emptied.refused or self._stood.refused,
        )
        return {
            "fill": None if self._fill.level is None else round(self._fill.level),
            "weight": weight,
            "temperature": None if self._temperature is None else round(self._temperature, 1),
            "tilt": None if self._tilt is None else round(self._tilt),
            "lid_open": self.lid_open,
            "fire": self._fire.cause != 0,
            "fault": True in faults,
            "battery": None if self._volts is None else battery.charge(self._cell, self._volts),
            "collections": self._emptied.count,
            "overflow": self.overflow,
            "tilted": self.tilted,
            "smoke": self.smoke,
            "fire_cause": self._fire.cause,
            "fill_fault": faults[0],
            "weight_fault": faults[1],
            "temperature_fault": faults[2],
            "tilt_fault": faults[3],
            "battery_fault": faults[4],
            "memory_fault": faults[5],
        }

    def command(self, _name: str, _now: int) -> bool:
        """This board obeys nothing."""
        return False

    def maintain(self, words: list, now: int) -> str | None:
        """A line of a person at the board: what became of it, or ``None`` where it is none of this product's.

        ``tare``: what the scale carries now is the empty bin.
        """
        return self._set_tare(now) if words == ["tare"] else None

    def _set_tare(self, now: int) -> str:
        gross = self._weight = valid(self._parts.weight, now)
        if gross is None:
            return "tare refused: the scale gives no value; look at the load cell first"
        if abs(gross) > TARE_MOST_KG:
            return f"tare refused: {gross:.1f} kg on the scale, an empty bin has at most {TARE_MOST_KG:.0f}"
        grams = round(gross * 1000)
        if not self._tare_record.keep(struct.pack("<i", grams)):
            return "tare refused: the flash does not take it; the old one stays"
        self._tare = grams / 1000
        self._tare_lost = False
        return f"tare {self._tare:.3f} kg kept"

    def _lean(self, now: int) -> bool:
        """Debounce the tilt; whether it puts the level in doubt."""
        tilt = self._tilt
        if tilt is None:
            self._leaning_since = None
            return self.tilted
        towards = tilt < UPRIGHT_DEG if self.tilted else tilt > TILTED_DEG
        if not towards:
            self._leaning_since = None
        elif self._leaning_since is None:
            self._leaning_since = now
        elif now - self._leaning_since >= TILT_AFTER_MS:
            self.tilted = not self.tilted
            self._leaning_since = None
        return self.tilted or tilt > TILTED_DEG

    def _measure(self, now: int, blocked: bool) -> None:
        """Level, overflow, emptied, and whether to look faster from here on."""
        if blocked != self._blocked:
            self._blocked = blocked
            self._blocked_at = now
        fill, emptied = self._fill, self._emptied
        fill.step(now, blocked, self._wake_ms if emptied.settled else min(FAST_MS, self._wake_ms))
        if fill.fresh and fill.level is not None:
            self._judge(fill.level)
        if fill.level is None or self._tilt is None:
            emptied.interrupt()
        elif fill.fresh:
            emptied.observe(now, fill.level)
        stirred = self._leaning_since is not None or (blocked and now - self._blocked_at < ALERT_MS)
        self._alert = stirred or self._fire.suspicious or not emptied.settled

    def _judge(self, level: float) -> None:
        """Overflow comes with one burst and goes when two in a row are below its dead band."""
        under = level <= self._overflow_at - OVERFLOW_BAND
        if level >= self._overflow_at:
            self.overflow = True
        elif under and self._was_under:
            self.overflow = False
        self._was_under = under
