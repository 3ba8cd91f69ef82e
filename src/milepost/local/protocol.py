"""uvicorn's HTTP/1.1 protocol with what Marathon's event stream needs beyond ASGI."""

from uvicorn.protocols.http.h11_impl import H11Protocol

STREAM_PATH = "/v2/events"
ABORT = "milepost.abort"  # ASGI extension of a stream's scope; its "call" cuts the connection at once


class StreamProtocol(H11Protocol):
    """The event stream is not chunked (marathon-api 11.1), and a reader too slow for it can be cut off."""

    def handle_events(self) -> None:
        """Runs before the application sees the request that was just read."""
        super().handle_events()
        if self.scope and self.scope["path"].rstrip("/") == STREAM_PATH:
            # h11 chunks every body of unknown length but for clients of HTTP/1.0; there it ends with the connection
            self.conn.their_http_version = b"1.0"
            self.scope["extensions"] = {ABORT: {"call": self.transport.abort}}
