"""The MQTT side over a disturbed network: Mosquitto as the broker, its own clients as the device."""

import asyncio
import subprocess
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gateway.actuator import Actuator
from gengfu.routes import Route, Routes
from protocols.profile.compile import compile_profile
from protocols.profile.model import Profile
from protocols.profile.schema import CommandPart
from tests.contract.rig import GAS, Rig
from tests.fixtures.mosquitto import Mosquitto, Publisher, users
from tests.fixtures.mqtt_gateway import MqttGateway
from tests.fixtures.programs import program
from tests.fixtures.wires import Deliver, TcpWire

DOCUMENT = Path(__file__).parents[2] / "docs/protocols/mqtt.md"
PERIOD_S = 0.03
PASSWORD = "only-in-this-test"


def with_mqtt(profile: Profile) -> Profile:
    """The profile with an MQTT form of each command that has a CoAP form."""

    def told(command: CommandPart) -> CommandPart:
        given = {"mqtt": {"payload": command.coap.payload}} if command.coap is not None else {}
        return CommandPart.model_validate(command.model_dump() | given)

    commands = tuple(told(one) for one in profile.file.command)
    return compile_profile(profile.file.model_copy(update={"command": commands}))


GAS_BY_MQTT = with_mqtt(GAS)


class Stall(TcpWire):
    """TCP loses nothing: what does not get through now comes later, in order; and slowly is in order too."""

    def down(self, data: bytes, deliver: Deliver) -> None:
        if self.mode == "silent":
            self.disturbed += 1
            self._held.append((deliver, data))
        elif self.mode == "slow" or (self.mode == "clear" and self._held):
            self.disturbed += 1
            self._held += [(deliver, data[at : at + 1]) for at in range(len(data))]
            asyncio.get_running_loop().call_soon(self._drip)
        else:
            super().down(data, deliver)

    def up(self, data: bytes, deliver: Deliver) -> None:
        self.carried += 1
        deliver(data)

    def _drip(self) -> None:
        if self._held and self.mode != "silent":
            deliver, piece = self._held.pop(0)
            deliver(piece)
            asyncio.get_running_loop().call_soon(self._drip)


class MqttRig(Rig):
    """A board that publishes, and listens for commands. The site is the documented sample, with the place of the wire
    and the password's file in it. Late: each report has its own sequence number."""

    lines = frozenset({"push", "command", "silence", "garbage", "half", "slow", "restart", "hang-up", "shutdown"})
    device = "east:gas:0001"
    wire: Stall

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._percent = 0.0
        self._closed = False
        self._boot = self._sequence = self._stored = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._shut = False

    async def open(self) -> None:
        self._broker = Mosquitto(self.folder / "broker", users(self.folder, {"gateway": PASSWORD, "board": PASSWORD}))
        self._broker.start()
        self.wire = Stall(self._broker.port)
        await self.wire.open()
        secret = self.folder / "broker.password"
        secret.write_text(f"{PASSWORD}\n")
        document = tomllib.loads(DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1].partition("```")[0])
        document["connection"][0].update(host="127.0.0.1", port=self.wire.port, password_file=str(secret))
        self.gateway = MqttGateway(self.folder / "journal", document, {GAS.id: GAS_BY_MQTT})
        await self.gateway.open()
        self.gateway.journal.subscribe(lambda _batch: self._look())
        self._routes = self.route("broker", self.gateway.side)
        await self.start()

    def route(self, connection: str, route: Route) -> Routes:
        """The way for commands; the profile's, with their MQTT forms."""
        routes = Routes({self.device: connection}, lambda: None)
        routes.add(connection, route)
        self._actuator = Actuator(routes, {self.device: GAS_BY_MQTT}.get)
        return routes

    def _look(self) -> None:
        readings = self.gateway.readings()
        for reading in readings[self._stored :]:
            self.take(reading)
        self._stored = len(readings)

    async def noticed(self) -> None:
        """That a device is silent the alarm engine tells; that the broker is, the keep-alive (`test_mqtt_broker`)."""
        await self.disturbed(2)

    async def start(self) -> None:
        self._boot += 1
        self._sequence = 0
        who = ("-u", "board", "-P", PASSWORD)
        self._publisher = Publisher(self._broker.port, f"gengfu/{self.device}/up", *who)
        found = program("mosquitto_sub")
        options = ("-h", "127.0.0.1", "-p", str(self._broker.port), "-t", f"gengfu/{self.device}/down", *who)
        self._listener = await asyncio.create_subprocess_exec(
            found.path, *options, env=dict(found.env), stdout=subprocess.PIPE
        )
        for work in (self._report(), self._listen(self._listener)):
            self._tasks.add(asyncio.get_running_loop().create_task(work))

    async def _report(self) -> None:
        while True:
            self._sequence += 1
            self._publisher.say(
                f'[{{"bn":"{self.device}/","n":"boot","v":{self._boot}}},{{"n":"seq","v":{self._sequence}}},'
                f'{{"n":"methane","v":{self._percent}}},{{"n":"valve","v":{2 if self._closed else 1}}}]'
            )
            await asyncio.sleep(PERIOD_S)

    async def _listen(self, listener: asyncio.subprocess.Process) -> None:
        assert listener.stdout is not None
        async for line in listener.stdout:
            self._closed = self._closed or line == b"close\n"

    def measure(self, percent: float) -> None:
        self._percent = percent

    @property
    def is_closed(self) -> bool:
        return self._closed

    def counted(self) -> Mapping[str, float]:
        return {
            **self.gateway.refused(),
            **self.gateway.side.diagnosis.errors,
            "connects": self.gateway.side.client.connects,
        }

    def kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._publisher.kill()
        with suppress(ProcessLookupError):
            self._listener.kill()

    async def shut(self) -> None:
        self._shut = True
        await self._routes.close()
        await self.gateway.close()

    async def close(self) -> None:
        self.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait()
        if not self._shut:
            await self.shut()
        await self.wire.close()
        self._broker.stop()
