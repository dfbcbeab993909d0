"""A virtual device as a Modbus slave: one request in, its answer out. No I/O; ``seconds`` as in `virtual`.

It takes the writes that its profile declares and no others, as `protocols.modbus.writes` sends no others (S2).
"""

from gengfu.simulate.registers import tables_of
from gengfu.simulate.virtual import VirtualDevice
from protocols.modbus.plan import READ_FUNCTIONS
from protocols.modbus.writes import declared_writes
from protocols.wire.modbus_pdu import pack_bits, pack_registers, read_response
from protocols.wire.modbus_request import (
    BIT_FUNCTIONS,
    ILLEGAL_ADDRESS,
    PduError,
    Request,
    exception_response,
    parse_request,
    write_response,
)

_TABLES = {function: table for table, function in READ_FUNCTIONS.items()}


class Slave:
    """``answered``: requests that were answered with values."""

    def __init__(self, device: VirtualDevice) -> None:
        self.device = device
        self.answered = 0
        self._commands = {pdu: name for name, pdu in declared_writes(device.profile).items()}
        self._limits = device.profile.file.modbus
        self._step = -1
        self._held = tables_of(device.profile, device.values(0.0))

    def answer(self, pdu: bytes, seconds: float) -> bytes | None:
        """The PDU of the answer; ``None`` while the device is dead."""
        if self.device.is_dead(seconds):
            return None
        try:
            request = parse_request(pdu)
            if request.function not in _TABLES:
                return self._written(pdu, request, seconds)
            return self._read(request, seconds)
        except PduError as error:
            return exception_response(pdu[0] if pdu else 0, error.code)

    def _written(self, pdu: bytes, request: Request, seconds: float) -> bytes:
        command = self.device.command(self._commands.get(pdu, ""))
        if command is None:
            raise PduError(ILLEGAL_ADDRESS, f"no command writes {request.address}")
        self.device.obey(command, seconds)
        return write_response(pdu)

    def _read(self, request: Request, seconds: float) -> bytes:
        table = _TABLES[request.function]
        addresses = range(request.address, request.address + request.count)
        held = self._tables(seconds).get(table, {})
        if addresses[0] not in held or addresses[-1] not in held or self._is_forbidden(table, addresses):
            raise PduError(ILLEGAL_ADDRESS, f"{table} {addresses[0]} to {addresses[-1]}")
        self.answered += 1
        cells = tuple(held[address] for address in addresses)
        packed = pack_bits(cells) if request.function in BIT_FUNCTIONS else pack_registers(cells)
        return read_response(request.function, packed)

    def _is_forbidden(self, table: str, addresses: range) -> bool:
        return any(
            one.table == table and one.first <= addresses[-1] and addresses[0] <= one.last
            for one in self._limits.forbidden
        )

    def _tables(self, seconds: float) -> dict[str, dict[int, int]]:
        """Made once for each step, in which nothing changes."""
        step = self.device.step(seconds)
        if step != self._step:
            self._step = step
            self._held = tables_of(self.device.profile, self.device.values(seconds))
        return self._held
