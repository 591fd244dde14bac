"""API keys: what a backend shows to be let in; only their digests are stored."""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

import msgspec

from usherd import clock, ids
from usherd.db import Row, Tx

PREFIX = "standard_"
SECRET_LENGTH = 256

SCOPES = (
    "sessions.write", "users.read", "users.write", "teams.read", "teams.write", "databases.read",
    "databases.write", "collections.read", "collections.write", "attributes.read",
    "attributes.write", "indexes.read", "indexes.write", "documents.read", "documents.write",
    "files.read", "files.write", "buckets.read", "buckets.write", "functions.read",
    "functions.write", "sites.read", "sites.write", "log.read", "log.write", "execution.read",
    "execution.write", "locale.read", "avatars.read", "health.read", "providers.read",
    "providers.write", "messages.read", "messages.write", "topics.read", "topics.write",
    "subscribers.read", "subscribers.write", "targets.read", "targets.write", "rules.read",
    "rules.write", "migrations.read", "migrations.write", "vcs.read", "vcs.write",
    "assistant.read", "tokens.read", "tokens.write",
)  # fmt: skip
"""Every scope a key can have; the word `all` stands for all of them."""

ALWAYS = frozenset({"global", "health.read"})
"""What every key may do beside its own scopes."""


class UnknownScope(ValueError):
    """A scope that does not exist."""


class Key(msgspec.Struct, frozen=True):
    """A key as it is remembered while it is used."""

    seq: int
    project_id: str
    id: str
    name: str
    digest: str
    scopes: frozenset[str]
    expire_at: int | None
    accessed_at: int | None

    @classmethod
    def of(cls, row: Row) -> Key:
        """From a row of `keys`."""
        return cls(
            row["seq"], row["project_id"], row["id"], row["name"], row["digest"],
            ALWAYS.union(msgspec.json.decode(row["scopes"])), row["expire_at"], row["accessed_at"],
        )  # fmt: skip


def read_scopes(words: Sequence[str]) -> list[str]:
    """The scopes named, with `all` for every one. Raises `UnknownScope`."""
    found: dict[str, None] = {}
    for word in words:
        if word == "all":
            found |= dict.fromkeys(SCOPES)
        elif word in SCOPES:
            found[word] = None
        else:
            raise UnknownScope(f"{word} is no scope; there are: all, {', '.join(SCOPES)}.")
    return list(found)


async def create(
    tx: Tx, project_id: str, name: str, scopes: Sequence[str], expire_at: int | None = None
) -> tuple[Row, str]:
    """Make a key; returns its row and its secret, which nobody can find out again."""
    secret = PREFIX + ids.secret(SECRET_LENGTH)
    row = await tx.insert(
        "keys",
        project_id=project_id,
        id=ids.unique(),
        name=name,
        digest=ids.digest(secret),
        scopes=msgspec.json.encode(list(scopes)).decode(),
        expire_at=expire_at,
        created_at=clock.now(),
    )
    return row, secret


async def listing(tx: Tx, project_id: str) -> list[Row]:
    """The project's keys, oldest first."""
    return await tx.all("select * from keys where project_id = :id order by seq", id=project_id)


async def delete(tx: Tx, project_id: str, key_id: str) -> bool:
    """Revoke a key; returns whether there was one."""
    gone = await tx.run(
        "delete from keys where project_id = :project_id and id = :id",
        project_id=project_id,
        id=key_id,
    )
    return gone > 0


async def find(tx: Tx, project_id: str, digest: str) -> Key | None:
    """The project's key with this digest, expired or not."""
    row = await tx.one(
        "select * from keys where digest = :digest and project_id = :project_id",
        digest=digest,
        project_id=project_id,
    )
    if row is None or not compare_digest(row["digest"], digest):
        return None
    return Key.of(row)


async def touch(tx: Tx, key: Key) -> None:
    """Remember that the key is in use."""
    await tx.run(
        "update keys set accessed_at = :now where seq = :seq", now=clock.now(), seq=key.seq
    )
