"""Rows by their ids on PostgreSQL: one round trip a turn, and everybody gets their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from usherd import db, errors, projects
from usherd.db import Row
from usherd.db.postgres import PostgresDatabase
from usherd.db.postgres_gathered import MOST, Gathered
from usherd.vault import Vault

BOX = Vault(["0" * 64])


class Seen:
    """What was asked of the database: every statement's values, on their way to the real one."""

    def __init__(self, database: PostgresDatabase) -> None:
        self.asked: list[dict[str, Any]] = []
        self._fetch = database.reader._rows

    async def __call__(self, sql: str, params: dict[str, Any]) -> list[Row]:
        self.asked.append(params)
        return await self._fetch(sql, params)


Work = Callable[[Gathered, Seen], Awaitable[None]]


@pytest.fixture
def run(new_database: Callable[[str], str]) -> Callable[[Work], None]:
    """Runs something on a database of two projects, each with the users `u0` ... `u199`."""
    url = new_database("postgres")

    async def whole(work: Work) -> None:
        database = await db.open(url)
        assert isinstance(database, PostgresDatabase)
        async with database.write() as tx:
            for project in ("p", "q"):
                await projects.create(tx, BOX, project, project)
                for number in range(200):
                    await tx.insert(
                        "users", project_id=project, id=f"u{number}", name=f"{project} {number}",
                        created_at=0, updated_at=0,
                    )  # fmt: skip
        seen = Seen(database)
        try:
            await work(Gathered(seen), seen)
        finally:
            await database.close()

    return lambda work: asyncio.run(whole(work))


def name(row: Row | None) -> str:
    assert row is not None
    return str(row["name"])


def test_those_of_one_turn_share_a_statement(run: Callable[[Work], None]) -> None:
    async def work(gathered: Gathered, seen: Seen) -> None:
        ids = ["u3", "u1", "nobody", "u3"]
        rows = await asyncio.gather(*(gathered.row("users", "p", each) for each in ids))
        assert [row and row["name"] for row in rows] == ["p 3", "p 1", None, "p 3"]
        assert len(seen.asked) == 1
        assert name(await gathered.row("users", "p", "u7")) == "p 7"
        assert seen.asked[1:] == [{"project_id": "p", "id": "u7"}]

    run(work)


def test_projects_and_tables_are_kept_apart(run: Callable[[Work], None]) -> None:
    async def work(gathered: Gathered, seen: Seen) -> None:
        asked = [("users", "p", "u1"), ("users", "q", "u1"), ("users", "r", "u1"),
                 ("teams", "p", "u1"), ("users", "q", "u2")]  # fmt: skip
        rows = await asyncio.gather(*(gathered.row(*each) for each in asked))
        assert [row and row["name"] for row in rows] == ["p 1", "q 1", None, None, "q 2"]
        assert len(seen.asked) == 4

    run(work)


def test_a_statement_has_a_bound(run: Callable[[Work], None]) -> None:
    async def work(gathered: Gathered, seen: Seen) -> None:
        ids = [f"u{number}" for number in range(200)]
        rows = await asyncio.gather(*(gathered.row("users", "p", each) for each in ids))
        assert [name(row) for row in rows] == [f"p {number}" for number in range(200)]
        assert [len(each["ids"]) for each in seen.asked] == [MOST, MOST, MOST, 200 - 3 * MOST]

    run(work)


def test_who_does_not_wait_any_more_disturbs_nobody(run: Callable[[Work], None]) -> None:
    async def work(gathered: Gathered, _seen: Seen) -> None:
        first, second = gathered.row("users", "p", "u1"), gathered.row("users", "p", "u2")
        first.cancel()
        assert name(await second) == "p 2"

    run(work)


def test_an_error_is_everybodys(run: Callable[[Work], None]) -> None:
    async def work(gathered: Gathered, seen: Seen) -> None:
        rows = [gathered.row("users", "p", each) for each in ("u1", "u2")]

        async def away(_sql: str, _params: dict[str, Any]) -> list[Row]:
            raise errors.DatabaseUnavailable

        gathered._fetch = away
        for row in rows:
            with pytest.raises(errors.DatabaseUnavailable):
                await row
        gathered._fetch = seen
        assert name(await gathered.row("users", "p", "u1")) == "p 1"

    run(work)
