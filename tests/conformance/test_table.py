"""The endpoint table and live answers against the facts of the published 1.7 API description.

`users-1.7.json` holds names and types only. Every difference stands here, with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conformance.test_sdks import add_records
from tests.conftest import Api
from usherd import api, models
from usherd.endpoints import Argument, Endpoint

FACTS = json.loads((Path(__file__).parent / "users-1.7.json").read_text())
PUBLISHED: dict[tuple[str, str], dict[str, Any]] = {
    (fact["method"], fact["path"]): fact for fact in FACTS["endpoints"]
}

STATUS = {
    ("DELETE", "/users/{userId}/mfa/authenticators/{type}"): 200,
    # The seed documents 200 with a user; SDKs of typed languages parse it, the others ignore it.
}
MORE_IN_QUERY = {"total"}
"""Every list of the current SDKs takes `total`; 1.7 did not know it yet."""

MORE_KEYS = {
    "log": {"userType"},
    "membership": {"userPhone", "userAccessedAt"},
    "mfaFactors": {"custom"},
}
"""Fields without which the strict models of current SDKs refuse the answer."""


def table() -> dict[tuple[str, str], Endpoint]:
    prefix = "/v1"
    return {
        (e.method, e.path.removeprefix(prefix)): e
        for e in api.TABLE
        if e.path.startswith(prefix + "/users")
    }


def test_the_same_routes() -> None:
    assert set(table()) == set(PUBLISHED)
    assert len(PUBLISHED) == 42


def types(arguments: list[Argument]) -> dict[str, str]:
    """The JSON type of each; a union is told by what it is besides null."""
    return {a.wire: str(a.param.schema.get("type")) for a in arguments}


@pytest.mark.parametrize("route", list(PUBLISHED), ids=" ".join)
def test_the_same_parameters_scope_and_status(route: tuple[str, str]) -> None:
    endpoint, fact = table()[route], PUBLISHED[route]
    assert endpoint.scope == fact["scope"]
    assert endpoint.status == STATUS.get(route, fact["status"])
    assert endpoint.name.replace("_", "").lower() == fact["name"].lower()
    in_path = [a for a in endpoint.arguments if a.in_path]
    sent = [a for a in endpoint.arguments if not a.in_path]
    assert types(in_path) == fact["path_parameters"]
    ours = types(sent)
    if endpoint.method == "GET":
        assert ours.keys() - MORE_IN_QUERY == fact["query"].keys()
        assert {name: ours[name] for name in fact["query"]} == fact["query"]
        assert ("total" in ours) is (endpoint.response.__name__.endswith("List"))
    else:
        assert ours == fact["body"]
    required = {a.wire for a in sent if a.required}
    assert required == set(fact["required"])


LISTED = {"userList": "users", "sessionList": "sessions", "logList": "logs",
          "identityList": "identities", "targetList": "targets",
          "membershipList": "memberships"}  # fmt: skip


def expected(model: str) -> set[str]:
    return set(FACTS["models"][model]) | MORE_KEYS.get(model, set())


def test_every_model_has_the_published_keys() -> None:
    for model in FACTS["models"]:
        if model == "preferences":  # the bare object
            continue
        struct = getattr(models, model[0].upper() + model[1:])
        wire = {field.encode_name for field in msgspec.structs.fields(struct)}
        assert wire == expected(model), model


def test_live_answers_have_exactly_the_published_keys(project_with: Callable[..., Api]) -> None:
    api = project_with()
    user = api.user(email="a@b.example", password="correct horse")
    user_id = user["$id"]
    add_records(api, user_id)
    session = api.call("POST", f"/users/{user_id}/sessions").json
    own = {"X-Appwrite-Session": session["secret"]}
    assert api.call("GET", "/account", key=False, headers=own).status == 200
    token = api.call("POST", f"/users/{user_id}/tokens").json
    api.call("POST", "/account/sessions/token", {"userId": user_id, "secret": token["secret"]},
             key=False)  # fmt: skip
    base = f"/users/{user_id}"
    answers = {
        "user": user,
        "session": session,
        "token": token,
        "jwt": api.call("POST", f"{base}/jwts").json,
        "mfaFactors": api.call("GET", f"{base}/mfa/factors").json,
        "mfaRecoveryCodes": api.call("PATCH", f"{base}/mfa/recovery-codes").json,
        "userList": api.call("GET", "/users").json,
        "sessionList": api.call("GET", f"{base}/sessions").json,
        "logList": api.call("GET", f"{base}/logs").json,
        "identityList": api.call("GET", "/users/identities").json,
        "targetList": api.call("GET", f"{base}/targets").json,
        "membershipList": api.call("GET", f"{base}/memberships").json,
    }
    assert answers.keys() | {"preferences", "identity", "log", "membership", "target"} == set(
        FACTS["models"]
    )
    for model, answer in answers.items():
        assert set(answer) == expected(model), model
        if model in LISTED:
            items = answer[LISTED[model]]
            assert answer["total"] == len(items) > 0, model
            for item in items:
                assert set(item) == expected(model.removesuffix("List")), model
    assert set(user["targets"][0]) == expected("target")
    assert api.call("GET", f"{base}/prefs").json == {}
