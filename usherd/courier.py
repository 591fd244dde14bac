"""The courier: sends what waits in the outbox, tries again what failed, forgets what is old."""

from __future__ import annotations

import asyncio
import logging
import textwrap
from contextlib import suppress

from usherd import clock, metrics, outbox, transports
from usherd.db import Database, Row
from usherd.errors import AppError
from usherd.repeats import Repeats
from usherd.settings import Settings
from usherd.transports import Rejected
from usherd.vault import Vault, VaultLocked

log = logging.getLogger("usherd.courier")
repeats = Repeats(log, 60.0)
"""It is woken by whoever writes a message, and looks by itself every second."""

AT_ONCE = 8
POLL_SECONDS = 1.0
LEASE = 120_000
"""Milliseconds for which a message that is being sent belongs to one process."""

BACKOFF = tuple(seconds * 1000 for seconds in (10, 60, 300, 1800, 7200, 21_600, 43_200))
"""Milliseconds between tries; after the last one a message has failed."""

NEEDED = {"mail": "USHERD_SMTP_HOST", "sms": "USHERD_SMS_PROVIDER"}
NAMES = {"mail": "mail", "sms": "text message"}

KEPT = 7 * 86_400_000
CLEAN_SECONDS = 3600.0
BATCH = 500


async def clean(db: Database) -> None:
    """Forget messages that left, failed or were kept a week ago."""
    while True:
        async with db.write() as tx:
            gone = await tx.run(
                "delete from outbox where seq in (select seq from outbox "
                f"where status <> 'waiting' and created_at < :old order by seq limit {BATCH})",
                old=clock.now() - KEPT,
            )
        if gone < BATCH:
            return


class Courier:
    """Sends what waits, at least once each; several processes may share one outbox."""

    def __init__(self, db: Database, vault: Vault, settings: Settings) -> None:
        self._db = db
        self._vault = vault
        self._ways = transports.of(settings)
        for channel, setting in NEEDED.items():
            if channel not in self._ways:
                log.warning("%s is not set: every %s is printed here, with the link or code in it",
                            setting, NAMES[channel])  # fmt: skip
        self._called = asyncio.Event()
        self._called.set()
        self._closing = False
        self._task = asyncio.create_task(self._work())

    def wake(self) -> None:
        """Something may be waiting."""
        self._called.set()

    async def close(self) -> None:
        """Finish what is being sent."""
        self._closing = True
        self._called.set()
        await self._task

    async def _work(self) -> None:
        cleaned = 0.0
        loop = asyncio.get_running_loop()
        while not self._closing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), POLL_SECONDS)
            self._called.clear()
            try:
                while await self._round() == AT_ONCE and not self._closing:
                    pass
                await self._measure()
                if loop.time() - cleaned > CLEAN_SECONDS:
                    cleaned = loop.time()
                    await clean(self._db)
            except AppError as error:
                repeats.tell(logging.WARNING, f"the outbox waits: {error.message}")
            except Exception as error:
                line = f"the outbox waits: {type(error).__name__}"
                repeats.tell(logging.ERROR, line, exc_info=True)

    async def _round(self) -> int:
        """Send what is due, as much as fits at once; returns how many that were."""
        if not await self._due():
            return 0
        now = clock.now()
        async with self._db.write() as tx:
            rows = await tx.all(
                "update outbox set due_at = :lease, tries = tries + 1 where seq in ("
                "select seq from outbox where status = 'waiting' and due_at <= :now "
                f"order by due_at limit {AT_ONCE} for update skip locked) returning *",
                lease=now + LEASE,
                now=now,
            )
        await asyncio.gather(*(self._deliver(row) for row in rows))
        return len(rows)

    async def _measure(self) -> None:
        async with self._db.read() as tx:
            rows = await tx.all(
                "select channel, count(*) as messages from outbox where status = 'waiting' "
                "group by channel"
            )
        waiting = {row["channel"]: row["messages"] for row in rows}
        for channel in NAMES:
            metrics.waiting.labels(channel).set(waiting.get(channel, 0))

    async def _due(self) -> bool:
        async with self._db.read() as tx:
            found = await tx.one(
                "select seq from outbox where status = 'waiting' and due_at <= :now limit 1",
                now=clock.now(),
            )
        return found is not None

    async def _deliver(self, row: Row) -> None:
        way = self._ways.get(row["channel"])
        try:
            content = outbox.content(self._vault, row)
            if way is None:
                _print(row, content)
                await self._settle(row, "kept")
                return
            await way.send(row["project_id"], row["recipient"], content)
        except (Rejected, VaultLocked) as error:
            await self._settle(row, "failed", str(error))
        except Exception as error:  # whatever a network can do
            await self._later(row, f"{type(error).__name__}: {error}")
        else:
            await self._settle(row, "sent")

    async def _settle(self, row: Row, status: str, error: str = "") -> None:
        metrics.messages.labels(row["channel"], status).inc()
        if error:
            log.warning("a %s to %s failed: %s", row["kind"], row["recipient"], error)
        now = clock.now()
        emptied = {} if status == "kept" else {"sealed": ""}
        async with self._db.write() as tx:
            await tx.update(
                "outbox", row, status=status, error=error[:500],
                sent_at=now if status == "sent" else None, **emptied,
            )  # fmt: skip

    async def _later(self, row: Row, error: str) -> None:
        if row["tries"] > len(BACKOFF):
            await self._settle(row, "failed", error)
            return
        metrics.messages.labels(row["channel"], "retried").inc()
        log.warning("a %s to %s is tried again: %s", row["kind"], row["recipient"], error)
        due_at = clock.now() + BACKOFF[row["tries"] - 1]
        async with self._db.write() as tx:
            await tx.update("outbox", row, due_at=due_at, error=error[:500])


def _print(row: Row, content: dict[str, str]) -> None:
    """Development mode: the log shows what would have been sent."""
    text = "\n\n".join(content[part] for part in ("subject", "text") if part in content)
    log.info(
        "a %s to %s, not sent; again by: usherd outbox show %s\n%s",
        NAMES[row["channel"]], row["recipient"], row["id"], textwrap.indent(text.strip(), "    "),
    )  # fmt: skip
