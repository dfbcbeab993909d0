"""The canary: a test point of a device that is not there, by which a gateway shows that an alarm would be seen.

Its readings are of origin SIMULATED and are judged, never stored; its alarm goes the way of all others.
"""

DEVICE = "gateway:CANARY"
"""Nobody else is named so: ids that begin with ``gateway:`` are refused, and no site or connection has capitals."""
PROFILE = "gengfu/canary"
POINT = "beat"
RULE = "TEST-1"
PERSON = "canary"
"""Who acknowledges its alarm."""
