"""SQLite: indexed reads on the loop thread, group commit for writes, listings apart."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import apsw

from usherd import errors
from usherd.db import Duplicate, Row, statements

log = logging.getLogger("usherd.db")

BATCH = 256
"""Most requests that share one commit: bounds how long the first of them waits."""

INLINE_STEPS = 20_000
"""A listing that needs no more virtual-machine steps than this (about half a millisecond)
is answered on the loop thread; another starts anew on a thread of its own."""

LISTINGS = 2
"""Listings that run at once, each on a thread and a connection of its own."""

LISTINGS_WAITING = 64
"""With this many running or waiting, the next one is told to come back later (503)."""

CACHE_KIB = 8192
"""Pages kept by the connection that reads, and by the one that writes; the others keep a quarter
of that. The system's own cache holds the rest."""

CHECKPOINT_SECONDS = 0.5
"""A passive checkpoint this often keeps commits from ever doing it themselves (decision 0003)."""

BUSY_MILLISECONDS = 10_000
"""How long to wait for another process, such as the CLI, that is writing."""


@lru_cache(maxsize=2048)
def portable(sql: str) -> str:
    """What PostgreSQL needs and SQLite does not know, taken out."""
    for words in (" for update skip locked", " for no key update", " for update"):
        sql = sql.replace(words, "")
    return sql


class Connection:
    """One SQLite connection that gives rows as dicts and errors as ours."""

    def __init__(self, path: str, *, cache_kib: int = 2048, writable: bool = False) -> None:
        self.raw = apsw.Connection(path, statementcachesize=256)
        self.raw.set_busy_timeout(BUSY_MILLISECONDS)
        self.raw.execute("pragma foreign_keys = on")
        self.raw.execute(f"pragma cache_size = -{cache_kib}")
        if not writable:
            self.raw.execute("pragma query_only = on")
        self._names: dict[str, tuple[str, ...]] = {}
        self._indexes: dict[str, str] = {}

    def rows(self, sql: str, params: dict[str, Any]) -> list[Row]:
        """Execute one statement and return its rows."""
        try:
            cursor = self.raw.execute(portable(sql), params)
            names = self._names.get(sql)
            if names is None:
                names = self._describe(sql, cursor)
            return [dict(zip(names, row, strict=True)) for row in cursor]
        except apsw.ConstraintError as error:
            raise self._constraint(error) from error
        except (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.BusyError) as error:
            raise unavailable(error) from error

    def _describe(self, sql: str, cursor: apsw.Cursor) -> tuple[str, ...]:
        try:
            names = tuple(column[0] for column in cursor.get_description())
        except apsw.ExecutionCompleteError:  # no row to describe
            return ()
        if len(self._names) >= 1024:
            self._names.clear()
        self._names[sql] = names
        return names

    def _constraint(self, error: apsw.ConstraintError) -> Exception:
        columns = str(error).partition("UNIQUE constraint failed: ")[2]
        if not columns:
            return error
        if columns not in self._indexes:
            self._indexes = self._unique_indexes()
        return Duplicate(self._indexes.get(columns, columns))

    def _unique_indexes(self) -> dict[str, str]:
        """SQLite names the columns of a violated index; this leads back to its name."""
        found = self.raw.execute(
            "select m.name as tab, i.name as idx, group_concat(m.name || '.' || c.name, ', ') "
            "from sqlite_schema m, pragma_index_list(m.name) i, pragma_index_info(i.name) c "
            "where m.type = 'table' and i.\"unique\" group by m.name, i.name"
        )
        return {columns: index for _table, index, columns in found}


def unavailable(error: Exception) -> errors.AppError:
    """What a caller is told when the disk or a lock fails; the operator reads the log."""
    log.error("database: %s: %s", type(error).__name__, error)
    return errors.DatabaseUnavailable()


class ReadTx:
    """Reads of committed state on the loop thread; none of its calls suspends but `listing`."""

    engine = "sqlite"

    def __init__(self, database: SqliteDatabase, connection: Connection) -> None:
        self._database = database
        self.connection = connection

    async def one(self, sql: str, **params: Any) -> Row | None:
        rows = self.connection.rows(sql, params)
        return rows[0] if rows else None

    async def all(self, sql: str, **params: Any) -> list[Row]:
        return self.connection.rows(sql, params)

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        return await self._database.listing(sql, params)

    async def run(self, sql: str, **params: Any) -> int:
        self.connection.rows(sql, params)
        return self.connection.raw.changes()

    async def insert(self, table: str, **values: Any) -> Row:
        return self.connection.rows(statements.insert(table, tuple(values)), values)[0]

    async def insert_or_ignore(self, table: str, **values: Any) -> Row | None:
        rows = self.connection.rows(statements.insert(table, tuple(values), ignore=True), values)
        return rows[0] if rows else None

    async def update(self, table: str, row: Row, **changes: Any) -> Row:
        sql = statements.update(table, tuple(changes))
        return self.connection.rows(sql, changes | {"seq": row["seq"]})[0]


class Snapshots(ReadTx):
    """What requests read: those that come in the same turn of the event loop share a snapshot.

    Opening one costs as much as reading a user. It ends with the turn, before the next request
    is received, and when a write of this process is durable: what was answered is always seen.
    """

    def __init__(self, database: SqliteDatabase, connection: Connection) -> None:
        super().__init__(database, connection)
        self._open = False

    async def one(self, sql: str, **params: Any) -> Row | None:
        if not self._open:
            self._begin()
        rows = self.connection.rows(sql, params)
        return rows[0] if rows else None

    async def all(self, sql: str, **params: Any) -> list[Row]:
        if not self._open:
            self._begin()
        return self.connection.rows(sql, params)

    def _begin(self) -> None:
        self.connection.raw.execute("begin")
        self._open = True
        asyncio.get_running_loop().call_soon(self.end)

    def end(self) -> None:
        """Let the next statement see the newest state."""
        if self._open:
            self._open = False
            self.connection.raw.execute("commit")


class WriteTx(ReadTx):
    """A request's part of the open batch, in a savepoint of its own."""

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        return self.connection.rows(sql, params)


class Writer:
    """Group commit: requests take turns in savepoints, and share the flush that ends a batch.

    While one batch is being flushed on a thread, the requests that arrive queue up and form
    the next. A request is answered when the batch that holds it is on disk. A failing request
    rolls back its own savepoint only.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._thread = ThreadPoolExecutor(1, "usherd-commit")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._batch: list[asyncio.Future[None]] = []
        self._busy = False
        self._flushing = False

    async def enter(self) -> None:
        """Wait for the turn, then open a savepoint."""
        if self._busy or self._flushing:
            turn = asyncio.get_running_loop().create_future()
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
            if not self.connection.raw.in_transaction:
                await self._begin()
            self.connection.raw.execute("savepoint request")
        except BaseException as error:
            self._pass_on()
            if isinstance(error, apsw.Error):
                raise unavailable(error) from error
            raise

    async def _begin(self) -> None:
        raw = self.connection.raw
        raw.set_busy_timeout(0)
        try:
            raw.execute("begin immediate")
        except apsw.BusyError:  # another process writes: be patient, but not on the loop thread
            raw.set_busy_timeout(BUSY_MILLISECONDS)
            loop = asyncio.get_running_loop()
            await asyncio.shield(
                loop.run_in_executor(self._thread, lambda: raw.execute("begin immediate"))
            )

    async def leave(self) -> None:
        """Keep the request's changes, and wait until they are on disk."""
        try:
            self.connection.raw.execute("release request")
        except apsw.Error as error:
            self.undo()
            raise unavailable(error) from error
        durable = asyncio.get_running_loop().create_future()
        self._batch.append(durable)
        self._pass_on()
        await asyncio.shield(durable)

    def undo(self) -> None:
        """Drop the request's changes."""
        raw = self.connection.raw
        if raw.in_transaction:
            raw.execute("rollback to request")
            raw.execute("release request")
        else:  # a full disk makes SQLite itself roll back the whole batch
            self._settle(errors.DatabaseUnavailable())
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting and len(self._batch) < BATCH:
            turn = self._waiting.popleft()
            if not turn.done():
                self._busy = True
                turn.set_result(None)
                return
        self._busy = False
        # One more round of the loop, so that requests already in the sockets join this batch.
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._busy or self._flushing:
            return
        if not self.connection.raw.in_transaction:
            if self._waiting:
                self._pass_on()
            return
        self._flushing = True
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._thread, self._commit)
        done.add_done_callback(self._flushed)

    def _commit(self) -> None:
        raw = self.connection.raw
        try:
            raw.execute("commit")
        except apsw.Error:
            if raw.in_transaction:
                raw.execute("rollback")
            raise

    def _flushed(self, done: asyncio.Future[None]) -> None:
        self._flushing = False
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
        self.connection.raw.close()


class SqliteDatabase:
    """One file, one process that serves it (others may write a little, as the CLI does)."""

    engine = "sqlite"

    def __init__(self, path: str, statement_timeout: float) -> None:
        self._timeout = statement_timeout
        self.reader = Snapshots(self, Connection(path, cache_kib=CACHE_KIB))
        self._inline = Connection(path)
        self._inline.raw.set_progress_handler(lambda: True, INLINE_STEPS)
        self._writer = Writer(Connection(path, cache_kib=CACHE_KIB, writable=True))
        self._writer.connection.raw.execute("pragma synchronous = full")
        self._writer.connection.raw.execute("pragma wal_autocheckpoint = 0")
        self._idle = [Connection(path) for _ in range(LISTINGS)]
        self._slots = asyncio.Semaphore(LISTINGS)
        self._listings = 0
        self._threads = ThreadPoolExecutor(LISTINGS, "usherd-listing")
        self._checkpoints = apsw.Connection(path)
        self._checkpointer = ThreadPoolExecutor(1, "usherd-checkpoint")
        self._checkpointing = asyncio.create_task(self._checkpoint())

    @classmethod
    async def open(cls, path: str, statement_timeout: float) -> SqliteDatabase:
        """Open or create the file and migrate it. Raises `errors.DatabaseUnavailable`."""
        try:
            migrate(path)
            return cls(path, statement_timeout)
        except apsw.Error as error:
            raise errors.DatabaseUnavailable(
                f"The database file {path} cannot be used: {error}."
            ) from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        yield self.reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        await self._writer.enter()
        try:
            yield WriteTx(self, self._writer.connection)
        except BaseException:
            self._writer.undo()
            raise
        await self._writer.leave()
        self.reader.end()

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        """Answer a cheap statement at once, and move any other off the loop thread."""
        if " match :" not in sql:  # a full-text match does its work between the steps counted
            with suppress(apsw.InterruptError):
                return self._inline.rows(sql, params)
        if self._listings >= LISTINGS_WAITING:
            raise errors.GeneralOverloaded
        self._listings += 1
        try:
            async with self._slots:
                return await self._bounded(sql, params)
        finally:
            self._listings -= 1

    async def _bounded(self, sql: str, params: dict[str, Any]) -> list[Row]:
        loop = asyncio.get_running_loop()
        connection = self._idle.pop()
        limit = loop.call_later(self._timeout, connection.raw.interrupt)
        rows = loop.run_in_executor(self._threads, connection.rows, sql, params)

        def give_back(_done: asyncio.Future[list[Row]]) -> None:
            limit.cancel()
            self._idle.append(connection)

        rows.add_done_callback(give_back)
        try:
            return await asyncio.shield(rows)
        except apsw.InterruptError as error:
            raise errors.DatabaseTimeout from error

    async def _checkpoint(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            try:
                await loop.run_in_executor(self._checkpointer, self._checkpoints.wal_checkpoint)
            except apsw.Error as error:
                log.warning("checkpoint: %s", error)

    async def close(self) -> None:
        """Finish the open batch, then close every connection."""
        self._checkpointing.cancel()
        with suppress(asyncio.CancelledError):
            await self._checkpointing
        await self._writer.close()
        self._threads.shutdown()
        self._checkpointer.shutdown()
        self._checkpoints.close()
        self.reader.end()
        for connection in (*self._idle, self._inline, self.reader.connection):
            connection.raw.close()


def migrate(path: str) -> None:
    """Apply what is missing, each migration in a transaction; several processes may try."""
    Path(path).expanduser().parent.mkdir(parents=True, exist_ok=True)
    raw = apsw.Connection(path)
    raw.set_busy_timeout(BUSY_MILLISECONDS)
    if raw.pragma("journal_mode") != "wal":
        raw.pragma("journal_mode", "wal")
    raw.execute("pragma synchronous = full")
    raw.execute(
        "create table if not exists migrations (name text primary key, applied_at text not null)"
    )
    applied = {name for (name,) in raw.execute("select name from migrations")}
    for name, sql in statements.migrations("sqlite"):
        if name in applied:
            continue
        raw.execute("begin immediate")
        try:
            if not list(raw.execute("select 1 from migrations where name = ?", (name,))):
                raw.execute(translate(sql))
                raw.execute("insert into migrations values (?, datetime('now'))", (name,))
            raw.execute("commit")
        except BaseException:
            raw.execute("rollback")
            raise
    raw.close()


def translate(sql: str) -> str:
    """A migration in SQLite's words: its own key, and what it does by default left out."""
    return (
        sql.replace("{seq}", "integer primary key autoincrement")
        .replace(' collate "C"', "")
        .replace(" nulls first", "")
    )
