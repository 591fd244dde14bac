"""Making, reading, changing and deleting users: one call and its whole answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import Api, unique

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"


def test_create_answers_the_whole_user(api: Api) -> None:
    name = unique()
    made = api.call("POST", "/users", {
        "userId": name, "email": f"{name}@Example.org", "password": "correct horse",
        "name": "Mira Okafor",
    })  # fmt: skip
    assert made.status == 201
    user = made.json
    created = user["$createdAt"]
    assert re.fullmatch(STAMP, created)
    assert user["password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    (target,) = user["targets"]
    assert user == {
        "$id": name, "$createdAt": created, "$updatedAt": created, "name": "Mira Okafor",
        "password": user["password"], "hash": "argon2",
        "hashOptions": {"type": "argon2", "memoryCost": 19456, "timeCost": 2, "threads": 1},
        "registration": created, "status": True, "labels": [], "passwordUpdate": created,
        "email": f"{name}@example.org", "phone": "", "emailVerification": False,
        "phoneVerification": False, "mfa": False, "prefs": {}, "targets": [target],
        "accessedAt": "",
    }  # fmt: skip
    assert target == {
        "$id": target["$id"], "$createdAt": target["$createdAt"],
        "$updatedAt": target["$createdAt"], "name": "", "userId": name, "providerId": None,
        "providerType": "email", "identifier": f"{name}@example.org", "expired": False,
    }  # fmt: skip
    assert api.call("GET", f"/users/{name}").json == user


def test_create_with_nothing_but_an_id(api: Api) -> None:
    made = api.user()
    assert re.fullmatch("[0-9a-f]{20}", made["$id"])
    assert made["password"] is None
    assert made["passwordUpdate"] == made["email"] == made["phone"] == ""
    assert made["hash"] == "argon2"


def test_null_for_an_optional_parameter_is_as_if_it_were_absent(api: Api) -> None:
    made = api.user(email=None, phone=None, password=None, name=None)
    assert made["name"] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("userId", ""), ("userId", "_x"), ("userId", "a" * 37), ("userId", "a b"), ("userId", 7),
        ("userId", None), ("email", ""), ("email", "nobody"), ("email", "a@b"), ("email", 5),
        ("email", "ä@example.org"), ("email", "a\0@example.org"), ("phone", "123"),
        ("phone", "+0123456789"), ("phone", "+9991234567"), ("phone", ""), ("password", "short"),
        ("password", "x" * 257), ("password", ""), ("name", ""), ("name", "x" * 129),
        ("name", "a\0b"), ("name", ["x"]), ("name", {"a": 1}), ("name", 1.5), ("name", True),
    ],
)  # fmt: skip
def test_create_refuses_what_it_cannot_use_and_says_which(api: Api, field: str, value: Any) -> None:
    refused = api.call("POST", "/users", {"userId": unique(), field: value})
    assert refused.status == 400
    assert refused.type == "general_argument_invalid"
    assert field in refused.json["message"]
    assert refused.json["version"] == "1.7.4"


def test_the_first_wrong_parameter_is_reported(api: Api) -> None:
    refused = api.call("POST", "/users", {"email": "x", "phone": "y", "password": "z"})
    assert '"userId"' in refused.json["message"]
    refused = api.call("POST", "/users", {"userId": "a", "phone": "y", "password": "z"})
    assert "`phone`" in refused.json["message"]


@pytest.mark.parametrize("address", [
    "a.b+c@example.org", '"odd local"@example.org', "x@[127.0.0.1]", "x@sub.example.co.uk",
])  # fmt: skip
def test_addresses_that_are_accepted(api: Api, address: str) -> None:
    made = api.call("POST", "/users", {"userId": unique(), "email": address})
    assert made.status in (201, 409), made.json


def test_a_taken_id_email_or_phone_is_409(api: Api) -> None:
    name, phone = unique(), "+4915" + str(int(unique("")[:6], 16)).zfill(8)
    api.user(email=f"{name}@x.org", phone=phone)
    for body in ({"email": f"{name.upper()}@X.org"}, {"phone": phone}):
        refused = api.call("POST", "/users", {"userId": unique(), **body})
        assert (refused.status, refused.type) == (409, "user_already_exists")
    made = api.user()
    refused = api.call("POST", "/users", {"userId": made["$id"]})
    assert (refused.status, refused.type) == (409, "user_already_exists")


def test_ids_that_differ_in_case_are_two_users(api: Api) -> None:
    name = unique("x")
    for given in (name, name.upper()):
        assert api.call("POST", "/users", {"userId": given}).status == 201
    assert api.call("GET", f"/users/{name.upper()}").json["$id"] == name.upper()


def test_a_target_that_is_somebody_elses_is_left_to_them(api: Api) -> None:
    name = unique()
    owner = api.user()
    body = {"targetId": "unique()", "providerType": "email", "identifier": f"{name}@x.org"}
    assert api.call("POST", f"/users/{owner['$id']}/targets", body).status == 201
    assert api.user(email=f"{name}@x.org")["targets"] == []


def test_a_new_user_shows_the_targets_that_there_are(api: Api) -> None:
    name, phone = unique(), "+4915" + str(int(unique("")[:6], 16)).zfill(8)
    owner, both = api.user(), api.user(email=f"{name}@x.org", phone=phone)
    assert [target["identifier"] for target in both["targets"]] == [f"{name}@x.org", phone]
    body = {"targetId": "unique()", "providerType": "email", "identifier": f"{name}@y.org"}
    assert api.call("POST", f"/users/{owner['$id']}/targets", body).status == 201
    some = api.user(email=f"{name}@y.org", phone=f"{phone}1")
    assert [target["identifier"] for target in some["targets"]] == [f"{phone}1"]
    for user in (both, some):
        assert api.call("GET", f"/users/{user['$id']}/targets").json["targets"] == user["targets"]
        assert api.call("GET", f"/users/{user['$id']}").json == user


def test_a_user_may_be_called_like_a_route(api: Api) -> None:
    api.call("DELETE", "/users/md5")
    assert api.call("POST", "/users", {"userId": "md5"}).status == 201
    assert api.call("GET", "/users/md5").json["$id"] == "md5"
    assert api.call("DELETE", "/users/md5").status == 204


IMPORTS = [
    ("argon2", "$argon2i$v=19$m=20,t=3,p=2$YXBwd3JpdGU$A/54i238ed09ZR4NwlACU5XnkjNBZU9QeOEuhjLiexI",
     {}, "argon2", {"type": "argon2", "memoryCost": 20, "timeCost": 3, "threads": 2}),
    ("bcrypt", "$2a$10$3bIGRWUes86CICsuchGLj.e.BqdCdg2/1Ud9LvBhJr0j7Dze8PBdS", {}, "bcrypt",
     {"type": "bcrypt"}),
    ("md5", "144fa7eaa4904e8ee120651997f70dcc", {}, "md5", {"type": "md5"}),
    ("phpass", "$P$Br387rwferoKN7uwHZqNMu98q3U8RO.", {}, "phpass", {"type": "phpass"}),
    ("sha", "31c315b0262695ce861bc17c63d2362684d5724c", {"passwordVersion": "sha1"}, "sha",
     {"version": "sha1", "type": "sha"}),
    ("sha", "a721f80a3f2d1c08137a2ffaad4ac23298f01916e3314111adcba471b21354145e4c6fc1cc6d1974608e2"
     "e5a96a20df4fba9ac0d52660f3fdc6e2124d5958913", {}, "sha", {"type": "sha"}),
    ("scrypt", "3fdef49701bc4cfaacd551fe017283513284b4731e6945c263246ef948d3cf63b5d269c31fd6972460"
     "85111a428245e24a4ddc6b64c687bc60a8910dbafc1d5b",
     {"passwordSalt": "appwrite", "passwordCpu": 16384, "passwordMemory": 13,
      "passwordParallel": 2, "passwordLength": 64}, "scrypt",
     {"salt": "appwrite", "costCpu": 16384, "costMemory": 13, "costParallel": 2, "length": 64,
      "type": "scrypt"}),
    ("scrypt", "9c590c2c5811bd800bb0a945d46ec5cd07509ce6e362c3d7fbae9a65129a3fa3da9501ad60ed29ecaa"
     "b41418bdee4301de973a0ae5e409af0798f3074423f5b7",
     {"passwordSalt": "appwrite", "passwordCpu": 0, "passwordMemory": 0, "passwordParallel": 0,
      "passwordLength": 0}, "scrypt",
     {"salt": "appwrite", "costCpu": 8, "costMemory": 14, "costParallel": 1, "length": 64,
      "type": "scrypt"}),
    ("scrypt-modified", "UlM7JiXRcQhzAGlaonpSqNSLIz475WMddOgLjej5De9vxTy48K6WtqlEzrRFeK4t0COfMhWC"
     "b8wuMHgxOFCHFQ==",
     {"passwordSalt": "UxLMreBr6tYyjQ==", "passwordSaltSeparator": "Bw==",
      "passwordSignerKey": "XyEKE9RcTDeLEsL/RjwPDBv/RqDl8fb3gpYEOQaPihbxf1ZAtSOHCjuAAa7Q3oHpCYhXS"
      "N9tizHgVOwn6krflQ=="}, "scryptMod",
     {"signerKey": "XyEKE9RcTDeLEsL/RjwPDBv/RqDl8fb3gpYEOQaPihbxf1ZAtSOHCjuAAa7Q3oHpCYhXSN9tizHgV"
      "Own6krflQ==", "saltSeparator": "Bw==", "salt": "UxLMreBr6tYyjQ==", "type": "scryptMod"}),
]  # fmt: skip


@pytest.mark.parametrize(("way", "digest", "more", "stored", "options"), IMPORTS)
def test_an_imported_user_signs_in_before_and_after_the_rehash(
    api: Api, way: str, digest: str, more: dict[str, Any], stored: str, options: dict[str, Any]
) -> None:
    name = unique()
    body = {"userId": name, "email": f"{name}@x.org", "password": digest, "name": "Ida", **more}
    made = api.call("POST", f"/users/{way}", body)
    assert made.status == 201, made.json
    assert (made.json["hash"], made.json["password"]) == (stored, digest)
    assert made.json["hashOptions"] == options
    assert made.json["passwordUpdate"] == made.json["$createdAt"]
    password = "example-password" if way == "bcrypt" else "appwrite"
    for _ in range(2):
        signed_in = api.call(
            "POST",
            "/account/sessions/email",
            {"email": f"{name}@x.org", "password": password},
            key=False,
        )
        assert signed_in.status == 201, signed_in.json
    after = api.call("GET", f"/users/{name}").json
    assert after["hash"] == "argon2"
    assert after["password"].startswith("$argon2id$")
    assert after["hashOptions"]["memoryCost"] == 19456
    assert after["passwordUpdate"] == made.json["passwordUpdate"]


@pytest.mark.parametrize("way", ["argon2", "bcrypt", "md5", "phpass", "sha"])
def test_a_hash_that_cannot_be_parsed_is_kept_and_never_right(api: Api, way: str) -> None:
    name = unique()
    body = {"userId": name, "email": f"{name}@x.org", "password": "password"}
    assert api.call("POST", f"/users/{way}", body).status == 201
    assert api.call("GET", f"/users/{name}").json["password"] == "password"
    refused = api.call("POST", "/account/sessions/email",
                       {"email": f"{name}@x.org", "password": "password"}, key=False)  # fmt: skip
    assert (refused.status, refused.type) == (401, "user_invalid_credentials")


@pytest.mark.parametrize("costs", [
    {"passwordCpu": 7}, {"passwordCpu": 1}, {"passwordCpu": -2}, {"passwordCpu": 2**30},
    {"passwordMemory": -1}, {"passwordMemory": 2**20}, {"passwordParallel": 2**20},
    {"passwordLength": 5}, {"passwordLength": 10**6}, {"passwordCpu": "8"}, {"passwordCpu": 8.0},
    {"passwordCpu": 2**70},
])  # fmt: skip
def test_dangerous_scrypt_costs_are_refused(api: Api, costs: dict[str, Any]) -> None:
    name = unique()
    usual = {"passwordSalt": "s", "passwordCpu": 8, "passwordMemory": 1, "passwordParallel": 1,
             "passwordLength": 64}  # fmt: skip
    body = {"userId": name, "email": f"{name}@x.org", "password": "a" * 16, **usual, **costs}
    refused = api.call("POST", "/users/scrypt", body)
    assert (refused.status, refused.type) == (400, "general_argument_invalid")
    assert api.call("GET", f"/users/{name}").status == 404


def test_quotes_in_firebase_parameters_are_kept(api: Api) -> None:
    name = unique()
    body = {
        "userId": name,
        "email": f"{name}@x.org",
        "password": "a" * 16,
        "passwordSalt": 'a"b\\',
        "passwordSaltSeparator": "\n",
        "passwordSignerKey": "'",
    }
    made = api.call("POST", "/users/scrypt-modified", body)
    assert made.json["hashOptions"]["salt"] == 'a"b\\'


def test_change_of_email_moves_the_target_and_unverifies(api: Api) -> None:
    name = unique()
    user = api.user(email=f"{name}@x.org")
    path = f"/users/{user['$id']}"
    api.call("PATCH", path + "/verification", {"emailVerification": True})
    changed = api.call("PATCH", path + "/email", {"email": f"New-{name}@x.org"}).json
    assert changed["email"] == f"new-{name}@x.org"
    assert changed["emailVerification"] is False
    assert [t["identifier"] for t in changed["targets"]] == [f"new-{name}@x.org"]
    assert changed["targets"][0]["$id"] == user["targets"][0]["$id"]


def test_the_same_email_again_is_200(api: Api) -> None:
    user = api.user(email=f"{unique()}@x.org")
    path = f"/users/{user['$id']}"
    api.call("PATCH", path + "/verification", {"emailVerification": True})
    again = api.call("PATCH", path + "/email", {"email": user["email"]})
    assert again.status == 200
    assert again.json["emailVerification"] is True
    assert again.json["targets"] == user["targets"]


def test_any_number_of_users_may_have_no_email(api: Api) -> None:
    for _ in range(2):
        user = api.user(email=f"{unique()}@x.org", phone=None)
        cleared = api.call("PATCH", f"/users/{user['$id']}/email", {"email": ""})
        assert cleared.status == 200
        assert cleared.json["email"] == ""
        assert cleared.json["targets"] == []


def test_a_taken_email_or_target_is_409(api: Api) -> None:
    other = api.user(email=f"{unique()}@x.org")
    user = api.user(email=f"{unique()}@x.org")
    path = f"/users/{user['$id']}/email"
    taken = api.call("PATCH", path, {"email": other["email"]})
    assert (taken.status, taken.type) == (409, "user_target_already_exists")
    api.call("DELETE", f"/users/{other['$id']}/targets/{other['targets'][0]['$id']}")
    taken = api.call("PATCH", path, {"email": other["email"]})
    assert (taken.status, taken.type) == (409, "user_email_already_exists")
    assert api.call("GET", f"/users/{user['$id']}").json["email"] == user["email"]


def test_change_of_phone(api: Api) -> None:
    user = api.user()
    phone = "+4915" + str(int(unique("")[:6], 16)).zfill(8)
    path = f"/users/{user['$id']}/phone"
    changed = api.call("PATCH", path, {"number": phone}).json
    assert changed["phone"] == phone
    assert [t["providerType"] for t in changed["targets"]] == ["sms"]
    assert api.call("PATCH", path, {"phone": phone}).status == 400
    assert api.call("PATCH", path, {"number": ""}).json["targets"] == []


def test_change_of_name_and_labels_is_found_by_search(api: Api) -> None:
    user, word, label = api.user(name="Before"), unique("w"), unique("L")
    path = f"/users/{user['$id']}"
    assert (
        api.call("PATCH", path + "/name", {"name": f"Lady {word}"}).json["name"] == f"Lady {word}"
    )
    assert api.call("PUT", path + "/labels", {"labels": [label, label]}).json["labels"] == [label]
    for term in (word, word.upper(), word[3:9], f"label:{label}", label.lower()):
        found = api.call("GET", "/users", query={"search": term}).json
        assert [u["$id"] for u in found["users"]] == [user["$id"]], term
    assert api.call("PATCH", path + "/name", {"name": ""}).json["name"] == ""
    assert api.call("GET", "/users", query={"search": word}).json == {"total": 0, "users": []}


@pytest.mark.parametrize("labels", [None, "x", [""], ["a b"], ["ä"], ["x" * 37], [1], ["a"] * 1001])
def test_labels_are_letters_and_digits(api: Api, labels: Any) -> None:
    user = api.user()
    refused = api.call("PUT", f"/users/{user['$id']}/labels", {"labels": labels})
    assert (refused.status, refused.type) == (400, "general_argument_invalid")


def test_preferences_are_kept_faithfully(api: Api) -> None:
    user = api.user()
    path = f"/users/{user['$id']}/prefs"
    assert api.call("GET", path).json == {}
    prefs = {"$id": 1, "a": {}, "b": [], "c": [1.0, 2, None, True, "ü\0\n"], "": {"x": 2**53}}
    assert api.call("PATCH", path, {"prefs": prefs}).json == prefs
    assert api.call("GET", path).json == prefs
    assert api.call("PATCH", path, {"prefs": {}}).json == {}
    assert api.call("PATCH", path, {"prefs": []}).json == {}
    for wrong in ("x", [1], None, 5, {"a": "x" * 65_536}):
        assert api.call("PATCH", path, {"prefs": wrong}).status == 400
    assert api.call("PATCH", path, {"prefs": {"a": "x" * 65_527}}).status == 200


def test_status_takes_words_and_blocks_at_once(api: Api) -> None:
    user = api.user()
    path = f"/users/{user['$id']}"
    secret = api.call("POST", path + "/sessions").json["secret"]
    session = {"X-Appwrite-Session": secret}
    assert api.call("GET", "/account", headers=session, key=False).status == 200
    assert api.call("PATCH", path + "/status", {"status": "false"}).json["status"] is False
    refused = api.call("GET", "/account", headers=session, key=False)
    assert (refused.status, refused.type) == (401, "user_blocked")
    assert api.call("PATCH", path + "/status", {"status": 1}).json["status"] is True
    assert api.call("GET", "/account", headers=session, key=False).status == 200
    assert api.call("PATCH", path + "/status", {"status": "maybe"}).status == 400


def test_verification_flags(api: Api) -> None:
    user = api.user()
    path = f"/users/{user['$id']}/verification"
    assert api.call("PATCH", path, {"emailVerification": True}).json["emailVerification"] is True
    changed = api.call("PATCH", path + "/phone", {"phoneVerification": True}).json
    assert changed["phoneVerification"] is True
    assert api.call("PATCH", path, {"emailVerification": "true"}).status == 400


def test_delete_releases_everything(api: Api) -> None:
    name = unique()
    body = {"userId": name, "email": f"{name}@x.org", "password": "correct horse"}
    assert api.call("POST", "/users", body).status == 201
    api.call("PUT", f"/users/{name}/labels", {"labels": [name]})
    secret = api.call("POST", f"/users/{name}/sessions").json["secret"]
    token = api.call("POST", f"/users/{name}/tokens", {}).json["secret"]
    jwt = api.call("POST", f"/users/{name}/jwts", {}).json["jwt"]
    api.call("PATCH", f"/users/{name}/mfa/recovery-codes")
    assert api.call("DELETE", f"/users/{name}").status == 204
    assert api.call("DELETE", f"/users/{name}").type == "user_not_found"
    for headers in ({"X-Appwrite-Session": secret}, {"X-Appwrite-JWT": jwt}):
        gone = api.call("GET", "/account", headers=headers, key=False)
        assert (gone.status, gone.type) == (401, "general_unauthorized_scope")
    assert api.call("GET", "/users", query={"search": name}).json["total"] == 0
    again = api.call("POST", "/users", body)
    assert again.status == 201
    assert len(again.json["targets"]) == 1
    assert again.json["labels"] == []
    assert api.call("GET", f"/users/{name}/sessions").json["total"] == 0
    assert api.call("GET", f"/users/{name}/mfa/recovery-codes").status == 404
    body = {"userId": name, "secret": token}
    assert api.call("POST", "/account/sessions/token", body, key=False).type == "user_invalid_token"


@pytest.mark.parametrize(("method", "path"), [
    ("GET", ""), ("DELETE", ""), ("GET", "/prefs"), ("GET", "/sessions"), ("POST", "/sessions"),
    ("DELETE", "/sessions"), ("DELETE", "/sessions/x"), ("GET", "/logs"), ("GET", "/memberships"),
    ("GET", "/targets"), ("GET", "/targets/x"), ("DELETE", "/targets/x"), ("PATCH", "/targets/x"),
    ("POST", "/tokens"), ("POST", "/jwts"), ("GET", "/mfa/factors"),
    ("GET", "/mfa/recovery-codes"), ("PUT", "/mfa/recovery-codes"),
    ("PATCH", "/mfa/recovery-codes"), ("DELETE", "/mfa/authenticators/totp"),
])  # fmt: skip
def test_an_unknown_user_is_404(api: Api, method: str, path: str) -> None:
    answer = api.call(method, f"/users/nobody-here{path}", None if method == "GET" else {})
    assert (answer.status, answer.type) == (404, "user_not_found")
