"""A gas alarm whose supply goes: the last energy closes a valve that needs a pulse (S21)."""

from gas_parts import Bench
from products import valve


def test_pulse_valve_that_must_close_without_power_gets_its_pulse_from_the_last_energy():
    bench = Bench(power_loss="closed")
    bench.parts.supply.value = 9.0
    bench.run(1)
    assert bench.parts.valve_coil.seen == []
    bench.parts.supply.value = 8.9
    bench.run(0.1)
    assert bench.parts.valve_coil.level
    bench.run(1)
    bench.shows(valve=valve.CLOSED, valve_cause=valve.BY_POWER_LOSS, trip_latched=False)
    other = Bench()
    other.parts.supply.value = 5.0
    other.run(1)
    assert other.parts.valve_coil.seen == []


def test_valve_that_is_stuck_gets_its_rest_at_low_supply_as_in_gas():
    pulses = []
    for act in (lambda bench: setattr(bench.parts.supply, "value", 8.0), lambda bench: bench.gas(60.0)):
        bench = Bench(power_loss="closed", trip_after=0.0)
        bench.parts.iron.jammed = True
        act(bench)
        bench.run(599)
        pulses.append(bench.parts.valve_coil.seen.count(True))
    assert pulses[0] == pulses[1]
    assert 25 <= pulses[0] <= 30
