"""Connections to PostgreSQL: a free one is handed over without a task, a timer or a round trip.

Taking and giving back one of asyncpg's own pool costs as much as half a read (decision 0016).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from usherd.eager import as_task

ACQUIRE_SECONDS = 5.0
"""How long a request waits for a free connection before it is told to come back later."""

SETTLE_SECONDS = 2.0
"""How long a statement that was given up may take to stop before its connection is cut off."""

Turn = tuple[float, asyncio.Future[asyncpg.Connection | None]]
"""Since when somebody waits, and for what: a connection, or None, the right to make one."""


class Pool:
    """At most `size` connections, made when they are needed. Whoever waits longest is next.

    Nothing of a request may stay on a connection: what is given back is not reset.
    """

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], size: int) -> None:
        self._connect = connect
        self._room = size
        """How many more connections may be made."""
        self._free: list[asyncpg.Connection] = []
        self._used: set[asyncpg.Connection] = set()
        self._old: set[asyncpg.Connection] = set()
        """In use, and not to be used again."""
        self._waiting: deque[Turn] = deque()
        """Whoever waits, since when: the first ones first."""
        self._loop = asyncio.get_running_loop()
        self._limit: asyncio.TimerHandle | None = None
        """When the first of those who wait has waited for too long."""
        self._settling: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Future[None] | None = None

    async def take(self) -> asyncpg.Connection:
        """A connection that is the caller's until `give`. Raises `TimeoutError`, and what
        connecting raises."""
        if self._closing is not None:
            raise asyncpg.InterfaceError("the pool is closed")
        connection = self.at_hand()
        if connection is not None:
            return connection
        if self._room:
            self._room -= 1
            return await self._make()
        connection_or_room = await self._wait()
        return connection_or_room or await self._make()

    def at_hand(self) -> asyncpg.Connection | None:
        """A free connection, or None when `take` has to make or to wait for one."""
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                self._used.add(connection)
                return connection
            self._room += 1
        return None

    async def _make(self) -> asyncpg.Connection:
        try:
            await as_task()
            connection = await self._connect()
        except BaseException:
            self._pass_on(None)
            raise
        self._used.add(connection)
        return connection

    async def _wait(self) -> asyncpg.Connection | None:
        turn = self._loop.create_future()
        self._waiting.append((self._loop.time(), turn))
        if self._limit is None:
            self._limit = self._loop.call_later(ACQUIRE_SECONDS, self._send_away)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on(turn.result())  # the turn came together with the cancellation
            raise

    def _send_away(self) -> None:
        """End the waiting of those who have waited for too long: one timer serves them all."""
        self._limit = None
        latest = self._loop.time() - ACQUIRE_SECONDS
        while self._waiting:
            since, turn = self._waiting[0]
            if since > latest and not turn.done():
                self._limit = self._loop.call_at(since + ACQUIRE_SECONDS, self._send_away)
                return
            self._waiting.popleft()
            if not turn.done():
                turn.set_exception(TimeoutError("no connection was free in time"))

    def give(self, connection: asyncpg.Connection) -> None:
        """Hand back what `take` gave; a connection that is closed makes room for a new one.

        One whose statement was given up is not handed on before the server has stopped that.
        """
        if not connection.is_closed() and connection._protocol._is_cancelling():
            settling = self._loop.create_task(self._settle(connection))
            self._settling.add(settling)
            settling.add_done_callback(self._settling.discard)
            return
        self._used.discard(connection)
        if connection in self._old:
            self._old.discard(connection)
            connection.terminate()
        self._pass_on(None if connection.is_closed() else connection)
        if self._closing is not None and not self._used and not self._closing.done():
            self._closing.set_result(None)

    async def _settle(self, connection: asyncpg.Connection) -> None:
        """Wait until the server has stopped a statement; asyncpg would have the next one wait."""
        try:
            await connection._protocol._wait_for_cancellation(SETTLE_SECONDS)
        except Exception:
            connection.terminate()
        self.give(connection)

    def _pass_on(self, connection: asyncpg.Connection | None) -> None:
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                if connection is not None:
                    self._used.add(connection)
                turn.set_result(connection)
                return
        if connection is None:
            self._room += 1
        else:
            self._free.append(connection)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[asyncpg.Connection]:
        """`take` and `give` as a block."""
        connection = await self.take()
        try:
            yield connection
        finally:
            self.give(connection)

    def expire(self) -> None:
        """Use none of today's connections again, such as when another server has taken over."""
        self._old |= self._used
        while self._free:
            self._free.pop().terminate()
            self._room += 1

    async def close(self) -> None:
        """Wait for those in use, and close every connection."""
        self._closing = self._loop.create_future()
        if self._used:
            await self._closing
        while self._free:
            await self._free.pop().close()
        if self._limit is not None:
            self._limit.cancel()
