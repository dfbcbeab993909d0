"""Whether nothing that life hangs on stands at some devices: what tests and bypasses need before they begin."""

from collections.abc import Collection

from alarms.alarm import AlarmRecord
from alarms.engine import AlarmEngine
from protocols.reading import Origin


def standing_alarm(alarms: AlarmEngine, devices: Collection[str]) -> AlarmRecord | None:
    """A live life-safety alarm of these devices that is active, or not settled; out of service or not."""
    for record in alarms.records_of(devices):
        if record.life_safety and record.origin is Origin.LIVE and (record.active or record.state.stands):
            return record
    return None
