"""Calls every method of an official Python SDK's `Account` class, for somebody with a real mailbox.

Runs with the SDK on PYTHONPATH; prints who it was and the methods not called as JSON.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from appwrite.id import ID  # type: ignore[import-not-found]
from appwrite.query import Query  # type: ignore[import-not-found]
from appwrite.services.account import Account  # type: ignore[import-not-found]
from sdk import account, ask, methods, refused, refused_all  # type: ignore[import-not-found]

ABSENT = {
    "create_email_verification_otp", "update_email_verification_otp", "create_recovery_otp",
    "update_recovery_otp", "create_id_token_session", "list_memberships", "create_passkey",
    "create_passkey_token", "delete_passkey", "get_passkey", "list_passkeys", "update_passkey",
    "update_passkey_token", "update_passkey_verification", "delete_consent",
    "delete_consent_token", "get_consent", "get_consent_token", "list_consent_tokens",
    "list_consents",
}  # fmt: skip
"""Methods of newer servers, without an endpoint in 1.7; see docs/compatibility.md."""

PAGE = "http://localhost/welcome?from=mail"
here = methods(Account)
called: set[str] = set()
server = account(called, key=os.environ["KEY"])
guest = account(called)


class Person:
    """Somebody with an e-mail address and a phone of their own."""

    def __init__(self, tag: str) -> None:
        self.email = f"{tag}@{os.environ['PROJECT']}.example"
        self.phone = os.environ["PHONE"] + str(len(tag))


def signed_in(session: dict[str, Any]) -> Any:
    """The account of whoever a server has begun a session for."""
    assert session["secret"], "a server sees the secret"
    return account(called, session=session["secret"])


def spelled(*names: str) -> list[str]:
    """Those of the spellings of one method that this SDK has."""
    found = [name for name in names if name in here]
    assert found, names
    return found


def sign_up(mira: Person) -> Any:
    made = guest.create(ID.unique(), mira.email, "correct horse", "Mira")
    assert (made["email"], made["name"], made["emailVerification"]) == (mira.email, "Mira", False)
    refused(409, "user_already_exists", guest.create, ID.unique(), mira.email, "correct horse")
    unseen = guest.create_email_password_session(mira.email, "correct horse")
    assert unseen["secret"] == ""
    refused(401, "user_invalid_credentials", guest.create_email_password_session, mira.email,
            "another horse")  # fmt: skip
    mine = signed_in(server.create_email_password_session(mira.email, "correct horse"))
    assert mine.get()["$id"] == made["$id"]
    refused(401, "general_unauthorized_scope", guest.get)
    return mine


def profile(mine: Any, mira: Person) -> None:
    assert mine.update_name("Mira O.")["name"] == "Mira O."
    assert mine.update_phone(mira.phone, "correct horse")["phone"] == mira.phone
    changed = mine.update_email("new-" + mira.email, "correct horse")
    assert changed["email"] == "new-" + mira.email
    mira.email = changed["email"]
    mine.update_password("another horse", "correct horse")
    refused(401, "user_invalid_credentials", mine.update_password, "x" * 8, "correct horse")
    assert mine.update_prefs({"theme": "dark", "n": {"a": [1, None]}})["prefs"]["theme"] == "dark"
    assert mine.get_prefs()["n"] == {"a": [1, None]}


def verification(mine: Any, mira: Person) -> None:
    """By every spelling; between two of them the address changes, and must be proved again."""
    for at, (begin, finish) in enumerate(
        zip(
            spelled("create_verification", "create_email_verification"),
            spelled("update_verification", "update_email_verification"),
            strict=True,
        )
    ):
        mira.email = f"{at}-{mira.email}"
        assert mine.update_email(mira.email, "another horse")["emailVerification"] is False
        refused(400, "general_argument_invalid", getattr(mine, begin), "https://evil.example/")
        assert getattr(mine, begin)(PAGE)["secret"] == ""
        link = ask("link", mira.email)
        assert link["from"] == "mail"
        getattr(guest, finish)(link["userId"], link["secret"])
        refused(401, "user_invalid_token", getattr(guest, finish), link["userId"], link["secret"])
        assert mine.get()["emailVerification"] is True
        refused(409, "user_email_already_verified", getattr(mine, begin), PAGE)
    user_id = mine.create_phone_verification()["userId"]
    refused(401, "user_invalid_token", mine.update_phone_verification, user_id, "000000")
    mine.update_phone_verification(user_id, ask("message", mira.phone))
    assert mine.get()["phoneVerification"] is True


def second_factor(mine: Any, mira: Person) -> None:
    made = mine.create_mfa_authenticator("totp")
    secret = made["secret"]
    assert parse_qs(urlsplit(made["uri"]).query)["secret"] == [secret]
    refused(401, "user_invalid_token", mine.update_mfa_authenticator, "totp", "000000")
    mine.update_mfa_authenticator("totp", ask("otp", secret))
    assert mine.update_mfa(True)["mfa"] is True
    codes = mine.create_mfa_recovery_codes()["recoveryCodes"]
    has = mine.list_mfa_factors()
    assert [has[name] for name in ("totp", "email", "phone", "recoveryCode")] == [True] * 4
    refused(401, "user_challenge_required", mine.get_mfa_recovery_codes)

    answers = {
        "totp": lambda: ask("otp", secret),
        "email": lambda: ask("code", mira.email),
        "phone": lambda: ask("message", mira.phone),
        "recoverycode": codes.pop,
    }
    for factor, answer in answers.items():
        fresh = signed_in(server.create_email_password_session(mira.email, "another horse"))
        refused(401, "user_more_factors_required", fresh.get)
        challenge = fresh.create_mfa_challenge(factor)
        refused(401, "user_invalid_token", fresh.update_mfa_challenge, challenge["$id"], "nope")
        session = fresh.update_mfa_challenge(challenge["$id"], answer())
        assert session["factors"] == ["password", factor]
        assert fresh.get()["mfa"] is True
    assert fresh.get_mfa_recovery_codes()["recoveryCodes"] == codes
    assert not set(fresh.update_mfa_recovery_codes()["recoveryCodes"]) & set(codes)
    fresh.delete_mfa_authenticator("totp")
    assert fresh.list_mfa_factors()["totp"] is False
    fresh.update_mfa(False)


def recovery(mira: Person) -> None:
    refused(404, "user_not_found", guest.create_recovery, "nobody@nowhere.example", PAGE)
    guest.create_recovery(mira.email, PAGE)
    link = ask("link", mira.email)
    guest.update_recovery(link["userId"], link["secret"], "third horse here")
    refused(401, "user_invalid_token", guest.update_recovery, link["userId"], link["secret"],
            "fourth horse here")  # fmt: skip
    guest.create_email_password_session(mira.email, "third horse here")


def tokens() -> None:
    """Signing up and in without a password."""
    olga = Person("olga")
    token = guest.create_magic_url_token(ID.unique(), olga.email, PAGE, True)
    mail = ask("text", olga.email)
    assert token["phrase"]
    assert token["phrase"] in mail
    link = parse_qs(urlsplit(next(w for w in mail.split() if w.startswith("http"))).query)
    session = server.create_session(link["userId"][0], link["secret"][0])
    assert session["provider"] == "magic-url"
    assert signed_in(session).get()["emailVerification"] is True
    refused(401, "user_invalid_token", guest.create_session, link["userId"][0], link["secret"][0])
    seen = server.create_magic_url_token(ID.unique(), olga.email, PAGE)
    assert (
        server.update_magic_url_session(seen["userId"], seen["secret"])["userId"]
        == (link["userId"][0])
    )
    assert guest.create_email_token(ID.unique(), olga.email)["secret"] == ""
    ask("link", olga.email)  # of the second magic URL
    session = server.create_session(link["userId"][0], ask("code", olga.email))
    assert (session["provider"], session["factors"]) == ("token", ["email"])

    for create in (server.create_session, server.update_phone_session):
        began = guest.create_phone_token(ID.unique(), olga.phone)
        session = create(began["userId"], ask("message", olga.phone))
        assert session["provider"] == "phone"
    assert signed_in(session).get()["phoneVerification"] is True


def anonymous() -> None:
    mine = signed_in(server.create_anonymous_session())
    nobody = mine.get()
    assert (nobody["email"], nobody["name"]) == ("", "")
    somebody = mine.update_email(Person("ann").email, "correct horse")
    assert (somebody["$id"], somebody["email"]) == (nobody["$id"], Person("ann").email)
    guest.create_email_password_session(Person("ann").email, "correct horse")


def oauth2() -> None:
    """Signing up by an OpenID provider; the identity stays until it is deleted."""
    location = guest.create_o_auth2_token("oidc-acme", success=PAGE, failure=PAGE)
    told = ask("consent", location)
    mine = signed_in(server.create_session(told["userId"], told["secret"]))
    assert mine.get()["emailVerification"] is True
    (identity,) = mine.list_identities()["identities"]
    assert (identity["provider"], identity["userId"]) == ("oidc-acme", told["userId"])
    mine.delete_identity(identity["$id"])
    assert mine.list_identities()["total"] == 0


def sessions(mira: Person) -> None:
    mine = signed_in(server.create_email_password_session(mira.email, "third horse here"))
    if "create_jwt" in here:
        jwt = mine.create_jwt()["jwt"]
        assert account(called, jwt=jwt).get()["email"] == mira.email
    current = mine.get_session("current")
    assert current["current"] is True
    assert mine.update_session(current["$id"])["expire"] >= current["expire"]
    listed = mine.list_sessions()
    assert listed["total"] == len(listed["sessions"]) > 1
    assert [s["$id"] for s in listed["sessions"] if s["current"]] == [current["$id"]]
    if "total" in inspect.signature(Account.list_sessions).parameters:
        assert mine.list_sessions(total=False)["total"] == 0
    other = next(s["$id"] for s in listed["sessions"] if not s["current"])
    mine.delete_session(other)
    refused(404, "user_session_not_found", mine.get_session, other)
    if "current" in inspect.signature(Account.delete_sessions).parameters:
        mine.delete_sessions(current=False)
        assert [s["$id"] for s in mine.list_sessions()["sessions"]] == [current["$id"]]
    mine.delete_sessions()
    refused(401, "general_unauthorized_scope", mine.get)


def leave(mira: Person) -> None:
    mine = signed_in(server.create_email_password_session(mira.email, "third horse here"))
    if "list_logs" in here:
        logs = mine.list_logs([Query.limit(100)])["logs"]
        assert logs[0]["event"] == "session.create"
        assert {"session.create.failed", "recovery.update", "challenges.update"} <= {
            log["event"] for log in logs
        }
    refused_all(mine, ABSENT & here)
    assert mine.update_status()["status"] is False
    refused(401, "user_blocked", mine.get)


def main() -> None:
    mira = Person("mira o")
    mira.email = mira.email.replace(" ", "-")
    mine = sign_up(mira)
    profile(mine, mira)
    verification(mine, mira)
    second_factor(mine, mira)
    recovery(mira)
    tokens()
    anonymous()
    oauth2()
    sessions(mira)
    leave(mira)
    print(json.dumps({"email": mira.email, "notCalled": sorted(here - called)}))


if __name__ == "__main__":
    main()
    sys.exit()
