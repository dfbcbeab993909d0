r"""Annotations: what happened (an alarm, a trip, a command, a step of a plan) as lines that Grafana draws over charts.

Layout of a line::

    annotation,device=..,district=..,kind=..,origin=..,priority=..,site=.. alarm="..",rule="..",state="..",text="..",
        text_zh="..",title="..",title_zh=".." <ns>

* Tags, sorted by key; an empty one is left out. ``origin`` is always there (S4): a panel chooses, and a drill is never
  taken for a leak.
* Fields are strings; an empty one is left out, but for ``title``.
* The time is that of the event, and `STEP_NS` at the most later: ``position % STEP_NS`` ns are added, so that two
  events of one instant do not overwrite each other and the same event always has the same time.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from protocols.reading import Origin
from telemetry.line_protocol import Unwritable, key_text, string_text
from telemetry.sink import TIME_MAX

MEASUREMENT = "annotation"

KINDS = frozenset({"alarm", "trip", "command", "plan"})
"""Kinds of journal entries that become annotations."""

STEP_NS = 1_000_000
"""Positions are unique in a journal, so that entries nearer to each other than this never share a time. A group commit
has far fewer, and a millisecond is not seen in a chart."""


class Annotation(NamedTuple):
    """What a line says, in English and Chinese. ``kind``: that of the journal's entry; ``at``: UTC ns.

    Empty: ``device`` where it is not one device, ``priority``, ``alarm``, ``rule``, ``state`` where there is none.
    """

    kind: str
    at: int
    origin: Origin
    site: str
    district: str
    title: str
    title_zh: str
    text: str
    text_zh: str
    device: str = ""
    priority: str = ""
    alarm: str = ""
    rule: str = ""
    state: str = ""


Annotate: TypeAlias = Callable[[str, bytes], Annotation | None]
"""From kind and body of an entry to its annotation; ``None``: there is nothing to draw. Raises `msgspec.DecodeError`
for a body that is none of that kind."""


def annotation_line(one: Annotation, position: int) -> str:
    """One line without its end. ``position``: of its journal entry. Raises `Unwritable`."""
    at = one.at + position % STEP_NS
    if not -TIME_MAX <= at <= TIME_MAX:
        raise Unwritable(f"a time is outside the years 1677 to 2262: {one.at} ns")
    tags = {
        "device": one.device,
        "district": one.district,
        "kind": one.kind,
        "origin": one.origin.name.lower(),
        "priority": one.priority,
        "site": one.site,
    }
    fields = {
        "alarm": one.alarm,
        "rule": one.rule,
        "state": one.state,
        "text": one.text,
        "text_zh": one.text_zh,
        "title": one.title,
        "title_zh": one.title_zh,
    }
    head = "".join(f",{key}={key_text(value, key)}" for key, value in tags.items() if value)
    body = ",".join(f"{key}={string_text(value)}" for key, value in fields.items() if value or key == "title")
    return f"{MEASUREMENT}{head} {body} {at}"
