"""Targets: the addresses at which a user can be reached.

A user is nearly always shown with all targets. `users.targets` therefore keeps them as they are
shown; every function here that changes targets ends by calling `_keep`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from usherd import clock, errors, ids, models, params, query_sql, search
from usherd.db import Duplicate, Row, Tx, statements
from usherd.query import Query


async def of_user(tx: Tx, project_id: str, user_id: str) -> list[Row]:
    """The user's targets in the order of their creation."""
    return await tx.all(
        "select * from targets where project_id = :project_id and user_id = :user_id order by seq",
        project_id=project_id,
        user_id=user_id,
    )


async def _keep(tx: Tx, user: Row) -> Row:
    """Write the user's targets, as they are now, into the user; returns the row anew."""
    text = shown(await of_user(tx, user["project_id"], user["id"]))
    return user if text == user["targets"] else await tx.update("users", user, targets=text)


def shown(rows: list[Row]) -> str:
    """Targets as `users.targets` has them."""
    return msgspec.json.encode([models.Target.of(row) for row in rows]).decode()


async def listing(
    tx: Tx, project_id: str, user_id: str, asked: Query, *, total: bool = True
) -> tuple[list[Row], int]:
    """(the targets of the user that were asked for, how many match).

    Raises `GeneralCursorNotFound`.
    """
    rows = await query_sql.page(tx, asked, project_id, user_id=user_id)
    count = await query_sql.count(tx, asked, project_id, user_id=user_id) if total else 0
    return rows, count


async def get(tx: Tx, project_id: str, user_id: str, target_id: str) -> Row:
    """One target of the user. Raises `UserTargetNotFound`, also for somebody else's."""
    row = await tx.one(
        "select * from targets where project_id = :project_id and user_id = :user_id and id = :id",
        project_id=project_id,
        user_id=user_id,
        id=target_id,
    )
    if row is None:
        raise errors.UserTargetNotFound
    return row


def check(provider_type: str, identifier: str) -> None:
    """Raises `GeneralInvalidEmail` or `GeneralInvalidPhone` for an address that is none."""
    if provider_type == "email" and not params.is_email(identifier):
        raise errors.GeneralInvalidEmail
    if provider_type == "sms" and not params.is_phone(identifier):
        raise errors.GeneralInvalidPhone


def _values(user: Row, provider_type: str, identifier: str, name: str = "") -> dict[str, Any]:
    now = clock.now()
    return {
        "project_id": user["project_id"],
        "user_id": user["id"],
        "name": name,
        "name_key": search.fold(name),
        "provider_type": provider_type,
        "identifier": identifier,
        "identifier_key": search.fold(identifier),
        "created_at": now,
        "updated_at": now,
    }


def _address(identifier: str) -> dict[str, Any]:
    """What changes with the identifier; a new one is not known to be unreachable."""
    return {"identifier": identifier, "identifier_key": search.fold(identifier), "expired": 0}


async def create(
    tx: Tx,
    user: Row,
    *,
    target_id: str,
    provider_type: str,
    identifier: str,
    provider_id: str | None,
    name: str,
    session_id: str | None = None,
) -> Row:
    """Give the user a target, for as long as the session lasts if there is one.

    The identifier is kept as it was written.

    Raises `ProviderNotFound` (there is no messaging here, hence no provider) and
    `UserTargetAlreadyExists` when anybody has the id or the identifier.
    """
    if provider_id is not None:
        raise errors.ProviderNotFound
    try:
        row = await tx.insert(
            "targets", id=target_id, session_id=session_id,
            **_values(user, provider_type, identifier, name),
        )  # fmt: skip
    except Duplicate as error:
        raise errors.UserTargetAlreadyExists from error
    await _keep(tx, user)
    return row


def first(project_id: str, user_id: str, email: str | None, phone: str | None) -> list[Row]:
    """The targets that a user who is about to be made shall have: one for each address."""
    whose = {"project_id": project_id, "id": user_id}
    return [
        _values(whose, provider_type, address)
        | {"id": ids.unique(), "provider_id": None, "expired": 0}
        for provider_type, address in (("email", email), ("sms", phone))
        if address
    ]


async def create_first(tx: Tx, user: Row, planned: list[Row]) -> Row:
    """Make the targets that stand in a new user already; returns the user.

    An address that is somebody else's target is left to them, and the user written anew.
    """
    made = [await tx.insert_or_ignore("targets", **each) for each in planned]
    return user if all(made) else await _keep(tx, user)


async def update(
    tx: Tx,
    user: Row,
    target: Row,
    *,
    identifier: str | None,
    provider_id: str | None,
    name: str | None,
) -> Row:
    """Change what is not None of the user's target; a new identifier starts unexpired.

    Raises `GeneralInvalidEmail`, `GeneralInvalidPhone`, `ProviderNotFound`,
    `UserTargetAlreadyExists`.
    """
    changes: dict[str, Any] = {"updated_at": clock.now()}
    if identifier is not None:
        check(target["provider_type"], identifier)
        changes |= _address(identifier)
    if provider_id is not None:
        raise errors.ProviderNotFound
    if name is not None:
        changes |= {"name": name, "name_key": search.fold(name)}
    try:
        row = await tx.update("targets", target, **changes)
    except Duplicate as error:
        raise errors.UserTargetAlreadyExists from error
    await _keep(tx, user)
    return row


async def delete(tx: Tx, user: Row, target_id: str) -> Row:
    """Remove one target of the user and return it. Raises `UserTargetNotFound`."""
    row = await tx.one(
        "delete from targets where project_id = :project_id and user_id = :user_id and id = :id "
        "returning *",
        project_id=user["project_id"],
        user_id=user["id"],
        id=target_id,
    )
    if row is None:
        raise errors.UserTargetNotFound
    await _keep(tx, user)
    return row


async def forget_sessions(tx: Tx, user: Row, session_ids: list[str]) -> None:
    """Remove the devices that were registered by sessions which have ended."""
    gone = 0
    for names, values in statements.chunks("s", session_ids):
        gone += await tx.run(
            "delete from targets where project_id = :project_id and user_id = :user_id "
            f"and session_id in ({names})",
            project_id=user["project_id"],
            user_id=user["id"],
            **values,
        )
    if gone:
        await _keep(tx, user)


async def refuse_taken(tx: Tx, user: Row, identifier: str) -> None:
    """Raises `UserTargetAlreadyExists` when the identifier is a target of somebody else."""
    taken = await tx.one(
        "select seq from targets where project_id = :project_id and identifier = :identifier "
        "and user_id <> :user_id",
        project_id=user["project_id"],
        identifier=identifier,
        user_id=user["id"],
    )
    if taken is not None:
        raise errors.UserTargetAlreadyExists


async def follow(tx: Tx, user: Row, provider_type: str, old: str | None, new: str | None) -> Row:
    """Let the user's targets follow a changed e-mail or phone; returns the user anew.

    The target at the old address moves to the new one, or goes when there is none or when
    another target of the user is there already; without an old one, a target is made.
    Raises `UserTargetAlreadyExists`.
    """
    own = {
        row["identifier"]: row
        for row in await of_user(tx, user["project_id"], user["id"])
        if row["identifier"] in (old, new)
    }
    try:
        if old in own and (new is None or new in own):
            await tx.run("delete from targets where seq = :seq", seq=own[old]["seq"])
        elif old in own and new is not None:
            await tx.update("targets", own[old], **_address(new), updated_at=clock.now())
        elif new is not None and new not in own:
            await tx.insert("targets", id=ids.unique(), **_values(user, provider_type, new))
    except Duplicate as error:
        raise errors.UserTargetAlreadyExists from error
    return await _keep(tx, user)
