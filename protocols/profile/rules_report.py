"""Report strategies: what they cannot be, and what they must say of a life-safety point (safety rule S9)."""

from collections.abc import Iterator

from protocols.profile.parts_report import ReportPart
from protocols.profile.problem import Problem
from protocols.profile.schema import PointPart, ProfileFile

MOST_PERIODS = 2
"""A life-safety point is stored at least so often: beyond 2.5 periods a device counts as lost (S10)."""


def check_reports(file: ProfileFile) -> Iterator[Problem]:
    """Problems of all report parts of a profile."""
    for point in file.point:
        if point.report is not None:
            for path, what in check_report(point, point.report, file.profile.period_s):
                yield f"point[{point.name}].report{path}", what


def check_report(point: PointPart, part: ReportPart, period_s: float) -> Iterator[Problem]:
    """Problems of one. ``period_s``: how often the device reports."""
    is_number = point.type in ("number", "counter")
    if not is_number and (part.deadband or part.deadband_percent or part.quiet_below is not None):
        yield "", f"only a number has a deadband or quiet_below, this is of type {point.type}: remove them"
    if part.deadband_percent and point.range is None:
        yield ".deadband_percent", "is of the span of the point's range: add the range, or use deadband"
    if part.min_interval_s > part.max_interval_s:
        yield ".min_interval_s", f"is more than max_interval_s, {part.max_interval_s:g} s: make it less"
    if point.life_safety and not part.every:
        yield from _life_safety(point, part, MOST_PERIODS * period_s)


def _life_safety(point: PointPart, part: ReportPart, most_s: float) -> Iterator[Problem]:
    if part.max_interval_s > most_s:
        yield ".max_interval_s", f"a life-safety point is stored every {MOST_PERIODS} periods: at most {most_s:g} s"
    if point.type == "number" and part.quiet_below is None:
        yield ".quiet_below", "a life-safety number needs the value from which on all is stored: below every limit"
    if part.min_interval_s:
        yield ".min_interval_s", "a life-safety point that changes is stored at once: remove it"
