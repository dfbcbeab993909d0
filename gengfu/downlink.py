"""The way from the console to the gateway: a journal of its own, and the wait for the answer.

In one process it is the same journal pair as between two machines: no short cut.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from console.services import Answer
from gateway.downlink import ANSWER, REQUEST
from gengfu import clock
from journal.entry import Entry, Journal, Stored, partition_of
from protocols.moment import SECOND
from protocols.request import OperatorRequest, decode_answer, encode

WAIT_S = 2.0
LIFE_NS = 60 * SECOND
"""How long a request lives that does not say so itself."""


class _Details(msgspec.Struct, forbid_unknown_fields=True):
    """What a person adds to a request; the fields are those of `OperatorRequest`, but for ``expires_s``: how long the
    request lives, seconds."""

    why: str = ""
    for_s: float | None = None
    measure: str = ""
    on_site: bool = False
    command: str = ""
    priority: int = 1
    id: str = ""
    expires_s: float = LIFE_NS / SECOND


class Asker:
    """The console's `console.services.Ask`. Subscribe `hear` to the uplink journal."""

    def __init__(self, downlink: Journal) -> None:
        self._downlink = downlink
        self._waiting: dict[str, asyncio.Future[Answer]] = {}

    async def __call__(self, verb: str, target: str, who: str, details: Mapping[str, object]) -> Answer | None:
        """Ask, and wait up to 2 s for the answer; ``None`` when it has not come by then."""
        now = clock.wall()
        more = msgspec.convert(details, _Details)
        request = OperatorRequest(
            more.id or secrets.token_hex(8),
            verb,
            target,
            who,
            now,
            now + int(more.expires_s * SECOND),
            more.why,
            more.for_s,
            more.measure,
            more.on_site,
            more.command,
            more.priority,
        )
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = answer
        try:
            owner = target.partition("~")[0]
            await self._downlink.append([Entry(REQUEST, request.id, partition_of(owner), now, encode(request))])
            async with asyncio.timeout(WAIT_S):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._waiting[request.id]

    def hear(self, batch: Sequence[Stored]) -> None:
        """Listener of the uplink journal."""
        for stored in batch:
            waiting = self._waiting.get(stored.entry.id) if stored.entry.kind == ANSWER else None
            if waiting is not None and not waiting.done():
                said = decode_answer(stored.entry.body)
                waiting.set_result(Answer(said.found, said.refusal))
