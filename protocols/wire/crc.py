"""CRC-16/Modbus (polynomial 0x8005 reflected, start 0xFFFF, sent low byte first).

Source: Modbus over Serial Line 1.02, 6.2.2. Shared with the firmware (MicroPython subset).
"""

# What four bits make of a register of 0: four times ``register >> 1``, with 0xA001 where the bit that falls out is 1.
# Written out, and for four bits: constants stay in a board's flash, a computed table of bytes takes 512 of its heap.
_TABLE = (
    0x0000,
    0xCC01,
    0xD801,
    0x1400,
    0xF001,
    0x3C00,
    0x2800,
    0xE401,
    0xA001,
    0x6C00,
    0x7800,
    0xB401,
    0x5000,
    0x9C01,
    0x8801,
    0x4400,
)


def crc16(data: "bytes | bytearray | memoryview") -> int:
    """The CRC register after ``data``: 0 to 0xFFFF. Pack it as ``<H`` behind the data."""
    table = _TABLE
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        crc = (crc >> 4) ^ table[crc & 15]
        crc = (crc >> 4) ^ table[crc & 15]
    return crc
