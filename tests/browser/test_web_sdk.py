"""The official web SDK in Chromium: pages on one port, usherd on another, real cookies and CORS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.browser.conftest import ARTEFACTS, Proxy, Site, Visitor
from tests.conftest import Api, Mailbox, Server, eventually, unique
from tests.totp import Authenticator

NEWEST, OLDER = "28.0.0", "16.1.0"
OLD, NEW = "correct horse battery", "another horse battery"

Arrive = Callable[[str], Any]


async def sign_up_and_in(mira: Visitor, email: str) -> None:
    await mira.submit("sign-up", name="Mira Okafor", email=email, password=OLD)
    await mira.sees("state", "outside")  # signing up makes no session
    await mira.submit("sign-in", email=email, password=OLD)
    await mira.sees("state", "inside")
    await mira.sees("name", "Mira Okafor")


async def verify(mira: Visitor, mailbox: Mailbox, email: str) -> None:
    """By the link in the mail."""
    await mira.sees("verified", "not verified")
    await mira.click("verify")
    await mira.sees("error", "")
    await mira.go(mailbox.link(email)["url"])
    await mira.sees("verified", "verified")


async def enable_totp(mira: Visitor) -> Authenticator:
    await mira.click("enable-totp")
    uri = await mira.page.locator("#uri").inner_text()
    app = Authenticator(parse_qs(urlsplit(uri).query)["secret"][0])
    await mira.submit("confirm-totp", otp="000000")
    await mira.sees("error", "user_invalid_token")
    await mira.submit("confirm-totp", otp=app.code())
    await mira.sees("error", "")
    await mira.sees("factors", "totp email")
    return app


async def sign_in_with_second_factor(
    mira: Visitor, email: str, password: str, app: Authenticator
) -> None:
    await mira.submit("sign-in", email=email, password=password)
    await mira.sees("state", "owing a factor")
    await mira.submit("second-factor", otp="000000")
    await mira.sees("error", "user_invalid_token")
    await mira.submit("second-factor", otp=app.code())
    await mira.sees("state", "inside")


@pytest.mark.parametrize("sdk", [NEWEST, OLDER])
async def test_an_account_from_sign_up_to_the_other_session(
    project_with: Callable[..., Api], mailbox: Mailbox, site: Site, visitor: Arrive, sdk: str
) -> None:
    api, email = project_with(), f"{unique('m')}@example.org"
    mira: Visitor = await visitor(site.url(api, sdk))
    await mira.sees("state", "outside")
    await sign_up_and_in(mira, email)
    await verify(mira, mailbox, email)
    app = await enable_totp(mira)
    await mira.click("sign-out")
    await mira.sees("state", "outside")
    await sign_in_with_second_factor(mira, email, OLD, app)

    await mira.submit("change-password", old="not the password", new=NEW)
    await mira.sees("error", "user_invalid_credentials")
    await mira.submit("change-password", old=OLD, new=NEW)
    await mira.sees("error", "")

    elsewhere: Visitor = await visitor(site.url(api, sdk))
    await elsewhere.submit("sign-in", email=email, password=OLD)
    await elsewhere.sees("error", "user_invalid_credentials")
    await sign_in_with_second_factor(elsewhere, email, NEW, app)
    await mira.go(site.url(api, sdk))
    sessions = mira.page.locator("#sessions li")
    assert await sessions.count() == 2
    await mira.page.screenshot(path=ARTEFACTS / f"web-sdk-{sdk}-{type_of(api)}.png", full_page=True)
    await mira.done(sessions.get_by_role("button", name="End it").click())
    assert await sessions.count() == 1
    await elsewhere.go(site.url(api, sdk))
    await elsewhere.sees("state", "outside")
    assert mira.errors == elsewhere.errors == []
    administrator_sees(api, email)


def type_of(api: Api) -> str:
    return urlsplit(api.server.database).scheme


def administrator_sees(api: Api, email: str) -> None:
    """What the Users service tells about somebody who did all that."""
    found = api.call("GET", "/users").json["users"]
    assert [user["email"] for user in found] == [email]
    user = found[0]
    assert (user["emailVerification"], user["mfa"], user["accessedAt"] != "") == (True, True, True)
    (session,) = eventually(
        lambda: api.call("GET", f"/users/{user['$id']}/sessions").json["sessions"],
        lambda found: found[0]["clientType"] != "",
    )
    assert session["factors"] == ["password", "totp"]
    assert (session["osName"], session["clientType"]) == ("GNU/Linux", "browser")
    assert session["clientEngine"] == "Blink"
    logs = api.call("GET", f"/users/{user['$id']}/logs").json["logs"]
    events = [log["event"] for log in logs]
    assert events[0] == "session.delete"
    assert {"user.create", "session.create", "session.create.failed", "verification.create",
            "verification.update", "user.update", "challenge.create", "challenges.update"} <= set(
        events
    )  # fmt: skip


async def test_a_page_at_a_host_that_is_not_registered_is_kept_out(
    project_with: Callable[..., Api], site: Site, visitor: Arrive
) -> None:
    api, email = project_with(), f"{unique('m')}@example.org"
    mira: Visitor = await visitor(site.url(api, NEWEST, own=f"http://app.example.test:{site.port}"))
    await mira.sees_part("error", "Failed to fetch")  # the browser does not show it the answer
    await mira.page.evaluate("show('outside', true)")
    await mira.submit("sign-up", name="Mira", email=email, password=OLD)
    await mira.sees_part("error", "Failed to fetch")
    assert api.call("GET", "/users").json["total"] == 0

    added = api.server.cli("project", "platform", "add", api.project, "app.example.test")
    assert added.returncode == 0, added.stderr
    for _ in range(100):  # a running server knows it within two seconds
        if await mira.page.evaluate("account.get().catch((error) => error.code)") == 401:
            break
        await mira.page.wait_for_timeout(100)
    await mira.go(site.url(api, NEWEST, own=f"http://app.example.test:{site.port}"))
    await sign_up_and_in(mira, email)
    assert api.call("GET", "/users").json["total"] == 1


async def test_where_page_and_server_share_a_site_the_cookies_carry_the_session(
    project_with: Callable[..., Api], site: Site, visitor: Arrive
) -> None:
    api, email = project_with(), f"{unique('m')}@example.org"
    added = api.server.cli("project", "platform", "add", api.project, "*.example.test")
    assert added.returncode == 0, added.stderr
    url = site.url(
        api,
        NEWEST,
        own=f"http://app.example.test:{site.port}",
        server=f"http://api.example.test:{api.server.port}",
    )
    mira: Visitor = await visitor(url)
    await sign_up_and_in(mira, email)
    assert await fallback(mira) is None
    cookies = await mira.context.cookies()
    # Without TLS there is no Secure, without which SameSite=None is refused: one is left.
    assert [cookie["name"] for cookie in cookies] == [f"a_session_{api.project}_legacy"]
    assert (cookies[0]["domain"], cookies[0]["httpOnly"]) == (".api.example.test", True)
    assert await mira.page.evaluate("document.cookie") == ""
    await mira.go(url)
    await mira.sees("state", "inside")
    await mira.click("sign-out")
    await mira.sees("state", "outside")
    assert await mira.context.cookies() == []


@pytest.fixture
def behind_tls(
    new_database: Callable[[str], str], tmp_path: Path, site: Site
) -> Iterator[tuple[Api, str, str]]:
    """A server and the URLs by which it and the app are known: both behind a proxy with TLS."""
    env = {"USHERD_TRUSTED_PROXIES": "127.0.0.1"}
    server = Server(new_database("sqlite"), tmp_path, env).start()
    assert (
        server.cli("project", "platform", "add", server.project, "*.example.test").returncode == 0
    )
    proxies = [Proxy(port, tmp_path) for port in (server.port, site.port)]
    api, app = (
        f"https://{name}.example.test:{proxy.port}"
        for name, proxy in zip(("api", "app"), proxies, strict=True)
    )
    with httpx.Client() as http:
        yield Api(server, http, server.project, server.key), api, app
    for proxy in proxies:
        proxy.http.shutdown()
    server.stop()


async def test_behind_tls_a_secure_cookie_carries_the_session(
    behind_tls: tuple[Api, str, str], site: Site, visitor: Arrive
) -> None:
    api, server, app = behind_tls
    url = site.url(api, NEWEST, own=app, server=server)
    mira: Visitor = await visitor(url)
    await sign_up_and_in(mira, "mira@example.org")
    assert await fallback(mira) is None
    name = f"a_session_{api.project}"
    cookies = {cookie["name"]: cookie for cookie in await mira.context.cookies()}
    assert cookies.keys() == {name, name + "_legacy"}
    assert (cookies[name]["sameSite"], cookies[name]["secure"]) == ("None", True)
    await mira.context.clear_cookies(name=name + "_legacy")
    await mira.go(url)
    await mira.sees("state", "inside")
    await mira.click("sign-out")
    await mira.sees("state", "outside")
    assert await mira.context.cookies() == []


async def test_a_page_without_tls_is_another_site_and_gets_the_fallback(
    behind_tls: tuple[Api, str, str], site: Site, visitor: Arrive
) -> None:
    api, server, _ = behind_tls
    own = f"http://app.example.test:{site.port}"
    mira: Visitor = await visitor(site.url(api, NEWEST, own=own, server=server))
    await sign_up_and_in(mira, "mira@example.org")
    assert f"a_session_{api.project}" in await fallback(mira)
    await mira.click("sign-out")
    await mira.sees("state", "outside")
    assert await fallback(mira) == "[]"


async def fallback(someone: Visitor) -> Any:
    """What the SDK has kept for when cookies do not reach the page."""
    return await someone.page.evaluate("localStorage.getItem('cookieFallback')")
