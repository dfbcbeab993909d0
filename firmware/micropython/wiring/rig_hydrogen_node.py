"""The parts of a hydrogen node on the rig."""

from desk_rig.hydrogen_node import FAIL_SAFE, LOOPS, PROOFS
from drivers.contact import Contact
from drivers.current_loop import CurrentLoop
from drivers.parts import Parts

# Four samples halve the noise and keep many channels cheap.
SAMPLES = 4


def parts(rig) -> Parts:
    """Ten loops, three fail-safe contacts, two proofs."""
    made = {}
    for name, _, _, low, high in LOOPS:
        made[name] = CurrentLoop(rig.channels[name], low, high, samples=SAMPLES)
    for name in FAIL_SAFE:
        made[name] = Contact(rig.contacts[name], active=True)
    for name in PROOFS:
        made[name] = Contact(rig.contacts[name], on=2, off=2)
    return Parts(**made)
