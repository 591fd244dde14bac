"""The outbox: messages are written in the transaction that causes them, and leave after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from usherd import clock, ids, templates
from usherd import mail as mails
from usherd.db import Row, Tx
from usherd.projects import Project
from usherd.vault import Vault


def purpose(project_id: str, message_id: str) -> str:
    """What a message is encrypted for."""
    return f"outbox:{project_id}:{message_id}"


async def mail(
    tx: Tx, vault: Vault, project: Project, *, to: str, kind: str, locale: str,
    variables: Mapping[str, str],
) -> Row:  # fmt: skip
    """Put a mail into the outbox; it exists exactly when this transaction does."""
    own = await templates.find(tx, project.id, kind, locale)
    override = (own["subject"], own["body"]) if own else None
    made = mails.render(kind, locale, {"project": project.name, **variables}, override)
    return await _put(tx, vault, project.id, "mail", kind, to, msgspec.structs.asdict(made))


async def sms(
    tx: Tx, vault: Vault, project: Project, *, to: str, kind: str, locale: str,
    variables: Mapping[str, str],
) -> Row:  # fmt: skip
    """Put a text message into the outbox."""
    text = mails.text_message(kind, locale, {"project": project.name, **variables})
    return await _put(tx, vault, project.id, "sms", kind, to, {"text": text})


async def _put(
    tx: Tx, vault: Vault, project_id: str, channel: str, kind: str, to: str, content: Any
) -> Row:
    message_id, now = ids.unique(), clock.now()
    text = msgspec.json.encode(content).decode()
    return await tx.insert(
        "outbox",
        project_id=project_id,
        id=message_id,
        channel=channel,
        kind=kind,
        recipient=to,
        sealed=vault.encrypt(text, purpose(project_id, message_id)),
        due_at=now,
        created_at=now,
    )


def content(vault: Vault, row: Row) -> dict[str, str]:
    """What a message says; empty once it has left. Raises `VaultLocked`."""
    if not row["sealed"]:
        return {}
    text = vault.decrypt(row["sealed"], purpose(row["project_id"], row["id"]))
    return msgspec.json.decode(text, type=dict[str, str])


async def listing(tx: Tx, limit: int) -> list[Row]:
    """The newest messages, newest first."""
    return await tx.all("select * from outbox order by seq desc limit :limit", limit=limit)


async def get(tx: Tx, message_id: str) -> Row | None:
    """One message of any project."""
    return await tx.one("select * from outbox where id = :id limit 1", id=message_id)
