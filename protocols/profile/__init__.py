"""Profiles: one data file per device type, its golden bytes inside."""
