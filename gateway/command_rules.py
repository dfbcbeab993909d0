"""Which command of a person is taken, and which can be taken back."""

from gateway.errors import CommandRefused, NoSuchCommand
from protocols.command_log import CommandRecord
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from protocols.request import OperatorRequest

MOST_OPEN = 16
"""Commands of people per device that are not over; more are refused."""


def admit(request: OperatorRequest, profile: Profile | None, already: int) -> CommandPart:
    """The command that a person asks for, if the device's ``profile`` declares it (S2). ``already``: how many of
    them are not over.

    Raises `CommandRefused`, `NoSuchCommand`.
    """
    if profile is None:
        raise NoSuchCommand(f"device {request.target!r} is not registered")
    known = {part.name: part for part in profile.file.command}
    part = known.get(request.command)
    if part is None:
        listed = ", ".join(known) or "none"
        raise CommandRefused(f"profile {profile.id} has no command {request.command!r}; it has: {listed}")
    if not request.who:
        raise CommandRefused("a command needs a named person (S5)")
    if part.final_element and not request.why.strip():
        raise CommandRefused(f"{part.name} moves a final element: say why, for the record")
    if already >= MOST_OPEN:
        raise CommandRefused(f"{already} commands of {request.target} are not over yet: cancel some, or wait")
    return part


def check_cancel(record: CommandRecord) -> None:
    """Raises `CommandRefused` for a command that a person cannot take back."""
    if not record.command.cause.startswith("person/"):
        raise CommandRefused("a trip or a proof test gave this command: nobody takes it back")
    if record.status != "waiting":
        raise CommandRefused(f"it is {record.status}, and waits no more: only what waits can be taken back")


def cancelled_by(request: OperatorRequest) -> str:
    """Who took a command back, and why, for the record."""
    return f"by {request.who}: {request.why}" if request.why else f"by {request.who}"
