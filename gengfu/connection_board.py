"""The connections of the gateway as the API shows them: its diagnoses, with names and times for people."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alarms.engine import LOST_PERIODS
from console.duty.places import iso_or_none, text
from console.present import iso
from device_registry.connections import (
    CoapConnection,
    Connection,
    HttpConnection,
    ModbusRtuTcpConnection,
    ModbusTcpConnection,
    MqttConnection,
    OpcUaConnection,
    SerialPart,
)
from device_registry.devices import Device, Site
from gateway.diagnostics import DeviceDiagnosis, Diagnosis, percentile
from protocols.explain import explain_all
from protocols.moment import SECOND

Item = dict[str, Any]


class ConnectionBoard:
    """The console's `console.services.Connections`. ``diagnoses``: of the connections that stand now, by id; ``now``:
    UTC ns."""

    def __init__(self, site: Site, diagnoses: Callable[[], Mapping[str, Diagnosis]], now: Callable[[], int]) -> None:
        self._site = site
        self._diagnoses = diagnoses
        self._now = now

    def items(self) -> list[Item]:
        """See `console.services.Connections.items`."""
        order = sorted(self._diagnoses().values(), key=lambda one: (one.is_up, one.connection))
        return [self._item(one) for one in order]

    def find(self, connection: str) -> Item | None:
        """See `console.services.Connections.find`."""
        known = self._diagnoses().get(connection)
        if known is None:
            return None
        return {**self._item(known), "device_items": [self._device(*one) for one in known.devices.items()]}

    def wire(self, connection: str, after: int, limit: int) -> Item | None:
        """See `console.services.Connections.wire`."""
        known = self._diagnoses().get(connection)
        if known is None:
            return None
        found = known.wire.after(after, limit, self._now())
        told = explain_all(known.transport, ((piece.outgoing, piece.data) for piece in found.pieces))
        return {
            "connection": known.connection,
            "transport": known.transport,
            "items": [
                {
                    "n": number,
                    "at": iso(piece.at),
                    "direction": "out" if piece.outgoing else "in",
                    "peer": piece.peer,
                    "size": piece.size,
                    "hex": piece.data.hex(),
                    "text": lines,
                }
                for number, (piece, lines) in enumerate(zip(found.pieces, told, strict=True), found.first)
            ],
            "missed": found.missed,
            "last": known.wire.last,
        }

    def _item(self, known: Diagnosis) -> Item:
        devices = known.devices.values()
        states = [self._state(*one) for one in known.devices.items()]
        rates = known.rates()
        return {
            "id": known.connection,
            "transport": known.transport,
            "place": _place(self._site.connections.get(known.connection)),
            "state": known.state,
            "since": iso(known.since),
            "reason": known.reason,
            "next_try_at": iso_or_none(known.next_try_at),
            "last_seen_at": iso_or_none(max((one.heard_at for one in devices), default=0)),
            "devices": {
                "total": len(states),
                **{word: states.count(word) for word in ("lost", "silent", "unheard")},
            },
            "requests": known.requests,
            "requests_per_s": round(rates.requests_per_s, 3),
            "utilisation": round(rates.utilisation, 4) if known.requests else None,
            **_round_trips(known.rtt_s),
            "errors": known.all_errors(),
            "skipped_polls": sum(one.skipped for one in devices),
        }

    def _device(self, device: str, known: DeviceDiagnosis) -> Item:
        part = self._site.devices.get(device)
        return {
            "device": device,
            "device_title": text(part.title) if part else {"zh": device, "en": device},
            "state": self._state(device, known),
            "since": iso_or_none(known.lost_since),
            "reason": known.reason,
            "last_seen_at": iso_or_none(known.heard_at),
            "requests": known.requests,
            "answers": known.answers,
            **_round_trips(known.rtt_s),
            "errors": dict(known.errors),
            "next_try_at": iso_or_none(known.next_try_at),
            "skipped_polls": known.skipped,
            "clock_offset_s": None if known.clock_offset_s is None else round(known.clock_offset_s, 3),
        }

    def _state(self, device: str, known: DeviceDiagnosis) -> str:
        if known.lost_since:
            return "lost"
        if not known.heard_at:
            return "unheard"
        return "silent" if self._now() - known.heard_at > patience_ns(self._site.devices.get(device)) else "well"


def patience_ns(device: Device | None) -> int:
    """For so long a device may be unheard before it is called silent; 0 for one that is not registered."""
    return int(LOST_PERIODS * (device.period_s if device else 0.0) * SECOND)


def _round_trips(samples: Iterable[float]) -> Item:
    kept = [round(one, 6) for one in samples]
    return {"rtt_p50_s": percentile(kept, 0.5), "rtt_p95_s": percentile(kept, 0.95)}


def _place(part: Connection | None) -> str:
    place = ""
    match part:
        case CoapConnection():
            place = part.listen
        case HttpConnection():
            place = "POST /api/v1/readings"
        case SerialPart():
            place = f"{part.port}, {part.baud} baud"
        case ModbusTcpConnection() | ModbusRtuTcpConnection():
            place = f"{part.host}:{part.port}"
        case MqttConnection():
            place = part.host if part.port is None else f"{part.host}:{part.port}"
        case OpcUaConnection():
            place = part.url
    return place
