"""What the console is given: everything that `gengfu` wires it to. The console itself opens nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from prometheus_client import CollectorRegistry

from console.accounts import Accounts
from console.alarm_metrics import AlarmMetrics
from console.card_view import CardView
from console.duties import Duties
from console.events import EventHub
from console.letter_desk import LetterDesk
from console.live import LiveView
from interlocks.matrix import Matrix
from operations.photos import PhotoStore
from protocols.profile.model import Profile
from protocols.reading import Origin
from telemetry.extract import Extracts
from telemetry.store import Store


class Ingest(Protocol):
    """The pipeline's door for readings that arrive over HTTP."""

    async def __call__(self, body: bytes, content_format: int, peer: str) -> int:
        """Return the number of readings stored when all of them are durable.

        ``content_format``: 110 (SenML JSON) or 112 (SenML CBOR), as in RFC 8428 section 12.3. Raises
        `protocols.errors.DecodeError` (or `UnknownDevice`), `journal.errors.JournalError` (or `JournalFull`).
        """


class DeviceDoor(Protocol):
    """Finds the door of a device by the token that it sent."""

    def __call__(self, token: str) -> Ingest | None:
        """The door that takes this device's own readings and no others; ``None`` when no device holds the token."""


class TextView(Protocol):
    """A text for people in both languages."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


class AreaView(Protocol):
    """Where a device stands. ``within``: id of the mall it belongs to. ``neighbours``: ids of areas wall to wall with
    it."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> TextView: ...
    @property
    def kind(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def within(self) -> str | None: ...
    @property
    def neighbours(self) -> Sequence[str]: ...
    @property
    def card(self) -> CardView | None: ...


class DeviceView(Protocol):
    """One registered device; ``connection`` is the id of the connection it speaks over, ``period_s`` how often it
    reports."""

    @property
    def id(self) -> str: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def title(self) -> TextView: ...
    @property
    def area(self) -> AreaView: ...
    @property
    def connection(self) -> str: ...
    @property
    def period_s(self) -> float: ...


class SiteView(Protocol):
    """The site and its devices by id."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> TextView: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def areas(self) -> Mapping[str, AreaView]: ...
    @property
    def devices(self) -> Mapping[str, DeviceView]: ...


Item = dict[str, Any]
"""One alarm, interlock, plan or run as the API shows it; the shapes are in `console.api.shapes_duty`."""


class Alarms(Protocol):
    """The alarms of the site; `console.duty.alarm_board.AlarmBoard`."""

    def find(self, alarm: str) -> Item | None:
        """One alarm; ``None`` for an id that names none."""

    def blind(self, alarm: str) -> list[Item] | None:
        """Of the alarm of a connection that is down, the devices that are blind; ``None`` for an id that names none."""

    def items(
        self, *, state: str = "", priority: str = "", device: str = "", origin: Origin | None = None
    ) -> list[Item]:
        """Those that match, the most pressing first. ``state=active``: all but normal."""

    def ids(self, *, state: str = "", priority: str = "", device: str = "", origin: Origin | None = None) -> list[str]:
        """As `items`, their ids alone: of thousands the items take longer than the event loop may be held."""

    def closed_life_safety(self) -> list[tuple[str, int]]:
        """Live life-safety alarms that stood and are normal now, with when they were raised last (UTC ns)."""


class Interlocks(Protocol):
    """The interlocks of the site; `console.duty.interlock_board.InterlockBoard`."""

    @property
    def matrices(self) -> Sequence[Matrix]:
        """The cause-and-effect matrices that run."""

    def find(self, interlock: str) -> Item | None:
        """One interlock; ``None`` for an id that names none."""

    def items(self) -> list[Item]:
        """All of them, tripped ones first."""


class Commands(Protocol):
    """The commands of the devices; `console.duty.command_board.CommandBoard`."""

    def find(self, command: str) -> Item | None:
        """One command; ``None`` for an id that names none, or none that is still kept."""

    def items(self, device: str) -> list[Item]:
        """The last commands of a device, the newest first."""


class Modes(Protocol):
    """Bump tests and maintenance; `console.duty.mode_board.ModeBoard`. The items' shapes are in
    `console.api.shapes_modes`."""

    def bump_tests(self) -> list[Item]:
        """The last of each detector, those that run first."""

    def bump_test(self, test: str) -> Item | None:
        """The last of a detector; ``None`` where there was none."""

    def maintenance(self) -> list[Item]:
        """The last of each device and area, those that go on first."""

    def one_maintenance(self, maintenance_id: str) -> Item | None:
        """The last of a device or area; ``None`` where there was none."""


class Bypasses(Protocol):
    """Bypasses; `console.duty.bypass_board.BypassBoard`. The items' shapes are in `console.api.shapes_proofs`."""

    def items(self) -> list[Item]:
        """The last of each area, those that are active or wait first."""

    def find(self, bypass: str) -> Item | None:
        """The last of an area; ``None`` where there was none."""


class Reports(Protocol):
    """Reports of people; `console.duty.report_board.ReportBoard`. The items' shapes are in
    `console.api.shapes_reports`."""

    def items(self, state: str = "") -> list[Item]:
        """The newest first. ``state``: ``standing``, ``withdrawn``, or empty for both."""

    def find(self, report: str) -> Item | None:
        """One report; ``None`` for an id that names none."""


class ProofTests(Protocol):
    """Proof tests; `console.duty.proof_board.ProofBoard`. The items' shapes are in `console.api.shapes_proofs`."""

    def items(self, within_days: float | None = None) -> list[Item]:
        """The valves that have to be proved, those that are due first. ``within_days``: only what is due by then."""

    def find(self, name: str) -> Item | None:
        """One valve; ``None`` for an id that names none."""


class Connections(Protocol):
    """The connections of the gateway; `gengfu.connection_board.ConnectionBoard`. The items' shapes are in
    `console.api.shapes_connections`."""

    def items(self) -> list[Item]:
        """All of them, those that are down first."""

    def find(self, connection: str) -> Item | None:
        """One with its devices; ``None`` for an id that names none."""

    def wire(self, connection: str, after: int, limit: int) -> Item | None:
        """The oldest ``limit`` pieces of its wire log beyond number ``after``; ``None`` for an id that names none."""


class Reload(Protocol):
    """Takes the site's document anew; `gengfu.reload.SiteReload`."""

    async def __call__(self, who: str, *, dry_run: bool, accept_losses: bool) -> Item:
        """What is different, as `console.api.shapes_connections.SiteChanges`; done unless ``dry_run``.

        ``accept_losses``: do it though something is watched less than before. Raises
        `console.errors.ReloadRefused`; then everything goes on as it was.
        """


class RuleDesk(Protocol):
    """The rules that run beside the approved ones; `gengfu.rule_desk.RuleDesk`."""

    async def look(self) -> Item:
        """What is different, as `console.api.shapes_rules.RuleDifferences`."""


class JournalDesk(Protocol):
    """The journal and the stores that it feeds; `gengfu.consumers.Consumers`. The items' shapes are in
    `console.api.shapes_journal`."""

    async def status(self) -> Item:
        """Bytes, segments and stores, as `JournalStatus`."""

    async def forget(self, name: str, who: str) -> Item:
        """Do not wait for a store any more: the store, as `JournalConsumer`. Nothing changes when it was forgotten
        before. Raises `console.errors.NoSuchConsumer`, `console.errors.ForgetRefused`, `journal.errors.JournalError`.
        """

    async def remember(self, name: str, who: str) -> Item:
        """Wait for a store again, from what is still there: the store. Raises `console.errors.NoSuchConsumer`,
        `journal.errors.JournalError`."""


class Page(NamedTuple):
    """Some items, and the cursor behind the last of them where there are more."""

    items: list[Item]
    next: str | None


class HistoryQuery(NamedTuple):
    """``start`` <= at < ``end``, UTC ns; ``None`` and an empty ``device`` do not restrict. ``after``: a cursor."""

    device: str = ""
    start: int | None = None
    end: int | None = None
    limit: int = 100
    after: str | None = None


class History(Protocol):
    """What happened to the alarms; `console.duty.history.AlarmHistory`."""

    def page(self, query: HistoryQuery) -> Page | None:
        """The newest first; ``None`` where ``after`` is no cursor of what is kept."""


class StepAct(NamedTuple):
    """What a person does to a step or a run. ``role``: the actor of the plan that the person is; empty: the one who
    writes down what others report. ``evidence``: texts by evidence id."""

    action: str
    who: str
    role: str = ""
    why: str = ""
    evidence: Mapping[str, str] = {}


class PlanStart(NamedTuple):
    """A person opens a live run. ``role``: as in `StepAct`."""

    area: str
    stage: Literal["verify", "full"]
    who: str
    role: str
    why: str


class Runs(Protocol):
    """Plans and runs; `console.duty.run_board.RunBoard`. What waits raises `operations.errors.StoreError`."""

    def open_items(self) -> list[Item]:
        """The runs that go on, the newest first, as known now; does not block."""

    def plans(self) -> list[Item]:
        """Every plan, without its steps."""

    def plan(self, plan: str) -> Item | None:
        """One plan with its steps; ``None`` for an id that names none."""

    async def runs(self, state: str = "") -> list[Item]:
        """Runs, the newest first. ``state``: ``open``, ``closed``, ``completed``, or empty for all."""

    async def run(self, run: str) -> Item | None:
        """One run; ``None`` for an id that names none."""

    async def start(self, plan: str, start: PlanStart) -> Item:
        """The run that a person opened, or the one of this plan that goes on there already, taken to ``stage``. Raises
        `NoSuchRun`, `ActionRefused` of the same place."""

    async def act(self, run: str, step: str, act: StepAct) -> Item:
        """The run after the act. Raises `NoSuchRun`, `ActionRefused` of the same place."""

    async def close(self, run: str, act: StepAct) -> Item:
        """The run, ended by a person. Raises `NoSuchRun`, `ActionRefused` of the same place."""


class Answer(NamedTuple):
    """What a gateway answered. ``refusal``: why it was not done, empty when it was. ``found``: the target exists."""

    found: bool
    refusal: str


class Ask(Protocol):
    """The way to the gateway."""

    async def __call__(self, verb: str, target: str, who: str, details: Mapping[str, object]) -> Answer | None:
        """Ask, and wait up to 2 s for the answer; ``None`` when it has not come by then.

        ``verb``, ``target``, and the keys of ``details``: as in `protocols.request.OperatorRequest`. Raises
        `journal.errors.JournalError` when the request cannot be stored.
        """


class Demo(Protocol):
    """The demo's boards, and what one can do to them."""

    def boards(self) -> Sequence[str]:
        """Ids of the devices whose boards run here."""

    async def act(self, verb: str, device: str | None, slow: bool) -> None:
        """``verb``: ``leak``, ``clear`` or ``reopen``. Without a device: the first gas alarm. Raises `DemoRefused`."""


@dataclass(frozen=True)
class ConsoleServices:
    """``ready``: check name -> what is wrong, or ``None``; no secrets in it, `/readyz` is public.

    ``stop`` ends the event streams. ``banner``: the DEMO banner as ``{"zh": ..., "en": ...}``. ``metrics_public``:
    whether `/metrics` answers without signing in. ``profiles``: further profiles to show beside those of the
    site's devices. ``clock``: UTC ns. ``ping_s``: how often an idle event stream shows that it lives. What is
    ``None`` is not there: the alarms of a console without a gateway, the demo's boards elsewhere.
    """

    ingest: Ingest
    site: SiteView
    store: Store
    live: LiveView
    accounts: Accounts
    metrics: CollectorRegistry
    ready: Callable[[], Mapping[str, str | None]]
    stop: asyncio.Event
    banner: Mapping[str, str] | None
    version: str
    clock: Callable[[], int]
    metrics_public: bool = True
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    events: EventHub = field(default_factory=EventHub)
    ping_s: float = 15.0
    alarms: Alarms | None = None
    history: History | None = None
    interlocks: Interlocks | None = None
    commands: Commands | None = None
    modes: Modes | None = None
    bypasses: Bypasses | None = None
    proof_tests: ProofTests | None = None
    reports: Reports | None = None
    ask: Ask | None = None
    runs: Runs | None = None
    photos: PhotoStore | None = None
    demo: Demo | None = None
    connections: Connections | None = None
    reload: Reload | None = None
    device_door: DeviceDoor | None = None
    extracts: Extracts | None = None
    journal: JournalDesk | None = None
    rules: RuleDesk | None = None
    letters: LetterDesk | None = None
    alarm_metrics: AlarmMetrics | None = None
    duties: Duties | None = None
