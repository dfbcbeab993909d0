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
*_COUNT: length of the table from address 0. STATES: codes of enumerations, rows (point, ((code, name), ...)).
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
    (9, "fire_cause", "uint16", 1, 1, 0, None),
    (10, "uptime", "uint32", 1, 1, 0, None),
    (12, "boots", "uint32", 1, 1, 0, None),
    (14, "free_heap", "uint32", 1, 1, 0, None),
    (16, "reset_cause", "uint16", 1, 1, 0, None),
    (17, "firmware", "uint32", 1, 1, 0, None),
    (19, "queued", "uint32", 1, 1, 0, None),
    (21, "overwritten", "uint32", 1, 1, 0, None),
)
INPUT_BITS = (
    (4, 0, "lid_open"),
    (4, 1, "fire"),
    (4, 2, "fault"),
    (8, 0, "overflow"),
    (8, 1, "tilted"),
    (8, 2, "smoke"),
    (8, 3, "fill_fault"),
    (8, 4, "weight_fault"),
    (8, 5, "temperature_fault"),
    (8, 6, "tilt_fault"),
    (8, 7, "battery_fault"),
    (23, 0, "crashed"),
    (8, 8, "memory_fault"),
)
INPUT_COUNT = 24
HOLDING = ()
HOLDING_BITS = ()
HOLDING_COUNT = 0
COIL = ()
DISCRETE = ()
COIL_COMMANDS = ()
HOLDING_COMMANDS = ()
COIL_COUNT = 0
DISCRETE_COUNT = 0

STATES = (
    (
        "fire_cause",
        (
            (0, "none"),
            (1, "smoke"),
            (2, "hot"),
            (3, "rise"),
            (4, "lost-after-heat"),
        ),
    ),
    (
        "reset_cause",
        (
            (0, "unknown"),
            (1, "power-on"),
            (2, "hard"),
            (3, "watchdog"),
            (4, "software"),
            (5, "deep-sleep"),
        ),
    ),
)
