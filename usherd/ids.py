"""Fresh ids and secrets, and what is stored of a secret."""

from __future__ import annotations

import secrets
from hashlib import sha256


def unique() -> str:
    """A new id: 20 lower-case hex characters that nobody can guess."""
    return secrets.token_hex(10)


def secret(length: int) -> str:
    """`length` lower-case hex characters from the system's random source."""
    return secrets.token_hex((length + 1) // 2)[:length]


def code() -> str:
    """Six digits to type in from a mail or a text message."""
    return f"{secrets.randbelow(1_000_000):06}"


def digest(secret: str) -> str:
    """What is stored of a secret with enough entropy: its SHA-256 in lower-case hex."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def resolve(custom_id: str) -> str:
    """The id itself, or a new one for the word `unique()`."""
    return unique() if custom_id == "unique()" else custom_id
