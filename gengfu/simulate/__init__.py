"""A virtual fleet: the devices of a site document, speaking their real protocols, on this machine only."""
