"""What every request for a mode must say: who, why, and until when."""

from gateway.errors import ModeRefused
from protocols.request import OperatorRequest


def admit(request: OperatorRequest, longest_s: float, what: str) -> None:
    """Raises `ModeRefused` for a request that lacks what is recorded, or lasts longer than ``longest_s`` seconds."""
    if not request.who:
        raise ModeRefused(f"{what} needs the name of the person who begins it")
    if not request.why.strip():
        raise ModeRefused(f"{what} needs a reason, for the record")
    if request.for_s is None or not 1 <= request.for_s <= longest_s:
        raise ModeRefused(f"{what} needs an end: between 1 s and {longest_s:g} s from now")
