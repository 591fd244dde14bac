"""Users API: who somebody is: addresses, name, password, labels, preferences, flags."""

from __future__ import annotations

from usherd import users
from usherd.api import credentials
from usherd.api.retry import retried
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.models import Preferences, User
from usherd.params import (
    EmailOrEmpty,
    Flag,
    Id,
    Labels,
    LooseFlag,
    NameOrEmpty,
    PasswordOrEmpty,
    PhoneOrEmpty,
    Prefs,
)

endpoints = Endpoints("/v1/users")


@endpoints.patch(
    "/{userId}/email",
    scope="users.write",
    event="users.[userId].update.email",
    audit="user.update",
)
async def update_email(ctx: Context, user_id: Id, email: EmailOrEmpty) -> User:
    """Change a user's e-mail address.

    The new address starts unverified, and the e-mail target moves along with it. An empty
    string removes both. Setting the address that the user already has changes nothing.
    """
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return User.of(await users.change_email(ctx.tx, user, email, vouched=True))


@endpoints.patch(
    "/{userId}/phone",
    scope="users.write",
    event="users.[userId].update.phone",
    audit="user.update",
)
async def update_phone(ctx: Context, user_id: Id, number: PhoneOrEmpty) -> User:
    """Change a user's phone number.

    The new number starts unverified, and the SMS target moves along with it. An empty
    string removes both. Setting the number that the user already has changes nothing.
    """
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return User.of(await users.change_phone(ctx.tx, user, number, vouched=True))


@endpoints.patch(
    "/{userId}/name", scope="users.write", event="users.[userId].update.name", audit="user.update"
)
async def update_name(ctx: Context, user_id: Id, name: NameOrEmpty) -> User:
    """Change a user's name; an empty string removes it."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return User.of(await users.rename(ctx.tx, user, name))


@endpoints.patch(
    "/{userId}/password",
    scope="users.write",
    event="users.[userId].update.password",
    audit="user.update",
)
async def update_password(ctx: Context, user_id: Id, password: PasswordOrEmpty) -> User:
    """Set a user's password, or remove it with an empty string.

    Without a password the user cannot sign in by e-mail and password. Sessions go on. The
    project may refuse common passwords, passwords used before and passwords that contain
    personal data.
    """

    if password:
        await credentials.refuse_poor(ctx, password)

    async def attempt() -> User:
        async with ctx.reading() as tx:
            seen = await users.get(tx, ctx.project.id, user_id)
        new = await credentials.replacement(ctx, seen, password) if password else None
        user = await users.lock(ctx.tx, ctx.project.id, user_id)
        return User.of(await users.set_password(ctx.tx, ctx.project, user, seen, new))

    return await retried(ctx, attempt)


@endpoints.put(
    "/{userId}/labels",
    scope="users.write",
    event="users.[userId].update.labels",
    audit="user.update",
)
async def update_labels(ctx: Context, user_id: Id, labels: Labels) -> User:
    """Replace all labels of a user.

    Each label gives the user the role `label:<label>`. Duplicates are dropped; an empty list
    removes every label.
    """
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return User.of(await users.set_labels(ctx.tx, user, labels))


@endpoints.patch(
    "/{userId}/status",
    scope="users.write",
    event="users.[userId].update.status",
    audit="user.update",
)
async def update_status(ctx: Context, user_id: Id, status: LooseFlag) -> User:
    """Block a user with `false`, or let them in again with `true`.

    Sessions of a blocked user stay, and are refused until the user is let in again.
    """
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return User.of(await users.set_status(ctx.tx, user, status))


@endpoints.patch(
    "/{userId}/verification",
    scope="users.write",
    event="users.[userId].update.verification",
    audit="verification.update",
)
async def update_email_verification(ctx: Context, user_id: Id, email_verification: Flag) -> User:
    """Say whether a user's e-mail address is verified."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    row = await users.set_verification(ctx.tx, user, "email_verification", email_verification)
    return User.of(row)


@endpoints.patch(
    "/{userId}/verification/phone",
    scope="users.write",
    event="users.[userId].update.verification",
    audit="verification.update",
)
async def update_phone_verification(ctx: Context, user_id: Id, phone_verification: Flag) -> User:
    """Say whether a user's phone number is verified."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    row = await users.set_verification(ctx.tx, user, "phone_verification", phone_verification)
    return User.of(row)


@endpoints.patch(
    "/{userId}/mfa", scope="users.write", event="users.[userId].update.mfa", audit="user.update"
)
async def update_mfa(ctx: Context, user_id: Id, mfa: Flag) -> User:
    """Ask a user for a second factor at sign-in, or stop asking.

    It is asked for only if the user has one: a verified e-mail, phone or authenticator app.
    """
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return User.of(await users.set_mfa(ctx.tx, user, mfa))


@endpoints.get("/{userId}/prefs", scope="users.read")
async def get_prefs(ctx: Context, user_id: Id) -> Preferences:
    """Get a user's preferences."""
    return Preferences.of(await users.get(ctx.tx, ctx.project.id, user_id))


@endpoints.patch(
    "/{userId}/prefs",
    scope="users.write",
    event="users.[userId].update.prefs",
    quiet="Preferences belong to the application, which may save them at every click.",
)
async def update_prefs(ctx: Context, user_id: Id, prefs: Prefs) -> Preferences:
    """Replace a user's preferences: any JSON object of at most 64 kB."""
    user = await users.lock(ctx.tx, ctx.project.id, user_id)
    return Preferences.of(await users.set_prefs(ctx.tx, user, prefs))
