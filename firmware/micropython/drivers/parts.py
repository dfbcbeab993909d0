"""What a product is given: a plain object, one attribute for each sensor, contact and output."""


class Parts:
    """``Parts(methane=..., valve_coil=...)``; the names are those of the product's contract.

    Sensor: ``read(now) -> float | None``, ``fault`` (code of `drivers.faults`), ``over`` (above its range).
    Contact: ``get() -> bool``. Output: ``set(bool)``.
    """

    def __init__(self, **parts):
        for name, part in parts.items():
            setattr(self, name, part)
