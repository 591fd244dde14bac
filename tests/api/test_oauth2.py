"""Signing in by another provider: a real OpenID provider, the whole way, by raw HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.conftest import Api, Server
from tests.oauth import (
    APP,
    Provider,
    configure,
    new_project,
    openid_provider,
    query_of,
)
from usherd import db

GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with openid_provider() as url:
        yield url


@pytest.fixture
def provider(issuer: str, server: Server) -> Provider:
    return Provider(issuer, new_project(server))


def users(api: Api) -> list[dict[str, object]]:
    return list(api.call("GET", "/users").json["users"])


# -- that it works --


def test_a_stranger_comes_in_with_cookies_and_a_proven_address(provider: Provider) -> None:
    sub, email = provider.somebody()
    browser = provider.browser()
    begun = browser.start()
    asked = query_of(begun.headers["location"])
    assert begun.status_code == 301
    assert begun.headers["location"].startswith(f"{provider.issuer}/oauth2/authorize?")
    assert asked["scope"] == "openid email profile"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"].endswith(
        f"/v1/account/sessions/oauth2/callback/oidc-acme/{provider.api.project}"
    )
    assert browser.finish(browser.consent(begun.headers["location"], sub)) == f"{APP}/ok"

    account = browser.person.call("GET", "/account").json
    assert (account["email"], account["emailVerification"]) == (email, True)
    assert account["name"] == "Mira Novak"
    assert [target["identifier"] for target in account["targets"]] == [email]
    session = browser.person.call("GET", "/account/sessions/current").json
    assert (session["provider"], session["providerUid"]) == ("oidc-acme", sub)
    assert session["factors"] == ["email", "oauth2"]
    assert session["providerAccessToken"]
    assert session["providerRefreshToken"]
    assert session["providerAccessTokenExpiry"]
    [identity] = browser.person.call("GET", "/account/identities").json["identities"]
    assert identity["providerEmail"] == email
    assert identity["providerAccessToken"] == session["providerAccessToken"]
    assert identity["userId"] == account["$id"]
    seen = provider.api.call("GET", f"/users/{account['$id']}/sessions").json["sessions"]
    assert seen[0]["providerAccessToken"] == session["providerAccessToken"]
    logs = provider.api.call("GET", f"/users/{account['$id']}/logs").json["logs"]
    assert [log["event"] for log in logs] == ["session.create"]


def test_who_comes_back_is_the_same_user(provider: Provider) -> None:
    sub, _ = provider.somebody()
    first, second = provider.browser(), provider.browser()
    first.dance(sub)
    second.dance(sub)
    one, other = (b.person.call("GET", "/account").json["$id"] for b in (first, second))
    assert one == other
    assert len(users(provider.api)) == 1
    assert provider.api.call("GET", "/users/identities").json["total"] == 1


def test_a_token_can_be_exchanged_once(provider: Provider) -> None:
    sub, email = provider.somebody()
    browser = provider.browser()
    back = browser.dance(sub, "tokens", success=f"{APP}/ok?a=1")
    got = query_of(back)
    assert back.startswith(f"{APP}/ok?a=1&")
    assert re.fullmatch(r"[0-9a-f]{64}", got["secret"])
    assert not browser.secret
    body = {"userId": got["userId"], "secret": got["secret"]}
    session = provider.api.call("POST", "/account/sessions/token", body, key=False)
    assert session.status == 201
    assert (session.json["provider"], session.json["factors"]) == ("oauth2", ["email"])
    assert provider.api.person(session).call("GET", "/account").json["email"] == email
    assert provider.api.call("POST", "/account/sessions/token", body, key=False).status == 401


def test_without_a_page_of_its_own_it_ends_on_ours(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    back = browser.dance(sub, success="", failure="")
    assert back.endswith("/auth/oauth2/success")
    assert "You are signed in" in browser.get(back).text
    assert browser.secret


def test_a_server_gets_the_address_for_its_users_browser(provider: Provider) -> None:
    sub, _ = provider.somebody()
    answer = provider.api.call(
        "GET", "/account/tokens/oauth2/oidc-acme",
        query={"success": f"{APP}/ok", "failure": f"{APP}/no", "scopes[0]": "more"},
    )  # fmt: skip
    assert answer.status == 301
    assert "set-cookie" not in answer.headers
    browser = provider.browser()
    begun = browser.get(answer.headers["location"])
    assert query_of(begun.headers["location"])["scope"] == "openid email profile more"
    back = browser.finish(browser.consent(begun.headers["location"], sub))
    assert query_of(back)["userId"] == users(provider.api)[0]["$id"]


def test_two_sign_ins_at_once_make_one_user(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browsers = [provider.browser() for _ in range(6)]
    ways = []
    for browser in browsers:
        back = browser.consent(browser.start().headers["location"], sub)
        ways.append((browser, browser.hop(back)))
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda way: way[0].get(way[1]).headers["location"], ways))
    assert ends == [f"{APP}/ok"] * 6
    assert len(users(provider.api)) == 1


def test_an_update_of_the_session_renews_the_providers_tokens(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    browser.dance(sub)
    before = browser.person.call("GET", "/account/sessions/current").json
    after = browser.person.call("PATCH", "/account/sessions/current")
    assert after.status == 200
    assert after.json["providerAccessToken"] not in ("", before["providerAccessToken"])
    assert after.json["expire"] > before["expire"]
    [identity] = browser.person.call("GET", "/account/identities").json["identities"]
    assert identity["providerAccessToken"] == after.json["providerAccessToken"]

    httpx.post(f"{provider.issuer}/users/{sub}/revoke-tokens").raise_for_status()
    refused = browser.person.call("PATCH", "/account/sessions/current")
    assert (refused.status, refused.type) == (400, "user_oauth2_bad_request")
    configure(provider.api, "oidc-acme", enabled=False)
    assert browser.person.call("PATCH", "/account/sessions/current").status == 200


def test_provider_tokens_are_encrypted_where_they_lie(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    browser.dance(sub)
    shown = browser.person.call("GET", "/account/sessions/current").json

    async def stored() -> list[dict[str, object]]:
        database = await db.open(provider.api.server.database)
        rows = []
        async with database.read() as tx:
            for table in ("sessions", "identities"):
                rows += await tx.all(
                    f"select * from {table} where project_id = :p", p=provider.api.project
                )
            rows += await tx.all("select * from providers where project_id = :p",
                                 p=provider.api.project)  # fmt: skip
        await database.close()
        return rows

    told = repr(asyncio.run(stored()))
    assert shown["providerAccessToken"] not in told
    assert shown["providerRefreshToken"] not in told
    assert "hush" not in told
    assert told.count("v1.") >= 5


def test_a_provider_may_come_back_by_a_form(provider: Provider) -> None:
    """Apple posts its answer across sites; the browser shows its cookie only at the next step."""
    sub, _ = provider.somebody()
    browser = provider.browser()
    back = browser.consent(browser.start().headers["location"], sub)
    url, _, query = back.partition("?")
    form = httpx.post(
        url, data=dict(parse_qsl(query)) | {"user": '{"name":{"firstName":"M"}}'},
        headers={"Origin": "https://appleid.apple.com"},
    )  # fmt: skip
    assert form.status_code == 301
    assert query_of(form.headers["location"])["user"] == '{"name":{"firstName":"M"}}'
    end = browser.get(provider.api.server.endpoint.removesuffix("/v1") + form.headers["location"])
    assert end.headers["location"] == f"{APP}/ok"


def test_behind_https_the_cookie_cannot_be_planted(
    issuer: str, engine: str, database_url: str, tmp_path: Path
) -> None:
    public = {"USHERD_PUBLIC_URL": "https://id.example.org"}
    server = Server(database_url, tmp_path, public).start()
    try:
        with httpx.Client(timeout=30) as http:
            api = Api(server, http, server.project, server.key)
            begun = Provider(issuer, api).browser().start()
        cookie = begun.headers["set-cookie"]
        assert re.fullmatch(
            r"__Host-usherd_browser=[0-9a-f]{64}; path=/; httponly; samesite=Lax; secure", cookie
        )
        asked = query_of(begun.headers["location"])
        assert asked["redirect_uri"].startswith(
            "https://id.example.org/v1/account/sessions/oauth2/"
        )
    finally:
        server.stop()


def test_a_browser_may_have_several_sign_ins_under_way(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    first, second = browser.start(), browser.start()
    assert "set-cookie" not in second.headers
    for begun in (second, first):
        step = browser.hop(browser.consent(begun.headers["location"], sub))
        browser.sign_out()
        assert browser.get(step).headers["location"] == f"{APP}/ok"


def test_deleting_a_user_frees_the_identity(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    browser.dance(sub)
    old = browser.person.call("GET", "/account").json["$id"]
    provider.api.call("DELETE", f"/users/{old}")
    again = provider.browser()
    assert again.dance(sub) == f"{APP}/ok"
    assert again.person.call("GET", "/account").json["$id"] != old
    rows = provider.api.call("GET", "/users/identities").json["identities"]
    assert [row["providerUid"] for row in rows] == [sub]
    assert provider.api.call("DELETE", f"/users/identities/{rows[0]['$id']}").status == 204
