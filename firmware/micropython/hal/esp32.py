"""ESP32 (the 30- and 38-pin development boards): what differs from the other microcontrollers."""

import machine

from hal import machine_port

# UART 0 is the console. GPIO 6 to 11 are the flash: the chip's own default for UART 1 is not usable.
UART_PINS = {1: (25, 26), 2: (17, 16)}
_FULL_SCALE_UV = 3300000
# No bound of its own here.
Watchdog = machine_port.Watchdog


class Uart(machine_port.Uart):
    """``port`` 1 (GPIO 25, 26) or 2 (GPIO 17, 16)."""

    def __init__(self, port, baud: int = 9600, de: int | None = None):
        tx, rx = UART_PINS[int(port)]
        super().__init__(int(port), baud, de, tx=tx, rx=rx)


class Adc:
    """GPIO 32 to 39 (the other converter belongs to the radio). Good between 0.15 and 2.45 V, blind above about 3.1."""

    def __init__(self, pin: int):
        self._adc = machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)

    def read_u16(self) -> int:
        """0 to 65535 for 0 to 3.3 V, by the calibration in the chip's fuses: the raw count is not linear."""
        return min(65535, self._adc.read_uv() * 65535 // _FULL_SCALE_UV)
