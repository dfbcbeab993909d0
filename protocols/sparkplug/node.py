"""What a host knows of one edge node: born or not, its metrics, the sequence of its messages (Sparkplug 3.0 [M]).

    message   while born                                          while not
    NBIRTH    born anew: metrics, seq                             born
    DBIRTH    the device's metrics                                rebirth wanted
    NDATA     samples                                             rebirth wanted
    DDATA     samples, if the device is born                      rebirth wanted
    DDEATH    the device is lost                                  rebirth wanted
    NDEATH    of the last birth heard (bdSeq): the node and       the same, once born
              all devices are lost; of another: nothing

Every message but NDEATH has the sequence number after that of the message before, 255 being followed by 0. Where one
is missing, a birth may be: the node counts as not born from there on, and what it says is not guessed at.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from protocols.sparkplug.payload import Metric, Payload, Value, value_of

BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"
NODE = ""
"""The node itself, among its devices."""


class Sample(NamedTuple):
    """One metric by its name. ``timestamp``: ms, ``None`` where the payload has none. ``value``: ``None`` for null, and
    for what is of another data type than in the birth (``is_null`` false)."""

    name: str
    value: Value
    timestamp: int | None
    is_null: bool
    is_historical: bool
    quality: int | None


class Heard(NamedTuple):
    """What came of a message. ``device``: whose ``samples`` they are, `NODE` for the node's own. ``lost``: devices that
    died. ``wants_rebirth``: the node must be asked to tell everything again. ``is_taken``: it was understood."""

    device: str = NODE
    samples: tuple[Sample, ...] = ()
    lost: tuple[str, ...] = ()
    wants_rebirth: bool = False
    is_taken: bool = True


_UNKNOWN = Heard(wants_rebirth=True, is_taken=False)


class _Known(NamedTuple):
    device: str
    name: str
    datatype: int


_Said: TypeAlias = tuple[Value, int | None, bool, int | None]
"""Value, time, whether it is null, quality."""


class Node:
    """One edge node, and those of its devices that are of the site. Pure; `take` never raises."""

    def __init__(self, devices: Iterable[str]) -> None:
        self._devices = frozenset(devices)
        self._seq: int | None = None
        self._bd_seq: int | None = None
        self._may_die = False
        self._aliases: dict[int, _Known] = {}
        self._metrics: dict[str, dict[str, _Known]] = {}
        self._said: dict[tuple[str, str], _Said] = {}

    @property
    def is_born(self) -> bool:
        """Whether all that it says is understood."""
        return self._seq is not None

    def datatype(self, device: str, name: str) -> int | None:
        """Of a metric, by the birth that stands."""
        known = self._metrics.get(device, {}).get(name)
        return known.datatype if known is not None and self.is_born else None

    def forget(self) -> None:
        """Our connection was gone: anything may have been missed."""
        self._seq = None

    def take(self, kind: str, device: str, payload: Payload) -> Heard:
        """One message. ``kind``: the third level of its topic; ``device``: the fifth, `NODE` where there is none."""
        if kind == "NBIRTH":
            return self._born(payload)
        if kind == "NDEATH":
            return self._died(payload)
        act = {"NDATA": self._data, "DDATA": self._data, "DBIRTH": self._device_born, "DDEATH": self._device_died}
        if kind not in act:
            return Heard(is_taken=False)
        if not self._follows(payload.seq):
            self._seq = None
            return _UNKNOWN
        return act[kind](device, payload) if device in self._devices or device == NODE else Heard(device)

    def _device_born(self, device: str, payload: Payload) -> Heard:
        return Heard(device, self._learn(device, payload))

    def _device_died(self, device: str, _payload: Payload) -> Heard:
        self._metrics.pop(device, None)
        return Heard(device, lost=(device,))

    def _follows(self, seq: int | None) -> bool:
        if self._seq is None or seq != (self._seq + 1) % 256:
            return False
        self._seq = seq
        return True

    def _born(self, payload: Payload) -> Heard:
        self._aliases, self._metrics = {}, {}
        self._seq, self._bd_seq = payload.seq, payload.number(BD_SEQ)
        if payload.seq is None:
            return _UNKNOWN
        self._may_die = True
        return Heard(NODE, self._learn(NODE, payload))

    def _died(self, payload: Payload) -> Heard:
        if not self._may_die or payload.number(BD_SEQ) != self._bd_seq:
            return Heard(is_taken=False)
        lost = (NODE, *sorted(self._devices - {NODE}))
        self._seq, self._aliases, self._metrics = None, {}, {}
        self._may_die = False
        return Heard(lost=lost)

    def _learn(self, device: str, payload: Payload) -> tuple[Sample, ...]:
        """The metrics of a birth, and those of their values that were not said before."""
        metrics: dict[str, _Known] = {}
        samples = []
        self._aliases = {alias: known for alias, known in self._aliases.items() if known.device != device}
        for metric in payload.metrics:
            if metric.name is None or metric.datatype is None:
                continue
            known = metrics[metric.name] = _Known(device, metric.name, metric.datatype)
            if metric.alias is not None:
                self._aliases[metric.alias] = known
            samples.append(self._sample(metric, known, payload))
        self._metrics[device] = metrics
        self._said = {key: said for key, said in self._said.items() if key[0] != device or key[1] in metrics}
        fresh = tuple(one for one in samples if self._said.get((device, one.name)) != _said(one))
        self._remember(device, fresh)
        return fresh

    def _data(self, device: str, payload: Payload) -> Heard:
        if device not in self._metrics:
            return _UNKNOWN
        samples = []
        missing = False
        for metric in payload.metrics:
            known = self._find(device, metric)
            if known is None:
                missing = True
            else:
                samples.append(self._sample(metric, known, payload))
        found = tuple(samples)
        self._remember(device, found)
        return Heard(device, found, wants_rebirth=missing, is_taken=not missing)

    def _find(self, device: str, metric: Metric) -> _Known | None:
        if metric.name is not None:
            return self._metrics[device].get(metric.name)
        known = self._aliases.get(metric.alias) if metric.alias is not None else None
        return known if known is not None and known.device == device else None

    def _sample(self, metric: Metric, known: _Known, payload: Payload) -> Sample:
        timestamp = payload.timestamp if metric.timestamp is None else metric.timestamp
        value = value_of(metric, known.datatype)
        return Sample(known.name, value, timestamp, metric.is_null, metric.is_historical, metric.quality)

    def _remember(self, device: str, samples: tuple[Sample, ...]) -> None:
        """A rebirth says the last values again: they are no new samples."""
        for one in samples:
            if not one.is_historical and one.name in self._metrics[device]:
                self._said[device, one.name] = _said(one)


def _said(sample: Sample) -> _Said:
    return sample.value, sample.timestamp, sample.is_null, sample.quality
