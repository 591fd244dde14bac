"""Challenges: a second factor that is being asked for, and its answer."""

from __future__ import annotations

from hmac import compare_digest

from usherd import clock, errors, ids, mfa
from usherd.db import Row, Tx
from usherd.vault import Vault

LASTS = 3_600_000
"""Milliseconds."""

TRIES = 5
"""Answers after which a challenge is dead."""

FRESH = 1_800_000
"""How long a completed challenge allows protected acts, in milliseconds."""


async def create(tx: Tx, user: Row, factor: str, fixed: str = "") -> tuple[Row, str]:
    """Ask the user for a factor; returns the challenge and the code to send, empty where the
    user has it already. `fixed` is the code of a mock number.

    Raises `UserEmailNotFound`, `UserEmailNotVerified`, `UserPhoneNotFound`,
    `UserPhoneNotVerified`, `UserAuthenticatorNotFound`.
    """
    await _refuse_missing(tx, user, factor)
    code = (fixed or ids.code()) if factor in ("email", "phone") else ""
    now = clock.now()
    row = await tx.insert(
        "challenges",
        project_id=user["project_id"],
        id=ids.unique(),
        user_id=user["id"],
        factor=factor,
        digest=ids.digest(code) if code else None,
        expire_at=now + LASTS,
        created_at=now,
    )
    return row, code


async def _refuse_missing(tx: Tx, user: Row, factor: str) -> None:
    if factor == "email":
        if not user["email"]:
            raise errors.UserEmailNotFound
        if not user["email_verification"]:
            raise errors.UserEmailNotVerified
    elif factor == "phone":
        if not user["phone"]:
            raise errors.UserPhoneNotFound
        if not user["phone_verification"]:
            raise errors.UserPhoneNotVerified
    elif factor == "totp" and not await mfa.has_totp(tx, user):
        raise errors.UserAuthenticatorNotFound


async def answer(tx: Tx, vault: Vault, user: Row, challenge_id: str, otp: str) -> str:
    """Complete a challenge of a locked user, once; returns the factor that is proved.

    `count_try` comes first. Raises `UserInvalidToken`.
    """
    row = await tx.one(
        "select * from challenges where project_id = :project_id and user_id = :user_id "
        "and id = :id and expire_at > :now and tries <= :tries for update",
        project_id=user["project_id"],
        user_id=user["id"],
        id=challenge_id,
        now=clock.now(),
        tries=TRIES,
    )
    if row is None:
        raise errors.UserInvalidToken
    if row["factor"] == "totp":
        await mfa.check_totp(tx, vault, user, otp)
    elif row["factor"] == "recoverycode":
        await mfa.use_code(tx, vault, user, otp)
    elif not compare_digest(row["digest"], ids.digest(otp)):
        raise errors.UserInvalidToken
    await tx.run("delete from challenges where seq = :seq", seq=row["seq"])
    return str(row["factor"])


async def count_try(tx: Tx, user: Row, challenge_id: str) -> None:
    """The user is about to answer. Commit this before: of many answers at once none goes
    uncounted."""
    await tx.run(
        "update challenges set tries = tries + 1 where project_id = :project_id "
        "and user_id = :user_id and id = :id",
        project_id=user["project_id"],
        user_id=user["id"],
        id=challenge_id,
    )
