"""Memberships: who belongs to which team."""

from __future__ import annotations

from usherd import mfa, query_sql
from usherd.db import Row, Tx
from usherd.query import Query


async def of_user(
    tx: Tx, project_id: str, user: Row, asked: Query, *, total: bool = True
) -> tuple[list[Row], int]:
    """(the user's memberships that were asked for, how many match), invitations included.

    Each row tells its team's name and what is shown of the user, too. Raises
    `GeneralCursorNotFound`.
    """
    rows = await query_sql.page(tx, asked, project_id, user_id=user["id"])
    count = 0
    if total:
        count = await query_sql.count(tx, asked, project_id, user_id=user["id"])
    if rows:
        names = await _team_names(tx, project_id, [row["team_id"] for row in rows])
        about = {
            "user_name": user["name"],
            "user_email": user["email"],
            "user_phone": user["phone"],
            "user_accessed_at": user["accessed_at"],
            "user_mfa": bool(user["mfa"]) and await mfa.has_factor(tx, user),
        }
        rows = [row | about | {"team_name": names.get(row["team_id"], "")} for row in rows]
    return rows, count


async def _team_names(tx: Tx, project_id: str, team_ids: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(team_ids), query_sql.CHUNK):
        names, values = query_sql.placeholders("t", team_ids[start : start + query_sql.CHUNK])
        teams = await tx.all(
            f"select id, name from teams where project_id = :project_id and id in ({names})",
            project_id=project_id,
            **values,
        )
        found |= {team["id"]: team["name"] for team in teams}
    return found
