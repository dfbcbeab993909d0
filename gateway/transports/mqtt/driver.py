"""paho-mqtt on a socket of ours: no thread, no waiting, no look-up of names."""

from typing import Any, NamedTuple, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties


class Hello(NamedTuple):
    """What a connection begins with. ``filters``: what is subscribed, with QoS; ``mark_topic``: empty where no marks
    are sent; ``may_be_old``: what waits in a session of before is of an unknown age; ``will``: (topic, payload),
    retained; ``keeps``: the session outlives the connection."""

    name: str
    version: int
    client_id: str
    username: str | None
    password: str | None
    keep_alive_s: int
    filters: tuple[tuple[str, int], ...]
    mark_topic: str
    may_be_old: bool
    will: tuple[str, bytes] | None
    keeps: bool = True

    def __repr__(self) -> str:
        """Without the password."""
        return f"Hello({self.name})"


class Carrier(Protocol):
    """What the driver's socket stands for."""

    def write(self, data: bytes | bytearray) -> None:
        """Whole packets leave."""

    def let_go(self) -> None:
        """The driver is done with its socket."""


class DriverSocket:
    """A carrier, as paho takes it for a socket."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._arrived = bytearray()

    def feed(self, data: bytes) -> None:
        """What paho reads next."""
        self._arrived += data

    def recv(self, size: int) -> bytes:
        """Called by paho."""
        if not self._arrived:
            raise BlockingIOError
        piece = bytes(self._arrived[:size])
        del self._arrived[:size]
        return piece

    def send(self, data: bytes | bytearray) -> int:
        """Called by paho."""
        self._carrier.write(data)
        return len(data)

    def close(self) -> None:
        """Called by paho."""
        self._carrier.let_go()

    def fileno(self) -> int:
        """There is none."""
        return -1

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""


class _Client(Client):
    def __init__(self, given: DriverSocket, **settings: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **settings)
        self._given = given

    def _create_socket(self) -> DriverSocket:
        return self._given


def properties(packet: int, **values: int) -> Properties:
    """Properties of a packet (version 5) by their names."""
    made = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves this one without types
    for name, value in values.items():
        setattr(made, name, value)
    return made


def driver(hello: Hello, given: DriverSocket) -> Client:
    """A client that is not connected yet."""
    version = MQTTProtocolVersion(hello.version)
    keeps = {} if version is MQTTProtocolVersion.MQTTv5 else {"clean_session": not hello.keeps}
    client = _Client(given, client_id=hello.client_id, protocol=version, reconnect_on_failure=False, **keeps)
    if hello.username is not None:
        client.username_pw_set(hello.username, hello.password)
    if hello.will is not None:
        client.will_set(*hello.will, qos=1, retain=True)
    return client
