"""The second factor: which ones a user has, and the codes that stand in for them."""

from __future__ import annotations

import msgspec

from usherd import clock, errors, ids
from usherd.db import Row, Tx
from usherd.vault import Vault

CODES = 6
CODE_LENGTH = 10


def proven(user: Row) -> tuple[bool, bool]:
    """(whether the e-mail is a usable factor, whether the phone is one)."""
    email = bool(user["email"] and user["email_verification"])
    return email, bool(user["phone"] and user["phone_verification"])


async def has_totp(tx: Tx, user: Row) -> bool:
    """Whether the user has a verified authenticator app."""
    row = await tx.one(
        "select seq from authenticators where project_id = :project_id and user_id = :user_id "
        "and type = 'totp' and verified = 1",
        project_id=user["project_id"],
        user_id=user["id"],
    )
    return row is not None


async def has_factor(tx: Tx, user: Row) -> bool:
    """Whether the user has anything a second factor could be asked of."""
    return any(proven(user)) or await has_totp(tx, user)


async def delete_authenticator(tx: Tx, user: Row, type_: str) -> None:
    """Remove an authenticator, verified or not; recovery codes and the flag stay.

    Raises `UserAuthenticatorNotFound`.
    """
    gone = await tx.run(
        "delete from authenticators where project_id = :project_id and user_id = :user_id "
        "and type = :type",
        project_id=user["project_id"],
        user_id=user["id"],
        type=type_,
    )
    if not gone:
        raise errors.UserAuthenticatorNotFound


def _purpose(user: Row) -> str:
    return f"recovery_codes:{user['project_id']}:{user['id']}"


def recovery_codes(vault: Vault, user: Row) -> list[str]:
    """The user's unused codes in clear; empty when there are none."""
    if not user["recovery_codes"]:
        return []
    text = vault.decrypt(user["recovery_codes"], _purpose(user))
    return msgspec.json.decode(text, type=list[str])


def require_codes(vault: Vault, user: Row) -> list[str]:
    """The user's unused codes. Raises `UserRecoveryCodesNotFound` when there are none."""
    codes = recovery_codes(vault, user)
    if not codes:
        raise errors.UserRecoveryCodesNotFound
    return codes


async def first_codes(tx: Tx, vault: Vault, user: Row) -> list[str]:
    """Give codes to a user without any. Raises `UserRecoveryCodesAlreadyExists`."""
    if recovery_codes(vault, user):
        raise errors.UserRecoveryCodesAlreadyExists
    return await _write_codes(tx, vault, user)


async def new_codes(tx: Tx, vault: Vault, user: Row) -> list[str]:
    """Replace the user's codes. Raises `UserRecoveryCodesNotFound` when there are none."""
    require_codes(vault, user)
    return await _write_codes(tx, vault, user)


async def _write_codes(tx: Tx, vault: Vault, user: Row) -> list[str]:
    """Make six codes, and keep them encrypted rather than hashed: they can be read again."""
    codes = [ids.secret(CODE_LENGTH) for _ in range(CODES)]
    text = vault.encrypt(msgspec.json.encode(codes).decode(), _purpose(user))
    await tx.update("users", user, recovery_codes=text, updated_at=clock.now())
    return codes
