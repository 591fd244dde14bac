"""Turns at what is scarce: so many at once, a bounded number waiting, and nobody for long."""

from __future__ import annotations

import asyncio
from collections import deque

from usherd import errors

QUICK_SECONDS = 0.2
"""What takes longer than this moves to a lane of its own, so that nothing quick waits behind it."""

QUICK_WAITING = 64
SLOW_WAITING = 16
"""With so many waiting for either lane, the next one is told to come back later (503)."""

WAIT_SECONDS = 5.0
"""How long somebody waits for a turn before being told to come back later."""


class Turns:
    """`size` at once; `waiting` more may wait, and whoever waits longest is next."""

    def __init__(self, size: int, waiting: int) -> None:
        self._free = size
        self._most = waiting
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a turn, which lasts until `give`. Raises `GeneralOverloaded`."""
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= self._most:
            raise errors.GeneralOverloaded
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        limit = loop.call_later(WAIT_SECONDS, _refuse, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give()  # the turn came together with the cancellation
            raise
        finally:
            limit.cancel()
            if turn in self._waiting:
                self._waiting.remove(turn)

    def give(self) -> None:
        """End a turn: the next one begins."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _refuse(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(errors.GeneralOverloaded())
