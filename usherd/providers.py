"""The OAuth2 providers of a project: what was agreed with each. Their secrets are encrypted."""

from __future__ import annotations

import msgspec

from usherd import clock
from usherd.db import Row, Tx
from usherd.oauth import Registration
from usherd.vault import Vault


def purpose(project_id: str, provider_id: str) -> str:
    """What a client secret is encrypted for."""
    return f"client_secret:{project_id}:{provider_id}"


def read(vault: Vault, row: Row) -> Registration:
    """A row with its secret in clear."""
    secret = row["client_secret"]
    return Registration(
        row["id"],
        row["client_id"],
        vault.decrypt(secret, purpose(row["project_id"], row["id"])) if secret else "",
        msgspec.json.decode(row["options"]),
        msgspec.json.decode(row["scopes"]),
        bool(row["trust_email"]),
        bool(row["enabled"]),
    )


async def get(tx: Tx, vault: Vault, project_id: str, provider_id: str) -> Registration | None:
    """What the project has agreed with a provider, if anything."""
    row = await tx.one(
        "select * from providers where project_id = :project_id and id = :id",
        project_id=project_id,
        id=provider_id,
    )
    return read(vault, row) if row else None


async def listing(tx: Tx, project_id: str) -> list[Row]:
    """The project's providers, by id; secrets stay encrypted."""
    return await tx.all(
        "select * from providers where project_id = :project_id order by id", project_id=project_id
    )


async def put(tx: Tx, vault: Vault, project_id: str, registration: Registration) -> None:
    """Write down a registration, in place of the one before."""
    secret, now = registration.client_secret, clock.now()
    sealed = vault.encrypt(secret, purpose(project_id, registration.id)) if secret else ""
    values = {
        "client_id": registration.client_id,
        "client_secret": sealed,
        "options": msgspec.json.encode(registration.options).decode(),
        "scopes": msgspec.json.encode(registration.scopes).decode(),
        "trust_email": int(registration.trust_email),
        "enabled": int(registration.enabled),
        "updated_at": now,
    }
    row = await tx.one(
        "select seq from providers where project_id = :project_id and id = :id for update",
        project_id=project_id,
        id=registration.id,
    )
    if row is not None:
        await tx.update("providers", row, **values)
    else:
        await tx.insert(
            "providers", project_id=project_id, id=registration.id, created_at=now, **values
        )


async def delete(tx: Tx, project_id: str, provider_id: str) -> bool:
    """Forget a provider; identities stay. Returns whether there was one."""
    gone = await tx.run(
        "delete from providers where project_id = :project_id and id = :id",
        project_id=project_id,
        id=provider_id,
    )
    return gone > 0
