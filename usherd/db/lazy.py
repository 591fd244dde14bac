"""A writing transaction that opens at its first statement: what comes before holds nobody up."""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager
from typing import Any

from usherd.db import Database, Row, Tx


class LazyTx:
    """A `Tx` that a request may never need; `finish` ends it either way."""

    def __init__(self, database: Database) -> None:
        self.engine = database.engine
        self._database = database
        self._block: AbstractAsyncContextManager[Tx] | None = None
        self._tx: Tx | None = None

    async def _open(self) -> Tx:
        if self._tx is None:
            block = self._database.write()
            self._tx = await block.__aenter__()
            self._block = block  # not before: a transaction that did not begin has no end
        return self._tx

    async def one(self, sql: str, **params: Any) -> Row | None:
        return await (self._tx or await self._open()).one(sql, **params)

    async def by_id(self, table: str, project_id: str, row_id: str) -> Row | None:
        return await (self._tx or await self._open()).by_id(table, project_id, row_id)

    async def all(self, sql: str, **params: Any) -> list[Row]:
        return await (self._tx or await self._open()).all(sql, **params)

    async def run(self, sql: str, **params: Any) -> int:
        return await (self._tx or await self._open()).run(sql, **params)

    async def listing(self, sql: str, params: dict[str, Any]) -> list[Row]:
        return await (self._tx or await self._open()).listing(sql, params)

    async def insert(self, table: str, **values: Any) -> Row:
        return await (self._tx or await self._open()).insert(table, **values)

    async def insert_or_ignore(self, table: str, **values: Any) -> Row | None:
        return await (self._tx or await self._open()).insert_or_ignore(table, **values)

    async def update(self, table: str, row: Row, **changes: Any) -> Row:
        return await (self._tx or await self._open()).update(table, row, **changes)

    async def finish(self, error: BaseException | None = None) -> None:
        """Commit, and wait until it is durable; or undo everything because of `error`."""
        block, self._block, self._tx = self._block, None, None
        if block is None:
            return
        if error is None:
            await block.__aexit__(None, None, None)
        else:
            try:
                await block.__aexit__(type(error), error, error.__traceback__)
            except BaseException:
                if sys.exc_info()[1] is not error:
                    raise
