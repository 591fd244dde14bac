"""The pages that complete what a mail began, for apps that have none of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import Api, Mailbox, unique
from usherd import clock

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
WITHOUT_SCRIPT = "default-src 'none'"


@pytest.fixture
def link(api: Api, mailbox: Mailbox) -> str:
    """A magic link for somebody new."""
    email = f"{unique('m')}@example.org"
    body = {"userId": "unique()", "email": email}
    assert api.call("POST", "/account/tokens/magic-url", body, key=False).status == 201
    found = mailbox.link(email)["url"]
    assert found.startswith(f"http://127.0.0.1:{api.server.port}/auth/magic-url?")
    return found


def press(page: httpx.Response, **headers: str) -> httpx.Response:
    """What a browser does whose user presses the only button of a page."""
    action = unescape(re.findall(r'<form method="post" action="([^"]+)">', page.text)[0])
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    where = str(page.url.join(action))
    own = str(page.url.join("/")).rstrip("/")
    sent = BROWSER | {"Origin": own} | headers
    return httpx.post(where, data={n: unescape(v) for n, v in fields}, headers=sent)


def is_a_page(answer: httpx.Response) -> bool:
    """A page without scripts, which nobody keeps, frames, or learns the address of."""
    policy = answer.headers["content-security-policy"]
    assert WITHOUT_SCRIPT in policy
    assert "frame-ancestors 'none'" in policy
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "strict-origin"
    assert "<script" not in answer.text
    return str(answer.headers["content-type"]).startswith("text/html")


def test_a_magic_link_without_a_page_of_the_app_signs_in(api: Api, link: str) -> None:
    for _ in range(2):  # programs that look through mail open links as well
        page = httpx.get(link, headers=BROWSER)
        assert page.status_code == 200
        assert is_a_page(page)
        assert not page.headers.get_list("set-cookie")
    done = press(page)
    assert done.status_code == 200
    assert is_a_page(done)
    assert "You are signed in" in done.text
    cookie = f"a_session_{api.project}_legacy"
    assert any(kept.startswith(cookie) for kept in done.headers.get_list("set-cookie"))
    mine = httpx.get(
        f"{api.server.endpoint}/account",
        headers={"X-Appwrite-Project": api.project},
        cookies={cookie: done.cookies[cookie]},
    )
    assert mine.json()["emailVerification"] is True
    again = press(page)
    assert again.status_code == 401
    assert is_a_page(again)
    assert "used already, or is too old" in again.text


def test_an_old_link_says_so_at_once(api: Api, link: str) -> None:
    expire = re.search(r"expire=([^&]+)", link)
    assert expire is not None
    old = link.replace(expire[1], quote(clock.iso(clock.now() - 1000)))
    answer = httpx.get(old, headers=BROWSER)
    assert answer.status_code == 401
    assert is_a_page(answer)
    assert "too old. Ask for a new one" in answer.text
    assert "<form" not in answer.text
    assert httpx.get(link.replace(expire[1], "whenever"), headers=BROWSER).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_other_page_presses_the_button(link: str, origin: str) -> None:
    """Whoever did could sign somebody's browser in as themselves."""
    page = httpx.get(link, headers=BROWSER)
    refused = press(page, Origin=origin)
    assert refused.status_code == 403
    assert not refused.headers.get_list("set-cookie")
    assert press(page).status_code == 200


def test_the_page_after_another_provider_stands_for_itself(api: Api) -> None:
    url = f"http://127.0.0.1:{api.server.port}/auth/oauth2/success"
    first, second = httpx.get(url), httpx.get(url)
    assert is_a_page(second)
    assert len(second.headers.raw) == len(first.headers.raw)


def test_what_is_in_the_link_is_shown_as_text(api: Api) -> None:
    url = f"http://127.0.0.1:{api.server.port}/auth/magic-url"
    query = {"project": api.project, "userId": "x", "secret": '"><script>alert(1)</script>'}
    page = httpx.get(url, params=query, headers=BROWSER)
    assert is_a_page(page)
    assert press(page).status_code == 401
    missing = httpx.get(url, params={"project": api.project}, headers=BROWSER)
    assert missing.status_code == 400
    assert is_a_page(missing)


def test_the_page_is_of_the_project_of_the_link(
    project_with: Callable[..., Api], mailbox: Mailbox
) -> None:
    api = project_with()
    body: dict[str, Any] = {"userId": "unique()", "email": (email := f"{unique('m')}@example.org")}
    api.call("POST", "/account/tokens/magic-url", body, key=False)
    page = httpx.get(mailbox.link(email)["url"], headers=BROWSER)
    assert f"Sign in to {api.project}" in page.text
    assert press(page).status_code == 200
