"""An authenticator app, as its owner has it on the phone."""

from __future__ import annotations

import time
from base64 import b32decode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP = 30

WAY_SECONDS = 10
"""How long a code may need to its server, on a busy machine."""


class Authenticator:
    """Shows codes by RFC 6238; none twice, because no server takes one twice."""

    def __init__(self, secret: str) -> None:
        key = b32decode(secret + "=" * (-len(secret) % 8))
        self._totp = TOTP(key, 6, SHA1(), STEP)
        self._last = 0

    def code(self) -> str:
        """The earliest code that is still good, and newer than all before: servers allow one
        step of drift, so that three are good at any time."""
        while True:
            now = time.time()
            step = max(self._last + 1, int(now + WAY_SECONDS) // STEP - 1)
            if step <= int(now) // STEP + 1:
                self._last = step
                return self._totp.generate(step * STEP).decode()
            time.sleep(0.5)
