"""Group commit: how requests share the flush that makes their writes durable (decision 0003)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import apsw

from usherd import errors
from usherd.db.sqlite_upkeep import BUSY_MILLISECONDS
from usherd.repeats import Repeats

repeats = Repeats(logging.getLogger("usherd.db"))

BATCH = 256
"""Most requests that share one commit: bounds how long the first of them waits."""


def unavailable(error: Exception) -> errors.AppError:
    """What a caller is told when the disk or a lock fails; the operator reads the log."""
    repeats.tell(logging.ERROR, f"database: {type(error).__name__}: {error}")
    return errors.DatabaseUnavailable()


class Writer:
    """Group commit: requests take turns in savepoints, and share the flush that ends a batch.

    While one batch is being flushed on a thread, the requests that arrive queue up and form
    the next. A request is answered when the batch that holds it is on disk. A failing request
    rolls back its own savepoint only.
    """

    def __init__(
        self, raw: apsw.Connection, begun: Callable[[], None], ended: Callable[[], None]
    ) -> None:
        """`begun` is called when nobody else can write any more, `ended` when a batch is on disk
        and nobody knows it yet."""
        self.raw = raw
        self._loop = asyncio.get_running_loop()  # asking for it costs a system call
        self._begun = begun
        self._ended = ended
        self._thread = ThreadPoolExecutor(1, "usherd-commit")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._batch: list[asyncio.Future[None]] = []
        self._busy = False
        self._flushing = False
        self.log_is_long = False
        """The checkpoints do not catch up: finish one after the next commit."""
        self._spoiled = False
        """A transaction could be neither committed nor rolled back: it must not be joined."""

    @property
    def occupied(self) -> bool:
        """Whether a request or a commit has the connection in its hands."""
        return self._busy or self._flushing

    async def enter(self) -> None:
        """Wait for the turn, then open a savepoint."""
        if self._busy or self._flushing:
            turn = self._loop.create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on()  # the turn came together with the cancellation
                raise
        else:
            self._busy = True
        try:
            if self._spoiled:
                self.raw.execute("rollback")
                self._spoiled = False
            if not self.raw.in_transaction:
                await self._begin()
                self._begun()
            self.raw.execute("savepoint request")
        except BaseException as error:
            if isinstance(error, apsw.Error):
                self._send_away(refused := unavailable(error))
                raise refused from error
            self._pass_on()
            raise

    def _send_away(self, error: errors.AppError) -> None:
        """No transaction can be had just now: nobody waits longer for that than the first did."""
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:
            if not turn.done():
                turn.set_exception(error)
        self._pass_on()

    async def _begin(self) -> None:
        raw = self.raw
        raw.set_busy_timeout(0)
        try:
            raw.execute("begin immediate")
        except apsw.BusyError:  # another process writes: be patient, but not on the loop thread
            raw.set_busy_timeout(BUSY_MILLISECONDS)
            await asyncio.shield(
                self._loop.run_in_executor(self._thread, lambda: raw.execute("begin immediate"))
            )

    async def leave(self) -> None:
        """Keep the request's changes, and wait until they are on disk."""
        try:
            self.raw.execute("release request")
        except apsw.Error as error:
            self.undo()
            raise unavailable(error) from error
        durable = self._loop.create_future()
        self._batch.append(durable)
        self._pass_on()
        await durable

    def undo(self) -> None:
        """Drop the request's changes."""
        raw = self.raw
        try:
            if raw.in_transaction:
                raw.execute("rollback to request")
                raw.execute("release request")
            else:  # a full disk makes SQLite itself roll back the whole batch
                self._settle(errors.DatabaseUnavailable())
        except apsw.Error as error:
            self._drop()
            self._settle(unavailable(error))
        finally:
            self._pass_on()

    def _drop(self) -> None:
        """Roll everything back that is not on disk."""
        raw = self.raw
        try:
            if raw.in_transaction:
                raw.execute("rollback")
        except apsw.Error as error:
            line = f"database: no rollback: {type(error).__name__}: {error}"
            repeats.tell(logging.ERROR, line)
        self._spoiled = raw.in_transaction

    def _pass_on(self) -> None:
        while self._waiting and len(self._batch) < BATCH:
            turn = self._waiting.popleft()
            if not turn.done():
                self._busy = True
                turn.set_result(None)
                return
        self._busy = False
        # One more round of the loop, so that requests already in the sockets join this batch.
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._busy or self._flushing:
            return
        if not self.raw.in_transaction:
            if self._waiting:
                self._pass_on()
            return
        self._flushing = True
        done = self._loop.run_in_executor(self._thread, self._commit)
        done.add_done_callback(self._flushed)

    def _commit(self) -> None:
        raw = self.raw
        try:
            raw.execute("commit")
        except apsw.Error:
            self._drop()
            raise
        if self.log_is_long:  # nobody writes just now, so that a checkpoint can reach its end
            self.log_is_long = False
            with suppress(apsw.Error):
                raw.wal_checkpoint()

    def _flushed(self, done: asyncio.Future[None]) -> None:
        self._flushing = False
        self._ended()
        error = done.exception()
        self._settle(unavailable(error) if isinstance(error, apsw.Error) else error)
        if self._waiting:
            self._pass_on()

    def _settle(self, error: BaseException | None) -> None:
        batch, self._batch = self._batch, []
        for durable in batch:
            if durable.done():
                continue
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)
                durable.exception()  # its waiter may be gone: then nobody else collects it

    async def close(self) -> None:
        """Wait until every accepted request is on disk."""
        while self._busy or self._flushing or self._batch or self._waiting:
            await asyncio.sleep(0.005)
        self._thread.shutdown()
        self.raw.close()
