"""Zero and span of the gas channel, set by a person with clean air and test gas, kept in flash.

Record «calibration» (the store adds a CRC), little-endian:

    offset  size  field
    0       4     zero: what the sensor reads in clean air, %LEL (float32)
    4       4     span: factor after the zero is taken off (float32)
    8       4     when, s since 1970, 0 if the board did not know
    12      ...   gas, a zero byte, who did it (ASCII)

A record that is damaged, not plausible or of another gas counts for nothing: the sensor's own figures hold, and the
board says so (`INVALID`). It still measures and alarms.
"""

import struct

import kv

# Codes of the profile.
FACTORY = 0
CALIBRATED = 1
INVALID = 2

# Plausible limits, chosen by us: beyond them the sensor is worn or the wrong gas is on it.
ZERO_LIMIT_LEL = 5.0
SPAN_LOW = 0.7
SPAN_HIGH = 1.5
TEST_GAS_LOW_LEL = 10.0
TEST_GAS_HIGH_LEL = 90.0
NAME_LENGTH = 24


class Refused(Exception):
    """A calibration that is not taken; the message says why and what to do. Nothing has changed."""


class Calibration:
    """``state``: code of the profile. ``gas``: what it must be for (``methane``, ``lpg``)."""

    def __init__(self, store, gas: str):
        self._store = store
        self._gas = gas
        self._default(FACTORY)
        try:
            record = store.get("calibration")
        except kv.Corrupt:
            record = b""
        if record is not None:
            self._take(record)

    def apply(self, raw: float) -> float:
        """%LEL of the sensor -> %LEL."""
        return (raw - self.zero) * self.span

    def set_zero(self, raw: float, by: str = "", at: int = 0) -> None:
        """``raw``: what the sensor reads in clean air. Raises `Refused`."""
        if not abs(raw) <= ZERO_LIMIT_LEL:
            raise Refused(f"zero of {raw:.1f} %LEL: more than {ZERO_LIMIT_LEL:g}; use clean air, or replace the sensor")
        self._keep(raw, self.span, by, at)

    def set_span(self, raw: float, applied: float, by: str = "", at: int = 0) -> None:
        """``raw``: what the sensor reads with test gas of ``applied`` %LEL on it. Raises `Refused`."""
        if not TEST_GAS_LOW_LEL <= applied <= TEST_GAS_HIGH_LEL:
            raise Refused(f"test gas of {applied:g} %LEL: use {TEST_GAS_LOW_LEL:g} to {TEST_GAS_HIGH_LEL:g}")
        net = raw - self.zero
        span = applied / net if net > 0 else 0.0
        if not SPAN_LOW <= span <= SPAN_HIGH:
            raise Refused(f"span of {span:.2f}: not {SPAN_LOW:g} to {SPAN_HIGH:g}; check gas, zero and flow")
        self._keep(self.zero, span, by, at)

    def _keep(self, zero: float, span: float, by: str, at: int) -> None:
        if not all(32 <= ord(letter) < 127 for letter in by) or len(by) > NAME_LENGTH:
            raise Refused(f"the name: at most {NAME_LENGTH} letters of ASCII")
        record = struct.pack("<ffI", zero, span, at) + self._gas.encode() + b"\0" + by.encode()
        try:
            self._store.put("calibration", record)
        except OSError as error:
            raise Refused(f"the flash refuses ({error}); nothing has changed") from None
        # What the flash holds, so that a restart changes nothing.
        self._take(record)

    def _take(self, record: bytes) -> None:
        if len(record) < 13:
            self._default(INVALID)
            return
        zero, span, at = struct.unpack("<ffI", record[:12])
        gas, _, by = record[12:].partition(b"\0")
        plausible = abs(zero) <= ZERO_LIMIT_LEL and 0.999 * SPAN_LOW <= span <= 1.001 * SPAN_HIGH
        if not plausible or gas != self._gas.encode():
            self._default(INVALID)
            return
        self.zero, self.span, self.at, self.state = zero, span, at, CALIBRATED
        self.by = by.decode()

    def _default(self, state: int) -> None:
        self.zero, self.span, self.at, self.by = 0.0, 1.0, 0, ""
        self.state = state
