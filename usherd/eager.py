"""Starts a request without waiting for a turn of the event loop: most never wait for anything.

A task costs more than many an answer does, and an answer that is ready at once needs none. (Python
3.12 has eager tasks of its own; this is the same for 3.11.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

Work = Coroutine[Any, Any, None]


def start(work: Work, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
    """Run `work` as far as it does not wait. None when that was all of it, else a task does the
    rest. Raises what `work` raises before it waits."""
    try:
        awaited = work.send(None)
    except StopIteration:
        return None
    return loop.create_task(_go_on(work, awaited))


async def _go_on(work: Work, awaited: Any) -> None:
    await _Begun(work, awaited)


class _Begun:
    """A coroutine that somebody else has begun, up to what it waits for."""

    __slots__ = ("_awaited", "_work")

    def __init__(self, work: Work, awaited: Any) -> None:
        self._work = work
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, None]:
        work, awaited = self._work, self._awaited
        while True:
            try:
                try:
                    sent = yield awaited
                except BaseException as error:
                    awaited = work.throw(error)
                else:
                    awaited = work.send(sent)
            except StopIteration:
                return


async def as_task() -> None:
    """See to it that what follows runs in a task, as `asyncio.timeout` asks."""
    if asyncio.current_task() is None:
        await asyncio.sleep(0)
