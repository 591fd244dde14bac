"""Account API: signing up, and what people see and change of themselves."""

from __future__ import annotations

from typing import Any

from usherd import errors, ids, jwts, logs, policies, query, sessions, users
from usherd.api import credentials, failures
from usherd.api.retry import retried
from usherd.api.signing_in import clear_cookies
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.limits import per
from usherd.models import Account, Jwt, Log, LogList, Preferences
from usherd.params import CustomId, Email, Name, Password, Phone, Prefs, Queries, Total

endpoints = Endpoints("/v1/account")


def me(ctx: Context) -> Row:
    """The signed-in user, as the request found them. Raises `GeneralUnauthorizedScope`."""
    if ctx.caller.user is None:
        raise errors.GeneralUnauthorizedScope
    return ctx.caller.user


def my_session(ctx: Context) -> Row:
    """The calling session. Raises `UserSessionNotFound` for a JWT, which has none."""
    if ctx.caller.session is None:
        raise errors.UserSessionNotFound
    return ctx.caller.session


@endpoints.post(
    "",
    scope="sessions.write",
    status=201,
    event="users.[userId].create",
    audit="user.create",
    method_switch="email_password",
    limit=per(10, "url+ip"),
)
async def create(
    ctx: Context, user_id: CustomId, email: Email, password: Password, name: Name = ""
) -> Account:
    """Sign up with an e-mail address and a password. Sign in afterwards: no session is made."""
    policies.check_email(email, ctx.project.settings)
    user_id = ids.resolve(user_id)
    hashed = await credentials.first(
        ctx, password, user_id=user_id, email=email, phone=None, name=name
    )
    await users.refuse_full(ctx.tx, ctx.project)
    try:
        user = await users.create(
            ctx.tx, ctx.project, user_id=user_id, email=email, name=name, password=hashed
        )
    except errors.UserEmailAlreadyExists as error:  # somebody's identity: do not tell whose
        raise errors.GeneralBadRequest from error
    ctx.actor = await users.touch(ctx.tx, user)
    return Account.of(ctx.actor)


@endpoints.get("", scope="account")
async def get(ctx: Context) -> Account:
    """Get the account of the caller."""
    return Account.of(me(ctx))


CHANGE: dict[str, Any] = {"scope": "account", "audit": "user.update"}


@endpoints.patch("/name", event="users.[userId].update.name", **CHANGE)
async def update_name(ctx: Context, name: Name) -> Account:
    """Change one's name."""
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    return Account.of(await users.rename(ctx.tx, user, name))


async def _refused(ctx: Context) -> errors.UserInvalidCredentials:
    """The error for a wrong password; the attempt is in the log."""
    error = errors.UserInvalidCredentials()
    await failures.note(ctx, error, "user.update.failed", me(ctx)["id"])
    return error


async def _confirmed(ctx: Context, password: str) -> Row:
    """The caller, locked, whose password this is; who has none gets it as the first one.

    Raises `UserInvalidCredentials`, `Stale`.
    """
    async with ctx.reading() as tx:
        seen = await users.get(tx, ctx.project.id, me(ctx)["id"])
    stored = users.password_of(seen)
    new = None
    if stored is None:
        await credentials.refuse_poor(ctx, password)
        new = await credentials.replacement(ctx, seen, password)
    elif not await ctx.hasher.verify(stored.hash, password, stored.digest, stored.options):
        raise await _refused(ctx)
    user = await users.lock(ctx.tx, ctx.project.id, seen["id"])
    if user["password"] != seen["password"]:
        raise users.Stale
    if new is not None:
        user = await users.set_password(ctx.tx, ctx.project, user, seen, new)
    return user


@endpoints.patch("/email", event="users.[userId].update.email", **CHANGE)
async def update_email(ctx: Context, email: Email, password: Password) -> Account:
    """Change one's e-mail address; the new one starts unverified.

    The password must be right. Somebody without one, an anonymous user say, gets it.
    """
    policies.check_email(email, ctx.project.settings)

    async def attempt() -> Account:
        user = await _confirmed(ctx, password)
        try:
            return Account.of(await users.change_email(ctx.tx, user, email))
        except errors.UserEmailAlreadyExists as error:  # do not tell that the address is known
            raise errors.GeneralBadRequest from error

    return await retried(ctx, attempt)


@endpoints.patch("/phone", event="users.[userId].update.phone", **CHANGE)
async def update_phone(ctx: Context, phone: Phone, password: Password) -> Account:
    """Change one's phone number; the new one starts unverified. The password must be right."""

    async def attempt() -> Account:
        user = await _confirmed(ctx, password)
        return Account.of(await users.change_phone(ctx.tx, user, phone))

    return await retried(ctx, attempt)


@endpoints.patch(
    "/password", event="users.[userId].update.password", limit=per(10, "url+ip"), **CHANGE
)
async def update_password(
    ctx: Context, password: Password, old_password: Password | None = None
) -> Account:
    """Change one's password. `oldPassword` is needed by those who have one."""
    await credentials.refuse_poor(ctx, password)

    async def attempt() -> Account:
        async with ctx.reading() as tx:
            seen = await users.get(tx, ctx.project.id, me(ctx)["id"])
        stored = users.password_of(seen)
        if stored is not None and not (
            old_password
            and await ctx.hasher.verify(stored.hash, old_password, stored.digest, stored.options)
        ):
            raise await _refused(ctx)
        new = await credentials.replacement(ctx, seen, password)
        user = await users.lock(ctx.tx, ctx.project.id, seen["id"])
        if user["password"] != seen["password"]:
            raise users.Stale
        user = await users.set_password(ctx.tx, ctx.project, user, seen, new)
        if ctx.project.settings.session_invalidation:
            mine = ctx.caller.session
            await sessions.delete_all(ctx.tx, user, except_id=mine["id"] if mine else "")
        return Account.of(user)

    return await retried(ctx, attempt)


@endpoints.get("/prefs", scope="account")
async def get_prefs(ctx: Context) -> Preferences:
    """Get one's preferences."""
    return Preferences.of(me(ctx))


@endpoints.patch(
    "/prefs",
    scope="account",
    event="users.[userId].update.prefs",
    quiet="Preferences change all the time and matter to no security.",
)
async def update_prefs(ctx: Context, prefs: Prefs) -> Account:
    """Replace one's preferences; the answer is the account."""
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    return Account.of(await users.set_prefs(ctx.tx, user, prefs))


@endpoints.patch("/status", event="users.[userId].update.status", **CHANGE)
async def update_status(ctx: Context) -> Account:
    """Block oneself: every session stops working. Only a server can undo it."""
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    clear_cookies(ctx)
    return Account.of(await users.set_status(ctx.tx, user, False))


@endpoints.delete(
    "", scope="account", status=204, event="users.[userId].delete", audit="user.delete"
)
async def delete(ctx: Context) -> Account:
    """Delete oneself, with everything that belongs to one. It takes a session, not a JWT."""
    my_session(ctx)
    user = await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])
    await users.delete(ctx.tx, user)
    clear_cookies(ctx)
    return Account.of(user)


@endpoints.get("/logs", scope="account")
async def list_logs(ctx: Context, queries: Queries = (), total: Total = True) -> LogList:
    """List what one did, newest first."""
    asked = query.LOGS.read(queries)
    user = me(ctx)
    rows, count = await logs.listing(ctx.tx, ctx.project.id, user, asked, total=total)
    if rows:
        await ctx.learn_agents(*rows)
    return LogList(count, [Log.of(row, user) for row in rows])


@endpoints.post(
    "/jwts",
    scope="account",
    status=201,
    method_switch="jwt",
    limit=per(100, "url+caller"),
    also=("POST /jwt",),
    quiet="A JWT is stored nowhere: there is nothing to tell apart from handing it out.",
)
async def create_jwt(ctx: Context) -> Jwt:
    """Make a JWT that acts as oneself for 15 minutes. It dies with the session."""
    token = jwts.create(
        ctx.project,
        ctx.vault,
        user_id=me(ctx)["id"],
        session_id=my_session(ctx)["id"],
        duration_seconds=900,
        issuer=ctx.endpoint_url,
    )
    return Jwt(token)
