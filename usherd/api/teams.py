"""Teams API: teams, their names and preferences, and who may do what to them."""

from __future__ import annotations

from usherd import errors, ids, memberships, query, teams, users
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Preferences, Team, TeamList
from usherd.params import CustomId, Id, Name, Prefs, Queries, Roles, Search, Total

endpoints = Endpoints("/v1/teams")


async def own_membership(ctx: Context, team: Row) -> Row | None:
    """The caller's membership of the team; None for an API key, which needs none.

    Raises `TeamNotFound` for everybody else who has not joined: they see nothing of it.
    """
    if ctx.caller.user is None:
        return None
    own = await memberships.of_member(ctx.tx, team, ctx.caller.user["id"])
    if own is None or not own["confirm"]:
        raise errors.TeamNotFound
    return own


def require_owner(own: Row | None) -> None:
    """Raises `UserUnauthorized` for a member who is no owner."""
    if own is not None and not memberships.owns(own):
        raise errors.UserUnauthorized("Only owners of the team may do this.")


async def visible(ctx: Context, team_id: str) -> Row:
    """The team, if the caller may see it. Raises `TeamNotFound`."""
    team = await teams.get(ctx.tx, ctx.project.id, team_id)
    await own_membership(ctx, team)
    return team


async def owned(ctx: Context, team_id: str) -> Row:
    """The team, locked, if the caller may change it. Raises `TeamNotFound`, `UserUnauthorized`."""
    team = await teams.lock(ctx.tx, ctx.project.id, team_id)
    require_owner(await own_membership(ctx, team))
    return team


@endpoints.get("", scope="teams.read", name="list")
async def list_teams(
    ctx: Context,
    queries: Queries = (),
    search: Search | None = None,
    total: Total = True,
) -> TeamList:
    """List teams, oldest first unless `queries` say otherwise: a user's own, all for an API key.

    `search` finds words of the id and the name. `total` stops counting at 5000.
    """
    asked = query.TEAMS.read(queries, search)
    if ctx.caller.user is not None:
        asked.member = ctx.caller.user["id"]
    rows, count = await teams.listing(ctx.tx, ctx.project.id, asked, total=total)
    return TeamList(count, [Team.of(row) for row in rows])


@endpoints.post(
    "", scope="teams.write", status=201, event="teams.[teamId].create", audit="team.create"
)
async def create(ctx: Context, team_id: CustomId, name: Name, roles: Roles | None = None) -> Team:
    """Make a team. A user becomes its first member, an owner with `roles` besides.

    A team made with an API key begins empty, and `roles` mean nothing.
    """
    project_id, team_id = ctx.project.id, ids.resolve(team_id)
    if ctx.caller.user is None:
        return Team.of(await teams.create(ctx.tx, project_id, team_id=team_id, name=name))
    roles = list(dict.fromkeys([*(roles or ()), memberships.OWNER]))
    user = await users.lock(ctx.tx, project_id, ctx.caller.user["id"])
    team = await teams.create(ctx.tx, project_id, team_id=team_id, name=name)
    await memberships.join(ctx.tx, team, user, roles)
    return Team.of(await teams.get(ctx.tx, project_id, team_id))


@endpoints.get("/{teamId}", scope="teams.read")
async def get(ctx: Context, team_id: Id) -> Team:
    """Get a team."""
    return Team.of(await visible(ctx, team_id))


@endpoints.put("/{teamId}", scope="teams.write", event="teams.[teamId].update", audit="team.update")
async def update_name(ctx: Context, team_id: Id, name: Name) -> Team:
    """Rename a team."""
    return Team.of(await teams.rename(ctx.tx, await owned(ctx, team_id), name))


@endpoints.delete(
    "/{teamId}", scope="teams.write", status=204, event="teams.[teamId].delete", audit="team.delete"
)
async def delete(ctx: Context, team_id: Id) -> Team:
    """Delete a team with all its memberships and invitations. The users stay."""
    team = await owned(ctx, team_id)
    await teams.delete(ctx.tx, team)
    return Team.of(team)


@endpoints.get("/{teamId}/prefs", scope="teams.read")
async def get_prefs(ctx: Context, team_id: Id) -> Preferences:
    """Get the preferences that the members of a team share."""
    return Preferences.of(await visible(ctx, team_id))


@endpoints.put(
    "/{teamId}/prefs",
    scope="teams.write",
    event="teams.[teamId].update.prefs",
    audit="team.update",
)
async def update_prefs(ctx: Context, team_id: Id, prefs: Prefs) -> Preferences:
    """Replace the preferences of a team."""
    return Preferences.of(await teams.set_prefs(ctx.tx, await owned(ctx, team_id), prefs))
