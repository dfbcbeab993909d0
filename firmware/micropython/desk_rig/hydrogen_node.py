"""What stands on the bench of a hydrogen node: ten loops and five contacts.

Values at rest, noise and travel are chosen by us; ranges are what such sensors can put out.
"""

from desk_rig.channels import loop
from desk_rig.pins import Contact

# (name, at rest, noise, low and high of the span). A loop carries 0 to 22 mA, that is -25 % to 112.5 % of its span.
LOOPS = (
    ("h2_1", 0.02, 0.01, 0.0, 4.0),
    ("h2_2", 0.01, 0.01, 0.0, 4.0),
    ("h2_3", 0.03, 0.01, 0.0, 4.0),
    ("h2_4", 0.01, 0.01, 0.0, 4.0),
    ("pressure_trailer", 18.5, 0.02, 0.0, 30.0),
    ("pressure_low_bank", 41.2, 0.03, 0.0, 60.0),
    ("pressure_high_bank", 82.7, 0.05, 0.0, 110.0),
    ("pressure_dispenser", 0.3, 0.02, 0.0, 110.0),
    ("temperature_gas", -12.5, 0.2, -50.0, 150.0),
    ("temperature_room", 24.0, 0.2, -50.0, 150.0),
)
# Normally closed: cut, torn off and acting read the same.
FAIL_SAFE = ("flame", "esd", "break_away")
PROOFS = ("fan_running", "compressor_running")


def build(rig, _settings: dict) -> None:
    """Put it all on ``rig``."""
    rig.channels = {row[0]: loop(rig.world, *row[1:]) for row in LOOPS}
    rig.contacts = {name: Contact(active=True) for name in FAIL_SAFE}
    for name in PROOFS:
        rig.contacts[name] = Contact()
    rig.weakest = ("h2_1", "open")
    rig.over_loop = "h2_1"
