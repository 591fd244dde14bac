"""The Teams service against the published 1.7 description, and driven by the official SDKs.

`teams-1.7.json` holds names and types only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import parts
from tests.api.test_teams import own_team, person
from tests.conformance.driving import DRIVERS, NODE, PYTHON, World, drive
from tests.conformance.test_table import MORE_IN_QUERY, MORE_KEYS, types
from tests.conftest import Api, Mailbox, Phones
from usherd import api, models
from usherd.endpoints import Endpoint

FACTS = json.loads((Path(__file__).parent / "teams-1.7.json").read_text())
PUBLISHED: dict[tuple[str, str], dict[str, Any]] = {
    (fact["method"], fact["path"]): fact for fact in FACTS["endpoints"]
}


def table() -> dict[tuple[str, str], Endpoint]:
    return {
        (e.method, e.path.removeprefix("/v1")): e
        for e in api.TABLE
        if e.path.startswith("/v1/teams")
    }


def test_the_same_routes() -> None:
    assert set(table()) == set(PUBLISHED)
    assert len(PUBLISHED) == 13


@pytest.mark.parametrize("route", list(PUBLISHED), ids=" ".join)
def test_the_same_parameters_scope_status_and_limit(route: tuple[str, str]) -> None:
    endpoint, fact = table()[route], PUBLISHED[route]
    assert (endpoint.scope, endpoint.status) == (fact["scope"], fact["status"])
    assert endpoint.name.replace("_", "").lower() == fact["name"].lower()
    assert (endpoint.limit.count if endpoint.limit else 0) == fact["limit"]
    sent = [a for a in endpoint.arguments if not a.in_path]
    assert types([a for a in endpoint.arguments if a.in_path]) == fact["path_parameters"]
    ours = types(sent)
    if endpoint.method == "GET":
        assert ours.keys() - MORE_IN_QUERY == fact["query"].keys()
        assert {name: ours[name] for name in fact["query"]} == fact["query"]
        assert ("total" in ours) is endpoint.response.__name__.endswith("List")
    else:
        assert ours == fact["body"]
    assert {a.wire for a in sent if a.required} == set(fact["required"])


EVENTS = {
    ("POST", "/teams"): ("create", "team.create"),
    ("PUT", "/teams/{teamId}"): ("update", "team.update"),
    ("DELETE", "/teams/{teamId}"): ("delete", "team.delete"),
    ("PUT", "/teams/{teamId}/prefs"): ("update.prefs", "team.update"),
    ("POST", "/teams/{teamId}/memberships"):
        ("memberships.[membershipId].create", "membership.create"),
    ("PATCH", "/teams/{teamId}/memberships/{membershipId}"):
        ("memberships.[membershipId].update", "membership.update"),
    ("PATCH", "/teams/{teamId}/memberships/{membershipId}/status"):
        ("memberships.[membershipId].update.status", "membership.update"),
    ("DELETE", "/teams/{teamId}/memberships/{membershipId}"):
        ("memberships.[membershipId].delete", "membership.delete"),
}  # fmt: skip


def test_the_same_events_and_audit_labels() -> None:
    told = {route: (e.event, e.audit) for route, e in table().items() if e.method != "GET"}
    assert told == {r: (f"teams.[teamId].{event}", audit) for r, (event, audit) in EVENTS.items()}


def expected(model: str) -> set[str]:
    return set(FACTS["models"][model]) | MORE_KEYS.get(model, set())


def test_every_model_has_the_published_keys() -> None:
    for model in FACTS["models"].keys() - {"preferences"}:  # those are the bare object
        struct = getattr(models, model[0].upper() + model[1:])
        wire = {field.encode_name for field in msgspec.structs.fields(struct)}
        assert wire == expected(model), model


def test_live_answers_have_exactly_the_published_keys(project_with: Callable[..., Api]) -> None:
    api = project_with()
    _, mira = person(api)
    team = own_team(mira)
    user_id = api.user()["$id"]
    for caller in (mira, api):
        teams = caller.call("GET", "/teams").json
        assert set(teams) == expected("teamList")
        assert set(teams["teams"][0]) == set(caller.call("GET", f"/teams/{team}").json)
        assert set(teams["teams"][0]) == expected("team")
        listed = caller.call("GET", f"/teams/{team}/memberships").json
        assert set(listed) == expected("membershipList")
        assert set(listed["memberships"][0]) == expected("membership")
        assert caller.call("GET", f"/teams/{team}/prefs").json == {}
    made = api.call("POST", f"/teams/{team}/memberships", {"userId": user_id, "roles": []}).json
    assert set(made) == expected("membership")


# -- the official SDKs: every method of their `Teams` class --


@pytest.mark.parametrize("spec", PYTHON)
def test_python(
    project_with: Callable[..., Api], mailbox: Mailbox, phones: Phones, spec: str
) -> None:
    command = [sys.executable, DRIVERS / "teams_sdk.py"]
    folder = str(parts.python_package(spec))
    told = drive(project_with(), command, World(mailbox, phones), PYTHONPATH=folder)
    assert told["notCalled"] == []


@pytest.mark.parametrize("spec", NODE)
def test_node(
    project_with: Callable[..., Api], mailbox: Mailbox, phones: Phones, spec: str
) -> None:
    command = [parts.node(), DRIVERS / "teams_sdk.mjs", parts.node_package(spec)]
    told = drive(project_with(), command, World(mailbox, phones))
    assert told["notCalled"] == []
