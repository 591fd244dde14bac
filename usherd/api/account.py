"""Account API: what people do with their own account: sign in, and see who they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

import msgspec

from usherd import clock, errors, origins, sessions, tokens, users
from usherd.api import credentials
from usherd.api.retry import retried
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Account, Session
from usherd.params import CustomId, Email, Password, SecretText

endpoints = Endpoints("/v1/account")


@endpoints.get("", scope="account")
async def get(ctx: Context) -> Account:
    """Get the account of the caller."""
    user = ctx.caller.user
    if user is None:
        raise errors.GeneralUnauthorizedScope
    return Account.of(user)


@endpoints.put(
    "/sessions/token",
    scope="sessions.write",
    status=201,
    event="users.[userId].sessions.[sessionId].create",
    audit="session.create",
    login=True,
    name="exchange_token",
)
@endpoints.post(
    "/sessions/token",
    scope="sessions.write",
    status=201,
    event="users.[userId].sessions.[sessionId].create",
    audit="session.create",
    login=True,
)
async def create_session(ctx: Context, user_id: CustomId, secret: SecretText) -> Session:
    """Exchange a token for a session. The token is used up."""
    await ctx.learn_agents()
    try:
        user = await users.lock(ctx.tx, ctx.project.id, user_id)
    except errors.UserNotFound as error:
        raise errors.UserInvalidToken from error
    way = await tokens.consume(ctx.tx, ctx.project.id, user_id, secret)
    if not user["status"]:
        raise errors.UserBlocked
    if way.verifies:
        user = await users.set_verification(ctx.tx, user, way.verifies, True)
    row, wire_secret = await sessions.create(
        ctx.tx, ctx.project, user, ctx.client, provider=way.provider, factors=[way.factor]
    )
    return signed_in(ctx, user, row, wire_secret)


@endpoints.post(
    "/sessions",
    scope="sessions.write",
    status=201,
    event="users.[userId].sessions.[sessionId].create",
    audit="session.create",
    login=True,
    method_switch="email_password",
    name="create_email_session",
)
@endpoints.post(
    "/sessions/email",
    scope="sessions.write",
    status=201,
    event="users.[userId].sessions.[sessionId].create",
    audit="session.create",
    login=True,
    method_switch="email_password",
)
async def create_email_password_session(ctx: Context, email: Email, password: Password) -> Session:
    """Sign in with an e-mail address and a password.

    A password that was imported with another algorithm is stored anew with ours.
    """

    await ctx.learn_agents()

    async def attempt() -> Session:
        async with ctx.reading() as tx:
            seen = await users.by_email(tx, ctx.project.id, email)
        better = await credentials.prove(ctx, seen, password)
        if seen is None:
            raise errors.UserInvalidCredentials
        user = await still(ctx, seen)
        if better is not None:
            user = await users.rehash(ctx.tx, user, better)
        row, secret = await sessions.create(
            ctx.tx,
            ctx.project,
            user,
            ctx.client,
            provider="email",
            provider_uid=user["email"],
            factors=["password"],
        )
        return signed_in(ctx, user, row, secret)

    return await retried(ctx, attempt)


async def still(ctx: Context, seen: Row) -> Row:
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


# -- the session goes to the caller --


def signed_in(ctx: Context, user: Row, row: Row, secret: str) -> Session:
    """The new session as the caller sees it; cookies carry its secret to browsers."""
    ctx.actor = user
    send_cookies(ctx, row, secret)
    return Session.of(row, current=True, secret=secret if ctx.caller.shows_secrets else "")


def send_cookies(ctx: Context, row: Row, secret: str) -> None:
    """Two session cookies, and the fallback header for pages that cookies do not reach."""
    name = f"a_session_{ctx.project.id}"
    host = ctx.request.header(b"host")
    expire = datetime.fromtimestamp(row["expire_at"] / 1000, UTC)
    parts = [
        f"expires={format_datetime(expire, usegmt=True)}",
        f"max-age={max(0, (row['expire_at'] - clock.now()) // 1000)}",
        "path=/",
    ]
    if domain := cookie_domain(host):
        parts.append(f"domain={domain}")
    if ctx.endpoint_url.startswith("https:"):
        parts.append("secure")
    rest = "; ".join([*parts, "httponly"])
    value = quote(secret, safe="")
    cookie = name.lower()
    ctx.response_headers += [
        ("set-cookie", f"{cookie}_legacy={value}; {rest}"),
        ("set-cookie", f"{cookie}={value}; {rest}; samesite=None"),
    ]
    page = ctx.request.header(b"origin") or ctx.request.header(b"referer")
    if not origins.same_site(host, page):
        fallback = msgspec.json.encode({name: secret}).decode()
        ctx.response_headers.append(("x-fallback-cookies", fallback))


def cookie_domain(host: str) -> str:
    """The domain that shares the cookies of `host`: its sub-domains; the empty string for
    localhost and IP addresses, whose cookies are their own."""
    name = origins.hostname(host)
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*", name):
        return ""
    return "." + name
