"""Modbus tables of gengfu/lpg-alarm, version 1.

Made by `gengfu profile emit gengfu/lpg-alarm`; change the profile, not this file.

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

PROFILE = "gengfu/lpg-alarm"
VERSION = 1

INPUT = (
    (0, "lpg", "int16", 1, 10, 0, -32768),
    (1, "co", "int16", 1, 1, 0, -32768),
    (3, "valve", "uint16", 1, 1, 0, None),
    (4, "fan", "uint16", 1, 1, 0, None),
    (5, "temperature", "int16", 1, 10, 0, -32768),
    (6, "supply", "uint16", 1, 100, 0, 65535),
    (7, "uptime", "uint32", 1, 1, 0, None),
    (9, "valve_cause", "uint16", 1, 1, 0, None),
    (10, "alarm_level", "uint16", 1, 1, 0, None),
    (11, "calibration", "uint16", 1, 1, 0, None),
    (12, "self_test", "uint16", 1, 1, 0, None),
    (13, "life_left", "uint16", 1, 1, 0, 65535),
    (14, "boots", "uint32", 1, 1, 0, None),
    (16, "free_heap", "uint32", 1, 1, 0, None),
    (18, "reset_cause", "uint16", 1, 1, 0, None),
    (19, "firmware", "uint32", 1, 1, 0, None),
    (21, "queued", "uint32", 1, 1, 0, None),
    (23, "overwritten", "uint32", 1, 1, 0, None),
)
INPUT_BITS = (
    (2, 0, "alarm"),
    (2, 1, "fault"),
    (2, 2, "warm_up"),
    (2, 3, "over_range"),
    (2, 4, "muted"),
    (2, 5, "expired"),
    (2, 6, "trip_latched"),
    (2, 7, "co_alarm"),
    (2, 8, "co_fault"),
    (2, 9, "fan_failed"),
    (2, 10, "crashed"),
    (2, 11, "memory_fault"),
)
INPUT_COUNT = 25
HOLDING = ()
HOLDING_BITS = ()
HOLDING_COUNT = 0
COIL = ()
DISCRETE = ()
COIL_COMMANDS = (
    (0, "close-valve", 1),
    (1, "start-fan", 1),
    (2, "self-test", 1),
)
HOLDING_COMMANDS = ()
COIL_COUNT = 3
DISCRETE_COUNT = 0

STATES = (
    (
        "valve",
        (
            (0, "unknown"),
            (1, "open"),
            (2, "closed"),
            (3, "moving"),
            (4, "fault"),
        ),
    ),
    (
        "fan",
        (
            (0, "unknown"),
            (1, "stopped"),
            (2, "running"),
        ),
    ),
    (
        "valve_cause",
        (
            (0, "none"),
            (1, "device-trip"),
            (2, "command"),
            (3, "by-hand"),
            (4, "power-loss"),
            (5, "co-trip"),
        ),
    ),
    (
        "alarm_level",
        (
            (0, "none"),
            (1, "level-1"),
            (2, "level-2"),
            (3, "over-range"),
        ),
    ),
    (
        "calibration",
        (
            (0, "factory"),
            (1, "calibrated"),
            (2, "invalid"),
        ),
    ),
    (
        "self_test",
        (
            (0, "none"),
            (1, "passed"),
            (2, "failed"),
            (3, "running"),
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
