"""The network of a board, and what is opened on it. None of it stops the board: what fails is told."""

import asyncio

import hal
from hal import net

AGAIN_MS = 10000


async def join(settings: dict) -> None:
    """Keep the board on its network. A setting that keeps it off is told, and the board goes on without."""
    try:
        await net.join(settings)
    except OSError as error:
        hal.emit("error", message=f"network: {error}; the board goes on without")


async def opened(what: str, make, again_ms: int = AGAIN_MS):
    """What ``make()`` gives. While it raises `OSError` it is tried again, and each new reason is told once: a network
    may come up later than the board, a name may not be known yet, a port may still be held."""
    told = ""
    while True:
        try:
            return make()
        except OSError as error:
            reason = str(error)
        if reason != told:
            told = reason
            hal.emit("error", message=f"{what}: {reason}; the board goes on without, and tries again")
        await asyncio.sleep_ms(again_ms)


async def listen(slave, port: int, ticks) -> None:
    """Serve ``slave`` (`links.modbus_slave.ModbusSlave`) to masters on a TCP port, for ever."""
    server = __import__("links.modbus_tcp", None, None, ("Server",)).Server
    listener = await opened(f"modbus-tcp {port}", lambda: net.TcpListener(port))
    try:
        await server(slave, listener, ticks, hal.emit).serve()
    finally:
        listener.close()
