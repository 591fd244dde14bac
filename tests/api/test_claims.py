"""Accounts made in advance with somebody else's address: decision 15."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_mfa import enrol
from tests.conftest import Api, Mailbox, Person, Response, unique
from usherd import clock

GOOD = "correct horse battery"
TAKEN = (409, "user_already_exists")
WRONG = "user_invalid_credentials"


def address() -> str:
    return f"{unique('m')}@example.org"


def number() -> str:
    return f"+4915{int(unique('')[:8], 16):010d}"[:14]


def sign_up(api: Api, email: str) -> Person:
    """What anybody can do with anybody's address."""
    body = {"userId": "unique()", "email": email, "password": GOOD}
    assert api.call("POST", "/account", body, key=False).status == 201
    return api.sign_in(email, GOOD)


def id_of(person: Person) -> str:
    return str(person.call("GET", "/account").json["$id"])


def message(api: Api, way: str, to: str, **more: Any) -> dict[str, Any]:
    """What was sent to an address, as only its owner reads it."""
    channel = "phone" if way == "phone" else "email"
    body = {"userId": "unique()", channel: to, **more}
    made = api.call("POST", f"/account/tokens/{way}", body)
    assert made.status == 201, made.json
    return {"userId": made.json["userId"], "secret": made.json["secret"]}


def come_in(api: Api, way: str, to: str) -> Response:
    return api.call("POST", "/account/sessions/token", message(api, way, to), key=False)


def by_password(api: Api, email: str, password: str = GOOD) -> Response:
    body = {"email": email, "password": password}
    return api.call("POST", "/account/sessions/email", body, key=False)


def link_identity(api: Api, user_id: str, email: str | None) -> None:
    uid, now = unique("g"), clock.now()
    api.server.insert(
        "identities", api.project, id=uid, user_id=user_id, provider="oidc-acme",
        provider_uid=uid, provider_uid_key=uid, provider_email=email, created_at=now,
        updated_at=now,
    )  # fmt: skip


def events(person: Person) -> list[str]:
    return [entry["event"] for entry in person.call("GET", "/account/logs").json["logs"]]


# -- the owner of the address comes --


@pytest.mark.parametrize("way", ["magic-url", "email"])
def test_whoever_reads_the_mail_has_the_account_alone(api: Api, way: str) -> None:
    email = address()
    attacker = sign_up(api, email)
    user_id = id_of(attacker)
    enrol(attacker)
    assert attacker.call("POST", "/account/mfa/recovery-codes").status == 201
    jwt = attacker.call("POST", "/account/jwts").json["jwt"]
    token = api.call("POST", f"/users/{user_id}/tokens").json["secret"]
    link_identity(api, user_id, None)
    link_identity(api, user_id, address())

    owner = api.person(come_in(api, way, email))
    mine = owner.call("GET", "/account").json
    assert (mine["$id"], mine["emailVerification"], mine["mfa"]) == (user_id, True, False)
    assert events(owner)[:2] == ["session.create", "user.claim"]
    assert attacker.call("GET", "/account").status == 401
    assert api.call("GET", "/account", key=False, headers={"X-Appwrite-JWT": jwt}).status == 401
    assert by_password(api, email).type == WRONG
    stolen = {"userId": user_id, "secret": token}
    assert api.call("POST", "/account/sessions/token", stolen, key=False).status == 401
    assert owner.call("GET", "/account/identities").json["total"] == 0
    factors = owner.call("GET", "/account/mfa/factors").json
    assert (factors["totp"], factors["recoveryCode"]) == (False, False)
    assert owner.call("GET", "/account/sessions").json["total"] == 1
    new = {"password": "another horse entirely"}  # without the old one: there is none
    assert owner.call("PATCH", "/account/password", new).status == 200


def test_a_second_sign_in_takes_nothing_away(api: Api) -> None:
    email = address()
    sign_up(api, email)
    owner = api.person(come_in(api, "email", email))
    owner.call("PATCH", "/account/password", {"password": GOOD})
    assert come_in(api, "magic-url", email).status == 201
    assert by_password(api, email).status == 201
    assert owner.call("GET", "/account").status == 200
    assert events(owner).count("user.claim") == 1


def test_somebody_new_loses_nothing_and_the_log_says_nothing(api: Api) -> None:
    email = address()
    first, second = message(api, "magic-url", email), message(api, "magic-url", email)
    person = api.person(api.call("POST", "/account/sessions/token", first, key=False))
    assert "user.claim" not in events(person)
    assert api.call("POST", "/account/sessions/token", second, key=False).status == 201


def test_an_identity_with_the_address_itself_stays(api: Api) -> None:
    email = address()
    link_identity(api, id_of(sign_up(api, email)), email)
    owner = api.person(come_in(api, "email", email))
    assert owner.call("GET", "/account/identities").json["total"] == 1


def test_recovery_ends_what_was_before_it(api: Api) -> None:
    email = address()
    attacker = sign_up(api, email)
    link_identity(api, id_of(attacker), None)
    asked = {"email": email, "url": "http://localhost/recover"}
    token = api.call("POST", "/account/recovery", asked).json
    proof = {"userId": token["userId"], "secret": token["secret"]}
    new = "another horse entirely"
    done = api.call("PUT", "/account/recovery", proof | {"password": new}, key=False)
    assert done.status == 200
    assert attacker.call("GET", "/account").status == 401
    owner = api.sign_in(email, new)
    assert owner.call("GET", "/account/identities").json["total"] == 0
    assert "user.claim" in events(owner)


@pytest.mark.parametrize("signed_in", [False, True])
def test_an_invitation_accepted_as_a_guest_is_a_sign_in(
    api: Api, mailbox: Mailbox, signed_in: bool
) -> None:
    email, team = address(), unique("t")
    invited = sign_up(api, email)
    api.call("POST", "/teams", {"teamId": team, "name": "Crew"})
    owner = sign_up(api, address())
    api.call("POST", f"/teams/{team}/memberships",
             {"userId": id_of(owner), "roles": ["owner"], "url": "http://localhost/"})  # fmt: skip
    body = {"email": email, "roles": [], "url": "http://localhost/join"}
    assert owner.call("POST", f"/teams/{team}/memberships", body).status == 201
    link = mailbox.link(email)
    path = f"/teams/{team}/memberships/{link['membershipId']}/status"
    proof = {"userId": link["userId"], "secret": link["secret"]}
    done = (
        invited.call("PATCH", path, proof)
        if signed_in
        else api.call("PATCH", path, proof, key=False)
    )
    assert done.status == 200, done.json
    assert invited.call("GET", "/account").status == (200 if signed_in else 401)
    assert by_password(api, email).status == (201 if signed_in else 401)


# -- whoever signed up themselves --


def test_verifying_by_the_link_keeps_password_and_session(api: Api, mailbox: Mailbox) -> None:
    email = address()
    mira = sign_up(api, email)
    mira.call("POST", "/account/verification", {"url": "http://localhost/verify"})
    link = mailbox.link(email)
    proof = {"userId": link["userId"], "secret": link["secret"]}
    assert api.call("PUT", "/account/verification", proof, key=False).status == 200
    assert mira.call("GET", "/account").json["emailVerification"] is True
    assert come_in(api, "email", email).status == 201
    assert by_password(api, email).status == 201
    assert mira.call("GET", "/account").status == 200


def test_a_second_factor_is_not_opened_by_a_mail(api: Api) -> None:
    email = address()
    mira = sign_up(api, email)
    enrol(mira)
    assert mira.call("PATCH", "/account/mfa", {"mfa": True}).status == 200
    other = api.person(come_in(api, "email", email))
    assert other.call("GET", "/account").type == "user_more_factors_required"
    assert other.call("GET", "/account/mfa/factors").json["totp"] is True
    assert mira.call("GET", "/account").status == 401  # and who had it before has to come again


# -- an account that is somebody's already --


def test_an_unproven_number_does_not_open_an_account_with_a_proven_address(api: Api) -> None:
    """Somebody signs up, and adds the number of somebody else to share the account with."""
    email, phone = address(), number()
    attacker = sign_up(api, email)
    attacker = api.person(come_in(api, "email", email))
    body = {"phone": phone, "password": GOOD}
    assert attacker.call("PATCH", "/account/phone", body).status == 200
    refused = come_in(api, "phone", phone)
    assert (refused.status, refused.type) == TAKEN
    assert "verify the number" in refused.json["message"]
    assert attacker.call("GET", "/account").json["phoneVerification"] is False
    assert "session.create.failed" in events(attacker)
    assert attacker.call("POST", "/account/verification/phone").status == 201


def with_number(api: Api) -> tuple[str, str, Person]:
    """(an unproven address, a proven number, whose account has both)."""
    email, phone = address(), number()
    person = api.person(come_in(api, "phone", phone))
    body = {"email": email, "password": GOOD}
    assert person.call("PATCH", "/account/email", body).status == 200
    return email, phone, person


def test_the_address_outranks_the_number(api: Api) -> None:
    """Recovery goes by mail: whoever reads it has the account, and the number opens it no more."""
    email, phone, attacker = with_number(api)
    owner = api.person(come_in(api, "email", email))
    mine = owner.call("GET", "/account").json
    assert (mine["phone"], mine["phoneVerification"]) == (phone, False)
    assert attacker.call("GET", "/account").status == 401
    refused = come_in(api, "phone", phone)
    assert (refused.status, refused.type) == TAKEN
    assert by_password(api, email).type == WRONG


def test_a_number_that_is_a_second_factor_stays_one(api: Api) -> None:
    email, phone, mira = with_number(api)
    assert mira.call("POST", "/account/mfa/recovery-codes").status == 201
    assert mira.call("PATCH", "/account/mfa", {"mfa": True}).status == 200
    for way, to in (("email", email), ("phone", phone)):
        person = api.person(come_in(api, way, to))
        assert person.call("GET", "/account").type == "user_more_factors_required"
        factors = person.call("GET", "/account/mfa/factors").json
        assert (factors["phone"], factors["recoveryCode"]) == (True, False)


def test_an_authenticator_and_a_number_are_not_kept_together(api: Api) -> None:
    """They would be two factors, and open the account without its address."""
    email, phone, attacker = with_number(api)
    enrol(attacker)
    assert attacker.call("PATCH", "/account/mfa", {"mfa": True}).status == 200
    person = api.person(come_in(api, "email", email))
    factors = person.call("GET", "/account/mfa/factors").json
    assert (factors["totp"], factors["phone"]) == (True, False)
    assert (come_in(api, "phone", phone).status, by_password(api, email).status) == (409, 401)


# -- an administrator's word --


def test_what_an_administrator_has_made_stays(api: Api) -> None:
    email, phone = address(), number()
    user = api.user(email=email, phone=phone, password=GOOD)
    mira = api.sign_in(email, GOOD)
    for way, to in (("email", email), ("phone", phone)):
        assert come_in(api, way, to).status == 201
    assert by_password(api, email).status == 201
    assert mira.call("GET", "/account").status == 200
    seen = api.call("GET", f"/users/{user['$id']}").json
    assert (seen["emailVerification"], seen["phoneVerification"]) == (True, True)


def test_an_address_that_an_administrator_sets_is_vouched_for(api: Api) -> None:
    email, other, phone = address(), address(), number()
    user_id = id_of(sign_up(api, email))
    api.call("PATCH", f"/users/{user_id}/email", {"email": other})
    api.call("PATCH", f"/users/{user_id}/phone", {"number": phone})
    assert (come_in(api, "email", other).status, come_in(api, "phone", phone).status) == (201, 201)
    assert by_password(api, other).status == 201


def test_an_address_that_its_user_has_changed_is_not(api: Api) -> None:
    email, other = address(), address()
    api.user(email=email, password=GOOD)
    attacker = api.sign_in(email, GOOD)
    assert (
        attacker.call("PATCH", "/account/email", {"email": other, "password": GOOD}).status == 200
    )
    assert come_in(api, "email", other).status == 201
    assert by_password(api, other).type == WRONG


def test_a_sign_up_that_a_server_passes_on_is_a_sign_up(api: Api) -> None:
    email = address()
    api.call("POST", "/account", {"userId": "unique()", "email": email, "password": GOOD})
    assert come_in(api, "email", email).status == 201
    assert by_password(api, email).type == WRONG
