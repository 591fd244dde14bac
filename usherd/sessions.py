"""Sessions: who is signed in, from where, and until when."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from hmac import compare_digest
from typing import Any, Protocol

import msgspec

from usherd import clock, errors, ids, targets
from usherd.db import Row, Tx
from usherd.projects import Project

LISTED = 1000
"""A user's session list is one page of this length, without a cursor."""

SECRET_LENGTH = 256

COLUMNS = (
    "seq", "project_id", "id", "user_id", "digest", "provider", "provider_uid",
    "provider_access_token", "provider_access_token_expiry", "provider_refresh_token", "ip",
    "user_agent", "country_code", "factors", "mfa_updated_at", "expire_at", "created_at",
    "updated_at",
)  # fmt: skip

AUTHENTICATE = f"""
    select u.*, {", ".join(f"s.{name} as session_{name}" for name in COLUMNS)}
    from sessions s join users u on u.project_id = s.project_id and u.id = s.user_id
    where s.project_id = :project_id and s.digest = :digest and s.user_id = :user_id
        and s.expire_at > :now
"""

_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,35}")
_SECRET = re.compile(rf"[0-9a-f]{{{SECRET_LENGTH}}}")


class Client(Protocol):
    """The machine at the other end."""

    @property
    def ip(self) -> str: ...
    @property
    def user_agent(self) -> str: ...
    @property
    def country_code(self) -> str: ...


class WireSecret(msgspec.Struct):
    """What a session secret says once its base64 is taken off."""

    id: str
    secret: str


async def create(
    tx: Tx,
    project: Project,
    user: Row,
    client: Client,
    *,
    provider: str,
    factors: Sequence[str],
    provider_uid: str = "",
    sealed: Mapping[str, Any] | None = None,
) -> tuple[Row, str]:
    """Sign `user` in; returns the session and its secret as it goes over the wire.

    The user must be locked. `sealed` are columns with the provider's tokens. Sessions beyond the
    project's limit go, oldest first.
    """
    inner = ids.secret(SECRET_LENGTH)
    now = clock.now()
    row = await tx.insert(
        "sessions",
        project_id=project.id,
        id=ids.unique(),
        user_id=user["id"],
        digest=ids.digest(inner),
        provider=provider,
        provider_uid=provider_uid,
        ip=client.ip,
        user_agent=client.user_agent,
        country_code=client.country_code,
        factors=msgspec.json.encode(list(factors)).decode(),
        **(sealed or {}),
        expire_at=now + project.settings.session_duration * 1000,
        created_at=now,
        updated_at=now,
    )
    dropped = await tx.all(
        "delete from sessions where project_id = :project_id and user_id = :user_id and seq <= ("
        "select seq from sessions where project_id = :project_id and user_id = :user_id "
        "order by seq desc limit 1 offset :kept) returning id",
        project_id=project.id,
        user_id=user["id"],
        kept=project.settings.session_limit,
    )
    if dropped:
        await targets.forget_sessions(tx, user, [session["id"] for session in dropped])
    return row, wire_secret(user["id"], inner)


def wire_secret(user_id: str, inner: str) -> str:
    """The session secret in the form that cookies and headers carry."""
    return base64.b64encode(msgspec.json.encode(WireSecret(user_id, inner))).decode()


def read_secret(secret: str) -> WireSecret | None:
    """The parts of a wire secret, or None for anything that cannot be one."""
    if len(secret) > 1024:
        return None
    try:
        parts = msgspec.json.decode(base64.b64decode(secret), type=WireSecret)
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
        return None
    if not _USER_ID.fullmatch(parts.id) or not _SECRET.fullmatch(parts.secret):
        return None
    return parts


async def authenticate(tx: Tx, project_id: str, secret: str) -> tuple[Row, Row] | None:
    """(user, session) for a wire secret; None if it opens nothing now."""
    parts = read_secret(secret)
    if parts is None:
        return None
    digest = ids.digest(parts.secret)
    row = await tx.one(
        AUTHENTICATE, project_id=project_id, digest=digest, user_id=parts.id, now=clock.now()
    )
    if row is None or not compare_digest(row["session_digest"], digest):
        return None
    session = {name: row.pop(f"session_{name}") for name in COLUMNS}
    return row, session


async def alive(tx: Tx, project_id: str, user_id: str, session_id: str) -> bool:
    """Whether the user's session still opens doors."""
    row = await tx.one(
        "select seq from sessions where project_id = :project_id and user_id = :user_id "
        "and id = :id and expire_at > :now",
        project_id=project_id,
        user_id=user_id,
        id=session_id,
        now=clock.now(),
    )
    return row is not None


async def for_jwt(tx: Tx, project_id: str, user_id: str, session_id: str) -> str:
    """The id of the session a JWT is bound to: the named one, or with `recent` the newest
    unexpired one. The empty string when the user has no such session."""
    where, order = "id = :id", ""
    if session_id == "recent":
        where, order = "expire_at > :id", "order by seq desc limit 1"
    row = await tx.one(
        f"select id from sessions where project_id = :project_id and user_id = :user_id "
        f"and {where} {order}",
        project_id=project_id,
        user_id=user_id,
        id=clock.now() if order else session_id,
    )
    return str(row["id"]) if row else ""


async def listing(tx: Tx, project_id: str, user_id: str) -> list[Row]:
    """The user's sessions in the order in which they began, expired ones included."""
    return await tx.all(
        "select * from sessions where project_id = :project_id and user_id = :user_id "
        "order by seq limit :listed",
        project_id=project_id,
        user_id=user_id,
        listed=LISTED,
    )


async def get(tx: Tx, project_id: str, user_id: str, session_id: str) -> Row:
    """One session of the user, expired or not. Raises `UserSessionNotFound`."""
    row = await tx.one(
        "select * from sessions where project_id = :project_id and user_id = :user_id and id = :id",
        project_id=project_id,
        user_id=user_id,
        id=session_id,
    )
    if row is None:
        raise errors.UserSessionNotFound
    return row


async def count(tx: Tx, user: Row) -> int:
    """How many sessions the user has."""
    row = await tx.one(
        "select count(*) as sessions from sessions where project_id = :project_id "
        "and user_id = :user_id",
        project_id=user["project_id"],
        user_id=user["id"],
    )
    return int(row["sessions"]) if row else 0


async def extend(tx: Tx, project: Project, session: Row) -> Row:
    """Let the session last as long as a new one would.

    Raises `UserSessionNotFound` for one that has ended: it does not come back.
    """
    now = clock.now()
    if session["expire_at"] <= now:
        raise errors.UserSessionNotFound
    expire_at = now + project.settings.session_duration * 1000
    return await tx.update("sessions", session, expire_at=expire_at, updated_at=now)


async def add_factors(tx: Tx, session: Row, factors: Iterable[str], *, fresh: bool = False) -> Row:
    """Note that the session has proved these factors; `fresh` allows protected acts for a while.

    Raises `UserSessionNotFound` when it has ended meanwhile.
    """
    row = await tx.one("select * from sessions where seq = :seq for update", seq=session["seq"])
    if row is None:
        raise errors.UserSessionNotFound
    known = msgspec.json.decode(row["factors"], type=list[str])
    now = clock.now()
    changes = {"mfa_updated_at": now} if fresh else {}
    together = msgspec.json.encode(list(dict.fromkeys([*known, *factors]))).decode()
    return await tx.update("sessions", row, factors=together, updated_at=now, **changes)


async def delete(tx: Tx, user: Row, session_id: str) -> Row:
    """End one session of a locked user and return it. Raises `UserSessionNotFound`."""
    row = await tx.one(
        "delete from sessions where project_id = :project_id and user_id = :user_id "
        "and id = :id returning *",
        project_id=user["project_id"],
        user_id=user["id"],
        id=session_id,
    )
    if row is None:
        raise errors.UserSessionNotFound
    await targets.forget_sessions(tx, user, [session_id])
    return row


async def delete_all(tx: Tx, user: Row, *, except_id: str = "") -> int:
    """End every session of a locked user, or every other; returns how many there were."""
    gone = await tx.all(
        "delete from sessions where project_id = :project_id and user_id = :user_id "
        "and id <> :except_id returning id",
        project_id=user["project_id"],
        user_id=user["id"],
        except_id=except_id,
    )
    await targets.forget_sessions(tx, user, [session["id"] for session in gone])
    return len(gone)
