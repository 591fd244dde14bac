"""Calls every method of an official Python SDK's `Users` class, and uses what it hands out.

Runs with the SDK on PYTHONPATH; prints the user and the methods not called as JSON.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from typing import Any

from appwrite.id import ID  # type: ignore[import-not-found]
from appwrite.query import Query  # type: ignore[import-not-found]
from appwrite.services.users import Users  # type: ignore[import-not-found]
from sdk import Recorder, account, client, enum, methods, refused, refused_all  # type: ignore[import-not-found]

ABSENT = {"update_impersonator", "get_mfa_challenge", "list_passkeys", "get_passkey",
          "update_passkey", "delete_passkey"}  # fmt: skip
"""Methods of newer servers, without an endpoint in 1.7; see docs/compatibility.md."""

called: set[str] = set()
users: Any = Recorder(Users(client(key=os.environ["KEY"])), called)
newer = "total" in inspect.signature(Users.list).parameters


def create_and_import() -> dict[str, Any]:
    mira: dict[str, Any] = users.create(
        ID.unique(), "mira@example.org", "+4915112345678", "correct horse", "Mira"
    )
    assert (mira["email"], mira["phone"], mira["name"]) == (
        "mira@example.org", "+4915112345678", "Mira"
    )  # fmt: skip
    bare = users.create(user_id=ID.custom("bare"))
    assert (bare["$id"], bare["email"], bare["status"]) == ("bare", "", True)
    refused(409, "user_already_exists", users.create, user_id="bare")

    def address(kind: str) -> str:
        return f"{kind}@import.example"

    imports = {
        "argon2": users.create_argon2_user(
            "i-argon2", address("argon2"),
            "$argon2i$v=19$m=20,t=3,p=2$YXBwd3JpdGU$A/54i238ed09ZR4NwlACU5XnkjNBZU9QeOEuhjLiexI",
            "Imported",
        ),
        "bcrypt": users.create_bcrypt_user(
            "i-bcrypt", address("bcrypt"),
            "$2a$05$IjrtSz6SN7UJ6Sh3l.b5jODEvEG2LMJTPAHIaLWRvlWx7if3VMkFO",
        ),
        "md5": users.create_md5_user("i-md5", address("md5"), "144fa7eaa4904e8ee120651997f70dcc"),
        "phpass": users.create_ph_pass_user(
            "i-phpass", address("phpass"), "$P$Br387rwferoKN7uwHZqNMu98q3U8RO."
        ),
        "scrypt": users.create_scrypt_user(
            "i-scrypt", address("scrypt"),
            "3fdef49701bc4cfaacd551fe017283513284b4731e6945c263246ef948d3cf63"
            "b5d269c31fd697246085111a428245e24a4ddc6b64c687bc60a8910dbafc1d5b",
            "appwrite", 16384, 13, 2, 64,
        ),
        "scryptMod": users.create_scrypt_modified_user(
            "i-scrypt-modified", address("scryptMod"),
            "UlM7JiXRcQhzAGlaonpSqNSLIz475WMddOgLjej5De9vxTy48K6WtqlEzrRFeK4t0COfMhWCb8wuMHgxOFCHFQ==",
            "UxLMreBr6tYyjQ==", "Bw==",
            "XyEKE9RcTDeLEsL/RjwPDBv/RqDl8fb3gpYEOQaPihbxf1ZAtSOHCjuAAa7Q3oHpCYhXSN9tizHgVOwn6krflQ==",
        ),
        "sha": users.create_sha_user(
            "i-sha", address("sha"),
            "ece375199f9118cf29e19e171742f668b6b13367dc1797d11da1c74795e758cc",
            enum("password_hash", "PasswordHash", "SHA256"),
        ),
    }  # fmt: skip
    # The examples that the vendor publishes send a cost of 0 and a hash that is none.
    users.create_scrypt_user("i-example", "example@x.example", "password", "<SALT>", 0, 0, 0, 0)
    for kind, user in imports.items():
        assert user["hash"] == kind
        password = "hello-world" if kind == "bcrypt" else "appwrite"
        for _before_and_after_it_is_hashed_anew in range(2):
            session = account().create_email_password_session(address(kind), password)
            assert session["userId"] == user["$id"]
            assert users.get(user["$id"])["hash"] == "argon2"
    refused(401, "user_invalid_credentials", account().create_email_password_session,
            "md5@import.example", "appwritten")  # fmt: skip
    return mira


def lists(mira: dict[str, Any]) -> None:
    page = users.list([Query.equal("name", "MIRA"), Query.limit(1)])
    assert page["total"] == 1
    assert page["users"][0]["$id"] == mira["$id"]
    assert users.list(search="mir")["users"][0]["$id"] == mira["$id"]
    ids = [user["$id"] for user in users.list([Query.order_desc("$createdAt")])["users"]]
    after = users.list([Query.order_desc("$createdAt"), Query.cursor_after(ids[2]), Query.limit(2)])
    assert [user["$id"] for user in after["users"]] == ids[3:5]
    either = [
        Query.or_queries([Query.equal("email", ["mira@example.org"]), Query.is_null("email")])
    ]
    assert {user["$id"] for user in users.list(either)["users"]} == {mira["$id"], "bare"}
    if newer:
        assert users.list(total=False)["total"] == 0
    refused(400, "general_argument_invalid", users.list, [Query.equal("nam", "x")])


def change(user_id: str) -> None:
    assert users.update_name(user_id, "Mira O.")["name"] == "Mira O."
    assert users.update_email(user_id, "mira@new.example")["email"] == "mira@new.example"
    assert users.update_phone(user_id, "+14155550100")["phone"] == "+14155550100"
    assert users.update_labels(user_id, ["staff"])["labels"] == ["staff"]
    assert users.update_email_verification(user_id, True)["emailVerification"] is True
    assert users.update_phone_verification(user_id, True)["phoneVerification"] is True
    assert users.update_prefs(user_id, {"theme": "dark"})["theme"] == "dark"
    assert users.get_prefs(user_id)["theme"] == "dark"
    users.update_password(user_id, "another horse")
    session = account().create_email_password_session("mira@new.example", "another horse")
    assert session["userId"] == user_id
    users.delete_sessions(user_id)


def access(user_id: str) -> None:
    session = users.create_session(user_id)
    mine = account(session=session["secret"])
    assert mine.get()["$id"] == user_id
    jwt = users.create_jwt(user_id, session["$id"], 60)["jwt"]
    assert account(jwt=jwt).get()["name"] == "Mira O."
    token = users.create_token(user_id, 8, 300)
    assert len(token["secret"]) == 8
    exchange = account()
    signed_in = exchange.create_session(user_id, token["secret"])
    assert signed_in["provider"] == "token"
    listed = users.list_sessions(user_id)
    assert (listed["total"], len(listed["sessions"])) == (2, 2)
    users.update_status(user_id, False)
    refused(401, "user_blocked", mine.get)
    users.update_status(user_id, True)
    users.delete_session(user_id, session["$id"])
    refused(401, "general_unauthorized_scope", mine.get)
    users.delete_sessions(user_id)
    assert users.list_sessions(user_id)["total"] == 0


def factors(user_id: str) -> None:
    assert users.update_mfa(user_id, True)["mfa"] is True
    found = users.list_mfa_factors(user_id)
    assert (found["totp"], found["email"], found["phone"]) == (True, True, True)
    refused(404, "user_recovery_codes_not_found", users.get_mfa_recovery_codes, user_id)
    codes = users.create_mfa_recovery_codes(user_id)["recoveryCodes"]
    assert users.get_mfa_recovery_codes(user_id)["recoveryCodes"] == codes
    assert users.update_mfa_recovery_codes(user_id)["recoveryCodes"] != codes
    users.delete_mfa_authenticator(user_id, "totp")  # older SDKs fail on their own enum
    assert users.list_mfa_factors(user_id)["totp"] is False
    users.update_mfa(user_id, False)


def targets(user_id: str) -> None:
    kind = enum("messaging_provider_type", "MessagingProviderType", "EMAIL")
    target = users.create_target(user_id, ID.unique(), kind, "second@example.org", name="Second")
    path = (user_id, target["$id"])
    assert users.get_target(*path)["identifier"] == "second@example.org"
    assert users.update_target(*path, identifier="third@example.org")["name"] == "Second"
    listed = users.list_targets(user_id, [Query.equal("providerType", "email")])
    assert "third@example.org" in [one["identifier"] for one in listed["targets"]]
    users.delete_target(*path)
    refused(404, "user_target_not_found", users.get_target, *path)


def records(user_id: str) -> None:
    memberships = users.list_memberships(user_id)
    assert memberships["total"] == 1
    assert memberships["memberships"][0]["teamName"] == "Team"
    identities = users.list_identities([Query.equal("userId", user_id)])
    assert identities["total"] == 1
    assert identities["identities"][0]["provider"] == "github"
    users.delete_identity(identities["identities"][0]["$id"])
    assert users.list_identities(search="github")["total"] == 0
    if hasattr(Users, "list_logs"):
        logs = users.list_logs(user_id, [Query.limit(5)])["logs"]
        assert [log["event"] for log in logs] == ["session.create"] * 2  # what the user did


def main() -> None:
    here = methods(Users)
    if sys.argv[1:] == ["create"]:
        user_id = create_and_import()["$id"]
    else:
        user_id = sys.argv[1]
        work(user_id)
        refused_all(users, ABSENT & here)
    print(json.dumps({"userId": user_id, "notCalled": sorted(here - called)}))


def work(user_id: str) -> None:
    lists(users.get(user_id))
    change(user_id)
    access(user_id)
    factors(user_id)
    targets(user_id)
    records(user_id)
    users.delete(user_id)
    refused(404, "user_not_found", users.get, user_id)


if __name__ == "__main__":
    main()
