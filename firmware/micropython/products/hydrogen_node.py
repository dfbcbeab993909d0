"""Hydrogen station node: four hydrogen channels, pressures, temperatures, flame, ESD, break-away. Logic only.

Points, names and codes are those of the profile ``gengfu/hydrogen-node``. It observes (S15): it has no command and no
output, writes nothing to the hard-wired interlock and never resets an ESD. Every sensor has a fault flag of its own,
so that one dead channel does not put the others in doubt.
"""

from products.first_out import (
    BREAK_AWAY,
    ESD,
    FLAME,
    H2_HIGH,
    H2_HIGH_HIGH,
    H2_OVER_RANGE,
    NONE,
    OVER_PRESSURE,
    SENSOR_LOST,
    FirstOut,
)
from products.hydrogen_channel import HIGH_HIGH, MOST_MS, NORMAL, HydrogenChannel
from products.limit import Limit
from products.record import Record
from products.valid import valid

CHANNELS = ("h2_1", "h2_2", "h2_3", "h2_4")
PRESSURES = ("pressure_trailer", "pressure_low_bank", "pressure_high_bank", "pressure_dispenser")
TEMPERATURES = ("temperature_gas", "temperature_room")
STATES = ("h2_1_state", "h2_2_state", "h2_3_state", "h2_4_state")
# Of the pressures, then the temperatures. Names are short where they can be: a pack must fit in 1024 bytes. The
# cabinet's temperature and its fault leave with the board's own points (`vitals.NAMES`), each minute.
FAULTS = ("trailer_fault", "low_bank_fault", "high_bank_fault", "dispenser_fault", "t_gas_fault", "t_room_fault")
# Wired normally closed: a cut wire reads as active. The two proofs are normally open: a cut wire reads as not running,
# and the missing proof is what the gateway alarms on.
NORMALLY_CLOSED = ("flame", "esd", "break_away")
NORMALLY_OPEN = ("fan_running", "compressor_running")
CONTACT_CAUSES = (("flame", FLAME), ("esd", ESD), ("break_away", BREAK_AWAY))
# Limits in MPa belong to the station and have no default (H2-07); of a limit that is not set nothing is judged.
PRESSURE_LIMITS = ("max-trailer", "max-low-bank", "max-high-bank", "max-dispenser")
# Delays and dead band of H2-07.
PRESSURE_ON_MS = 5000
PRESSURE_OFF_MS = 30000
PRESSURE_BAND = 0.02
WATCHED = (
    NORMALLY_CLOSED  # noqa: RUF005 - MicroPython has no star here
    + ("fault", "warm_up")
    + NORMALLY_OPEN
    + FAULTS[:-1]
    + STATES
    + ("first_out", "first_out_channel", "memory_fault")
)
# Chosen by us; 0.2 vol% of hydrogen are 5 % of its lower flammable limit.
JUMPS = {
    "h2_1": 0.2,
    "h2_2": 0.2,
    "h2_3": 0.2,
    "h2_4": 0.2,
    "pressure_trailer": 1.0,
    "pressure_low_bank": 1.0,
    "pressure_high_bank": 1.0,
    "pressure_dispenser": 5.0,
    "temperature_gas": 10.0,
}


class HydrogenNode:
    """One board. ``parts``: a sensor for each of `CHANNELS` (vol%), `PRESSURES` (MPa) and `TEMPERATURES` (Cel), a
    contact for each of `NORMALLY_CLOSED` and `NORMALLY_OPEN` (True: active, running).

    ``settings``: warm-up (s), and `PRESSURE_LIMITS` (MPa) where the station has given them.
    """

    profile = "gengfu/hydrogen-node"
    commands = ()
    sample_ms = 100
    watched = WATCHED
    jumps = JUMPS

    def __init__(self, parts, store, now: int, settings: dict):
        """Restore what stood, the over-range locks and the first-out before the first sample."""
        self._parts = parts
        self._started = now
        self._warm_up_ms = int(settings["warm-up"] * 1000)
        self._first_out = FirstOut(store)
        self._stood = Record(store, "over-range")
        locks, levels, pressures = _stood(self._stood)
        self._channels = []
        for place, name in enumerate(CHANNELS):
            sensor = getattr(parts, name)
            self._channels.append(HydrogenChannel(sensor, locks >> place & 1 == 1, levels >> 2 * place & 3))
        self._limits = [
            _pressure_limit(settings.get(name), pressures >> place & 1 == 1)
            for place, name in enumerate(PRESSURE_LIMITS)
        ]
        self.sample(now)

    @property
    def store_errors(self) -> int:
        """Writes that the flash refused."""
        return self._first_out.store_errors + self._stood.errors

    @property
    def in_alarm(self) -> bool:
        """Whether something stands besides a lost sensor: no limit is to be changed now (S11)."""
        return [code for code, _ in self._causes if code != SENSOR_LOST] != []

    def sample(self, now: int) -> None:
        """Read the inputs, judge them, keep what must outlive a reset."""
        parts = self._parts
        self.warm_up = now - self._started < self._warm_up_ms
        for channel in self._channels:
            channel.step(now, self.warm_up)
        self._pressures = [valid(getattr(parts, name), now) for name in PRESSURES]
        self._temperatures = [valid(getattr(parts, name), now) for name in TEMPERATURES]
        self._contacts = {name: getattr(parts, name).get() for name in NORMALLY_CLOSED + NORMALLY_OPEN}
        for limit, value in zip(self._limits, self._pressures):  # noqa: B905 - MicroPython's zip has no strict
            if limit is not None:
                limit.step(now, value, True)
        self._causes = self._standing()
        self._first_out.observe(now, self._causes)
        self._stood.keep(self._standing_bits(), now)

    def snapshot(self) -> dict:
        """The last sample: point name -> float, int (codes), bool (flags), ``None``: no valid value."""
        values = dict(self._contacts)
        faults = [value is None for value in self._pressures + self._temperatures]
        for place, channel in enumerate(self._channels):
            values[CHANNELS[place]] = _rounded(channel.value, 2)
            values[STATES[place]] = channel.state
        for place, value in enumerate(self._pressures):
            values[PRESSURES[place]] = _rounded(value, 2)
        for place, value in enumerate(self._temperatures):
            values[TEMPERATURES[place]] = _rounded(value, 1)
        for place, name in enumerate(FAULTS):
            values[name] = faults[place]
        # A fault of the board, of no sensor: the gateway has an alarm of its own for it.
        values["memory_fault"] = self._first_out.refused or self._stood.refused
        values["fault"] = True in faults or True in [channel.fault for channel in self._channels]
        values["warm_up"] = self.warm_up
        values["first_out"] = self._first_out.code
        values["first_out_channel"] = self._first_out.channel
        return values

    def command(self, _name: str, _now: int) -> bool:
        """This board obeys nothing."""
        return False

    def maintain(self, words: list, now: int) -> str | None:
        """A line of a person at the board: what became of it, or ``None`` where it is none of this product's.

        ``first-out clear``; ``over-range confirm``: zero and calibration have been confirmed on site.
        """
        if words == ["first-out", "clear"]:
            self.sample(now)
            if self.warm_up:
                return "first-out not cleared: what stands is known only after the warm-up"
            return self._first_out.clear(self._causes)
        if words == ["over-range", "confirm"]:
            self.sample(now)
            return self.confirm_over_range()
        return None

    def confirm_over_range(self) -> str:
        """A person has confirmed zero and calibration on site: end the locks of the channels that now read low."""
        told_of = []
        for place, channel in enumerate(self._channels):
            if channel.over:
                stays = " stays: no value in range and below h2-high, or it warms up"
                told_of.append(CHANNELS[place] + (" confirmed" if channel.confirm() else stays))
        self._stood.keep(self._standing_bits())
        return "over-range: " + (", ".join(told_of) or "no channel is locked")

    def _standing_bits(self) -> bytes:
        """What must outlive a reset: locks and over-pressures, four bits each, then the four levels, two bits each."""
        first = second = 0
        for place, channel in enumerate(self._channels):
            limit = self._limits[place]
            over_pressure = limit is not None and limit.stands
            first |= channel.over << place | over_pressure << place + 4
            second |= channel.level << 2 * place
        return bytes((first, second))

    def _standing(self) -> list:
        """The causes that stand now: (code, channel)."""
        causes = [(code, 0) for name, code in CONTACT_CAUSES if self._contacts[name]]
        for place, channel in enumerate(self._channels):
            code = _cause(channel, self.warm_up)
            if code != NONE:
                causes.append((code, place + 1))
        for place, limit in enumerate(self._limits):
            if limit is not None and limit.stands:
                causes.append((OVER_PRESSURE, place + 1))
        return causes


def _cause(channel: HydrogenChannel, warm_up: bool) -> int:
    """The highest cause of one channel. A sensor that warms up may still be without a value."""
    if channel.over:
        return H2_OVER_RANGE
    if channel.level != NORMAL:
        return H2_HIGH_HIGH if channel.level == HIGH_HIGH else H2_HIGH
    return SENSOR_LOST if channel.fault and not warm_up else NONE


def _stood(record: Record) -> tuple:
    """The bits of locks, levels and over-pressures before the reset.

    Where the record is bad nothing of it is known: then all stands, until good values or a person have ended it.
    """
    held = record.value
    if held is None and not record.corrupt:
        return 0, 0, 0
    if held is None or len(held) != 2 or held[1] & held[1] >> 1 & 0x55:
        return 15, 0xAA, 15
    return held[0] & 15, held[1], held[0] >> 4


def _pressure_limit(limit: float | None, stands: bool) -> Limit | None:
    """``None`` where the station has given no limit."""
    if not limit:
        return None
    low = limit * (1.0 - PRESSURE_BAND)
    return Limit(limit, low, PRESSURE_ON_MS, PRESSURE_OFF_MS, most_ms=MOST_MS, stands=stands)


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
