"""What marathon-lb's container image began with (marathon-lb-behaviour.md 5), for one with milepost in its place."""
