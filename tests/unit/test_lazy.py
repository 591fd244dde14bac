"""The transaction that opens at its first statement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from usherd import db, errors
from usherd.db import postgres_pool
from usherd.db.lazy import LazyTx


def test_a_request_that_finds_no_connection_is_told_to_come_back(
    new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "ACQUIRE_SECONDS", 0.05)
    url = new_database("postgres")

    async def work() -> None:
        database = await db.open(url, pool_size=1)
        async with database.write():
            waiting = LazyTx(database)
            with pytest.raises(errors.DatabaseUnavailable) as caught:
                await waiting.one("select 1 as one")
            await waiting.finish(caught.value)  # raises nothing more
        await database.close()

    asyncio.run(work())
