"""A closed-loop HTTP/1.1 load generator: every connection asks again as soon as it is answered.

It knows only what a benchmark needs (keep-alive, status, content-length), so that one core of
it can drive one core of any Python server to its limit.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import time
from array import array
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec
import uvloop

SHOWN_BYTES = 600
"""How much of an unexpected answer is shown."""

GRACE_SECONDS = 30.0
"""How long an answer may take before the run counts as stuck."""


class Unexpected(Exception):
    """An answer that the scenario does not allow: the figures would mean nothing."""


class Stream(msgspec.Struct):
    """What to send: ready-made requests, from how many connections, and the status to expect."""

    requests: Iterator[bytes]
    connections: int
    status: int


class Measured(msgspec.Struct, frozen=True):
    """What one stream achieved in one round."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    load_busy: float
    """Share of a core that the generator itself used: near 1.0 it is the bottleneck."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


class Lane:
    """The shared state of one stream's connections during a round."""

    def __init__(self, stream: Stream, deadline: float) -> None:
        self.requests = stream.requests
        self.expected = str(stream.status).encode()
        self.deadline = deadline
        self.latencies = array("d")
        self.last = 0.0
        self.open = stream.connections
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, why: str) -> None:
        """Stop the round: an answer was not what it has to be."""
        if not self.finished.done():
            self.finished.set_exception(Unexpected(why))

    def leave(self) -> None:
        """One connection has had its last answer."""
        self.open -= 1
        if self.open == 0 and not self.finished.done():
            self.finished.set_result(None)


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request on its way at a time."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.buffer = b""
        self.sent = 0.0
        self.idle = True
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def ask(self) -> None:
        """Send the next request."""
        self.idle = False
        self.sent = time.perf_counter()
        self.transport.write(next(self.lane.requests))

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when it is whole, take the time and ask again."""
        if self.buffer:
            data = self.buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _length(data, end):
            self.buffer = data
            return
        self.buffer = b""
        lane = self.lane
        now = lane.last = time.perf_counter()
        lane.latencies.append(now - self.sent)
        if data[9:12] != lane.expected:
            shown = data[:SHOWN_BYTES].decode("utf-8", "replace")
            lane.fail(f"Expected status {lane.expected.decode()}, got:\n{shown}")
        elif now < lane.deadline:
            self.ask()
        else:
            self.idle = True
            lane.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server may not hang up while it owes an answer."""
        if not self.idle:
            self.lane.fail(f"The server closed a connection before its answer: {exc}")


def _length(data: bytes, end: int) -> int:
    """The content-length that stands in the head `data[:end]`."""
    at = data.find(b"content-length: ", 0, end)
    if at < 0:
        at = data[:end].lower().find(b"content-length: ")
        if at < 0:  # a 204 has none
            return 0
    stop = data.find(b"\r", at)
    return int(data[at + 16 : stop])


class Awake:
    """Keeps the event loop, and with it the core, from sleeping, and tells how long there was
    nothing to do.

    To wake a core that sleeps costs the one who answers: on a virtual machine more than a small
    answer does, and the more the faster it answers.
    """

    def __init__(self) -> None:
        self.idle = 0.0

    async def stay(self) -> None:
        """Have a turn of the loop as often as nothing else has one, until this is cancelled."""
        least, last = 1.0, time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            took, last = now - last, now
            least = min(least, took)
            if took < 3 * least:
                self.idle += took


async def _drive(
    port: int, streams: Sequence[Stream], seconds: float, awake: Awake | None
) -> list[Measured]:
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    lanes = [Lane(stream, begin + seconds) for stream in streams]
    connections: list[Connection] = []
    for lane in lanes:
        for _ in range(lane.open):
            make = functools.partial(Connection, lane)
            _, connection = await loop.create_connection(make, "127.0.0.1", port)
            connections.append(connection)
    begin, busy = time.perf_counter(), time.process_time()
    for lane in lanes:
        lane.deadline = begin + seconds
    for connection in connections:
        connection.ask()
    staying = loop.create_task(awake.stay()) if awake else None
    try:
        async with asyncio.timeout(seconds + GRACE_SECONDS):
            await asyncio.gather(*(lane.finished for lane in lanes))
    finally:
        took = time.perf_counter() - begin
        busy = (time.process_time() - busy) / took
        if awake and staying:
            staying.cancel()
            busy -= awake.idle / took
        for connection in connections:
            connection.idle = True
            connection.transport.close()
    return [_measured(lane, begin, busy) for lane in lanes]


def _measured(lane: Lane, begin: float, busy: float) -> Measured:
    ordered = sorted(lane.latencies)
    return Measured(
        requests=len(ordered),
        seconds=lane.last - begin,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000,
        load_busy=busy,
    )


def run(
    port: int, streams: Sequence[Stream], seconds: float, *, awake: bool = False
) -> list[Measured]:
    """Drive all streams at once against 127.0.0.1 and measure each.

    `awake`: never sleep, where this process has a core that nothing measured needs.

    Raises `Unexpected` at the first answer with another status, and when the server hangs up;
    `TimeoutError` when an answer does not come.
    """
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_drive(port, streams, seconds, Awake() if awake else None))
    finally:
        gc.enable()


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
