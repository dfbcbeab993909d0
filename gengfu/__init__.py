"""Gengfu: the command line, and the only place where things are wired together."""

__version__ = "0.1.0"
