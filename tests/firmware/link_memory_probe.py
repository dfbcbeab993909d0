"""Prints how many bytes of heap a serial link takes once its modules are loaded. MicroPython only."""

import gc

from links.serial_link import SerialLink


class Nothing:
    commands = ()


product = Nothing()
gc.collect()
before = gc.mem_alloc()
link = SerialLink(product, print, address=7, device="t:7", boot=41, firmware=100)
gc.collect()
print(gc.mem_alloc() - before)
