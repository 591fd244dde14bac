"""The second factor: which ones a user has, and the codes that stand in for them."""

from __future__ import annotations

import secrets as random
from base64 import b32decode, b32encode
from collections.abc import Sequence
from hmac import compare_digest
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from usherd import clock, errors, ids
from usherd.db import Row, Tx, statements
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


async def factors(tx: Tx, user: Row) -> list[str]:
    """The factors that the user has, as sessions name them."""
    email, phone = proven(user)
    has = {"totp": await has_totp(tx, user), "email": email, "phone": phone}
    return [factor for factor, there in has.items() if there]


async def protected(tx: Tx, project_id: str, users: Sequence[Row]) -> set[str]:
    """The ids of those users who are asked for a second factor when they sign in."""
    asking = [user for user in users if user["mfa"]]
    found = {user["id"] for user in asking if any(proven(user))}
    rest = [user["id"] for user in asking if user["id"] not in found]
    for names, values in statements.chunks("u", rest):
        rows = await tx.all(
            "select user_id from authenticators where project_id = :project_id "
            f"and user_id in ({names}) and type = 'totp' and verified = 1",
            project_id=project_id,
            **values,
        )
        found |= {row["user_id"] for row in rows}
    return found


# -- authenticator apps --

SECRET_BYTES = 64
STEP_SECONDS = 30
DRIFT = (0, -1, 1)
"""Steps that a clock may be off."""


async def authenticator(tx: Tx, user: Row) -> Row:
    """The user's authenticator, verified or not, locked. Raises `UserAuthenticatorNotFound`."""
    row = await tx.one(
        "select * from authenticators where project_id = :project_id and user_id = :user_id "
        "and type = 'totp' for update",
        project_id=user["project_id"],
        user_id=user["id"],
    )
    if row is None:
        raise errors.UserAuthenticatorNotFound
    return row


async def first_authenticator(tx: Tx, vault: Vault, user: Row) -> str:
    """Give a locked user a new secret to verify, in place of an unverified one; returns it in
    base32. Raises `UserAuthenticatorAlreadyVerified`."""
    try:
        old = await authenticator(tx, user)
    except errors.UserAuthenticatorNotFound:
        old = None
    if old is not None:
        if old["verified"]:
            raise errors.UserAuthenticatorAlreadyVerified
        await tx.run("delete from authenticators where seq = :seq", seq=old["seq"])
    secret = b32encode(random.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    now = clock.now()
    await tx.insert(
        "authenticators",
        project_id=user["project_id"],
        id=ids.unique(),
        user_id=user["id"],
        type="totp",
        secret=vault.encrypt(secret, totp_purpose(user["project_id"], user["id"])),
        created_at=now,
        updated_at=now,
    )
    return secret


def totp_purpose(project_id: str, user_id: str) -> str:
    """What a TOTP secret is encrypted for."""
    return f"authenticator:{project_id}:{user_id}"


async def check_totp(tx: Tx, vault: Vault, user: Row, otp: str) -> Row:
    """The locked user's authenticator, if the code is right and newer than the last one.

    One step of drift is forgiven and no code works twice. RFC 6238 with SHA-1, six digits,
    30 seconds. Raises `UserInvalidToken`, `UserAuthenticatorNotFound`.
    """
    row = await authenticator(tx, user)
    secret = vault.decrypt(row["secret"], totp_purpose(user["project_id"], user["id"]))
    key = b32decode(secret + "=" * (-len(secret) % 8))
    totp = TOTP(key, 6, SHA1(), STEP_SECONDS)
    now = clock.now() // 1000 // STEP_SECONDS
    for step in (now + drift for drift in DRIFT):
        right = compare_digest(totp.generate(step * STEP_SECONDS), otp.encode())
        if right and step > (row["last_step"] or 0):
            return await tx.update("authenticators", row, last_step=step, updated_at=clock.now())
    raise errors.UserInvalidToken


async def verify_authenticator(tx: Tx, vault: Vault, user: Row, otp: str) -> None:
    """Accept a first code. Raises `UserInvalidToken`, `UserAuthenticatorNotFound`,
    `UserAuthenticatorAlreadyVerified`."""
    if (await authenticator(tx, user))["verified"]:
        raise errors.UserAuthenticatorAlreadyVerified
    row = await check_totp(tx, vault, user, otp)
    await tx.update("authenticators", row, verified=1)


def totp_uri(issuer: str, account: str, secret: str) -> str:
    """What the QR code for an authenticator app says."""
    issuer = issuer.replace(":", "").strip() or "usherd"
    label = quote(f"{issuer}:{account.replace(':', '')}", safe="")
    return f"otpauth://totp/{label}?issuer={quote(issuer, safe='')}&secret={secret}"


async def use_code(tx: Tx, vault: Vault, user: Row, code: str) -> None:
    """Use up one of a locked user's recovery codes. Raises `UserInvalidToken`."""
    codes = recovery_codes(vault, user)
    left = [known for known in codes if not compare_digest(known.encode(), code.encode())]
    if len(left) == len(codes):
        raise errors.UserInvalidToken
    await _keep_codes(tx, vault, user, left)


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


async def forget(tx: Tx, user: Row, *, asking: bool) -> bool:
    """Remove a locked user's authenticator and recovery codes; returns whether there was anything.

    A second factor is asked for from now on if `asking`.
    """
    gone = await tx.run(
        "delete from authenticators where project_id = :project_id and user_id = :user_id",
        project_id=user["project_id"],
        user_id=user["id"],
    )
    changes = bool(user["mfa"]) != asking or user["recovery_codes"]
    if changes:
        changed = {"mfa": int(asking), "recovery_codes": None}
        await tx.update("users", user, **changed, updated_at=clock.now())
    return bool(gone or changes)


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
    await _keep_codes(tx, vault, user, codes)
    return codes


async def _keep_codes(tx: Tx, vault: Vault, user: Row, codes: list[str]) -> None:
    text = vault.encrypt(msgspec.json.encode(codes).decode(), _purpose(user))
    await tx.update("users", user, recovery_codes=text, updated_at=clock.now())
