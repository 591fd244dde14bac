"""Signing in by another provider: everything that must not work, and how the app is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.conftest import Api, Server, unique
from tests.lying_provider import LyingProvider
from tests.oauth import (
    APP,
    Browser,
    Provider,
    configure,
    expire_states,
    in_rules,
    new_project,
    openid_provider,
    page_type,
    query_of,
    told,
)
from usherd import projects

PROBLEM = "user_oauth2_provider_error"
UNTRUSTED = "user_oauth2_unauthorized"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with openid_provider() as url:
        yield url


@pytest.fixture
def provider(issuer: str, server: Server) -> Provider:
    return Provider(issuer, new_project(server))


@pytest.fixture
def liar() -> Iterator[LyingProvider]:
    provider = LyingProvider()
    yield provider
    provider.close()


@pytest.fixture
def at_liar(liar: LyingProvider, server: Server) -> Browser:
    """A browser at a project whose provider lies."""
    api = new_project(server)
    configure(api, "oidc-acme", issuer=liar.issuer)
    return Browser(api)


def platform(api: Api, change: Callable[..., Any]) -> None:
    """Register `app.example.org`, or take it away."""
    in_rules(api.server, lambda tx: change(tx, api.project, "app.example.org"))


def nobody(api: Api) -> bool:
    return bool(api.call("GET", "/users").json["total"] == 0)


# -- state --


def test_a_state_works_once(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    callback = browser.consent(browser.start().headers["location"], sub)
    step = browser.hop(callback)
    assert browser.get(step).headers["location"] == f"{APP}/ok"
    again = browser.get(step)
    assert (again.status_code, page_type(again)) == (400, "user_oauth2_state_invalid")
    answer = browser.get(step, headers={"Accept": "application/json"})
    assert answer.json()["type"] == "user_oauth2_state_invalid"


def test_a_state_from_another_browser_is_refused_and_stays_good(provider: Provider) -> None:
    sub, _ = provider.somebody()
    mine, theirs = provider.browser(), provider.browser()
    step = mine.hop(mine.consent(mine.start().headers["location"], sub))
    theirs.start()  # it has a cookie, of its own
    for other in (theirs, provider.browser()):
        refused = other.get(step)
        assert (refused.status_code, page_type(refused)) == (400, "user_oauth2_state_invalid")
        assert not other.secret
    assert nobody(provider.api)
    assert mine.get(step).headers["location"] == f"{APP}/ok"


@pytest.mark.parametrize("change", ["x{}", "", "v1.00.{}", "{\"success\":\"x\"}", "é", "v1..", "v1.a.b"])  # fmt: skip
def test_a_state_that_was_not_made_here_is_refused(provider: Provider, change: str) -> None:
    browser = provider.browser()
    state = query_of(browser.start().headers["location"])["state"]
    forged = change.replace("{}", state) if "{}" in change else change
    project = provider.api.project
    url = f"{provider.api.server.endpoint}/account/sessions/oauth2/callback/oidc-acme/{project}"
    for answer in (
        browser.get(url, params={"state": forged, "code": "c"}),
        browser.get(f"{provider.api.server.endpoint}/account/sessions/oauth2/oidc-acme/redirect",
                    params={"state": forged, "code": "c", "project": project}),
    ):  # fmt: skip
        assert (answer.status_code, page_type(answer)) == (400, "user_oauth2_state_invalid")


def test_a_state_belongs_to_its_provider_project_and_flow(
    provider: Provider, server: Server
) -> None:
    sub, _ = provider.somebody()
    configure(provider.api, "oidc-other", issuer=provider.issuer)
    other = new_project(server)
    configure(other, "oidc-acme", issuer=provider.issuer)
    browser = provider.browser()
    callback = browser.consent(browser.start().headers["location"], sub)
    step = browser.hop(callback)
    for wrong in (
        step.replace("oidc-acme/redirect", "oidc-other/redirect"),
        step.replace(f"project={provider.api.project}", f"project={other.project}"),
        step.replace("account/sessions/", "account/tokens/"),
    ):
        assert page_type(browser.get(wrong)) == "user_oauth2_state_invalid"
    assert browser.get(step).headers["location"] == f"{APP}/ok"


def test_a_state_expires(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    step = browser.hop(browser.consent(browser.start().headers["location"], sub))
    expire_states(provider.api)
    assert page_type(browser.get(step)) == "user_oauth2_state_invalid"
    assert nobody(provider.api)


# -- what the provider may answer --


def test_denied_consent_is_told_to_the_app(provider: Provider) -> None:
    browser = provider.browser()
    begun = browser.start().headers["location"]
    # The mock forgets the state when somebody says no; a provider sends it back.
    denied = browser.deny(begun) + "&" + urlencode({"state": query_of(begun)["state"]})
    error = told(browser.finish(denied))
    assert (error["type"], error["code"]) == (PROBLEM, 424)
    assert "access_denied" in error["message"]
    assert not browser.secret


def test_without_a_failure_page_the_error_stands_on_ours(provider: Provider) -> None:
    browser = provider.browser()
    begun = browser.start(failure="").headers["location"]
    step = browser.hop(browser.deny(begun) + "&" + urlencode({"state": query_of(begun)["state"]}))
    answer = browser.get(step)
    assert (answer.status_code, page_type(answer)) == (424, PROBLEM)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_a_provider_says_is_no_markup(provider: Provider) -> None:
    browser = provider.browser()
    state = query_of(browser.start(failure="").headers["location"])["state"]
    url = f"{provider.api.server.endpoint}/account/sessions/oauth2/callback/oidc-acme/{provider.api.project}"
    step = browser.hop(
        url + "?" + urlencode({"state": state, "error": "<script>alert(1)</script>"})
    )
    answer = browser.get(step)
    assert page_type(answer) == PROBLEM
    assert "<script>" not in answer.text
    odd = f"{provider.api.server.endpoint}/account/sessions/oauth2/<b>x"
    assert "<b>" not in browser.get(odd, params={"project": provider.api.project}).text


def test_a_code_that_was_used_is_refused(liar: LyingProvider, at_liar: Browser) -> None:
    callback = liar.approve(at_liar.start().headers["location"])
    assert at_liar.finish(callback) == f"{APP}/ok"
    code = query_of(callback)["code"]
    other = Browser(at_liar.api)
    replayed = query_of(liar.approve(other.start().headers["location"]))
    base = callback.partition("?")[0]
    error = told(other.finish(f"{base}?{urlencode({'code': code, 'state': replayed['state']})}"))
    assert (error["type"], error["code"]) == ("user_oauth2_bad_request", 400)
    assert not other.secret


def test_a_code_of_somebody_elses_sign_in_is_refused(liar: LyingProvider, at_liar: Browser) -> None:
    """PKCE: the attacker's code does not go with the verifier of the victim's sign-in."""
    attacker = Browser(at_liar.api)
    stolen = query_of(liar.approve(attacker.start().headers["location"]))["code"]
    state = query_of(at_liar.start().headers["location"])["state"]
    base = query_of(attacker.start().headers["location"])["redirect_uri"]
    error = told(at_liar.finish(f"{base}?{urlencode({'code': stolen, 'state': state})}"))
    assert error["type"] == "user_oauth2_bad_request"
    assert nobody(at_liar.api)


LIES: dict[str, Callable[[LyingProvider], Any]] = {
    "another issuer": lambda p: p.claims.update(iss="http://127.0.0.1:1"),
    "no issuer": lambda p: p.claims.update(iss=None),
    "another audience": lambda p: p.claims.update(aud="other"),
    "several audiences without a party": lambda p: p.claims.update(aud=["app", "other"]),
    "another party": lambda p: p.claims.update(aud=["app", "other"], azp="other"),
    "expired": lambda p: p.claims.update(exp=int(time.time()) - 120),
    "no expiry": lambda p: p.claims.update(exp=None),
    "an expiry in words": lambda p: p.claims.update(exp="tomorrow"),
    "not yet": lambda p: p.claims.update(nbf=int(time.time()) + 3600),
    "another nonce": lambda p: p.claims.update(nonce="0" * 32),
    "no nonce": lambda p: p.claims.update(nonce=None),
    "nobody": lambda p: p.claims.update(sub=None),
    "another key": lambda p: setattr(p, "signing_key", RSAKey.generate_key(2048)),
    "a key nobody knows": lambda p: p.header.update(kid="k9"),
    "a shared secret": lambda p: p.shared_secret(),
    "no signature": lambda p: p.header.update(alg="none"),
    "no token": lambda p: p.token.update(id_token=None),
    "no text": lambda p: p.token.update(id_token=7),
    "nonsense": lambda p: p.token.update(id_token="a.b.c"),
    "too long": lambda p: p.token.update(id_token="a" * 20_000),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_is_refused_with(lie: str, liar: LyingProvider, at_liar: Browser) -> None:
    callback = liar.approve(at_liar.start().headers["location"])
    LIES[lie](liar)
    error = told(at_liar.finish(callback))
    assert (error["type"], error["code"]) == (UNTRUSTED, 401)
    assert not at_liar.secret
    assert nobody(at_liar.api)


def test_a_key_that_nobody_knows_makes_us_fetch_nothing_at_once(
    liar: LyingProvider, at_liar: Browser
) -> None:
    at_liar.finish(liar.approve(at_liar.start().headers["location"]))
    assert liar.asked.count("/keys") == 1
    liar.rotate()
    other = Browser(at_liar.api)
    error = told(other.finish(liar.approve(other.start().headers["location"])))
    assert error["type"] == UNTRUSTED
    assert liar.asked.count("/keys") == 1


def test_an_address_that_only_the_profile_has_is_used(
    liar: LyingProvider, at_liar: Browser
) -> None:
    liar.userinfo = {
        "sub": "somebody",
        "email": f"{unique('m')}@example.org",
        "email_verified": True,
    }
    assert at_liar.finish(liar.approve(at_liar.start().headers["location"])) == f"{APP}/ok"
    assert at_liar.person.call("GET", "/account").json["email"] == liar.userinfo["email"]


def test_a_profile_of_somebody_else_is_not(liar: LyingProvider, at_liar: Browser) -> None:
    liar.userinfo = {"sub": "other", "email": f"{unique('m')}@example.org", "email_verified": True}
    assert at_liar.finish(liar.approve(at_liar.start().headers["location"])) == f"{APP}/ok"
    assert at_liar.person.call("GET", "/account").json["email"] == ""


DOCUMENTS: dict[str, Callable[[LyingProvider], Any]] = {
    "another issuer": lambda p: p.document.update(issuer="https://evil.example"),
    "no token endpoint": lambda p: p.document.update(token_endpoint=None),
    "a plain endpoint elsewhere": lambda p: p.document.update(
        token_endpoint="http://evil.example/t"
    ),
    "a file": lambda p: p.document.update(jwks_uri="file:///etc/passwd"),
    "a user name": lambda p: p.document.update(token_endpoint="https://a@evil.example/t"),
    "a list": lambda p: p.raw.update({"/.well-known/openid-configuration": (200, b"[]")}),
    "no JSON": lambda p: p.raw.update({"/.well-known/openid-configuration": (200, b"<html>")}),
    "an error": lambda p: p.raw.update({"/.well-known/openid-configuration": (500, b"{}")}),
    "a redirect": lambda p: p.raw.update({"/.well-known/openid-configuration": (302, b"{}")}),
    "not found": lambda p: p.raw.update({"/.well-known/openid-configuration": (404, b"{}")}),
    "two megabytes": lambda p: p.raw.update(
        {"/.well-known/openid-configuration": (200, b'"' + b"x" * (2 << 20) + b'"')}
    ),
}


@pytest.mark.parametrize("lie", DOCUMENTS)
def test_a_discovery_document_is_refused_with(
    lie: str, liar: LyingProvider, at_liar: Browser
) -> None:
    DOCUMENTS[lie](liar)
    answer = at_liar.start()
    assert answer.status_code == 301
    assert told(answer.headers["location"])["type"] == PROBLEM
    assert page_type(at_liar.start(failure="")) == PROBLEM


TOKENS: dict[str, tuple[int, bytes, str]] = {
    "a list": (200, b"[]", PROBLEM),
    "no JSON": (200, b"access_token=a", PROBLEM),
    "an error of its own": (503, b"{}", PROBLEM),
    "a redirect": (307, b"{}", PROBLEM),
    "no access token": (200, b'{"token_type":"Bearer"}', PROBLEM),
    "a wrong secret": (401, b'{"error":"invalid_client"}', UNTRUSTED),
    "an old code": (400, b'{"error":"invalid_grant"}', "user_oauth2_bad_request"),
    "an error in an answer of 200": (
        200,
        b'{"error":"bad_verification_code"}',
        "user_oauth2_bad_request",
    ),
    "an error that is an object": (400, b'{"error":{"message":"x"}}', "user_oauth2_bad_request"),
    "deep nesting": (200, b"[" * 100_000, PROBLEM),
}


@pytest.mark.parametrize("lie", TOKENS)
def test_a_token_endpoint_answers(lie: str, liar: LyingProvider, at_liar: Browser) -> None:
    callback = liar.approve(at_liar.start().headers["location"])
    status, body, type_ = TOKENS[lie]
    liar.raw["/token"] = (status, body)
    assert told(at_liar.finish(callback))["type"] == type_
    assert nobody(at_liar.api)


def test_a_provider_that_names_itself_must_be_the_right_one(
    liar: LyingProvider, at_liar: Browser
) -> None:
    """RFC 9207: an answer of another provider does not get this provider's code exchanged."""
    liar.document["authorization_response_iss_parameter_supported"] = True
    begun = at_liar.start().headers["location"]
    assert (
        told(at_liar.finish(liar.approve(begun, iss="https://evil.example")))["type"] == UNTRUSTED
    )
    assert (
        told(at_liar.finish(liar.approve(at_liar.start().headers["location"])))["type"] == UNTRUSTED
    )
    good = liar.approve(at_liar.start().headers["location"], iss=liar.issuer)
    assert at_liar.finish(good) == f"{APP}/ok"


def test_a_provider_that_is_down_is_told_to_the_app(liar: LyingProvider, at_liar: Browser) -> None:
    callback = liar.approve(at_liar.start().headers["location"])
    liar.close()
    assert told(at_liar.finish(callback))["type"] == PROBLEM


def test_a_slow_provider_is_not_waited_for(
    liar: LyingProvider, engine: str, database_url: str, tmp_path: Path
) -> None:
    server = Server(
        database_url, tmp_path, {"USHERD_PROVIDER_TIMEOUT_SECONDS": "3"}
    ).start()  # fmt: skip
    try:
        with httpx.Client(timeout=30) as http:
            api = Api(server, http, server.project, server.key)
            configure(api, "oidc-acme", issuer=liar.issuer)
            browser = Browser(api)
            callback = liar.approve(browser.start().headers["location"])
            liar.delay["/token"] = 8
            assert told(browser.finish(callback))["type"] == PROBLEM
            assert api.call("GET", "/users").json["total"] == 0
        log = server.log.read_text()
        assert "no answer in 3 seconds" in log
        assert query_of(callback)["code"] not in log
        assert query_of(callback)["state"] not in log
    finally:
        server.stop()


# -- where it may begin and end --


@pytest.mark.parametrize("url", [
    "https://evil.example/", "http://evil.example:3000", "//evil.example", "https://localhost@evil.example/",
    "javascript://localhost/%0aalert(1)", "data:text/html,x", "appwrite-callback-other://x", "https://",
])  # fmt: skip
def test_no_redirect_to_a_host_that_is_not_registered(provider: Provider, url: str) -> None:
    browser = provider.browser()
    for name, type_ in (("success", "project_invalid_success_url"), ("failure", "project_invalid_failure_url")):  # fmt: skip
        answer = browser.start(**{name: url})
        assert answer.status_code == 400
        assert page_type(answer) in (type_, "general_argument_invalid")


def test_an_apps_own_scheme_and_registered_hosts_are_let_through(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    scheme = f"appwrite-callback-{provider.api.project}"
    back = browser.dance(sub, "tokens", success=f"{scheme}://", failure=f"{scheme}://")
    assert back.startswith(f"{scheme}://?userId=")
    platform(provider.api, projects.add_platform)
    time.sleep(1.1)  # servers follow within a second
    assert browser.dance(sub, success="https://app.example.org/in") == "https://app.example.org/in"


def test_a_host_that_is_removed_on_the_way_gets_nobody_back(provider: Provider) -> None:
    api = provider.api
    platform(api, projects.add_platform)
    sub, _ = provider.somebody()
    browser = provider.browser()
    begun = browser.start(success="https://app.example.org/in", failure="")
    platform(api, projects.remove_platform)
    time.sleep(1.1)
    answer = browser.get(browser.hop(browser.consent(begun.headers["location"], sub)))
    assert page_type(answer) == "project_invalid_success_url"
    assert nobody(api)


def test_unknown_and_disabled_providers(provider: Provider) -> None:
    api = provider.api
    start = f"{api.server.endpoint}/account/sessions/oauth2"
    browser = provider.browser()
    unknown = browser.get(f"{start}/myspace", params={"project": api.project})
    assert (unknown.status_code, page_type(unknown)) == (400, "general_argument_invalid")
    absent = browser.get(f"{start}/google", params={"project": api.project})
    assert (absent.status_code, page_type(absent)) == (412, "project_provider_disabled")
    begun = browser.start()
    configure(api, "oidc-acme", enabled=False)
    assert page_type(browser.start()) == "project_provider_disabled"
    sub, _ = provider.somebody()
    callback = browser.consent(begun.headers["location"], sub)
    assert told(browser.finish(callback))["type"] == "project_provider_disabled"
    nowhere = browser.get(f"{start}/oidc-acme", params={"project": "nowhere"})
    assert (nowhere.status_code, page_type(nowhere)) == (404, "project_not_found")


def test_scopes_are_checked(provider: Provider) -> None:
    browser = provider.browser()
    good = browser.start(**{"scopes[0]": "calendar", "scopes[1]": "email"})
    assert query_of(good.headers["location"])["scope"] == "openid email profile calendar"
    for bad in ('a"b', "a b", "", "é", "x" * 256):
        assert page_type(browser.start(**{"scopes[0]": bad or " "})) == "general_argument_invalid"
    many = {f"scopes[{at}]": f"s{at}" for at in range(101)}
    assert page_type(browser.start(**many)) == "general_argument_invalid"


def test_fifty_an_hour_from_one_address(server: Server, issuer: str) -> None:
    api = new_project(server, rateLimits=True)
    provider = Provider(issuer, api)
    if time.time() % 3600 > 3590:
        time.sleep(10)
    for left in range(49, 19, -1):
        assert provider.browser().start().headers["x-ratelimit-remaining"] == str(left)
    for _ in range(20):  # the same counter
        assert api.call("POST", "/account/sessions/anonymous", key=False).status == 201
    answer = provider.browser().start()
    assert (answer.status_code, page_type(answer)) == (429, "general_rate_limit_exceeded")
    assert int(answer.headers["retry-after"]) > 0
