"""The MQTT connections of a gateway, wired: a client at the broker, messages into the pipeline, commands out."""

import asyncio
import logging
from collections.abc import Sequence

from device_registry.connections import MqttConnection
from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.errors import TransportError
from gateway.intake import Intake
from gateway.transports.mqtt.client import MqttClient
from gateway.transports.mqtt.link import Message
from gateway.transports.mqtt.sparkplug import NAMESPACE, SparkplugHost
from gateway.transports.mqtt.uplinks import Uplinks, down_topic
from gengfu.supervisor import Supervisor
from protocols.profile.schema import CommandPart

log = logging.getLogger("gengfu.mqtt")

COMMAND_EXPIRES_S = 10
"""The actuator sends a command again after so long (`gateway.actuator.RETRY_NS`): an older one must not wait at the
broker for a device that comes back later."""


class MqttSide:
    """One connection and its devices."""

    def __init__(self, connection: MqttConnection, devices: Sequence[Device], intake: Intake) -> None:
        self.name = connection.id
        self.diagnosis = Diagnosis(self.name, connection.transport, (one.id for one in devices), intake.now)
        self._devices = {one.id: one for one in devices}
        self._running: asyncio.Task[None] | None = None
        self._publishing: set[asyncio.Task[None]] = set()
        self._host = SparkplugHost(devices, intake, self.diagnosis, self._announce, connection.sparkplug_host)
        plain = [one for one in devices if not self._host.has(one.id)]
        self._uplinks = Uplinks(self.name, plain, intake, self.diagnosis)
        self.client = MqttClient(
            connection,
            (*self._uplinks.filters, *self._host.filters),
            self._take,
            self.diagnosis,
            life_safety=any(point.life_safety for one in devices for point in one.points),
            hear=self._uplinks.hear,
            numbers=self._uplinks.numbers,
            will=self._host.will,
            on_up=self._host.up,
            on_down=self._host.down,
        )

    def start(self, supervisor: Supervisor) -> None:
        """Connect, and stay connected until `close`."""
        self._running = supervisor.run(f"mqtt {self.name}", self.client.run)

    def _take(self, message: Message) -> None:
        if message.publish.topic.startswith(f"{NAMESPACE}/"):
            self._host.take(message)
        else:
            self._uplinks.take(message)

    async def deliver(self, device: str, command: CommandPart) -> str:
        """`gengfu.routes.Route.deliver`. That the broker has it is all that MQTT tells: the read-back is the proof."""
        told = self._host.command(device, command) if self._host.has(device) else self._form(device, command)
        if isinstance(told, str):
            return told
        topic, payload = told
        self.diagnosis.sent(payload, topic)
        await self.client.publish(topic, payload, expires_s=COMMAND_EXPIRES_S)
        return ""

    def _form(self, device: str, command: CommandPart) -> tuple[str, bytes] | str:
        form = command.mqtt
        if form is None:
            return "its profile has no MQTT form of this command"
        own = form.topic and form.topic.replace("{device}", device)
        return own or down_topic(self._devices[device]), form.payload.encode()

    def _announce(self, topic: str, payload: bytes, retained: bool) -> None:
        self.diagnosis.sent(payload, topic)
        task = asyncio.get_running_loop().create_task(self._published(topic, payload, retained))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _published(self, topic: str, payload: bytes, retained: bool) -> None:
        try:
            await self.client.publish(topic, payload, expires_s=0 if retained else COMMAND_EXPIRES_S, retained=retained)
        except TransportError as error:
            log.info("mqtt connection %s: %s was not published: %s", self.name, topic, error)

    async def close(self) -> None:
        """Leave the broker, which keeps our session."""
        tasks: list[asyncio.Task[None]] = [*self._publishing, *([self._running] if self._running else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._host.down()
