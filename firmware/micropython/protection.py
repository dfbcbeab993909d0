"""Whether other settings protect less than those in force: such a change needs two people (S11)."""

# The higher the later, the longer blind, or the longer silent.
_LOWER_IS_SAFER = ("fire", "level-1", "life-years", "mute-for", "overflow", "trip-after", "wake", "warm-up")
# Of a station's permit: the lower is the safer, and 0 is not judged at all.
_HIGHEST = ("max-dispenser", "max-high-bank", "max-low-bank", "max-trailer")
# The longest between two reports that one person may set; chosen by us.
_LONGEST_PERIOD_S = 3600


def weaker(old: dict, new: dict) -> list:
    """Names of the typed settings with which ``new`` protects less than ``old``."""
    found = [name for name in _LOWER_IS_SAFER if name in old and name in new and new[name] > old[name]]
    for name in _HIGHEST:
        if name in old and name in new and old[name] and (not new[name] or new[name] > old[name]):
            found.append(name)
    if old.get("fan") == "none" and new.get("fan") == "permitted":
        found.append("fan")
    if new.get("period", 0) > max(old.get("period", 0), _LONGEST_PERIOD_S):
        found.append("period")
    if old.get("oscore") and not new.get("oscore"):
        found.append("oscore")
    return found
