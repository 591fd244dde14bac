"""Listings on SQLite: a cheap one at once, any other on threads that leave the processor to the
rest (decision 0018)."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

import apsw

from usherd import errors
from usherd.db import Row
from usherd.db.turns import QUICK_SECONDS, QUICK_WAITING, SLOW_WAITING, Turns

INLINE_SECONDS = 0.004
"""A listing that takes the processor no longer is answered on the loop thread: a page of an index,
or a total. At the threads it might wait as long for a turn."""

WAITED_SECONDS = 0.03
"""But it is not waited for longer, such as for a disk, or for others on the same processor."""

STRIDE = 1_000
"""Steps of SQLite's virtual machine between two looks at the clock: some microseconds, or a
millisecond or two of a full-text match, most of whose work is none of these steps."""

PASSED_OVER = 3
"""So often is a statement that was not done in time handed to the threads, before it is tried again
with other values: what is begun in vain costs everybody."""

SHAPES = 256
"""Most statements that this is remembered of."""

QUICK = 2
SLOW = 2
"""Threads for what is done within `QUICK_SECONDS`, and for what is not."""

QUICK_NICE = 5
SLOW_NICE = 19
"""How much the threads give way to the one that answers requests. Those that only list what no
index serves get what nobody else wants."""

AGAIN_SECONDS = 0.05
"""What was to be interrupted may not have begun yet, and goes on: it is told again so often."""


class Connection(Protocol):
    """A connection of `sqlite.py`."""

    raw: apsw.Connection

    def rows(self, sql: str, params: dict[str, Any]) -> list[Row]: ...


class Allowance:
    """A progress handler that gives each statement `INLINE_SECONDS` of the processor.

    They are counted in time and not in steps: a step may look up a row, and count an entry.
    """

    _begun = 0.0
    _used = 0.0

    def begin(self) -> None:
        """The next statement's time begins."""
        self._begun = time.perf_counter()
        self._used = time.thread_time()

    def __call__(self) -> bool:
        took = time.perf_counter() - self._begun
        if took <= INLINE_SECONDS:
            return False  # what the thread has used is asked only then: it is a system call
        return took > WAITED_SECONDS or time.thread_time() - self._used > INLINE_SECONDS


class Lane:
    """Threads with a connection each, where a statement may take so many seconds."""

    def __init__(
        self, connect: Callable[[], Connection], size: int, waiting: int, seconds: float, nice: int
    ) -> None:
        self._seconds = seconds
        self._connections = [connect() for _ in range(size)]
        self._idle = self._connections.copy()
        self._turns = Turns(size, waiting)
        self._threads = ThreadPoolExecutor(size, "usherd-listing", _give_way, (nice,))

    async def rows(self, sql: str, params: dict[str, Any]) -> list[Row]:
        """Raises `GeneralOverloaded`, and `apsw.InterruptError` at the time limit."""
        await self._turns.take()
        connection = self._idle.pop()
        loop = asyncio.get_running_loop()
        limit = loop.call_later(self._seconds, lambda: stop())

        def stop() -> None:
            nonlocal limit
            connection.raw.interrupt()
            limit = loop.call_later(AGAIN_SECONDS, stop)

        rows = loop.run_in_executor(self._threads, connection.rows, sql, params)

        def give_back(done: asyncio.Future[list[Row]]) -> None:
            limit.cancel()
            self._idle.append(connection)
            self._turns.give()
            done.exception()  # its waiter may be gone: then nobody else collects it

        rows.add_done_callback(give_back)
        try:
            return await asyncio.shield(rows)
        except asyncio.CancelledError:
            if not rows.done():
                limit.cancel()
                stop()
            raise

    async def close(self) -> None:
        """Stop what is running, and close the connections."""
        while len(self._idle) < len(self._connections):
            for connection in self._connections:
                connection.raw.interrupt()
            await asyncio.sleep(AGAIN_SECONDS)
        self._threads.shutdown()
        for connection in self._connections:
            connection.raw.close()


def _give_way(nice: int) -> None:
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)


class Listings:
    """Where a listing runs: on the loop thread if it is cheap, else in the quick lane, and what is
    not done there begins anew in the slow one. What is hopeless waits only for its like."""

    def __init__(self, connect: Callable[[], Connection], timeout: float) -> None:
        self._closing = False
        self._inline = connect()
        self._allowance = Allowance()
        self._late: dict[str, int] = {}
        """Statements that were not done in time, and how often they are to be passed over."""
        self._inline.raw.set_progress_handler(self._allowance, STRIDE)
        quick = min(QUICK_SECONDS, timeout)
        self._quick = Lane(connect, QUICK, QUICK_WAITING, quick, QUICK_NICE)
        self._slow = Lane(connect, SLOW, SLOW_WAITING, timeout, SLOW_NICE)

    async def rows(self, sql: str, params: dict[str, Any]) -> list[Row]:
        """Every row of the statement. Raises `DatabaseTimeout`, `GeneralOverloaded`."""
        if self._worth_trying(sql):
            self._allowance.begin()
            with suppress(apsw.InterruptError):
                return self._inline.rows(sql, params)
            self._late[sql] = PASSED_OVER
        with suppress(apsw.InterruptError):
            return await self._quick.rows(sql, params)
        if self._closing:
            raise errors.DatabaseTimeout
        try:
            return await self._slow.rows(sql, params)
        except apsw.InterruptError as error:
            raise errors.DatabaseTimeout from error

    def _worth_trying(self, sql: str) -> bool:
        """Whether a statement of this shape may be done in time."""
        left = self._late.pop(sql, 0)
        if left > 1:
            self._late[sql] = left - 1
        if len(self._late) > SHAPES:
            self._late.clear()
        return not left

    async def close(self) -> None:
        """Stop what is running, and close the connections."""
        self._closing = True
        await self._quick.close()
        await self._slow.close()
        self._inline.raw.close()
