"""Starting a handler's work over when what it had read was changed by somebody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from usherd import errors
from usherd.http import Context
from usherd.users import Stale

ATTEMPTS = 3

Result = TypeVar("Result")


async def retried(ctx: Context, work: Callable[[], Awaitable[Result]]) -> Result:
    """`work()`, again in a new transaction when it raises `Stale`.

    Raises `GeneralOverloaded` after the third time.
    """
    for _ in range(ATTEMPTS):
        try:
            return await work()
        except Stale as stale:
            await ctx.undo(stale)
    raise errors.GeneralOverloaded
