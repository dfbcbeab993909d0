"""The shape of a profile file (`profiles/<vendor>/<model>.toml`), strict: unknown keys are refused.

What the shape cannot say (units that exist, golden points that exist, a LEL basis for each LEL value) is in
`protocols.profile.rules`.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocols.document import Source, Strict, Text
from protocols.profile.parts_opcua import OpcUaPart, OpcUaSamplePart, OpcUaWritePart
from protocols.profile.parts_payload import BytesPart, GoldenPayload, JsonPart, MqttCommandPart, PayloadPart
from protocols.profile.parts_report import ReportPart

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Table = Literal["coil", "discrete", "input", "holding"]
Address = Annotated[int, Field(ge=0, le=65535)]
RawValue = Annotated[int, Field(ge=0, le=65535)]
ByteOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
PointType = Literal["number", "counter", "flag", "enum", "text"]
QualityName = Literal[
    "uncertain:clock",
    "uncertain:warm-up",
    "uncertain:under-test",
    "uncertain:expired",
    "bad:sensor-fault",
    "bad:over-range",
    "bad:missing",
]


class GasPart(Strict):
    """Which gas a value speaks of and on what basis (S12). ``lfl_vol_percent``: vol% that is 100 %LEL."""

    species: Literal["methane", "propane", "butane", "hydrogen", "carbon-monoxide"]
    lfl_basis: Literal["iec", "nfpa", "custom", "none"]
    lfl_vol_percent: Annotated[float, Field(gt=0, le=100)] | None = None
    calibration_gas: Annotated[str, Field(min_length=1)]


class ModbusPart(Strict):
    """Where a point stands in the Modbus tables. Addresses are protocol addresses (from 0), not 3xxxx numbers.

    ``byte_order``: in which order the bytes A (highest) to D of a value stand in its registers; 64 bits likewise
    (CDAB: lowest register first, BADC: the bytes of each register exchanged, DCBA: both), 16 bits and texts have only
    the exchange. ``scale`` and ``offset``: value = raw * scale + offset. ``missing``: raw codes that mean «no value».
    ``bit``: bit number (0 is the lowest) for a flag inside a register; with ``bits`` the lowest of so many that
    make a number or a code. ``registers``: how many a text takes (``utf8``, ``gbk``); it ends at the first NUL.
    """

    table: Table
    address: Address
    type: Literal[
        "bool",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float32",
        "float64",
        "bcd16",
        "bcd32",
        "utf8",
        "gbk",
    ] = "uint16"
    byte_order: ByteOrder = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[int, ...] = ()
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    bits: Annotated[int, Field(ge=1, le=15)] | None = None
    registers: Annotated[int, Field(ge=1, le=125)] | None = None


class ForbiddenPart(Strict):
    """Addresses from ``first`` to ``last`` (inclusive) of ``table``: the device refuses a read that touches one."""

    table: Table
    first: Address
    last: Address


class ModbusLimitsPart(Strict):
    """What one read may be. ``max_gap``: unused registers (or 16 bits each) to read rather than to ask twice.

    Up to 125 registers and 2000 bits: Modbus Application Protocol 1.1b3, 6.1 to 6.4.
    """

    max_registers: Annotated[int, Field(ge=1, le=125)] = 125
    max_bits: Annotated[int, Field(ge=1, le=2000)] = 2000
    max_gap: Annotated[int, Field(ge=0, le=124)] = 8
    forbidden: tuple[ForbiddenPart, ...] = ()


class StatePart(Strict):
    """One code of an enumerated point."""

    code: Annotated[int, Field(ge=0, le=65535)]
    name: Label
    title: Text


class PointPart(Strict):
    """One measured or reported quantity.

    ``range``: measuring range [low, high] in ``unit``; above is ``bad:over-range``, below ``bad:under-range``.
    ``slack``: how far below the low end still counts as it (drift around zero). ``role`` is what
    rules and pages select by. ``final_element``: the point is (the state of) a valve or fan.
    """

    name: Name
    title: Text
    type: PointType = "number"
    unit: str = "1"
    range: tuple[float, float] | None = None
    slack: Annotated[float, Field(ge=0)] = 0.0
    decimals: Annotated[int, Field(ge=0, le=6)] = 1
    role: Label | None = None
    life_safety: bool = False
    final_element: bool = False
    gas: GasPart | None = None
    state: tuple[StatePart, ...] = ()
    senml: str | None = None
    modbus: ModbusPart | None = None
    in_json: JsonPart | None = None
    in_bytes: BytesPart | None = None
    opcua: OpcUaPart | None = None
    report: ReportPart | None = None


class QualityPart(Strict):
    """When the flag or enumerated ``point`` equals ``equals``, the points of ``affects`` get ``quality``."""

    point: Name
    equals: Annotated[int, Field(ge=0)]
    affects: tuple[Name, ...]
    quality: QualityName


class CoapPart(Strict):
    """A command over CoAP: PUT or POST (``method``) of ``payload`` (plain text) to ``path`` at the device."""

    path: Annotated[str, Field(pattern=r"^[a-z0-9/_-]+$")]
    payload: str
    method: Literal["put", "post"] = "put"


class ModbusWritePart(Strict):
    """A command over Modbus: the raw ``value`` written to one coil or holding register, or ``values`` from there on.

    One value is function 5 or 6, several are 15 or 16; ``multiple`` asks for 15 or 16 with one value too, for a device
    that knows nothing else.
    """

    table: Literal["coil", "holding"]
    address: Address
    value: RawValue | None = None
    values: tuple[RawValue, ...] = ()
    multiple: bool = False

    @property
    def written(self) -> tuple[int, ...]:
        """What is written, in the order of the addresses."""
        return self.values if self.value is None else (self.value,)


class ReadBackPart(Strict):
    """The proof that a command had its effect: ``point`` equals ``equals`` (a code) within ``within_s``."""

    point: Name
    equals: int
    within_s: Annotated[float, Field(gt=0, le=300)]


class CommandPart(Strict):
    """One thing the device can be told. A final element is only ever told to go to its safe side (S2)."""

    name: Label
    title: Text
    final_element: bool = False
    effect: Literal["close-valve", "start-fan", "stop-intake", "self-test", "mute", "identify"]
    modbus: ModbusWritePart | None = None
    coap: CoapPart | None = None
    mqtt: MqttCommandPart | None = None
    opcua: OpcUaWritePart | None = None
    read_back: ReadBackPart | None = None


class GoldenPart(Strict):
    """Bytes that the profile must decode to exactly these values; the file's own test.

    At least one of ``senml`` (JSON text), ``modbus`` (``table`` + ``address`` + register hex), ``payload`` and
    ``opcua`` (what a server says of each point) is given; all of them decode to the same. ``values`` are numbers or
    texts by point name, and the points it does not name stay absent; ``quality`` names only the points that are not
    good (of a ``payload`` also those that it says are no value).
    """

    name: str
    senml: str | None = None
    modbus: tuple["GoldenBlock", ...] = ()
    payload: GoldenPayload | None = None
    opcua: tuple[OpcUaSamplePart, ...] = ()
    values: dict[Name, float | str]
    quality: dict[Name, str] = Field(default_factory=dict)


class GoldenBlock(Strict):
    """Registers (``hex``, two bytes each, big-endian) or bits (``hex``, packed as on the wire) from ``address``."""

    table: Table
    address: Address
    count: Annotated[int, Field(ge=1, le=2000)]
    hex: str


class ClockPart(Strict):
    """How far the device's clock may be off before its stamps are marked ``uncertain:clock`` (seconds).

    ``max_behind_s`` is as long as the device's offline queue reaches back.
    """

    max_ahead_s: Annotated[float, Field(ge=0)] = 5.0
    max_behind_s: Annotated[float, Field(ge=0)] = 7 * 86400.0


class HeadPart(Strict):
    """Who makes the device and how often it reports (``period_s``). ``thin_pushed``: the report strategies of its
    points also hold for what it pushes."""

    vendor: Label
    model: Label
    version: Annotated[int, Field(ge=1)] = 1
    kind: Name
    title: Text
    period_s: Annotated[float, Field(gt=0)]
    warm_up_max_s: Annotated[float, Field(gt=0)] = 180.0
    thin_pushed: bool = False


class ProfileFile(Strict):
    """A whole profile file."""

    profile: HeadPart
    clock: ClockPart = ClockPart()
    modbus: ModbusLimitsPart = ModbusLimitsPart()
    payload: PayloadPart = PayloadPart()
    point: Annotated[tuple[PointPart, ...], Field(min_length=1)]
    quality: tuple[QualityPart, ...] = ()
    command: tuple[CommandPart, ...] = ()
    golden: Annotated[tuple[GoldenPart, ...], Field(min_length=1)]
    source: tuple[Source, ...] = ()
