"""What failed, or happened beside, is written down: the log of the person concerned tells it under
a name of its own."""

from __future__ import annotations

from usherd import logs, users
from usherd.db import Row, Tx
from usherd.errors import UserNotFound
from usherd.http import Context

SIGN_IN = "session.create.failed"
"""How the log names a sign-in that was refused."""


async def note(ctx: Context, error: Exception, event: str, user_id: str) -> None:
    """Undo what was begun because of `error`, and log `event` as something done to the user.

    An id that nobody has is logged too, as nobody's: the work is the same.
    """

    async def write(tx: Tx) -> None:
        try:
            user = await users.get(tx, ctx.project.id, user_id)
        except UserNotFound:
            user = None
        await record(ctx, tx, user, event)

    await ctx.note(error, write)


async def record(ctx: Context, tx: Tx, user: Row | None, event: str) -> None:
    """Log `event` as something that was tried with the user, or has happened to them."""
    ids = {"userId": user["id"] if user else ""}
    await logs.record(tx, ctx.project.id, ctx.caller, user, event, ids, ctx.client)
