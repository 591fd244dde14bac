"""One connection: an answer leaves in one write, and what is no HTTP is refused in JSON."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from usherd import errors
from usherd.answers import refusal
from usherd.wire import Message

log = logging.getLogger("usherd")

HEAD_BYTES = 131_072
HEADERS = 100
"""Most bytes and fields of a request's head."""

CHUNK_BYTES = 262_144
"""Most bytes that the event loop hands over at once."""

PIPELINED = 64
"""Most requests that wait in one connection for the one before them."""

SURPLUS = 256
"""Connections beyond the limit that are told so; more are cut off without a word."""

LOOK_SECONDS = 1.0
LINGER_SECONDS = 2.0
"""How long a client may go on sending what has been refused, so that it reads why."""

OTHER_FILES = 128
"""Open files that are no connections of clients."""

NO_HTTP = errors.GeneralArgumentInvalid(
    "This is no HTTP/1.1 request that can be read; a URL may have at most 65,535 bytes."
)


class Answer:
    """The `send` of one request: waits for the body, so that head and body leave together.

    uvicorn's own writes each by itself, and a write is the dearest part of a short answer.
    """

    __slots__ = ("cycle", "start")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self.cycle = cycle
        self.start: Message = {}

    async def __call__(self, message: Message) -> None:
        """Take the head, then the whole body."""
        cycle = self.cycle
        if message["type"] == "http.response.start":
            cycle.response_started = True
            cycle.waiting_for_100_continue = False
            self.start = message
            return
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected or cycle.transport.is_closing():
            return
        written = head(self.start["status"], [*cycle.default_headers, *self.start["headers"]])
        if not cycle.keep_alive:
            written += b"connection: close\r\n"
        body = b"" if cycle.scope["method"] == "HEAD" else message["body"]
        cycle.transport.write(written + b"\r\n" + body)
        cycle.response_complete = True
        del (
            cycle.send
        )  # it holds the cycle: without this only the garbage collector would free both
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


def head(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Status line and headers. Raises ValueError when a value would break out of its line."""
    lines = b"".join([name + b": " + value + b"\r\n" for name, value in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise ValueError("a header's value holds a line break")
    return STATUS_LINE[status] + lines


class Connection(HttpToolsProtocol):
    """uvicorn's connection with our way of writing, and an end to every kind of patience.

    What one client can make us keep or wait for is bounded: a head, a body, pipelined requests,
    an answer that nobody reads.
    """

    _watch: ClassVar[asyncio.TimerHandle | None] = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._patience: float = self.app.settings.client_timeout_seconds
        self._most: int = self.app.settings.connections
        self._asking_since = 0.0
        """When the client began what it has not finished; 0 while it is our turn."""
        self._unread_since = 0.0
        self._in_head = False
        self._head_bytes = 0
        self._chunk_bytes = 0
        self._running: RequestResponseCycle | None = None
        self._why: errors.AppError = NO_HTTP
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Welcome a client, unless there are too many."""
        super().connection_made(transport)
        self._asking_since = self.loop.time()
        if len(self.connections) > self._most + SURPLUS:
            transport.abort()
        elif len(self.connections) > self._most:
            self._refuse(errors.GeneralOverloaded("Too many clients are connected."))
        if Connection._watch is None:
            self._look_around()

    def data_received(self, data: bytes) -> None:
        """Parse what came; a head that does not end is refused before it fills the memory."""
        if self._refused:
            return
        self._chunk_bytes = len(data)
        super().data_received(data)
        if self._in_head and not self._refused:
            self._head_bytes += len(data)  # with what came before it in its first chunk
            if self._head_bytes > HEAD_BYTES + CHUNK_BYTES:
                self._refuse(errors.HeadersTooLarge())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._asking_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        large = self._head_bytes + self._chunk_bytes > HEAD_BYTES
        if len(self.headers) > HEADERS or (large and self._size() > HEAD_BYTES):
            self._why = errors.HeadersTooLarge()
            raise ValueError("the head is too large")
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests wait in this connection")
        super().on_headers_complete()

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._asking_since = 0.0

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unread_since = 0.0
        if self._asking_since:
            self._asking_since = self.loop.time()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.send = Answer(cycle)  # type: ignore[assignment, method-assign]
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, and hang up."""
        self._refuse(self._why)

    def _refuse(self, error: errors.AppError) -> None:
        """Answer with an error and hang up; a request that is being answered is finished first."""
        self._refused = True
        self._asking_since = 0.0
        self.pipeline.clear()
        if self.transport.is_closing():
            return
        running = self._running
        if running is not None and not running.response_complete:
            if not running.more_body:
                running.keep_alive = False
                return
            running.disconnected = True
            running.message_event.set()
        status, headers, body = refusal(error)
        headers += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        self.transport.write(head(status, headers) + b"\r\n" + body)
        # Closing with bytes unread would reset the connection, and the answer might be lost.
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # -- the clock --

    def _look_around(self) -> None:
        """Once a second, hang up on those who keep us waiting."""
        for connection in tuple(self.connections):
            if isinstance(connection, Connection):
                connection._check()
        Connection._watch = self.loop.call_later(LOOK_SECONDS, self._look_around)

    def _check(self) -> None:
        now = self.loop.time()
        if self._asking_since and now - self._asking_since > self._patience:
            if self._in_head or (self._running is not None and self._running.more_body):
                self._refuse(errors.RequestTooSlow())
            else:
                self._asking_since = 0.0
                self.transport.close()
        if not self.transport.get_write_buffer_size():
            self._unread_since = 0.0
        elif not self._unread_since:
            self._unread_since = now
        elif now - self._unread_since > self._patience:
            self.transport.abort()


def allow_files(connections: int) -> None:
    """Raise the limit of open files to what so many connections need, as far as we may."""
    needed = connections + SURPLUS + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        log.warning("%d connections need ulimit -n %d; it is %d", connections, needed, hard)
        needed = hard
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
