"""Connections to PostgreSQL: who gets one, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from usherd import eager
from usherd.db import postgres_pool
from usherd.db.postgres_pool import Pool


def run(url: str, size: int, work: Callable[[Pool], Awaitable[None]]) -> None:
    async def whole() -> None:
        pool = Pool(lambda: asyncpg.connect(url), size)
        await work(pool)
        await pool.close()

    asyncio.run(whole())


async def turn() -> None:
    """Let everybody else go on until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_connections_are_made_when_needed_and_used_again(postgres_url: str) -> None:
    async def work(pool: Pool) -> None:
        assert pool.at_hand() is None
        first = await pool.take()
        pool.give(first)
        assert await pool.take() is first
        second = await pool.take()
        assert second is not first
        pool.give(first)
        pool.give(second)

    run(postgres_url, 2, work)


def test_whoever_waits_longest_is_next(postgres_url: str) -> None:
    async def work(pool: Pool) -> None:
        served: list[int] = []

        async def visit(number: int) -> None:
            async with pool.lent() as connection:
                assert await connection.fetchval("select 1") == 1
                served.append(number)

        connection = await pool.take()
        visits = [asyncio.create_task(visit(number)) for number in range(5)]
        await turn()
        assert served == []
        pool.give(connection)
        await asyncio.gather(*visits)
        assert served == [0, 1, 2, 3, 4]

    run(postgres_url, 1, work)


def test_whoever_gives_up_waiting_loses_no_connection(postgres_url: str) -> None:
    """Before the turn comes, and in the very moment in which it comes."""

    async def work(pool: Pool) -> None:
        connection = await pool.take()
        early, late, last = (asyncio.create_task(pool.take()) for _ in range(3))
        await turn()
        early.cancel()
        await turn()
        pool.give(connection)  # to `late`, which has not been told yet
        late.cancel()
        assert await last is connection
        assert early.cancelled()
        assert late.cancelled()
        pool.give(connection)

    run(postgres_url, 1, work)


def test_waiting_has_an_end(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pool, "ACQUIRE_SECONDS", 0.05)

    async def work(pool: Pool) -> None:
        connection = await pool.take()
        early = asyncio.create_task(pool.take())
        await asyncio.sleep(0.03)
        late = asyncio.create_task(pool.take())
        for waiting in (early, late):  # one timer serves both, one after the other
            with pytest.raises(TimeoutError):
                await waiting
        pool.give(connection)
        assert await pool.take() is connection
        pool.give(connection)

    run(postgres_url, 1, work)


def test_a_closed_connection_makes_room_for_a_new_one(postgres_url: str) -> None:
    async def work(pool: Pool) -> None:
        used = await pool.take()
        waiting = asyncio.create_task(pool.take())
        await turn()
        used.terminate()
        pool.give(used)
        fresh = await waiting
        assert await fresh.fetchval("select 1") == 1
        pool.give(fresh)
        fresh.terminate()  # while it lies in the pool
        again = await pool.take()
        assert await again.fetchval("select 1") == 1
        pool.give(again)

    run(postgres_url, 1, work)


def test_whoever_cannot_connect_leaves_room_for_the_next(postgres_url: str) -> None:
    async def work(pool: Pool) -> None:
        real, failures = pool._connect, 1

        async def connect() -> asyncpg.Connection:
            nonlocal failures
            if failures:
                failures -= 1
                raise ConnectionRefusedError
            return await real()

        pool._connect = connect
        with pytest.raises(ConnectionRefusedError):
            await pool.take()
        pool.give(await pool.take())

    run(postgres_url, 1, work)


def test_after_a_failover_no_connection_is_used_again(postgres_url: str) -> None:
    async def work(pool: Pool) -> None:
        used, free = await pool.take(), await pool.take()
        pool.give(free)
        pool.expire()
        assert free.is_closed()
        assert await used.fetchval("select 1") == 1  # it may finish what it has begun
        pool.give(used)
        assert used.is_closed()
        fresh = await pool.take()
        assert fresh not in (used, free)
        pool.give(fresh)

    run(postgres_url, 2, work)


def test_closing_waits_for_what_is_in_use(postgres_url: str) -> None:
    async def whole() -> None:
        pool = Pool(lambda: asyncpg.connect(postgres_url), 2)
        connection = await pool.take()
        closing = asyncio.create_task(pool.close())
        await turn()
        assert not closing.done()
        with pytest.raises(asyncpg.InterfaceError):
            await pool.take()
        pool.give(connection)
        await closing
        assert connection.is_closed()

    asyncio.run(whole())


def test_a_statement_that_was_given_up_is_over_before_its_connection_is_used_again(
    postgres_url: str,
) -> None:
    """asyncpg would wait for that in the next statement, and only inside a task."""

    async def work(pool: Pool) -> None:
        async def give_up() -> None:
            async with pool.lent() as connection:
                await connection.execute("select pg_sleep(60)")

        task = asyncio.create_task(give_up())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pool.at_hand() is None
        answers: list[int] = []

        async def ask() -> None:
            async with pool.lent() as connection:
                answers.append(await connection.fetchval("select 1"))

        rest = eager.start(ask(), asyncio.get_running_loop())
        assert rest is not None
        await rest
        assert answers == [1]

    run(postgres_url, 1, work)


def test_a_server_that_does_not_stop_a_statement_loses_the_connection(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "SETTLE_SECONDS", 0.0)

    async def work(pool: Pool) -> None:
        connection = await pool.take()
        task = asyncio.create_task(connection.execute("select pg_sleep(1)"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        pool.give(connection)
        another = await pool.take()
        assert another is not connection
        pool.give(another)

    run(postgres_url, 1, work)
