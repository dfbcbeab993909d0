"""Which part is on which pin of an ESP32 development board; GPIO numbers. The drawing is in ``docs/firmware.md``.

Left alone: 0, 2, 5, 12, 15 (looked at by the chip when it starts, or pulsed then), 1 and 3 (console), 6 to 11 (flash).
"""

# The line of Modbus or of the serial link: UART and the pin that enables its RS-485 driver.
LINE = 2
LINE_ENABLE = 4

# Constants alone: they stay in flash.
GAS_ALARM = (
    ("methane", 36),
    # 20.5 mA are 2.05 V, 24 mA 2.4 V: this converter is not good for more.
    ("shunt_ohm", 100.0),
    ("temperature", 39),
    ("supply", 34),
    ("co", 1),
    ("valve_coil", 23),
    ("fan_relay", 22),
    ("lamp_green", 18),
    ("lamp_yellow", 19),
    ("lamp_red", 21),
    ("buzzer", 13),
    ("valve_closed", 27),
    ("valve_open", 32),
    ("fan_proof", 33),
    ("button", 14),
)
SMART_BIN = (
    ("distance", 1),
    ("weight_data", 27),
    ("weight_clock", 18),
    ("temperature", 36),
    ("battery", 39),
    ("i2c", 0),
    ("sda", 21),
    ("scl", 22),
    ("lid_open", 32),
    ("smoke", 33),
)
HYDROGEN_NODE = (
    ("i2c", 0),
    ("sda", 21),
    ("scl", 22),
    ("flame", 27),
    ("esd", 32),
    ("break_away", 33),
    ("fan_running", 14),
    ("compressor_running", 13),
)
PINS = {"gas-alarm": GAS_ALARM, "smart-bin": SMART_BIN, "hydrogen-node": HYDROGEN_NODE}


def parts(settings: dict):
    """The `drivers.parts.Parts` of the product of the settings. Only its drivers are loaded."""
    product = settings["product"]
    board = __import__("wiring.board_" + product.replace("-", "_"), None, None, ("parts",))
    return board.parts(dict(PINS[product]))
