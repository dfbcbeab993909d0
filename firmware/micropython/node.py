"""When a board samples, and what it does between two samples. No I/O and no clock."""

# How soon something may be due on a link that has readings waiting; and the longest sleep, far below any watchdog's.
LINK_MS = 50
LONGEST_MS = 1000
DATE_EVERY_MS = 60000
# After the start, and after a line of the console, a board stays awake for a person: asleep it hears nothing.
AWAKE_MS = 120000
# A delivery that dies is left alone for so long: each death is a write to the flash.
DELIVER_AGAIN_MS = 60000


class Node:
    """``device``: `device.Device`; ``rig``: what a desk feeds it, or ``None``; ``delivery``: what its readings go
    through, or ``None`` on a board that is only asked; ``utc()``: whole s since 1970, or ``None``; ``failed(error)``:
    told when the delivery dies, which never keeps the product from its work."""

    def __init__(self, device, utc, failed, rig=None, delivery=None):
        self._device = device
        self._utc = utc
        self._failed = failed
        self._deliver_at = 0
        self._rig = rig
        self._delivery = delivery
        self._tell_date = getattr(device.product, "tell_date", None)
        self._date_at = None
        self._is_stirred = getattr(device.product, "is_stirred", None)
        self._stepped_at = self._sample_at = 0
        self._awake_until = AWAKE_MS

    def turn(self, now: int) -> int:
        """Do what is due; returns the milliseconds until it wants to be called again."""
        if self._is_stirred is not None and now - self._stepped_at >= LONGEST_MS and self._is_stirred():
            self._sample_at = min(self._sample_at, now)
        if now >= self._sample_at:
            self.step(now)
            period = self._device.product.sample_ms
            # A turn that came late is not made up for: the next sample is a whole period away.
            late = now - self._sample_at >= period
            self._sample_at = (now if late else self._sample_at) + period
        else:
            self._deliver(now, sampled=False)
        longest = LINK_MS if self._delivery is not None and self._delivery.busy else LONGEST_MS
        return max(min(self._sample_at - now, longest), 1)

    def step(self, now: int) -> None:
        """Sample, and report if it is time."""
        self._stepped_at = now
        if self._rig is not None:
            self._rig.step(now)
        if self._tell_date is not None and (self._date_at is None or now - self._date_at >= DATE_EVERY_MS):
            utc = self._utc()
            if utc is not None:
                self._date_at = now
                self._tell_date(utc)
        self._device.sample(now)
        self._deliver(now, sampled=True)

    def hasten(self, now: int) -> None:
        """Something about the board may have changed: sample now, and judge anew when to sample next."""
        self._awake_until = now + AWAKE_MS
        self.step(now)
        self._sample_at = now + self._device.product.sample_ms

    def may_sleep(self, now: int) -> bool:
        """Whether the chip may stop until the next turn: the product asks for it, and nobody waits for the board."""
        if now < self._awake_until or (self._delivery is not None and self._delivery.busy):
            return False
        return getattr(self._device.product, "may_sleep", False)

    def _deliver(self, now: int, *, sampled: bool) -> None:
        if self._delivery is None or now < self._deliver_at:
            return
        try:
            if sampled:
                self._delivery.report(now, self._device.snapshot())
            else:
                self._delivery.flush(now)
        except Exception as error:  # readings wait; sampling, the alarm and the valve must go on
            self._deliver_at = now + DELIVER_AGAIN_MS
            self._failed(error)
