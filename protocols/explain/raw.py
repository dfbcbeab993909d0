"""Bytes without a decoder: shown as text where they are text."""

LONGEST_TEXT = 300


def text_of(data: bytes) -> str | None:
    """The bytes as one line of text; ``None`` where they are none (not UTF-8, or with control characters)."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if not all(one.isprintable() or one in "\r\n\t" for one in text):
        return None
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}..."


def explain_raw(data: bytes, _outgoing: bool) -> list[str]:
    """The text, if it is text."""
    text = text_of(data)
    return [text] if text else []
