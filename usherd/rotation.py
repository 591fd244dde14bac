"""Replacing the master secret: every encrypted value is opened and closed anew.

At every instant the secret file holds each secret that a value may need, so that a crash leaves
nothing unreadable; running it again finishes the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from usherd import mfa, oauth_states, outbox, provider_tokens, providers, vault
from usherd.db import Database, Row
from usherd.settings import Settings
from usherd.vault import Vault

BATCH = 200
SETTLE_SECONDS = 1.0

Purpose = Callable[[Row], str]

ENCRYPTED: tuple[tuple[str, str, str, Purpose], ...] = (
    ("projects", "id", "signing_key", lambda row: f"signing_key:{row['id']}"),
    ("users", "seq", "recovery_codes",
     lambda row: f"recovery_codes:{row['project_id']}:{row['id']}"),
    ("authenticators", "seq", "secret",
     lambda row: mfa.totp_purpose(row["project_id"], row["user_id"])),
    ("outbox", "seq", "sealed", lambda row: outbox.purpose(row["project_id"], row["id"])),
    ("providers", "seq", "client_secret",
     lambda row: providers.purpose(row["project_id"], row["id"])),
    ("oauth_states", "seq", "sealed",
     lambda row: oauth_states.purpose(row["project_id"], row["digest"])),
    *(
        (table, "seq", column, partial(provider_tokens.purpose, column))
        for table in ("sessions", "identities")
        for column in provider_tokens.COLUMNS
    ),
)  # fmt: skip
"""(table, its key, the encrypted column, the purpose it was encrypted for)"""


async def rotate(db: Database, settings: Settings) -> int:
    """Encrypt everything with the current secret, a new one where it is kept in a file.

    Returns how many values changed. Raises `VaultLocked`.
    """
    secrets = vault.load(settings)
    if not vault.from_file(settings):
        return await _renew_all(db, secrets)
    file = vault.SecretFile(vault.secret_file(settings))
    file.add()
    changed = await _renew_all(db, secrets)
    # A request may have encrypted just before the new secret was there, and written after we
    # had passed: look once more before the old one goes.
    await asyncio.sleep(SETTLE_SECONDS)
    changed += await _renew_all(db, secrets)
    file.drop_old()
    return changed


async def _renew_all(db: Database, secrets: Vault) -> int:
    return sum([await _renew(db, secrets, *place) for place in ENCRYPTED])


async def _renew(
    db: Database, secrets: Vault, table: str, key: str, column: str, purpose: Purpose
) -> int:
    """Walk the table in batches, each in a transaction of its own."""
    changed = 0
    last: object = "" if key == "id" else -1
    while True:
        async with db.write() as tx:
            rows = await tx.all(
                f"select * from {table} where {key} > :last and {column} <> '' "
                f"order by {key} limit {BATCH} for update",
                last=last,
            )
            for row in rows:
                if not secrets.is_current(row[column]):
                    text = secrets.decrypt(row[column], purpose(row))
                    await tx.run(
                        f"update {table} set {column} = :text where {key} = :key",
                        text=secrets.encrypt(text, purpose(row)),
                        key=row[key],
                    )
                    changed += 1
        if not rows:
            return changed
        last = rows[-1][key]
