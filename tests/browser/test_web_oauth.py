"""Signing in by another provider with the official web SDK in Chromium: app, usherd and provider on
three ports, real redirects and cookies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Site, Visitor
from tests.browser.test_web_sdk import NEWEST, OLDER, Arrive
from tests.conftest import Server
from tests.oauth import Provider, new_project, openid_provider


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with openid_provider() as url:
        yield url


@pytest.fixture
def provider(issuer: str, server: Server) -> Provider:
    return Provider(issuer, new_project(server))


async def through_the_provider(mira: Visitor, button: str, sub: str) -> None:
    """Click, say who one is at the provider, and come back."""
    await mira.page.locator(f"#{button}").click()
    await mira.page.locator("input[name=sub]").fill(sub)
    await mira.page.get_by_role("button", name="Authorize").click()
    await mira.page.wait_for_function("document.body.dataset.done")


@pytest.mark.parametrize("sdk", [NEWEST, OLDER])
async def test_in_by_the_provider_out_and_in_again(
    provider: Provider, site: Site, visitor: Arrive, sdk: str
) -> None:
    sub, email = provider.somebody()
    page = site.url(provider.api, sdk).replace("/?", "/oauth.html?")
    mira: Visitor = await visitor(page)
    await mira.sees("who", "nobody")
    await through_the_provider(mira, "session", sub)
    await mira.sees("who", f"Mira Novak, {email}, verified")
    await mira.sees("identities", f"oidc-acme: {email}")
    await mira.sees("sessions", "oidc-acme")
    await mira.click("sign-out")
    await mira.sees("who", "nobody")
    await through_the_provider(mira, "token", sub)
    await mira.sees("who", f"Mira Novak, {email}, verified")
    await mira.sees("sessions", "oauth2")
    assert mira.errors == []
    cookies = await mira.context.cookies(f"http://localhost:{provider.api.server.port}")
    mine: dict[str, Any] = {c["name"]: c for c in cookies}["usherd_browser"]
    assert (mine["httpOnly"], mine["sameSite"]) == (True, "Lax")


async def test_what_goes_wrong_is_told_to_the_page(
    provider: Provider, site: Site, visitor: Arrive
) -> None:
    sub, email = provider.somebody()
    provider.api.user(email=email, password="correct horse battery")  # with an unproven address
    page = site.url(provider.api, NEWEST).replace("/?", "/oauth.html?")
    mira: Visitor = await visitor(page)
    await through_the_provider(mira, "session", sub)
    await mira.sees("error", "user_already_exists")
    await mira.sees("who", "nobody")
    # Going back to a used step shows a page of ours.
    endpoint = f"{provider.api.server.endpoint.replace('127.0.0.1', 'localhost')}/account"
    project = f"project={provider.api.project}"
    await mira.page.goto(f"{endpoint}/sessions/oauth2/oidc-acme/redirect?{project}&state=x&code=y")
    await expect(mira.page.locator("h1")).to_have_text("That did not work")
    await expect(mira.page.locator("code")).to_have_text("user_oauth2_state_invalid")
