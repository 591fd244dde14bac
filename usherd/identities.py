"""Identities: accounts at other providers with which users have signed in."""

from __future__ import annotations

from usherd import clock, errors, ids, provider_tokens, query_sql, search
from usherd.db import Duplicate, Row, Tx
from usherd.oauth import Found, Tokens
from usherd.projects import Project
from usherd.query import Query
from usherd.users import Stale
from usherd.vault import Vault


async def listing(
    tx: Tx, project_id: str, asked: Query, *, total: bool = True, **within: str
) -> tuple[list[Row], int]:
    """(the identities that were asked for, how many match); `within` are equal columns.

    Raises `GeneralCursorNotFound`.
    """
    rows = await query_sql.page(tx, asked, project_id, **within)
    return rows, await query_sql.count(tx, asked, project_id, **within) if total else 0


async def find(tx: Tx, project_id: str, provider: str, uid: str) -> Row | None:
    """The identity of somebody at a provider."""
    return await tx.one(
        "select * from identities where project_id = :project_id and provider = :provider "
        "and provider_uid = :uid",
        project_id=project_id,
        provider=provider,
        uid=uid,
    )


async def of_others(tx: Tx, user: Row, email: str) -> bool:
    """Whether another user's identity has the address."""
    row = await tx.one(
        "select seq from identities where project_id = :project_id and provider_email = :email "
        "and user_id <> :user_id limit 1",
        project_id=user["project_id"],
        email=email,
        user_id=user["id"],
    )
    return row is not None


async def keep(tx: Tx, vault: Vault, user: Row, found: Found) -> Row:
    """Write down that a locked user is this person at the provider, with the newest tokens.

    Raises `Stale` when the identity has become somebody else's meanwhile.
    """
    now = clock.now()
    changes = {"provider_email": found.email or None, "updated_at": now}
    changes |= provider_tokens.sealed(vault, user, found.tokens)
    row = await find(tx, user["project_id"], found.provider, found.uid)
    if row is not None and row["user_id"] != user["id"]:
        raise Stale
    id_ = row["id"] if row else ids.unique()
    changes["search"] = search.document(id_, user["id"], found.provider, found.uid, found.email)
    if row is not None:
        return await tx.update("identities", row, **changes)
    try:
        return await tx.insert(
            "identities",
            project_id=user["project_id"],
            id=id_,
            user_id=user["id"],
            provider=found.provider,
            provider_uid=found.uid,
            provider_uid_key=search.fold(found.uid),
            created_at=now,
            **changes,
        )
    except Duplicate as error:
        raise Stale from error


async def renew(tx: Tx, vault: Vault, user: Row, session: Row, tokens: Tokens) -> None:
    """Give a user's identity the tokens that a session of it has just got."""
    await tx.run(
        "update identities set provider_access_token = :provider_access_token, "
        "provider_refresh_token = :provider_refresh_token, "
        "provider_access_token_expiry = :provider_access_token_expiry, updated_at = :now "
        "where project_id = :project_id and user_id = :user_id and provider = :provider "
        "and provider_uid = :uid",
        now=clock.now(),
        project_id=user["project_id"],
        user_id=user["id"],
        provider=session["provider"],
        uid=session["provider_uid"],
        **provider_tokens.sealed(vault, user, tokens),
    )


async def remove_own(
    tx: Tx, project: Project, user: Row, identity_id: str, *, mail: bool, sms: bool
) -> Row:
    """Let a locked user forget an identity, unless nothing else lets them in again.

    `mail` and `sms` say whether such messages leave the server. Raises `UserIdentityNotFound`,
    also for somebody else's, and `UserLastIdentity`.
    """
    rows = await tx.all(
        "select * from identities where project_id = :project_id and user_id = :user_id "
        "order by seq for update",
        project_id=user["project_id"],
        user_id=user["id"],
    )
    if all(row["id"] != identity_id for row in rows):
        raise errors.UserIdentityNotFound
    wants = project.settings
    by_mail = mail and (wants.magic_url or wants.email_otp or wants.email_password)
    by_password = bool(user["password"]) and wants.email_password
    by_address = bool(user["email"]) and (by_mail or by_password)
    by_phone = bool(user["phone"]) and sms and wants.phone
    if len(rows) == 1 and not by_address and not by_phone:
        raise errors.UserLastIdentity
    return await delete(tx, user["project_id"], identity_id)


async def delete(tx: Tx, project_id: str, identity_id: str) -> Row:
    """Forget an identity and return it; sessions stay. Raises `UserIdentityNotFound`."""
    row = await tx.one(
        "delete from identities where project_id = :project_id and id = :id returning *",
        project_id=project_id,
        id=identity_id,
    )
    if row is None:
        raise errors.UserIdentityNotFound
    return row
