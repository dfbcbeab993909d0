"""ADS1115: four more analogue inputs over I2C, 16 bits (TI data sheet SBAS444, register map).

    0x00  conversion  two's complement, high byte first
    0x01  config      written: 0x8000 start | 0x4000 + channel * 0x1000 | 0x0200 +-4.096 V | 0x0100 one conversion
                      | 0x00E0 860 a second | 0x0003 comparator off; read: 0x8000 set when the conversion is done

Addresses 0x48 to 0x4B, by where the pin ADDR goes. An input may not be above the chip's own supply.
"""

import struct

CONVERSION = 0x00
CONFIG = 0x01
_START = 0xC3E3
_DONE = 0x80
REFERENCE_V = 4.096
# A conversion lasts 1.2 ms, a look at it at least 0.1 ms: no more looks than a chip that works can need.
_LOOKS = 40


class Ads1115:
    """One input, 0 to 3, of the chip at ``address``; an ADC for the other drivers, whose reference is `REFERENCE_V`.

    A chip that does not answer reads as 0 volts: for a 4-20 mA loop that is an open one, a fault.
    """

    def __init__(self, i2c, address: int, channel: int):
        self._i2c = i2c
        self._address = address
        self._start = struct.pack(">H", _START | channel << 12)

    def read_u16(self) -> int:
        """0 to 65534 for 0 to `REFERENCE_V`, in about 1.5 ms."""
        try:
            self._i2c.write(self._address, CONFIG, self._start)
            for _ in range(_LOOKS):
                if self._i2c.read(self._address, CONFIG, 2)[0] & _DONE:
                    code = struct.unpack(">h", self._i2c.read(self._address, CONVERSION, 2))[0]
                    return max(0, code) * 2
        except OSError:
            pass
        return 0
