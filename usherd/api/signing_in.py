"""What every way of signing in ends with: a session, its cookies, and perhaps a mail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from usherd import agents, clock, errors, geo, origins, proofs, provider_tokens, sessions
from usherd.answers import line
from usherd.api import failures
from usherd.db import Row
from usherd.http import Context
from usherd.models import Session


async def sign_in(
    ctx: Context,
    user: Row,
    *,
    provider: str,
    factors: Sequence[str],
    provider_uid: str = "",
    sealed: Mapping[str, Any] | None = None,
    alert: bool = True,
) -> Session:
    """A new session of a locked user, as the caller sees it; cookies carry its secret to browsers.

    Call `ctx.learn_agents` before the transaction. With `alert` a mail tells the user, where the
    project wants that; never of the first session.
    """
    row, secret = await sessions.create(
        ctx.tx, ctx.project, user, ctx.client, provider=provider, factors=factors,
        provider_uid=provider_uid, sealed=sealed,
    )  # fmt: skip
    ctx.actor = user
    send_cookies(ctx, secret, row["expire_at"])
    if alert and ctx.project.settings.session_alerts and user["email"]:
        if await sessions.count(ctx.tx, user) > 1:
            await _tell(ctx, user, row)
    row = provider_tokens.hidden(row)
    return Session.of(row, current=True, secret=secret if ctx.caller.shows_secrets else "")


async def proven(ctx: Context, user: Row, channel: str) -> Row:
    """A locked user is about to be let in for what was sent to their `email` or `phone`.

    Where that takes the account from somebody, the log tells it. Raises `UserAlreadyExists`.
    """
    user, lost = await proofs.by_message(ctx.tx, ctx.project, user, channel)
    if lost:
        await failures.record(ctx, ctx.tx, user, "user.claim")
    return user


async def _tell(ctx: Context, user: Row, session: Row) -> None:
    agent = agents.known(session["user_agent"])
    device = " ".join(part for part in (agent.client_name, agent.os_name) if part)
    await ctx.mail(
        "sessionAlert", user["email"], user=user["name"] or user["email"], device=device or "-",
        ip=session["ip"], country=geo.name(session["country_code"]),
        time=clock.iso(session["created_at"]),
    )  # fmt: skip


def send_cookies(ctx: Context, secret: str, expire_at: int) -> None:
    """Two session cookies, and the fallback header for pages that cookies do not reach."""
    _cookies(ctx, quote(secret, safe=""), expire_at)
    if not _same_site(ctx):
        fallback = msgspec.json.encode({f"a_session_{ctx.project.id}": secret}).decode()
        ctx.response_headers.append(line("x-fallback-cookies", fallback))


def clear_cookies(ctx: Context) -> None:
    """Take the session cookies away."""
    _cookies(ctx, "", clock.now() - 3_600_000)
    if not _same_site(ctx):
        ctx.response_headers.append(line("x-fallback-cookies", "[]"))


def _same_site(ctx: Context) -> bool:
    page = ctx.request.header(b"origin") or ctx.request.header(b"referer")
    scheme = ctx.endpoint_url.partition("://")[0]
    return origins.same_site(f"{scheme}://{ctx.host}", page)


def _cookies(ctx: Context, value: str, expire_at: int) -> None:
    expire = datetime.fromtimestamp(expire_at / 1000, UTC)
    parts = [
        f"expires={format_datetime(expire, usegmt=True)}",
        f"max-age={max(0, (expire_at - clock.now()) // 1000)}",
        "path=/",
    ]
    if domain := cookie_domain(ctx.host):
        parts.append(f"domain={domain}")
    if ctx.endpoint_url.startswith("https:"):
        parts.append("secure")
    rest = "; ".join([*parts, "httponly"])
    name = f"a_session_{ctx.project.id}".lower()
    ctx.response_headers += [
        line("set-cookie", f"{name}_legacy={value}; {rest}"),
        line("set-cookie", f"{name}={value}; {rest}; samesite=None"),
    ]


def cookie_domain(host: str) -> str:
    """The domain that shares the cookies of `host`: its sub-domains; the empty string for
    localhost and IP addresses, whose cookies are their own."""
    name = origins.hostname(host)
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*", name):
        return ""
    return "." + name


# -- links in mails --


def may_lead_to(ctx: Context, url: str) -> bool:
    """Whether the URL is one of the project's own apps."""
    scheme = urlsplit(url).scheme.lower()
    if scheme in ("exp", f"appwrite-callback-{ctx.project.id}".lower()):
        return True
    return origins.allowed(url, ctx.host, ctx.project.platforms)


def check_redirect(ctx: Context, url: str) -> None:
    """Raises `GeneralArgumentInvalid` for a URL that leads away from the project's platforms."""
    if not may_lead_to(ctx, url):
        raise errors.invalid(
            "url",
            "Its host must be registered: usherd project platform add "
            f"{ctx.project.id} {origins.hostname(url) or 'HOST'}.",
        )


def link(url: str, **query: str) -> str:
    """The URL with more in its query; what was there stays."""
    rest, hash_, fragment = url.partition("#")
    base, _, old = rest.partition("?")
    pairs = [*parse_qsl(old, keep_blank_values=True), *query.items()]
    return f"{base}?{urlencode(pairs)}{hash_}{fragment}"
