"""Account API: one's second factors, and being asked for them."""

from __future__ import annotations

from typing import Any

from usherd import challenges, clock, errors, mfa, provider_tokens, sessions, users
from usherd.api import failures
from usherd.api.account import me, my_session
from usherd.api.account_tokens import mock_code
from usherd.db import Row
from usherd.endpoints import Endpoints
from usherd.http import Context
from usherd.limits import per
from usherd.models import (
    Account,
    MfaChallenge,
    MfaFactors,
    MfaRecoveryCodes,
    MfaType,
    Session,
)
from usherd.params import AuthenticatorType, Factor, Flag, Otp

endpoints = Endpoints("/v1/account/mfa")

CHANGE: dict[str, Any] = {
    "scope": "account",
    "event": "users.[userId].update.mfa",
    "audit": "user.update",
}


def require_fresh(ctx: Context) -> None:
    """Raises `UserChallengeRequired` unless this session has just completed a challenge."""
    session = ctx.caller.session
    if session is None or (session["mfa_updated_at"] or 0) < clock.now() - challenges.FRESH:
        raise errors.UserChallengeRequired


async def _locked(ctx: Context) -> Row:
    return await users.lock(ctx.tx, ctx.project.id, me(ctx)["id"])


@endpoints.patch("", **CHANGE)
async def update_mfa(ctx: Context, mfa_: Flag) -> Account:
    """Ask for a second factor at sign-in, or stop asking. This session counts as having given
    every factor one has, so that nobody locks themselves out."""
    session = my_session(ctx)
    user = await users.set_mfa(ctx.tx, await _locked(ctx), mfa_)
    if mfa_:
        await sessions.add_factors(ctx.tx, session, await mfa.factors(ctx.tx, user))
    return Account.of(user)


@endpoints.get("/factors", scope="account", while_factor_missing=True)
async def list_mfa_factors(ctx: Context) -> MfaFactors:
    """Say which second factors one can be asked for."""
    user = me(ctx)
    has = await mfa.factors(ctx.tx, user)
    return MfaFactors(
        totp="totp" in has,
        phone="phone" in has,
        email="email" in has,
        recovery_code=bool(mfa.recovery_codes(ctx.vault, user)),
    )


@endpoints.post("/authenticators/{type}", **CHANGE)
async def create_mfa_authenticator(ctx: Context, type_: AuthenticatorType) -> MfaType:
    """Begin with an authenticator app: show `uri` as a QR code, then verify with a first code."""
    user = await _locked(ctx)
    secret = await mfa.first_authenticator(ctx.tx, ctx.vault, user)
    account = user["email"] or user["name"] or user["id"]
    return MfaType(secret, mfa.totp_uri(ctx.project.name, account, secret))


@endpoints.put("/authenticators/{type}", **CHANGE)
async def update_mfa_authenticator(ctx: Context, type_: AuthenticatorType, otp: Otp) -> Account:
    """Verify the authenticator app with a code that it shows."""
    session = my_session(ctx)
    user = await _locked(ctx)
    try:
        await mfa.verify_authenticator(ctx.tx, ctx.vault, user, otp)
    except errors.UserInvalidToken as error:
        await failures.note(ctx, error, "user.update.failed", user["id"])
        raise
    await sessions.add_factors(ctx.tx, session, ["totp"])
    return Account.of(user)


@endpoints.delete(
    "/authenticators/{type}",
    scope="account",
    status=204,
    event="users.[userId].delete.mfa",
    audit="user.update",
)
async def delete_mfa_authenticator(ctx: Context, type_: AuthenticatorType) -> Account:
    """Remove one's authenticator app. A challenge must have been completed just before."""
    require_fresh(ctx)
    user = await _locked(ctx)
    await mfa.delete_authenticator(ctx.tx, user, type_)
    return Account.of(user)


# -- challenges --


@endpoints.post(
    "/challenge",
    scope="account",
    status=201,
    event="users.[userId].challenges.[challengeId].create",
    audit="challenge.create",
    while_factor_missing=True,
    also=("POST /challenges",),
    limit=per(10, "url+caller"),
)
async def create_mfa_challenge(ctx: Context, factor: Factor) -> MfaChallenge:
    """Ask for a second factor. A code is sent for `email` and `phone`."""
    my_session(ctx)
    user = await _locked(ctx)
    mock = mock_code(ctx, user["phone"] or "") if factor == "phone" else ""
    row, code = await challenges.create(ctx.tx, user, factor, mock)
    if factor == "email":
        name = user["name"] or user["email"]
        await ctx.mail("mfaChallenge", user["email"], user=name, code=code, minutes="60")
    elif factor == "phone" and not mock:
        await ctx.sms("mfaChallenge", user["phone"], code=code, minutes="60")
    return MfaChallenge.of(row)


@endpoints.put(
    "/challenge",
    scope="account",
    event="users.[userId].sessions.[sessionId].update",
    audit="challenges.update",
    while_factor_missing=True,
    also=("PUT /challenges",),
    limit=per(10, "url+challengeId"),
)
async def update_mfa_challenge(ctx: Context, challenge_id: Otp, otp: Otp) -> Session:
    """Answer a challenge; the session has one more factor then. A recovery code is used up."""
    session = my_session(ctx)
    await ctx.learn_agents(session)
    async with ctx.house.db.write() as tx:
        await challenges.count_try(tx, me(ctx), challenge_id)
    user = await _locked(ctx)
    try:
        factor = await challenges.answer(ctx.tx, ctx.vault, user, challenge_id, otp)
    except (errors.UserInvalidToken, errors.UserAuthenticatorNotFound) as error:
        await failures.note(ctx, error, "challenges.update.failed", user["id"])
        raise errors.UserInvalidToken from error
    row = await sessions.add_factors(ctx.tx, session, [factor], fresh=True)
    return Session.of(provider_tokens.opened(ctx.vault, row), current=True)


# -- recovery codes --


@endpoints.post("/recovery-codes", status=201, **CHANGE)
async def create_mfa_recovery_codes(ctx: Context) -> MfaRecoveryCodes:
    """Make six codes that stand in for a second factor, each once."""
    return MfaRecoveryCodes(await mfa.first_codes(ctx.tx, ctx.vault, await _locked(ctx)))


@endpoints.get("/recovery-codes", scope="account")
async def get_mfa_recovery_codes(ctx: Context) -> MfaRecoveryCodes:
    """Get one's unused recovery codes. A challenge must have been completed just before."""
    require_fresh(ctx)
    return MfaRecoveryCodes(mfa.require_codes(ctx.vault, me(ctx)))


@endpoints.patch("/recovery-codes", **CHANGE)
async def update_mfa_recovery_codes(ctx: Context) -> MfaRecoveryCodes:
    """Replace one's recovery codes. A challenge must have been completed just before."""
    require_fresh(ctx)
    return MfaRecoveryCodes(await mfa.new_codes(ctx.tx, ctx.vault, await _locked(ctx)))
