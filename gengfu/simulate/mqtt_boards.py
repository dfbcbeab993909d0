"""The virtual devices of one MQTT connection, behind one client at the broker, as behind a concentrator.

They publish SenML with QoS 1 at the topics where the gateway subscribes; a pack is acknowledged when the broker has it.
"""

import asyncio
from collections.abc import Sequence

from device_registry.connections import MqttConnection
from device_registry.devices import Device
from gateway.diagnostics import Diagnosis
from gateway.errors import TransportError
from gateway.transports.mqtt.client import MqttClient
from gateway.transports.mqtt.link import Message
from gateway.transports.mqtt.uplinks import down_topic, up_topic
from gengfu.errors import InputError
from gengfu.simulate.board import Board
from gengfu.simulate.pace import Pace
from protocols.profile.schema import CommandPart

PAUSE_S = 0.5
"""Before a pack that the broker did not take goes out again."""


class MqttBoards:
    """``devices``: as in the document, each with its board."""

    def __init__(self, part: MqttConnection, devices: Sequence[tuple[Device, Board]], pace: Pace) -> None:
        for device, _ in devices:
            if device.profile.file.payload.form != "senml":
                raise InputError(f"device[{device.id}].profile: only SenML is simulated over MQTT: leave it out")
        self._devices = devices
        self._pace = pace
        self._down = {topic: (board, command) for one in devices for topic, board, command in _commands(*one)}
        topics = sorted({topic for topic, _ in self._down})
        diagnosis = Diagnosis(f"{part.id}-fleet", "mqtt", (), pace.wall)
        mine = part.model_copy(update={"client_id": f"gengfu-simulate-{part.id}"[:64]})
        self._client = MqttClient(
            mine,
            [(topic, 1) for topic in topics],
            self._told,
            diagnosis,
            life_safety=False,
            on_up=self._up,
            on_down=self._gone,
        )
        self._stands = asyncio.Event()

    async def run(self) -> None:
        """Deliver, for ever."""
        boards = [(up_topic(device), board) for device, board in self._devices]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._client.run())
            for topic, board in boards:
                group.create_task(board.measure())
                group.create_task(self._deliver(topic, board))

    def _up(self) -> None:
        self._stands.set()

    def _gone(self) -> None:
        self._stands.clear()

    async def _deliver(self, topic: str, board: Board) -> None:
        while True:
            await board.news.wait()
            await self._stands.wait()
            try:
                await self._client.publish(topic, board.waiting[0])
            except TransportError:
                # also where the gateway has never subscribed: nobody would ever get it
                await asyncio.sleep(PAUSE_S)
            else:
                board.settled(taken=True)

    def _told(self, message: Message) -> None:
        found = self._down.get((message.publish.topic, message.publish.payload))
        message.taken()
        if found is not None:
            board, command = found
            board.device.obey(command, self._pace.seconds())
            board.tally.commands += 1


def _commands(device: Device, board: Board) -> list[tuple[tuple[str, bytes], Board, CommandPart]]:
    """(topic, payload) of each of its commands."""
    found = []
    for command in device.profile.file.command:
        if command.mqtt is not None:
            own = command.mqtt.topic
            topic = down_topic(device) if own is None else own.replace("{device}", device.id)
            found.append(((topic, command.mqtt.payload.encode()), board, command))
    return found
