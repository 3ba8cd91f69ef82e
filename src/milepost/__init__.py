"""Milepost: a fixed address for every service that moves."""

__version__ = "0.1.0"
