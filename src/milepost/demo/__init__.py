"""The tutorial, run for a newcomer: a cluster on this machine, milepost, a real HAProxy, a real client."""
