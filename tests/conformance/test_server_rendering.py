"""The Node SDK in an app that renders on its server, as a visitor with a browser sees it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests import parts
from tests.conformance.driving import DRIVERS, NODE
from tests.conftest import Api, Mailbox, eventually

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PASSWORD = "correct horse battery"


@contextmanager
def app_of(api: Api, spec: str) -> Iterator[httpx.Client]:
    """The app with a key that can do nothing but sign people in, and a browser at it."""
    made = api.server.cli("key", "create", "--project", api.project, "--name", "app",
                          "--scope", "sessions.write", "--json")  # fmt: skip
    env = {"ENDPOINT": api.server.endpoint, "PROJECT": api.project,
           "KEY": json.loads(made.stdout)["secret"]}  # fmt: skip
    command = [parts.node(), DRIVERS / "ssr_app.mjs", parts.node_package(spec)]
    with subprocess.Popen(command, env=os.environ | env, stdout=subprocess.PIPE) as app:
        try:
            assert app.stdout is not None
            port = int(app.stdout.readline())
            url, agent = f"http://127.0.0.1:{port}", {"User-Agent": FIREFOX}
            with httpx.Client(
                base_url=url, headers=agent, follow_redirects=True, timeout=60
            ) as browser:
                yield browser
        finally:
            app.kill()


@pytest.mark.parametrize("spec", NODE)
def test_an_app_that_renders_on_its_server(
    project_with: Callable[..., Api], mailbox: Mailbox, spec: str
) -> None:
    api, email = project_with(), f"m{secrets.token_hex(5)}@example.org"
    user = api.user(email=email, password=PASSWORD)
    with app_of(api, spec) as browser:
        assert browser.get("/").status_code == 401
        wrong = browser.post("/sign-in", data={"email": email, "password": "wrong horse"})
        assert (wrong.status_code, wrong.text) == (401, "user_invalid_credentials")
        page = browser.post("/sign-in", data={"email": email, "password": PASSWORD})
        assert page.text == f"Hello {email}, you like any theme."
        assert browser.post("/prefs", data={"theme": "dark"}).text.endswith("you like dark.")

        (session,) = eventually(
            lambda: browser.get("/sessions").json(), lambda found: found[0]["clientName"] != ""
        )
        assert (session["clientName"], session["current"]) == ("Firefox", True)
        jwt = {"X-Appwrite-JWT": browser.post("/jwt").text}
        assert api.call("GET", "/account", key=False, headers=jwt).json["$id"] == user["$id"]

        before = browser.cookies["shop"]
        assert browser.post("/sign-out").status_code == 401
        assert "shop" not in browser.cookies
        browser.cookies["shop"] = before  # whoever has kept a copy is out as well
        assert browser.get("/").status_code == 401
        assert api.call("GET", "/account", key=False, headers=jwt).status == 401
        browser.cookies.clear()

        assert browser.post("/send-link", data={"email": email}).status_code == 200
        link = mailbox.link(email)["url"].replace("localhost", "127.0.0.1")
        assert browser.get(link).text == f"Hello {email}, you like dark."
        browser.cookies.clear()
        assert browser.get(link).text == "user_invalid_token"  # it works once
    assert api.call("GET", f"/users/{user['$id']}").json["emailVerification"] is True
