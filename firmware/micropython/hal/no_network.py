"""A chip without a network, as the plain Pico: the names are there and say so."""


class NoNetwork(OSError):
    """What was asked for needs a network."""

    def __init__(self):
        super().__init__(
            "this board has no network: set gateway = none and modbus-tcp = 0, and give it a serial line"
            " (modbus or serial-link)"
        )


def radio(_on: bool) -> None:
    """Nothing."""


async def join(_settings: dict) -> None:
    """Raises `NoNetwork`."""
    raise NoNetwork()


class Udp:
    """Raises `NoNetwork`."""

    def __init__(self, _host: str, _port: int):
        raise NoNetwork()


class TcpListener:
    """Raises `NoNetwork`."""

    def __init__(self, _port: int, _host: str = "0.0.0.0"):
        raise NoNetwork()
