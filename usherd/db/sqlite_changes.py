"""Which rows of a file have changed, told to whoever remembers what they were (decision 0017)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from usherd.db import Forget
from usherd.db.sqlite_writer import Writer


class Changes:
    """The changed rows of the tables that somebody remembers.

    Those of this process come from SQLite's update hook on the one connection that writes, and
    are told when their commit is done, before anybody is told that it is. Another process gives
    itself away by the file's data version, which is looked at once a millisecond, and whenever a
    batch begins: as long as the batch is open nobody else can write.
    """

    def __init__(self, writer: Writer, end_snapshot: Callable[[], None]) -> None:
        """`end_snapshot` makes the next read see the newest state: what is read from an older one
        after everything was forgotten would be kept for good."""
        self._writer = writer
        self._end_snapshot = end_snapshot
        self._raw = writer.raw
        self._forget: dict[str, Forget] = {}
        self._pending: dict[str, set[int]] = {}
        self._version = self._data_version()
        self._looked_at = 0.0
        self._loop = asyncio.get_running_loop()  # asking for it costs a system call
        self._raw.set_update_hook(self._note)

    def subscribe(self, table: str, forget: Forget) -> None:
        """Tell `forget` of every changed row of a table whose rowid is its key."""
        self._forget[table] = forget
        self._pending[table] = set()

    def _note(self, _kind: int, _database: str, table: str, row: int) -> None:
        rows = self._pending.get(table)
        if rows is not None:
            rows.add(row)

    def tell(self) -> None:
        """The open batch has ended: what it has changed is to be forgotten."""
        for table, rows in self._pending.items():
            if rows:
                self._pending[table] = set()
                self._forget[table](rows)

    def look(self) -> None:
        """Forget everything if another process has written; looks once a millisecond, in which
        the loop's clock moves on."""
        now = self._loop.time()
        if now != self._looked_at:
            self._looked_at = now
            if not self._writer.occupied:
                self.compare()

    def compare(self) -> None:
        """Forget everything if the file has been changed by another than this connection."""
        version = self._data_version()
        if version != self._version:
            self._version = version
            self._end_snapshot()
            for forget in self._forget.values():
                forget(None)

    def _data_version(self) -> int:
        found: int = self._raw.execute("pragma data_version").get
        return found
