"""Identities: accounts at other providers with which users have signed in."""

from __future__ import annotations

from usherd import errors
from usherd.db import Row, Tx


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
