"""Sessions, tokens, JWTs and second factors that the server hands out, and their use."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet

from tests.conftest import Api, unique


def signed_in(api: Api, user_id: str) -> dict[str, str]:
    """Headers of a new session of the user."""
    made = api.call("POST", f"/users/{user_id}/sessions")
    assert made.status == 201
    return {"X-Appwrite-Session": made.json["secret"]}


# -- sessions --


def test_a_session_made_by_the_server_works_by_header_cookie_and_fallback(api: Api) -> None:
    user = api.user(email=f"{unique()}@x.org")
    made = api.call("POST", f"/users/{user['$id']}/sessions").json
    secret = made["secret"]
    parts = json.loads(base64.b64decode(secret))
    assert parts["id"] == user["$id"]
    assert len(parts["secret"]) == 256
    assert made["provider"] == "server"
    assert made["factors"] == ["server"]
    assert made["current"] is False
    cookie = f"a_session_{api.project}"
    for headers in (
        {"X-Appwrite-Session": secret},
        {"Cookie": f"{cookie}={secret.replace('=', '%3D')}"},
        {"Cookie": f"{cookie}_legacy={secret}"},
        {"X-Fallback-Cookies": json.dumps({cookie: secret})},
    ):
        account = api.call("GET", "/account", headers=headers, key=False)
        assert account.status == 200, headers
        assert account.json["$id"] == user["$id"]
        assert "password" not in account.json


@pytest.mark.parametrize("secret", [
    "x", "e30=", base64.b64encode(b'{"id":"a","secret":"b"}').decode(), "ü", "A" * 2000,
    base64.b64encode(b"[" * 3000).decode(),
])  # fmt: skip
def test_a_session_that_opens_nothing_is_a_guest(api: Api, secret: str) -> None:
    headers: Any = {"X-Appwrite-Session": secret.encode()}
    refused = api.call("GET", "/account", headers=headers, key=False)
    assert (refused.status, refused.type) == (401, "general_unauthorized_scope")


@pytest.mark.parametrize("cookies", ["[]", "{}", "garbage", "[" * 5000, '{"a_session_default":5}'])
def test_fallback_cookies_may_be_garbage(api: Api, cookies: str) -> None:
    headers = {"X-Fallback-Cookies": cookies}
    assert api.call("GET", "/account", headers=headers, key=False).status == 401


def test_listed_sessions_hide_their_secrets(api: Api) -> None:
    user = api.user()
    for _ in range(2):
        signed_in(api, user["$id"])
    listed = api.call("GET", f"/users/{user['$id']}/sessions").json
    assert listed["total"] == 2
    assert [s["secret"] for s in listed["sessions"]] == ["", ""]
    assert [s["current"] for s in listed["sessions"]] == [False, False]


def test_deleted_sessions_open_nothing(api: Api) -> None:
    user, other = api.user(), api.user()
    path = f"/users/{user['$id']}/sessions"
    first, second = signed_in(api, user["$id"]), signed_in(api, user["$id"])
    ids = [s["$id"] for s in api.call("GET", path).json["sessions"]]
    foreign = api.call("DELETE", f"/users/{other['$id']}/sessions/{ids[0]}")
    assert (foreign.status, foreign.type) == (404, "user_session_not_found")
    assert api.call("DELETE", f"{path}/{ids[0]}").status == 204
    assert api.call("GET", "/account", headers=first, key=False).status == 401
    assert api.call("GET", "/account", headers=second, key=False).status == 200
    assert api.call("DELETE", path).status == 204
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", "/account", headers=second, key=False).status == 401


def test_the_session_limit_drops_the_oldest(project_with: Callable[..., Api]) -> None:
    api = project_with(sessionLimit=2)
    user = api.user()
    headers = [signed_in(api, user["$id"]) for _ in range(3)]
    states = [api.call("GET", "/account", headers=h, key=False).status for h in headers]
    assert states == [401, 200, 200]


def test_a_session_ends_when_its_time_is_over(project_with: Callable[..., Api]) -> None:
    api = project_with(sessionDuration=1)
    user = api.user()
    headers = signed_in(api, user["$id"])
    assert api.call("GET", "/account", headers=headers, key=False).status == 200
    time.sleep(1.1)
    assert api.call("GET", "/account", headers=headers, key=False).status == 401


def test_a_session_of_another_project_is_a_guest(
    api: Api, project_with: Callable[..., Api]
) -> None:
    other = project_with()
    name = unique()
    for one in (api, other):
        assert one.call("POST", "/users", {"userId": name}).status == 201
    headers = signed_in(api, name)
    assert other.call("GET", "/account", headers=headers, key=False).status == 401


def test_email_sign_in_sets_cookies(api: Api) -> None:
    name = unique()
    api.user(email=f"{name}@x.org", password="correct horse")
    made = api.call("POST", "/account/sessions/email",
                    {"email": f"{name.upper()}@x.org", "password": "correct horse"}, key=False,
                    headers={"Origin": "http://localhost:3000"})  # fmt: skip
    assert made.status == 201
    assert made.json["secret"] == ""
    assert made.json["current"] is True
    assert made.json["provider"] == "email"
    assert made.json["providerUid"] == f"{name}@x.org"
    assert made.json["factors"] == ["password"]
    legacy, modern = made.headers.get_list("set-cookie")
    assert legacy.startswith(f"a_session_{api.project}_legacy=")
    assert "samesite" not in legacy.lower()
    assert "SameSite=None".lower() in modern.lower()
    assert "httponly" in modern.lower()
    assert "secure" not in modern.lower()
    fallback = json.loads(made.headers["x-fallback-cookies"])
    account = api.call("GET", "/account", key=False,
                       headers={"X-Fallback-Cookies": json.dumps(fallback)})  # fmt: skip
    assert account.json["email"] == f"{name}@x.org"
    logs = api.call("GET", f"/users/{account.json['$id']}/logs").json
    assert [entry["event"] for entry in logs["logs"]] == ["session.create"]


def test_wrong_password_and_unknown_address_are_told_alike(api: Api) -> None:
    name = unique()
    api.user(email=f"{name}@x.org", password="correct horse")
    nobody = api.user(email=f"{unique()}@x.org")
    answers = [
        api.call("POST", "/account/sessions/email", {"email": email, "password": "wrong horse"},
                 key=False).json
        for email in (f"{name}@x.org", f"{unique()}@x.org", nobody["email"])
    ]  # fmt: skip
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["type"] == "user_invalid_credentials"


def test_a_blocked_user_learns_it_only_with_the_right_password(api: Api) -> None:
    user = api.user(email=f"{unique()}@x.org", password="correct horse")
    api.call("PATCH", f"/users/{user['$id']}/status", {"status": False})
    types = [
        api.call("POST", "/account/sessions/email", {"email": user["email"], "password": password},
                 key=False).type
        for password in ("wrong horse", "correct horse")
    ]  # fmt: skip
    assert types == ["user_invalid_credentials", "user_blocked"]


def test_who_has_a_session_cannot_make_another(api: Api) -> None:
    user = api.user(email=f"{unique()}@x.org", password="correct horse")
    headers = signed_in(api, user["$id"])
    refused = api.call("POST", "/account/sessions/email", key=False, headers=headers,
                       body={"email": user["email"], "password": "correct horse"})  # fmt: skip
    assert (refused.status, refused.type) == (401, "user_session_already_exists")


def test_a_switched_off_method_is_501(project_with: Callable[..., Api]) -> None:
    api = project_with(emailPassword="false")
    refused = api.call("POST", "/account/sessions/email",
                       {"email": "a@x.org", "password": "correct horse"}, key=False)  # fmt: skip
    assert (refused.status, refused.type) == (501, "user_auth_method_unsupported")


def test_browsers_are_recognised(api: Api) -> None:
    user = api.user()
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    deadline = time.monotonic() + 30
    while True:  # the detector takes a moment to start; until it knows, fields are empty
        made = api.call("POST", f"/users/{user['$id']}/sessions",
                        headers={"X-Forwarded-User-Agent": agent}).json  # fmt: skip
        if made["clientName"] or time.monotonic() > deadline:
            break
    assert made["clientType"] == "browser"
    assert (made["clientCode"], made["clientName"]) == ("FF", "Firefox")
    assert (made["osCode"], made["osName"]) == ("LIN", "GNU/Linux")
    assert made["deviceName"] == "desktop"


# -- tokens --


def test_a_token_is_exchanged_once(api: Api) -> None:
    user = api.user()
    made = api.call("POST", f"/users/{user['$id']}/tokens", {}).json
    assert len(made["secret"]) == 6
    assert made["phrase"] == ""
    assert list(made) == ["$id", "$createdAt", "userId", "secret", "expire", "phrase"]
    body = {"userId": user["$id"], "secret": made["secret"]}
    session = api.call("POST", "/account/sessions/token", body, key=False)
    assert session.status == 201
    assert (session.json["provider"], session.json["factors"]) == ("token", ["token"])
    again = api.call("PUT", "/account/sessions/token", body, key=False)
    assert (again.status, again.type) == (401, "user_invalid_token")


def test_put_exchanges_too(api: Api) -> None:
    user = api.user()
    secret = api.call("POST", f"/users/{user['$id']}/tokens", {"length": 128}).json["secret"]
    assert len(secret) == 128
    body = {"userId": user["$id"], "secret": secret}
    assert api.call("PUT", "/account/sessions/token", body, key=False).status == 201


@pytest.mark.parametrize("body", [{"length": 3}, {"length": 129}, {"expire": 59}, {"length": "x"},
                                  {"expire": 31_536_001}, {"length": 4.5}, {"length": True}])  # fmt: skip
def test_token_bounds(api: Api, body: dict[str, Any]) -> None:
    user = api.user()
    assert api.call("POST", f"/users/{user['$id']}/tokens", body).status == 400


def test_a_blocked_user_cannot_exchange_and_keeps_the_token(api: Api) -> None:
    user = api.user()
    secret = api.call("POST", f"/users/{user['$id']}/tokens", {}).json["secret"]
    body = {"userId": user["$id"], "secret": secret}
    api.call("PATCH", f"/users/{user['$id']}/status", {"status": False})
    assert api.call("POST", "/account/sessions/token", body, key=False).type == "user_blocked"
    api.call("PATCH", f"/users/{user['$id']}/status", {"status": True})
    assert api.call("POST", "/account/sessions/token", body, key=False).status == 201


# -- JWTs --


def test_a_jwt_is_verified_offline_by_the_published_key(api: Api) -> None:
    user = api.user()
    token = api.call("POST", f"/users/{user['$id']}/jwts", {"duration": 60}).json["jwt"]
    url = f"{api.server.endpoint}/.well-known/jwks.json?project={api.project}"
    keys = KeySet.import_key_set(httpx.get(url).json())
    found = jose.decode(token, keys, algorithms=["ES256"])
    assert list(found.claims) == ["userId", "sessionId", "exp", "sub", "iss", "aud", "iat"]
    assert found.claims["sub"] == found.claims["userId"] == user["$id"]
    assert found.claims["aud"] == api.project
    assert found.claims["exp"] - found.claims["iat"] == 60
    assert found.claims["sessionId"] == ""
    assert "d" not in httpx.get(url).json()["keys"][0]
    account = api.call("GET", "/account", headers={"X-Appwrite-JWT": token}, key=False)
    assert account.json["$id"] == user["$id"]


def test_a_jwt_dies_with_its_session(api: Api) -> None:
    user = api.user()
    path = f"/users/{user['$id']}"
    signed_in(api, user["$id"])
    session = api.call("GET", path + "/sessions").json["sessions"][0]["$id"]
    tokens = [
        api.call("POST", path + "/jwts", body).json["jwt"]
        for body in ({}, {"sessionId": "recent"}, {"sessionId": session})
    ]
    unbound = api.call("POST", path + "/jwts", {"sessionId": "unknown"}).json["jwt"]
    api.call("DELETE", f"{path}/sessions/{session}")
    for token in tokens:
        headers = {"X-Appwrite-JWT": token}
        assert api.call("GET", "/account", headers=headers, key=False).status == 401
    headers = {"X-Appwrite-JWT": unbound}
    assert api.call("GET", "/account", headers=headers, key=False).status == 200


@pytest.mark.parametrize("change", ["expired", "foreign", "garbage", "none", "tampered"])
def test_a_bad_jwt_is_told(api: Api, project_with: Callable[..., Api], change: str) -> None:
    user = api.user()
    body = {"duration": 0} if change == "expired" else {}
    token = api.call("POST", f"/users/{user['$id']}/jwts", body).json["jwt"]
    head, claims, signature = token.split(".")
    if change == "foreign":
        other = project_with()
        other.call("POST", "/users", {"userId": user["$id"]})
        token = other.call("POST", f"/users/{user['$id']}/jwts", {}).json["jwt"]
    elif change == "garbage":
        token = "a.b"
    elif change == "none":
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        token = f"{none}.{claims}."
    elif change == "tampered":
        token = f"{head}.{claims}.{'A' * len(signature)}"
    refused = api.call("GET", "/account", headers={"X-Appwrite-JWT": token}, key=False)
    assert (refused.status, refused.type) == (401, "user_jwt_invalid")


# -- second factors --


def test_recovery_codes(api: Api) -> None:
    user = api.user()
    path = f"/users/{user['$id']}/mfa/recovery-codes"
    assert api.call("GET", path).type == "user_recovery_codes_not_found"
    assert api.call("PUT", path).type == "user_recovery_codes_not_found"
    made = api.call("PATCH", path)
    assert made.status == 201
    codes = made.json["recoveryCodes"]
    assert len(set(codes)) == 6
    assert all(len(code) == 10 and int(code, 16) >= 0 for code in codes)
    assert api.call("GET", path).json["recoveryCodes"] == codes
    assert api.call("PATCH", path).type == "user_recovery_codes_already_exists"
    renewed = api.call("PUT", path)
    assert renewed.status == 200
    assert not set(renewed.json["recoveryCodes"]) & set(codes)


def test_factors_and_the_gate(api: Api) -> None:
    user = api.user(email=f"{unique()}@x.org")
    path = f"/users/{user['$id']}"
    headers = signed_in(api, user["$id"])
    assert api.call("GET", path + "/mfa/factors").json == {
        "totp": False, "phone": False, "email": False, "recoveryCode": False, "custom": False,
    }  # fmt: skip
    assert api.call("PATCH", path + "/mfa", {"mfa": True}).json["mfa"] is True
    assert api.call("GET", "/account", headers=headers, key=False).status == 200
    api.call("PATCH", path + "/verification", {"emailVerification": True})
    assert api.call("GET", path + "/mfa/factors").json["email"] is True
    refused = api.call("GET", "/account", headers=headers, key=False)
    assert (refused.status, refused.type) == (401, "user_more_factors_required")
    token = api.call("POST", path + "/jwts", {}).json["jwt"]
    assert api.call("GET", "/account", headers={"X-Appwrite-JWT": token}, key=False).status == 200


def test_an_authenticator_that_is_not_there(api: Api) -> None:
    user = api.user()
    path = f"/users/{user['$id']}/mfa/authenticators"
    assert api.call("DELETE", path + "/totp").type == "user_authenticator_not_found"
    assert api.call("DELETE", path + "/TOTP").type == "user_authenticator_not_found"
    assert api.call("DELETE", path + "/sms").type == "general_argument_invalid"


# -- password policies --


def test_password_history_dictionary_and_personal_data(project_with: Callable[..., Api]) -> None:
    api = project_with(passwordHistory=2, passwordDictionary="true", personalDataCheck="true")
    user = api.user(userId=unique("id"), email="okafor@x.org", name="Mira", password="first pass 1")
    path = f"/users/{user['$id']}/password"

    def change(password: str) -> str:
        answer = api.call("PATCH", path, {"password": password})
        return "ok" if answer.status == 200 else answer.type

    assert change("first pass 1") == "password_recently_used"
    assert change("second pass 2") == "ok"
    assert change("first pass 1") == "password_recently_used"
    assert change("third pass 3") == "ok"
    assert change("first pass 1") == "ok"
    assert change("password") == "general_argument_invalid"
    assert change("xxOKAFORxx") == "password_personal_data"
    assert change(user["$id"]) == "password_personal_data"
    assert change("") == "ok"
    cleared = api.call("GET", f"/users/{user['$id']}").json
    assert cleared["password"] == ""
    body = {"email": "okafor@x.org", "password": "first pass 1"}
    assert api.call("POST", "/account/sessions/email", body, key=False).status == 401
    body = {"userId": "unique()", "email": "ab@x.org", "password": "$1$ab@x.org"}
    assert api.call("POST", "/users/bcrypt", body).status == 201  # a hash is no personal data


def test_imported_passwords_count_in_the_history(project_with: Callable[..., Api]) -> None:
    api = project_with(passwordHistory=3)
    body = {"userId": "ida", "email": "ida@x.org", "password": "144fa7eaa4904e8ee120651997f70dcc"}
    assert api.call("POST", "/users/md5", body).status == 201
    assert api.call("PATCH", "/users/ida/password", {"password": "new password"}).status == 200
    refused = api.call("PATCH", "/users/ida/password", {"password": "appwrite"})
    assert refused.type == "password_recently_used"
