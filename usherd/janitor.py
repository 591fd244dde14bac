"""Sweeps out what has expired, a little at a time: nothing here matters to any answer."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import msgspec

from usherd import clock, projects
from usherd.db import Database, Tx
from usherd.errors import AppError
from usherd.settings import ProjectSettings

log = logging.getLogger("usherd.janitor")

ROUND_SECONDS = 300.0
BATCH = 500
"""Most rows of one transaction: other writers wait for it."""

EXPIRING = {"sessions": "expire_at", "tokens": "expire_at", "challenges": "expire_at",
            "oauth_states": "expire_at", "rate_limits": "ends_at"}  # fmt: skip
KEYS = {"rate_limits": "(project_id, name, ends_at)"}
DAY = 86_400_000


class Janitor:
    """One task of the process; several processes on one database do no harm to each other."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._task = asyncio.create_task(self._rounds())

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await sweep(self._db)
            except AppError as error:
                log.warning("not swept: %s", error.message)
            except Exception:
                log.exception("not swept")

    async def close(self) -> None:
        """Stop between two transactions."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def sweep(db: Database) -> int:
    """Delete everything that has expired; returns how many rows that were."""
    gone = 0
    for table, column in EXPIRING.items():
        key = KEYS.get(table, "seq")
        while True:
            async with db.write() as tx:
                some = await tx.run(
                    f"delete from {table} where {key} in (select {key.strip('()')} from {table} "
                    f"where {column} < :now order by {column} limit {BATCH})",
                    now=clock.now(),
                )
            gone += some
            if some < BATCH:
                break
    return gone + await _sweep_logs(db)


async def _sweep_logs(db: Database) -> int:
    """Delete log entries that are older than their project keeps them.

    Entries are in the order of time, so that the walk ends at the first one that nobody may
    delete yet.
    """
    async with db.read() as tx:
        kept = {row["id"]: _days(row["settings"]) for row in await projects.listing(tx)}
    days = [number for number in kept.values() if number]
    if not days:
        return 0
    now, last, gone = clock.now(), 0, 0
    while True:
        async with db.write() as tx:
            found = await tx.all(
                "select seq, project_id, created_at from logs where seq > :last "
                f"order by seq limit {BATCH}",
                last=last,
            )
            rows = [row for row in found if row["created_at"] < now - min(days) * DAY]
            old = [
                row["seq"]
                for row in rows
                if kept.get(row["project_id"])
                and row["created_at"] < now - kept[row["project_id"]] * DAY
            ]
            gone += await _delete_logs(tx, old)
        if len(rows) < BATCH:
            return gone
        last = rows[-1]["seq"]


async def _delete_logs(tx: Tx, seqs: list[int]) -> int:
    if not seqs:
        return 0
    return await tx.run(f"delete from logs where seq in ({', '.join(map(str, seqs))})")


def _days(settings: str) -> int:
    return ProjectSettings.of(msgspec.json.decode(settings)).log_days
