"""PostgreSQL: one round trip a read, real transactions for writes, listings in a pool apart."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Any

import asyncpg

from usherd import errors
from usherd.db import BadUrl, Duplicate, Row, statements
from usherd.db.postgres_gathered import Gathered
from usherd.db.postgres_indexes import Indexes
from usherd.db.postgres_pool import Pool
from usherd.db.postgres_upkeep import CONNECT_SECONDS, migrate
from usherd.db.turns import QUICK_SECONDS, QUICK_WAITING, SLOW_WAITING, Turns
from usherd.repeats import Repeats

repeats = Repeats(logging.getLogger("usherd.db"))

ANSWER_SECONDS = 5.0
"""How much longer than its own time limit a statement may take before we give the server up."""

LOOK_SECONDS = 1.0

QUICK = 4
SLOW = 2
"""Connections for listings that are done within `QUICK_SECONDS`, and for those that are not."""

_PARAMETER = re.compile(r":([a-z_][a-z0-9_]*)")

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InternalClientError,
)

DRIVER = (*UNREACHABLE, asyncpg.PostgresError)
"""Everything that a statement can raise."""

UNCERTAIN = (
    "The database went away while it was writing this. Whether it was changed is not known: "
    "look before you try again."
)


@lru_cache(maxsize=2048)
def translate(sql: str) -> tuple[str, tuple[str, ...]]:
    """(`$1` statement, parameter names in order) for a portable statement."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    sql = sql.replace("json_group_array(", "json_agg(").replace("json_array(", "json_build_array(")
    return _PARAMETER.sub(number, sql), tuple(names)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except DRIVER as error:
        raise ours(error) from error


def ours(error: Exception) -> Exception:
    """What the rules see of an error of the driver; a mistake of ours stays what it is."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return Duplicate(error.constraint_name or "")
    if isinstance(error, asyncpg.QueryCanceledError):
        return errors.DatabaseTimeout()
    if isinstance(error, UNREACHABLE):
        said = str(error).partition("\n")[0]
        repeats.tell(logging.ERROR, f"database: {type(error).__name__}: {said}")
        return errors.DatabaseUnavailable()
    if isinstance(error, asyncpg.DataError):
        return errors.GeneralArgumentInvalid(f"A value in this request cannot be stored: {error}.")
    return error


class _Statements:
    """The `Tx` calls on top of one way to fetch."""

    engine = "postgres"

    async def _fetch(self, sql: str, params: dict[str, Any]) -> list[asyncpg.Record]:
        raise NotImplementedError

    async def _run(self, sql: str, params: dict[str, Any]) -> int:
        raise NotImplementedError

    async def run(self, sql: str, **params: Any) -> int:
        return await self._run(sql, params)

    async def one(self, sql: str, **params: Any) -> Row | None:
        rows = await self._fetch(sql, params)
        return dict(rows[0]) if rows else None

    async def by_id(self, table: str, project_id: str, row_id: str) -> Row | None:
        return await self.one(statements.by_id(table), project_id=project_id, id=row_id)

    async def all(self, sql: str, **params: Any) -> list[Row]:
        return [dict(row) for row in await self._fetch(sql, params)]

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        return [dict(row) for row in await self._fetch(sql, params)]

    async def insert(self, table: str, **values: Any) -> Row:
        return dict((await self._fetch(statements.insert(table, tuple(values)), values))[0])

    async def insert_or_ignore(self, table: str, **values: Any) -> Row | None:
        rows = await self._fetch(statements.insert(table, tuple(values), ignore=True), values)
        return dict(rows[0]) if rows else None

    async def update(self, table: str, row: Row, **changes: Any) -> Row:
        sql = statements.update(table, tuple(changes))
        if await self._run(sql, changes | {"seq": row["seq"]}) != 1:
            raise LookupError(f"no such row in {table}")
        return row | changes


class Lane:
    """Connections for listings; a listing waits for its turn, and never holds one of the others."""

    def __init__(self, pool: Pool, size: int, waiting: int) -> None:
        self.pool = pool
        self.turns = Turns(size, waiting)


class ReadTx(_Statements):
    """Each statement on whichever connection is free: one round trip, nothing held.

    One that outlasts `patience` seconds, because the network swallows the answer, loses its
    connection: one look a second costs less than a timer a statement.
    """

    def __init__(self, points: Pool, quick: Lane, slow: Lane, patience: float) -> None:
        self._points = points
        self._quick = quick
        self._slow = slow
        self._patience = patience
        self._asked: dict[asyncpg.Connection, float] = {}
        """When each statement that is not answered yet was sent."""
        self._loop = asyncio.get_running_loop()
        self._watch = self._loop.call_later(LOOK_SECONDS, self._look)
        self._gathered = Gathered(self._rows)

    async def _fetch(self, sql: str, params: dict[str, Any]) -> list[asyncpg.Record]:
        return await self._on(self._points, sql, params)

    async def _on(self, pool: Pool, sql: str, params: dict[str, Any]) -> list[asyncpg.Record]:
        text, names = translate(sql)
        connection = pool.at_hand()
        try:
            if connection is None:
                connection = await pool.take()
            self._asked[connection] = self._loop.time()
            rows: list[asyncpg.Record] = await connection.fetch(
                text, *[params[name] for name in names]
            )
            return rows
        except DRIVER as error:
            raise ours(error) from error
        finally:
            if connection is not None:
                self._asked.pop(connection, None)
                pool.give(connection)

    async def one(self, sql: str, **params: Any) -> Row | None:
        rows = await self._on(self._points, sql, params)
        return dict(rows[0]) if rows else None

    async def by_id(self, table: str, project_id: str, row_id: str) -> Row | None:
        return await self._gathered.row(table, project_id, row_id)

    async def _rows(self, sql: str, params: dict[str, Any]) -> list[Row]:
        return [dict(row) for row in await self._on(self._points, sql, params)]

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        """In the quick lane; what is not done there begins anew in the slow one."""
        try:
            rows = await self._in(self._quick, sql, params)
        except errors.DatabaseTimeout:
            rows = await self._in(self._slow, sql, params)
        return [dict(row) for row in rows]

    async def _in(self, lane: Lane, sql: str, params: dict[str, Any]) -> list[asyncpg.Record]:
        await lane.turns.take()
        try:
            return await self._on(lane.pool, sql, params)
        finally:
            lane.turns.give()

    async def _run(self, sql: str, params: dict[str, Any]) -> int:
        text, names = translate(sql)
        with _translated():
            async with self._points.lent() as connection:
                values = [params[name] for name in names]
                return changed(await connection.execute(text, *values, timeout=self._patience))

    def _look(self) -> None:
        latest = self._loop.time() - self._patience
        for connection, asked in tuple(self._asked.items()):
            if asked < latest:
                connection.terminate()
        self._watch = self._loop.call_later(LOOK_SECONDS, self._look)

    def close(self) -> None:
        """Watch no longer."""
        self._watch.cancel()


class WriteTx(_Statements):
    """One transaction on one connection."""

    def __init__(self, connection: asyncpg.Connection, indexes: Indexes, patience: float) -> None:
        self._connection = connection
        self._indexes = indexes
        self._patience = patience

    async def _fetch(self, sql: str, params: dict[str, Any]) -> list[asyncpg.Record]:
        return list(await self._ask(self._connection.fetch, sql, params))

    async def _run(self, sql: str, params: dict[str, Any]) -> int:
        return changed(await self._ask(self._connection.execute, sql, params))

    async def _ask(
        self, ask: Callable[..., Awaitable[Any]], sql: str, params: dict[str, Any]
    ) -> Any:
        text, names = translate(sql)
        try:
            return await ask(text, *[params[name] for name in names], timeout=self._patience)
        except asyncpg.UniqueViolationError as error:
            raise Duplicate(await self._indexes.violated(error)) from error
        except DRIVER as error:
            raise ours(error) from error


def changed(status: str) -> int:
    """Rows changed, from a command tag such as `DELETE 3`."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


class PostgresDatabase:
    """A PostgreSQL database; any number of processes may serve it."""

    engine = "postgres"
    changes = None

    def __init__(self, points: Pool, quick: Lane, slow: Lane, patience: float) -> None:
        """`patience`: the most seconds from a statement to its answer."""
        self._points = points
        self._patience = patience
        self.reader = ReadTx(points, quick, slow, patience)
        self._lanes = (quick, slow)
        self._indexes = Indexes(quick.pool)

    @classmethod
    async def open(cls, url: str, statement_timeout: float, pool_size: int) -> PostgresDatabase:
        """Connect and migrate. Raises `errors.DatabaseUnavailable`, `BadUrl`."""
        limits = {
            "statement_timeout": str(int(statement_timeout * 1000)),
            "application_name": "usherd",
            "jit": "off",
            "max_parallel_workers_per_gather": "0",  # one listing, one core
        }

        def pool(size: int, **more: str) -> Pool:
            return Pool(
                lambda: asyncpg.connect(
                    url, server_settings=limits | more, timeout=CONNECT_SECONDS
                ),
                size,
            )  # fmt: skip

        try:
            await migrate(url)
            # A listing's plan depends on its values: never the generic plan.
            # What its index finds has to fit: else every row of a page of the table is taken apart.
            custom = {"plan_cache_mode": "force_custom_plan", "work_mem": "32MB"}
            soon = str(int(min(QUICK_SECONDS, statement_timeout) * 1000))
            quick = pool(QUICK, statement_timeout=soon, **custom)
            return cls(
                pool(pool_size),
                Lane(quick, QUICK, QUICK_WAITING),
                Lane(pool(SLOW, **custom), SLOW, SLOW_WAITING),
                statement_timeout + ANSWER_SECONDS,
            )
        except (ValueError, asyncpg.ClientConfigurationError) as error:
            raise BadUrl(f"The PostgreSQL URL cannot be used: {error}.") from error
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise errors.DatabaseUnavailable(
                f"PostgreSQL cannot be reached: {error or type(error).__name__}."
            ) from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        yield self.reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        with _translated():
            connection = await self._points.take()
        try:
            with _translated():
                await connection.execute("begin", timeout=self._patience)
            try:
                yield WriteTx(connection, self._indexes, self._patience)
            except BaseException as error:
                await self._undo(connection, error)
                raise
            await self._commit(connection)
        finally:
            self._points.give(connection)

    async def _undo(self, connection: asyncpg.Connection, error: BaseException) -> None:
        """Roll back. What cannot be told to is cut off, and the server rolls back by itself."""
        if isinstance(error.__cause__, asyncpg.ReadOnlySQLTransactionError):
            self._points.expire()  # another server is the primary now
        if connection.is_closed():
            return
        try:
            await connection.execute("rollback", timeout=ANSWER_SECONDS)
        except (*UNREACHABLE, asyncpg.PostgresError):
            connection.terminate()

    async def _commit(self, connection: asyncpg.Connection) -> None:
        with _translated():
            try:
                status = await connection.execute("commit", timeout=self._patience)
            except UNREACHABLE as error:
                if connection.is_closed() or isinstance(error, TimeoutError):
                    raise errors.DatabaseUnavailable(UNCERTAIN) from error
                raise
        if status == "ROLLBACK":  # an error inside was swallowed: nothing was kept
            raise errors.GeneralServerError

    async def close(self) -> None:
        """Give back every connection, waiting for those in use."""
        self.reader.close()
        await self._points.close()
        for lane in self._lanes:
            await lane.pool.close()
