"""The product and the board under it as one: what every link shows, and the commands it takes."""

from vitals import POINTS, Vitals

# Looking for free memory walks the whole heap: not with each of up to twenty samples a second.
VITALS_EVERY_MS = 1000


class Device:
    """``product``: see the README. ``vitals``: a `vitals.Vitals`, given when the rest of the board is there.

    One dict of a sample serves all links until the next sample. What it says of the board itself is at most
    `VITALS_EVERY_MS`, or one sample, old.
    """

    def __init__(self, product):
        self.product = product
        self.profile = product.profile
        self.commands = product.commands
        self.vitals: Vitals | None = None
        self._values = None
        self._own = {}
        self._own_at = None
        self._now = 0

    @property
    def points(self) -> list:
        """Names of all points."""
        found = list(self.product.snapshot())
        found.extend(POINTS)
        return found

    def sample(self, now: int) -> None:
        """Let the product read, judge and act."""
        self.product.sample(now)
        self._now = now
        self._values = None

    def snapshot(self) -> dict:
        """Every point of the profile: name -> float, int, bool or ``None``. Not to be changed by who asks."""
        if self._values is None:
            if self._own_at is None or self._now - self._own_at >= VITALS_EVERY_MS:
                assert self.vitals is not None, "a board has them before anything is shown"
                self._own_at = self._now
                self._own = self.vitals.snapshot(self._now)
            self._values = self.product.snapshot()
            self._values.update(self._own)
        return self._values

    def command(self, name: str, now: int) -> bool:
        """Do what a link asks; ``False`` for what is not in ``commands``."""
        done = self.product.command(name, now)
        self._values = None
        return done
