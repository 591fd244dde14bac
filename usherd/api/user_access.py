"""Users API: how somebody gets in: sessions, tokens, JWTs, second factors."""

from __future__ import annotations

from usherd import ids, jwts, mfa, provider_tokens, sessions, tokens, users
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import (
    Jwt,
    MfaFactors,
    MfaRecoveryCodes,
    Session,
    SessionList,
    Token,
    User,
)
from usherd.params import (
    AuthenticatorType,
    CustomId,
    Id,
    JwtDuration,
    TokenExpire,
    TokenLength,
    Total,
)

endpoints = Endpoints("/v1/users")


# -- sessions --


def _shown(ctx: Context, row: Row) -> Session:
    return Session.of(provider_tokens.opened(ctx.vault, row))


@endpoints.get("/{userId}/sessions", scope="users.read")
async def list_sessions(ctx: Context, user_id: Id, total: Total = True) -> SessionList:
    """List a user's sessions, oldest first. Their secrets are not shown again."""
    await users.get(ctx.tx, ctx.project.id, user_id)
    rows = await sessions.listing(ctx.tx, ctx.project.id, user_id)
    if rows:
        await ctx.learn_agents(*rows)
    return SessionList(len(rows) if total else 0, [_shown(ctx, row) for row in rows])


@endpoints.post(
    "/{userId}/sessions",
    scope="users.write",
    status=201,
    event="users.[userId].sessions.[sessionId].create",
    audit="session.create",
)
async def create_session(ctx: Context, user_id: CustomId) -> Session:
    """Sign a user in from your server.

    The answer's `secret` is the session's: hand it to the user as the value of
    `X-Appwrite-Session`. It is not shown again. Beyond the project's limit of sessions for
    one user the oldest end.
    """
    await ctx.learn_agents()
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    row, secret = await sessions.create(
        ctx.tx, ctx.project, user, ctx.client, provider="server", factors=["server"]
    )
    return Session.of(row, secret=secret if ctx.caller.shows_secrets else "")


@endpoints.delete(
    "/{userId}/sessions",
    scope="users.write",
    status=204,
    event="users.[userId].sessions.delete",
    audit="session.delete",
)
async def delete_sessions(ctx: Context, user_id: Id) -> User:
    """Sign a user out everywhere."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    await sessions.delete_all(ctx.tx, user)
    return User.of(user)


@endpoints.delete(
    "/{userId}/sessions/{sessionId}",
    scope="users.write",
    status=204,
    event="users.[userId].sessions.[sessionId].delete",
    audit="session.delete",
)
async def delete_session(ctx: Context, user_id: Id, session_id: Id) -> Session:
    """End one session of a user."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return Session.of(provider_tokens.hidden(await sessions.delete(ctx.tx, user, session_id)))


# -- tokens --


@endpoints.post(
    "/{userId}/tokens",
    scope="users.write",
    status=201,
    event="users.[userId].tokens.[tokenId].create",
    audit="tokens.create",
)
async def create_token(
    ctx: Context, user_id: Id, length: TokenLength = 6, expire: TokenExpire = 900
) -> Token:
    """Make a one-time secret that the user exchanges for a session at `/account/sessions/token`.

    `length` counts hexadecimal characters and `expire` seconds. Older tokens stay valid.
    """
    await users.lock(ctx.tx, ctx.project.id, user_id)
    secret = ids.secret(length)
    row = await tokens.create(
        ctx.tx, ctx.project.id, user_id, kind="generic", secret=secret, expire_seconds=expire
    )
    return Token.of(row, secret=secret if ctx.caller.shows_secrets else "")


@endpoints.post(
    "/{userId}/jwts",
    scope="users.write",
    status=201,
    quiet="A JWT is stored nowhere: there is nothing to tell apart from handing it out.",
)
async def create_jwt(
    ctx: Context, user_id: Id, session_id: Id = "recent", duration: JwtDuration = 900
) -> Jwt:
    """Make a JWT with which a request acts as the user, for `duration` seconds.

    It is bound to the session named by `sessionId`, by default the newest, and dies with it.
    For a user without such a session it is bound to none. Any backend can verify it with
    the project's public keys.
    """
    async with ctx.reading() as tx:
        await users.get(tx, ctx.project.id, user_id)
        bound = await sessions.for_jwt(tx, ctx.project.id, user_id, session_id)
    token = jwts.create(
        ctx.project,
        ctx.vault,
        user_id=user_id,
        session_id=bound,
        duration_seconds=duration,
        issuer=ctx.endpoint_url,
    )
    return Jwt(token)


# -- second factors --


@endpoints.delete(
    "/{userId}/mfa/authenticators/{type}",
    scope="users.write",
    event="users.[userId].delete.mfa",
    audit="user.update",
)
async def delete_mfa_authenticator(ctx: Context, user_id: Id, type_: AuthenticatorType) -> User:
    """Remove a user's authenticator app; recovery codes stay."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    await mfa.delete_authenticator(ctx.tx, user, type_)
    return User.of(user)


@endpoints.get("/{userId}/mfa/factors", scope="users.read")
async def list_mfa_factors(ctx: Context, user_id: Id) -> MfaFactors:
    """Say which second factors a user can be asked for."""
    user = await users.get(ctx.tx, ctx.project.id, user_id)
    email, phone = mfa.proven(user)
    return MfaFactors(
        totp=await mfa.has_totp(ctx.tx, user),
        phone=phone,
        email=email,
        recovery_code=bool(mfa.recovery_codes(ctx.vault, user)),
    )


@endpoints.get("/{userId}/mfa/recovery-codes", scope="users.read")
async def get_mfa_recovery_codes(ctx: Context, user_id: Id) -> MfaRecoveryCodes:
    """Get the recovery codes that a user has not used yet."""
    user = await users.get(ctx.tx, ctx.project.id, user_id)
    return MfaRecoveryCodes(mfa.require_codes(ctx.vault, user))


@endpoints.patch(
    "/{userId}/mfa/recovery-codes",
    scope="users.write",
    status=201,
    event="users.[userId].create.mfa.recovery-codes",
    audit="user.update",
)
async def create_mfa_recovery_codes(ctx: Context, user_id: Id) -> MfaRecoveryCodes:
    """Make recovery codes for a user who has none: six, each good once."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return MfaRecoveryCodes(await mfa.first_codes(ctx.tx, ctx.vault, user))


@endpoints.put(
    "/{userId}/mfa/recovery-codes",
    scope="users.write",
    event="users.[userId].update.mfa.recovery-codes",
    audit="user.update",
)
async def update_mfa_recovery_codes(ctx: Context, user_id: Id) -> MfaRecoveryCodes:
    """Replace a user's recovery codes by six new ones; the old ones stop working."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return MfaRecoveryCodes(await mfa.new_codes(ctx.tx, ctx.vault, user))
