"""Sweeps out what has expired, a little at a time: nothing here matters to any answer."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import msgspec

from usherd import clock, projects, targets, users
from usherd.db import Database
from usherd.errors import AppError, UserNotFound
from usherd.settings import ProjectSettings

log = logging.getLogger("usherd.janitor")

ROUND_SECONDS = 300.0
BATCH = 500
"""Most rows of one transaction: other writers wait for it."""

ENTRIES = 100_000
"""Log entries that one round looks at; the next one goes on where it ended."""

EXPIRING = {"sessions": "expire_at", "tokens": "expire_at", "challenges": "expire_at",
            "oauth_states": "expire_at", "rate_limits": "ends_at"}  # fmt: skip
KEYS = {"rate_limits": "(project_id, name, ends_at)"}
DAY = 86_400_000


class Janitor:
    """One task of the process; several processes on one database do no harm to each other."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._place = 0
        """The log entry at which the next round begins."""
        self._task = asyncio.create_task(self._rounds())

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await sweep(self._db)
                _, self._place = await sweep_logs(self._db, self._place)
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
    await _forget_devices(db)
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
    return gone


async def _forget_devices(db: Database) -> None:
    """Let the devices go that expired sessions have registered for push messages."""
    while True:
        async with db.read() as tx:
            rows = await tx.all(
                "select s.project_id, s.user_id, s.id from sessions s join targets t "
                "on t.project_id = s.project_id and t.user_id = s.user_id and t.session_id = s.id "
                f"where s.expire_at < :now limit {BATCH}",
                now=clock.now(),
            )
        for row in rows:
            async with db.write() as tx:
                with suppress(UserNotFound):
                    user = await users.lock(tx, row["project_id"], row["user_id"])
                    await targets.forget_sessions(tx, user, [row["id"]])
        if len(rows) < BATCH:
            return


async def sweep_logs(db: Database, place: int = 0) -> tuple[int, int]:
    """Delete log entries that are older than their project keeps them, from `place` on.

    Entries are in the order of time: the walk ends at the first one that nobody may delete yet,
    or after `ENTRIES`. Returns how many are gone, and the place to go on from.
    """
    async with db.read() as tx:
        kept = {row["id"]: _days(row["settings"]) * DAY for row in await projects.listing(tx)}
    shortest, now, gone = min(filter(None, kept.values()), default=0), clock.now(), 0
    if not shortest:
        return 0, 0
    for _ in range(ENTRIES // BATCH):
        async with db.read() as tx:
            found = await tx.all(
                "select seq, project_id, created_at from logs where seq > :place "
                f"order by seq limit {BATCH}",
                place=place,
            )
        rows = [row for row in found if row["created_at"] < now - shortest]
        old = [row["seq"] for row in rows
               if 0 < kept.get(row["project_id"], 0) < now - row["created_at"]]  # fmt: skip
        if old:
            async with db.write() as tx:
                gone += await tx.run(f"delete from logs where seq in ({', '.join(map(str, old))})")
        if len(rows) < BATCH:
            return gone, 0
        place = rows[-1]["seq"]
    return gone, place


def _days(settings: str) -> int:
    return ProjectSettings.of(msgspec.json.decode(settings)).log_days
