"""What the API answers with. Times are RFC 3339 UTC with milliseconds; numbers carry their unit beside them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.roles import Role

Time = Annotated[str, Field(description="RFC 3339, UTC, milliseconds.", examples=["2026-11-20T08:00:00.000Z"])]
Next = Annotated[str | None, Field(description="Pass it as `after` to get the next page; null on the last page.")]
Unit = Annotated[str, Field(description="UCUM code; `1` for a plain number.", examples=["%{LEL}"])]
UnitText = Annotated[str, Field(description="The unit as people write it.", examples=["%LEL"])]
ValueField = Annotated[
    float | str | None,
    Field(description="In `unit`; flags are 0 or 1, enumerations their code; null: there is no usable number."),
]
QualityField = Annotated[
    str,
    Field(description="`good`, or severity and reason.", examples=["good", "bad:sensor-fault", "bad:over-range"]),
]


class ErrorPlace(BaseModel):
    """One wrong place of a request."""

    where: Annotated[str, Field(examples=["query.from"])]
    what: str


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: Annotated[str, Field(examples=["urn:gengfu:problem:unknown-device"])]
    title: str
    status: int
    detail: str
    detail_zh: str
    errors: Annotated[list[ErrorPlace] | None, Field(description="With 422: what is wrong where.")] = None
    kind: Annotated[str | None, Field(description="With 400 from /readings: a fixed word for counting.")] = None
    id: Annotated[str | None, Field(description="With 500: what to look for in the log.")] = None
    checks: Annotated[dict[str, str] | None, Field(description="With 503 from /readyz: what fails.")] = None


PROBLEM: dict[str, Any] = {"model": ProblemDetails}


class Text(BaseModel):
    """A text for people in both languages."""

    zh: str
    en: str


class SiteShape(BaseModel):
    """What the sign-in page needs to know."""

    id: str
    title: Text
    time_zone: Annotated[str, Field(description="For calendars and pages (IANA name).")]
    banner: Annotated[Text | None, Field(description="A warning to show on every page (DEMO).")]
    demo: Annotated[bool, Field(description="Its boards run on this machine; `/demo` can make gas leak.")]
    version: str


class Credentials(BaseModel):
    """A sign-in."""

    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class SessionToken(BaseModel):
    """The token of a new session, also set as a cookie."""

    token: str


class Me(BaseModel):
    """Who is signed in."""

    username: str
    role: Role


class NewToken(BaseModel):
    """A wish for an API token."""

    name: Annotated[str, Field(min_length=1, max_length=64, description="What it is for.")]
    role: Annotated[Role | None, Field(description="At most your own, which is the default.")] = None


class TokenShape(BaseModel):
    """An API token without its secret."""

    id: str
    name: str
    user: str
    role: Role
    created: Time
    last_used: Time | None


class CreatedToken(TokenShape):
    """An API token just made; its secret is shown this once."""

    token: str


class Tokens(BaseModel):
    """API tokens, oldest first."""

    items: list[TokenShape]
    next: Next = None


class StateShape(BaseModel):
    """One code of an enumerated point."""

    code: int
    name: str
    title: Text


class PointShape(BaseModel):
    """One point of a device."""

    name: str
    title: Text
    type: Literal["number", "counter", "flag", "enum", "text"]
    unit: Unit
    unit_text: UnitText
    decimals: Annotated[int, Field(description="Digits to show after the decimal point.")]
    role: Annotated[str | None, Field(description="What pages and rules select by.", examples=["gas"])]
    life_safety: bool
    final_element: Annotated[bool, Field(description="The state of a valve or fan.")]
    states: list[StateShape]


class AreaShape(BaseModel):
    """Where a device stands."""

    id: str
    title: Text
    kind: str
    address: str


class DeviceHead(BaseModel):
    """One registered device, without its points."""

    id: str
    profile: Annotated[str, Field(examples=["gengfu/gas-alarm"])]
    title: Text
    area: AreaShape
    connection: str
    last_seen: Annotated[Time | None, Field(description="When it was last heard (LIVE); null: not yet.")]


class DeviceShape(DeviceHead):
    """One registered device."""

    points: list[PointShape]


class Devices(BaseModel):
    """Devices by id."""

    items: list[DeviceShape]
    next: Next = None


class LatestValue(BaseModel):
    """The newest value of one point."""

    point: str
    value: ValueField
    unit: Unit
    unit_text: UnitText
    quality: QualityField
    at: Time


class Latest(BaseModel):
    """The newest values of a device, in the order of its profile; points never heard are absent."""

    device: str
    items: list[LatestValue]
    next: Next = None


class CommandShape(BaseModel):
    """Something the device can be told."""

    name: str
    title: Text
    effect: str
    final_element: bool


class SourceShape(BaseModel):
    """Where a figure of a profile comes from."""

    what: str
    source: str
    edition: str
    verified: bool


class ProfileShape(BaseModel):
    """A device type."""

    id: Annotated[str, Field(examples=["gengfu/gas-alarm"])]
    vendor: str
    model: str
    version: int
    kind: str
    title: Text
    period_s: Annotated[float, Field(description="How often it reports, seconds.")]
    points: list[PointShape]
    commands: list[CommandShape]
    sources: list[SourceShape]


class Profiles(BaseModel):
    """Device types by id."""

    items: list[ProfileShape]
    next: Next = None


class SampleItem(BaseModel):
    """One measured value."""

    at: Time
    value: ValueField
    quality: QualityField


class BucketItem(BaseModel):
    """An aggregate over [at, at + every). Values of bad quality are left out."""

    at: Time
    value: Annotated[float | None, Field(description="In `unit`; null: nothing was measured, nor filled in.")]
    samples: Annotated[int, Field(description="How many values went in; 0: none, the value was filled in.")]


class _Series(BaseModel):
    device: str
    point: str
    unit: Unit
    unit_text: UnitText
    next: Next = None


class Samples(_Series):
    """Measured values, oldest first."""

    items: list[SampleItem]


class Buckets(_Series):
    """Aggregates, oldest first."""

    items: list[BucketItem]


class BucketGroup(BaseModel):
    """Aggregates of one group, oldest first."""

    name: Annotated[str, Field(examples=["street/hotpot"])]
    items: list[BucketItem]


class BucketGroups(BaseModel):
    """Aggregates by group; a group in which nothing was measured is not there."""

    group: Literal["device", "profile", "site", "area", "origin"]
    point: str
    unit: Unit
    unit_text: UnitText
    items: list[BucketGroup]
    next: Next = None


class Health(BaseModel):
    """The process is alive."""

    status: Literal["alive"]


class Ready(BaseModel):
    """Every check is well."""

    status: Literal["ready"]
    checks: dict[str, None]
