"""What one connection knows of itself: whether it stands, who was heard, how fast, what went wrong, and its last bytes.

Transports tell it as things happen; the API, `/metrics` and `gengfu sniff` read it. Bounded: by the devices of the
connection, by the kinds of error that the code names, and by the wire log. Telling costs a few attribute operations;
what is shown is worked out when somebody looks. All calls on the event loop; reading is safe from any thread.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from gateway.wire_log import WireLog
from protocols.moment import SECOND

ROUND_TRIPS = 64
"""Round trips kept of each device."""
SPAN_NS = 10 * SECOND
SPANS = 6
WINDOW_NS = SPANS * SPAN_NS
"""Rates are those of about the last minute: of `SPANS` to `SPANS` + 1 spans."""
LATEST_STAMPS = 16
"""A sample can only be older than its arrival, so the largest of the last offsets is nearest to the device's clock."""


class Rates(NamedTuple):
    """Of the last ``over_s`` seconds. ``utilisation``: share of the time with a request under way, 0 to 1."""

    requests_per_s: float
    utilisation: float
    over_s: float


class _Mark(NamedTuple):
    at: int
    requests: int
    busy: int


class DeviceDiagnosis:
    """One device. Times in UTC ns, 0 for never; ``rtt_s``: the last round trips. ``lost_since``: 0 while it answers;
    ``next_try_at``: when it is asked again after a failure. ``skipped``: polls left out for want of time."""

    __slots__ = (
        "answers",
        "errors",
        "heard_at",
        "lost_since",
        "next_try_at",
        "offsets_ns",
        "reason",
        "requests",
        "rtt_s",
        "skipped",
    )

    def __init__(self) -> None:
        self.heard_at = 0
        self.requests = 0
        self.answers = 0
        self.skipped = 0
        self.lost_since = 0
        self.reason = ""
        self.next_try_at = 0
        self.errors: dict[str, int] = {}
        self.rtt_s: deque[float] = deque(maxlen=ROUND_TRIPS)
        self.offsets_ns: deque[int] = deque(maxlen=LATEST_STAMPS)

    @property
    def clock_offset_s(self) -> float | None:
        """How far the device's clock is ahead of ours (negative: behind, or what it sends is old); ``None``: it gives
        no times."""
        offsets = tuple(self.offsets_ns)
        return max(offsets) / SECOND if offsets else None


class Diagnosis:
    """One connection. ``now``: UTC ns. Devices that are not of the connection are counted for the connection alone."""

    __slots__ = (
        "_busy", "_busy_since", "_marks", "_next_mark", "_now", "_others_rtt_s", "_under_way", "connection", "devices",
        "errors", "is_up", "next_try_at", "reason", "requests", "since", "transport", "wire",
    )  # fmt: skip

    def __init__(self, connection: str, transport: str, devices: Iterable[str], now: Callable[[], int]) -> None:
        self.connection = connection
        self.transport = transport
        self.devices = {device: DeviceDiagnosis() for device in devices}
        self.is_up = False
        self.since = now()
        self.reason = ""
        self.next_try_at = 0
        self.requests = 0
        self.errors: dict[str, int] = {}
        self._others_rtt_s: deque[float] = deque(maxlen=ROUND_TRIPS)
        self.wire = WireLog()
        self._now = now
        self._busy = 0
        self._busy_since = 0
        self._under_way: set[str] = set()
        self._marks: deque[_Mark] = deque([_Mark(self.since, 0, 0)], maxlen=SPANS + 2)
        self._next_mark = self.since + SPAN_NS

    # -- told by the transport -------------------------------------------------------------------------------

    def up(self) -> None:
        """The connection stands."""
        self.next_try_at = 0
        if not self.is_up:
            self.is_up, self.since, self.reason = True, self._now(), ""

    def down(self, reason: str, retry_s: float = 0.0) -> None:
        """It does not; ``reason`` says why and what to do. ``retry_s``: seconds to the next try, where it is known."""
        now = self._now()
        if self.is_up or not self.reason:
            self.since = now
        self.is_up, self.reason = False, reason
        self.next_try_at = now + int(retry_s * SECOND) if retry_s > 0 else 0

    def asked(self, device: str) -> None:
        """A request to the device leaves."""
        now = self._now()
        if now >= self._next_mark:
            self._roll(now)
        self.requests += 1
        one = self.devices.get(device)
        if one is not None:
            one.requests += 1
        if not self._under_way:
            self._busy_since = now
        self._under_way.add(device)

    def answered(self, device: str, seconds: float) -> None:
        """Its answer came after so long."""
        now = self._now()
        self._ended(device, now)
        one = self.devices.get(device)
        if one is None:
            self._others_rtt_s.append(seconds)
        else:
            one.answers += 1
            one.rtt_s.append(seconds)
            _heard(one, now)

    def exchanged(self, device: str, seconds: float, *, answered: bool = True) -> None:
        """A request on a line that carries one at a time is over after so long: `asked`, and `answered` or not."""
        now = self._now()
        if now >= self._next_mark:
            self._roll(now)
        self.requests += 1
        self._busy += int(seconds * SECOND)
        one = self.devices.get(device)
        if one is None:
            if answered:
                self._others_rtt_s.append(seconds)
            return
        one.requests += 1
        if answered:
            one.answers += 1
            one.rtt_s.append(seconds)
            _heard(one, now)

    def heard(self, device: str, now: int | None = None) -> None:
        """The device spoke by itself; ``now``: UTC ns, where it was looked at already."""
        one = self.devices.get(device)
        if one is not None:
            _heard(one, self._now() if now is None else now)

    def stamped(self, device: str, at: int, received_at: int) -> None:
        """It gave a sample the time ``at``, which came at ``received_at`` (both UTC ns)."""
        one = self.devices.get(device)
        if one is not None:
            one.offsets_ns.append(at - received_at)

    def failed(self, kind: str, device: str = "", times: int = 1) -> None:
        """Something went wrong, with a device or the connection. ``kind``: a word of the code, never of a peer."""
        one = self.devices.get(device)
        errors = self.errors if one is None else one.errors
        errors[kind] = errors.get(kind, 0) + times
        if device in self._under_way:
            self._ended(device, self._now())

    def lost(self, device: str, reason: str) -> None:
        """The device does not answer, until it is heard again."""
        one = self.devices.get(device)
        if one is not None:
            one.lost_since = one.lost_since or self._now()
            one.reason = reason

    def waits(self, device: str, seconds: float) -> None:
        """After a failure the device is left alone for so long."""
        one = self.devices.get(device)
        if one is not None:
            one.next_try_at = self._now() + int(seconds * SECOND)

    def skipped(self, device: str, polls: int) -> None:
        """So many polls of the device were left out, because there was no time for them."""
        one = self.devices.get(device)
        if one is not None:
            one.skipped += polls

    def hide(self, secret: bytes) -> None:
        """A password that may go over this wire as it is: the wire log must not show it."""
        self.wire.hide(secret)

    def sent(self, data: bytes, peer: str = "") -> None:
        """These bytes leave. What carries a key or a token is never told, nor a password that `hide` does not know."""
        self.wire.add(self._now(), True, data, peer)

    def received(self, data: bytes, peer: str = "") -> None:
        """These bytes came."""
        self.wire.add(self._now(), False, data, peer)

    # -- for those who look ----------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``up``, ``down``, or ``starting`` before the first attempt ended."""
        if self.is_up:
            return "up"
        return "down" if self.reason else "starting"

    @property
    def rtt_s(self) -> tuple[float, ...]:
        """The last round trips of every device, and those of requests to none of them."""
        known = [tuple(one.rtt_s) for one in tuple(self.devices.values())]
        return tuple(itertools.chain(*known, tuple(self._others_rtt_s)))

    def some_round_trips(self, most: int) -> tuple[float, ...]:
        """As `rtt_s`, but about ``most`` of them: the newest of each device, and where there are more devices than
        that, of every second or third. To look at all those of thousands would keep the event loop waiting."""
        devices = tuple(self.devices.values())
        few = max(1, most // (len(devices) + 1))
        samples = (*(one.rtt_s for one in devices[:: len(devices) // most + 1]), self._others_rtt_s)
        return tuple(itertools.chain.from_iterable(tuple(one)[-few:] for one in samples))

    def rates(self) -> Rates:
        """How busy it is."""
        now = self._now()
        begin = now - WINDOW_NS
        if begin >= self._next_mark and not self._under_way:
            return Rates(0.0, 0.0, WINDOW_NS / SECOND)
        busy = self._busy + (max(0, now - self._busy_since) if self._under_way else 0)
        marks = tuple(self._marks)
        base = next((mark for mark in reversed(marks) if mark.at <= begin), marks[0])
        over = max(1, now - base.at)
        share = min(1.0, (busy - base.busy) / over)
        return Rates((self.requests - base.requests) * SECOND / over, share, over / SECOND)

    def all_errors(self) -> dict[str, int]:
        """By kind: those of the connection and of its devices together."""
        total = dict(self.errors)
        for one in tuple(self.devices.values()):
            for kind, times in dict(one.errors).items():
                total[kind] = total.get(kind, 0) + times
        return total

    def _ended(self, device: str, now: int) -> None:
        """The request to the device that was under way is over."""
        self._under_way.discard(device)
        if not self._under_way and self._busy_since:
            self._busy += max(0, now - self._busy_since)
            self._busy_since = 0

    def _roll(self, now: int) -> None:
        if self._under_way:
            self._busy += max(0, now - self._busy_since)
            self._busy_since = now
        elif now - WINDOW_NS > self._next_mark:
            # nobody was asked since: what stood then stood at the window's beginning too
            self._marks.append(_Mark(now - WINDOW_NS, self.requests, self._busy))
        self._marks.append(_Mark(now, self.requests, self._busy))
        self._next_mark = now + SPAN_NS


def _heard(one: DeviceDiagnosis, now: int) -> None:
    one.heard_at = now
    if one.lost_since or one.next_try_at:
        one.lost_since = one.next_try_at = 0
        one.reason = ""


def percentile(samples: Sequence[float], share: float) -> float | None:
    """The smallest sample that at least ``share`` (0 to 1) of all do not exceed; ``None`` without samples."""
    if not samples:
        return None
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]
