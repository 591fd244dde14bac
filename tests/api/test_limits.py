"""Rate limits: numbers, headers, keys, and who is not counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Api, Mailbox, Response, Server, unique
from usherd.api import TABLE
from usherd.limits import adjusted, per
from usherd.settings import LIMITED

GOOD = "correct horse battery"


def settle() -> None:
    """Near the end of an hour, wait for the next one."""
    if time.time() % 3600 > 3585:
        time.sleep(15)


@pytest.fixture
def limited(project_with: Callable[..., Api]) -> Api:
    """A project that counts."""
    settle()
    return project_with(rateLimits="true")


def address() -> str:
    return f"{unique('m')}@example.org"


def attempt(api: Api, email: str, password: str = "wrong password", **more: Any) -> Response:
    body = {"email": email, "password": password}
    return api.call("POST", "/account/sessions/email", body, key=False, **more)


# -- the numbers of Appwrite 1.7, all by the hour --

PUBLISHED: dict[str, tuple[int, set[str]]] = {
    "POST /account": (10, {"url+ip"}),
    "POST /account/sessions": (10, {"url+email"}),
    "POST /account/sessions/email": (10, {"url+email"}),
    "POST /account/sessions/anonymous": (50, {"ip"}),
    "POST /account/sessions/token": (10, {"ip+userId"}),
    "PUT /account/sessions/token": (10, {"ip+userId"}),
    "PUT /account/sessions/magic-url": (10, {"ip+userId"}),
    "PUT /account/sessions/phone": (10, {"ip+userId"}),
    "POST /account/tokens/magic-url": (60, {"url+email", "url+ip"}),
    "POST /account/sessions/magic-url": (60, {"url+email", "url+ip"}),
    "POST /account/tokens/email": (10, {"url+email", "url+ip"}),
    "POST /account/tokens/phone": (10, {"url+phone", "url+ip"}),
    "POST /account/sessions/phone": (10, {"url+phone", "url+ip"}),
    "POST /account/jwts": (100, {"url+caller"}),
    "POST /account/jwt": (100, {"url+caller"}),
    "PATCH /account/password": (10, {"url+ip"}),
    "PATCH /account/sessions/{sessionId}": (10, {"url+ip"}),
    "DELETE /account/sessions": (100, {"url+ip"}),
    "DELETE /account/sessions/{sessionId}": (100, {"url+ip"}),
    "POST /account/recovery": (10, {"url+email", "url+ip"}),
    "PUT /account/recovery": (10, {"url+userId"}),
    "POST /account/verification": (10, {"url+caller"}),
    "POST /account/verifications/email": (10, {"url+caller"}),
    "PUT /account/verification": (10, {"url+userId"}),
    "PUT /account/verifications/email": (10, {"url+userId"}),
    "POST /account/verification/phone": (10, {"url+caller", "url+ip"}),
    "POST /account/verifications/phone": (10, {"url+caller", "url+ip"}),
    "PUT /account/verification/phone": (10, {"userId"}),
    "PUT /account/verifications/phone": (10, {"userId"}),
    "POST /account/mfa/challenge": (10, {"url+caller"}),
    "POST /account/mfa/challenges": (10, {"url+caller"}),
    "PUT /account/mfa/challenge": (10, {"url+challengeId"}),
    "PUT /account/mfa/challenges": (10, {"url+challengeId"}),
    "GET /account/sessions/oauth2/{provider}": (50, {"ip"}),
    "GET /account/sessions/oauth2/{provider}/redirect": (50, {"ip"}),
    "GET /account/tokens/oauth2/{provider}": (50, {"ip"}),
    "GET /account/tokens/oauth2/{provider}/redirect": (50, {"ip"}),
    "POST /teams/{teamId}/memberships": (10, {"url+ip"}),
    "POST /auth/magic-url": (10, {"ip+userId"}),  # our page for it: counts as the exchange
}

SIGN_IN = (per(10, "url+email+ip") | per(100, "url+ip")).rules
"""Where we differ on purpose: by the address alone, anybody could lock somebody out."""

ROUTES = {f"{e.method} {e.path.removeprefix('/v1')}": e for e in TABLE}


@pytest.mark.parametrize("route", PUBLISHED)
def test_the_published_number_of(route: str) -> None:
    endpoint, (count, keys) = ROUTES[route], PUBLISHED[route]
    assert endpoint.limit is not None
    assert endpoint.limit.count == count
    if endpoint.name == "create_email_password_session":
        assert endpoint.limit.rules == SIGN_IN
    else:
        assert endpoint.limit.rules == tuple((count, key) for _, key in endpoint.limit.rules)
        assert {key for _, key in endpoint.limit.rules} == keys


def test_nothing_else_is_limited() -> None:
    assert {route for route, e in ROUTES.items() if e.limit is not None} == set(PUBLISHED)


def test_every_key_of_a_limit_names_something_that_is_known() -> None:
    for endpoint in TABLE:
        if endpoint.limit is not None:
            known = {"url", "ip", "caller"} | {argument.wire for argument in endpoint.arguments}
            for _, key in endpoint.limit.rules:
                assert set(key.split("+")) <= known, endpoint.path


def test_the_setting_knows_every_limited_endpoint() -> None:
    assert sorted({e.name for e in TABLE if e.limit is not None}) == list(LIMITED)


# -- how they work --


def test_ten_sign_ins_then_429_with_a_wait(limited: Api) -> None:
    email = address()
    for left in range(9, -1, -1):
        answer = attempt(limited, email)
        assert (answer.status, answer.type) == (401, "user_invalid_credentials")
        assert answer.headers["x-ratelimit-limit"] == "10"
        assert answer.headers["x-ratelimit-remaining"] == str(left)
    answer = attempt(limited, email.upper())  # another case is the same address
    assert (answer.status, answer.type) == (429, "general_rate_limit_exceeded")
    assert answer.headers["x-ratelimit-limit"] == "10"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    wait = int(answer.headers["retry-after"])
    assert 0 < wait <= 3600
    assert abs(int(answer.headers["x-ratelimit-reset"]) - time.time() - wait) < 3
    assert "Wait" in answer.json["message"]
    assert attempt(limited, address()).status == 401  # others are not refused


def test_the_headers_tell_of_the_number_that_is_exhausted(project_with: Callable[..., Api]) -> None:
    settle()
    api = project_with(rateLimits="true", rateLimitCounts="create_email_password_session=1")
    for _ in range(10):  # one an address, and ten from one machine
        answer = attempt(api, address())
        assert answer.status == 401
        told = (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"])
        assert told == ("1", "0")
    refused = attempt(api, address())
    assert refused.status == 429
    assert refused.headers.get_list("x-ratelimit-limit") == ["10"]
    assert refused.headers.get_list("x-ratelimit-remaining") == ["0"]


def test_a_project_chooses_its_own_numbers(project_with: Callable[..., Api]) -> None:
    settle()
    api = project_with(rateLimits="true", rateLimitCounts="create=2,create_anonymous_session=0")
    for left in (1, 0):
        body = {"userId": "unique()", "email": address(), "password": GOOD}
        answer = api.call("POST", "/account", body, key=False)
        assert (answer.status, answer.headers["x-ratelimit-remaining"]) == (201, str(left))
    assert api.call("POST", "/account", body, key=False).status == 429
    free = api.call("POST", "/account/sessions/anonymous", key=False)
    assert free.status == 201
    assert "x-ratelimit-limit" not in free.headers


@pytest.mark.parametrize(("count", "rules"), [
    (None, ((10, "a"), (100, "b"))), (5, ((5, "a"), (50, "b"))), (1, ((1, "a"), (10, "b"))),
])  # fmt: skip
def test_further_numbers_change_in_proportion(count: int | None, rules: Any) -> None:
    found = adjusted(per(10, "a") | per(100, "b"), count)
    assert found is not None
    assert found.rules == rules
    assert adjusted(found, 0) is None


@pytest.mark.parametrize(("value", "word"), [
    ("creat_recovery=5", "creat_recovery is no limited endpoint"), ("create_recovery", "such as"),
    ("create_recovery=-1", "such as"), ("create_recovery=x", "such as"), ("=", "such as"),
    ("create_recovery=1000001", "such as"),
])  # fmt: skip
def test_unknown_limits_are_refused_in_a_sentence(api: Api, value: str, word: str) -> None:
    done = api.server.cli("project", "set", "default", f"rateLimitCounts={value}")
    assert done.returncode == 1
    assert done.stderr.startswith("usherd: rateLimitCounts must be ")
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_keys_are_not_counted_but_told(limited: Api) -> None:
    body = {"userId": "unique()", "email": "x", "password": GOOD}
    for _ in range(12):
        body["email"] = address()
        answer = limited.call("POST", "/account", body)
        assert answer.status == 201
    assert answer.headers["x-ratelimit-remaining"] == "9"


def test_limits_are_off_where_the_project_wants_that(api: Api) -> None:
    email = address()
    for _ in range(12):
        answer = attempt(api, email)
        assert answer.status == 401
    assert "x-ratelimit-limit" not in answer.headers


def test_projects_are_counted_apart(limited: Api, project_with: Callable[..., Api]) -> None:
    email = address()
    for _ in range(11):
        last = attempt(limited, email)
    assert last.status == 429
    assert attempt(project_with(rateLimits="true"), email).status == 401


def test_counting_is_exact_under_concurrency(limited: Api) -> None:
    body = {"userId": "unique()", "password": GOOD}

    def one(_: int) -> int:
        return limited.call("POST", "/account", body | {"email": address()}, key=False).status

    with ThreadPoolExecutor(15) as pool:
        found = sorted(pool.map(one, range(15)))
    assert found == [201] * 10 + [429] * 5


def test_servers_of_one_postgres_database_share_the_counts(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    settle()
    database, env = new_database("postgres"), {"USHERD_RATE_LIMITS": "true"}
    one = Server(database, tmp_path, env, args=("--workers", "2")).start()
    other = Server(database, tmp_path, env).start()
    try:
        email, headers = address(), {"X-Appwrite-Project": "default"}
        left = []
        for at in range(12):  # a connection each: it falls to either worker
            server = (one, other)[at % 2]
            answer = httpx.post(f"{server.endpoint}/account/sessions/email", headers=headers,
                                json={"email": email, "password": GOOD})  # fmt: skip
            left.append((answer.status_code, answer.headers["x-ratelimit-remaining"]))
        assert left == [(401, str(n)) for n in range(9, -1, -1)] + [(429, "0")] * 2
    finally:
        one.stop()
        other.stop()


# -- an account under attack --


def behind(ip: str) -> dict[str, str]:
    return {"X-Forwarded-For": ip}


@pytest.fixture
def proxied(
    engine: str, new_database: Callable[[str], str], tmp_path: Path, mailbox: Mailbox
) -> Any:
    """A server that believes this machine when it forwards, and counts."""
    settle()
    env = {"USHERD_RATE_LIMITS": "true", "USHERD_TRUSTED_PROXIES": "127.0.0.0/8"}
    server = Server(new_database(engine), tmp_path, env).start()
    with httpx.Client(timeout=30) as http:
        yield Api(server, http, "default", server.key)
    server.stop()


def test_strangers_take_turns_and_the_owner_walks_in(proxied: Api) -> None:
    if time.time() % 60 > 50:  # the strangers' window is a minute
        time.sleep(11)
    email, home = address(), behind("198.51.100.1")
    proxied.call("POST", "/account", {"userId": "unique()", "email": email, "password": GOOD})
    assert attempt(proxied, email, GOOD, headers=home).status == 201
    found = [attempt(proxied, email, headers=behind(f"203.0.113.{at // 7 + 1}")).status
             for at in range(32)]  # fmt: skip
    assert found[:20] == [401] * 20
    assert set(found[20:26]) == {401}  # six strangers a minute
    assert set(found[26:]) == {429}
    slowed = attempt(proxied, email, headers=behind("203.0.113.200"))
    assert (slowed.status, slowed.type) == (429, "general_rate_limit_exceeded")
    assert int(slowed.headers["retry-after"]) <= 60
    assert attempt(proxied, email, GOOD, headers=home).status == 201  # never locked out
    assert attempt(proxied, address(), headers=behind("203.0.113.200")).status == 401


def test_one_machine_tries_a_hundred_accounts_an_hour(proxied: Api) -> None:
    thief = behind("203.0.113.9")
    body = {"password": "short"}  # what cannot be read is not counted
    for _ in range(3):
        answer = proxied.call("POST", "/account/sessions/email", body, key=False, headers=thief)
        assert answer.status == 400
    for _ in range(100):
        assert attempt(proxied, address(), headers=thief).status == 401
    refused = attempt(proxied, address(), headers=thief)
    assert (refused.status, refused.headers["x-ratelimit-limit"]) == (429, "100")
    assert attempt(proxied, address(), headers=behind("203.0.113.10")).status == 401


def test_a_network_of_ipv6_counts_as_one_address(proxied: Api) -> None:
    def sign_up(ip: str) -> int:
        body = {"userId": "unique()", "email": address(), "password": GOOD}
        return proxied.call("POST", "/account", body, key=False, headers=behind(ip)).status

    found = [sign_up(f"2001:db8:0:1::{at}") for at in range(1, 12)]
    assert found == [201] * 10 + [429]
    assert sign_up("2001:db8:0:2::1") == 201


def test_the_address_is_the_right_most_that_is_no_proxy(proxied: Api) -> None:
    def seen(forwarded: str) -> str:
        made = proxied.call("POST", "/account/sessions/anonymous", key=False,
                            headers=behind(forwarded))  # fmt: skip
        return str(made.json["ip"])

    assert seen("198.51.100.7") == "198.51.100.7"
    assert seen("6.6.6.6, 198.51.100.7, 127.0.0.9") == "198.51.100.7"
    assert seen("nonsense") == "127.0.0.1"
