"""Answers about users that are given again: never after the user has changed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import apsw
import msgspec
import pytest

from usherd import db, errors, models, projects, users
from usherd.db import Database
from usherd.projects import Project
from usherd.shown import BESIDE_BYTES, Shown
from usherd.vault import Vault

MOMENT = 0.003
"""Seconds after which the file is looked at again."""

MEGABYTE = 1 << 20


def run(url: str, work: Callable[[Database, Project], Awaitable[None]]) -> None:
    """Do the work in a new database that has the project `p`."""

    async def whole() -> None:
        database = await db.open(url)
        try:
            async with database.write() as tx:
                row = await projects.create(tx, Vault(["s" * 32]), "p", "P")
            await work(database, Project.of(row))
        finally:
            await database.close()

    asyncio.run(whole())


async def make(database: Database, project: Project, user_id: str, name: str = "") -> None:
    async with database.write() as tx:
        await users.create(tx, project, user_id=user_id, name=name)


async def rename(database: Database, user_id: str, name: str) -> None:
    async with database.write() as tx:
        await users.rename(tx, await users.lock(tx, "p", user_id), name)


async def name_of(shown: Shown, user_id: str) -> str:
    encoded = models.encode(await shown.user("p", user_id))
    return str(msgspec.json.decode(encoded)["name"])


def test_whoever_is_told_that_a_write_is_done_reads_it(database_url: str) -> None:
    """While others read all the time, and while other writes share the commit."""

    async def work(database: Database, project: Project) -> None:
        shown = Shown(database, MEGABYTE)
        people = [f"u{number}" for number in range(8)]
        for user_id in people:
            await make(database, project, user_id)
        writing = True

        async def look() -> None:
            while writing:
                await name_of(shown, random.choice(people))
                await asyncio.sleep(0)

        async def change(user_id: str) -> None:
            for number in range(60):
                await rename(database, user_id, f"{user_id} {number}")
                assert await name_of(shown, user_id) == f"{user_id} {number}"

        readers = [asyncio.create_task(look()) for _ in range(4)]
        await asyncio.gather(*map(change, people))
        writing = False
        await asyncio.gather(*readers)

    run(database_url, work)


def test_a_change_that_is_undone_is_never_shown(database_url: str) -> None:
    async def work(database: Database, project: Project) -> None:
        shown = Shown(database, MEGABYTE)
        await make(database, project, "u", "before")

        async def fail() -> None:
            async with database.write() as tx:
                await users.rename(tx, await users.lock(tx, "p", "u"), "never")
                await users.lock(tx, "p", "nobody")

        with pytest.raises(errors.UserNotFound):
            await fail()
        assert await name_of(shown, "u") == "before"

    run(database_url, work)


def test_who_is_gone_is_gone_and_may_come_again(database_url: str) -> None:
    async def work(database: Database, project: Project) -> None:
        shown = Shown(database, MEGABYTE)
        await make(database, project, "u", "first")
        assert await name_of(shown, "u") == "first"
        async with database.write() as tx:
            await users.delete(tx, await users.lock(tx, "p", "u"))
        with pytest.raises(errors.UserNotFound):
            await shown.user("p", "u")
        await make(database, project, "u", "second")
        assert await name_of(shown, "u") == "second"

    run(database_url, work)


def test_a_user_is_shown_in_no_other_project(database_url: str) -> None:
    async def work(database: Database, project: Project) -> None:
        shown = Shown(database, MEGABYTE)
        await make(database, project, "u")
        assert await name_of(shown, "u") == ""
        with pytest.raises(errors.UserNotFound):
            await shown.user("q", "u")

    run(database_url, work)


def test_what_another_process_writes_is_seen(new_database: Callable[[str], str]) -> None:
    """A millisecond later at most, also while this process is writing."""
    url = new_database("sqlite")

    async def work(database: Database, project: Project) -> None:
        shown = Shown(database, MEGABYTE)
        await make(database, project, "u", "ours")
        await make(database, project, "w")
        other = apsw.Connection(db.sqlite_path(url))
        change = "update users set name = ? where id = 'u'"
        assert await name_of(shown, "u") == "ours"
        other.execute(change, ("theirs",))
        await asyncio.sleep(MOMENT)
        assert await name_of(shown, "u") == "theirs"
        other.execute(change, ("theirs again",))
        async with database.write() as tx:  # nobody looks while this lasts
            await tx.run("update users set name = 'w' where id = 'w'")
            await asyncio.sleep(0)
            assert await name_of(shown, "u") == "theirs again"
        assert await name_of(shown, "u") == "theirs again"
        await asyncio.sleep(MOMENT)
        await database.reader.one("select 1 as one from users limit 1")  # begins a snapshot
        other.execute(change, ("theirs at last",))
        assert await name_of(shown, "u") == "theirs at last"
        await asyncio.sleep(MOMENT)
        assert await name_of(shown, "u") == "theirs at last"
        other.close()

    run(url, work)


def test_memory_is_bounded_and_what_was_asked_for_last_stays(
    new_database: Callable[[str], str],
) -> None:
    async def work(database: Database, project: Project) -> None:
        for number in range(30):
            await make(database, project, f"u{number:02}", "same length")
        body = models.encode(await Shown(database, MEGABYTE).user("p", "u00"))
        shown = Shown(database, 10 * (len(body) + BESIDE_BYTES))
        for number in (*range(10), 0, *range(10, 19)):
            await shown.user("p", f"u{number:02}")
        assert [name for _, name in shown._bodies] == ["u00", *(f"u{n}" for n in range(10, 19))]
        assert set(shown._names.values()) == set(shown._bodies)
        await rename(database, "u00", "another")
        assert ("p", "u00") not in shown._bodies
        assert shown._size == 9 * (len(body) + BESIDE_BYTES)

    run(new_database("sqlite"), work)


def test_nothing_is_kept_where_changes_are_not_told(new_database: Callable[[str], str]) -> None:
    async def work(database: Database, project: Project) -> None:
        await make(database, project, "u")
        for shown in (Shown(database, MEGABYTE), Shown(database, 0)):
            await shown.user("p", "u")
            assert not shown._bodies

    run(new_database("postgres"), work)
