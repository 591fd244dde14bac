"""Users API: the addresses at which somebody can be reached."""

from __future__ import annotations

from usherd import ids, query, targets, users
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Target, TargetList
from usherd.params import CustomId, Id, Identifier, Name, ProviderType, Queries, Total

endpoints = Endpoints("/v1/users")


@endpoints.get("/{userId}/targets", scope="targets.read")
async def list_targets(
    ctx: Context, user_id: Id, queries: Queries = (), total: Total = True
) -> TargetList:
    """List a user's targets: e-mail addresses, phone numbers, devices."""
    asked = query.TARGETS.read(queries)
    await users.get(ctx.tx, ctx.project.id, user_id)
    rows, count = await targets.listing(ctx.tx, ctx.project.id, user_id, asked, total=total)
    return TargetList(count, [Target.of(row) for row in rows])


@endpoints.post(
    "/{userId}/targets",
    scope="targets.write",
    status=201,
    event="users.[userId].targets.[targetId].create",
    audit="target.create",
)
async def create_target(
    ctx: Context,
    target_id: CustomId,
    user_id: Id,
    provider_type: ProviderType,
    identifier: Identifier,
    provider_id: Id | None = None,
    name: Name = "",
) -> Target:
    """Give a user another target.

    An identifier belongs to one target of the project, whosever it is.
    """
    targets.check(provider_type, identifier)
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    row = await targets.create(
        ctx.tx,
        user,
        target_id=ids.resolve(target_id),
        provider_type=provider_type,
        identifier=identifier,
        provider_id=provider_id,
        name=name,
    )
    return Target.of(row)


@endpoints.get("/{userId}/targets/{targetId}", scope="targets.read")
async def get_target(ctx: Context, user_id: Id, target_id: Id) -> Target:
    """Get one target of a user."""
    await users.get(ctx.tx, ctx.project.id, user_id)
    return Target.of(await targets.get(ctx.tx, ctx.project.id, user_id, target_id))


@endpoints.patch(
    "/{userId}/targets/{targetId}",
    scope="targets.write",
    event="users.[userId].targets.[targetId].update",
    audit="target.update",
)
async def update_target(
    ctx: Context,
    user_id: Id,
    target_id: Id,
    identifier: Identifier | None = None,
    provider_id: Id | None = None,
    name: Name | None = None,
) -> Target:
    """Change a target; what is left out stays. The user's own e-mail and phone stay, too."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    target = await targets.get(ctx.tx, ctx.project.id, user_id, target_id)
    row = await targets.update(
        ctx.tx, user, target, identifier=identifier, provider_id=provider_id, name=name
    )
    return Target.of(row)


@endpoints.delete(
    "/{userId}/targets/{targetId}",
    scope="targets.write",
    status=204,
    event="users.[userId].targets.[targetId].delete",
    audit="target.delete",
)
async def delete_target(ctx: Context, user_id: Id, target_id: Id) -> Target:
    """Remove a target from a user."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return Target.of(await targets.delete(ctx.tx, user, target_id))
