"""Account API: signing in by another provider, from the first redirect to the last.

A browser goes start -> provider -> callback -> redirect -> app. `docs/oauth2.md` tells the way,
decision 14 what keeps it safe.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import msgspec

from usherd import (
    errors,
    ids,
    linking,
    oauth_states,
    origins,
    provider_tokens,
    providers,
    sessions,
    tokens,
    users,
)
from usherd.answers import line
from usherd.api import failures
from usherd.api.account import me
from usherd.api.retry import retried
from usherd.api.signing_in import link, may_lead_to, sign_in
from usherd.db import Row, Tx
from usherd.endpoints import Endpoints, Redirect
from usherd.http import Context
from usherd.limits import per
from usherd.models import Token
from usherd.oauth import Asked, Found, Registration, Tokens
from usherd.oauth.inputs import Carried, Scopes
from usherd.oauth.providers import of as kind_of
from usherd.oauth_states import Started
from usherd.params import Id, RedirectUrl

endpoints = Endpoints("/v1/account")

TOKEN_SECONDS = 900
REFUSED = (errors.UserBlocked, errors.UserAlreadyExists, errors.UserOauth2SignupDisabled)
"""What the activity log tells of those who are not let in."""

BROWSER = re.compile(r"[0-9a-f]{64}")

GO: dict[str, Any] = {"status": 301, "writes": True, "navigated": True}
START = GO | {
    "scope": "sessions.write",
    "limit": per(50, "ip"),
    "quiet": "Nothing has happened yet but that somebody wants to sign in.",
}
FINISH = GO | {"scope": "public", "limit": per(50, "ip")}


# -- to the provider --


@endpoints.get("/sessions/oauth2/{provider}", **START)
async def create_o_auth2_session(
    ctx: Context,
    provider: Id,
    success: RedirectUrl = "",
    failure: RedirectUrl = "",
    scopes: Scopes = (),
) -> Redirect:
    """Send a browser to a provider; it comes back to `success` with a session in its cookies.

    Whoever is signed in already links the provider's identity to their account. What goes wrong
    is told to `failure` by `error` in its query, an object with `message`, `type` and `code`.
    """
    return await _start(ctx, "sessions", provider, success, failure, scopes)


@endpoints.get("/tokens/oauth2/{provider}", **START)
async def create_o_auth2_token(
    ctx: Context,
    provider: Id,
    success: RedirectUrl = "",
    failure: RedirectUrl = "",
    scopes: Scopes = (),
) -> Redirect:
    """Send a browser to a provider; it comes back to `success` with `userId` and `secret` in the
    query, to be exchanged for a session.

    A server gets the address that it has to send its user's browser to.
    """
    return await _start(ctx, "tokens", provider, success, failure, scopes)


async def _start(
    ctx: Context, flow: str, provider: str, success: str, failure: str, scopes: Any
) -> Redirect:
    registration = await _registration(ctx, provider)
    _check_ways_back(ctx, success, failure)
    if ctx.request.header(b"x-appwrite-project"):  # no browser sends that when it navigates
        return Redirect(_for_the_browser(ctx, flow, provider, success, failure, scopes))
    if ctx.caller.user is not None and not _begun_by_app(ctx):
        raise errors.GeneralUnknownOrigin
    asked = Asked(callback_url(ctx, provider), ids.secret(96), ids.secret(32), tuple(scopes))
    state = oauth_states.new(ctx.vault, ctx.project.id, provider, flow)
    try:
        location = await ctx.house.oauth.authorization_url(registration, asked, state)
    except errors.AppError as error:
        told_to(failure, error)
        raise
    caller = ctx.caller.user
    started = Started(asked, success, failure, caller["id"] if caller else "")
    await oauth_states.keep(
        ctx.tx, ctx.vault, ctx.project.id, state, _browser(ctx, make=True), started
    )
    return Redirect(location)


async def _registration(ctx: Context, provider: str) -> Registration:
    """What the project has agreed with a provider.

    Raises `GeneralArgumentInvalid`, `ProjectProviderDisabled`.
    """
    if kind_of(provider) is None:
        raise errors.invalid("provider", "There is no such provider; docs/oauth2.md lists them.")
    async with ctx.reading() as tx:
        found = await providers.get(tx, ctx.vault, ctx.project.id, provider)
    if found is None or not found.enabled:
        raise errors.ProjectProviderDisabled
    return found


def _check_ways_back(ctx: Context, success: str, failure: str) -> None:
    """Raises `ProjectInvalidSuccessUrl` and `ProjectInvalidFailureUrl`."""
    if success and not may_lead_to(ctx, success):
        raise errors.ProjectInvalidSuccessUrl
    if failure and not may_lead_to(ctx, failure):
        raise errors.ProjectInvalidFailureUrl


def _for_the_browser(
    ctx: Context, flow: str, provider: str, success: str, failure: str, scopes: Any
) -> str:
    """This same address for a browser: the sign-in has to begin where it is to end."""
    given = {"project": ctx.project.id, "success": success, "failure": failure}
    pairs = [(name, value) for name, value in given.items() if value]
    pairs += [("scopes[]", scope) for scope in scopes]
    return f"{ctx.endpoint_url}/v1/account/{flow}/oauth2/{provider}?{urlencode(pairs)}"


def _begun_by_app(ctx: Context) -> bool:
    """Whether a page of the project, or the person, has led the browser here: nobody else may
    begin to link an identity to the account that is signed in."""
    page = ctx.request.header(b"referer")
    if page:
        return origins.allowed(page, ctx.host, ctx.project.platforms)
    return ctx.request.header(b"sec-fetch-site") != "cross-site"


def callback_url(ctx: Context, provider: str) -> str:
    """The address that is registered with the provider."""
    path = f"/v1/account/sessions/oauth2/callback/{provider}/{ctx.project.id}"
    return ctx.endpoint_url + path


def _browser(ctx: Context, *, make: bool = False) -> str:
    """The secret by which a browser is known again; with `make` it gets one.

    The cookie is `Lax`: it comes along when the provider sends the browser back by a link, and
    no other page can use it. `__Host-` keeps sibling domains from planting one.
    """
    encrypted = ctx.endpoint_url.startswith("https:")
    name = ("__Host-" if encrypted else "") + "usherd_browser"
    known = ctx.request.cookies.get(name, "")
    if not make or BROWSER.fullmatch(known):
        return known
    fresh = ids.secret(64)
    rest = "path=/; httponly; samesite=Lax" + ("; secure" if encrypted else "")
    ctx.response_headers.append(line("set-cookie", f"{name}={fresh}; {rest}"))
    return fresh


def told_to(failure: str, error: errors.AppError) -> None:
    """Have the error told on the page of the app, where it named one."""
    if failure:
        body = {"message": error.message, "type": error.type, "code": error.code}
        error.failure_url = link(failure, error=msgspec.json.encode(body).decode())


# -- and back --


@endpoints.get(
    "/sessions/oauth2/callback/{provider}/{projectId}",
    also=("POST /sessions/oauth2/callback/{provider}/{projectId}",),
    scope="public",
    quiet="It passes on what the provider says, so that the browser shows its cookies.",
    **GO,
)
async def o_auth2_callback(
    ctx: Context,
    provider: Id,
    project_id: Id,
    state: Carried,
    code: Carried = "",
    error: Carried = "",
    iss: Carried = "",
    user: Carried = "",
) -> Redirect:
    """Where providers send browsers back to."""
    flow = oauth_states.flow_of(ctx.vault, ctx.project.id, provider, state)
    given = {"code": code, "error": error, "iss": iss, "user": user}
    query = {"project": project_id, "state": state} | {n: v for n, v in given.items() if v}
    return Redirect(f"/v1/account/{flow}/oauth2/{provider}/redirect?{urlencode(query)}")


@endpoints.get(
    "/sessions/oauth2/{provider}/redirect",
    event="users.[userId].sessions.[sessionId].create",
    audit="session.create",
    **FINISH,
)
async def o_auth2_session_redirect(
    ctx: Context,
    provider: Id,
    state: Carried,
    code: Carried = "",
    error: Carried = "",
    iss: Carried = "",
    user: Carried = "",
) -> Redirect:
    """The end of a sign-in: whoever the provider names gets a session."""
    started = await _started(ctx, "sessions", provider, state)
    await ctx.learn_agents()

    async def finish(found: Found) -> Redirect:
        person = await _person(ctx, started, found)
        if ctx.caller.session is not None:
            await sessions.delete(ctx.tx, person, ctx.caller.session["id"])
        session = await sign_in(
            ctx, person, provider=provider, provider_uid=found.uid, factors=["email", "oauth2"],
            sealed=provider_tokens.sealed(ctx.vault, person, found.tokens),
        )  # fmt: skip
        return Redirect(_success(ctx, started), session)

    return await _finish(ctx, started, provider, finish, code, error, iss, user)


@endpoints.get(
    "/tokens/oauth2/{provider}/redirect",
    event="users.[userId].tokens.[tokenId].create",
    audit="tokens.create",
    **FINISH,
)
async def o_auth2_token_redirect(
    ctx: Context,
    provider: Id,
    state: Carried,
    code: Carried = "",
    error: Carried = "",
    iss: Carried = "",
    user: Carried = "",
) -> Redirect:
    """The end of a sign-in: whoever the provider names gets a token for a session."""
    started = await _started(ctx, "tokens", provider, state)

    async def finish(found: Found) -> Redirect:
        person = await _person(ctx, started, found)
        secret = ids.secret(64)
        token = await tokens.create(
            ctx.tx, ctx.project.id, person["id"], kind="oauth2", secret=secret,
            expire_seconds=TOKEN_SECONDS,
        )  # fmt: skip
        ctx.actor = person
        back = link(_success(ctx, started), userId=person["id"], secret=secret)
        return Redirect(back, Token.of(token))

    return await _finish(ctx, started, provider, finish, code, error, iss, user)


async def _started(ctx: Context, flow: str, provider: str, state: str) -> Started:
    """What has begun with this state, in this browser. It is used up from now on.

    Raises `UserOauth2StateInvalid`.
    """
    if oauth_states.flow_of(ctx.vault, ctx.project.id, provider, state) != flow:
        raise errors.UserOauth2StateInvalid
    async with ctx.house.db.write() as tx:
        return await oauth_states.use(tx, ctx.vault, ctx.project.id, state, _browser(ctx))


async def _finish(
    ctx: Context, started: Started, provider: str, finish: Any,
    code: str, error: str, iss: str, user: str,
) -> Redirect:  # fmt: skip
    """Find out who came back, and `finish` with them. What goes wrong is told to the app."""
    try:
        found = await _found(ctx, started, provider, code=code, error=error, iss=iss, user=user)
        try:
            return await retried(ctx, lambda: finish(found))
        except REFUSED as refused:
            await ctx.note(refused, lambda tx: _refused(ctx, tx, started, found))
            raise
    except errors.AppError as refused:
        told_to(started.failure, refused)
        raise


async def _refused(ctx: Context, tx: Tx, started: Started, found: Found) -> None:
    """Write down that somebody was not let in, as whose account that would have been."""
    user = ctx.caller.user if started.user_id else await linking.concerned(tx, ctx.project, found)
    await failures.record(ctx, tx, user, failures.SIGN_IN)


async def _found(
    ctx: Context, started: Started, provider: str, *, code: str, error: str, iss: str, user: str
) -> Found:
    _check_ways_back(ctx, started.success, started.failure)
    caller = ctx.caller.user
    if started.user_id != (caller["id"] if caller else ""):
        raise errors.UserOauth2BadRequest("Who is signed in has changed meanwhile; start again.")
    registration = await _registration(ctx, provider)
    if error or not code:
        told = error if re.fullmatch(r"[a-z_]{1,64}", error) else "no code"
        raise errors.UserOauth2ProviderError(f"The OAuth2 provider answered: {told}.")
    return await ctx.house.oauth.finish(
        registration, started.asked, code, issuer=iss, form={"user": user}
    )


async def _person(ctx: Context, started: Started, found: Found) -> Row:
    """The user, locked: whoever links the identity, or whoever it belongs to."""
    if started.user_id:
        user = await users.lock(ctx.tx, ctx.project.id, started.user_id)
        return await linking.link(ctx.tx, ctx.vault, ctx.project, user, found)
    user, new = await linking.sign_in(ctx.tx, ctx.vault, ctx.project, found)
    if new:
        ctx.happened("users.[userId].create", user)
    return user


def _success(ctx: Context, started: Started) -> str:
    return started.success or f"{ctx.endpoint_url}/auth/oauth2/success"


# -- later --


async def renewed_tokens(ctx: Context, session_id: str) -> Tokens | None:
    """Fresh tokens of the provider that opened the session; None where there are none to get.

    Call it before the first statement of a transaction: the provider is asked. Raises what
    `Agent.refresh` raises.
    """
    async with ctx.reading() as tx:
        row = await sessions.get(tx, ctx.project.id, me(ctx)["id"], session_id)
        known = await providers.get(tx, ctx.vault, ctx.project.id, row["provider"])
    if known is None or not known.enabled or not row["provider_refresh_token"]:
        return None
    old = provider_tokens.opened(ctx.vault, row)["provider_refresh_token"]
    return await ctx.house.oauth.refresh(known, old)
