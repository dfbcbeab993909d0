"""How far the clocks of the devices are off, told to the diagnoses of their connections."""

from collections.abc import Mapping

from gateway.diagnostics import Diagnosis
from gateway.pipeline import NOTHING, Verdict
from protocols.moment import Moment
from protocols.reading import Reading


class DeviceClocks:
    """Sees every reading as a judge of the pipeline does, and decides nothing. ``diagnosis_of``: by device, those alone
    whose devices give the time of a sample themselves."""

    def __init__(self) -> None:
        self.diagnosis_of: Mapping[str, Diagnosis] = {}

    def observe(self, reading: Reading, _now: Moment) -> Verdict:
        """A sample without a time of its own got that of its arrival, and tells nothing."""
        at = reading.at if reading.claimed_at is None else reading.claimed_at
        if at != reading.received_at:
            diagnosis = self.diagnosis_of.get(reading.device)
            if diagnosis is not None:
                diagnosis.stamped(reading.device, at, reading.received_at)
        return NOTHING
