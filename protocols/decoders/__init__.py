"""Decoders of vendors' payloads: pure functions from bytes to values by name, for what a table of a profile cannot say.

A profile names one (``[payload] decoder``); `registry` lists them. They know no profile: which of the values are
points, in which unit and how trusted, is the profile's to say.
"""
