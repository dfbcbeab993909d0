"""The part of InfluxQL that InfluxDB 1.x, 2.x and 3 share: what a query may not hold.

Source: «InfluxQL feature support» of the documents of InfluxDB 3 Core, which name SLIMIT and SOFFSET as missing; that
SHOW SERIES, SHOW DATABASES, INTEGRAL and SAMPLE are missing too is in our notes on it. HISTOGRAM, HOLT_WINTERS and its
like are refused because nothing says that they are there. What changes data has no place in a dashboard.
"""

import re

QUIET = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|(?<=~)\s*/(?:[^/\\]|\\.)*/|(?<=FROM)\s*/(?:[^/\\]|\\.)*/", re.I
)
"""Texts, quoted names and regular expressions: words in them are data."""

REFUSED = {
    "SLIMIT": r"\bSLIMIT\b",
    "SOFFSET": r"\bSOFFSET\b",
    "INTO": r"\bINTO\b",
    "SHOW of more than tags, fields and measurements": (
        r"\bSHOW\s+(?!TAG\s+(KEYS|VALUES)\b|FIELD\s+KEYS\b|MEASUREMENTS\b)"
    ),
    "CARDINALITY": r"\bCARDINALITY\b",
    "EXPLAIN": r"\bEXPLAIN\b",
    "a comment": r"--|/\*",
    **{
        f"{name}()": rf"\b{name}\s*\("
        for name in (
            "INTEGRAL", "SAMPLE", "HISTOGRAM", "HOLT_WINTERS", "HOLT_WINTERS_WITH_FIT", "CHANDE_MOMENTUM_OSCILLATOR",
            "EXPONENTIAL_MOVING_AVERAGE", "DOUBLE_EXPONENTIAL_MOVING_AVERAGE", "TRIPLE_EXPONENTIAL_MOVING_AVERAGE",
            "TRIPLE_EXPONENTIAL_DERIVATIVE", "KAUFMANS_EFFICIENCY_RATIO", "KAUFMANS_ADAPTIVE_MOVING_AVERAGE",
            "RELATIVE_STRENGTH_INDEX",
        )
    },
}  # fmt: skip
BEGINS = re.compile(r"\s*(SELECT|SHOW)\b", re.I)


def refused(query: str) -> list[str]:
    """What of a query not every InfluxDB takes. One statement alone is asked: Grafana looks at one result."""
    bare = QUIET.sub(" x ", query)
    found = [name for name, pattern in REFUSED.items() if re.search(pattern, bare, re.I)]
    if ";" in bare.strip().rstrip(";"):
        found.append("a second statement")
    if not BEGINS.match(bare):
        found.append("neither SELECT nor SHOW")
    return found
