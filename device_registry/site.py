"""SiteConfig: the one document a gateway is given: what stands where, and over which connection it speaks.

A file today (`site.toml`), the registry's signed version later. Strict: every wrong key is named.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocols.document import Strict, Text

DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/_-]{0,63}$")]


class SitePart(Strict):
    """The site. ``time_zone`` is for calendars, day roll-ups and pages; inside everything is UTC."""

    id: Slug
    title: Text
    time_zone: str = "Asia/Shanghai"


class AreaPart(Strict):
    """A place within the site (a kitchen, a mall floor). ``kind`` selects which shipped alarm rules apply."""

    id: Slug
    title: Text
    kind: Literal[
        "home-kitchen",
        "commercial-kitchen",
        "mall",
        "mall-duct",
        "bottle-store",
        "street",
        "well",
        "hydrogen-station",
        "other",
    ]
    address: str = ""
    staffed: bool = True


class ConnectionPart(Strict):
    """A way to devices. ``coap``: they push to us, ``listen`` is ``host:port``. ``modbus-rtu``: we poll the serial line
    ``port``. ``modbus-tcp``: we poll ``host``:``port`` (502). ``modbus-rtu-tcp``: we poll the line behind the serial
    server ``host``:``port``.

    ``timeout_s``: how long an answer may take. ``silence_s``: least quiet time on the line before a request (a serial
    line has at least 3.5 characters). ``turnaround_s``: least time from the end of an answer to the next request.
    """

    id: Slug
    transport: Literal["coap", "modbus-rtu", "modbus-tcp", "modbus-rtu-tcp"]
    listen: str | None = None
    port: str | None = None
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    host: str | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    silence_s: Annotated[float, Field(ge=0, le=1)] = 0.0
    turnaround_s: Annotated[float, Field(ge=0, le=1)] = 0.0


class PermissivesPart(Strict):
    """What must be true of a fan before a gateway may start it (S1). Absent means unknown, which is false."""

    ex_rated: bool | None = None
    dedicated: bool | None = None
    discharge_outdoors: bool | None = None
    starter_outside_zone: bool | None = None
    no_external_ingress: bool | None = None


class DevicePart(Strict):
    """One device. ``unit``: Modbus unit id. ``drill_allowed``: whether drills may inject readings for it.
    ``upstream_of``: areas whose gas its valve cuts off too (the next valve up the line)."""

    id: DeviceId
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$")]
    title: Text
    area: Slug
    connection: Slug
    unit: Annotated[int, Field(ge=1, le=247)] | None = None
    period_s: Annotated[float, Field(gt=0)] | None = None
    drill_allowed: bool = False
    upstream_of: tuple[Slug, ...] = ()
    fan: PermissivesPart = PermissivesPart()


class SiteConfig(Strict):
    """The whole document."""

    site: SitePart
    area: Annotated[tuple[AreaPart, ...], Field(min_length=1)]
    connection: Annotated[tuple[ConnectionPart, ...], Field(min_length=1)]
    device: tuple[DevicePart, ...] = ()
