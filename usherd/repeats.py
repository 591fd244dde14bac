"""Lines of the log that say the same: when a database is away every request would write one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

SECONDS = 5.0
DISTINCT = 100
"""Most lines that are remembered; with more, each of them is told."""


class Repeats:
    """Writes a line at once, and how often it came again only when so many seconds have passed."""

    def __init__(
        self,
        log: logging.Logger,
        seconds: float = SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._seconds = seconds
        self._now = now
        self._told: dict[str, tuple[float, int]] = {}
        """Until when a line is held back, and how often it was."""

    def tell(self, level: int, line: str, **more: Any) -> None:
        """Write `line`, or count it; `more` is what loggers take."""
        until, held = self._told.get(line, (0.0, 0))
        if self._now() < until:
            self._told[line] = until, held + 1
            return
        self._write(level, line, held, **more)

    def sum_up(self, level: int, line: str) -> None:
        """The seconds have passed: write how often the line was held back, if it was."""
        _, held = self._told.pop(line, (0.0, 0))
        if held:
            self._write(level, line, held)

    def _write(self, level: int, line: str, held: int, **more: Any) -> None:
        if len(self._told) >= DISTINCT:
            self._told.clear()
        self._told[line] = self._now() + self._seconds, 0
        again = f" ({held} times more in {self._seconds:g} s)" if held else ""
        self._log.log(level, "%s%s", line, again, **more)
        with suppress(RuntimeError):  # a thread without a loop: the next line tells the count
            loop = asyncio.get_running_loop()
            loop.call_later(self._seconds, self.sum_up, level, line)
