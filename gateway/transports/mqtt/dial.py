"""From the settings of an MQTT connection to one that stands: address, TLS and secrets, read anew each time."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from device_registry.connections import MqttConnection
from gateway.transports.mqtt.driver import Hello
from gateway.transports.mqtt.link import Link

CONNECT_S = 5.0
"""From the first packet to the subscriptions taken."""
STEADY_S = 5.0
"""A connection that stood so long was none that fails again and again."""
LIFE_SAFETY_KEEP_ALIVE_S = 10
PORT, TLS_PORT = 1883, 8883
VERSIONS = {"3.1.1": 4, "5": 5}


class Unusable(Exception):
    """A file that the connection needs cannot be used. The message names it."""


class Dialer:
    """One broker, as one connection of a site knows it."""

    def __init__(self, part: MqttConnection, *, life_safety: bool) -> None:
        self._part = part
        keep_alive = part.keep_alive_s
        self._keep_alive_s = min(keep_alive, LIFE_SAFETY_KEEP_ALIVE_S) if life_safety else keep_alive

    @property
    def place(self) -> str:
        """``host:port``."""
        return f"{self._part.host}:{self._port}"

    @property
    def _port(self) -> int:
        return self._part.port or (TLS_PORT if self._part.tls else PORT)

    def hello(
        self,
        client_id: str,
        filters: tuple[tuple[str, int], ...],
        *,
        mark_topic: str = "",
        may_be_old: bool = False,
        will: tuple[str, bytes] | None = None,
        keeps: bool = True,
    ) -> Hello:
        """What a connection begins with. Raises `Unusable`."""
        part = self._part
        return Hello(
            part.id,
            VERSIONS[part.version],
            client_id,
            part.username,
            _line_of(part.password_file),
            self._keep_alive_s,
            filters,
            mark_topic,
            may_be_old,
            will,
            keeps,
        )

    async def dial(self, make: Callable[[], Link], take_over: Callable[[Link], None]) -> None:
        """Connect, hand the link over, and return when it is let in or has ended, `CONNECT_S` after the call at the
        latest. Raises `Unusable`, `OSError` and `TimeoutError` where there is no link."""
        loop = asyncio.get_running_loop()
        context = self._tls() if self._part.tls else None
        link: Link | None = None
        try:
            async with asyncio.timeout(CONNECT_S):
                _, link = await loop.create_connection(make, self._part.host, self._port, ssl=context)
                take_over(link)
                await asyncio.wait((link.ready, link.ended), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            if link is None:
                raise
            link.fail(f"{self.place} did not let us in within {CONNECT_S:g} s")

    def _tls(self) -> ssl.SSLContext:
        """Raises `Unusable`."""
        part = self._part
        try:
            context = ssl.create_default_context(cafile=part.ca_file)
            if part.certificate_file is not None:
                # with a passphrase of its own it would be asked for at the terminal, and everything would wait
                context.load_cert_chain(part.certificate_file, part.key_file, password="")
        except OSError as error:  # ssl.SSLError is one
            named = ", ".join(one for one in (part.ca_file, part.certificate_file, part.key_file) if one)
            why = error.strerror or error
            raise Unusable(
                f"the certificates ({named}): {why}; check that they are PEM, the key without a passphrase"
            ) from None
        return context

    def why(self, error: Exception) -> str:
        """Why there is no link, for a person: what `hello` or `dial` raised."""
        return f"{self.place} cannot be used: {_why(error)}"


def _line_of(path: str | None) -> str | None:
    """The one line of a secret's file. Raises `Unusable`."""
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise Unusable(f"the password file {path}: {why}") from None


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer; check address, port and network"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); check ca_file and the host's name"
    if isinstance(error, Unusable):
        return str(error)
    return f"{error}; check address, port, network and TLS"
