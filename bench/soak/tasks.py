"""Tasks of the soak: small servers that tell, when they are killed, of which requests they had heard a byte."""

import asyncio
import base64
import contextlib
import ctypes
import hashlib
import math
import re
import socket
import struct
import time

_NUMBER = re.compile(rb"/r/(\d+)")
_KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SO_ATTACH_FILTER = 26  # socket(7); Python has no name for it
_RETURN_0 = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: of each packet nothing is kept
_NOTHING_PASSES = struct.pack("HP", 1, ctypes.addressof(_RETURN_0))
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LATE_S = 0.1
SLOW_S = 0.05
SLOW_SHARE = 10  # one request of so many takes SLOW_S, so that some are always under way


class SoakTask:
    """Answers `answer` at an address. All is done in callbacks, so that nothing happens between the steps of `kill`.

    When it is killed, and shortly after, the requests and tunnels that this cuts come into `cut`.
    """

    def __init__(self, answer: str, host: str, port: int, cut: set[int]) -> None:
        self.answer = answer.encode()
        self.cut = cut
        self.connections: set[_Connection] = set()
        self.requests = 0
        self.told_s = math.inf  # when Marathon told of its end, monotonic seconds
        self.late: list[str] = []  # when a request came, and how long after that, where it was long
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(256)
        self._listener.settimeout(0)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def hear(self) -> None:
        """A request begins."""
        self.requests += 1
        after_s = time.monotonic() - self.told_s
        if after_s > LATE_S:
            self.late.append(f"{time.strftime('%H:%M:%S', time.gmtime())}, {after_s:.3f} s after the word")

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                self.connections.add(_Connection(self, self._listener.accept()[0]))

    def kill(self) -> None:
        """End as SIGKILL ends a process; but a connection of the very last instant is refused, never cut untold."""
        self._listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _NOTHING_PASSES)
        self._accept()
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for connection in tuple(self.connections):
            connection.cut()

    def forget(self) -> None:
        """Close what the other sides of a killed task left open."""
        for connection in tuple(self.connections):
            connection.close()


class _Connection:
    """`heard` is what came and was not answered yet; `tunnel` the number of the request that opened a websocket."""

    def __init__(self, task: SoakTask, stream: socket.socket) -> None:
        self._task, self._stream = task, stream
        self._heard, self._tunnel, self._is_cut = b"", 0, False
        self._answer: asyncio.TimerHandle | None = None
        stream.settimeout(0)
        asyncio.get_running_loop().add_reader(stream, self._read)

    def cut(self) -> None:
        """What the kernel does when a process dies: reset where a word was not answered, else FIN, reset on a word.

        A word may be on its way, so the second reset is left to `_read`, which then knows what it was.
        """
        self._is_cut = True
        self._take()
        numbers = {int(number) for number in _NUMBER.findall(self._heard)} | ({self._tunnel} - {0})
        self._task.cut |= numbers
        if numbers:
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()
        else:
            with contextlib.suppress(OSError):  # the other side has closed it
                self._stream.shutdown(socket.SHUT_WR)

    def _take(self) -> bool:
        """Whether the other side is still there."""
        try:
            data = self._stream.recv(65_536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if data and not self._heard and not self._tunnel:
            self._task.hear()
        self._heard += data
        return bool(data)

    def _read(self) -> None:
        if not self._take():
            self.close()
        elif self._is_cut:
            self.cut()
        elif self._tunnel:
            self._echo()
        elif self._answer is None and (size := _size(self._heard)):
            number = int(_NUMBER.findall(self._heard)[0])
            delay_s = 0.0 if number % SLOW_SHARE else SLOW_S
            self._answer = asyncio.get_running_loop().call_later(delay_s, self._reply, size, number)

    def _reply(self, size: int, number: int) -> None:
        key = _KEY.search(self._heard[:size])
        self._heard, self._answer = self._heard[size:], None
        if key:
            self._tunnel = number
            accept = base64.b64encode(hashlib.sha1(key[1] + _MAGIC).digest()).decode()
            self._send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
            )
        else:
            self._send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(self._task.answer), self._task.answer))

    def _echo(self) -> None:
        """Answer each short masked text frame (RFC 6455 5.2), whatever it says."""
        while len(self._heard) >= 2 and len(self._heard) >= (size := 6 + (self._heard[1] & 0x7F)):
            self._heard = self._heard[size:]
            self._send(bytes((0x81, len(self._task.answer))) + self._task.answer)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the other side is gone, which the next read tells
            self._stream.send(data)

    def close(self) -> None:
        if self._answer:
            self._answer.cancel()
        asyncio.get_running_loop().remove_reader(self._stream)
        self._stream.close()
        self._task.connections.discard(self)


def _size(heard: bytes) -> int:
    """The length of the request at the beginning, 0 while it is not whole."""
    head, end, _ = heard.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    size = len(head) + len(end) + (int(length[1]) if length else 0)
    return size if end and len(heard) >= size else 0
