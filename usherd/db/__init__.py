"""The database as the rules see it: one `Tx` to speak SQL to, whichever engine is below.

SQL is written once, with `:name` parameters and without casts. What the engines spell
differently is translated in `sqlite.py` and `postgres.py`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec

Row = dict[str, Any]


class Duplicate(Exception):
    """A unique index refused a row. `index` is its name, e.g. `users_email`.

    The transaction is dead afterwards (PostgreSQL refuses every further statement), so
    turn it into a named error and let that propagate.
    """

    def __init__(self, index: str) -> None:
        super().__init__(index)
        self.index = index


class BadUrl(ValueError):
    """The database URL cannot be used; the message is one sentence for the operator."""


class UpkeepFailed(Exception):
    """An upgrade or a copy cannot be made; the message is one sentence for the operator."""


class Step(msgspec.Struct, frozen=True):
    """One migration that was applied, or was rehearsed."""

    name: str
    seconds: float
    does: tuple[str, ...]
    """Its statements, in short."""


class Tx(Protocol):
    """Statements of one request.

    In a writing transaction they are one atomic piece that is on disk before the caller
    is answered. In a reading one each statement sees the newest committed state.
    """

    engine: str

    async def one(self, sql: str, **params: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def by_id(self, table: str, project_id: str, row_id: str) -> Row | None:
        """The row with this id, whose form has been checked: others may share its statement."""
        ...

    async def all(self, sql: str, **params: Any) -> list[Row]:
        """Every row of a statement that an index answers."""
        ...

    async def run(self, sql: str, **params: Any) -> int:
        """Execute, and say how many rows changed."""
        ...

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        """A statement whose shape a caller chose: it runs apart from the others, under the
        time limit.

        Raises `errors.DatabaseTimeout`, and `errors.GeneralOverloaded` when too many wait.
        """
        ...

    async def insert(self, table: str, **values: Any) -> Row:
        """Insert and return the whole row. Raises `Duplicate`."""
        ...

    async def insert_or_ignore(self, table: str, **values: Any) -> Row | None:
        """Insert, or return None where a unique index has such a row already."""
        ...

    async def update(self, table: str, row: Row, **changes: Any) -> Row:
        """Change `row`, which this transaction has locked or made, and return it with the changes.

        Raises `Duplicate`, and LookupError when there is no such row: it was not locked.
        """
        ...


Forget = Callable[[set[int] | None], None]
"""Is told the `seq`s of changed rows, or None when any row may have changed."""


class Changes(Protocol):
    """What has changed, for whoever remembers rows that have been read."""

    def subscribe(self, table: str, forget: Forget) -> None:
        """Have `forget` called with the changed rows of a table, before the one who has changed
        them is answered."""
        ...

    def look(self) -> None:
        """Call it before what is remembered is used: another process may have written."""
        ...


class Database(Protocol):
    """An open database."""

    engine: str

    @property
    def changes(self) -> Changes | None:
        """None where changes are not told: there, nothing may be remembered."""
        ...

    @property
    def reader(self) -> Tx:
        """Statements that only read; nothing is held between them."""
        ...

    def write(self) -> AbstractAsyncContextManager[Tx]:
        """One transaction: leaving the block waits until it is durable; an exception undoes it.

        Never await anything but this transaction inside: on SQLite every writer waits.
        """
        ...

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """`reader` as a block, for code that reads outside a request."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, and let go of every file and connection."""
        ...


async def open(url: str, *, statement_timeout: float = 10.0, pool_size: int = 10) -> Database:
    """Open the database behind `url`, bring its schema up to date, and hand it over.

    `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://...`;
    `statement_timeout` in seconds bounds listings. Raises `BadUrl`,
    `errors.DatabaseUnavailable`.
    """
    if url.startswith("sqlite:///"):
        from usherd.db.sqlite import SqliteDatabase

        return await SqliteDatabase.open(sqlite_path(url), statement_timeout)
    if url.startswith(("postgresql://", "postgres://")):
        from usherd.db.postgres import PostgresDatabase

        return await PostgresDatabase.open(url, statement_timeout, pool_size)
    raise BadUrl(
        "A database URL looks like sqlite:///relative.db, sqlite:////absolute.db "
        "or postgresql://user:password@host/name."
    )


def sqlite_path(url: str) -> str:
    """The file that a `sqlite:///` URL names. Raises `BadUrl` when it names none."""
    path = url.removeprefix("sqlite:///")
    if not path or path.endswith("/") or "\0" in path:
        raise BadUrl("A sqlite URL needs a file, such as sqlite:///usherd.db.")
    return path


__all__ = [
    "BadUrl", "Changes", "Database", "Duplicate", "Forget", "Row", "Step", "Tx", "UpkeepFailed",
    "open", "sqlite_path",
]  # fmt: skip
