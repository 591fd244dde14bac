"""Tokens: one-time secrets that a user exchanges for a session."""

from __future__ import annotations

from typing import NamedTuple

from usherd import clock, errors, ids
from usherd.db import Row, Tx


class Way(NamedTuple):
    """What a kind of token makes of its bearer."""

    provider: str
    factor: str
    verifies: str | None
    """The flag of the user that the exchange proves."""


WAYS = {
    "generic": Way("token", "token", None),
    "magic-url": Way("magic-url", "email", "email_verification"),
    "email": Way("token", "email", "email_verification"),
    "phone": Way("phone", "phone", "phone_verification"),
    "oauth2": Way("oauth2", "email", None),
}
"""The kinds that sign in. Others (verification, recovery ...) never do."""

_EXCHANGEABLE = ", ".join(f"'{kind}'" for kind in WAYS)


async def create(
    tx: Tx, project_id: str, user_id: str, *, kind: str, length: int, expire_seconds: int
) -> tuple[Row, str]:
    """Make a token of `length` hex characters; returns its row and its secret, shown only now."""
    secret = ids.secret(length)
    now = clock.now()
    row = await tx.insert(
        "tokens",
        project_id=project_id,
        id=ids.unique(),
        user_id=user_id,
        kind=kind,
        digest=ids.digest(secret),
        expire_at=now + expire_seconds * 1000,
        created_at=now,
    )
    return row, secret


async def consume(tx: Tx, project_id: str, user_id: str, secret: str) -> Way:
    """Use up the user's token with that secret and say what it was good for.

    Of two exchanges at once exactly one gets it. Raises `UserInvalidToken`.
    """
    row = await tx.one(
        "delete from tokens where seq = (select min(seq) from tokens "
        "where project_id = :project_id and user_id = :user_id and digest = :digest "
        f"and expire_at > :now and kind in ({_EXCHANGEABLE})) returning *",
        project_id=project_id,
        user_id=user_id,
        digest=ids.digest(secret),
        now=clock.now(),
    )
    if row is None:
        raise errors.UserInvalidToken
    return WAYS[row["kind"]]
