"""The shift hand-over (交接班): who leaves signs what there is now, who comes signs the same, in the logbook.

An offer is a line of the book with everything that the next shift has to know. Who takes the desk signs the digest of
what was read, as another person, before the offer is old. Neither line can be changed; a newer offer takes the place of
one that nobody signed.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from console.duties import Signature
from console.duty.figures import HandOverFigures
from console.duty.logbook import Line
from console.errors import DutyRefused
from console.present import iso
from console.services import Alarms, Bypasses, Interlocks, Modes, Runs
from protocols.moment import SECOND
from protocols.reading import Origin

OFFERED = "hand-over"
ACCEPTED = "hand-over-accepted"
KINDS = (OFFERED, ACCEPTED)


class Desk(NamedTuple):
    """What a hand-over is made of; what is ``None`` is not there."""

    alarms: Alarms
    interlocks: Interlocks | None = None
    modes: Modes | None = None
    bypasses: Bypasses | None = None
    runs: Runs | None = None


def snapshot(desk: Desk, blind: list[dict[str, Any]], without_verdict: list[str]) -> dict[str, Any]:
    """What there is now: open alarms, what is silenced, blind points, latches, bypasses, tests, maintenance, runs."""
    standing = desk.alarms.items(state="active", origin=Origin.LIVE)
    modes = desk.modes
    bypasses = desk.bypasses.items() if desk.bypasses is not None else []
    interlocks = desk.interlocks.items() if desk.interlocks is not None else []
    return {
        "alarms": [_alarm(one) for one in standing],
        "silenced": [_silenced(one) for one in standing if one["silenced_by"]],
        "blind": [{key: one[key] for key in ("device", "point", "reasons", "by", "why", "until")} for one in blind],
        "interlocks": [
            {key: one[key] for key in ("id", "state", "tripped_at", "closed")}
            for one in interlocks
            if one["origin"] == "live" and (one["state"] != "armed" or one["closed"])
        ],
        "bypasses": [_bypass(one) for one in bypasses if one["state"] in ("active", "requested")],
        "bump_tests": _running(modes.bump_tests() if modes is not None else []),
        "maintenance": _running(modes.maintenance() if modes is not None else []),
        "runs": [
            {"id": one["id"], "plan": one["plan"]["id"], "mode": one["mode"], "stage": one["stage"]}
            for one in (desk.runs.open_items() if desk.runs is not None else [])
        ],
        "without_verdict": without_verdict,
    }


def _alarm(one: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "title", "state", "priority", "class", "raised_at", "acknowledged_by")
    return {key: one[key] for key in keys}


def _silenced(one: dict[str, Any]) -> dict[str, Any]:
    return {key: one[key] for key in ("id", "state", "silenced_by", "silenced_why", "silence_until")}


def _bypass(one: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "interlock", "state", "who", "confirmed_by", "why", "measure", "until")
    return {
        **{key: one[key] for key in keys},
        "cause": one["cause"]["id"],
        "devices": [device["id"] for device in one["devices"]],
    }


def _running(modes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: one[key] for key in ("id", "who", "why", "until")} for one in modes if one["state"] == "running"]


def refuse_acceptance(
    offer: Line, known: Iterable[Line], signature: Signature, figures: HandOverFigures, now: int
) -> None:
    """Raises `DutyRefused` where this cannot be signed. ``known``: the newest lines of our `KINDS`; ``now``: UTC ns."""
    lines = list(known)
    if _acceptance(offer, lines) is not None:
        raise DutyRefused("this hand-over was signed already", "该交接班已签字")
    if any(one.entry.kind == OFFERED and one.number > offer.number for one in lines):
        raise DutyRefused("a newer hand-over was offered: read and sign that", "已有更新的交接班,请查看并签署新的")
    if not 0 <= now - offer.entry.at <= figures.accept_within_s * SECOND:
        raise DutyRefused(
            "what it says has grown old: whoever leaves offers it anew", "交接内容已过时,请交班人重新提交"
        )
    if signature.who == offer.entry.who:
        raise DutyRefused("whoever leaves cannot take over: another person signs", "交班人不能自己接班,须由另一人签字")
    if signature.digest != offer.digest or not offer.is_intact:
        raise DutyRefused(
            "what is to be signed is not what was offered: read it again", "签署内容与提交内容不符,请重新查看"
        )


def head(offer: Line, lines: Iterable[Line], figures: HandOverFigures, now: int) -> dict[str, Any]:
    """One hand-over without what it says."""
    all_lines = list(lines)
    accepted = _acceptance(offer, all_lines)
    return {
        "number": offer.number,
        "state": _state(offer, accepted, all_lines, figures, now),
        "left_by": {"who": offer.entry.who, "at": iso(offer.entry.at), "why": offer.entry.why},
        "taken_by": {"who": accepted.entry.who, "at": iso(accepted.entry.at), "why": accepted.entry.why}
        if accepted is not None
        else None,
        "digest": offer.digest,
        "intact": offer.is_intact and (accepted is None or _fits(accepted, offer)),
        "open_alarms": len(offer.entry.body["alarms"]),
        "blind_points": len(offer.entry.body["blind"]),
    }


def item(offer: Line, lines: Iterable[Line], figures: HandOverFigures, now: int) -> dict[str, Any]:
    """One hand-over with what it says. ``since``: alarms that had come when it was taken."""
    known = list(lines)
    accepted = _acceptance(offer, known)
    since: list[str] = accepted.entry.body["since"] if accepted is not None else []
    return {**head(offer, known, figures, now), "says": dict(offer.entry.body), "since": since}


def _acceptance(offer: Line, lines: Iterable[Line]) -> Line | None:
    return next((one for one in lines if one.entry.kind == ACCEPTED and one.entry.subject == str(offer.number)), None)


def _fits(accepted: Line, offer: Line) -> bool:
    return accepted.is_intact and accepted.entry.body["digest"] == offer.digest


def _state(offer: Line, accepted: Line | None, lines: list[Line], figures: HandOverFigures, now: int) -> str:
    if accepted is not None:
        return "accepted"
    newer = any(one.entry.kind == OFFERED and one.number > offer.number for one in lines)
    in_time = 0 <= now - offer.entry.at <= figures.accept_within_s * SECOND
    return "offered" if in_time and not newer else "lapsed"
