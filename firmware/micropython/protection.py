"""Whether other settings protect less than those in force: such a change needs two people (S11)."""

# The higher the later, the longer blind, or the longer silent.
_LOWER_IS_SAFER = ("fire", "level-1", "life-years", "mute-for", "overflow", "trip-after", "wake", "warm-up")
# Of a station's permit: the lower is the safer, and 0 is not judged at all.
_HIGHEST = ("max-dispenser", "max-high-bank", "max-low-bank", "max-trailer")
# The safer one first. A limit in per cent of the lower explosive limit is more gas on the basis of NFPA (5.0 vol%) than
# of IEC (4.4 vol%).
_CHOICES = {"fan": ("none", "permitted"), "lfl-basis": ("iec", "nfpa"), "power-loss": ("closed", "last")}


def weaker(old: dict, new: dict) -> list:
    """Names of the typed settings with which ``new`` protects less than ``old``."""
    found = [name for name in _LOWER_IS_SAFER if name in old and name in new and new[name] > old[name]]
    for name in _HIGHEST:
        if name in old and name in new and old[name] and (not new[name] or new[name] > old[name]):
            found.append(name)
    for name in sorted(_CHOICES):
        order = _CHOICES[name]
        if name in old and name in new and order.index(new[name]) > order.index(old[name]):
            found.append(name)
    return found
