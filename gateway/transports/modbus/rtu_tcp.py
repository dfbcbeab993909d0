"""Modbus RTU over TCP: a serial server (RS-485 to Ethernet converter) passes the bytes of its line on as they are.

A network may hold requests and answers back for seconds and then deliver all of them at once, so what is owed outlives
even a connection that broke; only one that was made anew on purpose, right before a request, is taken for clean.
"""

from gateway.diagnostics import Diagnosis
from gateway.slots import Timer
from gateway.transports.modbus.bus import LONGEST_PAUSE_S, NO_PAUSES, Job, Pauses
from gateway.transports.modbus.rtu import RtuBus
from gateway.transports.tcp_line import TcpLine


class ModbusRtuTcpBus(RtuBus):
    """``host``:``port`` is the serial server. Time-outs include the time that its line takes for both frames."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        pauses: Pauses = NO_PAUSES,
        longest_pause_s: float = LONGEST_PAUSE_S,
        timer: Timer | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        name = f"modbus rtu over tcp {host}:{port}"
        super().__init__(name, pauses.silence_s, pauses, longest_pause_s, timer, diagnosis)
        self._line = TcpLine(self.name, host, port, self._received, self._lost)

    def _connect(self) -> None:
        self._line.open(self._connected_or)

    def _put(self, frame: bytes) -> None:
        self._sent()
        self._line.write(frame)

    def _timed_out(self) -> None:
        if self._line.missed():
            self._renew()
        super()._timed_out()

    def _resynchronise(self, job: Job) -> None:
        self._owed.clear()
        self._active = None
        self._urgent.appendleft(job)
        self._renew()

    def _lost(self, reason: str) -> None:
        if self._reply is not None:
            self._give_up()
        self._end_reply()
        super()._lost(reason)

    def _drop(self) -> None:
        self._line.drop()

    async def _shut(self) -> None:
        self._end_reply()
        self._connected = False
        await self._line.close()
