"""What a person at a gas alarm can say on its maintenance console.

calibrate zero [NAME]           clean air is on the gas sensor
calibrate span LEL [NAME]       test gas of so many %LEL is on it
over-range confirm              zero and calibration are confirmed on site
made YYYY-MM-DD                 the detector's date of manufacture, from its label
"""

from products.calibration import Refused

# Days before each month of a year that is not a leap year.
_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAY_S = 86400
_LONGEST_NAME = 16


def maintain(alarm, words: list, now: int, utc: int) -> str | None:
    """What became of a line, or ``None`` where it is none of these. ``utc``: s since 1970, 0 if not known."""
    if words[0] == "calibrate":
        try:
            return _calibrate(alarm, words[1:], now, utc)
        except Refused as error:
            return f"calibrate: {error}"
    if words == ["over-range", "confirm"]:
        released = alarm.confirm_over_range()
        return "over-range: released" if released else "over-range: stays; the value is not trusted or over the range"
    if words[0] == "made":
        made = _date(words[1:])
        if made is None:
            return "made: say made YYYY-MM-DD"
        alarm.set_made(made)
        return "made: " + words[1]
    return None


def _calibrate(alarm, rest: list, now: int, utc: int) -> str:
    if rest[:1] == ["zero"] and len(rest) < 3:
        alarm.calibrate_zero(now, " ".join(rest[1:])[:_LONGEST_NAME], utc)
        return "calibrate: zero taken"
    if rest[:1] == ["span"] and 1 < len(rest) < 4:
        try:
            applied = float(rest[1])
        except ValueError:
            return f"calibrate: {rest[1]!r} is not a number of %LEL"
        alarm.calibrate_span(now, applied, " ".join(rest[2:])[:_LONGEST_NAME], utc)
        return "calibrate: span taken"
    return "calibrate: say calibrate zero [NAME] or calibrate span LEL [NAME]"


def _date(rest: list) -> int | None:
    """Seconds since 1970 of a day from 2000 to 2099."""
    parts = rest[0].split("-") if len(rest) == 1 else []
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    year, month, day = [int(part) for part in parts]
    if not (2000 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    leap = 1 if month > 2 and year % 4 == 0 else 0
    days = (year - 1970) * 365 + (year - 1969) // 4 + _BEFORE_MONTH[month - 1] + leap + day - 1
    return days * _DAY_S
