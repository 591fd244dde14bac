"""Models: the exact keys of every answer, in order, and how rows become values."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from usherd import formats, models

MS = 1_741_529_107_250
TIME = "2025-03-09T14:05:07.250+00:00"

STAMPS = "$id $createdAt $updatedAt"
AGENT = (
    "osCode osName osVersion clientType clientCode clientName clientVersion clientEngine "
    "clientEngineVersion deviceName deviceBrand deviceModel countryCode countryName"
)
PROFILE = (
    "email phone emailVerification phoneVerification mfa prefs targets accessedAt"
)  # fmt: skip
PROVIDER = "providerAccessToken providerAccessTokenExpiry providerRefreshToken"

KEYS: dict[Any, str] = {
    models.User: f"{STAMPS} name password hash hashOptions registration status labels "
    f"passwordUpdate {PROFILE}",
    models.Account: f"{STAMPS} name registration status labels passwordUpdate {PROFILE}",
    models.Session: f"{STAMPS} userId expire provider providerUid {PROVIDER} ip {AGENT} current "
    "factors secret mfaUpdatedAt",
    models.Token: "$id $createdAt userId secret expire phrase",
    models.Jwt: "jwt",
    models.MfaFactors: "totp phone email recoveryCode custom",
    models.MfaType: "secret uri",
    models.MfaChallenge: "$id $createdAt userId expire",
    models.MfaRecoveryCodes: "recoveryCodes",
    models.Log: f"event userId userEmail userName mode ip time {AGENT} userType",
    models.Identity: f"{STAMPS} userId provider providerUid providerEmail {PROVIDER}",
    models.Target: f"{STAMPS} name userId providerId providerType identifier expired",
    models.Membership: f"{STAMPS} userId userName userEmail teamId teamName invited joined confirm "
    "mfa roles userPhone userAccessedAt",
    models.UserList: "total users",
    models.SessionList: "total sessions",
    models.LogList: "total logs",
    models.IdentityList: "total identities",
    models.TargetList: "total targets",
    models.MembershipList: "total memberships",
    models.Team: f"{STAMPS} name total prefs",
    models.TeamList: "total teams",
}

STAMPED = {"id": "x1", "created_at": MS, "updated_at": MS}
ROW: dict[str, Any] = {
    **STAMPED, "name": "Mira", "password": None, "hash": "argon2", "hash_options": None,
    "password_update": None, "status": 1, "labels": '["beta"]', "email": None, "phone": None,
    "email_verification": 0, "phone_verification": 1, "mfa": 0, "prefs": '{"a":1.0,"b":1e400}',
    "accessed_at": None, "targets": "[]",
}  # fmt: skip
TARGET: dict[str, Any] = {
    **STAMPED, "name": "", "user_id": "u1", "provider_id": None, "provider_type": "email",
    "identifier": "mira@example.org", "expired": 0,
}  # fmt: skip
SESSION: dict[str, Any] = {
    **STAMPED, "user_id": "u1", "expire_at": MS, "provider": "email",
    "provider_uid": "mira@example.org", "provider_access_token": "",
    "provider_access_token_expiry": None, "provider_refresh_token": "", "ip": "203.0.113.7",
    "user_agent": "python-requests/2.31.0", "country_code": "--", "factors": '["password"]',
    "mfa_updated_at": None,
}  # fmt: skip
TOKEN: dict[str, Any] = {"id": "x1", "created_at": MS, "user_id": "u1", "expire_at": MS}
LOG: dict[str, Any] = {
    "event": "session.create", "actor_id": "u1", "actor_type": "user", "mode": "default",
    "ip": "203.0.113.7", "created_at": MS, "user_agent": "", "country_code": "de",
}  # fmt: skip
IDENTITY: dict[str, Any] = {
    **STAMPED, "user_id": "u1", "provider": "github", "provider_uid": "7", "provider_email": None,
    "provider_access_token": "", "provider_access_token_expiry": None,
    "provider_refresh_token": "",
}  # fmt: skip
TEAM: dict[str, Any] = {**STAMPED, "name": "Team", "total": 1, "prefs": '{"a":1.0}'}
MEMBERSHIP: dict[str, Any] = {
    **STAMPED, "user_id": "u1", "user_name": "Mira", "user_email": None, "team_id": "t1",
    "team_name": "Team", "invited_at": MS, "joined_at": None, "confirm": 0, "user_mfa": 1,
    "roles": '["owner"]', "user_phone": None, "user_accessed_at": None,
}  # fmt: skip


def shown(model: Any) -> dict[str, Any]:
    return dict(json.loads(models.encode(model)))


EXAMPLES = [
    models.User.of(ROW), models.Account.of(ROW), models.Session.of(SESSION),
    models.Token.of(TOKEN), models.Jwt("x.y.z"), models.MfaFactors(True, False, False, True),
    models.MfaType("ABC", "otpauth://totp/x"), models.MfaChallenge.of(TOKEN),
    models.MfaRecoveryCodes(["a"]), models.Log.of(LOG, ROW), models.Identity.of(IDENTITY),
    models.Target.of(TARGET), models.Membership.of(MEMBERSHIP), models.UserList(0, []),
    models.SessionList(0, []), models.LogList(0, []), models.IdentityList(0, []),
    models.TargetList(0, []), models.MembershipList(0, []), models.Team.of(TEAM),
    models.TeamList(0, []),
]  # fmt: skip
NULLABLE = {"password", "hashOptions", "providerId"}


@pytest.mark.parametrize("model", EXAMPLES, ids=lambda m: type(m).__name__)
def test_exact_keys_in_order_and_no_surprising_nulls(model: Any) -> None:
    answer = shown(model)
    assert " ".join(answer) == KEYS[type(model)]
    assert {name for name, value in answer.items() if value is None} <= NULLABLE


def test_every_model_has_its_keys_tested() -> None:
    apart = {models.Model, models.Stamped, models.Preferences}
    every = {kind for kind in vars(models).values()
             if isinstance(kind, type) and issubclass(kind, models.Model)}  # fmt: skip
    assert every - apart == set(KEYS) == {type(model) for model in EXAMPLES}


def test_a_user_with_nothing() -> None:
    assert shown(models.User.of(ROW | {"prefs": "{}", "labels": "[]"})) == {
        "$id": "x1", "$createdAt": TIME, "$updatedAt": TIME, "name": "Mira", "password": None,
        "hash": "argon2", "hashOptions": None, "registration": TIME, "status": True, "labels": [],
        "passwordUpdate": "", "email": "", "phone": "", "emailVerification": False,
        "phoneVerification": True, "mfa": False, "prefs": {}, "targets": [], "accessedAt": "",
    }  # fmt: skip


def test_a_user_with_everything() -> None:
    row = ROW | {
        "password": "$argon2id$x", "hash_options": '{"type":"argon2","threads":1}', "status": 0,
        "password_update": MS, "email": "mira@example.org", "phone": "+4915112345678",
        "email_verification": 1, "mfa": 1, "accessed_at": MS,
    }  # fmt: skip
    stored = models.encode(models.Target.of(TARGET)).decode()
    answer = shown(models.User.of(row | {"targets": f"[{stored},{stored}]"}))
    assert answer["hashOptions"] == {"type": "argon2", "threads": 1}
    assert (answer["status"], answer["emailVerification"], answer["mfa"]) == (False, True, True)
    assert answer["passwordUpdate"] == answer["accessedAt"] == TIME
    assert answer["targets"] == [shown(models.Target.of(TARGET))] * 2


def test_a_cleared_password_is_empty_and_one_never_set_is_null() -> None:
    assert shown(models.User.of(ROW | {"password": ""}))["password"] == ""
    assert shown(models.User.of(ROW))["password"] is None


def test_stored_json_goes_out_to_the_byte() -> None:
    for model in (models.User.of(ROW), models.Account.of(ROW)):
        assert b'"prefs":{"a":1.0,"b":1e400}' in models.encode(model)
    assert models.encode(models.Preferences.of(ROW)) == b'{"a":1.0,"b":1e400}'


def test_a_session_shows_its_secret_and_that_it_is_current_only_when_told() -> None:
    answer = shown(models.Session.of(SESSION))
    assert (answer["secret"], answer["current"]) == ("", False)
    assert (answer["countryCode"], answer["countryName"]) == ("--", "Unknown")
    assert (answer["clientType"], answer["clientVersion"]) == ("library", "2.31.0")
    assert answer["factors"] == ["password"]
    assert answer["providerAccessTokenExpiry"] == answer["mfaUpdatedAt"] == ""
    told = shown(models.Session.of(SESSION, secret="s", current=True))
    assert (told["secret"], told["current"]) == ("s", True)


def test_a_log_names_its_actor() -> None:
    answer = shown(models.Log.of(LOG, ROW | {"email": "mira@example.org"}))
    assert (answer["userId"], answer["userName"]) == ("u1", "Mira")
    assert (answer["userEmail"], answer["userType"]) == ("mira@example.org", "user")
    assert (answer["time"], answer["countryCode"]) == (TIME, "de")


def test_a_membership_that_waits() -> None:
    answer = shown(models.Membership.of(MEMBERSHIP))
    assert (answer["joined"], answer["confirm"], answer["mfa"]) == ("", False, True)
    assert (answer["userPhone"], answer["userAccessedAt"]) == ("", "")
    assert answer["roles"] == ["owner"]


DROPPED = [
    (models.User.of(ROW), {"targets", "mfa"}),
    (models.Session.of(SESSION), {"factors", "secret"}),
    (models.Token.of(TOKEN), {"phrase"}),
    (models.Membership.of(MEMBERSHIP), {"mfa"}),
    (models.Account.of(ROW), set()),  # quirk: only the Users service's user loses them
    (models.Target.of(TARGET), set()),
]


@pytest.mark.parametrize(("model", "dropped"), DROPPED, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("version", ["1.4.99", "1.4", "0.15.0", "1"])
def test_older_formats_lack_newer_fields(model: Any, dropped: set[str], version: str) -> None:
    answer = shown(formats.downgrade(plain(model), version))
    assert " ".join(answer) == " ".join(
        name for name in KEYS[type(model)].split() if name not in dropped
    )


def plain(model: Any) -> Any:
    """A model whose stored JSON every parser can read."""
    small = msgspec.Raw(b"{}")
    return msgspec.structs.replace(model, prefs=small) if hasattr(model, "prefs") else model


@pytest.mark.parametrize("version", ["1.5.0", "1.7.4", "2.0.0", "", "x", "1.4.x", "9" * 5000])
def test_newer_and_unreadable_formats_change_nothing(version: str) -> None:
    model = models.User.of(ROW)
    assert formats.downgrade(model, version) is model


def test_lists_are_downgraded_item_by_item() -> None:
    users = models.UserList(1, [plain(models.User.of(ROW))])
    answer = shown(formats.downgrade(users, "1.4.0"))
    assert list(answer) == ["total", "users"]
    assert not {"targets", "mfa"} & set(answer["users"][0])


def test_an_old_format_survives_prefs_with_numbers_no_parser_takes() -> None:
    answer = models.encode(formats.downgrade(models.User.of(ROW), "1.4.0"))
    assert b'"prefs":{"a":1.0,"b":1e400}' in answer


def test_every_model_has_a_json_schema() -> None:
    _, components = msgspec.json.schema_components(list(KEYS))
    for kind, keys in KEYS.items():
        assert " ".join(components[kind.__name__]["properties"]) == keys
