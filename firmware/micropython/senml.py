"""SenML packs (RFC 8428, JSON, content format 110) of one sample.

The base name is ``<device>/``; ``boot`` and ``seq`` come first and identify the sample; flags are ``vb``.
"""


def number(value: float) -> str | None:
    """JSON text of a number with at most 3 decimals; ``None`` for what JSON cannot hold (NaN, infinity)."""
    if isinstance(value, int):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return None
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def pack(device: str, boot: int, seq: int, values: dict, at: float | None) -> bytes:
    """The pack of ``values`` (name -> bool, int, float or ``None``: not sent).

    ``at``: UTC seconds since 1970, or ``None`` while the clock is not set: the gateway then stamps the sample.
    """
    return timed_pack(device, boot, seq, values, "" if at is None else f"{at:.3f}")


def timed_pack(device: str, boot: int, seq: int, values: dict, base_time: str, undated: bool = False) -> bytes:
    """`pack` with its time as text: UTC seconds, or negative: the sample's age when it is sent (4.5.3), or empty.

    ``undated``: the sample is of an earlier start, and older than ``base_time`` by nobody knows how much. The gateway
    then takes it for late, whatever the time says, and marks its clock as uncertain.
    """
    base = f'"bt":{base_time},' if base_time else ""
    records = [f'{{"bn":"{device}/",{base}"n":"boot","v":{boot}}}', f'{{"n":"seq","v":{seq}}}']
    if undated:
        records.append('{"n":"undated","vb":true}')
    for name, value in values.items():
        if value is True or value is False:
            records.append(f'{{"n":"{name}","vb":{"true" if value else "false"}}}')
        elif value is not None:
            text = number(value)
            if text is not None:
                records.append(f'{{"n":"{name}","v":{text}}}')
    return ("[" + ",".join(records) + "]").encode()
