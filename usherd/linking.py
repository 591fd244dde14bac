"""Whose account it is when somebody comes back from another provider.

The rules, and what each of them is against, are told in decision 14. An address counts only when
its provider vouches for it; `Found.email` holds no other.
"""

from __future__ import annotations

from usherd import errors, identities, ids, policies, proofs, users
from usherd.db import Row, Tx
from usherd.oauth import Found
from usherd.projects import Project
from usherd.vault import Vault

UNPROVEN = proofs.UNPROVEN.format("link this identity")
TAKEN = "This identity, or its address, belongs to another account."


async def sign_in(tx: Tx, vault: Vault, project: Project, found: Found) -> tuple[Row, bool]:
    """The user that somebody comes in as, locked: the one who has the identity, the one who
    provably has its address, or a new one; and whether it is a new one.

    Raises `UserBlocked`, `UserAlreadyExists`, `UserOauth2SignupDisabled`, `UserCountExceeded`, what
    `policies.check_email` raises, and `Stale`.
    """
    known = await identities.find(tx, project.id, found.provider, found.uid)
    if known is not None:
        seen: Row | None = await _lock(tx, project, known["user_id"])
    else:
        seen = await _by_address(tx, project, found)
    user = seen or await _sign_up(tx, project, found)
    if not user["status"]:
        raise errors.UserBlocked
    user = await _complete(tx, project, user, found)
    await identities.keep(tx, vault, user, found)
    return await users.touch(tx, user), seen is None


async def concerned(tx: Tx, project: Project, found: Found) -> Row | None:
    """Whose account somebody wanted into: the one with the identity, or with its address."""
    known = await identities.find(tx, project.id, found.provider, found.uid)
    if known is not None:
        return await users.get(tx, project.id, known["user_id"])
    return await users.by_email(tx, project.id, found.email) if found.email else None


async def link(tx: Tx, vault: Vault, project: Project, user: Row, found: Found) -> Row:
    """Give a locked user, who is signed in, the identity.

    Raises `UserAlreadyExists` when it, or its address, is somebody else's, and `Stale`.
    """
    known = await identities.find(tx, project.id, found.provider, found.uid)
    if known is not None and known["user_id"] != user["id"]:
        raise errors.UserAlreadyExists(TAKEN)
    if found.email and known is None and await _is_taken(tx, user, found.email):
        raise errors.UserAlreadyExists(TAKEN)
    user = await _complete(tx, project, user, found)
    await identities.keep(tx, vault, user, found)
    return user


async def _lock(tx: Tx, project: Project, user_id: str) -> Row:
    try:
        return await users.lock(tx, project.id, user_id)
    except errors.UserNotFound as error:
        raise users.Stale from error


async def _by_address(tx: Tx, project: Project, found: Found) -> Row | None:
    """The account with the address, if the account itself has proven that it is its own."""
    seen = await users.by_email(tx, project.id, found.email) if found.email else None
    if seen is None:
        return None
    user = await _lock(tx, project, seen["id"])
    if user["email"] != found.email:
        raise users.Stale
    if not user["status"]:
        raise errors.UserBlocked
    if not proofs.joins_by_address(user):
        raise errors.UserAlreadyExists(UNPROVEN)
    return user


async def _sign_up(tx: Tx, project: Project, found: Found) -> Row:
    """A new account; an address that nobody vouches for is none of it."""
    settings = project.settings
    if not settings.oauth_signup:
        raise errors.UserOauth2SignupDisabled
    if found.email:
        policies.check_email(found.email, settings)
    elif settings.email_allow_domains:
        raise errors.EmailDomainNotAllowed
    await users.refuse_full(tx, project)
    try:
        user = await users.create(
            tx, project, user_id=ids.unique(), email=found.email or None, name=found.name
        )
    except errors.UserEmailAlreadyExists as error:
        raise errors.UserAlreadyExists(UNPROVEN) from error
    except errors.UserAlreadyExists as error:  # somebody was faster: they are found next time
        raise users.Stale from error
    if found.email:
        user = await users.set_verification(tx, user, "email_verification", True)
    return user


async def _complete(tx: Tx, project: Project, user: Row, found: Found) -> Row:
    """Fill in what the account lacks: its name, its address, the proof of its address."""
    if found.name and not user["name"]:
        user = await users.rename(tx, user, found.name)
    email = found.email
    if email and not user["email"] and not await _is_taken(tx, user, email):
        try:
            policies.check_email(email, project.settings)
            user = await users.change_email(tx, user, email)
        except errors.AppError:
            return user
    if email and user["email"] == email and not user["email_verification"]:
        user = await users.set_verification(tx, user, "email_verification", True)
    return user


async def _is_taken(tx: Tx, user: Row, email: str) -> bool:
    """Whether another user, or another user's identity, has the address."""
    other = await users.by_email(tx, user["project_id"], email)
    if other is not None and other["id"] != user["id"]:
        return True
    return await identities.of_others(tx, user, email)
