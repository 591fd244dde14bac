"""One connection: an answer leaves in one write, and what is no HTTP is refused in JSON."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from usherd import errors
from usherd.http import refusal
from usherd.wire import Message

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
        if cycle.disconnected:
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
    """uvicorn's connection with our way of writing."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.send = Answer(cycle)  # type: ignore[assignment, method-assign]
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, and hang up."""
        status, headers, body = refusal(NO_HTTP)
        headers += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        self.transport.write(head(status, headers) + b"\r\n" + body)
        self.transport.close()
