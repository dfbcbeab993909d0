"""Known: the last value of one point, as a `protocols.picture.Picture` keeps it."""

import math

import msgspec

from protocols.quality import Quality


class Known(msgspec.Struct, frozen=True, gc=False):
    """The last value of one point; NaN where the device said only that it has none.

    ``at``: source clock, wall ns; ``heard``: when it arrived, mono ns.
    """

    value: float
    quality: Quality
    at: int
    heard: int

    @property
    def is_measured(self) -> bool:
        """Whether the sensor said it of the air, and not of test gas or of itself (S3, S8)."""
        if math.isnan(self.value) or self.quality is Quality.UNCERTAIN_UNDER_TEST:
            return False
        return not self.quality.is_bad or self.quality is Quality.BAD_OVER_RANGE
