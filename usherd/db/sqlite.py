"""SQLite: indexed reads on the loop thread, group commit for writes, listings apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import apsw

from usherd import errors
from usherd.db import Duplicate, Row, sqlite_grams, statements
from usherd.db.sqlite_changes import Changes
from usherd.db.sqlite_checkpoints import Checkpoints
from usherd.db.sqlite_listings import Listings
from usherd.db.sqlite_upkeep import BUSY_MILLISECONDS, migrate
from usherd.db.sqlite_writer import Writer, unavailable

CACHE_KIB = 8192
"""Pages kept by the connection that reads, and by the one that writes; the others keep a quarter
of that. The system's own cache holds the rest."""

UNAVAILABLE = (
    apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.BusyError,
    apsw.LockedError, apsw.ProtocolError, apsw.CorruptError, apsw.NotADBError, apsw.NoMemError,
)  # fmt: skip
"""What a disk, a lock or the machine does; anything else is a mistake of ours."""


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
        if writable:
            sqlite_grams.teach(self.raw)
        else:
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
        except UNAVAILABLE as error:
            raise unavailable(error) from error

    def run(self, sql: str, params: dict[str, Any]) -> int:
        """Execute one statement and return how many rows it has changed."""
        try:
            self.raw.execute(portable(sql), params)
            return self.raw.changes()
        except apsw.ConstraintError as error:
            raise self._constraint(error) from error
        except UNAVAILABLE as error:
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


class ReadTx:
    """Reads of committed state on the loop thread; none of its calls suspends but `listing`."""

    engine = "sqlite"

    def __init__(self, database: SqliteDatabase, connection: Connection) -> None:
        self._database = database
        self.connection = connection

    async def one(self, sql: str, **params: Any) -> Row | None:
        rows = self.connection.rows(sql, params)
        return rows[0] if rows else None

    async def by_id(self, table: str, project_id: str, row_id: str) -> Row | None:
        return await self.one(statements.by_id(table), project_id=project_id, id=row_id)

    async def all(self, sql: str, **params: Any) -> list[Row]:
        return self.connection.rows(sql, params)

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        return await self._database.listing(sql, params)

    async def run(self, sql: str, **params: Any) -> int:
        return self.connection.run(sql, params)

    async def insert(self, table: str, **values: Any) -> Row:
        return self.connection.rows(statements.insert(table, tuple(values)), values)[0]

    async def insert_or_ignore(self, table: str, **values: Any) -> Row | None:
        rows = self.connection.rows(statements.insert(table, tuple(values), ignore=True), values)
        return rows[0] if rows else None

    async def update(self, table: str, row: Row, **changes: Any) -> Row:
        sql = statements.update(table, tuple(changes))
        if self.connection.run(sql, changes | {"seq": row["seq"]}) != 1:
            raise LookupError(f"no such row in {table}")
        return row | changes


class Snapshots(ReadTx):
    """What requests read: those that come in the same turn of the event loop share a snapshot.

    Opening one costs as much as reading a user. It ends with the turn, before the next request
    is received, and when a write of this process is durable: what was answered is always seen.
    """

    def __init__(self, database: SqliteDatabase, connection: Connection) -> None:
        super().__init__(database, connection)
        self._open = False
        self._loop = asyncio.get_running_loop()  # asking for it costs a system call

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
        self._loop.call_soon(self.end)

    def end(self) -> None:
        """Let the next statement see the newest state."""
        if self._open:
            self._open = False
            if self.connection.raw.in_transaction:  # an error of the disk ends it by itself
                self.connection.raw.execute("commit")


class WriteTx(ReadTx):
    """A request's part of the open batch, in a savepoint of its own."""

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        return self.connection.rows(sql, params)


class Savepoint:
    """`SqliteDatabase.write` as a block: a request's place in the open batch."""

    __slots__ = ("_tx", "_writer")

    def __init__(self, writer: Writer, tx: WriteTx) -> None:
        self._writer = writer
        self._tx = tx

    async def __aenter__(self) -> WriteTx:
        await self._writer.enter()
        return self._tx

    async def __aexit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if error is None:
            await self._writer.leave()
        else:
            self._writer.undo()


class SqliteDatabase:
    """One file, one process that serves it (others may write a little, as the CLI does)."""

    engine = "sqlite"

    def __init__(self, path: str, statement_timeout: float) -> None:
        self.reader = Snapshots(self, Connection(path, cache_kib=CACHE_KIB))
        self._listings = Listings(lambda: Connection(path), statement_timeout)
        self._writing = Connection(path, cache_kib=CACHE_KIB, writable=True)
        self._writing.raw.execute("pragma synchronous = full")
        self._writing.raw.execute("pragma wal_autocheckpoint = 0")
        self._writer = Writer(self._writing.raw, self._begun, self._ended)
        self.changes = Changes(self._writer, self.reader.end)
        self._checkpoints = Checkpoints(path, self._writer)

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

    def write(self) -> Savepoint:
        return Savepoint(self._writer, WriteTx(self, self._writing))

    def _begun(self) -> None:
        self.changes.compare()

    def _ended(self) -> None:
        """What is read from now on shows the batch."""
        self.reader.end()
        self.changes.tell()

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        """Answer a cheap statement at once, and move any other off the loop thread."""
        return await self._listings.rows(sql, params)

    async def close(self) -> None:
        """Finish the open batch, then close every connection."""
        await self._checkpoints.stop()
        await self._writer.close()
        await self._listings.close()
        self.reader.end()
        self.reader.connection.raw.close()
        self._checkpoints.close()
