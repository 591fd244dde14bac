"""Account API: signing in without a password: links and codes by mail and text message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from usherd import errors, ids, phrases, policies, tokens, users
from usherd.api.signing_in import check_redirect, link
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.limits import per
from usherd.models import Token
from usherd.params import CustomId, Email, Flag, Phone, RedirectUrl

endpoints = Endpoints("/v1/account")

LINK_SECONDS = 3600
CODE_SECONDS = 900

BEGIN: dict[str, Any] = {
    "scope": "sessions.write",
    "status": 201,
    "event": "users.[userId].tokens.[tokenId].create",
    "audit": "tokens.create",
}


Find = Callable[[], Awaitable[Row | None]]


async def _found(ctx: Context, find: Find) -> Row | None:
    """The user, locked."""
    seen = await find()
    return None if seen is None else await users.lock(ctx.tx, ctx.project.id, seen["id"])


async def _made(ctx: Context, user_id: str, find: Find, **address: Any) -> Row:
    """A new user, or the one whom a request at the same moment has made."""
    await users.refuse_full(ctx.tx, ctx.project)
    try:
        user = await users.create(ctx.tx, ctx.project, user_id=ids.resolve(user_id), **address)
        ctx.happened("users.[userId].create", user)
        return user
    except errors.UserAlreadyExists as error:
        await ctx.undo(error)
        other = await _found(ctx, find)
        if other is None:
            raise
        return other


async def _by_email(ctx: Context, user_id: str, email: str, clash: type[errors.AppError]) -> Row:
    """The user with the address, locked; a new one, who may sign up, where there is none."""

    def find() -> Awaitable[Row | None]:
        return users.by_email(ctx.tx, ctx.project.id, email)

    user = await _found(ctx, find)
    if user is not None:
        return user
    policies.check_email(email, ctx.project.settings)
    try:
        return await _made(ctx, user_id, find, email=email)
    except errors.UserEmailAlreadyExists as error:
        raise clash from error


async def _token(ctx: Context, user: Row, kind: str, secret: str, seconds: int, about: str) -> Row:
    ctx.actor = user
    return await tokens.create(
        ctx.tx, ctx.project.id, user["id"], kind=kind, secret=secret, expire_seconds=seconds,
        about=about,
    )  # fmt: skip


def shown(ctx: Context, token: Row, secret: str, words: str = "") -> Token:
    """A token as its maker sees it: the secret is for API keys, everybody else gets the mail."""
    return Token.of(token, secret=secret if ctx.caller.shows_secrets else "", phrase=words)


@endpoints.post(
    "/tokens/magic-url",
    method_switch="magic_url",
    also=("POST /sessions/magic-url",),
    limit=per(60, "url+email", "url+ip"),
    **BEGIN,
)
async def create_magic_url_token(
    ctx: Context, user_id: CustomId, email: Email, url: RedirectUrl = "", phrase: Flag = False
) -> Token:
    """Send a link that signs in. An address that nobody has signs up, as `userId`.

    The link leads to `url` with `userId` and `secret` in its query: exchange them for a session.
    """
    if url:
        check_redirect(ctx, url)
    user = await _by_email(ctx, user_id, email, errors.UserEmailAlreadyExists)
    secret, words = ids.secret(64), phrases.phrase() if phrase else ""
    token = await _token(ctx, user, "magic-url", secret, LINK_SECONDS, email)
    target = link(
        url or f"{ctx.endpoint_url}/auth/magic-url",
        userId=user["id"],
        secret=secret,
        expire=shown(ctx, token, "").expire,
        project=ctx.project.id,
    )
    await ctx.mail(
        "magicSession", email, user=user["name"] or email, url=target, phrase=words,
        minutes=str(LINK_SECONDS // 60),
    )  # fmt: skip
    return shown(ctx, token, secret, words)


@endpoints.post(
    "/tokens/email", method_switch="email_otp", limit=per(10, "url+email", "url+ip"), **BEGIN
)
async def create_email_token(
    ctx: Context, user_id: CustomId, email: Email, phrase: Flag = False
) -> Token:
    """Send a six-digit code that signs in. An address that nobody has signs up, as `userId`."""
    user = await _by_email(ctx, user_id, email, errors.GeneralBadRequest)
    secret, words = ids.code(), phrases.phrase() if phrase else ""
    token = await _token(ctx, user, "email", secret, CODE_SECONDS, email)
    await ctx.mail(
        "otpSession", email, user=user["name"] or email, code=secret, phrase=words,
        minutes=str(CODE_SECONDS // 60),
    )  # fmt: skip
    return shown(ctx, token, secret, words)


@endpoints.post(
    "/tokens/phone",
    method_switch="phone",
    also=("POST /sessions/phone",),
    limit=per(10, "url+phone", "url+ip"),
    **BEGIN,
)
async def create_phone_token(ctx: Context, user_id: CustomId, phone: Phone) -> Token:
    """Send a six-digit code by text message. A number that nobody has signs up, as `userId`."""

    def find() -> Awaitable[Row | None]:
        return users.by_phone(ctx.tx, ctx.project.id, phone)

    user = await _found(ctx, find) or await _made(ctx, user_id, find, phone=phone)
    secret = await send_code(ctx, "login", phone, CODE_SECONDS)
    token = await _token(ctx, user, "phone", secret, CODE_SECONDS, phone)
    return shown(ctx, token, secret)


async def send_code(ctx: Context, kind: str, phone: str, seconds: int) -> str:
    """Send a six-digit code by text message and return it; mock numbers have one of their own,
    and nothing is sent to them."""
    code = mock_code(ctx, phone)
    if not code:
        code = ids.code()
        await ctx.sms(kind, phone, code=code, minutes=str(seconds // 60))
    return code


def mock_code(ctx: Context, phone: str) -> str:
    """The code that a mock number of the project always has; empty for any other number."""
    for mock in ctx.project.settings.mock_numbers:
        if mock.phone == phone:
            return mock.otp
    return ""
