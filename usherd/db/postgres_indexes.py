"""Which index of the schema a row violated, when the table is one of partitions."""

from __future__ import annotations

import asyncpg

from usherd.db.postgres_pool import Pool

_ROOT = """
    select root.relname from pg_class violated
    join pg_namespace schema on schema.oid = violated.relnamespace
    join pg_class root on root.oid = coalesce(pg_partition_root(violated.oid), violated.oid)
    where violated.relname = $1 and schema.nspname = $2
"""


class Indexes:
    """Names of violated indexes, as the rules know them.

    PostgreSQL reports the index of the partition that the row would be in; rules know the name of
    the one that all partitions share.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        """Not the one that transactions come from: they hold a connection while they ask."""
        self._roots: dict[tuple[str, str], str] = {}

    async def violated(self, error: asyncpg.UniqueViolationError) -> str:
        """The name of the index, which is looked up once; as it was reported where the server
        cannot be asked."""
        found = error.constraint_name or "", error.schema_name or ""
        if found not in self._roots:
            try:
                async with self._pool.lent() as connection:
                    root = await connection.fetchval(_ROOT, *found, timeout=5.0)
            except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
                return found[0]
            self._roots[found] = root or found[0]
        return self._roots[found]
