"""Encrypts what must be readable again: recovery codes, TOTP secrets, signing keys."""

from __future__ import annotations

import base64
import os
import secrets as random
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from usherd.db import sqlite_path
from usherd.settings import Settings

SHORTEST = 32
NONCE_BYTES = 12

MISSING = (
    "USHERD_SECRET is missing: with PostgreSQL the master secret comes from the environment. "
    'Make one with: export USHERD_SECRET=$(python3 -c "import secrets; '
    'print(secrets.token_hex(32))")'
)


class VaultLocked(Exception):
    """The secrets at hand do not open what is stored; the message is for the operator."""


class _Key:
    """One master secret, stretched."""

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST:
            raise VaultLocked(f"A master secret has at least {SHORTEST} characters.")
        material = HKDF(SHA256(), 36, salt=None, info=b"usherd vault v1").derive(secret.encode())
        self.id = material[:4].hex()
        self.cipher = AESGCM(material[4:])


class Vault:
    """Authenticated encryption under a master secret, bound to a purpose.

    The first secret encrypts; the others only open what was encrypted before a rotation.
    `reload` is asked once for fresh secrets when a text was encrypted under an unknown one.
    """

    def __init__(
        self, secrets: Sequence[str], reload: Callable[[], Sequence[str]] | None = None
    ) -> None:
        self._reload = reload
        self._use(secrets)

    def _use(self, secrets: Sequence[str]) -> None:
        keys = [_Key(secret) for secret in secrets]
        self._current = keys[0]
        self._keys = {key.id: key for key in keys}

    @property
    def current_key_id(self) -> str:
        """Names the secret that encrypts, without telling it."""
        return self._current.id

    def encrypt(self, text: str, purpose: str) -> str:
        """`v1.<key id>.<nonce and ciphertext>`; opens only for the same purpose."""
        nonce = random.token_bytes(NONCE_BYTES)
        sealed = self._current.cipher.encrypt(nonce, text.encode(), purpose.encode())
        return f"v1.{self._current.id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, token: str, purpose: str) -> str:
        """What `encrypt` was given. Raises `VaultLocked`."""
        version, _, rest = token.partition(".")
        key_id, _, body = rest.partition(".")
        if key_id not in self._keys and self._reload is not None:
            self._use(self._reload())
        key = self._keys.get(key_id)
        if version != "v1" or key is None:
            raise VaultLocked(
                "This database was encrypted with another secret. Start with that one in "
                "USHERD_SECRET or USHERD_SECRET_PREVIOUS, or with the secret file beside it."
            )
        raw = base64.urlsafe_b64decode(body)
        try:
            return key.cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()).decode()
        except InvalidTag as error:
            raise VaultLocked("An encrypted value in the database has been changed.") from error

    def is_current(self, token: str) -> bool:
        """Whether a text was encrypted with the current secret."""
        return token.startswith(f"v1.{self._current.id}.")


def secret_file(database: str) -> Path:
    """The secret file of a SQLite database."""
    return Path(sqlite_path(database) + ".secret")


def from_file(settings: Settings) -> bool:
    """Whether the master secret is kept in a file beside the database."""
    return not settings.secret and settings.database.startswith("sqlite:")


def load(settings: Settings) -> Vault:
    """The vault of a server. On SQLite, the first start makes a secret file.

    Raises `VaultLocked`.
    """
    if settings.secret:
        return Vault([s for s in (settings.secret, settings.secret_previous) if s])
    if not from_file(settings):
        raise VaultLocked(MISSING)
    path = secret_file(settings.database)
    if not path.exists():
        _create(path)
    return Vault(read_file(path), lambda: read_file(path))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, [random.token_hex(32)], only_if_missing=True)


def read_file(path: Path) -> list[str]:
    """The secrets in a file, current first. Raises `VaultLocked`."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise VaultLocked(f"Others can read the secret file; run: chmod 600 {path}")
        lines = path.read_text().split()
    except OSError as error:
        raise VaultLocked(f"The secret file {path} cannot be read: {error.strerror}.") from error
    if not lines:
        raise VaultLocked(f"The secret file {path} is empty; restore it from a backup.")
    return lines


def _replace(path: Path, secrets: Sequence[str], *, only_if_missing: bool = False) -> None:
    """Write the file so that at every instant it is whole, and only its owner reads it."""
    new = path.with_name(f"{path.name}.{random.token_hex(4)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, "".join(secret + "\n" for secret in secrets).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        if only_if_missing:
            os.link(new, path)  # fails when another process was first
            new.unlink()
        else:
            new.replace(path)
    except FileExistsError:
        new.unlink()


def add_secret(path: Path) -> None:
    """Begin a rotation: a new secret first, the old ones still there to open what they closed."""
    _replace(path, [random.token_hex(32), *read_file(path)])


def drop_old_secrets(path: Path) -> None:
    """End a rotation: nothing in the database needs the old secrets any more."""
    _replace(path, read_file(path)[:1])
