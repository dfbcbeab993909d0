"""CRC-16/Modbus (polynomial 0x8005 reflected, start 0xFFFF, sent low byte first).

Source: Modbus over Serial Line 1.02, 6.2.2. Shared with the firmware (MicroPython subset).
"""

from array import array


def _table() -> "array[int]":
    # An array keeps 512 bytes on a board where a tuple would take 1 KB.
    table = array("H")
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return table


_TABLE = _table()


def crc16(data: "bytes | bytearray | memoryview") -> int:
    """The CRC register after ``data``: 0 to 0xFFFF. Pack it as ``<H`` behind the data."""
    table = _TABLE
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc
