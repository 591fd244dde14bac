"""Teams with the official web SDK in Chromium: made, invited to, joined by the link, left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Site, Visitor
from tests.browser.test_web_sdk import NEWEST, OLD, OLDER, Arrive
from tests.conftest import Api, Mailbox, unique


@pytest.mark.parametrize("sdk", [NEWEST, OLDER])
async def test_a_team_from_making_it_to_leaving_it(
    project_with: Callable[..., Api], mailbox: Mailbox, site: Site, visitor: Arrive, sdk: str
) -> None:
    api, email = project_with(membershipsUserName="true"), f"{unique('m')}@example.org"
    api.user(name="Ada", email="ada@example.org", password=OLD)
    page = site.url(api, sdk).replace("/?", "/teams.html?")
    ada: Visitor = await visitor(page)
    await ada.sees("who", "nobody")
    await ada.submit("make", name="Crew")
    await ada.sees("error", "general_unauthorized_scope")
    await ada.submit("sign-in", email="ada@example.org", password=OLD)
    await ada.submit("make", name="Crew & Co")
    await ada.sees("team", "Crew & Co: 1")
    await ada.submit("invite", email=email)
    await ada.sees("error", "")
    await ada.sees("team", "Crew & Co: 1")
    await ada.sees("members", "Ada (owner)Mira (cook) invited")

    link = mailbox.link(email)["url"]
    mira: Visitor = await visitor(link)  # a guest, who is signed in by accepting
    await mira.sees("error", "")
    await mira.sees("who", "Mira, verified")
    await mira.sees("team", "Crew & Co: 2")
    await mira.submit("invite", email="another@example.org")
    await mira.sees("error", "user_unauthorized")
    await mira.go(link)
    await mira.sees("error", "membership_already_confirmed")
    await ada.go(page)
    await ada.sees("members", "Ada (owner)Mira (cook)")
    await mira.click("leave")
    await mira.sees("team", "no team")
    await ada.go(page)
    await ada.sees("team", "Crew & Co: 1")
    assert ada.errors == mira.errors == []
