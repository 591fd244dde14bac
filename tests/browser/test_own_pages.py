"""usherd's own pages in Chromium, which has its own mind about origins, policies and cookies."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.conftest import Api, Mailbox, unique


async def test_a_magic_link_is_completed_by_its_button(
    browser: Browser, api: Api, mailbox: Mailbox
) -> None:
    email = f"{unique('m')}@example.org"
    body = {"userId": "unique()", "email": email}
    assert api.call("POST", "/account/tokens/magic-url", body, key=False).status == 201
    context = await browser.new_context()
    page = await context.new_page()
    noted: list[str] = []
    page.on("console", lambda message: noted.append(message.text))
    await page.goto(mailbox.link(email)["url"])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading")).to_have_text("You are signed in")
    assert f"a_session_{api.project}_legacy" in {kept["name"] for kept in await context.cookies()}
    await page.go_back()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading")).to_have_text("That did not work")
    assert not [line for line in noted if "Content Security Policy" in line]
