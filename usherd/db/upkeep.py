"""Upgrades, rehearsals and copies of whichever database a URL names."""

from __future__ import annotations

import apsw
import asyncpg

from usherd import errors
from usherd.db import BadUrl, Step, postgres_upkeep, sqlite_path, sqlite_upkeep

UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, apsw.Error)


async def upgrade(url: str, *, backup: bool = True) -> list[Step]:
    """Apply every missing migration. On SQLite a checked copy is kept, unless not wanted.

    Raises `UpkeepFailed`, `BadUrl`, `errors.DatabaseUnavailable`.
    """
    try:
        if _is_sqlite(url):
            return sqlite_upkeep.migrate(sqlite_path(url), backup=backup)
        return await postgres_upkeep.migrate(url)
    except UNREACHABLE as error:
        raise _unavailable(error) from error


async def rehearse(url: str) -> list[Step]:
    """Apply every missing migration to a copy, and remove that. Raises as `upgrade` does."""
    try:
        if _is_sqlite(url):
            return sqlite_upkeep.rehearse(sqlite_path(url))
        return await postgres_upkeep.rehearse(url)
    except UNREACHABLE as error:
        raise _unavailable(error) from error


async def copy(url: str, target: str) -> None:
    """A consistent copy into a file, while the database is served. Raises as `upgrade` does."""
    if _is_sqlite(url):
        sqlite_upkeep.copy(sqlite_path(url), target)
    else:
        await postgres_upkeep.copy(url, target)


def _is_sqlite(url: str) -> bool:
    if url.startswith("sqlite:///"):
        return True
    if url.startswith(("postgresql://", "postgres://")):
        return False
    raise BadUrl("A database URL begins with sqlite:/// or postgresql://.")


def _unavailable(error: Exception) -> errors.DatabaseUnavailable:
    return errors.DatabaseUnavailable(
        f"The database cannot be reached or changed: {error or type(error).__name__}."
    )
