"""Gas alarm: combustible gas and carbon monoxide, local alarm, one-way valve, fan contact. Logic only; time is in ms.

Points, names and codes are those of the profiles ``gengfu/gas-alarm`` and ``gengfu/lpg-alarm``; rules S1, S2, S3,
S20 and S21 of the safety rules. What is decided here, beyond them:

* **Delay.** ``trip-after`` is for level 1 and for a detector lost while high or rising. Level 2 and over-range close
  after the same time or 5 s, whichever is shorter: S8 allows no more there, and a gateway that is alive acts first.
  The delay counts from the sample before the one that saw the gas, so that from gas to output it is the delay
  and one sample period at most. Carbon monoxide has its exposure timers and closes at once.
  It runs on while the value dips: a level that has begun ends after a minute of clean air that is seen, so that it
  closes unless somebody else has closed before. A detector lost while high or rising has 10 s (BL-01) at most.
  A cause that stood before a reset needs no second delay: a board that restarts again and again closes, too.
  The trip is latched when it is due, even at a valve that somebody else has closed before.
* **Opened by hand** with nothing standing, on a value that is trusted: the reset on site; the trip is no longer
  latched. Opened while gas stands: closed again at the same sample, without a second delay (S1); the latch stays.
  Opened on a value nobody can trust: it stays open and latched, which is a critical alarm at the gateway (S2), and the
  next start closes it.
* **Fan.** It is started for whoever may command it, where the setting ``fan`` permits it and air without carbon
  monoxide is seen by a sensor that can be trusted (S3, S20): not in an exposure, nor for ten clean minutes after it.
  One that runs is left to run: switching it is a spark, too.
* **Remote mute** does not exist: whoever silences a sounder must stand before it. Nor is there any reset over a link.
* **Closing that a reset interrupts** is finished: it was ordered and is not proven.
* An alarm of a detector that cannot be trusted (warm-up, past its life, calibration not valid) never ends by itself
  (S3).
"""

from products import annunciator, latch, valve
from products.annunciator import Annunciator
from products.calibration import Calibration
from products.co_exposure import FULL_SCALE_PPM, CoExposure
from products.fan import Fan
from products.gas_channel import LEVEL_2, GasChannel, factor_of
from products.latch import Latch
from products.life import Life
from products.self_test import SelfTest
from products.valid import valid
from products.valve import Valve

PROFILES = {"methane": "gengfu/gas-alarm", "lpg": "gengfu/lpg-alarm"}
JUMP_LEL = 5.0
LEVEL_2_TRIP_MS = 5000
BLIND_TRIP_MS = 10000
# A valve that a closing has left half open is told after so long: a hand that opens it takes less. Chosen by us.
HALF_OPEN_MS = 10000
# Chosen by us for a board of 12 V or 24 V; GB 15322.1 allows 36 V. Below the low end a pulse valve that must close
# without power is closed.
SUPPLY_LOW_V = 9.0
SUPPLY_HIGH_V = 36.0
# Zero of a sound sensor, as its calibration may be.
DRIFT_LEL = -5.0
# Two samples so far apart do not tell what was between them.
STOOD_STILL_MS = 1000


class GasAlarm:
    """One board. ``sample`` it every ``sample_ms``; ``snapshot`` and ``command`` serve every link.

    ``parts``: methane, co, temperature, supply (sensors), valve_coil, valve_closed, valve_open, fan_relay, fan_proof,
    lamp_green, lamp_yellow, lamp_red, buzzer, button. ``settings``: gas, lfl-basis (of the sensor), level-1, warm-up,
    trip-after, valve, power-loss, fan, mute-for, life-years.
    """

    commands = ("close-valve", "start-fan", "self-test")
    # With twice the time that a sample and a reply may take, gas is on the valve's coil within 100 ms.
    sample_ms = 50
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
        "alarm_level",
        "co_alarm",
        "co_fault",
        "fan_failed",
        "calibration",
        "self_test",
        "memory_fault",
    )

    def __init__(self, parts, store, now: int, settings: dict):
        """Restore what stood before the reset, before the first sample; no output moves that nothing asks for."""
        gas = settings["gas"]
        self.profile = PROFILES[gas]
        self._gas_point = gas
        self.jumps = {gas: JUMP_LEL}
        self._parts = parts
        self._sampled_at = now
        self._utc = 0
        self._trip_after_ms = int(settings["trip-after"] * 1000)
        self._latch = Latch(store)
        self._fan_permitted = settings["fan"] == "permitted"
        # What stood has had its time: it trips with the first sample, and ends no sooner than without the reset.
        long_ago = now - self._trip_after_ms
        stood = self._latch.level > 0 or self._latch.has(latch.OVER_RANGE)
        self._since_gas = long_ago if stood else None
        self._since_blind = long_ago if self._latch.has(latch.BLIND) else None
        self._since_level_2 = self._since_half_open = None
        self.trip_latched = self._latch.has(latch.TRIP)
        self.life = Life(store, now, settings["life-years"])
        self.gas = self._channel(store, now, settings)
        self.co = CoExposure((self._latch.has(latch.CO), self._latch.steps))
        self._co = self._temperature = self._supply = None
        self.co_fault = False
        self.fan = Fan(parts.fan_relay, parts.fan_proof)
        self.self_test = SelfTest()
        lamps = (parts.lamp_green, parts.lamp_yellow, parts.lamp_red)
        self._annunciator = Annunciator(*lamps, parts.buzzer, int(settings["mute-for"] * 1000))
        self._was_pressed = parts.button.get()
        self.valve = self._restored_valve(now, settings)
        self.sample(now)

    def sample(self, now: int) -> None:
        """Read the inputs, judge them, drive the outputs, keep what must outlive a reset."""
        was_opened = self.valve.look()
        self.life.step(now)
        self.gas.sample(now, self.life.expired)
        self._sample_co(now)
        self._temperature = valid(self._parts.temperature, now)
        self._supply = valid(self._parts.supply, now)
        if was_opened and self._is_clear():
            self.trip_latched = False
        self._trip(now)
        self.valve.drive(now)
        # Until a person has opened the valve, the zone counts as latched: the gateway may have closed it.
        self.fan.step(now, self.in_alarm or self.valve.state != valve.OPEN)
        self._announce(now)
        self._keep(now)
        self._sampled_at = now

    def snapshot(self) -> dict:
        """The last sample: point name -> float, int (codes, counters), bool (flags) or ``None`` (no valid value)."""
        return {
            self._gas_point: _rounded(self.gas.value, 1),
            "co": None if self._co is None else int(self._co + 0.5),
            "alarm": self.gas.level > 0,
            "fault": self.gas.fault,
            "warm_up": self.gas.warm_up,
            "over_range": self.gas.over_range,
            "muted": self._annunciator.muted,
            "expired": self.life.expired,
            "trip_latched": self.trip_latched,
            "valve": self.valve.state,
            "fan": self.fan.state,
            "temperature": _rounded(self._temperature, 1),
            "supply": _rounded(self._supply, 2),
            "valve_cause": self.valve.cause,
            "alarm_level": self.gas.level,
            "co_alarm": self.co.alarm,
            "co_fault": self.co_fault,
            "fan_failed": self.fan.failed,
            "calibration": self.gas.calibration.state,
            "self_test": self.self_test.state,
            "life_left": self.life.days_left,
            "memory_fault": self.memory_fault,
        }

    def command(self, name: str, now: int) -> bool:
        """Do what a link asks; ``False`` for anything that is not in ``commands``, for a self-test while something
        stands, for the fan where it is not permitted or carbon monoxide is not seen to be away. Nothing here opens the
        valve, stops the fan, mutes or resets."""
        if name == "close-valve":
            self.valve.close(now, valve.BY_COMMAND)
            self._keep(now)
            return True
        if name == "start-fan":
            return self._start_fan(now)
        return name == "self-test" and self._begin_self_test(now)

    # -- a person at the board: the maintenance console and the button, never a link ------------------------------

    def maintain(self, words: list, now: int) -> str | None:
        """A line of the console: what became of it, or ``None`` where it is none of this product's."""
        # Loaded with the first line: a heap is small, and most boards never hear one.
        found = __import__("products.gas_maintenance", None, None, ("maintain",))
        return found.maintain(self, words, now, self._utc)

    def calibrate_zero(self, _now: int, by: str = "", at: int = 0) -> None:
        """Clean air is on the gas sensor. ``by``: who says so; ``at``: s since 1970. Raises `calibration.Refused`."""
        self.gas.zero(by, at)

    def calibrate_span(self, _now: int, applied: float, by: str = "", at: int = 0) -> None:
        """Test gas of ``applied`` %LEL is on the gas sensor, which alarms as ever. Raises `calibration.Refused`."""
        self.gas.span(applied, by, at)

    def confirm_over_range(self) -> bool:
        """Zero and calibration are confirmed on site: release the over-range lock; whether it is released.

        Refused while the value is not trusted or over the range.
        """
        released = self.gas.confirm_over_range()
        self._keep(self._sampled_at)
        return released

    def tell_date(self, utc: int) -> None:
        """Today, s since 1970, whenever the board learns it: for the detector's age and the date of a calibration."""
        self._utc = utc
        self.life.tell_date(utc)

    def set_made(self, utc: int) -> None:
        """The detector's date of manufacture, s since 1970, from its label."""
        self.life.set_made(utc)

    # -- inside ---------------------------------------------------------------------------------------------------

    @property
    def has_cause(self) -> bool:
        """Something stands that closes the valve, at once or after its delay."""
        return self.gas.level > 0 or self.gas.blind or self.co.alarm

    @property
    def in_alarm(self) -> bool:
        """A cause, a trip that nobody has reset, or gas below the alarm: no time for weaker settings (S11), nor to
        switch a motor."""
        return self.has_cause or self.trip_latched or self.gas.elevated

    @property
    def memory_fault(self) -> bool:
        """The flash refuses a record that must outlive a reset."""
        return self._latch.refused or self.life.refused

    @property
    def must_not_restart(self) -> bool:
        """A restart would cut a closing, drop the fan's relay, forget what stands, or leave gas unwatched."""
        return self.has_cause or self.gas.elevated or self.valve.is_busy or self.fan.is_on or self._latch.refused

    def _channel(self, store, now: int, settings: dict) -> GasChannel:
        return GasChannel(
            self._parts.methane,
            Calibration(store, settings["gas"]),
            now,
            factor=factor_of(settings["gas"], settings["lfl-basis"]),
            level_1=settings["level-1"],
            warm_up_ms=int(settings["warm-up"] * 1000),
            kept=(
                self._latch.level,
                self._latch.has(latch.OVER_RANGE),
                self._latch.has(latch.BLIND),
                self._latch.has(latch.ELEVATED),
            ),
        )

    def _restored_valve(self, now: int, settings: dict) -> Valve:
        hold = settings["valve"] == "hold"
        fails_closed = settings["power-loss"] == "closed"
        self._closes_on_low_supply = fails_closed and not hold
        ordered = self.trip_latched or self._latch.has(latch.CLOSING)
        found = Valve(
            self._parts.valve_coil,
            self._parts.valve_closed,
            self._parts.valve_open,
            hold=hold,
            fails_closed=fails_closed,
            cause=self._latch.cause,
            ordered=ordered,
        )
        if ordered:
            found.close(now, self._latch.cause or valve.BY_TRIP)
        return found

    def _sample_co(self, now: int) -> None:
        sensor = self._parts.co
        self._co = valid(sensor, now)
        ppm = FULL_SCALE_PPM if sensor.over else self._co
        self.co_fault = self._co is None and (sensor.fault != 0 or not self.gas.warm_up)
        passed = now - self._sampled_at
        may_fall = not (self.gas.warm_up or self.life.expired) and passed <= STOOD_STILL_MS
        self.co.sample(passed, ppm, may_fall, self.co_fault)

    def _is_clear(self) -> bool:
        return not self.has_cause and self.gas.trusted and self._co is not None

    def _trip(self, now: int) -> None:
        # It may have begun right after the sample before; a board that stood still does not count its own absence.
        earliest = max(self._sampled_at, now - self.sample_ms)
        self._since_gas = _since(self._since_gas, self.gas.level > 0, earliest)
        self._since_blind = _since(self._since_blind, self.gas.blind, earliest)
        self._since_level_2 = _since(self._since_level_2, self.gas.level >= LEVEL_2, earliest)
        is_due = self._is_due(now)
        self.trip_latched = self.trip_latched or is_due or self.co.alarm
        if self._closes_on_low_supply and self._supply is not None and self._supply < SUPPLY_LOW_V:
            self.valve.insist(now, valve.BY_POWER_LOSS)
        if self.valve.state in (valve.CLOSED, valve.MOVING):
            return
        if is_due:
            self.valve.insist(now, valve.BY_TRIP)
        elif self.co.alarm:
            self.valve.insist(now, valve.BY_CO)

    def _is_due(self, now: int) -> bool:
        delays = (
            (self._since_gas, self._trip_after_ms),
            (self._since_level_2, LEVEL_2_TRIP_MS),
            (self._since_blind, BLIND_TRIP_MS),
        )
        return any(since is not None and now - since >= min(delay, self._trip_after_ms) for since, delay in delays)

    def _start_fan(self, now: int) -> bool:
        untrusted = self._co is None or self.gas.warm_up or self.life.expired
        if not self._fan_permitted or untrusted or self.co.alarm or max(self.co.steps) > 0:
            return False
        self.fan.start(now)
        return True

    def _announce(self, now: int) -> None:
        is_pressed = self._parts.button.get()
        if is_pressed and not self._was_pressed and not self._annunciator.mute(now):
            self._begin_self_test(now)
        self._was_pressed = is_pressed
        self.self_test.step(now, self.has_cause, self._is_sound())
        is_half_open = self.valve.state == valve.UNKNOWN and (self.trip_latched or self.valve.cause != valve.NOBODY)
        self._since_half_open = _since(self._since_half_open, is_half_open, now)
        self._annunciator.show(now, self._to_show(now), self.self_test.is_running)

    def _begin_self_test(self, now: int) -> bool:
        if self.has_cause:
            return False
        self.self_test.begin(now)
        return True

    def _is_sound(self) -> bool:
        """Both sensors plausible, calibration valid, supply in range, records kept."""
        gas, supply = self.gas.value, self._supply
        if gas is None or self.gas.fault or gas < DRIFT_LEL or self._co is None or self.co_fault or self.memory_fault:
            return False
        return supply is not None and SUPPLY_LOW_V <= supply <= SUPPLY_HIGH_V

    def _to_show(self, now: int) -> int:
        gas = self.gas
        what = (0, annunciator.LEVEL_1, annunciator.LEVEL_2, annunciator.LEVEL_2 | annunciator.OVER_RANGE)[gas.level]
        # It could not tell when to close.
        blind_supply = self._closes_on_low_supply and self._supply is None
        since = self._since_half_open
        half_open = since is not None and now - since >= HALF_OPEN_MS
        if not gas.lost:
            what |= annunciator.WARM_UP if gas.warm_up else annunciator.MONITORING
        for bit, stands in (
            (annunciator.CO, self.co.alarm),
            (annunciator.BLIND, gas.blind),
            (annunciator.FAULT, gas.fault or self.co_fault or self.memory_fault or blind_supply),
            (annunciator.ACTUATOR, self.fan.failed or half_open or self.valve.state == valve.FAULT),
            (annunciator.EXPIRED, self.life.expired),
            (annunciator.LATCHED, self.trip_latched),
        ):
            if stands:
                what |= bit
        return what

    def _keep(self, now: int) -> None:
        flags = self.trip_latched * latch.TRIP + self.gas.over_range * latch.OVER_RANGE
        flags += self.gas.blind * latch.BLIND + self.co.alarm * latch.CO
        flags += self.valve.is_wanted_closed * latch.CLOSING + self.gas.elevated * latch.ELEVATED
        self._latch.keep(now, flags, self.gas.kept_level, self.valve.cause, self.co.steps)


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)


def _since(since: int | None, stands: bool, earliest: int) -> int | None:
    """When what stands began; ``None`` where nothing does."""
    if not stands:
        return None
    return earliest if since is None else since
