"""What a project asks of new passwords and addresses, beyond what Appwrite knows; all off at first.

`docs/policies.md` tells it from the outside. The password checks are slow: call them in the pool.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import IO

from usherd import errors
from usherd.settings import ProjectSettings

log = logging.getLogger("usherd.policies")

RATED = 72
"""Characters of a password that are rated: the estimator is slow on long ones."""

SHORTEST_PREFIX = 10
"""Hexadecimal characters that a line of a hash file has at least."""

LONGEST_LINE = 80

SUGGESTION = "Use more words, and less common ones."


def check_password(password: str, settings: ProjectSettings, pwned_file: str) -> None:
    """Whether a new password is good enough for the project.

    Raises `PasswordTooShort`, `PasswordTooSimple`, `PasswordPwned`, `PasswordTooWeak`.
    """
    if len(password) < settings.password_min_length:
        raise errors.PasswordTooShort(
            f"The password needs at least {settings.password_min_length} characters."
        )
    if classes(password) < settings.password_classes:
        raise errors.PasswordTooSimple(
            f"The password needs {settings.password_classes} of these: lower case, upper case, "
            "digits, other characters."
        )
    if settings.password_pwned and is_pwned(password, pwned_file):
        raise errors.PasswordPwned
    if settings.password_strength:
        score, hint = rate(password)
        if score < settings.password_strength:
            raise errors.PasswordTooWeak(f"The password is too easy to guess. {hint}")


def classes(password: str) -> int:
    """How many of lower case, upper case, digits and anything else occur."""
    kinds = (str.islower, str.isupper, str.isdigit)
    found = [any(kind(char) for char in password) for kind in kinds]
    other = any(not any(kind(char) for kind in kinds) for char in password)
    return sum(found) + other


def rate(password: str) -> tuple[int, str]:
    """(zxcvbn's score from 0 to 4, what would make it better)."""
    from zxcvbn import zxcvbn

    found = zxcvbn(password[:RATED], max_length=RATED)
    hints = found["feedback"]["suggestions"]
    return int(found["score"]), str(hints[0]) if hints else SUGGESTION


# -- passwords that are known to be stolen --


@lru_cache(maxsize=1)
def _warn(path: str) -> None:
    log.warning("passwordPwned is on, and USHERD_PWNED_FILE %s: nothing is refused",
                f"{path} cannot be read" if path else "is not set")  # fmt: skip


def is_pwned(password: str, path: str) -> bool:
    """Whether the file has the password's SHA-1, or a prefix of it.

    The file has a hash or prefix at the beginning of every line, in ascending order, as Have I
    Been Pwned publishes it; it is searched on the disk. Without a usable file nothing is found.
    """
    wanted = hashlib.sha1(password.encode("utf-8", "surrogatepass")).hexdigest().upper().encode()
    try:
        with open(path, "rb") as file:
            return _search(file, wanted)
    except OSError:
        _warn(path)
        return False


def _search(file: IO[bytes], wanted: bytes) -> bool:
    """Binary search by offset: the first line that begins after `low` bytes is compared."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        start, line = _line_from(file, middle)
        found = re.split(rb"[:\s]", line.upper(), maxsplit=1)[0]
        if len(found) >= SHORTEST_PREFIX and wanted.startswith(found):
            return True
        if not found or start >= high or found > wanted:
            high = middle
        else:
            low = start + len(line)
    return False


def _line_from(file: IO[bytes], offset: int) -> tuple[int, bytes]:
    """(where it begins, the line) that begins at the offset or next after it."""
    file.seek(max(0, offset - 1))
    if offset:
        file.readline(LONGEST_LINE)
    return file.tell(), file.readline(LONGEST_LINE)


# -- addresses --


def check_email(address: str, settings: ProjectSettings) -> None:
    """Whether somebody may sign up with the address, or change to it.

    Raises `EmailDomainDenied`, `EmailDomainNotAllowed`, `EmailDisposable`.
    """
    domain = _ascii(address.rpartition("@")[2])
    if _matches(domain, settings.email_deny_domains):
        raise errors.EmailDomainDenied
    if settings.email_allow_domains and not _matches(domain, settings.email_allow_domains):
        raise errors.EmailDomainNotAllowed
    if settings.email_refuse_disposable and _is_disposable(domain):
        raise errors.EmailDisposable


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain.lower()


def _matches(domain: str, rules: Iterable[str]) -> bool:
    """Exact, or `*.example.org` for sub-domains."""
    known = (_ascii(rule.removeprefix("*.")) if rule[:2] == "*." else "" for rule in rules)
    below = any(name and domain.endswith("." + name) for name in known)
    return below or domain in {_ascii(rule) for rule in rules}


def _is_disposable(domain: str) -> bool:
    from disposable_email_domains import blocklist

    labels = domain.split(".")
    return any(".".join(labels[at:]) in blocklist for at in range(len(labels) - 1))
