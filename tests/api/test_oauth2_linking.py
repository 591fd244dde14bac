"""Whose account it is when somebody comes back from another provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.test_trails import made_known
from tests.conftest import Api, Person, Server, unique
from tests.oauth import (
    APP,
    Browser,
    Provider,
    configure,
    new_project,
    openid_provider,
    page_type,
    told,
)

GOOD = "correct horse battery"
TAKEN = "user_already_exists"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with openid_provider() as url:
        yield url


@pytest.fixture
def provider(issuer: str, server: Server) -> Provider:
    return Provider(issuer, new_project(server))


def account(api: Api, email: str, *, verified: bool) -> dict[str, object]:
    """Somebody who has signed up with a password."""
    user = api.user(email=email, password=GOOD)
    if verified:
        api.call("PATCH", f"/users/{user['$id']}/verification", {"emailVerification": True})
    return user


def signed_in(provider: Provider, person: Person) -> Browser:
    """A browser in which somebody is signed in."""
    browser = provider.browser()
    name = f"a_session_{provider.api.project}_legacy".lower()
    browser.http.cookies.set(name, person.secret, domain="127.0.0.1")
    return browser


def identities(person: Person) -> list[dict[str, object]]:
    return list(person.call("GET", "/account/identities").json["identities"])


# -- signing in --


def test_a_vouched_address_joins_the_account_that_has_proven_it(provider: Provider) -> None:
    sub, email = provider.somebody()
    user = account(provider.api, email, verified=True)
    browser = provider.browser()
    assert browser.dance(sub) == f"{APP}/ok"
    assert browser.person.call("GET", "/account").json["$id"] == user["$id"]
    assert provider.api.sign_in(email, GOOD).call("GET", "/account").status == 200


def test_an_account_that_has_not_proven_its_address_is_not_joined(provider: Provider) -> None:
    """Pre-hijacking: an attacker signs up with the victim's address and waits."""
    sub, email = provider.somebody()
    account(provider.api, email, verified=False)
    browser = provider.browser()
    error = told(browser.dance(sub))
    assert (error["type"], error["code"]) == (TAKEN, 409)
    assert "Sign in to it" in error["message"]
    assert not browser.secret
    assert provider.api.call("GET", "/users/identities").json["total"] == 0


def test_an_account_with_a_second_factor_is_not_joined(provider: Provider) -> None:
    sub, email = provider.somebody()
    user = account(provider.api, email, verified=True)
    provider.api.call("PATCH", f"/users/{user['$id']}/mfa", {"mfa": True})
    assert told(provider.browser().dance(sub))["type"] == TAKEN


def test_an_address_that_the_provider_does_not_vouch_for_selects_nobody(provider: Provider) -> None:
    sub, email = provider.somebody(verified=False)
    victim = account(provider.api, email, verified=True)
    browser = provider.browser()
    assert browser.dance(sub) == f"{APP}/ok"
    mine = browser.person.call("GET", "/account").json
    assert mine["$id"] != victim["$id"]
    assert (mine["email"], mine["emailVerification"], mine["targets"]) == ("", False, [])
    assert identities(browser.person)[0]["providerEmail"] == ""


def test_a_sign_up_is_an_event(provider: Provider) -> None:
    sub, _ = provider.somebody()
    before = made_known(provider.api)
    for _ in range(2):
        provider.browser().dance(sub)
        assert made_known(provider.api) == before + 1


def test_an_unvouched_address_keeps_its_owner_from_nothing(provider: Provider) -> None:
    sub, email = provider.somebody(verified=False)
    provider.browser().dance(sub)
    body = {"userId": "unique()", "email": email, "password": GOOD}
    assert provider.api.call("POST", "/account", body, key=False).status == 201


def test_an_operator_can_vouch_for_a_provider(provider: Provider) -> None:
    configure(provider.api, "oidc-acme", trust_email=True)
    sub, email = provider.somebody(verified=False)
    browser = provider.browser()
    browser.dance(sub)
    mine = browser.person.call("GET", "/account").json
    assert (mine["email"], mine["emailVerification"]) == (email, True)


def test_somebody_elses_identity_with_the_address_is_not_joined(provider: Provider) -> None:
    sub, email = provider.somebody()
    first = provider.browser()
    first.dance(sub)
    user = first.person.call("GET", "/account").json
    provider.api.call("PATCH", f"/users/{user['$id']}/email", {"email": f"{unique()}@example.org"})
    other, _ = provider.somebody(email)
    assert told(provider.browser().dance(other))["type"] == TAKEN


def test_another_provider_of_a_proven_address_joins_too(provider: Provider) -> None:
    configure(provider.api, "oidc-other", issuer=provider.issuer)
    sub, email = provider.somebody()
    provider.browser().dance(sub)
    browser = Browser(provider.api, "oidc-other")
    browser.dance(sub)
    found = identities(browser.person)
    assert {row["provider"] for row in found} == {"oidc-acme", "oidc-other"}
    assert {row["providerEmail"] for row in found} == {email}


def test_blocked_people_stay_out(provider: Provider) -> None:
    sub, email = provider.somebody()
    browser = provider.browser()
    browser.dance(sub)
    user = browser.person.call("GET", "/account").json
    provider.api.call("PATCH", f"/users/{user['$id']}/status", {"status": False})
    for again in (provider.browser(), provider.browser()):
        error = told(again.dance(sub))
        assert (error["type"], error["code"]) == ("user_blocked", 401)
        assert not again.secret
    provider.api.call("DELETE", f"/users/{user['$id']}")
    blocked = account(provider.api, email, verified=True)
    provider.api.call("PATCH", f"/users/{blocked['$id']}/status", {"status": False})
    assert told(provider.browser().dance(sub))["type"] == "user_blocked"


def refused(api: Api, user_id: object) -> int:
    """How many sign-ins were refused to a user."""
    logs = api.call("GET", f"/users/{user_id}/logs").json["logs"]
    return sum(log["event"] == "session.create.failed" for log in logs)


@pytest.mark.parametrize("flow", ["sessions", "tokens"])
def test_the_log_tells_who_was_not_let_in(provider: Provider, flow: str) -> None:
    api = provider.api
    sub, email = provider.somebody()
    user = account(api, email, verified=False)
    assert told(provider.browser().dance(sub, flow))["type"] == TAKEN
    assert refused(api, user["$id"]) == 1
    api.call("PATCH", f"/users/{user['$id']}/verification", {"emailVerification": True})
    provider.browser().dance(sub, flow)
    api.call("PATCH", f"/users/{user['$id']}/status", {"status": False})
    assert told(provider.browser().dance(sub, flow))["type"] == "user_blocked"
    assert refused(api, user["$id"]) == 2


def test_the_log_tells_whoever_tried_to_link_what_is_somebody_elses(provider: Provider) -> None:
    sub, _ = provider.somebody()
    provider.browser().dance(sub)
    user = account(provider.api, f"{unique()}@example.org", verified=False)
    browser = signed_in(provider, provider.api.sign_in(str(user["email"]), GOOD))
    assert told(browser.dance(sub))["type"] == TAKEN
    assert refused(provider.api, user["$id"]) == 1


def test_a_project_can_be_for_invited_people_only(issuer: str, server: Server) -> None:
    provider = Provider(issuer, new_project(server, oauthSignup=False))
    sub, email = provider.somebody()
    error = told(provider.browser().dance(sub))
    assert (error["type"], error["code"]) == ("user_oauth2_signup_disabled", 403)
    assert provider.api.call("GET", "/users").json["total"] == 0
    about = {"name": "session.create.failed", "project": provider.api.project}
    update = "update logs set event = event where project_id = :project and event = :name"
    assert server.run(update + " and actor_type = 'guest'", **about) == 1
    account(provider.api, email, verified=True)
    browser = provider.browser()
    assert browser.dance(sub) == f"{APP}/ok"
    assert provider.browser().dance(sub) == f"{APP}/ok"


def test_the_projects_limits_hold(issuer: str, server: Server) -> None:
    full = Provider(issuer, new_project(server, userLimit=1))
    full.browser().dance(full.somebody()[0])
    assert told(full.browser().dance(full.somebody()[0]))["type"] == "user_count_exceeded"
    strict = Provider(issuer, new_project(server, emailAllowDomains=["example.com"]))
    assert told(strict.browser().dance(strict.somebody()[0]))["type"] == "email_domain_not_allowed"
    unvouched, _ = strict.somebody(f"{unique()}@example.com", verified=False)
    assert told(strict.browser().dance(unvouched))["type"] == "email_domain_not_allowed"
    vouched, _ = strict.somebody(f"{unique()}@example.com")
    assert strict.browser().dance(vouched) == f"{APP}/ok"


def test_odd_profiles_make_no_odd_users(provider: Provider) -> None:
    sub, _ = provider.somebody("no address", name="N" * 500)
    browser = provider.browser()
    assert browser.dance(sub) == f"{APP}/ok"
    mine = browser.person.call("GET", "/account").json
    assert (mine["email"], mine["name"]) == ("", "N" * 128)


# -- linking while signed in --


def test_whoever_is_signed_in_links_and_gets_a_new_session(provider: Provider) -> None:
    mine = f"{unique()}@example.org"
    account(provider.api, mine, verified=False)
    person = provider.api.sign_in(mine, GOOD)
    sub, email = provider.somebody()
    browser = signed_in(provider, person)
    assert browser.dance(sub) == f"{APP}/ok"
    assert browser.secret != person.secret
    assert person.call("GET", "/account").status == 401
    shown = browser.person.call("GET", "/account").json
    assert (shown["email"], shown["emailVerification"]) == (mine, False)
    assert identities(browser.person)[0]["providerEmail"] == email
    assert browser.person.call("GET", "/account/sessions").json["total"] == 1
    again = provider.browser()
    again.dance(sub)
    assert again.person.call("GET", "/account").json["$id"] == shown["$id"]


def test_linking_by_a_token_keeps_the_session(provider: Provider) -> None:
    mine = f"{unique()}@example.org"
    account(provider.api, mine, verified=False)
    person = provider.api.sign_in(mine, GOOD)
    signed_in(provider, person).dance(provider.somebody()[0], "tokens")
    assert len(identities(person)) == 1


def test_an_anonymous_user_becomes_somebody(provider: Provider) -> None:
    began = provider.api.call("POST", "/account/sessions/anonymous", key=False)
    person = provider.api.person(began)
    sub, email = provider.somebody()
    browser = signed_in(provider, person)
    browser.dance(sub)
    shown = browser.person.call("GET", "/account").json
    assert shown["$id"] == began.json["userId"]
    assert (shown["email"], shown["emailVerification"]) == (email, True)
    assert (shown["name"], len(shown["targets"])) == ("Mira Novak", 1)


def test_linking_proves_ones_own_address(provider: Provider) -> None:
    sub, email = provider.somebody()
    account(provider.api, email, verified=False)
    browser = signed_in(provider, provider.api.sign_in(email, GOOD))
    assert browser.dance(sub) == f"{APP}/ok"
    assert browser.person.call("GET", "/account").json["emailVerification"] is True


def test_an_identity_or_address_of_another_user_is_not_linked(provider: Provider) -> None:
    taken, _ = provider.somebody()
    provider.browser().dance(taken)
    known, email = provider.somebody()
    account(provider.api, email, verified=True)
    mine = f"{unique()}@example.org"
    account(provider.api, mine, verified=True)
    person = provider.api.sign_in(mine, GOOD)
    for sub in (taken, known):
        error = told(signed_in(provider, person).dance(sub))
        assert (error["type"], error["code"]) == (TAKEN, 409)
    assert identities(person) == []
    assert person.call("GET", "/account").status == 200


def test_only_pages_of_the_project_begin_linking(provider: Provider) -> None:
    """A foreign page must not make a signed-in browser link the identity it is at the provider."""
    mine = f"{unique()}@example.org"
    account(provider.api, mine, verified=False)
    person = provider.api.sign_in(mine, GOOD)
    for headers in ({"Referer": "https://evil.example/"}, {"Sec-Fetch-Site": "cross-site"}):
        browser = signed_in(provider, person)
        browser.http.headers.update(headers)
        answer = browser.start()
        assert (answer.status_code, page_type(answer)) == (403, "general_unknown_origin")
    for headers in ({"Referer": f"{APP}/page"}, {"Sec-Fetch-Site": "none"}):
        browser = signed_in(provider, person)
        browser.http.headers.update(headers)
        assert browser.start().status_code == 301


def test_another_person_than_began_does_not_finish(provider: Provider) -> None:
    one, two = (f"{unique()}@example.org" for _ in range(2))
    account(provider.api, one, verified=True)
    account(provider.api, two, verified=True)
    sub, _ = provider.somebody()
    browser = signed_in(provider, provider.api.sign_in(one, GOOD))
    callback = browser.consent(browser.start().headers["location"], sub)
    name = f"a_session_{provider.api.project}_legacy".lower()
    browser.http.cookies.set(name, provider.api.sign_in(two, GOOD).secret, domain="127.0.0.1")
    assert told(browser.finish(callback))["type"] == "user_oauth2_bad_request"
    assert provider.api.call("GET", "/users/identities").json["total"] == 0


# -- forgetting an identity --


def test_an_identity_can_be_forgotten_while_another_way_is_left(provider: Provider) -> None:
    sub, _ = provider.somebody()
    browser = provider.browser()
    browser.dance(sub)
    [identity] = identities(browser.person)
    path = f"/account/identities/{identity['$id']}"
    assert browser.person.call("DELETE", path).status == 204
    gone = browser.person.call("DELETE", path)
    assert (gone.status, gone.type) == (404, "user_identity_not_found")
    assert browser.person.call("GET", "/account").status == 200


def test_the_last_way_to_sign_in_stays(provider: Provider) -> None:
    configure(provider.api, "oidc-other", issuer=provider.issuer)
    sub, _ = provider.somebody(verified=False)
    browser = provider.browser()
    browser.dance(sub)
    [identity] = identities(browser.person)
    refused = browser.person.call("DELETE", f"/account/identities/{identity['$id']}")
    assert (refused.status, refused.type) == (409, "user_last_identity")
    person = browser.person
    linking = Browser(provider.api, "oidc-other")
    linking.http.cookies = signed_in(provider, person).http.cookies
    assert linking.dance(sub) == f"{APP}/ok"
    found = identities(linking.person)
    assert len(found) == 2
    first, second = (f"/account/identities/{row['$id']}" for row in found)
    assert linking.person.call("DELETE", first).status == 204
    assert linking.person.call("DELETE", second).status == 409


def test_nobody_forgets_or_sees_a_strangers_identity(provider: Provider) -> None:
    one, two = provider.browser(), provider.browser()
    one.dance(provider.somebody()[0])
    two.dance(provider.somebody()[0])
    [foreign] = identities(one.person)
    answer = two.person.call("DELETE", f"/account/identities/{foreign['$id']}")
    assert (answer.status, answer.type) == (404, "user_identity_not_found")
    assert [row["userId"] for row in identities(two.person)] != [foreign["userId"]]
    provider_uid = provider.api.queries(
        {"method": "equal", "attribute": "providerUid", "values": [foreign["providerUid"]]}
    )
    mine = two.person.call("GET", "/account/identities", query=provider_uid).json
    assert (mine["total"], mine["identities"]) == (0, [])
    theirs = one.person.call("GET", "/account/identities", query=provider_uid).json
    assert theirs["total"] == 1
    assert (
        one.person.call("GET", "/account/identities", query={"total": "false"}).json["total"] == 0
    )
