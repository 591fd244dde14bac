"""What the tests of OAuth2 sign-in share: a real OpenID provider, and a browser of few words."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec

from tests import parts
from tests.conftest import SECRET, Api, Person, Server, unique
from usherd import db, keys, projects, providers, vault
from usherd.db import Tx
from usherd.oauth import Registration

MOCK = "oidc-provider-mock==0.3.4"
APP = "http://localhost:3000"


@contextmanager
def openid_provider() -> Iterator[str]:
    """A running OpenID provider; its issuer."""
    folder = parts.python_package(MOCK)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)],
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    issuer = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{issuer}/jwks").raise_for_status()
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline, "the OpenID provider does not start"
                assert process.poll() is None, "the OpenID provider has ended"
                time.sleep(0.05)
        yield issuer
    finally:
        process.terminate()
        process.wait(10)


def claims(email: str, *, verified: bool = True, **more: Any) -> dict[str, Any]:
    return {"email": email, "email_verified": verified, "name": "Mira Novak", **more}


def query_of(url: str) -> dict[str, str]:
    """The query of a URL; of a parameter that stands there twice, the last."""
    return dict(parse_qsl(urlsplit(url).query))


def told(location: str) -> dict[str, Any]:
    """The error in the query of a failure URL."""
    assert location.startswith(f"{APP}/no"), location
    return dict(json.loads(query_of(location)["error"]))


class Browser:
    """Somebody's browser at a project with a provider: keeps cookies, follows nothing by itself."""

    def __init__(self, api: Api, provider: str = "oidc-acme") -> None:
        self.api, self.provider = api, provider
        self.http = httpx.Client(headers={"Accept": "text/html"}, timeout=30)

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.http.get(url, **more)

    def start(self, flow: str = "sessions", **query: Any) -> httpx.Response:
        """Ask to sign in; the answer leads to the provider."""
        asked = {"project": self.api.project, "success": f"{APP}/ok", "failure": f"{APP}/no"}
        asked = {name: value for name, value in (asked | query).items() if value}
        url = f"{self.api.server.endpoint}/account/{flow}/oauth2/{self.provider}"
        return self.get(url, params=asked)

    def consent(self, authorize: str, sub: str) -> str:
        """Say yes at the mock provider; returns where it sends the browser."""
        answer = self.http.post(authorize, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def deny(self, authorize: str) -> str:
        answer = self.http.post(authorize, data={"action": "deny"})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def hop(self, callback: str) -> str:
        """From the provider to the callback; returns where that leads."""
        answer = self.get(callback)
        assert answer.status_code == 301, answer.text
        return self.api.server.endpoint.removesuffix("/v1") + answer.headers["location"]

    def finish(self, callback: str) -> str:
        """From the provider to the end; returns where the app gets the browser back."""
        answer = self.get(self.hop(callback))
        assert answer.status_code == 301, answer.text
        assert "no-store" in answer.headers["cache-control"]
        return str(answer.headers["location"])

    def dance(self, sub: str, flow: str = "sessions", **query: Any) -> str:
        """The whole way, with a yes at the provider."""
        begun = self.start(flow, **query)
        assert begun.status_code == 301, begun.text
        return self.finish(self.consent(begun.headers["location"], sub))

    @property
    def secret(self) -> str:
        """The session secret in the browser's cookies; empty when there is none."""
        from urllib.parse import unquote

        return unquote(self.http.cookies.get(f"a_session_{self.api.project}_legacy".lower()) or "")

    def sign_out(self) -> None:
        """Lose the session's cookies, and no other."""
        for cookie in list(self.http.cookies.jar):
            if cookie.name.startswith("a_session_"):
                self.http.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)

    @property
    def person(self) -> Person:
        return Person(self.api, self.secret)


class Provider:
    """The OpenID provider and a project that people sign in to with it."""

    def __init__(self, issuer: str, api: Api) -> None:
        self.issuer, self.api = issuer, api
        configure(api, "oidc-acme", issuer=issuer)

    def somebody(self, email: str = "", **more: Any) -> tuple[str, str]:
        """Makes (their id at the provider, their address)."""
        sub = unique("s")
        email = email or f"{sub}@example.org"
        httpx.put(f"{self.issuer}/users/{sub}", json=claims(email, **more)).raise_for_status()
        return sub, email

    def browser(self) -> Browser:
        return Browser(self.api)


def in_rules(server: Server, work: Callable[[Tx], Awaitable[Any]]) -> Any:
    """Does something in the server's database as another process would; quicker than a shell."""

    async def run() -> Any:
        database = await db.open(server.database)
        try:
            async with database.write() as tx:
                return await work(tx)
        finally:
            await database.close()

    return asyncio.run(run())


VAULT = vault.Vault([SECRET])
"""What the servers of this run encrypt with."""


def new_project(server: Server, **settings: Any) -> Api:
    """A project of its own, with these settings."""
    name = unique("p")

    async def make(tx: Tx) -> str:
        await projects.create(tx, VAULT, name, name)
        await projects.change(tx, name, settings)
        return (await keys.create(tx, name, "k", keys.read_scopes(["all"])))[1]

    return Api(server, httpx.Client(timeout=30), name, in_rules(server, make))


def configure(api: Api, provider: str, **changes: Any) -> None:
    """Set a provider up for a project. `issuer` is an option, the rest is of the registration."""
    options = {"issuer": changes.pop("issuer")} if "issuer" in changes else {}

    async def put(tx: Tx) -> None:
        known = await providers.get(tx, VAULT, api.project, provider)
        known = known or Registration(provider, "app", "hush", options)
        await providers.put(tx, VAULT, api.project, msgspec.structs.replace(known, **changes))

    in_rules(api.server, put)


def in_database(api: Api, sql: str) -> list[dict[str, Any]]:
    """Runs a statement for the rows of the project."""

    return list(
        in_rules(
            api.server,
            lambda tx: tx.all(
                f"{sql} where project_id = :project returning *", project=api.project
            ),
        )
    )


def expire_states(api: Api) -> None:
    """Ten minutes pass for every sign-in under way."""
    assert in_database(api, "update oauth_states set expire_at = expire_at - 600000")


def page_type(answer: httpx.Response) -> str:
    """The error type on a page of ours."""
    assert answer.headers["content-type"].startswith("text/html")
    found = re.search(r"<code>(\w+)</code>", answer.text)
    assert found is not None, answer.text
    return found[1]
