"""Account API: proving that an address is one's own, and getting back in without the password."""

from __future__ import annotations

from usherd import errors, ids, sessions, tokens, users
from usherd.api import credentials, failures
from usherd.api.account import me
from usherd.api.account_tokens import send_code, shown
from usherd.api.retry import retried
from usherd.api.signing_in import check_redirect, link, proven
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.limits import per
from usherd.models import Token
from usherd.params import Email, Id, Password, RedirectUrl, SecretText

endpoints = Endpoints("/v1/account")

SECRET_LENGTH = 256
SECONDS = 3600
FAILED = "verification.update.failed"


# -- recovery --


@endpoints.post(
    "/recovery",
    scope="sessions.write",
    status=201,
    event="users.[userId].recovery.[tokenId].create",
    audit="recovery.create",
    limit=per(10, "url+email", "url+ip"),
)
async def create_recovery(ctx: Context, email: Email, url: RedirectUrl) -> Token:
    """Send a link with which a forgotten password can be replaced."""
    check_redirect(ctx, url)
    user = await users.by_email(ctx.tx, ctx.project.id, email)
    if user is None:
        raise errors.UserNotFound
    user = await users.lock(ctx.tx, ctx.project.id, user["id"])
    if not user["status"]:
        error = errors.UserBlocked()
        await failures.note(ctx, error, "recovery.create.failed", user["id"])
        raise error
    ctx.actor = user
    secret = ids.secret(SECRET_LENGTH)
    token = await tokens.create(
        ctx.tx, ctx.project.id, user["id"], kind="recovery", secret=secret,
        expire_seconds=SECONDS, about=user["email"] or "",
    )  # fmt: skip
    answer = shown(ctx, token, secret)
    target = link(url, userId=user["id"], secret=secret, expire=answer.expire)
    email = email.lower()
    await ctx.mail("recovery", email, user=user["name"] or email, url=target, minutes="60")
    return answer


@endpoints.put(
    "/recovery",
    scope="sessions.write",
    event="users.[userId].recovery.[tokenId].update",
    audit="recovery.update",
    limit=per(10, "url+userId"),
)
async def update_recovery(
    ctx: Context, user_id: Id, secret: SecretText, password: Password
) -> Token:
    """Set a new password with the link's secret. This proves the e-mail address, too.

    If nobody had proven it, nothing else that was set before opens the account any more.
    """
    await credentials.refuse_poor(ctx, password)

    async def attempt() -> Token:
        async with ctx.reading() as tx:
            seen = await users.get(tx, ctx.project.id, user_id)
            await tokens.require(tx, ctx.project.id, user_id, secret, "recovery")
        new = await credentials.replacement(ctx, seen, password)
        user = await users.lock(ctx.tx, ctx.project.id, user_id)
        token = await tokens.prove(
            ctx.tx, ctx.project.id, user_id, secret, "recovery", about=user["email"]
        )
        user = await proven(ctx, user, "email")
        ctx.actor = await users.set_password(ctx.tx, ctx.project, user, seen, new)
        if ctx.project.settings.session_invalidation:
            await sessions.delete_all(ctx.tx, ctx.actor)
        return shown(ctx, token, "")

    try:
        return await retried(ctx, attempt)
    except (errors.UserInvalidToken, errors.UserAlreadyExists) as error:
        await failures.note(ctx, error, "recovery.update.failed", user_id)
        raise


# -- e-mail --

NEWER = "/verifications/email"


@endpoints.post(
    "/verification",
    scope="account",
    status=201,
    event="users.[userId].verification.[tokenId].create",
    audit="verification.create",
    also=(f"POST {NEWER}",),
    limit=per(10, "url+caller"),
)
async def create_verification(ctx: Context, url: RedirectUrl) -> Token:
    """Send a link that proves one's e-mail address."""
    check_redirect(ctx, url)
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    if not user["email"]:
        raise errors.UserEmailNotFound
    if user["email_verification"]:
        raise errors.UserEmailAlreadyVerified
    secret = ids.secret(SECRET_LENGTH)
    token = await tokens.create(
        ctx.tx, ctx.project.id, user["id"], kind="verification", secret=secret,
        expire_seconds=SECONDS, about=user["email"],
    )  # fmt: skip
    answer = shown(ctx, token, secret)
    target = link(url, userId=user["id"], secret=secret, expire=answer.expire)
    name = user["name"] or user["email"]
    await ctx.mail("verification", user["email"], user=name, url=target, minutes="60")
    return answer


@endpoints.put(
    "/verification",
    scope="public",
    event="users.[userId].verification.[tokenId].update",
    audit="verification.update",
    also=(f"PUT {NEWER}",),
    limit=per(10, "url+userId"),
)
async def update_verification(ctx: Context, user_id: Id, secret: SecretText) -> Token:
    """Confirm an e-mail address with the link's secret; one need not be signed in."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    try:
        token = await tokens.prove(
            ctx.tx, ctx.project.id, user_id, secret, "verification", about=user["email"]
        )
    except errors.UserInvalidToken as error:
        await failures.note(ctx, error, FAILED, user_id)
        raise
    ctx.actor = await users.set_verification(ctx.tx, user, "email_verification", True)
    return shown(ctx, token, "")


# -- phone --


@endpoints.post(
    "/verification/phone",
    scope="account",
    status=201,
    event="users.[userId].verification.[tokenId].create",
    audit="verification.create",
    method_switch="phone",
    also=("POST /verifications/phone",),
    limit=per(10, "url+caller", "url+ip"),
)
async def create_phone_verification(ctx: Context) -> Token:
    """Send a code that proves one's phone number."""
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    if not user["phone"]:
        raise errors.UserPhoneNotFound
    if user["phone_verification"]:
        raise errors.UserPhoneAlreadyVerified
    secret = await send_code(ctx, "verification", user["phone"], SECONDS)
    token = await tokens.create(
        ctx.tx, ctx.project.id, user["id"], kind="phone-verification", secret=secret,
        expire_seconds=SECONDS, about=user["phone"],
    )  # fmt: skip
    return shown(ctx, token, secret)


@endpoints.put(
    "/verification/phone",
    scope="public",
    event="users.[userId].verification.[tokenId].update",
    audit="verification.update",
    also=("PUT /verifications/phone",),
    limit=per(10, "userId"),
)
async def update_phone_verification(ctx: Context, user_id: Id, secret: SecretText) -> Token:
    """Confirm a phone number with the code; one need not be signed in."""
    async with ctx.house.db.write() as tx:
        await tokens.count_try(tx, ctx.project.id, user_id, secret)
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    try:
        token = await tokens.prove(
            ctx.tx, ctx.project.id, user_id, secret, "phone-verification", about=user["phone"]
        )
    except errors.UserInvalidToken as error:
        await failures.note(ctx, error, FAILED, user_id)
        raise
    ctx.actor = await users.set_verification(ctx.tx, user, "phone_verification", True)
    return shown(ctx, token, "")
