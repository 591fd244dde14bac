"""Identities: accounts at other providers with which users have signed in."""

from __future__ import annotations

from usherd import errors, query_sql
from usherd.db import Row, Tx
from usherd.query import Query


async def listing(
    tx: Tx, project_id: str, asked: Query, *, total: bool = True
) -> tuple[list[Row], int]:
    """(the identities that were asked for, how many match). Raises `GeneralCursorNotFound`."""
    rows = await query_sql.page(tx, asked, project_id)
    return rows, await query_sql.count(tx, asked, project_id) if total else 0


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
