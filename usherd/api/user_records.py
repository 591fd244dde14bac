"""Users API: what is kept about somebody elsewhere: activity, teams, identities."""

from __future__ import annotations

from usherd import identities, logs, memberships, provider_tokens, query, users
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Identity, IdentityList, Log, LogList, Membership, MembershipList
from usherd.params import Id, Queries, Search, Total

endpoints = Endpoints("/v1/users")


@endpoints.get("/{userId}/logs", scope="users.read")
async def list_logs(
    ctx: Context, user_id: Id, queries: Queries = (), total: Total = True
) -> LogList:
    """List what a user did, newest first. `limit` and `offset` are the only queries."""
    asked = query.LOGS.read(queries)
    user = await users.get(ctx.tx, ctx.project.id, user_id)
    rows, count = await logs.listing(ctx.tx, ctx.project.id, user, asked, total=total)
    if rows:
        await ctx.learn_agents(*rows)
    return LogList(count, [Log.of(row, user) for row in rows])


@endpoints.get("/{userId}/memberships", scope="users.read")
async def list_memberships(
    ctx: Context,
    user_id: Id,
    queries: Queries = (),
    search: Search | None = None,
    total: Total = True,
) -> MembershipList:
    """List the teams a user belongs to or is invited to."""
    asked = query.MEMBERSHIPS.read(queries, search)
    user = await users.get(ctx.tx, ctx.project.id, user_id)
    rows, count = await memberships.of_user(ctx.tx, ctx.project.id, user, asked, total=total)
    return MembershipList(count, [Membership.of(row) for row in rows])


@endpoints.get("/identities", scope="users.read")
async def list_identities(
    ctx: Context, queries: Queries = (), search: Search | None = None, total: Total = True
) -> IdentityList:
    """List the accounts at other providers with which users have signed in."""
    asked = query.IDENTITIES.read(queries, search)
    rows, count = await identities.listing(ctx.tx, ctx.project.id, asked, total=total)
    shown = [Identity.of(provider_tokens.opened(ctx.vault, row)) for row in rows]
    return IdentityList(count, shown)


@endpoints.delete(
    "/identities/{identityId}",
    scope="users.write",
    status=204,
    event="users.[userId].identities.[identityId].delete",
    audit="identity.delete",
)
async def delete_identity(ctx: Context, identity_id: Id) -> Identity:
    """Forget that a user has signed in with another provider; sessions stay."""
    row = await identities.delete(ctx.tx, ctx.project.id, identity_id)
    return Identity.of(provider_tokens.hidden(row))
