"""Sessions of people: cookies, how long they last, and what ends them at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Api, Mailbox, Person, Response, Server, unique
from usherd.api.signing_in import cookie_domain

GOOD = "correct horse battery"
NEW = "another horse entirely"


def address() -> str:
    return f"{unique('m')}@example.org"


def sign_up(api: Api, email: str) -> Person:
    body = {"userId": "unique()", "email": email, "password": GOOD}
    assert api.call("POST", "/account", body, key=False).status == 201
    return api.sign_in(email, GOOD)


def sign_in(api: Api, email: str, **headers: str) -> Response:
    body = {"email": email, "password": GOOD}
    return api.call("POST", "/account/sessions/email", body, key=False, headers=headers)


@pytest.fixture
def email(api: Api) -> str:
    found = address()
    sign_up(api, found)
    return found


# -- cookies --


def cookies(answer: Response) -> dict[str, dict[str, str]]:
    """The cookies of an answer: name to attributes, the value among them."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        first, *rest = line.split("; ")
        name, _, value = first.partition("=")
        pairs = (part.partition("=") for part in rest)
        found[name] = {"value": value, **{key.lower(): text for key, _, text in pairs}}
    return found


def test_two_cookies_without_encryption_and_a_domain(api: Api, email: str) -> None:
    answer = sign_in(api, email)
    found = cookies(answer)
    assert set(found) == {"a_session_default", "a_session_default_legacy"}
    modern, legacy = found["a_session_default"], found["a_session_default_legacy"]
    assert modern["samesite"] == "None"
    assert modern == legacy | {"samesite": "None"}
    assert {"path", "httponly", "expires", "max-age", "value"} == set(legacy)
    assert legacy["path"] == "/"
    assert "=" not in legacy["value"]  # percent-encoded
    expires = datetime.strptime(legacy["expires"], "%a, %d %b %Y %H:%M:%S GMT")
    assert f"{expires:%Y-%m-%dT%H:%M:%S}" == answer.json["expire"][:19]
    assert abs(int(legacy["max-age"]) - 31_536_000) <= 2


def test_cookies_are_lower_case_and_read_in_any_form(project_with: Callable[..., Api]) -> None:
    api = project_with()
    made = sign_up(api, address())
    name = f"a_session_{api.project}"
    for headers in ({"Cookie": f"{name}_legacy={made.secret}"}, {"Cookie": f'{name}="{made.secret}"'},
                    {"Cookie": f"x=y; {name}={made.secret.replace('=', '%3D')}"},
                    {"X-Fallback-Cookies": json.dumps({name: made.secret})}):  # fmt: skip
        assert api.call("GET", "/account", key=False, headers=headers).status == 200, headers


def test_the_fallback_is_for_pages_that_cookies_do_not_reach(api: Api, email: str) -> None:
    def told(host: str, origin: str) -> bool:
        answer = sign_in(api, email, Host=host, Origin=origin)
        assert answer.status == 201, answer.json
        return "x-fallback-cookies" in answer.headers

    assert told("localhost:1", "http://localhost:3000")
    assert told("127.0.0.1", "http://localhost")
    assert not told("api.example.org", "http://api.example.org")
    answer = sign_in(api, email, Host="api.example.org", Origin="http://localhost")
    assert "x-fallback-cookies" in answer.headers
    assert cookies(answer)["a_session_default"]["domain"] == ".api.example.org"


@pytest.mark.parametrize(("host", "domain"), [
    ("localhost", ""), ("localhost:8080", ""), ("127.0.0.1:80", ""), ("[::1]:80", ""), ("usherd", ""),
    ("api.example.org", ".api.example.org"), ("API.Example.org:443", ".api.example.org"),
    ("", ""), ("a b.example.org", ""), ("x;domain=evil.org", ""), ("1.2.3.4.5", ""),
])  # fmt: skip
def test_the_domain_of_a_cookie(host: str, domain: str) -> None:
    assert cookie_domain(host) == domain


def test_cookies_are_secure_behind_a_proxy_that_ends_tls(
    engine: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    server = Server(new_database(engine), tmp_path, {"USHERD_TRUSTED_PROXIES": "127.0.0.0/8"})
    server.start()
    try:
        with httpx.Client(timeout=30) as http:
            api = Api(server, http, "default", server.key)
            email = address()
            sign_up(api, email)
            plain = cookies(sign_in(api, email))
            assert all("secure" not in cookie for cookie in plain.values())
            proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example.org",
                       "Origin": "https://api.example.org"}  # fmt: skip
            answer = sign_in(api, email, **proxied)
            assert answer.status == 201, answer.json
            found = cookies(answer)
            assert all("secure" in cookie for cookie in found.values())
            assert {cookie["domain"] for cookie in found.values()} == {".api.example.org"}
            assert "x-fallback-cookies" not in answer.headers
            assert answer.headers["strict-transport-security"]
    finally:
        server.stop()


def test_signing_out_takes_the_cookies_away(api: Api, email: str) -> None:
    one = api.sign_in(email, GOOD)
    other = api.sign_in(email, GOOD)
    theirs = other.call("GET", "/account/sessions/current").json["$id"]
    elsewhere = one.call("DELETE", f"/account/sessions/{theirs}")
    assert "set-cookie" not in elsewhere.headers  # one's own stay
    assert "x-fallback-cookies" not in elsewhere.headers
    gone = one.call("DELETE", "/account/sessions/current")
    assert {c["value"] for c in cookies(gone).values()} == {""}
    assert {c["max-age"] for c in cookies(gone).values()} == {"0"}
    assert gone.headers["x-fallback-cookies"] == "[]"


# -- how long they last --


def seconds_left(session: dict[str, Any]) -> float:
    expire = datetime.fromisoformat(session["expire"])
    return (expire - datetime.now(expire.tzinfo)).total_seconds()


def test_only_an_update_lets_a_session_last_longer(project_with: Callable[..., Api]) -> None:
    api = project_with(sessionDuration=3)
    mira = sign_up(api, address())
    first = mira.call("GET", "/account/sessions/current").json
    time.sleep(1.5)
    assert mira.call("GET", "/account").status == 200
    assert mira.call("GET", "/account/sessions/current").json["expire"] == first["expire"]
    longer = mira.call("PATCH", "/account/sessions/current").json
    assert longer["expire"] > first["expire"]
    time.sleep(2)
    assert mira.call("GET", "/account").status == 200  # later than it would have ended
    time.sleep(1.5)
    assert mira.call("GET", "/account").type == "general_unauthorized_scope"


def test_a_session_that_has_ended_does_not_come_back(project_with: Callable[..., Api]) -> None:
    api = project_with(sessionDuration=2)
    email = address()
    sign_up(api, email)
    time.sleep(1.2)
    newer = api.sign_in(email, GOOD)
    old = newer.call("GET", "/account/sessions").json["sessions"][0]
    assert not old["current"]
    time.sleep(1)
    refused = newer.call("PATCH", f"/account/sessions/{old['$id']}")
    assert (refused.status, refused.type) == (404, "user_session_not_found")


def test_a_new_session_drops_the_oldest(project_with: Callable[..., Api]) -> None:
    api = project_with(sessionLimit=2)
    email = address()
    people = [sign_up(api, email), api.sign_in(email, GOOD), api.sign_in(email, GOOD)]
    assert [p.call("GET", "/account").status for p in people] == [401, 200, 200]


# -- what ends them at once --


def test_blocking_and_deletion_count_from_the_next_request(api: Api, email: str) -> None:
    mira = api.sign_in(email, GOOD)
    me = mira.call("GET", "/account").json["$id"]
    bearer = {"X-Appwrite-JWT": mira.call("POST", "/account/jwts").json["jwt"]}
    for status, found in ((False, 401), (True, 200)):
        assert api.call("PATCH", f"/users/{me}/status", {"status": status}).status == 200
        assert mira.call("GET", "/account").status == found
        assert api.call("GET", "/account", key=False, headers=bearer).status == found
    assert api.call("DELETE", f"/users/{me}").status == 204
    assert mira.call("GET", "/account").type == "general_unauthorized_scope"
    gone = api.call("GET", "/account", key=False, headers=bearer)
    assert gone.type == "general_unauthorized_scope"


def test_a_recovered_password_can_end_every_session(
    project_with: Callable[..., Api], mailbox: Mailbox
) -> None:
    api = project_with(sessionInvalidation="true")
    email = address()
    mira = sign_up(api, email)
    api.call("POST", "/account/recovery", {"email": email, "url": "http://localhost/r"}, key=False)
    link = mailbox.link(email)
    body = {"userId": link["userId"], "secret": link["secret"], "password": NEW}
    assert api.call("PUT", "/account/recovery", body, key=False).status == 200
    assert mira.call("GET", "/account").status == 401


# -- a JWT has no session of its own --

NEEDS_A_SESSION = [
    ("DELETE", "/account", None, "user_session_not_found"),
    ("POST", "/account/jwts", None, "user_session_not_found"),
    ("GET", "/account/sessions/current", None, "user_session_not_found"),
    ("PATCH", "/account/sessions/current", None, "user_session_not_found"),
    ("DELETE", "/account/sessions/current", None, "user_session_not_found"),
    ("PATCH", "/account/mfa", {"mfa": True}, "user_session_not_found"),
    ("PUT", "/account/mfa/authenticators/totp", {"otp": "1"}, "user_session_not_found"),
    ("DELETE", "/account/mfa/authenticators/totp", None, "user_challenge_required"),
    ("POST", "/account/mfa/challenge", {"factor": "totp"}, "user_session_not_found"),
    ("PUT", "/account/mfa/challenge", {"challengeId": "x", "otp": "1"}, "user_session_not_found"),
    ("GET", "/account/mfa/recovery-codes", None, "user_challenge_required"),
    ("PATCH", "/account/mfa/recovery-codes", None, "user_challenge_required"),
    ("POST", "/account/targets/push", {"targetId": "x", "identifier": "y"}, "user_session_not_found"),
]  # fmt: skip


def test_a_jwt_cannot_do_what_needs_a_session(api: Api, email: str) -> None:
    mira = api.sign_in(email, GOOD)
    bearer = {"X-Appwrite-JWT": mira.call("POST", "/account/jwts").json["jwt"]}
    for method, path, body, type_ in NEEDS_A_SESSION:
        answer = api.call(method, path, body, key=False, headers=bearer)
        assert (answer.status in (401, 404), answer.type) == (True, type_), path
    for method, path, body in [("GET", "/account/sessions", None), ("GET", "/account/logs", None),
                               ("PATCH", "/account/name", {"name": "J"}),
                               ("GET", "/account/mfa/factors", None),
                               ("POST", "/account/mfa/recovery-codes", None)]:  # fmt: skip
        assert api.call(method, path, body, key=False, headers=bearer).status < 300, path
    listed = api.call("GET", "/account/sessions", key=False, headers=bearer).json["sessions"]
    assert not any(session["current"] for session in listed)


# -- alerts --


def test_links_and_codes_by_mail_alert_nobody(
    project_with: Callable[..., Api], mailbox: Mailbox
) -> None:
    api = project_with(sessionAlerts="true")
    email = address()
    mira = sign_up(api, email)
    user_id = mira.call("GET", "/account").json["$id"]
    for path in ("/account/tokens/email", "/account/tokens/magic-url"):
        token = api.call("POST", path, {"userId": "x", "email": email}).json
        exchange = {"userId": user_id, "secret": token["secret"]}
        assert api.call("POST", "/account/sessions/token", exchange, key=False).status == 201
    token = api.call("POST", f"/users/{user_id}/tokens").json  # neither link nor mailed code
    exchange = {"userId": user_id, "secret": token["secret"]}
    assert api.call("POST", "/account/sessions/token", exchange, key=False).status == 201
    mailbox.wait(email, 3)
    kinds = [mail["Subject"] for mail in mailbox.mails[email]]
    assert len(kinds) == 3
    assert [("code" in kind.lower(), "sign in to" in kind.lower()) for kind in kinds[:2]]
    assert sum("new" in kind.lower() for kind in kinds) == 1, kinds


def test_who_has_no_address_is_alerted_nowhere(project_with: Callable[..., Api]) -> None:
    api = project_with(sessionAlerts="true")
    user = api.user()
    for _ in range(2):
        token = api.call("POST", f"/users/{user['$id']}/tokens").json
        exchange = {"userId": user["$id"], "secret": token["secret"]}
        assert api.call("POST", "/account/sessions/token", exchange, key=False).status == 201
