"""Memberships: who belongs to which team, and who is invited.

Every change takes the lock of the team (`teams.lock`); who joins is locked before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from typing import Any

import msgspec

from usherd import clock, errors, ids, mfa, query_sql, search, teams
from usherd.db import Row, Tx, statements
from usherd.query import Query
from usherd.settings import ProjectSettings

OWNER = "owner"
"""The role that may change a team and its memberships."""

INVITATION_SECONDS = 7 * 86_400
SECRET_LENGTH = 256

VEILS = {
    "memberships_user_name": "user_name",
    "memberships_user_email": "user_email",
    "memberships_user_phone": "user_phone",
    "memberships_user_accessed_at": "user_accessed_at",
    "memberships_mfa": "user_mfa",
}
"""The setting of a project without which members do not see this of each other."""


# -- finding --


async def find(tx: Tx, project_id: str, membership_id: str) -> Row | None:
    """The membership with that id, of whatever team."""
    return await tx.by_id("memberships", project_id, membership_id)


async def get(tx: Tx, team: Row, membership_id: str) -> Row:
    """One membership of the team. Raises `MembershipNotFound`, and `TeamMembershipMismatch` for
    another team's."""
    row = await find(tx, team["project_id"], membership_id)
    if row is None:
        raise errors.MembershipNotFound
    if row["team_id"] != team["id"]:
        raise errors.TeamMembershipMismatch
    return row


async def of_member(tx: Tx, team: Row, user_id: str) -> Row | None:
    """The user's membership of the team, confirmed or not."""
    return await tx.one(
        "select * from memberships where project_id = :project_id and team_id = :team_id "
        "and user_id = :user_id",
        project_id=team["project_id"],
        team_id=team["id"],
        user_id=user_id,
    )


async def of_user(
    tx: Tx, project_id: str, user: Row, asked: Query, *, total: bool = True
) -> tuple[list[Row], int]:
    """(the user's memberships that were asked for, how many match), invitations included.

    Each is `described`. Raises `GeneralCursorNotFound`.
    """
    rows = await query_sql.page(tx, asked, project_id, user_id=user["id"])
    count = 0
    if total:
        count = await query_sql.count(tx, asked, project_id, user_id=user["id"])
    return await described(tx, project_id, rows), count


async def of_team(tx: Tx, team: Row, asked: Query, *, total: bool = True) -> tuple[list[Row], int]:
    """(the team's memberships that were asked for, how many match), invitations included.

    Each is `described`. Raises `GeneralCursorNotFound`.
    """
    rows = await query_sql.page(tx, asked, team["project_id"], team_id=team["id"])
    count = 0
    if total:
        count = await query_sql.count(tx, asked, team["project_id"], team_id=team["id"])
    return await described(tx, team["project_id"], rows), count


def owns(membership: Row) -> bool:
    """Whether it makes its user an owner of the team."""
    return bool(membership["confirm"]) and OWNER in msgspec.json.decode(membership["roles"])


# -- joining and leaving --


async def _put(tx: Tx, team: Row, user: Row, roles: Sequence[str], now: int, **values: Any) -> Row:
    """A new membership of the user, or their invitation renewed.

    Raises `MembershipAlreadyConfirmed`.
    """
    values |= {
        "roles": msgspec.json.encode(list(roles)).decode(), "invited_at": now, "updated_at": now,
    }  # fmt: skip
    old = await of_member(tx, team, user["id"])
    if old is not None:
        if old["confirm"]:
            raise errors.MembershipAlreadyConfirmed
        return await tx.update("memberships", old, **values)
    membership_id = ids.unique()
    return await tx.insert(
        "memberships",
        project_id=team["project_id"],
        id=membership_id,
        team_id=team["id"],
        user_id=user["id"],
        search=search.document(membership_id, user["id"]),
        created_at=now,
        **values,
    )


JOINED = {"confirm": 1, "digest": None, "expire_at": None}


async def join(tx: Tx, team: Row, user: Row, roles: Sequence[str]) -> Row:
    """Make a user a member at once; an invitation is fulfilled, with these roles.

    User and team are locked. Raises `MembershipAlreadyConfirmed`.
    """
    now = clock.now()
    row = await _put(tx, team, user, roles, now, joined_at=now, **JOINED)
    await teams.count(tx, team, +1)
    return row


async def invite(
    tx: Tx, team: Row, user: Row, roles: Sequence[str], *, secret: str, channel: str, about: str
) -> Row:
    """Invite a user, or invite them anew: an earlier secret opens nothing any more.

    User and team are locked. `channel` is `email` or `phone`, and `about` the address there:
    what accepting proves. Raises `MembershipAlreadyConfirmed`.
    """
    now = clock.now()
    return await _put(
        tx, team, user, roles, now, digest=ids.digest(secret), channel=channel, about=about,
        expire_at=now + INVITATION_SECONDS * 1000,
    )  # fmt: skip


def check_invitation(membership: Row, user_id: str, secret: str, caller: Row | None) -> None:
    """Whether this secret lets the user into the team; `caller` is who is signed in.

    Raises `TeamInvalidSecret`, `TeamInviteMismatch`, `MembershipAlreadyConfirmed`.
    """
    digest = membership["digest"]
    if not membership["confirm"]:
        if not digest or not compare_digest(digest, ids.digest(secret)):
            raise errors.TeamInvalidSecret
        if (membership["expire_at"] or 0) <= clock.now():
            raise errors.TeamInvalidSecret("The invitation has expired; ask for a new one.")
    mine = caller is None or caller["id"] == membership["user_id"]
    if user_id != membership["user_id"] or not mine:
        raise errors.TeamInviteMismatch
    if membership["confirm"]:
        raise errors.MembershipAlreadyConfirmed


async def accept(tx: Tx, team: Row, membership: Row) -> Row:
    """Let an invited user in; user and team are locked, and the secret was right."""
    now = clock.now()
    row = await tx.update("memberships", membership, joined_at=now, updated_at=now, **JOINED)
    await teams.count(tx, team, +1)
    return row


async def set_roles(tx: Tx, membership: Row, roles: Sequence[str]) -> Row:
    """Replace the roles of a membership whose team is locked."""
    text = msgspec.json.encode(list(roles)).decode()
    return await tx.update("memberships", membership, roles=text, updated_at=clock.now())


async def delete(tx: Tx, team: Row, membership: Row) -> None:
    """Take somebody out of a locked team, or an invitation back."""
    await tx.run("delete from memberships where seq = :seq", seq=membership["seq"])
    if membership["confirm"]:
        await teams.count(tx, team, -1)


# -- what is shown of a member --


async def described(tx: Tx, project_id: str, rows: Sequence[Row]) -> list[Row]:
    """The memberships with their team's name and what is shown of their user.

    One whose user or team vanishes meanwhile is left out.
    """
    names = await _by_id(tx, project_id, "teams", "id, name", {row["team_id"] for row in rows})
    users = await _by_id(tx, project_id, "users", _SHOWN, {row["user_id"] for row in rows})
    protected = await mfa.protected(tx, project_id, list(users.values()))
    found = []
    for row in rows:
        team, user = names.get(row["team_id"]), users.get(row["user_id"])
        if team is None or user is None:
            continue
        about = {
            "team_name": team["name"],
            "user_name": user["name"],
            "user_email": user["email"],
            "user_phone": user["phone"],
            "user_accessed_at": user["accessed_at"],
            "user_mfa": user["id"] in protected,
        }
        found.append(row | about)
    return found


_SHOWN = "id, name, email, phone, accessed_at, mfa, email_verification, phone_verification"


async def _by_id(
    tx: Tx, project_id: str, table: str, columns: str, wanted: set[str]
) -> dict[str, Row]:
    found: dict[str, Row] = {}
    every = sorted(wanted)
    for names, values in statements.chunks("i", every):
        rows = await tx.all(
            f"select {columns} from {table} where project_id = :project_id and id in ({names})",
            project_id=project_id,
            **values,
        )
        found |= {row["id"]: row for row in rows}
    return found


def veiled(described: Row, settings: ProjectSettings) -> Row:
    """A described membership as another member may see it."""
    hidden = [column for name, column in VEILS.items() if not getattr(settings, name)]
    return described | dict.fromkeys(hidden)
