"""Has the gateway of a process watch over itself."""

from pathlib import Path

from gengfu.gateway_side import GatewaySide
from gengfu.own_devices.lines import Lines
from gengfu.own_devices.senses import Senses
from gengfu.own_devices.sign import Sign
from gengfu.supervisor import Supervisor


def watch_itself(gateway: GatewaySide, folder: Path, max_bytes: int, supervisor: Supervisor) -> None:
    """After it was started. ``max_bytes``: bound of its journal; ``folder``: where the process keeps everything."""
    own = gateway.own
    lines = Lines(gateway.site, gateway.watch.alarms, gateway.diagnoses, own.origin)
    sign = Sign(gateway.site, own.origin, lines, gateway.journal)
    senses = Senses(gateway.journal, max_bytes, folder)
    own.others = sign.look
    own.feed("bypasses", lambda: float(sum(one.is_active for one in gateway.modes.bypasses.running.values())))
    supervisor.run("the gateway as a device", own.run)
    supervisor.run("senses of the gateway", lambda: senses.run(own.tell))
    supervisor.run("sign of the gateway", sign.run)
