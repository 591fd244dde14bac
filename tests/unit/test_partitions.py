"""PostgreSQL with the table of users in partitions, as `docs/scaling.md` tells."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import pytest

from usherd import db, errors, projects, users
from usherd.db import Duplicate, Tx
from usherd.projects import Project
from usherd.vault import Vault

PARTITIONED = (
    "alter table users rename to plain",
    "create table users (like plain including defaults including identity) "
    "partition by hash (project_id)",
    "drop table plain cascade",
    "create table users_0 partition of users for values with (modulus 2, remainder 0)",
    "create table users_1 partition of users for values with (modulus 2, remainder 1)",
    "create unique index users_id on users (project_id, id)",
    "create unique index users_email on users (project_id, email)",
    "create unique index users_phone on users (project_id, phone)",
    "create unique index users_0_name on users_0 (name) where name <> ''",
    "create unique index users_1_name on users_1 (name) where name <> ''",
)


async def _refused(tx: Tx, project: Project) -> None:
    other = await users.lock(tx, project.id, "b")
    await tx.run("savepoint before")
    with pytest.raises(errors.UserEmailAlreadyExists):
        await users.change_email(tx, other, "a@x.org")
    await tx.run("rollback to before")
    with pytest.raises(errors.UserPhoneAlreadyExists):
        await users.change_phone(tx, other, "+491")
    await tx.run("rollback to before")
    with pytest.raises(Duplicate, match=r"users_[01]_name"):  # no index of the table's
        await users.rename(tx, other, "A")
    await tx.run("rollback to before")


def test_a_violated_index_of_a_partition_goes_by_the_name_of_the_table_s(
    new_database: Callable[[str], str],
) -> None:
    url = new_database("postgres")

    async def work() -> None:
        database = await db.open(url, pool_size=1)
        async with database.write() as tx:
            for statement in PARTITIONED:
                await tx.run(statement)
            await projects.create(tx, Vault([secrets.token_hex(32)]), "shop", "Shop")
            row = await projects.get(tx, "shop")
            assert row is not None
            project = Project.of(row, [])
            await users.create(tx, project, user_id="a", email="a@x.org", phone="+491", name="A")
            await users.create(tx, project, user_id="b", email="b@x.org", phone="+492")
            await tx.run("delete from targets")
        async with database.write() as tx:
            await _refused(tx, project)
            await _refused(tx, project)
        await database.close()

    asyncio.run(work())
