"""Passwords of requests: checked and hashed before the transaction begins."""

from __future__ import annotations

from usherd import errors, passwords, policies, users
from usherd.db import Row
from usherd.http import Context
from usherd.users import Password


def _is_common(password: str) -> bool:
    return password in passwords.common()


async def refuse_poor(ctx: Context, password: str) -> None:
    """Raises `GeneralArgumentInvalid` for a common password where the project minds, and the
    errors of `policies.check_password`."""
    settings = ctx.project.settings
    if settings.password_dictionary and await ctx.hasher.run(_is_common, password):
        raise errors.invalid("password", "It is one of the most common ones; choose another.")
    await ctx.hasher.run(policies.check_password, password, settings, ctx.house.settings.pwned_file)


def _refuse_personal(
    ctx: Context, password: str, *, user_id: str, email: str | None, phone: str | None, name: str
) -> None:
    if ctx.project.settings.personal_data_check and passwords.contains_personal_data(
        password, user_id=user_id, email=email, name=name, phone=phone
    ):
        raise errors.PasswordPersonalData


async def hashed(ctx: Context, password: str) -> Password:
    """The password as it is stored."""
    digest, options = await ctx.hasher.hash(password)
    return Password("argon2", digest, options)


async def first(
    ctx: Context, password: str, *, user_id: str, email: str | None, phone: str | None, name: str
) -> Password:
    """A new user's password. Raises `GeneralArgumentInvalid`, `PasswordPersonalData`."""
    await refuse_poor(ctx, password)
    _refuse_personal(ctx, password, user_id=user_id, email=email, phone=phone, name=name)
    return await hashed(ctx, password)


async def replacement(ctx: Context, seen: Row, password: str) -> Password:
    """The next password of a user, who was read as `seen`.

    Call `refuse_poor` before. Raises `PasswordPersonalData`, `PasswordRecentlyUsed`.
    """
    _refuse_personal(
        ctx,
        password,
        user_id=seen["id"],
        email=seen["email"],
        phone=seen["phone"],
        name=seen["name"],
    )
    used = [(p.hash, p.digest, p.options) for p in users.remembered(ctx.project, seen)]
    if used and await ctx.hasher.verify_any(password, used):
        raise errors.PasswordRecentlyUsed
    return await hashed(ctx, password)


async def prove(ctx: Context, seen: Row | None, password: str) -> Password | None:
    """Check a sign-in, at the same cost whether or not there is such a user.

    Returns the password under our own algorithm where it is stored under a lesser one.
    Raises `UserInvalidCredentials`.
    """
    stored = users.password_of(seen) if seen is not None else None
    if stored is None:
        await ctx.hasher.pretend(password)
        raise errors.UserInvalidCredentials
    if not await ctx.hasher.verify(stored.hash, password, stored.digest, stored.options):
        if stored.hash in passwords.FAST:
            await ctx.hasher.pretend(password)
        raise errors.UserInvalidCredentials
    if passwords.outdated(stored.hash, stored.digest):
        return await hashed(ctx, password)
    return None
