"""The parts of each product on the rig: the same drivers as on a board, over simulated peripherals."""


def parts(product: str, _settings: dict, rig):
    """The `drivers.parts.Parts` of ``product`` (``gas-alarm``, ``smart-bin``, ``hydrogen-node``) over ``rig``, a
    `desk_rig.stimulus.Rig` of that product. Only the drivers of this product are loaded.
    """
    return __import__("wiring.rig_" + product.replace("-", "_"), None, None, ("parts",)).parts(rig)
