"""Sign-ins by another provider that are under way: what `state` stands for.

A state is signed, belongs to one provider of one project and to one browser, and works once and
for ten minutes. What it stands for never leaves the server.
"""

from __future__ import annotations

import msgspec

from usherd import clock, errors, ids
from usherd.db import Row, Tx
from usherd.oauth import Asked
from usherd.vault import Vault, VaultLocked

LIFETIME = 600_000
LONGEST = 1000


class Started(msgspec.Struct, frozen=True):
    """What was asked for when it began."""

    asked: Asked
    success: str
    failure: str
    user_id: str
    """Who was signed in, and links an identity; empty for everybody else."""


def purpose(project_id: str, digest: str) -> str:
    """What the stored half of a state is encrypted for."""
    return f"oauth_state:{project_id}:{digest}"


def _signature(project_id: str, provider: str) -> str:
    return f"state:{project_id}:{provider}"


def new(vault: Vault, project_id: str, provider: str, flow: str) -> str:
    """A state to send along; `flow` tells what comes of it, `sessions` or `tokens`."""
    return vault.encrypt(f"{flow} {ids.secret(64)}", _signature(project_id, provider))


def flow_of(vault: Vault, project_id: str, provider: str, state: str) -> str:
    """The flow of a state that was made here for this provider.

    Raises `UserOauth2StateInvalid`.
    """
    try:
        if len(state) > LONGEST:
            raise ValueError
        return vault.decrypt(state, _signature(project_id, provider)).partition(" ")[0]
    except (VaultLocked, ValueError) as error:
        raise errors.UserOauth2StateInvalid from error


async def keep(
    tx: Tx, vault: Vault, project_id: str, state: str, browser: str, started: Started
) -> Row:
    """Remember what a state stands for, and which browser has to bring it back."""
    digest, now = ids.digest(state), clock.now()
    text = msgspec.json.encode(started).decode()
    return await tx.insert(
        "oauth_states",
        project_id=project_id,
        digest=digest,
        browser=ids.digest(browser),
        sealed=vault.encrypt(text, purpose(project_id, digest)),
        expire_at=now + LIFETIME,
        created_at=now,
    )


async def use(tx: Tx, vault: Vault, project_id: str, state: str, browser: str) -> Started:
    """What the state stands for; of two uses at once one succeeds.

    Raises `UserOauth2StateInvalid` for another browser, too, which uses nothing up.
    """
    digest = ids.digest(state)
    row = await tx.one(
        "delete from oauth_states where project_id = :project_id and digest = :digest "
        "and browser = :browser and expire_at > :now returning *",
        project_id=project_id,
        digest=digest,
        browser=ids.digest(browser),
        now=clock.now(),
    )
    if row is None:
        raise errors.UserOauth2StateInvalid
    text = vault.decrypt(row["sealed"], purpose(project_id, digest))
    return msgspec.json.decode(text, type=Started)
