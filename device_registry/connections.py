"""The ways to devices that a site may name, one part per transport. Secrets are in files, never in the document."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from protocols.document import Strict

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/_-]{0,63}$")]
Host = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Baud = Annotated[int, Field(ge=300, le=4_000_000)]
Pause = Annotated[float, Field(ge=0, le=1)]
Timeout = Annotated[float, Field(gt=0, le=60)]


class ConnectionPart(Strict):
    """What every connection has."""

    id: Slug


class CoapConnection(ConnectionPart):
    """Devices push to us; ``listen`` is ``host:port``. ``peer_rate``: messages of one address in a second that are
    stored; what comes beyond is judged and refused (S9)."""

    transport: Literal["coap"]
    listen: str
    peer_rate: Annotated[int, Field(ge=1, le=1_000_000)] = 2000


class HttpConnection(ConnectionPart):
    """Devices push SenML to the API of this process (``POST /api/v1/readings``)."""

    transport: Literal["http"]


class SerialPart(ConnectionPart):
    """A serial line at ``port``, the path of a character device."""

    port: Annotated[str, Field(min_length=1)]
    baud: Baud = 9600
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1


class PolledPart(ConnectionPart):
    """``timeout_s``: how long an answer may take. ``turnaround_s``: least time from the end of an answer to the next
    request."""

    timeout_s: Timeout = 1.0
    turnaround_s: Pause = 0.0


class ModbusRtuConnection(SerialPart, PolledPart):
    """We poll a serial line. ``silence_s``: least quiet time before a request, never less than 3.5 characters."""

    transport: Literal["modbus-rtu"]
    silence_s: Pause = 0.0


class ModbusTcpConnection(PolledPart):
    """We poll ``host``:``port``."""

    transport: Literal["modbus-tcp"]
    host: Host
    port: Port = 502


class ModbusRtuTcpConnection(PolledPart):
    """We poll the line behind the serial server ``host``:``port``. ``silence_s``: least quiet time before a request."""

    transport: Literal["modbus-rtu-tcp"]
    host: Host
    port: Port
    silence_s: Pause = 0.0


class SerialLinkConnection(SerialPart):
    """Boards on a serial line that speak the frames of `protocols.wire.link`, at a rate that the firmware knows.

    ``turnaround_s``: how long a board may take to begin its answer (a Pico writes its pack anew first). ``poll_s``:
    pause between two questions to a board without news.
    """

    transport: Literal["serial-link"]
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] = 115200
    turnaround_s: Annotated[float, Field(ge=0.001, le=5)] = 0.2
    poll_s: Annotated[float, Field(ge=0.001, le=60)] = 0.1


class MqttConnection(ConnectionPart):
    """We subscribe at the broker ``host``:``port``, with a session that outlives us under ``client_id``
    (``gengfu-`` and the id of the connection where absent), which no other client there may have.

    ``version``: of MQTT. ``tls``: encrypted (``ca_file``: who may have signed the broker's certificate, the system's
    authorities where it is absent); with ``certificate_file`` and ``key_file`` we show one of our own.
    ``password_file`` holds one line. ``keep_alive_s``: longest silence before the broker is asked whether it lives.
    ``sparkplug_host``: the host id under which a Sparkplug B consumer announces its state.
    """

    transport: Literal["mqtt"]
    host: Host
    port: Port | None = None
    version: Literal["3.1.1", "5"] = "5"
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None = None
    username: str | None = None
    password_file: str | None = None
    tls: bool = False
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    keep_alive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    sparkplug_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None = None


class OpcUaConnection(ConnectionPart):
    """We subscribe at the server ``url`` (``opc.tcp://host:port/path``).

    ``security``: Basic256Sha256 signs and encrypts with ``certificate_file`` and ``key_file``, and trusts the
    server's certificate of ``server_certificate_file`` alone. A user signs in with ``username`` and the line in
    ``password_file``, or with ``user_certificate_file`` and ``user_key_file``.
    ``publishing_s``: how often the server tells what changed; ``sampling_s``: how often it looks for changes itself, 0
    for as often as it can, so that no short pulse is missed.
    """

    transport: Literal["opcua"]
    url: Annotated[str, Field(pattern=r"^opc\.tcp://[^/\s]+")]
    security: Literal["none", "Basic256Sha256"] = "Basic256Sha256"
    certificate_file: str | None = None
    key_file: str | None = None
    server_certificate_file: str | None = None
    username: str | None = None
    password_file: str | None = None
    user_certificate_file: str | None = None
    user_key_file: str | None = None
    publishing_s: Annotated[float, Field(ge=0.01, le=60)] = 0.5
    sampling_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    timeout_s: Timeout = 4.0


ModbusConnection: TypeAlias = ModbusRtuConnection | ModbusTcpConnection | ModbusRtuTcpConnection
Connection: TypeAlias = (
    CoapConnection | HttpConnection | ModbusConnection | SerialLinkConnection | MqttConnection | OpcUaConnection
)
