"""Modbus tables of gengfu/hydrogen-node, version 1.

Made by `gengfu profile emit gengfu/hydrogen-node`; change the profile, not this file.

INPUT, HOLDING: registers, rows (address, name, type, multiply, divide, offset, missing).
    value = raw * multiply / divide + offset; raw = (value - offset) * divide / multiply, rounded.
    type: int16, uint16, int32, uint32, int64, uint64, float32 or float64. More than 16 bits take consecutive
    registers, high word first, or low word first where the type ends in "-swapped".
    missing: the raw code for "no value", or None.
INPUT_BITS, HOLDING_BITS: flags inside registers, rows (address, bit, name); bit 0 is the lowest.
COIL, DISCRETE: flags in bit tables, rows (address, name).
COIL_COMMANDS, HOLDING_COMMANDS: rows (address, command, value). Any other value at such an address is refused
    with exception 03: a closing coil has no opening value.
*_COUNT: length of the table from address 0. STATES: codes of enumerations by point name, rows (code, name).
"""

PROFILE = "gengfu/hydrogen-node"
VERSION = 1

INPUT = (
    (0, "h2_1", "int16", 1, 1000, 0, -32768),
    (1, "h2_2", "int16", 1, 1000, 0, -32768),
    (2, "h2_3", "int16", 1, 1000, 0, -32768),
    (3, "h2_4", "int16", 1, 1000, 0, -32768),
    (4, "pressure_trailer", "int16", 1, 100, 0, -32768),
    (5, "pressure_low_bank", "int16", 1, 100, 0, -32768),
    (6, "pressure_high_bank", "int16", 1, 100, 0, -32768),
    (7, "pressure_dispenser", "int16", 1, 100, 0, -32768),
    (8, "temperature_gas", "int16", 1, 10, 0, -32768),
    (9, "temperature_room", "int16", 1, 10, 0, -32768),
)
INPUT_BITS = (
    (10, 0, "flame"),
    (10, 1, "esd"),
    (10, 2, "break_away"),
    (10, 3, "fault"),
    (10, 4, "warm_up"),
    (10, 5, "fan_running"),
    (10, 6, "compressor_running"),
)
INPUT_COUNT = 11
HOLDING = ()
HOLDING_BITS = ()
HOLDING_COUNT = 0
COIL = ()
DISCRETE = ()
COIL_COMMANDS = ()
HOLDING_COMMANDS = ()
COIL_COUNT = 0
DISCRETE_COUNT = 0

STATES = {}
