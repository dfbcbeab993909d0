"""RP2040 and RP2350 (Raspberry Pi Pico, Pico W): what differs from the other microcontrollers."""

import machine

from hal import machine_port

# Where the boards' drawings have them; GP numbers.
UART_PINS = {0: (0, 1), 1: (4, 5)}
# 0x7fffff microseconds, halved by an erratum of the RP2040.
WATCHDOG_MOST_MS = 8388


class Uart(machine_port.Uart):
    """``port`` 0 (GP0, GP1) or 1 (GP4, GP5)."""

    def __init__(self, port, baud: int = 9600, de: int | None = None):
        tx, rx = UART_PINS[int(port)]
        super().__init__(int(port), baud, de, tx=tx, rx=rx)


class Adc:
    """GP26 to GP28: 12 bits of 3.3 V, scaled to 16."""

    def __init__(self, pin: int):
        self._adc = machine.ADC(machine.Pin(pin))

    def read_u16(self) -> int:
        """0 to 65535 for 0 to 3.3 V."""
        return self._adc.read_u16()


class Watchdog(machine_port.Watchdog):
    """At most 8388 ms; more is a `ValueError`."""

    def __init__(self, timeout_ms: int):
        if timeout_ms > WATCHDOG_MOST_MS:
            raise ValueError(f"watchdog: {timeout_ms} ms, this chip has at most {WATCHDOG_MOST_MS}")
        super().__init__(timeout_ms)
