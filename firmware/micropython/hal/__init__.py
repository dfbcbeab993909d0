"""Hardware abstraction: one module per port, chosen here, each with the same names.

Ticks()                 call it: milliseconds since start, never wrapping
utc()                   seconds since 1970, or None while the clock is not set
entropy()               31 random bits
Udp(host, port)         send(peer, data), receive() -> (peer, data) | None, wait(); gateway: its peer
Serial(path)            serve(slave, ticks): a serial line for `links.modbus_slave`
Lines()                 wait() -> the next line of the stimulus, None at its end
emit(event, **fields)   one JSON line for the bench
"""

import sys

if sys.platform == "linux":
    from hal.linux import Lines, Ticks, Udp, emit, entropy, utc  # noqa: F401 - the names of this package
    from hal.linux_serial import Serial  # noqa: F401 - as above
else:
    raise ImportError("hal: no module for " + sys.platform)
