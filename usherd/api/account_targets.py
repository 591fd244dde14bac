"""Account API: the devices at which one receives push messages."""

from __future__ import annotations

from usherd import agents, errors, ids, targets, users
from usherd.api.account import me, my_session
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Target
from usherd.params import CustomId, Id, Identifier

endpoints = Endpoints("/v1/account/targets")


def _device(ctx: Context) -> str:
    agent = agents.known(ctx.client.user_agent)
    return f"{agent.device_brand} {agent.device_model}".strip()


async def _own(ctx: Context, user: Row, target_id: str) -> Row:
    target = await targets.get(ctx.tx, ctx.project.id, user["id"], target_id)
    if target["provider_type"] != "push":
        raise errors.UserTargetNotFound
    return target


# quirk: the published scope is targets.write, which for an API key means everybody's targets.
@endpoints.post(
    "/push",
    scope="account",
    status=201,
    event="users.[userId].targets.[targetId].create",
    audit="target.create",
)
async def create_push_target(
    ctx: Context, target_id: CustomId, identifier: Identifier, provider_id: Id | None = None
) -> Target:
    """Register this device for push messages, until the session ends."""
    session = my_session(ctx)
    await ctx.learn_agents()
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    row = await targets.create(
        ctx.tx, user, target_id=ids.resolve(target_id), provider_type="push",
        identifier=identifier, provider_id=provider_id, name=_device(ctx),
        session_id=session["id"],
    )  # fmt: skip
    return Target.of(row)


@endpoints.put(
    "/{targetId}/push",
    scope="account",
    event="users.[userId].targets.[targetId].update",
    audit="target.update",
)
async def update_push_target(ctx: Context, target_id: Id, identifier: Identifier) -> Target:
    """Tell the device's new identifier."""
    await ctx.learn_agents()
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    target = await _own(ctx, user, target_id)
    row = await targets.update(
        ctx.tx, user, target, identifier=identifier, provider_id=None, name=_device(ctx)
    )
    return Target.of(row)


@endpoints.delete(
    "/{targetId}/push",
    scope="account",
    status=204,
    event="users.[userId].targets.[targetId].delete",
    audit="target.delete",
)
async def delete_push_target(ctx: Context, target_id: Id) -> Target:
    """Stop push messages to a device."""
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    await _own(ctx, user, target_id)
    return Target.of(await targets.delete(ctx.tx, user, target_id))
