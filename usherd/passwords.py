"""Passwords: many algorithms are verified, one is written.

One function an algorithm, `verify_x(password, digest, **options) -> bool`. A digest that cannot
be parsed, or whose costs would endanger the server, is never right; it is no error either.
Vectors: `tests/unit/test_passwords.py`. Everything here is slow: call it through `hashing`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import argon2
import bcrypt
from argon2.low_level import Type, hash_secret, verify_secret

MEMORY_KIB, TIME, THREADS = 19_456, 2, 1
"""argon2id as OWASP's password storage cheat sheet recommends it first: 19 MiB, 2, 1."""

DEFAULT_OPTIONS: dict[str, Any] = {
    "type": "argon2", "memoryCost": MEMORY_KIB, "timeCost": TIME, "threads": THREADS,
}  # fmt: skip

ARGON2_MOST_KIB = 1 << 20
"""1 GiB: an imported hash that asks for more memory is never right."""
ARGON2_MOST_TIME = 64
ARGON2_MOST_WORK_KIB = 4 << 20
"""Memory times passes, in KiB: about four seconds."""
BCRYPT_MOST_COST = 16
SCRYPT_MOST_BYTES = 256 << 20
SCRYPT_MOST_PARALLEL = 64
SCRYPT_MOST_WORK = 1 << 24
"""N * r * p: about ten seconds."""
PHPASS_MOST_ROUNDS_LOG2 = 24

SCRYPT_DEFAULTS = {"cpu": 8, "memory": 14, "parallel": 1, "length": 64}

ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ARGON2 = re.compile(
    r"\$(argon2(?:i|d|id))(?:\$v=(\d+))?\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)
BCRYPT = re.compile(r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}")
SHA_NAMES = {
    "sha1": "sha1", "sha224": "sha224", "sha256": "sha256", "sha384": "sha384",
    "sha512/224": "sha512_224", "sha512/256": "sha512_256", "sha512": "sha512",
    "sha3-224": "sha3_224", "sha3-256": "sha3_256", "sha3-384": "sha3_384",
    "sha3-512": "sha3_512",
}  # fmt: skip


FAST = ("md5", "sha", "phpass")
"""Algorithms that take much less time than our own: a wrong password is then verified once more,
so that the time does not tell whose password was imported."""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


# -- verify --


def verify_argon2(password: str, digest: str, **_options: Any) -> bool:
    """Argon2 i, d or id in PHC form, costs as the string says; a bcrypt string works too, since
    the original tells them apart by form."""
    found = ARGON2.fullmatch(digest)
    if found is None:
        return verify_bcrypt(password, digest)
    memory, time, threads = int(found[3]), int(found[4]), int(found[5])
    if (
        memory > ARGON2_MOST_KIB
        or time > ARGON2_MOST_TIME
        or memory * time > ARGON2_MOST_WORK_KIB
        or threads > 16
    ):
        return False
    kind = {"argon2i": Type.I, "argon2d": Type.D, "argon2id": Type.ID}[found[1]]
    try:
        return verify_secret(digest.encode(), password.encode(), kind)
    except argon2.exceptions.Argon2Error:
        return False


def verify_bcrypt(password: str, digest: str, **_options: Any) -> bool:
    """bcrypt as PHP does it: 72 bytes count, and a NUL ends the password."""
    found = BCRYPT.fullmatch(digest)
    if found is None or int(found[1]) > BCRYPT_MOST_COST:
        return False
    raw = password.encode().split(b"\0")[0][:72]
    try:
        return bcrypt.checkpw(raw, b"$2b$" + digest[4:].encode())
    except ValueError:
        return False


def verify_md5(password: str, digest: str, **_options: Any) -> bool:
    """Unsalted MD5 in hexadecimal."""
    return _same(hashlib.md5(password.encode()).hexdigest(), _hexadecimal(digest))


def verify_sha(password: str, digest: str, version: str = "sha3-512", **_options: Any) -> bool:
    """Unsalted SHA in hexadecimal; `version` is the name on the wire."""
    name = SHA_NAMES.get(version.lower())
    if name is None:
        return False
    return _same(hashlib.new(name, password.encode()).hexdigest(), _hexadecimal(digest))


def _hexadecimal(digest: str) -> str:
    """Lower case: some exports write upper case."""
    return digest.strip().lower()


def verify_phpass(password: str, digest: str, **_options: Any) -> bool:
    """phpass portable (`$P$`, phpBB's `$H$`), what phpass makes otherwise (bcrypt), and
    WordPress 6.8's `$wp$2y$` (bcrypt over base64 of HMAC-SHA384)."""
    if digest.startswith("$wp$"):
        mac = hmac.new(b"wp-sha384", password.strip(" \t\n\r\0\x0b").encode(), hashlib.sha384)
        return verify_bcrypt(base64.b64encode(mac.digest()).decode(), digest[3:])
    if not digest.startswith(("$P$", "$H$")):
        return verify_bcrypt(password, digest)
    if len(digest) != 34 or any(char not in ITOA64 for char in digest[3:]):
        return False
    rounds = ITOA64.index(digest[3])
    if not 7 <= rounds <= PHPASS_MOST_ROUNDS_LOG2:
        return False
    raw = password.encode()
    state = hashlib.md5(digest[4:12].encode() + raw).digest()
    for _ in range(1 << rounds):
        state = hashlib.md5(state + raw).digest()
    return _same(digest[:12] + _itoa64(state), digest)


def _itoa64(raw: bytes) -> str:
    """phpass's own base64: little-endian groups of six bits."""
    out = []
    for start in range(0, len(raw), 3):
        group = raw[start : start + 3]
        value = int.from_bytes(group, "little")
        out += [ITOA64[value >> (6 * i) & 63] for i in range(len(group) + 1)]
    return "".join(out)


def verify_scrypt(
    password: str,
    digest: str,
    salt: str = "",
    costCpu: int = 8,  # noqa: N803 - stored option names
    costMemory: int = 14,  # noqa: N803
    costParallel: int = 1,  # noqa: N803
    length: int = 64,
    **_options: Any,
) -> bool:
    """scrypt in hexadecimal; `costCpu` is N itself, `costMemory` the block size r."""
    if unusable_scrypt(costCpu, costMemory, costParallel, length):
        return False
    made = _scrypt(password, salt.encode(), costCpu, costMemory, costParallel, length)
    return _same(made.hex(), _hexadecimal(digest))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=r, p=p, dklen=length, maxmem=SCRYPT_MOST_BYTES * 2
    )


def unusable_scrypt(cpu: int, memory: int, parallel: int, length: int) -> str | None:
    """What is wrong with these costs, as a sentence; None when they can be used."""
    if cpu < 2 or cpu & (cpu - 1):
        return "passwordCpu must be a power of two, at least 2, or 0 for the default."
    if memory < 1 or parallel < 1:
        return "passwordMemory and passwordParallel must be at least 1, or 0 for the default."
    if parallel > SCRYPT_MOST_PARALLEL:
        return f"passwordParallel must be at most {SCRYPT_MOST_PARALLEL}."
    if not 10 <= length <= 128:
        return "passwordLength must be from 10 to 128, or 0 for the default."
    too_large = 128 * memory * (cpu + parallel) > SCRYPT_MOST_BYTES
    if too_large or cpu * memory * parallel > SCRYPT_MOST_WORK:
        return "These costs would need more than 256 MiB or ten seconds for each sign-in."
    return None


def verify_scrypt_modified(
    password: str,
    digest: str,
    salt: str = "",
    saltSeparator: str = "",  # noqa: N803 - stored option names
    signerKey: str = "",  # noqa: N803
    **_options: Any,
) -> bool:
    """Firebase's scrypt: N 2^14, r 8, p 1; the derived key encrypts the project's signer key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        raw_salt = _base64(salt) + _base64(saltSeparator)
        signer, stored = _base64(signerKey), _base64(digest)
    except (ValueError, binascii.Error):
        return False
    key = _scrypt(password, raw_salt, 16_384, 8, 1, 64)[:32]
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    made = encryptor.update(signer) + encryptor.finalize()
    return bool(signer) and hmac.compare_digest(made, stored)


def _base64(text: str) -> bytes:
    """Standard or URL-safe base64, padded or not."""
    text = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


ALGORITHMS: dict[str, Callable[..., bool]] = {
    "argon2": verify_argon2,
    "bcrypt": verify_bcrypt,
    "md5": verify_md5,
    "sha": verify_sha,
    "phpass": verify_phpass,
    "scrypt": verify_scrypt,
    "scryptMod": verify_scrypt_modified,
}


def verify(algorithm: str, password: str, digest: str, options: dict[str, Any]) -> bool:
    """Whether `password` is the one behind `digest`, by the stored algorithm and options."""
    check = ALGORITHMS.get(algorithm)
    if check is None or not digest:
        return False
    try:
        return check(password, digest, **options)
    except (ValueError, TypeError, AttributeError, OverflowError, MemoryError):
        return False


# -- write --


def make(password: str) -> tuple[str, dict[str, Any]]:
    """(argon2id digest in PHC form, the options that describe it)."""
    import secrets

    digest = hash_secret(
        password.encode(), secrets.token_bytes(16), TIME, MEMORY_KIB, THREADS, 32, Type.ID
    )
    return digest.decode(), dict(DEFAULT_OPTIONS)


def describe(algorithm: str, digest: str, options: dict[str, Any]) -> dict[str, Any]:
    """`hashOptions` with the costs really used; an argon2 string tells its own."""
    found = ARGON2.fullmatch(digest) if algorithm == "argon2" else None
    if found is None:
        return options
    costs = {"memoryCost": int(found[3]), "timeCost": int(found[4]), "threads": int(found[5])}
    return options | costs if max(costs.values()) < 2**31 else options


def outdated(algorithm: str, digest: str) -> bool:
    """Whether a sign-in should store the password anew: not argon2id, or with lower costs."""
    found = ARGON2.fullmatch(digest) if algorithm == "argon2" else None
    if found is None or found[1] != "argon2id":
        return True
    return int(found[3]) * int(found[4]) < MEMORY_KIB * TIME


@lru_cache(maxsize=1)
def dummy() -> str:
    """A digest that nobody's password has: a missing user costs one verification of it."""
    import secrets

    return make(secrets.token_hex(16))[0]


# -- policies --


@lru_cache(maxsize=1)
def common() -> frozenset[str]:
    """The 10,000 most common passwords, from zxcvbn's frequency list."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"][:10_000])


def contains_personal_data(
    password: str, *, user_id: str, email: str | None, name: str, phone: str | None
) -> bool:
    """Whether the password contains, in any case, the id, name, phone, e-mail or its local part."""
    lowered = password.lower()
    parts = [
        user_id,
        name,
        email,
        (email or "").partition("@")[0],
        phone,
        (phone or "").lstrip("+"),
    ]
    return any(part and part.lower() in lowered for part in parts)
