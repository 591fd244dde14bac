"""Teams: groups of users with a name, preferences, and how many have joined.

Whoever changes a team or any membership in it holds the team's lock, so that memberships need
none of their own. Users are locked before teams, teams in the order of their creation.
"""

from __future__ import annotations

from usherd import clock, errors, query_sql, search
from usherd.db import Duplicate, Row, Tx
from usherd.query import Query


async def get(tx: Tx, project_id: str, team_id: str) -> Row:
    """One team. Raises `TeamNotFound`."""
    row = await tx.by_id("teams", project_id, team_id)
    if row is None:
        raise errors.TeamNotFound
    return row


async def lock(tx: Tx, project_id: str, team_id: str) -> Row:
    """One team that nobody else changes, joins or leaves until this transaction ends.

    Raises `TeamNotFound`.
    """
    row = await tx.one(
        "select * from teams where project_id = :project_id and id = :id for update",
        project_id=project_id,
        id=team_id,
    )
    if row is None:
        raise errors.TeamNotFound
    return row


async def listing(
    tx: Tx, project_id: str, asked: Query, *, total: bool = True
) -> tuple[list[Row], int]:
    """(the teams that were asked for, how many match). Raises `GeneralCursorNotFound`."""
    return await query_sql.listing(tx, asked, project_id, total)


async def create(tx: Tx, project_id: str, *, team_id: str, name: str) -> Row:
    """Make a team without members. Raises `TeamAlreadyExists`."""
    now = clock.now()
    try:
        return await tx.insert(
            "teams",
            project_id=project_id,
            id=team_id,
            name=name,
            name_key=search.fold(name),
            search=search.document(team_id, name),
            created_at=now,
            updated_at=now,
        )
    except Duplicate as error:
        raise errors.TeamAlreadyExists from error


async def rename(tx: Tx, team: Row, name: str) -> Row:
    """Change a locked team's name."""
    return await tx.update(
        "teams",
        team,
        name=name,
        name_key=search.fold(name),
        search=search.document(team["id"], name),
        updated_at=clock.now(),
    )


async def set_prefs(tx: Tx, team: Row, prefs: str) -> Row:
    """Replace the preferences of a locked team by an object in JSON."""
    return await tx.update("teams", team, prefs=prefs, updated_at=clock.now())


async def count(tx: Tx, team: Row, change: int) -> Row:
    """A locked team has so many members more, or fewer."""
    total = max(0, team["total"] + change)
    return await tx.update("teams", team, total=total, updated_at=clock.now())


async def delete(tx: Tx, team: Row) -> None:
    """Remove a locked team with its memberships and invitations; the users stay."""
    await tx.run("delete from teams where seq = :seq", seq=team["seq"])
