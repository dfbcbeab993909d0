"""SiteConfig: the one document a gateway is given: what stands where, and over which connection it speaks.

A file today (`site.toml`), the registry's signed version later. Strict: every wrong key is named.
"""

from typing import Annotated, Literal

from pydantic import Field

from device_registry.addresses import CoapAddress, HttpAddress, MqttAddress, OpcUaAddress, OscorePart
from device_registry.card import CardPart
from device_registry.connections import Connection, Slug
from protocols.document import Strict, Text
from protocols.profile.parts_report import ReportPart

DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class SitePart(Strict):
    """The site. ``time_zone`` is for calendars, day roll-ups and pages; inside everything is UTC.

    ``simulated``: its devices are a virtual fleet, so all that they say is of origin SIMULATED (S22).
    """

    id: Slug
    title: Text
    time_zone: str = "Asia/Shanghai"
    simulated: bool = False


class AreaPart(Strict):
    """A place within the site (a kitchen, a mall floor). ``kind`` selects which shipped alarm rules and matrices apply.

    How gas gets from one to another: ``within``: the mall it belongs to. ``neighbours``: wall to wall with it, or for a
    well the wells within 100 m; saying so on one side is enough. ``ducts``: ducts and intakes whose air comes in here.
    ``wells``: wells and manholes within 50 m of it. ``card``: the response card for its alarms.
    """

    id: Slug
    title: Text
    kind: Literal[
        "home-kitchen",
        "commercial-kitchen",
        "mall",
        "mall-building",
        "mall-duct",
        "bottle-store",
        "street",
        "well",
        "hydrogen-station",
        "other",
    ]
    address: str = ""
    staffed: bool = True
    within: Slug | None = None
    neighbours: tuple[Slug, ...] = ()
    ducts: tuple[Slug, ...] = ()
    wells: tuple[Slug, ...] = ()
    card: CardPart | None = None


class PermissivesPart(Strict):
    """What must be true of a fan before a gateway may start it (S1). Absent means unknown, which is false."""

    ex_rated: bool | None = None
    dedicated: bool | None = None
    discharge_outdoors: bool | None = None
    starter_outside_zone: bool | None = None
    no_external_ingress: bool | None = None


class SetValuesPart(Strict):
    """What a station was set to at a point, in the point's unit: from where on its value is too high, or too low."""

    high: float
    low: float


class DevicePart(Strict):
    """One device. ``unit``: Modbus unit id or address on a serial link. ``http``, ``mqtt``, ``opcua``, ``coap``,
    ``oscore``: what its transport needs. ``drill_allowed``: whether drills may inject readings for it.
    ``upstream_of``: areas whose gas its valve cuts off too (the next valve up the line). ``shares``: the bus or supply
    that it has in common with others of the same name: in a vote they count as one (S7). ``report``: strategies by
    point name, in place of the profile's. ``proof_test_days``: how often its valve has to be proved, in place of the
    period that is shipped."""

    id: DeviceId
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$")]
    title: Text
    area: Slug
    connection: Slug
    unit: Annotated[int, Field(ge=1, le=247)] | None = None
    http: HttpAddress | None = None
    mqtt: MqttAddress | None = None
    opcua: OpcUaAddress | None = None
    coap: CoapAddress | None = None
    oscore: OscorePart | None = None
    period_s: Annotated[float, Field(gt=0)] | None = None
    drill_allowed: bool = False
    upstream_of: tuple[Slug, ...] = ()
    shares: Annotated[str, Field(max_length=64)] = ""
    fan: PermissivesPart = PermissivesPart()
    report: dict[str, ReportPart] = Field(default_factory=dict)
    set_values: dict[str, SetValuesPart] = Field(default_factory=dict)
    proof_test_days: Annotated[float, Field(gt=0, le=3660)] | None = None


class SiteConfig(Strict):
    """The whole document."""

    site: SitePart
    area: Annotated[tuple[AreaPart, ...], Field(min_length=1)]
    connection: Annotated[
        tuple[Annotated[Connection, Field(discriminator="transport")], ...],
        Field(min_length=1),
    ]
    device: tuple[DevicePart, ...] = ()
