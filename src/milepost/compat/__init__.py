"""Command lines of other programs, translated to milepost's own parts."""
