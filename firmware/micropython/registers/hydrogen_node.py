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
*_COUNT: length of the table from address 0. STATES: codes of enumerations, rows (point, ((code, name), ...)).
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
    (12, "h2_1_state", "uint16", 1, 1, 0, None),
    (13, "h2_2_state", "uint16", 1, 1, 0, None),
    (14, "h2_3_state", "uint16", 1, 1, 0, None),
    (15, "h2_4_state", "uint16", 1, 1, 0, None),
    (16, "first_out", "uint16", 1, 1, 0, None),
    (17, "first_out_channel", "uint16", 1, 1, 0, None),
    (18, "uptime", "uint32", 1, 1, 0, None),
    (20, "boots", "uint32", 1, 1, 0, None),
    (22, "free_heap", "uint32", 1, 1, 0, None),
    (24, "reset_cause", "uint16", 1, 1, 0, None),
    (25, "firmware", "uint32", 1, 1, 0, None),
    (27, "queued", "uint32", 1, 1, 0, None),
    (29, "overwritten", "uint32", 1, 1, 0, None),
)
INPUT_BITS = (
    (10, 0, "flame"),
    (10, 1, "esd"),
    (10, 2, "break_away"),
    (10, 3, "fault"),
    (10, 4, "warm_up"),
    (10, 5, "fan_running"),
    (10, 6, "compressor_running"),
    (11, 0, "trailer_fault"),
    (11, 1, "low_bank_fault"),
    (11, 2, "high_bank_fault"),
    (11, 3, "dispenser_fault"),
    (11, 4, "t_gas_fault"),
    (11, 5, "t_room_fault"),
    (31, 0, "crashed"),
    (31, 1, "memory_fault"),
)
INPUT_COUNT = 32
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
        "h2_1_state",
        (
            (0, "good"),
            (1, "fault"),
            (2, "over-range"),
        ),
    ),
    (
        "h2_2_state",
        (
            (0, "good"),
            (1, "fault"),
            (2, "over-range"),
        ),
    ),
    (
        "h2_3_state",
        (
            (0, "good"),
            (1, "fault"),
            (2, "over-range"),
        ),
    ),
    (
        "h2_4_state",
        (
            (0, "good"),
            (1, "fault"),
            (2, "over-range"),
        ),
    ),
    (
        "first_out",
        (
            (0, "none"),
            (1, "h2-high"),
            (2, "h2-high-high"),
            (3, "h2-over-range"),
            (4, "flame"),
            (5, "esd"),
            (6, "break-away"),
            (7, "over-pressure"),
            (8, "sensor-lost"),
            (9, "unknown"),
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
