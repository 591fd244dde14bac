"""Account API: one's accounts at other providers."""

from __future__ import annotations

from usherd import identities, provider_tokens, query, users
from usherd.api.account import me
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Identity, IdentityList
from usherd.params import Id, Queries, Total

endpoints = Endpoints("/v1/account")


@endpoints.get("/identities", scope="account")
async def list_identities(ctx: Context, queries: Queries = (), total: Total = True) -> IdentityList:
    """List the accounts at other providers with which one signs in."""
    asked = query.IDENTITIES.read(queries)
    rows, count = await identities.listing(
        ctx.tx, ctx.project.id, asked, total=total, user_id=me(ctx)["id"]
    )
    shown = [Identity.of(provider_tokens.opened(ctx.vault, row)) for row in rows]
    return IdentityList(count, shown)


@endpoints.delete(
    "/identities/{identityId}",
    scope="account",
    status=204,
    event="users.[userId].identities.[identityId].delete",
    audit="identity.delete",
)
async def delete_identity(ctx: Context, identity_id: Id) -> Identity:
    """Stop signing in with another provider. The last way to sign in stays; sessions stay, too."""
    settings = ctx.house.settings
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    row = await identities.remove_own(
        ctx.tx, ctx.project, user, identity_id,
        mail=bool(settings.smtp_host), sms=bool(settings.sms_provider),
    )  # fmt: skip
    return Identity.of(provider_tokens.hidden(row))
