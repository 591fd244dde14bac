"""Who is calling: an API key, a signed-in user or a guest, and what each may do."""

from __future__ import annotations

from typing import Any

import msgspec

from usherd import clock, errors, jwts, mfa, proxies, sessions, users
from usherd.db import Database, Row
from usherd.geo import Atlas
from usherd.keys import Key
from usherd.projects import Directory, Project
from usherd.vault import Vault
from usherd.wire import Request

GUEST_SCOPES = frozenset({"public", "global", "sessions.write", "locale.read"})
USER_SCOPES = GUEST_SCOPES | {"account", "teams.read", "teams.write"}
PERSONAL = frozenset({b"x-appwrite-jwt", b"cookie", b"x-appwrite-session", b"x-fallback-cookies"})
"""The headers by which people are known."""

DAY = 86_400_000
"""`accessedAt` of keys and users is refreshed this seldom, in milliseconds."""


class Caller(msgspec.Struct, frozen=True):
    """Who is calling. `session` is None for a JWT, which is bound to none of its own."""

    kind: str
    """`key`, `user` or `guest`."""
    scopes: frozenset[str]
    key: Key | None = None
    user: Row | None = None
    session: Row | None = None

    @property
    def shows_secrets(self) -> bool:
        """Whether answers to this caller carry secrets in clear."""
        return self.kind == "key"


GUEST = Caller("guest", GUEST_SCOPES)


class Client(msgspec.Struct, frozen=True):
    """The machine at the other end, as far as it is known."""

    ip: str
    user_agent: str
    country_code: str = "--"


async def identify(
    request: Request, project: Project, directory: Directory, db: Database, vault: Vault
) -> Caller:
    """The caller of `request`.

    Raises `UserKeyAndSessionSet`, `ProjectKeyExpired`, `UserUnauthorized`, `UserJwtInvalid`.
    """
    secret = request.header(b"x-appwrite-key")
    if not PERSONAL.isdisjoint(request.headers):
        person = await _person(request, project, db, vault)
        if person.user is not None:
            if secret:  # else a page could get past the origin check with any key
                raise errors.UserKeyAndSessionSet
            return person
    if not secret:
        return GUEST
    prefix, underscore, _ = secret.partition("_")
    if underscore and prefix != "standard":
        return GUEST
    key = await directory.key(project.id, secret)
    if key is None:
        raise errors.UserUnauthorized
    now = clock.now()
    if key.expire_at is not None and key.expire_at <= now:
        raise errors.ProjectKeyExpired
    if now - (key.accessed_at or 0) > DAY:
        await directory.touch(key)
    return Caller("key", key.scopes, key=key)


async def _person(request: Request, project: Project, db: Database, vault: Vault) -> Caller:
    token = request.header(b"x-appwrite-jwt")
    if token:
        return await _bearer(token, project, db, vault)
    secret = session_secret(request, project.id)
    if not secret:
        return GUEST
    found = await sessions.authenticate(db.reader, project.id, secret)
    if found is None:
        return GUEST
    user, session = found
    return Caller("user", USER_SCOPES, user=user, session=session)


async def _bearer(token: str, project: Project, db: Database, vault: Vault) -> Caller:
    claims = jwts.verify(project, vault, token)
    try:
        user = await users.get(db.reader, project.id, claims["userId"])
    except errors.UserNotFound:
        return GUEST
    session_id = claims.get("sessionId") or ""
    if session_id and not await sessions.alive(db.reader, project.id, user["id"], session_id):
        return GUEST
    return Caller("user", USER_SCOPES, user=user)


def session_secret(request: Request, project_id: str) -> str:
    """The session secret sent along, or the empty string; the first source that has one wins."""
    name = f"a_session_{project_id}"
    cookies = request.cookies
    return (
        cookies.get(name.lower())
        or cookies.get(name.lower() + "_legacy")
        or request.header(b"x-appwrite-session")
        or _fallback(request, name)
    )


def _fallback(request: Request, name: str) -> str:
    try:
        stored: Any = msgspec.json.decode(request.header(b"x-fallback-cookies") or "{}")
    except (ValueError, RecursionError):
        return ""
    secret = stored.get(name) if isinstance(stored, dict) else None
    return secret if isinstance(secret, str) else ""


async def admit(caller: Caller, scope: str, *, while_factor_missing: bool, db: Database) -> None:
    """Let the caller through, or say why not.

    Raises `GeneralUnauthorizedScope`, `UserBlocked`, `UserMoreFactorsRequired`.
    """
    if scope not in caller.scopes:
        raise errors.GeneralUnauthorizedScope
    user = caller.user
    if user is None:
        return
    if not user["status"]:
        raise errors.UserBlocked
    if user["mfa"] and caller.session is not None and not while_factor_missing:
        done = len(msgspec.json.decode(caller.session["factors"]))
        if done < 2 and await mfa.has_factor(db.reader, user):
            raise errors.UserMoreFactorsRequired


def client_of(request: Request, caller: Caller, trusted: proxies.Trusted, atlas: Atlas) -> Client:
    """The end user's machine: a forwarded user agent counts only from an API key."""
    ip = proxies.client_ip(request.peer, request.header(b"x-forwarded-for"), trusted)
    agent = ""
    if caller.kind == "key":
        agent = request.header(b"x-forwarded-user-agent")
    agent = (agent or request.header(b"user-agent"))[:1024]
    return Client(ip[:64], agent, atlas.country(ip))
