"""Checkpoints in the background: what commits have put into the log is moved into the file."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import apsw

from usherd.db.sqlite_writer import Writer

log = logging.getLogger("usherd.db")

SECONDS = 0.1
"""A passive checkpoint this often keeps commits from ever doing it themselves (decision 0003)."""

LOG_PAGES = 4096
"""A write-ahead log longer than this (16 MB) is begun anew as soon as a commit allows it."""

flush = getattr(os, "fdatasync", os.fsync)


class Checkpoints:
    """Passive checkpoints on a thread and a connection of their own, each flushed at once.

    SQLite flushes the file only when a checkpoint catches up with the log, which it does not
    while others write: all of it would be left for the moment in which the log is begun anew, and
    everybody would wait for that.
    """

    def __init__(self, path: str, writer: Writer) -> None:
        self._writer = writer
        self._raw = apsw.Connection(path)
        # A connection that never read does not know of the log, and its checkpoints do nothing.
        self._raw.execute("select 1 from sqlite_schema limit 1")
        self._file = os.open(path, os.O_RDONLY)
        self._flushed = (0, 0)
        self._thread = ThreadPoolExecutor(1, "usherd-checkpoint")
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        told = ""
        while True:
            await asyncio.sleep(SECONDS)
            try:
                pages = await loop.run_in_executor(self._thread, self._checkpoint)
                self._writer.log_is_long = pages > LOG_PAGES
                told = ""
            except (apsw.Error, OSError) as error:
                if str(error) != told:  # once, not ten times a second for as long as a disk is full
                    log.warning("checkpoint: %s", error)
                told = str(error)

    def _checkpoint(self) -> int:
        """One passive checkpoint; returns the pages in the log."""
        done = self._raw.wal_checkpoint()
        if done != self._flushed:
            flush(self._file)
            self._flushed = done
        return done[0]

    async def stop(self) -> None:
        """Begin no more."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def close(self) -> None:
        """Let go of the file, when everybody else in this process has: the system drops all locks
        of a process when it closes any descriptor of the file."""
        self._thread.shutdown()
        self._raw.close()
        os.close(self._file)
