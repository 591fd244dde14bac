"""Lists that nothing serves: stopped, counted, and in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import apsw
import pytest

from usherd import db, errors
from usherd.db import sqlite, sqlite_listings, turns

HOPELESS = (
    "with recursive t (n) as (select 1 union all select n + 1 from t where n > 0) "
    "select count(*) as n from t"
)
"""What never ends."""

CHEAP = (
    "with recursive t (n) as (select 1 union all select n + 1 from t where n < 100) select n from t"
)
WORK = "with recursive t (n) as (select 1 union all select n + 1 from t where n < :most) select n from t"

TABLE = "projects"
PROJECT: dict[str, Any] = {"signing_key": "", "created_at": 0, "updated_at": 0}


def run(url: str, work: Callable[[db.Database], Awaitable[None]], seconds: float = 3600) -> None:
    """Do something with an open database, whose listings may take an hour."""

    async def opened() -> None:
        database = await db.open(url, statement_timeout=seconds)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(opened())


def test_hopeless_lists_wait_for_their_like_alone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 3600)

    async def work(database: db.Database) -> None:
        tx = database.reader
        tasks = [asyncio.create_task(tx.listing(HOPELESS, {})) for _ in range(24)]
        most = turns.SLOW_WAITING + 2
        while sum(task.done() for task in tasks) < len(tasks) - most:
            await asyncio.sleep(0.01)
        for _ in range(50):  # cheap ones, reads and writes go on
            assert len(await tx.listing(CHEAP, {})) == 100
            assert await tx.one("select 1 as one") == {"one": 1}
        while True:  # one for the quick lane: a machine that is slow just now does it next time
            with suppress(errors.GeneralOverloaded):
                assert len(await tx.listing(WORK, {"most": 5_000})) == 5_000
                break
        async with database.write() as writing:
            await writing.insert(TABLE, id="p", name="P", **PROJECT)
        refused = [task for task in tasks if task.done()]
        assert len(refused) == len(tasks) - most
        for task in refused:
            error = task.exception()
            assert isinstance(error, errors.GeneralOverloaded)
            assert error.code == 503
            assert "Retry-After" in error.headers
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(end, asyncio.CancelledError) for end in ends) == most
        while True:  # what nobody waits for any more is stopped, and makes room
            try:
                await asyncio.wait_for(tx.listing(HOPELESS, {}), 1.0)
            except TimeoutError:
                break
            except errors.GeneralOverloaded:
                await asyncio.sleep(0.01)

    run(database_url, work)


def test_the_time_limit_stops_a_list(database_url: str) -> None:
    async def work(database: db.Database) -> None:
        with pytest.raises(errors.DatabaseTimeout) as stopped:
            await database.reader.listing(HOPELESS, {})
        assert stopped.value.code == 408

    run(database_url, work, 0.3)


def test_whoever_waits_too_long_is_told_to_come_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.05)

    async def work(database: db.Database) -> None:
        tasks = [asyncio.create_task(database.reader.listing(HOPELESS, {})) for _ in range(3)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert isinstance(done.pop().exception(), errors.GeneralOverloaded)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(database_url, work)


def test_a_turn_that_comes_with_a_cancellation_is_passed_on() -> None:
    async def work() -> None:
        one = turns.Turns(1, 5)
        await one.take()
        first, second = (asyncio.create_task(one.take()) for _ in range(2))
        await asyncio.sleep(0)
        one.give()
        first.cancel()
        await second
        assert first.cancelled()

    asyncio.run(work())


# -- SQLite --


@pytest.fixture
def file(new_database: Callable[[str], str]) -> str:
    return new_database("sqlite")


def test_a_list_sees_what_was_written_since_one_was_interrupted(file: str) -> None:
    """An interrupted statement leaves no snapshot behind, on whichever connection it ran."""
    much = f"select id from projects union all select cast(n as text) from ({WORK})"

    async def work(database: db.Database) -> None:
        assert isinstance(database, sqlite.SqliteDatabase)
        lists, tx = database._listings, database.reader
        for at in range(5):
            await tx.listing(much, {"most": 30_000})  # begun on the loop thread, and interrupted
            with pytest.raises(TimeoutError):  # and this one in every lane
                await asyncio.wait_for(tx.listing(f"{HOPELESS}, projects", {}), 0.5)
            while len(lists._slow._idle) < sqlite_listings.SLOW:
                await asyncio.sleep(0.01)
            async with database.write() as writing:
                await writing.insert(TABLE, id=f"p{at}", name="P", **PROJECT)
            for connection in (lists._inline, *lists._quick._idle, *lists._slow._idle):
                assert isinstance(connection, sqlite.Connection)
                assert connection.raw.txn_state("main") == apsw.SQLITE_TXN_NONE
                rows = connection.rows("select count(*) as projects from projects", {})
                assert rows == [{"projects": at + 1}]
            assert len(await tx.listing("select id from projects", {})) == at + 1

    run(file, work)


def test_only_what_takes_its_time_leaves_the_loop_thread(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_listings, "QUICK_WAITING", 0)

    async def work(database: db.Database) -> None:
        assert isinstance(database, sqlite.SqliteDatabase)
        for _ in range(sqlite_listings.QUICK):  # nobody else gets a turn
            await database._listings._quick._turns.take()
        monkeypatch.setattr(sqlite_listings, "WAITED_SECONDS", 3600)
        monkeypatch.setattr(sqlite_listings, "INLINE_SECONDS", 3600)
        for _ in range(500):
            assert len(await database.reader.listing(CHEAP, {})) == 100
        assert len(await database.reader.listing(WORK, {"most": 30_000})) == 30_000
        monkeypatch.setattr(sqlite_listings, "INLINE_SECONDS", 0)
        with pytest.raises(errors.GeneralOverloaded):
            await database.reader.listing(WORK, {"most": 30_000})
        monkeypatch.setattr(sqlite_listings, "INLINE_SECONDS", 3600)
        for _ in range(sqlite_listings.PASSED_OVER):  # is remembered, and tried again some day
            with pytest.raises(errors.GeneralOverloaded):
                await database.reader.listing(WORK, {"most": 1})
            assert len(await database.reader.listing(CHEAP, {})) == 100
        assert len(await database.reader.listing(WORK, {"most": 1})) == 1
        for _ in range(sqlite_listings.QUICK):
            database._listings._quick._turns.give()

    run(file, work)


def test_closing_stops_what_runs(file: str) -> None:
    async def work(database: db.Database) -> None:
        hopeless = asyncio.create_task(database.reader.listing(HOPELESS, {}))
        await asyncio.sleep(0)
        await database.close()
        with pytest.raises(errors.DatabaseTimeout):
            await hopeless

    async def opened() -> None:
        await work(await db.open(file, statement_timeout=3600))

    asyncio.run(opened())
