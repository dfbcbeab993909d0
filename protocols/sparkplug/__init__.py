"""Sparkplug B (Eclipse Sparkplug 3.0): its payload, and what a host knows of an edge node."""
