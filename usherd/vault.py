"""Encrypts what must be readable again: recovery codes, TOTP secrets, signing keys."""

from __future__ import annotations

import base64
import os
import secrets as random
import stat
from collections.abc import Sequence
from contextlib import suppress
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


class SecretFile:
    """Master secrets in a file that only its owner reads: the current one, then older ones."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None

    def create(self) -> None:
        """Make the file with a new secret, unless it is there."""
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write([random.token_hex(32)], only_if_missing=True)

    def changed(self) -> bool:
        """Whether the file is another than the one that was read last."""
        return self._now() != self._stamp

    def _now(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def read(self) -> list[str]:
        """The secrets, current first. Raises `VaultLocked`."""
        try:
            self._stamp = self._now()
            if stat.S_IMODE(self.path.stat().st_mode) & 0o077:
                raise VaultLocked(f"Others can read the secret file; run: chmod 600 {self.path}")
            lines = self.path.read_text().split()
        except OSError as error:
            raise VaultLocked(
                f"The secret file {self.path} cannot be read: {error.strerror}."
            ) from error
        if not lines:
            raise VaultLocked(f"The secret file {self.path} is empty; restore it from a backup.")
        return lines

    def add(self) -> None:
        """Begin a rotation: a new secret first; the old ones still open what they closed."""
        self._write([random.token_hex(32), *self.read()])

    def drop_old(self) -> None:
        """End a rotation: nothing in the database needs the old secrets any more."""
        self._write(self.read()[:1])

    def _write(self, secrets: Sequence[str], *, only_if_missing: bool = False) -> None:
        """Replace the file so that at every instant it is whole, and only its owner reads it."""
        new = self.path.with_name(f"{self.path.name}.{random.token_hex(4)}")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, "".join(secret + "\n" for secret in secrets).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        if not only_if_missing:
            new.replace(self.path)
            return
        with suppress(FileExistsError):  # another process was first
            os.link(new, self.path)
        new.unlink()


class Vault:
    """Authenticated encryption under a master secret, bound to a purpose.

    The first secret encrypts; the others only open what was encrypted before a rotation. Secrets
    from a file are read anew when the file changes, so that a server outlives a rotation.
    """

    def __init__(self, secrets: Sequence[str] = (), file: SecretFile | None = None) -> None:
        self._file = file
        self._use(file.read() if file else secrets)

    def _use(self, secrets: Sequence[str]) -> None:
        keys = [_Key(secret) for secret in secrets]
        self._current = keys[0]
        self._keys = {key.id: key for key in keys}

    def _refresh(self) -> None:
        if self._file is not None and self._file.changed():
            self._use(self._file.read())

    @property
    def current_key_id(self) -> str:
        """Names the secret that encrypts, without telling it."""
        return self._current.id

    def encrypt(self, text: str, purpose: str) -> str:
        """`v1.<key id>.<nonce and ciphertext>`; opens only for the same purpose."""
        self._refresh()
        nonce = random.token_bytes(NONCE_BYTES)
        sealed = self._current.cipher.encrypt(nonce, text.encode(), purpose.encode())
        return f"v1.{self._current.id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, token: str, purpose: str) -> str:
        """What `encrypt` was given. Raises `VaultLocked`."""
        version, _, rest = token.partition(".")
        key_id, _, body = rest.partition(".")
        if key_id not in self._keys:
            self._refresh()
        key = self._keys.get(key_id)
        if version != "v1" or key is None:
            raise VaultLocked(
                "This database was encrypted with another secret. Start with that one in "
                "USHERD_SECRET or USHERD_SECRET_PREVIOUS, or with the secret file beside it."
            )
        raw = base64.urlsafe_b64decode(body)
        try:
            return key.cipher.decrypt(
                raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()
            ).decode()
        except InvalidTag as error:
            raise VaultLocked("An encrypted value in the database has been changed.") from error

    def is_current(self, token: str) -> bool:
        """Whether a text was encrypted with the current secret."""
        return token.startswith(f"v1.{self._current.id}.")


def secret_file(settings: Settings) -> Path:
    """Where the secrets of a SQLite database are kept."""
    return Path(sqlite_path(settings.database) + ".secret")


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
    file = SecretFile(secret_file(settings))
    file.create()
    return Vault(file=file)
