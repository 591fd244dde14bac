"""One connection: HTTP/1.1 in and out, with an end to every kind of patience."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import deque
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, ClassVar, Protocol

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from usherd import eager, errors
from usherd.answers import Answer, Headers, line, refusal
from usherd.settings import Settings
from usherd.wire import NO_BODY, URL_BYTES, Body, Gone, Request, target

log = logging.getLogger("usherd")

HEAD_BYTES = 131_072
HEADERS = 100
"""Most bytes and fields of a request's head."""

CHUNK_BYTES = 262_144
"""Most bytes that the event loop hands over at once."""

PIPELINED = 64
"""Most requests that wait in one connection for the one before them."""

IN_A_ROW = 8
"""Requests of one connection that are begun before others have their turn."""

SURPLUS = 256
"""Connections beyond the limit that are told so; more are cut off without a word."""

LOOK_SECONDS = 1.0
LINGER_SECONDS = 2.0
"""How long a client may go on sending what has been refused, so that it reads why."""

KEEP_ALIVE_SECONDS = 75.0
"""How long a connection may rest between two requests: longer than balancers keep theirs, which
would else send a request into a connection that is just being closed."""

OTHER_FILES = 128
"""Open files that are no connections of clients."""

NO_HTTP = errors.GeneralArgumentInvalid(
    f"This is no HTTP/1.1 request that can be read; a URL may have at most {URL_BYTES:,} bytes."
)

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


LAST = line("connection", "close") + b"\r\n"
"""The end of a head after which the connection ends, too."""


class _Nothing(dict[bytes, bytes]):
    """Stays empty, whatever is put into it."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        """Forget it."""


TRAILERS = _Nothing()
"""Where what follows a body in chunks goes: nobody has checked who may say what there."""


class Answering(Protocol):
    """What a connection asks for answers."""

    settings: Settings

    def answer(self, request: Request) -> Awaitable[Answer]:
        """The whole answer, errors included. Raises `wire.Gone` when nobody is there to read it."""


class Connection(asyncio.Protocol):
    """Parses requests, has them answered in their order, and writes each answer at once.

    What one client can make us keep or wait for is bounded: a head, a body, pipelined requests,
    an answer that nobody reads. `uvicorn` makes one for every connection and ends it by
    `shutdown`.
    """

    _watch: ClassVar[asyncio.TimerHandle | None] = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.app: Answering = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self._state = server_state
        self._patience = self.app.settings.client_timeout_seconds
        self._parser = httptools.HttpRequestParser(self)
        # What follows a request that asks to close is no reason to refuse that request.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._peer = ""

        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._in_head = False
        self._head_bytes = 0
        self._chunk_bytes = 0
        self._body: Body | None = None
        """Of the request that is being received."""

        self._waiting: deque[Request] = deque()
        self._running: Request | None = None
        self._in_a_row = 0
        self._reading = True
        self._closing = False
        self._refused = False
        self._why: errors.AppError = NO_HTTP

        self._asking_since = 0.0
        """When the client began what it has not finished; 0 while it is our turn."""
        self._resting_since = 0.0
        self._unread_since = 0.0
        self._readable = asyncio.Event()
        """Whether the client reads what is written."""
        self._readable.set()

    # -- the transport --

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Welcome a client, unless there are too many."""
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        connections = self._state.connections
        connections.add(self)  # type: ignore[arg-type]
        self._asking_since = self.loop.time()
        most = self.app.settings.connections
        if len(connections) > most + SURPLUS:
            transport.abort()
        elif len(connections) > most:
            self._refuse(errors.GeneralOverloaded("Too many clients are connected."))
        if Connection._watch is None:
            self._look_around()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for this client need not any more."""
        self._state.connections.discard(self)
        self._closing = True
        self._waiting.clear()
        if self._body is not None:
            self._body.abandon()
        if self._running is not None:
            self._running.body.abandon()
        self.resume_writing()
        self._parser = None  # type: ignore[assignment]  # it refers to this connection

    def data_received(self, data: bytes) -> None:
        """Parse what came; a head that does not end is refused before it fills the memory."""
        if self._refused:
            return
        self._chunk_bytes = len(data)
        self._in_a_row = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refused = True  # nothing that we speak follows; the request itself is answered
        except httptools.HttpParserError:
            self._refuse(self._why)
            return
        if self._in_head:
            self._head_bytes += len(data)  # with what came before it in its first chunk
            if self._head_bytes > HEAD_BYTES + CHUNK_BYTES or len(self._headers) > HEADERS:
                self._refuse(errors.HeadersTooLarge())
        elif self._waiting:
            self._go_on()  # the head is complete, and its body is still on its way
        if self._body is not None or self._waiting:
            self._balance()

    def pause_writing(self) -> None:
        """The client does not read what it has asked for."""
        self._readable.clear()

    def resume_writing(self) -> None:
        """It has read most of it, or has left."""
        self._readable.set()

    def _balance(self) -> None:
        """Read on only while there is a use for what comes."""
        idle = not self._waiting and (self._body is None or not self._body.enough)
        if self._closing or idle == self._reading:
            return
        self._reading = idle
        if idle:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def shutdown(self) -> None:
        """Close as soon as what has been begun is answered."""
        self._closing = True
        if self._running is None:
            self.transport.close()

    # -- the parser --

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._in_head = True
        self._head_bytes = 0
        self._asking_since = self.loop.time()
        self._resting_since = 0.0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers = self._headers
        self._headers = TRAILERS
        if len(headers) > HEADERS:
            self._why = errors.HeadersTooLarge()
            raise ValueError("too many headers")
        if self._head_bytes + self._chunk_bytes > HEAD_BYTES:
            size = len(self._url) + sum(len(name) + len(headers[name]) + 4 for name in headers)
            if size > HEAD_BYTES:
                self._why = errors.HeadersTooLarge()
                raise ValueError("the head is too large")
        if len(self._waiting) >= PIPELINED:
            raise ValueError("too many requests wait in this connection")
        parser = self._parser
        path, query = target(self._url)
        if b"content-length" in headers or b"transfer-encoding" in headers:
            self._body = body = Body(self._wanted)
        else:
            body = NO_BODY
        request = Request(parser.get_method().decode(), path, query, headers, self._peer, body)
        stays = parser.should_keep_alive() and not parser.should_upgrade()
        if stays and b"connection" in headers:  # without it, HTTP/1.0 does not stay anyway
            stays = parser.get_http_version() != "1.0"
        request.last = not stays
        self._waiting.append(request)

    def on_body(self, body: bytes) -> None:
        if self._body is not None:
            self._body.feed(body)

    def on_message_complete(self) -> None:
        if self._body is not None:
            self._body.end()
            self._body = None
        self._asking_since = 0.0
        if self._running is None and self._in_a_row < IN_A_ROW:
            self._go_on()

    def _wanted(self) -> None:
        """The rest of a body is waited for; its client may wait for a word before it sends it."""
        running = self._running
        if running is not None and running.headers.get(b"expect", b"").lower() == b"100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._balance()

    # -- answers --

    def _go_on(self) -> None:
        """Begin what waits, one after the other, and let others have their turn."""
        while self._waiting and self._running is None and not self._closing:
            if self._in_a_row >= IN_A_ROW:
                self.loop.call_soon(self._next_turn)
                return
            self._in_a_row += 1
            request = self._running = self._waiting.popleft()
            task = eager.start(self._answer(request), self.loop)
            if task is not None:
                self._state.tasks.add(task)
                task.add_done_callback(self._done)

    def _next_turn(self) -> None:
        self._in_a_row = 0
        self._go_on()
        self._balance()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._state.tasks.discard(task)
        self._next_turn()

    async def _answer(self, request: Request) -> None:
        try:
            status, headers, body = await self.app.answer(request)
        except Gone:
            return
        except Exception:
            log.exception("the answer to %s %s cannot be sent", request.method, request.path)
            self._running = None
            self._refuse(errors.GeneralUnknown())
            return
        if not self._readable.is_set():
            await self._readable.wait()
        if self._running is not request:
            return
        self._running = None
        if self.transport.is_closing():
            return
        last = request.last or self._closing
        self._write(status, headers, b"" if request.method == "HEAD" else body, last=last)
        self._state.total_requests += 1
        self._unread_since = 0.0
        if not request.body.complete:
            request.body.abandon()
        now = self.loop.time()
        if self._asking_since:
            self._asking_since = now
        else:
            self._resting_since = now
        if last:
            self._closing = True
            self.transport.close()

    def _write(self, status: int, headers: Headers, body: bytes, *, last: bool) -> None:
        end = LAST if last else b"\r\n"
        self.transport.write(b"".join((STATUS_LINES[status], *headers, end, body)))

    def _refuse(self, error: errors.AppError) -> None:
        """Answer with an error and hang up; a request that is being answered is finished first."""
        self._refused = True
        self._asking_since = 0.0
        self._waiting.clear()
        if self.transport.is_closing():
            return
        running = self._running
        if running is not None:
            if running.body.complete:
                self._closing = True
                return
            self._running = None
            running.body.abandon()
        self._closing = True
        status, headers, body = refusal(error)
        headers.append(line("content-length", str(len(body))))
        self._write(status, headers, body, last=True)
        # Closing with bytes unread would reset the connection, and the answer might be lost.
        if not self._reading:
            self.transport.resume_reading()
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # -- the clock --

    def _look_around(self) -> None:
        """Once a second, hang up on those who keep us waiting."""
        for connection in tuple(self._state.connections):
            if isinstance(connection, Connection):
                connection._check()
        Connection._watch = self.loop.call_later(LOOK_SECONDS, self._look_around)

    def _check(self) -> None:
        now = self.loop.time()
        if self._asking_since and now - self._asking_since > self._patience:
            if self._in_head or (self._running is not None and not self._running.body.complete):
                self._refuse(errors.RequestTooSlow())
            else:
                self._asking_since = 0.0
                self.transport.close()
        elif self._resting_since and now - self._resting_since > KEEP_ALIVE_SECONDS:
            if self._running is None:
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
