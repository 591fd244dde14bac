"""Targets: the addresses of a user."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api, unique


def target(api: Api, user_id: str, **fields: Any) -> Any:
    body = {"targetId": "unique()", "providerType": "push", "identifier": unique("i"), **fields}
    return api.call("POST", f"/users/{user_id}/targets", body)


def test_create_read_update_delete(api: Api) -> None:
    user, name = api.user(), unique("t")
    made = target(api, user["$id"], targetId=name, providerType="PUSH", identifier="Tok-1" + name,
                  name="Phone")  # fmt: skip
    assert made.status == 201
    assert list(made.json) == ["$id", "$createdAt", "$updatedAt", "name", "userId", "providerId",
                               "providerType", "identifier", "expired"]  # fmt: skip
    assert made.json["identifier"] == "Tok-1" + name
    assert made.json["providerType"] == "push"
    path = f"/users/{user['$id']}/targets/{name}"
    assert api.call("GET", path).json == made.json
    changed = api.call("PATCH", path, {"identifier": unique("j")}).json
    assert changed["name"] == "Phone"
    assert changed["expired"] is False
    assert api.call("PATCH", path, {}).json["identifier"] == changed["identifier"]
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", path).type == "user_target_not_found"


def test_taken_ids_and_identifiers_are_409(api: Api) -> None:
    user, other = api.user(), api.user()
    one, two = target(api, user["$id"]).json, target(api, other["$id"]).json
    for fields in ({"targetId": one["$id"]}, {"identifier": one["identifier"]}):
        refused = target(api, other["$id"], **fields)
        assert (refused.status, refused.type) == (409, "user_target_already_exists")
    path = f"/users/{other['$id']}/targets/{two['$id']}"
    refused = api.call("PATCH", path, {"identifier": one["identifier"]})
    assert (refused.status, refused.type) == (409, "user_target_already_exists")


def test_other_peoples_targets_are_not_found(api: Api) -> None:
    user, other = api.user(), api.user()
    made = target(api, user["$id"]).json
    for name in (made["$id"], other["$id"]):
        for method in ("GET", "PATCH", "DELETE"):
            answer = api.call(method, f"/users/{other['$id']}/targets/{name}",
                              None if method == "GET" else {})  # fmt: skip
            assert (answer.status, answer.type) == (404, "user_target_not_found")


@pytest.mark.parametrize(("fields", "type_"), [
    ({"providerType": "email", "identifier": "nobody"}, "general_invalid_email"),
    ({"providerType": "sms", "identifier": "123"}, "general_invalid_phone"),
    ({"providerId": "nowhere"}, "provider_not_found"),
    ({"providerType": "fax"}, "general_argument_invalid"),
    ({"identifier": ""}, "general_argument_invalid"),
    ({"identifier": "x" * 256}, "general_argument_invalid"),
    ({"name": ""}, "general_argument_invalid"),
    ({"targetId": "!"}, "general_argument_invalid"),
])  # fmt: skip
def test_wrong_targets(api: Api, fields: dict[str, Any], type_: str) -> None:
    user = api.user()
    assert target(api, user["$id"], **fields).type == type_
    assert api.call("GET", f"/users/{user['$id']}/targets").json["total"] == 0


def test_a_deleted_address_comes_back_with_the_next_change(api: Api) -> None:
    user = api.user(email=f"{unique()}@x.org")
    path = f"/users/{user['$id']}"
    api.call("DELETE", f"{path}/targets/{user['targets'][0]['$id']}")
    assert api.call("GET", path).json["targets"] == []
    again = api.call("PATCH", path + "/email", {"email": f"{unique()}@x.org"}).json
    assert [t["identifier"] for t in again["targets"]] == [again["email"]]
