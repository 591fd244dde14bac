"""The tokens with which an app acts at another provider for a user: encrypted where they lie.

Sessions and identities have the same columns for them. An empty text stays empty.
"""

from __future__ import annotations

from typing import Any

from usherd import clock
from usherd.db import Row, Tx
from usherd.oauth import Tokens
from usherd.vault import Vault

COLUMNS = ("provider_access_token", "provider_refresh_token")


def purpose(column: str, row: Row) -> str:
    """What a token is encrypted for: it opens for the same user and column alone."""
    return f"{column}:{row['project_id']}:{row['user_id']}"


def sealed(vault: Vault, user: Row, tokens: Tokens) -> dict[str, Any]:
    """The columns of a session or an identity of the user that hold these tokens."""
    whose = {"project_id": user["project_id"], "user_id": user["id"]}
    texts = zip(COLUMNS, (tokens.access, tokens.refresh), strict=True)
    columns: dict[str, Any] = {
        column: vault.encrypt(text, purpose(column, whose)) if text else ""
        for column, text in texts
    }
    return columns | {"provider_access_token_expiry": tokens.expire_at}


def opened(vault: Vault, row: Row) -> Row:
    """A session or identity as its user sees it, with the tokens in clear."""
    clear = {
        column: vault.decrypt(row[column], purpose(column, row))
        for column in COLUMNS
        if row[column]
    }
    return row | clear if clear else row


def hidden(row: Row) -> Row:
    """A session or identity for those who need no tokens."""
    return row | dict.fromkeys(COLUMNS, "")


async def keep(tx: Tx, vault: Vault, user: Row, session: Row, tokens: Tokens) -> Row:
    """Give the session of a locked user these tokens."""
    return await tx.update(
        "sessions", session, **sealed(vault, user, tokens), updated_at=clock.now()
    )
