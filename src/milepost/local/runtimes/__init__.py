"""How tasks run on this machine: processes, and a catalogue of images that need no Docker."""
