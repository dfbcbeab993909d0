"""What a test does to a board and expects of it, in rows."""

from typing import NamedTuple

PRODUCTS = ("gas-alarm", "smart-bin", "hydrogen-node")


class Row(NamedTuple):
    """``lines`` are said to the board's world; then its registers show ``points``."""

    product: str
    lines: tuple[str, ...]
    points: dict[str, object]
    within_s: float = 30.0

    @property
    def slow(self) -> bool:
        """Whether the product itself takes that long: a valve's travel with its retries, the alarm delay of CO."""
        return self.within_s > 30.0

    def __str__(self) -> str:
        return f"{self.product}: {', '.join(self.lines)}"


ALARMS = (
    Row("gas-alarm", ("gas 30",), {"alarm": True, "fault": False}),
    Row("gas-alarm", ("gas 55",), {"alarm": True, "trip_latched": True, "valve": 2, "valve_cause": 1}),
    Row("gas-alarm", ("over on",), {"over_range": True, "alarm": True}),
    Row("gas-alarm", ("fault on",), {"fault": True}),
    Row("gas-alarm", ("co 400",), {"co_alarm": True}, 90.0),
    Row("gas-alarm", ("silent co",), {"co_fault": True}),
    Row("gas-alarm", ("garble co",), {"co_fault": True}),
    Row("gas-alarm", ("valve jammed", "gas 55"), {"trip_latched": True, "valve": 4}, 90.0),
    Row("smart-bin", ("fill 96",), {"overflow": True}),
    Row("smart-bin", ("temperature 90",), {"fire": True, "fire_cause": 2}),
    Row("smart-bin", ("smoke on",), {"fire": True, "smoke": True, "fire_cause": 1}),
    Row("smart-bin", ("tilt 60",), {"tilted": True}),
    Row("smart-bin", ("lid open",), {"lid_open": True}),
    Row("smart-bin", ("silent distance",), {"fault": True, "fill_fault": True}),
    Row("smart-bin", ("open temperature",), {"fault": True, "temperature_fault": True}),
    Row("hydrogen-node", ("h2_1 0.6",), {"first_out": 1, "first_out_channel": 1}),
    Row("hydrogen-node", ("h2_2 1.5",), {"first_out": 2, "first_out_channel": 2}),
    Row("hydrogen-node", ("raw h2_3 21.5 mA",), {"h2_3_state": 2, "first_out": 3, "first_out_channel": 3}),
    Row("hydrogen-node", ("raw h2_4 3.2 mA",), {"h2_4_state": 1}),
    Row("hydrogen-node", ("flame on",), {"flame": True, "first_out": 4}),
    Row("hydrogen-node", ("esd on",), {"esd": True, "first_out": 5}),
    Row("hydrogen-node", ("break_away on",), {"break_away": True, "first_out": 6}),
    Row("hydrogen-node", ("open pressure_trailer",), {"trailer_fault": True, "fault": True}),
)
"""Every alarm and fault a product can raise by what the air, a sensor or a person does."""
