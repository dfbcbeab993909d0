"""Which part is on which pin of a Raspberry Pi Pico or Pico W; GP numbers. The drawing is in ``docs/firmware.md``."""

# The line of Modbus or of the serial link: UART and the pin that enables its RS-485 driver.
LINE = 0
LINE_ENABLE = 2

# Constants alone: they stay in flash.
GAS_ALARM = (
    ("methane", 26),
    # 22.0 mA at the ADC's end; 20.5 mA are 3.075 V.
    ("shunt_ohm", 150.0),
    ("temperature", 27),
    ("supply", 28),
    ("co", 1),
    ("valve_coil", 6),
    ("fan_relay", 7),
    ("lamp_green", 8),
    ("lamp_yellow", 9),
    ("lamp_red", 10),
    ("buzzer", 11),
    ("valve_closed", 12),
    ("valve_open", 13),
    ("fan_proof", 14),
    ("button", 15),
)
SMART_BIN = (
    ("distance", 1),
    ("weight_data", 6),
    ("weight_clock", 7),
    ("temperature", 26),
    ("battery", 28),
    ("i2c", 0),
    ("sda", 20),
    ("scl", 21),
    ("lid_open", 12),
    ("smoke", 13),
)
HYDROGEN_NODE = (
    ("i2c", 0),
    ("sda", 20),
    ("scl", 21),
    ("flame", 10),
    ("esd", 11),
    ("break_away", 12),
    ("fan_running", 13),
    ("compressor_running", 14),
)
PINS = {"gas-alarm": GAS_ALARM, "smart-bin": SMART_BIN, "hydrogen-node": HYDROGEN_NODE}


def parts(settings: dict):
    """The `drivers.parts.Parts` of the product of the settings. Only its drivers are loaded."""
    product = settings["product"]
    board = __import__("wiring.board_" + product.replace("-", "_"), None, None, ("parts",))
    return board.parts(dict(PINS[product]))
