"""Images as containers of a Docker engine, over the HTTP API on its socket."""
