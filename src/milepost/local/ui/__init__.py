"""A page to look at: what runs, what changes, what waits. It only reads."""
