"""Tokens: one-time secrets that a user exchanges for a session."""

from __future__ import annotations

from typing import NamedTuple

from usherd import clock, errors, ids
from usherd.db import Row, Tx


class Way(NamedTuple):
    """What a kind of token makes of its bearer."""

    provider: str
    factor: str
    proves: str | None
    """The address of the user that the exchange proves: `email` or `phone`."""


WAYS = {
    "generic": Way("token", "token", None),
    "magic-url": Way("magic-url", "email", "email"),
    "email": Way("token", "email", "email"),
    "phone": Way("phone", "phone", "phone"),
    "oauth2": Way("oauth2", "email", None),
}
"""The kinds that sign in. Others (verification, phone-verification, recovery) never do."""

_EXCHANGEABLE = ", ".join(f"'{kind}'" for kind in WAYS)


TRIES = {"email": 10, "phone": 10, "phone-verification": 10, "generic": 100}
"""How many attempts the short kinds allow; the long ones cannot be guessed."""

GUESSABLE_LENGTH = 24
"""A secret of more characters is no guess, and costs no attempt."""

_GUESSABLE = ", ".join(f"'{kind}'" for kind in TRIES)


async def create(
    tx: Tx,
    project_id: str,
    user_id: str,
    *,
    kind: str,
    secret: str,
    expire_seconds: int,
    about: str = "",
) -> Row:
    """Keep a token's digest; the caller shows or sends the secret.

    `about` is the address that it is sent to, and the only one that it proves.
    """
    now = clock.now()
    return await tx.insert(
        "tokens",
        project_id=project_id,
        id=ids.unique(),
        user_id=user_id,
        kind=kind,
        digest=ids.digest(secret),
        about=about,
        expire_at=now + expire_seconds * 1000,
        created_at=now,
    )


async def consume(tx: Tx, project_id: str, user_id: str, secret: str) -> Row:
    """Use up the user's token with that secret, of any kind that signs in; `WAYS` tells how.

    Of two exchanges at once exactly one gets it. Raises `UserInvalidToken`.
    """
    return await _consume(tx, project_id, user_id, secret, _EXCHANGEABLE)


async def prove(
    tx: Tx, project_id: str, user_id: str, secret: str, kind: str, *, about: str | None
) -> Row:
    """Use up the user's token of that kind; `about` is the address that they have now.

    Raises `UserInvalidToken`, also for a token that was sent to an earlier address.
    """
    row = await _consume(tx, project_id, user_id, secret, f"'{kind}'")
    if row["about"] != (about or ""):
        raise errors.UserInvalidToken
    return row


async def require(tx: Tx, project_id: str, user_id: str, secret: str, kind: str) -> None:
    """Look before slow work whether there is such a token. Raises `UserInvalidToken`."""
    row = await tx.one(
        "select seq from tokens where project_id = :project_id and user_id = :user_id "
        "and digest = :digest and kind = :kind and expire_at > :now",
        project_id=project_id,
        user_id=user_id,
        digest=ids.digest(secret),
        kind=kind,
        now=clock.now(),
    )
    if row is None:
        raise errors.UserInvalidToken


async def _consume(tx: Tx, project_id: str, user_id: str, secret: str, kinds: str) -> Row:
    row = await tx.one(
        "delete from tokens where seq = (select min(seq) from tokens "
        "where project_id = :project_id and user_id = :user_id and digest = :digest "
        f"and expire_at > :now and kind in ({kinds})) returning *",
        project_id=project_id,
        user_id=user_id,
        digest=ids.digest(secret),
        now=clock.now(),
    )
    if row is None or row["tries"] > TRIES.get(row["kind"], row["tries"]):
        raise errors.UserInvalidToken
    return row


async def count_try(tx: Tx, project_id: str, user_id: str, secret: str) -> None:
    """A secret is about to be compared: what could be guessed has one attempt less.

    Commit this before `consume` or `prove`: of many attempts at once none goes uncounted.
    """
    if len(secret) > GUESSABLE_LENGTH:
        return
    await tx.run(
        "update tokens set tries = tries + 1 where project_id = :project_id "
        f"and user_id = :user_id and kind in ({_GUESSABLE})",
        project_id=project_id,
        user_id=user_id,
    )
