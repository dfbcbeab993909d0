"""Modbus tables of gengfu/smart-bin, version 1.

Made by `gengfu profile emit gengfu/smart-bin`; change the profile, not this file.

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

PROFILE = "gengfu/smart-bin"
VERSION = 1

INPUT = (
    (0, "fill", "uint16", 1, 10, 0, 65535),
    (1, "weight", "int16", 1, 10, 0, -32768),
    (2, "temperature", "int16", 1, 10, 0, -32768),
    (3, "tilt", "uint16", 1, 1, 0, 65535),
    (5, "battery", "uint16", 1, 1, 0, 65535),
    (6, "collections", "uint32", 1, 1, 0, None),
)
INPUT_BITS = (
    (4, 0, "lid_open"),
    (4, 1, "fire"),
    (4, 2, "fault"),
)
INPUT_COUNT = 8
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
