"""Why a sensor gives no trustworthy value: the codes of ``Sensor.fault``, the same for every driver.

A driver never raises: whatever bytes or volts arrive end as a value, or as ``None`` and one of these.
"""

NONE = 0
# Below 3.6 mA, no signal, a wire off.
OPEN = 1
# Below -5 % of the span, or nearer than the sensor can measure.
BELOW = 2
SHORT = 3
# No frames, no answers.
SILENT = 4
# Frames arrive, and none is whole.
CHECKSUM = 5
# The sensor itself says so, or it is not the sensor that should be there.
DEVICE = 6
