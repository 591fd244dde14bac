"""Second factors: authenticator apps, challenges, recovery codes, and the gate."""

from __future__ import annotations

import time
from base64 import b32decode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.conftest import Api, Mailbox, Person, Phones, unique
from usherd import mfa

GOOD = "correct horse battery"


def otp(secret: str, drift: int = 0) -> str:
    key = b32decode(secret + "=" * (-len(secret) % 8))
    return TOTP(key, 6, SHA1(), 30).generate(int(time.time()) + 30 * drift).decode()


def test_the_vectors_of_rfc_6238() -> None:
    totp = TOTP(b"12345678901234567890", 6, SHA1(), 30)
    assert totp.generate(59) == b"287082"
    assert totp.generate(1111111109) == b"081804"


@pytest.mark.parametrize(("issuer", "account", "uri"), [
    ("Demo App", "mira@example.org",
     "otpauth://totp/Demo%20App%3Amira%40example.org?issuer=Demo%20App&secret=JBSW"),
    ("a:b", "x:y", "otpauth://totp/ab%3Axy?issuer=ab&secret=JBSW"),
    (":", "u1", "otpauth://totp/usherd%3Au1?issuer=usherd&secret=JBSW"),
])  # fmt: skip
def test_the_uri_of_the_qr_code(issuer: str, account: str, uri: str) -> None:
    assert mfa.totp_uri(issuer, account, "JBSW") == uri


@pytest.fixture
def mira(api: Api) -> Person:
    email = f"{unique('m')}@example.org"
    api.call(
        "POST", "/account", {"userId": "unique()", "email": email, "password": GOOD}, key=False
    )
    return api.sign_in(email, GOOD)


def enrol(person: Person) -> str:
    """Give them a verified authenticator; its first code is the one of the step before."""
    made = person.call("POST", "/account/mfa/authenticators/totp")
    assert made.status == 200, made.json
    secret: str = made.json["secret"]
    assert len(secret) == 103
    while 30 - time.time() % 30 < 5:  # it would be two steps old on arrival
        time.sleep(0.5)
    done = person.call("PUT", "/account/mfa/authenticators/totp", {"otp": otp(secret, -1)})
    assert done.status == 200, done.json
    return secret


def challenge(person: Person, factor: str) -> str:
    made = person.call("POST", "/account/mfa/challenge", {"factor": factor})
    assert made.status == 201, made.json
    return str(made.json["$id"])


def answer(person: Person, challenge_id: str, code: str) -> Any:
    body = {"challengeId": challenge_id, "otp": code}
    return person.call("PUT", "/account/mfa/challenge", body)


def again(api: Api, person: Person) -> Person:
    return api.sign_in(person.call("GET", "/account").json["email"], GOOD)


def test_from_enrolment_to_sign_in_with_a_second_factor(api: Api, mira: Person) -> None:
    secret = enrol(mira)
    twice = mira.call("POST", "/account/mfa/authenticators/totp")
    assert twice.type == "user_authenticator_already_verified"
    assert mira.call("PATCH", "/account/mfa", {"mfa": True}).json["mfa"] is True
    assert mira.call("GET", "/account").status == 200  # whoever switches it on is not locked out
    fresh = again(api, mira)
    for method, path in [("GET", "/account"), ("GET", "/account/sessions"),
                         ("PATCH", "/account/status")]:  # fmt: skip
        refused = fresh.call(method, path)
        assert (refused.status, refused.type) == (401, "user_more_factors_required")
    assert fresh.call("GET", "/account/mfa/factors").json["totp"] is True
    asked = challenge(fresh, "TOTP")
    assert answer(fresh, asked, "000000").type == "user_invalid_token"
    session = answer(fresh, asked, otp(secret))
    assert session.status == 200, session.json
    assert session.json["factors"] == ["password", "totp"]
    assert session.json["mfaUpdatedAt"]
    assert fresh.call("GET", "/account").status == 200


def test_no_code_works_twice(api: Api, mira: Person) -> None:
    secret = enrol(mira)
    code = otp(secret)
    assert answer(mira, challenge(mira, "totp"), code).status == 200
    assert answer(mira, challenge(mira, "totp"), code).type == "user_invalid_token"
    assert answer(mira, challenge(mira, "totp"), otp(secret, -1)).status == 401  # older still
    assert answer(mira, challenge(mira, "totp"), otp(secret, 3)).status == 401  # too far ahead


def test_a_challenge_by_mail_and_by_text_message(
    api: Api, mira: Person, mailbox: Mailbox, phones: Phones
) -> None:
    me = mira.call("GET", "/account").json
    refused = mira.call("POST", "/account/mfa/challenge", {"factor": "email"})
    assert (refused.status, refused.type) == (400, "user_email_not_verified")
    refused = mira.call("POST", "/account/mfa/challenge", {"factor": "phone"})
    assert (refused.status, refused.type) == (400, "user_phone_not_found")
    number = f"+4915{int(unique('')[:8], 16):010d}"[:14]
    path = f"/users/{me['$id']}"
    api.call("PATCH", f"{path}/phone", {"number": number})
    refused = mira.call("POST", "/account/mfa/challenge", {"factor": "phone"})
    assert refused.type == "user_phone_not_verified"
    api.call("PATCH", f"{path}/verification", {"emailVerification": True})
    api.call("PATCH", f"{path}/verification/phone", {"phoneVerification": True})
    by_mail = challenge(mira, "email")
    assert answer(mira, by_mail, mailbox.code(me["email"])).json["factors"] == ["password", "email"]
    by_text = challenge(mira, "phone")
    assert answer(mira, by_text, phones.code(number)).status == 200


def test_a_challenge_dies_after_five_wrong_answers(api: Api, mira: Person) -> None:
    secret = enrol(mira)
    asked = challenge(mira, "totp")
    for _ in range(5):
        assert answer(mira, asked, "000000").type == "user_invalid_token"
    assert answer(mira, asked, otp(secret)).status == 401
    assert answer(mira, "nothing", "000000").type == "user_invalid_token"


def test_somebody_elses_challenge_is_invalid(api: Api, mira: Person) -> None:
    secret = enrol(mira)
    asked = challenge(mira, "totp")
    email = f"{unique('m')}@example.org"
    api.call(
        "POST", "/account", {"userId": "unique()", "email": email, "password": GOOD}, key=False
    )
    other = api.sign_in(email, GOOD)
    assert answer(other, asked, otp(secret)).type == "user_invalid_token"


def test_a_challenge_is_completed_once_however_many_try(api: Api, mira: Person) -> None:
    secret = enrol(mira)
    asked, code = challenge(mira, "totp"), otp(secret)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: answer(mira, asked, code).status, range(8)))
    assert sorted(found) == [200] + [401] * 7


def test_recovery_codes_work_exactly_once(api: Api, mira: Person) -> None:
    enrol(mira)
    codes = mira.call("POST", "/account/mfa/recovery-codes").json["recoveryCodes"]
    assert len(codes) == 6
    twice = mira.call("POST", "/account/mfa/recovery-codes")
    assert twice.type == "user_recovery_codes_already_exists"
    assert mira.call("GET", "/account/mfa/factors").json["recoveryCode"] is True
    mira.call("PATCH", "/account/mfa", {"mfa": True})
    fresh = again(api, mira)
    asked = [challenge(fresh, "recoveryCode") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: answer(fresh, each, codes[0]).status, asked))
    assert sorted(found) == [200, 401, 401, 401]
    left = fresh.call("GET", "/account/mfa/recovery-codes").json["recoveryCodes"]
    assert left == codes[1:]


def test_protected_acts_need_a_fresh_challenge(api: Api, mira: Person) -> None:
    secret = enrol(mira)
    mira.call("POST", "/account/mfa/recovery-codes")
    for method, path in [("GET", "/account/mfa/recovery-codes"),
                         ("PATCH", "/account/mfa/recovery-codes"),
                         ("DELETE", "/account/mfa/authenticators/totp")]:  # fmt: skip
        refused = mira.call(method, path)
        assert (refused.status, refused.type) == (401, "user_challenge_required")
    assert answer(mira, challenge(mira, "totp"), otp(secret)).status == 200
    before = mira.call("GET", "/account/mfa/recovery-codes").json["recoveryCodes"]
    after = mira.call("PATCH", "/account/mfa/recovery-codes").json["recoveryCodes"]
    assert not set(before) & set(after)
    assert mira.call("DELETE", "/account/mfa/authenticators/totp").status == 204
    assert mira.call("DELETE", "/account/mfa/authenticators/totp").status == 404


def test_a_jwt_has_no_session_to_prove_anything_for(api: Api, mira: Person) -> None:
    enrol(mira)
    bearer = {"X-Appwrite-JWT": mira.call("POST", "/account/jwts").json["jwt"]}

    def call(method: str, path: str, body: Any = None) -> Any:
        return api.call(method, path, body, key=False, headers=bearer)

    assert call("PATCH", "/account/mfa", {"mfa": True}).type == "user_session_not_found"
    asked = call("POST", "/account/mfa/challenge", {"factor": "totp"})
    assert asked.type == "user_session_not_found"
    assert call("GET", "/account/mfa/recovery-codes").type == "user_challenge_required"


def test_what_the_administrator_sees(api: Api, mira: Person) -> None:
    enrol(mira)
    user_id = mira.call("GET", "/account").json["$id"]
    assert api.call("GET", f"/users/{user_id}/mfa/factors").json["totp"] is True
    assert api.call("DELETE", f"/users/{user_id}/mfa/authenticators/totp").status == 200
    assert mira.call("GET", "/account/mfa/factors").json["totp"] is False
