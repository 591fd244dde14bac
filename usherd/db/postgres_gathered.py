"""Rows by their ids: those asked for in one turn of the event loop share a round trip.

A round trip costs usherd and PostgreSQL several times what a row does (decision 0020).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from usherd.db import Row, statements

MOST = 64
"""Most rows of one statement."""

Fetch = Callable[[str, dict[str, Any]], Awaitable[list[Row]]]
Asked = tuple[str, asyncio.Future[Row | None]]


class Gathered:
    """Collects until the turn ends, then sends one statement for each table and project."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._asked: dict[tuple[str, str], list[Asked]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()  # asking for it costs a system call

    def row(self, table: str, project_id: str, row_id: str) -> asyncio.Future[Row | None]:
        """The row, as it is when the turn ends or later. Its errors are those of `fetch`."""
        if not self._asked:
            self._loop.call_soon(self._send)
        found: asyncio.Future[Row | None] = self._loop.create_future()
        self._asked.setdefault((table, project_id), []).append((row_id, found))
        return found

    def _send(self) -> None:
        asked, self._asked = self._asked, {}
        for (table, project_id), everybody in asked.items():
            for start in range(0, len(everybody), MOST):
                some = everybody[start : start + MOST]
                task = self._loop.create_task(self._answer(table, project_id, some))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _answer(self, table: str, project_id: str, asked: list[Asked]) -> None:
        try:
            rows = await self._ask(table, project_id, [row_id for row_id, _ in asked])
        except Exception as error:
            for _, found in asked:
                if not found.done():
                    found.set_exception(error)
            return
        by_id = {row["id"]: row for row in rows}
        for row_id, found in asked:
            if not found.done():
                found.set_result(by_id.get(row_id))

    async def _ask(self, table: str, project_id: str, row_ids: list[str]) -> list[Row]:
        if len(row_ids) == 1:
            values = {"project_id": project_id, "id": row_ids[0]}
            return await self._fetch(statements.by_id(table), values)
        return await self._fetch(
            f"select * from {table} where project_id = :project_id and id = any(:ids)",
            {"project_id": project_id, "ids": row_ids},
        )
