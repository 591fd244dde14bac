"""Whose account it is when somebody shows that an address is theirs.

An account may have been made in advance, by somebody who waits for the owner of the address to
come and share it. Decision 15 tells the rules, and what each of them is against.
"""

from __future__ import annotations

from usherd import errors, mfa, sessions, users
from usherd.db import Row, Tx
from usherd.projects import Project

UNPROVEN = (
    "There is an account with this address, and nothing proves that it is yours. Sign in to it "
    "in another way, and {} then."
)


def settled(user: Row, channel: str) -> bool:
    """Whether the account's `email` or `phone` is its own: it was proven, or is an
    administrator's word."""
    known = user[f"{channel}_verification"] or user[f"{channel}_vouched"]
    return bool(user[channel] and known)


def joins_by_address(user: Row) -> bool:
    """Whether another provider's word for its e-mail address opens the account.

    One with a second factor must not be opened by a first one that it has never seen.
    """
    return bool(user["email_verification"] and not user["mfa"])


async def by_message(tx: Tx, project: Project, user: Row, channel: str) -> tuple[Row, bool]:
    """A locked user is about to be let in for having read a message to their address.

    If nothing had told whose the account is, it is theirs from now on, and theirs alone. Returns
    the user anew, and whether somebody lost a way in. Raises `UserAlreadyExists` for a number
    where the e-mail address tells that the account is somebody's already.
    """
    lost = False
    if not settled(user, channel):
        if channel == "phone" and settled(user, "email"):
            raise errors.UserAlreadyExists(UNPROVEN.format("verify the number"))
        lost = await _shut_out(tx, user, user[channel])
        if user["password"]:
            lost = True
            user = await users.set_password(tx, project, user, user, None)
        user, more = await _loosen(tx, user, channel)
        lost |= more
    return await users.set_verification(tx, user, f"{channel}_verification", True), lost


async def _loosen(tx: Tx, user: Row, channel: str) -> tuple[Row, bool]:
    """Take back second factors and the other address, but no second factor in force: a message
    alone must not remove it. Whoever has it lacks the first."""
    lost = False
    totp = user["mfa"] and await mfa.has_totp(tx, user)
    by_phone = user["mfa"] and not totp and user["phone"] and user["phone_verification"]
    if not totp:
        lost = await mfa.forget(tx, user, asking=bool(by_phone))
    if channel == "email" and settled(user, "phone") and not by_phone:
        return await users.doubt_phone(tx, user), True
    return user, lost


async def _shut_out(tx: Tx, user: Row, address: str) -> bool:
    """End what lets in whoever had the account before; returns whether there was anything.

    An identity with the address itself is its owner's; so is what was sent there.
    """
    whose = {"project_id": user["project_id"], "user_id": user["id"]}
    theirs = "where project_id = :project_id and user_id = :user_id"
    gone = await sessions.delete_all(tx, user)
    gone += await tx.run(
        f"delete from identities {theirs} "
        "and (provider_email is null or provider_email <> :address)",
        address=address,
        **whose,
    )
    await tx.run(f"delete from tokens {theirs} and about <> :address", address=address, **whose)
    await tx.run(f"delete from challenges {theirs}", **whose)
    return bool(gone)
