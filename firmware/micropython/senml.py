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
    base = "" if at is None else f'"bt":{at:.3f},'
    records = [f'{{"bn":"{device}/",{base}"n":"boot","v":{boot}}}', f'{{"n":"seq","v":{seq}}}']
    for name, value in values.items():
        if value is True or value is False:
            records.append(f'{{"n":"{name}","vb":{"true" if value else "false"}}}')
        elif value is not None:
            text = number(value)
            if text is not None:
                records.append(f'{{"n":"{name}","v":{text}}}')
    return ("[" + ",".join(records) + "]").encode()
