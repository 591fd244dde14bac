"""The Account service: signing up and in, one's own profile and sessions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import Api, Mailbox, Person, Phones, unique

GOOD = "correct horse battery"


def address() -> str:
    return f"{unique('m')}@example.org"


def sign_up(api: Api, email: str | None = None, **more: str) -> Person:
    email = email or address()
    body = {"userId": "unique()", "email": email, "password": GOOD, **more}
    answer = api.call("POST", "/account", body, key=False)
    assert answer.status == 201, answer.json
    return api.sign_in(email, GOOD)


@pytest.fixture
def mira(api: Api) -> Person:
    return sign_up(api, name="Mira")


# -- signing up --


def test_sign_up_sign_in_and_look(api: Api) -> None:
    email = address()
    made = api.call("POST", "/account", key=False, body={
        "userId": "unique()", "email": email.upper(), "password": GOOD, "name": "Mira",
    })  # fmt: skip
    assert made.status == 201
    assert "set-cookie" not in made.headers
    assert (made.json["email"], made.json["emailVerification"]) == (email, False)
    assert made.json["accessedAt"]
    assert [t["identifier"] for t in made.json["targets"]] == [email]
    assert not {"password", "hash", "hashOptions"} & set(made.json)
    person = api.sign_in(email, GOOD)
    assert person.call("GET", "/account").json["$id"] == made.json["$id"]
    assert api.call("GET", f"/users/{made.json['$id']}").json["email"] == email


def test_taken_ids_and_addresses(api: Api) -> None:
    email = address()
    sign_up(api, email)
    again = {"userId": "unique()", "email": email, "password": GOOD}
    assert api.call("POST", "/account", again, key=False).type == "user_already_exists"
    person = sign_up(api)
    taken = person.call("GET", "/account").json["$id"]
    body = {"userId": taken, "email": address(), "password": GOOD}
    assert api.call("POST", "/account", body, key=False).type == "user_already_exists"


def test_the_user_limit(project_with: Callable[..., Api]) -> None:
    api = project_with(userLimit=2)
    sign_up(api)
    assert api.call("POST", "/account/sessions/anonymous", key=False).status == 201
    for path, body in [
        ("/account", {"userId": "unique()", "email": address(), "password": GOOD}),
        ("/account/sessions/anonymous", {}),
        ("/account/tokens/email", {"userId": "unique()", "email": address()}),
        ("/account/tokens/magic-url", {"userId": "unique()", "email": address()}),
        ("/account/tokens/phone", {"userId": "unique()", "phone": "+4915112340000"}),
    ]:
        assert api.call("POST", path, body, key=False).type == "user_count_exceeded", path
    assert api.call("POST", "/users", {"userId": "unique()"}).status == 201  # not for servers


@pytest.mark.parametrize(("switch", "path", "body"), [
    ("emailPassword", "/account", {"userId": "unique()", "email": "a@b.example", "password": GOOD}),
    ("emailPassword", "/account/sessions/email", {"email": "a@b.example", "password": GOOD}),
    ("anonymous", "/account/sessions/anonymous", {}),
    ("magicURL", "/account/tokens/magic-url", {"userId": "unique()", "email": "a@b.example"}),
    ("emailOtp", "/account/tokens/email", {"userId": "unique()", "email": "a@b.example"}),
    ("phone", "/account/tokens/phone", {"userId": "unique()", "phone": "+4915112345678"}),
])  # fmt: skip
def test_a_method_that_is_switched_off(
    project_with: Callable[..., Api], switch: str, path: str, body: dict[str, str]
) -> None:
    api = project_with(**{switch: "false"})
    answer = api.call("POST", path, body, key=False)
    assert (answer.status, answer.type) == (501, "user_auth_method_unsupported")


# -- profile --


def test_name_preferences_and_what_guests_get(api: Api, mira: Person) -> None:
    assert mira.call("PATCH", "/account/name", {"name": "M"}).json["name"] == "M"
    assert mira.call("PATCH", "/account/name", {"name": ""}).status == 400
    assert mira.call("PATCH", "/account/prefs", {"prefs": {"a": 1}}).json["prefs"] == {"a": 1}
    assert mira.call("GET", "/account/prefs").json == {"a": 1}
    for method, path in [("GET", "/account"), ("PATCH", "/account/name"),
                         ("GET", "/account/sessions"), ("POST", "/account/jwts")]:  # fmt: skip
        answer = api.call(method, path, {"name": "x"} if method != "GET" else None, key=False)
        assert (answer.status, answer.type) == (401, "general_unauthorized_scope")


def test_change_of_email_needs_the_password(api: Api, mira: Person) -> None:
    new = address()
    wrong = mira.call("PATCH", "/account/email", {"email": new, "password": "wrong password"})
    assert (wrong.status, wrong.type) == (401, "user_invalid_credentials")
    done = mira.call("PATCH", "/account/email", {"email": new, "password": GOOD})
    assert (done.json["email"], done.json["emailVerification"]) == (new, False)
    assert [t["identifier"] for t in done.json["targets"]] == [new]
    other = address()
    sign_up(api, other)
    taken = mira.call("PATCH", "/account/email", {"email": other, "password": GOOD})
    assert taken.status in (400, 409)
    again = mira.call("PATCH", "/account/email", {"email": new, "password": GOOD})
    assert again.status == 200


def test_an_anonymous_user_becomes_somebody(api: Api) -> None:
    person = api.person(api.call("POST", "/account/sessions/anonymous", key=False))
    nobody = person.call("GET", "/account").json
    assert (nobody["email"], nobody["name"]) == ("", "")
    email = address()
    done = person.call("PATCH", "/account/email", {"email": email, "password": GOOD})
    assert done.json["email"] == email
    assert [t["identifier"] for t in done.json["targets"]] == [email]
    assert api.sign_in(email, GOOD).call("GET", "/account").json["$id"] == nobody["$id"]


def test_change_of_password(api: Api, mira: Person) -> None:
    email = mira.call("GET", "/account").json["email"]
    new = {"password": "another horse entirely"}
    assert mira.call("PATCH", "/account/password", new).type == "user_invalid_credentials"
    wrong = new | {"oldPassword": "wrong password"}
    assert mira.call("PATCH", "/account/password", wrong).type == "user_invalid_credentials"
    assert mira.call("PATCH", "/account/password", new | {"oldPassword": GOOD}).status == 200
    assert mira.call("GET", "/account").status == 200  # sessions stay
    api.sign_in(email, new["password"])


def test_a_new_password_can_end_the_other_sessions(project_with: Callable[..., Api]) -> None:
    api = project_with(sessionInvalidation="true")
    email = address()
    one, other = sign_up(api, email), api.sign_in(email, GOOD)
    body = {"password": "another horse entirely", "oldPassword": GOOD}
    assert one.call("PATCH", "/account/password", body).status == 200
    assert one.call("GET", "/account").status == 200
    assert other.call("GET", "/account").status == 401


def test_change_of_phone(mira: Person) -> None:
    number = f"+4915{int(unique('')[:8], 16):010d}"[:14]
    done = mira.call("PATCH", "/account/phone", {"phone": number, "password": GOOD})
    assert (done.json["phone"], done.json["phoneVerification"]) == (number, False)


def test_blocking_oneself(api: Api, mira: Person) -> None:
    me = mira.call("GET", "/account").json
    done = mira.call("PATCH", "/account/status")
    assert (done.status, done.json["status"]) == (200, False)
    assert done.headers["x-fallback-cookies"] == "[]"
    assert mira.call("GET", "/account").type == "user_blocked"
    assert api.call("PATCH", f"/users/{me['$id']}/status", {"status": True}).status == 200
    assert mira.call("GET", "/account").status == 200


def test_deleting_oneself(api: Api, mira: Person) -> None:
    me = mira.call("GET", "/account").json
    assert mira.call("DELETE", "/account").status == 204
    assert mira.call("GET", "/account").status == 401
    assert api.call("GET", f"/users/{me['$id']}").status == 404


# -- sessions --


def test_sessions_are_listed_extended_and_ended(api: Api) -> None:
    email = address()
    one, other = sign_up(api, email), api.sign_in(email, GOOD)
    listed = one.call("GET", "/account/sessions").json
    assert listed["total"] == 2
    assert [s["current"] for s in listed["sessions"]] == [True, False]
    assert {s["secret"] for s in listed["sessions"]} == {""}
    first, second = (s["$id"] for s in listed["sessions"])
    assert one.call("GET", "/account/sessions/current").json["$id"] == first
    assert one.call("GET", f"/account/sessions/{second}").json["current"] is False
    longer = one.call("PATCH", "/account/sessions/current").json
    assert longer["expire"] >= listed["sessions"][0]["expire"]
    assert one.call("DELETE", f"/account/sessions/{second}").status == 204
    assert other.call("GET", "/account").status == 401
    ended = one.call("DELETE", "/account/sessions/current")
    assert ended.status == 204
    assert ended.headers["x-fallback-cookies"] == "[]"
    assert one.call("GET", "/account").status == 401


def test_somebody_elses_session_is_not_found(api: Api, mira: Person) -> None:
    other = sign_up(api)
    theirs = other.call("GET", "/account/sessions/current").json["$id"]
    for method in ("GET", "PATCH", "DELETE"):
        answer = mira.call(method, f"/account/sessions/{theirs}")
        assert (answer.status, answer.type) == (404, "user_session_not_found")
    assert other.call("GET", "/account").status == 200


def test_signing_out_everywhere(api: Api) -> None:
    email = address()
    one, other = sign_up(api, email), api.sign_in(email, GOOD)
    assert one.call("DELETE", "/account/sessions").status == 204
    assert one.call("GET", "/account").status == other.call("GET", "/account").status == 401


def test_signing_out_everywhere_but_here(api: Api) -> None:
    email = address()
    one, other = sign_up(api, email), api.sign_in(email, GOOD)
    ended = one.call("DELETE", "/account/sessions", {"current": False})
    assert ended.status == 204
    assert "set-cookie" not in ended.headers
    assert [one.call("GET", "/account").status, other.call("GET", "/account").status] == [200, 401]
    jwt = {"X-Appwrite-JWT": one.call("POST", "/account/jwts").json["jwt"]}
    refused = api.call("DELETE", "/account/sessions", {"current": False}, key=False, headers=jwt)
    assert (refused.status, refused.type) == (404, "user_session_not_found")
    assert one.call("GET", "/account").status == 200


def test_a_jwt_of_ones_own(api: Api, mira: Person) -> None:
    token = mira.call("POST", "/account/jwts").json["jwt"]
    bearer = {"X-Appwrite-JWT": token}
    assert api.call("GET", "/account", key=False, headers=bearer).status == 200
    for method, path in [("POST", "/account/jwts"), ("GET", "/account/sessions/current"),
                         ("PATCH", "/account/sessions/current"),
                         ("DELETE", "/account/sessions/current")]:  # fmt: skip
        answer = api.call(method, path, key=False, headers=bearer)
        assert (answer.status, answer.type) == (404, "user_session_not_found")
    assert mira.call("DELETE", "/account/sessions").status == 204
    assert api.call("GET", "/account", key=False, headers=bearer).status == 401


# -- logs --


def test_the_log_tells_what_one_did_and_what_others_tried(api: Api) -> None:
    email = address()
    mira = sign_up(api, email)
    mira.call("PATCH", "/account/name", {"name": "M"})
    api.call("POST", "/account/sessions/email", {"email": email, "password": "wrong password"},
             key=False)  # fmt: skip
    logs = mira.call("GET", "/account/logs").json
    assert [log["event"] for log in logs["logs"]] == [
        "session.create.failed", "user.update", "session.create", "user.create"
    ]  # fmt: skip
    assert logs["total"] == 4
    assert logs["logs"][0]["ip"] == "127.0.0.1"
    user_id = mira.call("GET", "/account").json["$id"]
    assert api.call("GET", f"/users/{user_id}/logs").json["total"] == 4


# -- without a password --


def test_a_magic_url_signs_up_and_in(api: Api, mailbox: Mailbox) -> None:
    email, user_id = address(), unique()
    body = {"userId": user_id, "email": email.upper(), "url": "http://localhost:3000/in?a=1#x",
            "phrase": True}  # fmt: skip
    token = api.call("POST", "/account/tokens/magic-url", body, key=False).json
    assert (token["userId"], token["secret"]) == (user_id, "")
    assert token["phrase"]
    assert token["phrase"] in mailbox.text(email)
    link = mailbox.link(email)
    assert link["url"].startswith("http://localhost:3000/in?a=1&")
    assert (link["userId"], link["project"]) == (user_id, "default")
    exchange = {"userId": user_id, "secret": link["secret"]}
    session = api.call("PUT", "/account/sessions/magic-url", exchange, key=False)
    assert (session.json["provider"], session.json["factors"]) == ("magic-url", ["email"])
    account = api.person(session).call("GET", "/account").json
    assert (account["email"], account["emailVerification"]) == (email, True)
    assert [t["identifier"] for t in account["targets"]] == [email]
    assert api.call("PUT", "/account/sessions/magic-url", exchange, key=False).status == 401


def test_a_code_by_mail(api: Api, mailbox: Mailbox) -> None:
    email = address()
    person = sign_up(api, email)
    user_id = person.call("GET", "/account").json["$id"]
    body = {"userId": unique(), "email": email}
    token = api.call("POST", "/account/tokens/email", body, key=False).json
    assert (token["userId"], token["phrase"]) == (user_id, "")  # the known user, whatever the id
    exchange = {"userId": user_id, "secret": mailbox.code(email)}
    session = api.call("POST", "/account/sessions/token", exchange, key=False).json
    assert (session["provider"], session["factors"]) == ("token", ["email"])
    assert api.call("GET", f"/users/{user_id}").json["emailVerification"] is True


def test_a_code_by_text_message(api: Api, phones: Phones) -> None:
    number = f"+4915{int(unique('')[:8], 16):010d}"[:14]
    body = {"userId": "unique()", "phone": number}
    token = api.call("POST", "/account/tokens/phone", body, key=False).json
    exchange = {"userId": token["userId"], "secret": phones.code(number)}
    session = api.call("PUT", "/account/sessions/phone", exchange, key=False)
    assert (session.json["provider"], session.json["factors"]) == ("phone", ["phone"])
    assert api.person(session).call("GET", "/account").json["phoneVerification"] is True


def test_mock_numbers_have_a_code_of_their_own(project_with: Callable[..., Api]) -> None:
    api = project_with(mockNumbers="+4915100000001:123456")
    body = {"userId": "unique()", "phone": "+4915100000001"}
    token = api.call("POST", "/account/tokens/phone", body, key=False).json
    exchange = {"userId": token["userId"], "secret": "123456"}
    assert api.call("POST", "/account/sessions/token", exchange, key=False).status == 201


def test_a_code_dies_after_ten_wrong_ones(api: Api) -> None:
    body = {"userId": "unique()", "email": address()}
    token = api.call("POST", "/account/tokens/email", body).json  # a key sees the secret
    wrong = {"userId": token["userId"], "secret": "abcdef"}
    for _ in range(10):
        answer = api.call("POST", "/account/sessions/token", wrong, key=False)
        assert (answer.status, answer.type) == (401, "user_invalid_token")
    right = {"userId": token["userId"], "secret": token["secret"]}
    assert api.call("POST", "/account/sessions/token", right, key=False).status == 401


def test_a_code_does_not_prove_an_address_that_came_later(api: Api) -> None:
    person = sign_up(api)
    me = person.call("GET", "/account").json
    token = api.call("POST", "/account/tokens/email", {"userId": "x", "email": me["email"]}).json
    new = {"email": address(), "password": GOOD}
    assert person.call("PATCH", "/account/email", new).status == 200
    exchange = {"userId": me["$id"], "secret": token["secret"]}
    assert api.call("POST", "/account/sessions/token", exchange, key=False).status == 201
    assert person.call("GET", "/account").json["emailVerification"] is False


# -- verification and recovery --


def test_verification_by_the_link_in_the_mail(api: Api, mira: Person, mailbox: Mailbox) -> None:
    email = mira.call("GET", "/account").json["email"]
    body = {"url": "http://localhost/verify"}
    token = mira.call("POST", "/account/verification", body)
    assert (token.status, token.json["secret"]) == (201, "")
    link = mailbox.link(email)
    proof = {"userId": link["userId"], "secret": link["secret"]}
    wrong = proof | {"secret": "0" * 256}
    assert api.call("PUT", "/account/verification", wrong, key=False).type == "user_invalid_token"
    assert api.call("PUT", "/account/verification", proof, key=False).status == 200
    assert mira.call("GET", "/account").json["emailVerification"] is True
    again = mira.call("POST", "/account/verifications/email", body)
    assert (again.status, again.type) == (409, "user_email_already_verified")
    assert api.call("PUT", "/account/verification", proof, key=False).status == 401


def test_an_old_link_does_not_verify_a_new_address(
    api: Api, mira: Person, mailbox: Mailbox
) -> None:
    email = mira.call("GET", "/account").json["email"]
    mira.call("POST", "/account/verification", {"url": "http://localhost/verify"})
    link = mailbox.link(email)
    mira.call("PATCH", "/account/email", {"email": address(), "password": GOOD})
    proof = {"userId": link["userId"], "secret": link["secret"]}
    assert api.call("PUT", "/account/verification", proof, key=False).type == "user_invalid_token"


def test_a_link_leads_only_to_the_projects_pages(project_with: Callable[..., Api]) -> None:
    api = project_with()
    person = sign_up(api)
    body = {"url": "https://app.example.com/verify"}
    refused = person.call("POST", "/account/verification", body)
    assert (refused.status, refused.type) == (400, "general_argument_invalid")
    assert "usherd project platform add" in refused.json["message"]
    added = api.server.cli("project", "platform", "add", api.project, "*.example.com")
    assert added.returncode == 0, added.stderr
    import time

    time.sleep(1.5)
    assert person.call("POST", "/account/verification", body).status == 201
    for url in ("https://example.com.evil.org/", "https://evil.org/app.example.com",
                "javascript://localhost/%0aalert(1)", "no url", "https://",
                "https://app.example.com@evil.org/"):  # fmt: skip
        assert person.call("POST", "/account/verification", {"url": url}).status == 400, url
    origin = {"Origin": "https://app.example.com"}
    answer = person.call("PATCH", "/account/name", {"name": "x"}, headers=origin)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == origin["Origin"]
    other = {"Origin": "https://evil.org"}
    assert person.call("PATCH", "/account/name", {"name": "x"}, headers=other).status == 403


def test_phone_verification(api: Api, mira: Person, phones: Phones) -> None:
    assert mira.call("POST", "/account/verification/phone").type == "user_phone_not_found"
    number = f"+4915{int(unique('')[:8], 16):010d}"[:14]
    mira.call("PATCH", "/account/phone", {"phone": number, "password": GOOD})
    token = mira.call("POST", "/account/verification/phone")
    assert token.status == 201
    user_id = mira.call("GET", "/account").json["$id"]
    other = sign_up(api).call("GET", "/account").json["$id"]
    code = phones.code(number)
    stolen = {"userId": other, "secret": code}
    assert api.call("PUT", "/account/verification/phone", stolen, key=False).status == 401
    proof = {"userId": user_id, "secret": code}
    assert api.call("PUT", "/account/verification/phone", proof, key=False).status == 200
    assert mira.call("GET", "/account").json["phoneVerification"] is True
    assert mira.call("POST", "/account/verification/phone").type == "user_phone_already_verified"


def test_recovery(api: Api, mailbox: Mailbox) -> None:
    email = address()
    sign_up(api, email)
    body = {"email": email, "url": "http://localhost/recover"}
    unknown = api.call("POST", "/account/recovery", body | {"email": address()}, key=False)
    assert (unknown.status, unknown.type) == (404, "user_not_found")
    assert api.call("POST", "/account/recovery", body, key=False).status == 201
    link = mailbox.link(email)
    proof = {"userId": link["userId"], "secret": link["secret"]}
    bad = proof | {"secret": "0" * 256, "password": "another horse entirely"}
    assert api.call("PUT", "/account/recovery", bad, key=False).type == "user_invalid_token"
    good = proof | {"password": "another horse entirely", "passwordAgain": "ignored"}
    assert api.call("PUT", "/account/recovery", good, key=False).status == 200
    assert api.call("PUT", "/account/recovery", good, key=False).type == "user_invalid_token"
    mira = api.sign_in(email, "another horse entirely")
    assert mira.call("GET", "/account").json["emailVerification"] is True
    old = {"email": email, "password": GOOD}
    assert api.call("POST", "/account/sessions/email", old, key=False).status == 401


def test_a_blocked_user_gets_no_recovery_and_no_session(api: Api) -> None:
    email = address()
    user_id = sign_up(api, email).call("GET", "/account").json["$id"]
    api.call("PATCH", f"/users/{user_id}/status", {"status": False})
    body = {"email": email, "url": "http://localhost/recover"}
    assert api.call("POST", "/account/recovery", body, key=False).type == "user_blocked"
    token = api.call("POST", "/account/tokens/email", {"userId": "x", "email": email}).json
    exchange = {"userId": user_id, "secret": token["secret"]}
    refused = api.call("POST", "/account/sessions/token", exchange, key=False)
    assert (refused.status, refused.type) == (401, "user_blocked")


def test_a_new_session_is_told_by_mail(project_with: Callable[..., Api], mailbox: Mailbox) -> None:
    api = project_with(sessionAlerts="true")
    email = address()
    sign_up(api, email)  # nothing for the first
    api.sign_in(email, GOOD)
    assert "127.0.0.1" in mailbox.text(email)
    assert len(mailbox.mails[email]) == 1


# -- push targets --


def test_push_targets_end_with_their_session(api: Api, mira: Person) -> None:
    body = {"targetId": "unique()", "identifier": unique("device")}
    target = mira.call("POST", "/account/targets/push", body).json
    assert target["providerType"] == "push"
    new = unique("device")
    path = f"/account/targets/{target['$id']}/push"
    assert mira.call("PUT", path, {"identifier": new}).json["identifier"] == new
    other = sign_up(api)
    assert other.call("PUT", path, {"identifier": "x"}).type == "user_target_not_found"
    assert other.call("DELETE", path).status == 404
    me = mira.call("GET", "/account").json
    assert new in [t["identifier"] for t in me["targets"]]
    email_target = next(t["$id"] for t in me["targets"] if t["providerType"] == "email")
    assert mira.call("DELETE", f"/account/targets/{email_target}/push").status == 404
    assert mira.call("DELETE", "/account/sessions/current").status == 204
    shown = api.call("GET", f"/users/{me['$id']}").json["targets"]
    assert [t["providerType"] for t in shown] == ["email"]


# -- at once --


def test_many_first_codes_to_one_address_at_once_make_one_user(api: Api) -> None:
    email = address()

    def ask(_: int) -> Any:
        body = {"userId": "unique()", "email": email}
        return api.call("POST", "/account/tokens/email", body, key=False)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["userId"] for answer in answers}) == 1


def test_guesses_at_once_are_all_counted(api: Api) -> None:
    token = api.call("POST", "/account/tokens/email",
                     {"userId": "unique()", "email": address()}).json  # fmt: skip

    def guess(secret: str) -> int:
        body = {"userId": token["userId"], "secret": secret}
        return api.call("POST", "/account/sessions/token", body, key=False).status

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(guess, [f"{at:06}x" for at in range(10)])) == {401}
    assert guess(token["secret"]) == 401


def test_a_long_wrong_secret_is_no_guess(api: Api) -> None:
    token = api.call("POST", "/account/tokens/email",
                     {"userId": "unique()", "email": address()}).json  # fmt: skip
    body = {"userId": token["userId"], "secret": "0" * 64}
    for _ in range(12):
        assert api.call("POST", "/account/sessions/token", body, key=False).status == 401
    right = body | {"secret": token["secret"]}
    assert api.call("POST", "/account/sessions/token", right, key=False).status == 201
