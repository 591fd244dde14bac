"""What each named provider answers, and what we make of it: their documented answers, by hand.

A server on this machine plays their endpoints; nothing of ours is replaced but the addresses.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.lying_provider import LyingProvider
from tests.oauth import query_of
from usherd import errors
from usherd.oauth import Agent, Asked, Found, Registration, client, providers
from usherd.oauth.providers import PROVIDERS

ASKED = Asked("https://id.example.org/callback", "v" * 64, "n" * 32)
MIRA = "mira@example.org"
BEARER = {"access_token": "at", "token_type": "bearer"}


class Stage:
    """Plays a provider that is not OpenID: answers by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: dict[str, tuple[str, dict[str, str], str]] = {}
        stage = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                stage.asked[path] = self.command, headers, self.rfile.read(length).decode()
                body = json.dumps(stage.answers[path]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def _moved(base: str, url: str) -> str:
    parts = urlsplit(url)
    return f"{base}{parts.path}" + (f"?{parts.query}" if parts.query else "") if url else ""


@pytest.fixture
def stage() -> Iterator[Stage]:
    playing = Stage()
    yield playing
    playing.http.shutdown()


@pytest.fixture
def liar() -> Iterator[LyingProvider]:
    provider = LyingProvider()
    yield provider
    provider.close()


async def sign_in(stage: Stage, monkeypatch: Any, name: str, answers: dict[str, Any]) -> Found:
    """The whole exchange with a provider whose answers, by path, are these."""
    real = PROVIDERS[name]
    moved = {at: _moved(stage.base, getattr(real, at)) for at in ("token", "profile", "emails")}
    monkeypatch.setitem(PROVIDERS, name, msgspec.structs.replace(real, **moved))
    stage.answers = {urlsplit(real.token).path: BEARER} | answers
    agent = Agent()
    try:
        return await agent.finish(Registration(name, "app", "hush"), ASKED, "code")
    finally:
        await agent.close()


# (provider, answers by path, uid, vouched address, name)
PLAIN: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("github", {
        "/login/oauth/access_token": {"access_token": "gho_1", "scope": "read:user,user:email", "token_type": "bearer"},
        "/user": {"login": "mira", "id": 583231, "node_id": "MDQ6", "avatar_url": "https://x", "type": "User",
                  "name": "Mira Novak", "email": "shown@example.org"},
        "/user/emails": [
            {"email": "old@example.org", "primary": False, "verified": True, "visibility": None},
            {"email": MIRA, "primary": True, "verified": True, "visibility": "private"}],
     }, "583231", MIRA, "Mira Novak"),
    ("github", {
        "/user": {"login": "mira", "id": 7, "name": None, "email": MIRA},
        "/user/emails": [{"email": MIRA, "primary": True, "verified": False, "visibility": None}],
     }, "7", "", "mira"),
    ("github", {"/user": {"login": "mira", "id": 7}, "/user/emails": {"message": "Not Found"}}, "7", "", "mira"),
    ("facebook", {"/v23.0/me": {"id": "10158", "name": "Mira Novak", "email": MIRA}}, "10158", "", "Mira Novak"),
    ("discord", {"/api/users/@me": {
        "id": "80351110224678912", "username": "mira", "discriminator": "0", "global_name": "Mira N",
        "verified": True, "email": MIRA, "mfa_enabled": False, "flags": 64}}, "80351110224678912", MIRA, "Mira N"),
    ("discord", {"/api/users/@me": {"id": "8", "username": "mira", "global_name": None, "verified": False,
                                    "email": MIRA}}, "8", "", "mira"),
    ("spotify", {"/v1/me": {"id": "mira", "display_name": "Mira", "email": MIRA, "country": "DE",
                            "product": "free", "type": "user", "uri": "spotify:user:mira"}}, "mira", "", "Mira"),
    ("twitch", {
        "/oauth2/token": {"access_token": "rf", "expires_in": 14124, "refresh_token": "5b",
                          "scope": ["user:read:email"], "token_type": "bearer"},
        "/helix/users": {"data": [{"id": "141981764", "login": "mira", "display_name": "Mira", "type": "",
                                   "broadcaster_type": "partner", "email": MIRA, "view_count": 5}]},
     }, "141981764", MIRA, "Mira"),
    ("x", {"/2/users/me": {"data": {"id": "2244994945", "name": "Mira", "username": "mira",
                                    "confirmed_email": MIRA}}}, "2244994945", MIRA, "Mira"),
    ("x", {"/2/users/me": {"data": {"id": "2244994945", "name": "Mira", "username": "mira"}}},
     "2244994945", "", "Mira"),
    ("amazon", {"/user/profile": {"user_id": "amzn1.account.K2LI", "email": MIRA, "name": "Mira Novak",
                                  "postal_code": "98052"}}, "amzn1.account.K2LI", "", "Mira Novak"),
    ("bitbucket", {
        "/2.0/user": {"display_name": "Mira Novak", "nickname": "mira", "account_id": "557058:1",
                      "uuid": "{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}", "type": "user"},
        "/2.0/user/emails": {"pagelen": 10, "size": 2, "page": 1, "values": [
            {"email": "old@example.org", "is_primary": False, "is_confirmed": True, "type": "email"},
            {"email": MIRA, "is_primary": True, "is_confirmed": True, "type": "email"}]},
     }, "{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}", MIRA, "Mira Novak"),
    ("bitbucket", {
        "/2.0/user": {"display_name": "M", "uuid": "{1}"},
        "/2.0/user/emails": {"values": [{"email": MIRA, "is_primary": True, "is_confirmed": False}]},
     }, "{1}", "", "M"),
    ("dropbox", {"/2/users/get_current_account": {
        "account_id": "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc", "disabled": False, "email": MIRA,
        "email_verified": True, "locale": "en", "name": {"display_name": "Mira Novak", "given_name": "Mira"}}},
     "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc", MIRA, "Mira Novak"),
    ("notion", {"/v1/oauth/token": {
        "access_token": "ntn", "token_type": "bearer", "bot_id": "b1", "workspace_id": "w1",
        "workspace_name": "Mira's", "duplicated_template_id": None,
        "owner": {"type": "user", "user": {"object": "user", "id": "d40e767c", "name": "Mira",
                                           "avatar_url": None, "type": "person", "person": {"email": MIRA}}}}},
     "d40e767c", "", "Mira"),
    ("zoom", {"/v2/users/me": {
        "id": "KDcuGIm1QgePTO8WbOqwIQ", "first_name": "Mira", "last_name": "Novak", "email": MIRA, "type": 2,
        "verified": 1, "display_name": "Mira N", "status": "active"}}, "KDcuGIm1QgePTO8WbOqwIQ", MIRA, "Mira N"),
    ("zoom", {"/v2/users/me": {"id": "K", "first_name": "Mira", "last_name": "Novak", "email": MIRA,
                               "verified": 0}}, "K", "", "Mira Novak"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answers", "uid", "email", "shown"), PLAIN)
async def test_a_profile_is_read(
    name: str,
    answers: dict[str, Any],
    uid: str,
    email: str,
    shown: str,
    stage: Stage,
    monkeypatch: Any,
) -> None:
    found = await sign_in(stage, monkeypatch, name, answers)
    assert (found.provider, found.uid, found.email, found.name) == (name, uid, email, shown)
    method, headers, body = stage.asked[urlsplit(PROVIDERS[name].token).path]
    provider = PROVIDERS[name]
    basic = "Basic " + base64.b64encode(b"app:hush").decode()
    assert method == "POST"
    sent = json.loads(body) if provider.json_token else dict(parse_qsl(body))
    assert sent["grant_type"] == "authorization_code"
    assert sent["code"] == "code"
    assert sent["redirect_uri"] == ASKED.redirect_uri
    assert sent.get("code_verifier") == (ASKED.verifier if provider.pkce else None)
    if provider.auth == "client_secret_basic":
        assert headers["authorization"] == basic
        assert "client_secret" not in sent
    else:
        assert (sent["client_id"], sent["client_secret"]) == ("app", "hush")


async def test_what_their_interfaces_want_in_headers(stage: Stage, monkeypatch: Any) -> None:
    by_name = {name: answers for name, answers, *_ in reversed(PLAIN)}
    await sign_in(stage, monkeypatch, "twitch", by_name["twitch"])
    assert stage.asked["/helix/users"][1]["client-id"] == "app"
    await sign_in(stage, monkeypatch, "github", by_name["github"])
    assert stage.asked["/user/emails"][1]["accept"] == "application/vnd.github+json"
    assert stage.asked["/user"][1]["user-agent"].startswith("usherd/")
    await sign_in(stage, monkeypatch, "notion", by_name["notion"])
    assert stage.asked["/v1/oauth/token"][1]["notion-version"] == "2022-06-28"
    await sign_in(stage, monkeypatch, "dropbox", by_name["dropbox"])
    assert stage.asked["/2/users/get_current_account"][0] == "POST"
    assert "content-type" not in stage.asked["/2/users/get_current_account"][1]
    assert stage.asked["/2/users/get_current_account"][1]["authorization"] == "Bearer at"


@pytest.mark.parametrize("profile", [
    {}, [], None, "x", 7, {"id": None}, {"id": True}, {"id": {}}, {"id": ""}, {"id": "x" * 256}, {"data": [7]},
])  # fmt: skip
async def test_a_profile_without_an_id_is_refused(
    profile: Any, stage: Stage, monkeypatch: Any
) -> None:
    with pytest.raises(errors.UserMissingId):
        await sign_in(stage, monkeypatch, "discord", {"/api/users/@me": profile})


# (provider, claims, address, name)
OPENID: list[tuple[str, dict[str, Any], str, str]] = [
    ("google", {"email": MIRA, "email_verified": True, "name": "Mira Novak", "azp": "app", "hd": "example.org"},
     MIRA, "Mira Novak"),
    ("google", {"email": MIRA, "email_verified": False, "name": "Mira"}, "", "Mira"),
    ("gitlab", {"email": MIRA, "email_verified": True, "nickname": "mira", "preferred_username": "mira"}, MIRA, "mira"),
    ("microsoft", {"email": MIRA, "name": "Mira", "tid": "9188040d-6c67-4c5b-b112-36a304b66dad", "oid": "o"}, "", "Mira"),
    ("microsoft", {"email": MIRA, "email_verified": True, "name": "Mira"}, "", "Mira"),
    ("microsoft", {"email": MIRA, "name": "Mira", "xms_edov": "1"}, MIRA, "Mira"),
    ("linkedin", {"email": MIRA, "email_verified": "true", "name": "Mira", "nonce": None}, MIRA, "Mira"),
    ("slack", {"email": MIRA, "email_verified": True, "name": "Mira", "https://slack.com/team_id": "T1"}, MIRA, "Mira"),
    ("auth0", {"email": MIRA, "email_verified": True, "name": MIRA, "nickname": "mira"}, MIRA, MIRA),
    ("okta", {"email": MIRA, "email_verified": True, "name": "Mira"}, MIRA, "Mira"),
    ("keycloak", {"email": MIRA, "email_verified": False, "preferred_username": "mira"}, "", "mira"),
    ("authentik", {"email": MIRA, "email_verified": True, "name": "Mira", "groups": []}, MIRA, "Mira"),
    ("oidc", {"email": MIRA, "email_verified": "yes", "name": ["Mira"]}, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "claims", "email", "shown"), OPENID)
async def test_claims_are_read(
    name: str, claims: dict[str, Any], email: str, shown: str, liar: LyingProvider
) -> None:
    agent = Agent()
    registration = Registration(name, "app", "hush", {"issuer": liar.issuer})
    url = await agent.authorization_url(registration, ASKED, "s")
    provider = registration.provider
    assert ("code_challenge" in query_of(url)) is provider.pkce
    assert ("nonce" in query_of(url)) is provider.nonce
    liar.claims = claims
    code = query_of(liar.approve(url))["code"]
    found = await agent.finish(registration, ASKED, code)
    await agent.close()
    assert (found.uid, found.email, found.name) == ("somebody", email, shown)


async def test_apple_wants_a_signed_secret_and_tells_the_name_once(liar: LyingProvider) -> None:
    key = ECKey.generate_key("P-256")
    options = {"issuer": liar.issuer, "team_id": "TEAM", "key_id": "KEY"}
    registration = Registration("apple", "app", key.as_pem(private=True).decode(), options)
    agent, liar.secret = Agent(), None
    url = await agent.authorization_url(registration, ASKED, "s")
    assert query_of(url)["response_mode"] == "form_post"
    assert query_of(url)["scope"] == "name email"
    liar.claims = {"email": MIRA, "email_verified": "true", "is_private_email": "false"}
    user = json.dumps(
        {"name": {"firstName": "Mira", "lastName": "Novak"}, "email": "evil@example.org"}
    )
    code = query_of(liar.approve(url))["code"]
    found = await agent.finish(registration, ASKED, code, form={"user": user})
    assert (found.email, found.name) == (MIRA, "Mira Novak")
    token = jwt.decode(liar.sent[0]["client_secret"], key, algorithms=["ES256"])
    assert token.header["kid"] == "KEY"
    assert (token.claims["iss"], token.claims["sub"]) == ("TEAM", "app")
    assert token.claims["aud"] == "https://appleid.apple.com"
    assert token.claims["exp"] - token.claims["iat"] == 300
    for odd in ("", "{", "[]", '{"name": 7}', "[" * 4000):
        again = query_of(liar.approve(url))["code"]
        assert (await agent.finish(registration, ASKED, again, form={"user": odd})).name == ""
    broken = msgspec.structs.replace(registration, client_secret="no key")
    with pytest.raises(errors.UserOauth2ProviderError):
        await agent.finish(broken, ASKED, "code")
    await agent.close()


async def test_a_rotated_key_is_fetched(liar: LyingProvider, monkeypatch: Any) -> None:
    monkeypatch.setattr(client, "REFETCH_SECONDS", 0.0)  # as if the keys had been fetched long ago
    agent = Agent()
    registration = Registration("oidc", "app", "hush", {"issuer": liar.issuer})
    for count in (1, 2):
        url = await agent.authorization_url(registration, ASKED, "s")
        await agent.finish(registration, ASKED, query_of(liar.approve(url))["code"])
        assert liar.asked.count("/keys") == count
        liar.rotate()
    assert liar.asked.count("/.well-known/openid-configuration") == 1
    await agent.close()


async def test_a_refresh_token_stays_where_no_new_one_comes(liar: LyingProvider) -> None:
    registration = Registration("oidc", "app", "hush", {"issuer": liar.issuer})
    agent = Agent()
    liar.raw["/token"] = (200, b'{"access_token": "new", "expires_in": "3600"}')
    tokens = await agent.refresh(registration, "old")
    assert (tokens.access, tokens.refresh) == ("new", "old")
    assert tokens.expire_at
    liar.raw["/token"] = (
        200,
        b'{"access_token": "new", "refresh_token": "newer", "expires_in": {}}',
    )
    tokens = await agent.refresh(registration, "old")
    assert (tokens.refresh, tokens.expire_at) == ("newer", None)
    await agent.close()


MULTI = "https://login.microsoftonline.com/{tenantid}/v2.0"
TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def _discovered(issuer: str) -> dict[str, str]:
    base = "https://login.microsoftonline.com/"
    return {"issuer": issuer, "authorization_endpoint": base + "a", "token_endpoint": base + "t",
            "jwks_uri": base + "k"}  # fmt: skip


def test_microsofts_issuer_is_that_of_each_persons_tenant() -> None:
    import re

    anybody = Registration("microsoft", "app", "hush")
    assert anybody.issuer == "https://login.microsoftonline.com/common/v2.0"
    there = client._read_discovery(anybody, _discovered(MULTI))
    assert re.fullmatch(there.issuers, MULTI.replace("{tenantid}", TENANT))
    assert not re.fullmatch(there.issuers, MULTI)
    assert not re.fullmatch(there.issuers, "https://login.microsoftonline.com/evil/v2.0")
    mine = Registration("microsoft", "app", "hush", {"tenant": "contoso.onmicrosoft.com"})
    there = client._read_discovery(mine, _discovered(MULTI.replace("{tenantid}", TENANT)))
    assert re.fullmatch(there.issuers, MULTI.replace("{tenantid}", TENANT))
    assert not re.fullmatch(there.issuers, MULTI.replace("{tenantid}", "0" + TENANT[1:]))


def test_every_provider_of_the_table_is_complete() -> None:
    wanted = ["amazon", "apple", "auth0", "authentik", "bitbucket", "discord", "dropbox", "facebook", "github", "gitlab", "google", "keycloak", "linkedin", "microsoft", "notion", "okta", "slack", "spotify", "twitch", "x", "zoom"]  # fmt: skip
    assert sorted(PROVIDERS) == wanted
    tested = {name for name, *_ in PLAIN} | {name for name, *_ in OPENID} | {"apple"}
    assert tested - {"oidc"} == set(PROVIDERS)
    for name, provider in PROVIDERS.items():
        for url in (
            provider.issuer,
            provider.authorize,
            provider.token,
            provider.profile,
            provider.emails,
        ):
            assert url == "" or url.startswith("https://"), name
        assert bool(provider.issuer) is not bool(provider.authorize and provider.token)
        assert set(provider.options) <= set(providers.OPTIONS)


@pytest.mark.parametrize(("name", "options", "issuer"), [
    ("auth0", {"domain": "acme.eu.auth0.com"}, "https://acme.eu.auth0.com/"),
    ("okta", {"domain": "acme.okta.com"}, "https://acme.okta.com/oauth2/default"),
    ("keycloak", {"domain": "id.acme.org", "realm": "shop"}, "https://id.acme.org/realms/shop"),
    ("authentik", {"domain": "id.acme.org", "slug": "shop"}, "https://id.acme.org/application/o/shop/"),
    ("gitlab", {}, "https://gitlab.com"),
    ("gitlab", {"domain": "git.acme.org"}, "https://git.acme.org"),
    ("google", {}, "https://accounts.google.com"),
    ("github", {}, ""),
    ("oidc-acme", {"issuer": "https://id.acme.org/x"}, "https://id.acme.org/x"),
])  # fmt: skip
def test_the_issuer_of(name: str, options: dict[str, str], issuer: str) -> None:
    assert Registration(name, "app", "hush", options).issuer == issuer


@pytest.mark.parametrize(
    "name", ["oidc-", "oidc--a", "oidc_a", "Google", "oidc-A", "", "oidc-" + "a" * 40]
)
def test_no_provider_is_called(name: str) -> None:
    assert providers.of(name) is None
