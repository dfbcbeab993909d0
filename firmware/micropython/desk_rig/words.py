"""Words of a stimulus line."""


class StimulusError(Exception):
    """A stimulus line that this rig does not understand."""


def amount(word: str, low: float = -1e6, high: float = 1e6) -> float:
    """A number of a stimulus line; raises `StimulusError` for anything that is not one in [low, high]."""
    try:
        value = float(word)
    except ValueError:
        raise StimulusError(f"{word!r} is not a number") from None
    if not low <= value <= high:
        raise StimulusError(f"{word!r} is outside {low:g} to {high:g}")
    return value


def switch(word: str, on: str = "on", off: str = "off") -> bool:
    """Whether ``word`` is ``on``; raises `StimulusError` if it is neither."""
    if word not in (on, off):
        raise StimulusError(f"{word!r} is neither {on!r} nor {off!r}")
    return word == on
