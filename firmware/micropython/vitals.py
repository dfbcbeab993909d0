"""The points that every product has: how the board itself is."""

import version

POINTS = ("uptime", "boots", "free_heap", "reset_cause", "firmware", "queued", "overwritten", "crashed")
# What leaves in the reading that the board makes of itself: also what a product has of its cabinet. The rest of a
# hydrogen node just fits into a frame of the serial link.
NAMES = POINTS + ("temperature_room", "t_room_fault")  # noqa: RUF005 - MicroPython has no star here
RESET_CAUSES = ("unknown", "power-on", "hard", "watchdog", "software", "deep-sleep")


class Vitals:
    """``backlog``: the readings that wait, or ``None`` on a board that pushes nothing; ``free_heap()`` in bytes."""

    def __init__(self, starts: int, reset_cause: int, free_heap, backlog, crash_log):
        self._starts = starts
        self._reset_cause = reset_cause if 0 <= reset_cause < len(RESET_CAUSES) else 0
        self._free_heap = free_heap
        self._backlog = backlog
        self._crash_log = crash_log

    def snapshot(self, now: int) -> dict:
        """Point name -> int or bool, those of `POINTS`. ``now``: ms since start."""
        backlog = self._backlog
        return {
            "uptime": now // 1000,
            "boots": self._starts,
            "free_heap": self._free_heap(),
            "reset_cause": self._reset_cause,
            "firmware": version.NUMBER,
            "queued": backlog.waiting if backlog else 0,
            "overwritten": backlog.overwritten if backlog else 0,
            "crashed": self._crash_log.waiting,
        }
