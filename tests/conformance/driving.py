"""Runs programs that use an official SDK: small scripts in `drivers/`, each a process of its own.

A driver is told by its environment where the server is. It may ask for what only the outside world
knows, such as the code in a mail: it prints a line of JSON, `{"ask": "code", "of": "a@b.example"}`,
and reads the answer. The last line that it prints is its result.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.conftest import Api, Mailbox, Phones
from tests.oauth import Provider, query_of
from tests.totp import Authenticator

DRIVERS = Path(__file__).parent / "drivers"
PYTHON = ["appwrite==27.0.0", "appwrite==13.6.1"]
NODE = ["node-appwrite@27.1.0", "node-appwrite@17.2.0"]
SECONDS = 120


class World:
    """What a driver may ask for: each mail, message and code of an app comes once, in order."""

    def __init__(self, mailbox: Mailbox, phones: Phones, provider: Provider | None = None) -> None:
        self.mailbox, self.phones, self.provider = mailbox, phones, provider
        self._apps: dict[str, Authenticator] = {}
        self._seen: dict[str, int] = {}

    def _next(self, whose: str) -> int:
        self._seen[whose] = self._seen.get(whose, 0) + 1
        return self._seen[whose]

    def link(self, address: str) -> dict[str, str]:
        """The query of the link in the next mail."""
        return self.mailbox.link(address, self._next(address))

    def code(self, address: str) -> str:
        """The code in the next mail."""
        return self.mailbox.code(address, self._next(address))

    def text(self, address: str) -> str:
        """The next mail."""
        return self.mailbox.text(address, self._next(address))

    def message(self, number: str) -> str:
        """The code in the next text message."""
        return self.phones.code(number, self._next(number))

    def otp(self, secret: str) -> str:
        """The next code of an authenticator app."""
        return self._apps.setdefault(secret, Authenticator(secret)).code()

    def consent(self, location: str) -> dict[str, str]:
        """What the app is told after a stranger has said yes at the OpenID provider.

        A server's SDK gets an address of ours, from where its visitor's browser is sent there.
        """
        assert self.provider is not None
        stranger, browser = self.provider.somebody()[0], self.provider.browser()
        authorize = browser.get(location).headers["location"]
        return query_of(browser.finish(browser.consent(authorize, stranger)))

    def answer(self, question: dict[str, str]) -> Any:
        return getattr(self, question["ask"])(question["of"])


def drive(api: Api, command: list[str | Path], world: World | None = None, **env: str) -> Any:
    """Run a driver against the project, answering its questions; returns its result."""
    given = {"ENDPOINT": api.server.endpoint, "PROJECT": api.project, "KEY": api.key}
    said: list[str] = []
    with subprocess.Popen(
        command, env=os.environ | given | env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        clock = threading.Timer(SECONDS, process.kill)
        clock.start()
        try:
            for line in process.stdout:
                if world is not None and line.startswith('{"ask"'):
                    process.stdin.write(json.dumps(world.answer(json.loads(line))) + "\n")
                    process.stdin.flush()
                else:
                    said.append(line)
            process.wait()
        finally:
            clock.cancel()
            process.kill()
    assert process.returncode == 0, "".join(said)
    return json.loads(said[-1])
