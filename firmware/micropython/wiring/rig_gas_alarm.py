"""The parts of a gas alarm on the rig."""

from desk_rig.gas_alarm import SUPPLY_RATIO
from drivers.contact import Contact
from drivers.current_loop import CurrentLoop
from drivers.divider import Divider
from drivers.ndir import ZE07_CO, Ndir
from drivers.parts import Parts
from drivers.relay import Output
from drivers.thermistor import Thermistor

# Four samples halve the noise and keep many channels cheap.
SAMPLES = 4
CO_FULL_SCALE_PPM = 1000.0


def parts(rig) -> Parts:
    """Sensors, limit switches, proof, button, and six outputs."""
    channels = rig.channels
    made = {
        "methane": CurrentLoop(channels["methane"], 0.0, 100.0, samples=SAMPLES),
        "co": Ndir(channels["co"], CO_FULL_SCALE_PPM, **ZE07_CO),
        "temperature": Thermistor(channels["temperature"], samples=SAMPLES),
        "supply": Divider(channels["supply"], SUPPLY_RATIO, samples=SAMPLES),
    }
    for name in rig.contacts:
        # A limit switch that flickers must not end the pulses to the coil, nor a bounce press the button twice.
        made[name] = Contact(rig.contacts[name], on=2, off=2)
    for name in rig.outputs:
        made[name] = Output(rig.outputs[name])
    return Parts(**made)
