"""Light sleep of a microcontroller between two turns of the loop: **never run on silicon**, off unless a setting asks.

What is known of it stands in documents and reports of others:

* Nothing else runs meanwhile: no task, no UART (what arrives is lost), no radio, on an ESP32 no console.
* Ticks go on. rp2 keeps the clock of its timer and wakes by its alarm 3 (MicroPython, ports/rp2/modmachine.c); on
  esp32 ESP-IDF makes up for the time. The rp2's real-time clock stands still from MicroPython 1.23 until a mend of
  September 2026 (its issue 16519): it is set right by the ticks here.
* An RP2040 whose watchdog ends while it sleeps hangs until its supply is cut (issue 17228, mended in 2025). So a
  sleep is far shorter than the watchdog, and begins right after a feed.
* A report of 2026 says that an ESP32-S3 and an ESP32-C6 did not wake by time (pull request 19694).
"""

import time

import machine

from hal import machine_port

try:
    from hal.wlan import radio
except ImportError:
    from hal.no_network import radio

# Below it the way in and out costs more than it saves; chosen by us.
LEAST_MS = 50
LONGEST_MS = 1000
_BEHIND_S = 1


class _Clock:
    """UTC by the ticks: ``start`` (s) and ``passed_ms`` since, at the tick ``last``."""

    start: int | None = None
    told = passed_ms = 0
    last = time.ticks_ms()


def rest(ms: int, deep: bool) -> bool:
    """Sleep at most ``ms``, with the radio off; ``False`` where the board must stay awake, with its radio on."""
    if not deep or ms < LEAST_MS:
        radio(True)
        return False
    radio(False)
    _follow()
    machine.lightsleep(min(ms, LONGEST_MS))
    _follow()
    return True


def _follow() -> None:
    """Count the ticks, and set the real-time clock by them where it has stood still."""
    known = machine_port.utc()
    if known is None:
        return
    ticks, clock = time.ticks_ms(), _Clock
    if clock.start is None or clock.told != machine_port.Told.times:
        clock.start, clock.passed_ms, clock.told = int(known), 0, machine_port.Told.times
    else:
        clock.passed_ms += time.ticks_diff(ticks, clock.last)
    clock.last = ticks
    right = clock.start + clock.passed_ms // 1000
    if right - known >= _BEHIND_S:
        machine_port.set_rtc(right)
