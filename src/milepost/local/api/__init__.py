"""Marathon's HTTP API over the engine (marathon-api 2, 6 and 7)."""
