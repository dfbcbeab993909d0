"""The gas alarm's parts on a microcontroller; ``pins`` is the port's table."""

import hal
from drivers.contact import Contact
from drivers.current_loop import CurrentLoop
from drivers.divider import Divider
from drivers.ndir import ZE07_CO, Ndir
from drivers.parts import Parts
from drivers.relay import Output
from drivers.thermistor import Thermistor

CO_FULL_SCALE_PPM = 1000.0
# 100 kohm over 10 kohm: 36 V at the ADC's end.
SUPPLY_RATIO = 11.0
OUTPUTS = ("valve_coil", "fan_relay", "lamp_green", "lamp_yellow", "lamp_red", "buzzer")
CONTACTS = ("valve_closed", "valve_open", "fan_proof", "button")


def parts(pins: dict) -> Parts:
    """The outputs first: they are at rest before anything else is touched (S21)."""
    made: dict = {name: Output(hal.PinOut(pins[name])) for name in OUTPUTS}
    for name in CONTACTS:
        # To ground when they act. A limit switch that flickers must not end the pulses to the coil.
        made[name] = Contact(hal.PinIn(pins[name], 1), on=2, off=2)
    made["methane"] = CurrentLoop(hal.Adc(pins["methane"]), 0.0, 100.0, shunt_ohm=pins["shunt_ohm"])
    made["co"] = Ndir(hal.Uart(pins["co"], 9600), CO_FULL_SCALE_PPM, **ZE07_CO)
    made["temperature"] = Thermistor(hal.Adc(pins["temperature"]))
    made["supply"] = Divider(hal.Adc(pins["supply"]), SUPPLY_RATIO)
    return Parts(**made)
