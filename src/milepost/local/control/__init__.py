"""Paths below `/local` that no Marathon has: a look at what tasks wrote, and faults on demand."""
