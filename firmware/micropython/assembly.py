"""Puts a board together from its settings: parts, product, links, and the tasks that carry their bytes.

Modules are loaded when the settings ask for them: a microcontroller's heap has no room for the others. What of the
links or of the flash cannot be had is told, and the board goes on without: it still samples, judges and acts.
"""

import asyncio
import sys

import crash
import hal
from device import Device
from maintenance import Console
from node import Node
from settings import NO_GATEWAY
from vitals import Vitals

PRODUCTS = {
    "gas-alarm": ("products.gas_alarm", "GasAlarm"),
    "smart-bin": ("products.smart_bin", "SmartBin"),
    "hydrogen-node": ("products.hydrogen_node", "HydrogenNode"),
}
# A configuration on trial needs a gateway that is heard each minute (`config.HEARD_MS`), whatever the period.
PROVE_EVERY_MS = 20000
# A link that dies is made anew after a pause that doubles: each death is a write to the flash.
AGAIN_MS = 1000
LONGEST_PAUSE_MS = 600000


def load(module: str, name: str):
    """A name of a module, loaded now."""
    return getattr(__import__(module, None, None, (name,)), name)


async def kept_up(make, failed) -> None:
    """Run what ``make()`` gives. When it dies ``failed(error)`` is told, and after a pause it is made anew."""
    pause_ms = AGAIN_MS
    while True:
        try:
            await make()
            return
        except Exception as error:  # a link's fault must not reset a board whose valve may be closing
            failed(error)
        await asyncio.sleep_ms(pause_ms)
        pause_ms = min(2 * pause_ms, LONGEST_PAUSE_MS)


class Board:
    """``config``: `config.Config`; ``store``: `kv.Store`; ``folder``: of the records; ``crash_log``: `crash.CrashLog`;
    ``start``: its number and how many there were (`kv.next_start`).

    ``tasks``: functions that make coroutines, for `kept_up`. A link that cannot be built, or dies, is a crash that is
    logged; it never takes the board with it.
    """

    def __init__(self, config, store, folder: str, crash_log, ticks, start: tuple):
        self._settings = config.settings
        self._config = config
        self._store = store
        self._folder = folder
        self._ticks = ticks
        self._crash_log = crash_log
        self._boot = start[0]
        self._backlog = self._delivery = self._slave = None
        self._prove_at = 0
        self._waited = False
        self.tasks = []
        rig, parts = self._parts()
        product = load(*PRODUCTS[self._settings["product"]])(parts, store, ticks(), self._settings)
        if rig is not None:
            rig.product = product
        self._device = Device(product)
        for build in (self._connect, self._serve_modbus, self._learn_sleep):
            try:
                build()
            except Exception as error:  # a board without it still samples and closes
                self.failed(error)
        self._device.vitals = Vitals(start[1], hal.reset_cause(), hal.free_heap, self._backlog, crash_log)
        self.node = Node(self._device, _utc_s, self.failed, rig=rig, delivery=self._delivery)
        self.console = Console(config, crash_log, product, rig, hal.emit, sys.platform != "linux")

    @property
    def must_not_restart(self) -> bool:
        """Whether the product is about something that a restart would cut: a cause, a closing, a running fan."""
        return getattr(self._device.product, "must_not_restart", False)

    def line(self, text: str) -> None:
        """Take a line of the console. One that breaks it is logged; the board goes on."""
        now = self._ticks()
        try:
            if self.console.line(now, text):
                self.node.hasten(now)
        except Exception as error:  # no line of a person may end the sampling
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """Log what died, where the board goes on. Never raises: who calls it has nobody above to catch that."""
        try:
            self._crash_log.write(crash.describe(error), self._boot, self._ticks() // 1000)
            hal.emit("error", message="crashed: " + repr(error))
        except Exception:  # a heap that is full has no room for the words either
            pass

    def should_restart(self, now: int) -> bool:
        """Whether a person asked for it, or a configuration on trial has failed; and not while the product would be
        cut short. What waits is in flash by then, and that the board is to be held."""
        self._prove(now)
        wanted = self._config.step(now, self._heard_at()) or self._config.restart or self.console.restart
        if wanted and not self._waited and self.must_not_restart:
            hal.emit("error", message="restart: it waits until nothing stands, no valve closes and no fan runs")
        self._waited = wanted and self.must_not_restart
        if not wanted or self._waited:
            return False
        self.keep(now)
        if self.console.held and not hal.hold():
            self.console.held = self.console.restart = False
            hal.emit("answer", text="hold: the flash refuses it; the board goes on")
            return False
        return True

    def keep(self, now: int) -> None:
        """Put what waits into flash: before an end on purpose."""
        if self._delivery is not None:
            self._delivery.keep(now)

    def _prove(self, now: int) -> None:
        """Report often while a configuration is on trial: only a reading that is taken proves it."""
        if self._config.on_trial and self._delivery is not None and now >= self._prove_at:
            self._prove_at = now + PROVE_EVERY_MS
            self._delivery.soon()
            self.node.hasten(now)

    def _heard_at(self) -> int | None:
        """When the gateway last took a reading; of a board that is only asked, when its master did. Where there is a
        gateway no master can call a configuration good: anybody may be one."""
        if self._delivery is not None:
            return self._delivery.heard_at
        if self._slave is None:
            return None
        # A board on a line is judged by its line: everybody on a network may speak Modbus TCP.
        return self._slave.heard_at if self._settings["modbus"] else self._slave.network_heard_at

    def _parts(self) -> tuple:
        """The rig, if there is one, and the parts of the product."""
        settings = self._settings
        if settings["parts"] != "rig":
            return None, load("wiring." + sys.platform, "parts")(settings)
        noise = load("noise", "Noise")(settings["seed"] or hal.entropy())
        # 0 unknown, 1 power-on: what was held by power has fallen back.
        rig = load("desk_rig.stimulus", "Rig")(
            settings, self._store, noise, self._ticks(), power_lost=hal.reset_cause() < 2
        )
        return rig, load("wiring.rig", "parts")(settings["product"], settings, rig)

    def _uart(self, line: str):
        """The line of a path, or of a UART with the pin that enables its RS-485 driver."""
        baud = self._settings["baud"]
        if not line.isdigit():
            return hal.Uart(line, baud)
        wiring = __import__("wiring." + sys.platform, None, None, ("LINE",))
        return hal.Uart(int(line), baud, wiring.LINE_ENABLE if int(line) == wiring.LINE else None)

    def _connect(self) -> None:
        """The link that takes the readings; a board that is only asked has none."""
        settings = self._settings
        if settings["gateway"] != NO_GATEWAY or settings["modbus-tcp"]:
            # First of the tasks: sockets are for a radio that is awake.
            self.tasks.append(lambda: load("links.network", "join")(settings))
        if settings["gateway"] != NO_GATEWAY:
            link = load("links.coap_link", "CoapLink")(
                settings, self._device, self._store, self._folder, self._crash_log
            )
            self._deliver(link.client, link.send)
            self.tasks.append(lambda: link.serve(self._delivery, self._ticks))
        elif settings["serial-link"]:
            link = load("links.serial_link", "SerialLink")(
                self._device,
                hal.emit,
                address=settings["unit"],
                device=settings["device"],
                boot=self._boot,
                firmware=load("version", "NUMBER"),
            )
            link.told_time = _telling(self._deliver(link, None))
            uart = self._uart(settings["serial-link"])
            self.tasks.append(lambda: load("links.serial_link", "serve")(self._delivery, uart, self._ticks))

    def _deliver(self, link, send):
        """What readings go through to ``link``; returns the `clock.Clock` that dates them."""
        settings = self._settings
        composer = load("composer", "Composer")(settings["device"], self._device.profile, self._device.points)
        clock = load("clock", "Clock")(self._store, self._boot, hal.emit, _utc_ms)
        flash = self._flash(composer.owner) if settings["queue"] else None
        self._backlog = load("backlog", "Backlog")(
            link, clock, composer.message, hal.emit, boot=self._boot, ring=settings["ring"], flash=flash
        )
        product = self._device.product
        gate = load("reporting", "ReportGate")(int(settings["period"] * 1000), product.watched, product.jumps)
        self._delivery = load("delivery", "Delivery")(gate, clock, composer, self._backlog, link, send)
        return clock

    def _flash(self, owner: str):
        """The queue in flash, ``None`` where the flash refuses it."""
        queue = load("flash_queue", "FlashQueue")
        try:
            return queue(self._folder + "/queue", owner, self._settings["queue"], self._store)
        except OSError as error:
            hal.emit("error", message=f"queue: the flash refuses it, readings wait in memory alone: {error}")
            return None

    def _learn_sleep(self) -> None:
        """Now, while there is room: a load that fails in the loop would end the board each time it wants to sleep."""
        if self._settings.get("sleep") == "light":
            hal.learn_sleep()

    def _serve_modbus(self) -> None:
        settings = self._settings
        if not (settings["modbus"] or settings["modbus-tcp"]):
            return
        tables = load("links.modbus_slave", "load_tables")(self._device.profile)
        self._slave = load("links.modbus_slave", "ModbusSlave")(self._device, tables, settings["unit"], hal.emit)
        if settings["modbus"]:
            uart = self._uart(settings["modbus"])
            self.tasks.append(lambda: load("links.modbus_line", "serve")(self._slave, uart, self._ticks))
        if settings["modbus-tcp"]:
            port = settings["modbus-tcp"]
            self.tasks.append(lambda: load("links.network", "listen")(self._slave, port, self._ticks))


def _telling(clock):
    """What a link calls with the gateway's time: it is for the board's own clock, too, where it has one."""

    def told(now: int, utc_ms: int) -> None:
        clock.set(now, utc_ms)
        load("clock", "set_port")(hal, utc_ms)

    return told


def _utc_s() -> int | None:
    seconds = hal.utc()
    return None if seconds is None else int(seconds)


def _utc_ms() -> int | None:
    seconds = hal.utc()
    if isinstance(seconds, int):
        # Whole seconds on a microcontroller: on the average it is half a second later.
        return seconds * 1000 + 500
    return None if seconds is None else int(seconds * 1000)
