"""The endpoint table and live answers against the facts of the published 1.7 API descriptions.

The JSON files hold names and types only. Every difference stands here, with its reason.
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

FACTS = {
    service: json.loads((Path(__file__).parent / f"{service}-1.7.json").read_text())
    for service in ("users", "account")
}
MODELS: dict[str, list[str]] = {
    model: keys for facts in FACTS.values() for model, keys in facts["models"].items()
}
PUBLISHED: dict[tuple[str, str], dict[str, Any]] = {
    (fact["method"], fact["path"]): fact for facts in FACTS.values() for fact in facts["endpoints"]
}

NOT_HERE: set[tuple[str, str]] = set()
ONLY_HERE = {
    # 1.7 has it, unpublished.
    ("DELETE", "/account"),
    # Older spellings, which 1.7 still answers.
    ("POST", "/account/sessions"),
    ("POST", "/account/jwt"),
    ("PUT", "/account/sessions/token"),
    ("POST", "/account/sessions/magic-url"),
    ("POST", "/account/sessions/phone"),
    # Newer spellings, which current SDKs use.
    ("POST", "/account/mfa/challenges"),
    ("PUT", "/account/mfa/challenges"),
    ("POST", "/account/verifications/email"),
    ("PUT", "/account/verifications/email"),
    ("POST", "/account/verifications/phone"),
    ("PUT", "/account/verifications/phone"),
}
INTERNAL = ("/callback/{provider}/{projectId}", "/{provider}/redirect")
"""Ends of paths where providers and usherd itself send browsers to; no SDK calls them."""

STATUS = {
    ("DELETE", "/users/{userId}/mfa/authenticators/{type}"): 200,
    # The seed documents 200 with a user; SDKs of typed languages parse it, the others ignore it.
}
SCOPE = {
    # For an API key the published targets.write means everybody's targets, so that the routes for
    # one's own ask for what every signed-in user has.
    ("POST", "/account/targets/push"): "account",
    ("PUT", "/account/targets/{targetId}/push"): "account",
    ("DELETE", "/account/targets/{targetId}/push"): "account",
}
OTHER_NAME = {
    # Deprecated spellings of createSession.
    ("PUT", "/account/sessions/magic-url"): "createSession",
    ("PUT", "/account/sessions/phone"): "createSession",
}
MORE_IN_BODY = {("DELETE", "/account/sessions"): {"current": "boolean"}}
"""What newer servers take, and a client would be hurt by if it was ignored."""

MORE_IN_QUERY = {"total"}
"""Every list of the current SDKs takes `total`; 1.7 did not know it yet."""

MORE_KEYS = {
    "log": {"userType"},
    "membership": {"userPhone", "userAccessedAt"},
    "mfaFactors": {"custom"},
}
"""Fields without which the strict models of current SDKs refuse the answer."""

HASH_KEYS = {"password", "hash", "hashOptions"}
"""Published is one model for both services; the Account service tells nothing of the hash."""


def table(service: str = "") -> dict[tuple[str, str], Endpoint]:
    prefix = "/v1"
    return {
        (e.method, e.path.removeprefix(prefix)): e
        for e in api.TABLE
        if e.path.startswith(f"{prefix}/{service}") and not e.path.endswith(INTERNAL)
    }


@pytest.mark.parametrize(("service", "count"), [("users", 42), ("account", 47)])
def test_the_same_routes(service: str, count: int) -> None:
    published = {(fact["method"], fact["path"]) for fact in FACTS[service]["endpoints"]}
    assert len(published) == count
    assert published - set(table(service)) == NOT_HERE & published
    assert {r for r in table(service) if r not in published} == (
        ONLY_HERE if service == "account" else set()
    )


def types(arguments: list[Argument]) -> dict[str, str]:
    """The JSON type of each; a union is told by what it is besides null."""
    return {a.wire: str(a.param.schema.get("type")) for a in arguments}


def spelled(endpoint: Endpoint) -> str:
    return endpoint.name.replace("_", "").lower()


@pytest.mark.parametrize("route", [r for r in PUBLISHED if r not in NOT_HERE], ids=" ".join)
def test_the_same_parameters_scope_and_status(route: tuple[str, str]) -> None:
    endpoint, fact = table()[route], PUBLISHED[route]
    assert endpoint.scope == SCOPE.get(route, fact["scope"])
    assert endpoint.status == STATUS.get(route, fact["status"])
    assert spelled(endpoint) in (fact["name"].lower(), OTHER_NAME.get(route, "").lower())
    in_path = [a for a in endpoint.arguments if a.in_path]
    sent = [a for a in endpoint.arguments if not a.in_path]
    assert types(in_path) == fact["path_parameters"]
    ours = types(sent)
    if endpoint.method == "GET":
        assert ours.keys() - MORE_IN_QUERY == fact["query"].keys()
        assert {name: ours[name] for name in fact["query"]} == fact["query"]
        assert ("total" in ours) is (endpoint.response.__name__.endswith("List"))
    else:
        assert ours == fact["body"] | MORE_IN_BODY.get(route, {})
    required = {a.wire for a in sent if a.required}
    assert required == set(fact["required"])


@pytest.mark.parametrize("route", [
    route for route, fact in PUBLISHED.items() if fact.get("model") and route not in NOT_HERE
], ids=" ".join)  # fmt: skip
def test_the_account_service_answers_with_the_published_model(route: tuple[str, str]) -> None:
    model = PUBLISHED[route]["model"]
    ours = table()[route].response.__name__
    assert ours[0].lower() + ours[1:] == {"user": "account"}.get(model, model)


@pytest.mark.parametrize("route", sorted(ONLY_HERE), ids=" ".join)
def test_another_spelling_is_the_same_endpoint(route: tuple[str, str]) -> None:
    others = [e for r, e in table("account").items() if e.handler is table()[route].handler]
    if route == ("DELETE", "/account"):
        assert len(others) == 1
    else:
        assert len(others) > 1
        assert any((e.method, e.path.removeprefix("/v1")) in PUBLISHED for e in others)
    assert {(e.scope, e.status, e.event, e.audit, e.arguments) for e in others} == {
        (others[0].scope, others[0].status, others[0].event, others[0].audit, others[0].arguments)
    }


LISTED = {"userList": "users", "sessionList": "sessions", "logList": "logs",
          "identityList": "identities", "targetList": "targets",
          "membershipList": "memberships"}  # fmt: skip


def expected(model: str) -> set[str]:
    if model == "account":
        return set(MODELS["user"]) - HASH_KEYS
    return set(MODELS[model]) | MORE_KEYS.get(model, set())


def test_every_model_has_the_published_keys() -> None:
    for model in [*MODELS, "account"]:
        if model == "preferences":  # the bare object
            continue
        struct = getattr(models, model[0].upper() + model[1:])
        wire = {field.encode_name for field in msgspec.structs.fields(struct)}
        assert wire == expected(model), model


def check_keys(answers: dict[str, Any]) -> None:
    """Each answer, and each item of a list, has exactly its model's keys."""
    for model, answer in answers.items():
        assert set(answer) == expected(model), model
        if model in LISTED:
            items = answer[LISTED[model]]
            assert answer["total"] == len(items) > 0, model
            for item in items:
                assert set(item) == expected(model.removesuffix("List")), model


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
        FACTS["users"]["models"]
    )
    check_keys(answers)
    assert set(user["targets"][0]) == expected("target")
    assert api.call("GET", f"{base}/prefs").json == {}


def test_live_answers_to_clients_have_exactly_the_published_keys(
    project_with: Callable[..., Api],
) -> None:
    api = project_with()
    sign_up = {"userId": "unique()", "email": "a@b.example", "password": "correct horse"}
    account = api.call("POST", "/account", sign_up, key=False).json
    proof = {"email": "a@b.example", "password": "correct horse"}
    begun = api.call("POST", "/account/sessions/email", proof, key=False)
    mira = api.person(begun)
    codes = mira.call("POST", "/account/mfa/recovery-codes").json
    asked = mira.call("POST", "/account/mfa/challenge", {"factor": "recoverycode"}).json
    answer = {"challengeId": asked["$id"], "otp": codes["recoveryCodes"][0]}
    push = {"targetId": "unique()", "identifier": "device"}
    redirect = {"url": "http://localhost/verify"}
    every = [
        {"account": account, "session": begun.json, "mfaRecoveryCodes": codes,
         "mfaChallenge": asked},
        {"session": mira.call("PUT", "/account/mfa/challenge", answer).json},
        {"mfaRecoveryCodes": mira.call("GET", "/account/mfa/recovery-codes").json},
        {"mfaType": mira.call("POST", "/account/mfa/authenticators/totp").json},
        {"mfaFactors": mira.call("GET", "/account/mfa/factors").json},
        {"target": mira.call("POST", "/account/targets/push", push).json},
        {"token": mira.call("POST", "/account/verification", redirect).json},
        {"token": api.call("POST", "/account/tokens/email", {"userId": "unique()", "phrase": True,
                                                             "email": "a@b.example"}).json},
        {"token": api.call("POST", "/account/recovery", redirect | {"email": "a@b.example"}).json},
        {"jwt": mira.call("POST", "/account/jwts").json},
        {"account": mira.call("GET", "/account").json},
        {"account": mira.call("PATCH", "/account/prefs", {"prefs": {}}).json},
        {"sessionList": mira.call("GET", "/account/sessions").json},
        {"session": mira.call("GET", "/account/sessions/current").json},
        {"session": mira.call("PATCH", "/account/sessions/current").json},
        {"logList": mira.call("GET", "/account/logs").json},
        {"account": mira.call("PATCH", "/account/mfa", {"mfa": True}).json},
    ]  # fmt: skip
    for answers in every:
        check_keys(answers)
    assert mira.call("GET", "/account/prefs").json == {}
    seen = {model for answers in every for model in answers}
    named = {fact["model"] for fact in FACTS["account"]["endpoints"]}
    assert seen == named - {"", "user", "preferences", "identityList"} | {"account"}
