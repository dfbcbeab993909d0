"""Lines of stdin: stimulus on the unix port, the maintenance console (USB or UART) on a microcontroller."""

import select
import sys

from hal.waiting import readable

LONGEST_LINE = 200


class Lines:
    """It is read byte by byte, only when a byte is there: half a line must not hold the board."""

    def __init__(self):
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._byte = bytearray(1)
        self._line = b""

    async def wait(self) -> str | None:
        """The next line without its end; ``None`` when stdin has closed, which only the unix port knows.

        A line too long is cut; what is not ASCII becomes ``?``. Ends are LF or, as terminals send them, CR or CR LF:
        the empty line between the two is no line.
        """
        while True:
            await readable(sys.stdin)
            for _ in range(LONGEST_LINE):
                if not self._poll.poll(0):
                    break
                if not sys.stdin.buffer.readinto(self._byte):
                    return None
                if self._byte in (b"\n", b"\r"):
                    line, self._line = self._line, b""
                    if line or self._byte == b"\n":
                        return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in line)
                elif len(self._line) < LONGEST_LINE:
                    self._line += self._byte
