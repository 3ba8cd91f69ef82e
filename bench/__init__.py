"""Milepost's own yardstick: every figure is a median with its spread, from one run, beside the machine's noise."""
