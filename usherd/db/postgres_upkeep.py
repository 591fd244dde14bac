"""The PostgreSQL database between the requests: migrated, copied by PostgreSQL's own programs."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from usherd.db import Step, UpkeepFailed, statements

CONNECT_SECONDS = 2.0
"""How long one host may take to let us in, before the next one of the URL is tried."""

MIGRATION_LOCK = 0x75736865726400
"""Advisory lock that workers starting together take in turn ("usherd" in ASCII)."""


async def migrate(url: str) -> list[Step]:
    """Apply what is missing, each migration in a transaction, one process at a time."""
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    try:
        await connection.execute(f"select pg_advisory_lock({MIGRATION_LOCK})")
        await connection.execute(
            "create table if not exists migrations "
            "(name text primary key, applied_at timestamptz not null default now())"
        )
        applied = {row["name"] for row in await connection.fetch("select name from migrations")}
        missing = statements.missing("postgres", applied)
        return [await _apply(connection, name, sql) for name, sql in missing]
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, name: str, sql: str) -> Step:
    started = time.perf_counter()
    async with connection.transaction():
        await connection.execute(
            sql.replace("{seq}", "bigint generated always as identity primary key")
        )
        await connection.execute("insert into migrations (name) values ($1)", name)
    return Step(name, time.perf_counter() - started, statements.summary(sql))


# -- copies --


async def copy(url: str, target: str) -> None:
    """What pg_dump makes of the database, in its custom format. Raises `UpkeepFailed`."""
    if Path(target).exists():
        raise UpkeepFailed(f"{target} exists; name another file, or move it away.")
    part = Path(f"{target}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        await _run("pg_dump", url, "--format=custom", "--no-owner", "--file", str(part))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


async def rehearse(url: str) -> list[Step]:
    """What `migrate` would do, done to a copy on the same server that is removed again.

    Raises `UpkeepFailed`.
    """
    name = f"usherd_rehearsal_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    try:
        await connection.execute(f"create database {name}")
        try:
            trial = _other(url, name)
            with tempfile.TemporaryDirectory() as folder:
                dump = f"{folder}/dump"
                await copy(url, dump)
                await _run("pg_restore", trial, "--no-owner", "--exit-on-error", dump)
            return await migrate(trial)
        finally:
            await connection.execute(f"drop database {name} with (force)")
    except asyncpg.PostgresError as error:
        raise UpkeepFailed(f"The rehearsal failed: {error}.") from error
    finally:
        await connection.close()


def _other(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def _run(program: str, url: str, *args: str) -> None:
    """Run one of PostgreSQL's programs on a database; the password is not on its command line."""
    found = shutil.which(program)
    if found is None:
        raise UpkeepFailed(
            f"This needs {program}, which comes with PostgreSQL's client programs; "
            "install them in the server's version, or put them into PATH."
        )
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=user.partition(":")[0] + at + hosts).geturl()
    secret = {"PGPASSWORD": unquote(parts.password)} if parts.password else {}
    process = await asyncio.create_subprocess_exec(
        found, "--dbname", bare, *args,
        env=os.environ | secret, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await process.communicate()
    if process.returncode:
        raise UpkeepFailed(f"{program} failed: {told.decode(errors='replace').strip()}")
