"""Account API: signing in with a password, a token or nothing, and one's sessions."""

from __future__ import annotations

from typing import Any

from usherd import errors, identities, ids, limits, provider_tokens, sessions, tokens, users
from usherd.api import credentials, failures
from usherd.api.account import me, my_session
from usherd.api.account_oauth2 import renewed_tokens
from usherd.api.retry import retried
from usherd.api.signing_in import clear_cookies, proven, sign_in
from usherd.db import Row, Tx
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.limits import per
from usherd.models import Session, SessionList
from usherd.params import CustomId, Email, Flag, Id, Password, SecretText, Total

endpoints = Endpoints("/v1/account")

BEGIN: dict[str, Any] = {
    "scope": "sessions.write",
    "status": 201,
    "event": "users.[userId].sessions.[sessionId].create",
    "audit": "session.create",
    "login": True,
}
"""What the ways of making a session share."""


@endpoints.post(
    "/sessions/email",
    method_switch="email_password",
    also=("POST /sessions",),
    limit=per(10, "url+email+ip") | per(100, "url+ip"),
    **BEGIN,
)
async def create_email_password_session(ctx: Context, email: Email, password: Password) -> Session:
    """Sign in with an e-mail address and a password.

    A password that was imported with another algorithm is stored anew with ours.
    """
    await _slow_down(ctx, email)
    await ctx.learn_agents()

    async def attempt() -> Session:
        async with ctx.reading() as tx:
            seen = await users.by_email(tx, ctx.project.id, email)
        better = await credentials.prove(ctx, seen, password)
        if seen is None:
            raise errors.UserInvalidCredentials
        user = await _still(ctx, seen)
        if better is not None:
            user = await users.rehash(ctx.tx, user, better)
        return await sign_in(
            ctx, user, provider="email", provider_uid=user["email"], factors=["password"]
        )

    try:
        return await retried(ctx, attempt)
    except (errors.UserInvalidCredentials, errors.UserBlocked) as error:
        await ctx.note(error, lambda tx: _failed(ctx, tx, email))
        raise


async def _slow_down(ctx: Context, email: str) -> None:
    """Raises `GeneralRateLimitExceeded` for strangers at an account that is under attack."""
    if ctx.caller.kind == "key" or not ctx.project.settings.rate_limits:
        return
    async with ctx.reading() as tx:
        strange = await limits.is_strange(tx, ctx.project.id, email, ctx.client.ip)
    if strange:
        async with ctx.house.db.write() as tx:
            await limits.slow_strangers(tx, ctx.project.id, email)


async def _failed(ctx: Context, tx: Tx, email: str) -> None:
    """Write down a sign-in that failed; as much work whether or not there is such a user."""
    await limits.note_failure(tx, ctx.project.id, email)
    user = await users.by_email(tx, ctx.project.id, email)
    await failures.record(ctx, tx, user, failures.SIGN_IN)


async def _still(ctx: Context, seen: Row) -> Row:
    """The user whose password was right, locked.

    Raises `Stale` when e-mail or password have been changed since, and `UserBlocked`.
    """
    try:
        user = await users.lock(ctx.tx, ctx.project.id, seen["id"])
    except errors.UserNotFound as error:
        raise users.Stale from error
    if any(user[field] != seen[field] for field in ("seq", "email", "password")):
        raise users.Stale
    if not user["status"]:
        raise errors.UserBlocked
    return user


@endpoints.post("/sessions/anonymous", method_switch="anonymous", limit=per(50, "ip"), **BEGIN)
async def create_anonymous_session(ctx: Context) -> Session:
    """Sign in as nobody in particular; an e-mail address and a password can be set later."""
    await ctx.learn_agents()
    await users.refuse_full(ctx.tx, ctx.project)
    user = await users.create(ctx.tx, ctx.project, user_id=ids.unique())
    ctx.happened("users.[userId].create", user)
    return await sign_in(ctx, user, provider="anonymous", factors=["anonymous"])


@endpoints.post(
    "/sessions/token",
    also=("PUT /sessions/token", "PUT /sessions/magic-url", "PUT /sessions/phone"),
    limit=per(10, "ip+userId"),
    **BEGIN,
)
async def create_session(ctx: Context, user_id: CustomId, secret: SecretText) -> Session:
    """Exchange a token for a session. The token is used up.

    A link or code also proves the address it was sent to. If nobody had proven it, the account is
    theirs alone from then on: the password goes, and every other way in.
    """
    await ctx.learn_agents()
    async with ctx.house.db.write() as tx:
        await tokens.count_try(tx, ctx.project.id, user_id, secret)
    try:
        user = await users.lock(ctx.tx, ctx.project.id, user_id)
        token = await tokens.consume(ctx.tx, ctx.project.id, user_id, secret)
        if not user["status"]:
            raise errors.UserBlocked
        way = tokens.WAYS[token["kind"]]
        if way.proves and token["about"] == user[way.proves]:
            user = await proven(ctx, user, way.proves)
    except (errors.UserNotFound, errors.UserInvalidToken) as error:
        await failures.note(ctx, error, failures.SIGN_IN, user_id)
        raise errors.UserInvalidToken from error
    except (errors.UserBlocked, errors.UserAlreadyExists) as error:
        await failures.note(ctx, error, failures.SIGN_IN, user_id)
        raise
    mailed = token["kind"] in ("magic-url", "email")
    return await sign_in(ctx, user, provider=way.provider, factors=[way.factor], alert=not mailed)


# -- one's sessions --


def _named(ctx: Context, session_id: str) -> str:
    """The id behind the word `current`."""
    return str(my_session(ctx)["id"]) if session_id == "current" else session_id


def _shown(ctx: Context, row: Row) -> Session:
    mine = ctx.caller.session
    row = provider_tokens.opened(ctx.vault, row)
    return Session.of(row, current=mine is not None and mine["id"] == row["id"])


@endpoints.get("/sessions", scope="account")
async def list_sessions(ctx: Context, total: Total = True) -> SessionList:
    """List one's sessions, oldest first; the calling one is marked."""
    rows = await sessions.listing(ctx.tx, ctx.project.id, me(ctx)["id"])
    await ctx.learn_agents(*rows)
    return SessionList(len(rows) if total else 0, [_shown(ctx, row) for row in rows])


@endpoints.get("/sessions/{sessionId}", scope="account")
async def get_session(ctx: Context, session_id: Id) -> Session:
    """Get one of one's sessions; `current` is the calling one."""
    name = _named(ctx, session_id)
    row = await sessions.get(ctx.tx, ctx.project.id, me(ctx)["id"], name)
    await ctx.learn_agents(row)
    return _shown(ctx, row)


@endpoints.patch(
    "/sessions/{sessionId}",
    scope="account",
    event="users.[userId].sessions.[sessionId].update",
    audit="session.update",
    limit=per(10, "url+ip"),
)
async def update_session(ctx: Context, session_id: Id) -> Session:
    """Let one of one's sessions last as long as a new one would.

    A session that another provider has opened gets fresh tokens of that provider.
    """
    await ctx.learn_agents()
    name = _named(ctx, session_id)
    tokens = await renewed_tokens(ctx, name)
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    row = await sessions.get(ctx.tx, ctx.project.id, user["id"], name)
    if tokens is not None:
        row = await provider_tokens.keep(ctx.tx, ctx.vault, user, row, tokens)
        await identities.renew(ctx.tx, ctx.vault, user, row, tokens)
    return _shown(ctx, await sessions.extend(ctx.tx, ctx.project, row))


@endpoints.delete(
    "/sessions/{sessionId}",
    scope="account",
    status=204,
    event="users.[userId].sessions.[sessionId].delete",
    audit="session.delete",
    while_factor_missing=True,
    limit=per(100, "url+ip"),
)
async def delete_session(ctx: Context, session_id: Id) -> Session:
    """Sign out here (`current`), or end another of one's sessions."""
    name = _named(ctx, session_id)
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    row = await sessions.delete(ctx.tx, user, name)
    shown = _shown(ctx, row)
    if shown.current:
        clear_cookies(ctx)
    return shown


@endpoints.delete(
    "/sessions",
    scope="account",
    status=204,
    event="users.[userId].sessions.delete",
    audit="session.delete",
    limit=per(100, "url+ip"),
)
async def delete_sessions(ctx: Context, current: Flag = True) -> SessionList:
    """Sign out everywhere; with `current` false, everywhere but here."""
    kept = "" if current else my_session(ctx)["id"]
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    rows = await sessions.listing(ctx.tx, ctx.project.id, user["id"])
    await sessions.delete_all(ctx.tx, user, except_id=kept)
    if current:
        clear_cookies(ctx)
    ended = [_shown(ctx, row) for row in rows if row["id"] != kept]
    return SessionList(len(ended), ended)
