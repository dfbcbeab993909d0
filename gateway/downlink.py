"""What people ask of the gateway, taken from the downlink journal.

The position in the downlink is stored in the commit of the answer and of what the request changed, so that each
request is carried out once, over a kill -9 too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

import msgspec

from alarms.actions import Action, Verb
from alarms.errors import ActionRefused, NoSuchAlarm
from gateway.command_queue import CommandQueue
from gateway.errors import CommandRefused, ModeRefused, NoSuchCommand, NoSuchMode, NoSuchReport, ReportRefused
from gateway.pipeline import Verdict
from gateway.watch import Watch
from interlocks.errors import NoSuchTrip, ResetRefused
from journal.entry import Entry, Stored
from protocols.moment import Moment
from protocols.request import OperatorAnswer, OperatorRequest, decode_request, encode

REQUEST = "request"
ANSWER = "answer"
CURSOR = "downlink/cursor"

_VERBS = frozenset(get_args(Verb))
_NO_VERBS: Mapping[str, Callable[[OperatorRequest, Moment], Verdict]] = {}
_cursors = msgspec.msgpack.Decoder(dict[int, int])


def load_cursor(state: Mapping[str, bytes]) -> dict[int, int]:
    """Partition -> position up to which the downlink was carried out."""
    body = state.get(CURSOR)
    return _cursors.decode(body) if body else {}


class Downlink:
    """Carries out requests. ``store`` puts a verdict into the uplink journal; ``commands``: where commands to devices
    are taken, if they are. ``verbs``: who carries out other requests, by verb."""

    def __init__(
        self,
        watch: Watch,
        store: Callable[[Verdict], None],
        cursor: dict[int, int],
        commands: CommandQueue | None = None,
        verbs: Mapping[str, Callable[[OperatorRequest, Moment], Verdict]] = _NO_VERBS,
    ) -> None:
        self._watch = watch
        self._commands = commands
        self._others = verbs
        self._store = store
        self.cursor = cursor

    def take(self, batch: Sequence[Stored], now: Moment) -> None:
        """Carry out the requests of a batch, in order; those that were carried out before are skipped."""
        for stored in batch:
            entry = stored.entry
            if stored.position <= self.cursor.get(entry.partition, 0):
                continue
            self.cursor[entry.partition] = stored.position
            state: dict[str, bytes | None] = {CURSOR: msgspec.msgpack.encode(self.cursor)}
            entries: list[Entry] = []
            if entry.kind == REQUEST:
                request = decode_request(entry.body)
                verdict, answer = self._answer(request, now)
                entries = [*verdict.entries, Entry(ANSWER, request.id, entry.partition, now.wall, encode(answer))]
                state |= verdict.state
            self._store(Verdict(entries, state))

    def _answer(self, request: OperatorRequest, now: Moment) -> tuple[Verdict, OperatorAnswer]:
        nothing = Verdict([], {})
        if now.wall > request.expires_at:
            return nothing, OperatorAnswer(request.id, now.wall, "it came too late and was not carried out; ask again")
        try:
            return self._carry_out(request, now), OperatorAnswer(request.id, now.wall)
        except (NoSuchAlarm, NoSuchTrip, NoSuchCommand, NoSuchMode, NoSuchReport) as error:
            return nothing, OperatorAnswer(request.id, now.wall, str(error), found=False)
        except (ActionRefused, ResetRefused, CommandRefused, ModeRefused, ReportRefused) as error:
            return nothing, OperatorAnswer(request.id, now.wall, str(error))

    def _carry_out(self, request: OperatorRequest, now: Moment) -> Verdict:
        if request.verb == "reset-interlock":
            return self._watch.reset(request.target, request.who, request.on_site, now)
        if self._commands is not None and request.verb == "command":
            return self._commands.ask(request, now)
        if self._commands is not None and request.verb == "cancel-command":
            return self._commands.cancel(request, now)
        if request.verb in self._others:
            return self._others[request.verb](request, now)
        if request.verb not in _VERBS:
            raise ActionRefused(f"no action {request.verb!r}")
        action = msgspec.convert(
            (request.verb, request.target, request.who, request.why, request.for_s, request.measure, request.on_site),
            Action,
        )
        return self._watch.perform(action, now)
