"""Who may call: projects, keys, scopes, and the order in which refusals come."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.conftest import Api, unique
from usherd.api import TABLE
from usherd.endpoints import Endpoint


def key(api: Api, *args: str) -> str:
    """A key of the project with these options."""
    made = api.server.cli("key", "create", "--project", api.project, "--name", "k", "--json", *args)
    assert made.returncode == 0, made.stderr
    return str(json.loads(made.stdout)["secret"])


def filled(endpoint: Endpoint) -> str:
    """The endpoint's path with values for its parameters."""
    path = endpoint.path.removeprefix("/v1")
    return path.replace("{userId}", "u").replace("{type}", "totp").replace("{", "").replace("}", "")


ROWS = [pytest.param(e, id=f"{e.method} {e.path}") for e in TABLE]


@pytest.mark.parametrize("endpoint", [row for row in ROWS if row.values[0].scope in
                                      ("users.read", "users.write", "targets.read", "targets.write",
                                       "account")])  # fmt: skip
def test_a_guest_is_refused_everywhere(api: Api, endpoint: Endpoint) -> None:
    answer = api.call(endpoint.method, filled(endpoint), key=False)
    assert (answer.status, answer.type) == (401, "general_unauthorized_scope")


@pytest.fixture(scope="module")
def keys_without(server: object) -> dict[str, str]:
    return {}


@pytest.mark.parametrize("endpoint", [row for row in ROWS if "." in row.values[0].scope])
def test_a_key_without_the_scope_is_refused(
    api: Api, endpoint: Endpoint, keys_without: dict[str, str]
) -> None:
    if endpoint.scope not in keys_without:
        others = {"users.read", "users.write", "targets.read", "targets.write", "sessions.write"}
        scopes = [arg for s in others - {endpoint.scope} for arg in ("--scope", s)]
        keys_without[endpoint.scope] = key(api, *scopes)
    headers = {"X-Appwrite-Key": keys_without[endpoint.scope]}
    answer = api.call(endpoint.method, filled(endpoint), key=False, headers=headers)
    assert (answer.status, answer.type) == (401, "general_unauthorized_scope")


def test_a_session_is_no_administrator(api: Api) -> None:
    user = api.user()
    headers = {
        "X-Appwrite-Session": api.call("POST", f"/users/{user['$id']}/sessions").json["secret"]
    }
    for path in ("/users", f"/users/{user['$id']}", f"/users/{user['$id']}/targets"):
        answer = api.call("GET", path, key=False, headers=headers)
        assert (answer.status, answer.type) == (401, "general_unauthorized_scope")


@pytest.mark.parametrize(("secret", "type_"), [
    ("standard_" + "0" * 256, "user_unauthorized"), ("nounderscore", "user_unauthorized"),
    ("dynamic_abc", "general_unauthorized_scope"), ("_", "general_unauthorized_scope"),
    ("x" * 5000, "user_unauthorized"),
])  # fmt: skip
def test_unknown_keys(api: Api, secret: str, type_: str) -> None:
    answer = api.call("GET", "/users", key=False, headers={"X-Appwrite-Key": secret})
    assert (answer.status, answer.type) == (401, type_)


@pytest.mark.parametrize("junk", ["dynamic_abc", "_", "standard_1", "x", ""])
def test_a_foreign_page_with_any_key_gets_nowhere_with_somebodys_cookies(
    api: Api, junk: str
) -> None:
    user = api.user(email=f"{unique('m')}@example.org", password="correct horse")
    secret = api.call("POST", f"/users/{user['$id']}/sessions").json["secret"]
    evil = {"Origin": "https://evil.example", "X-Appwrite-Key": junk,
            "Cookie": f"a_session_{api.project}={secret}"}  # fmt: skip
    answer = api.call("PATCH", "/account/name", {"name": "Mallory"}, key=False, headers=evil)
    assert answer.type in ("user_key_and_session_set", "general_unknown_origin")
    assert api.call("GET", f"/users/{user['$id']}").json["name"] == ""


def test_a_key_of_another_project_is_unknown(api: Api, project_with: Callable[..., Api]) -> None:
    other = project_with()
    answer = api.call("GET", "/users", key=False, headers={"X-Appwrite-Key": other.key})
    assert (answer.status, answer.type) == (401, "user_unauthorized")


def test_an_expired_key_is_told_before_bad_parameters(api: Api) -> None:
    old = key(api, "--scope", "all", "--expire", "2020-01-01T00:00:00Z")
    answer = api.call("GET", "/users", key=False, headers={"X-Appwrite-Key": old},
                      query={"queries[0]": "nonsense"})  # fmt: skip
    assert (answer.status, answer.type) == (401, "project_key_expired")


def test_key_and_session_together_are_refused(api: Api) -> None:
    user = api.user()
    secret = api.call("POST", f"/users/{user['$id']}/sessions").json["secret"]
    answer = api.call("GET", "/users", headers={"X-Appwrite-Session": secret})
    assert (answer.status, answer.type) == (403, "user_key_and_session_set")


def test_unknown_projects_and_routes(api: Api) -> None:
    answer = api.call("GET", "/users", headers={"X-Appwrite-Project": "nowhere"})
    assert (answer.status, answer.type) == (404, "project_not_found")
    for method, path in (("GET", "/nothing"), ("PATCH", "/users"), ("DELETE", "/users/a/b/c/d"),
                         ("GET", "/users/"), ("POST", "/users/u/nothing")):  # fmt: skip
        answer = api.call(method, path)
        if path != "/users/":
            assert (answer.status, answer.type) == (404, "general_route_not_found"), path


def test_a_body_cannot_name_the_project(api: Api, project_with: Callable[..., Api]) -> None:
    other = project_with()
    name = unique()
    body = {"userId": name, "project": other.project, "mode": "admin"}
    assert api.call("POST", "/users", body).status == 201
    assert other.call("GET", f"/users/{name}").status == 404


def test_a_revoked_key_is_refused_within_two_seconds(api: Api) -> None:
    made = api.server.cli("key", "create", "--project", api.project, "--name", "short",
                          "--scope", "users.read", "--json")  # fmt: skip
    found = json.loads(made.stdout)
    headers = {"X-Appwrite-Key": found["secret"]}
    assert api.call("GET", "/users", key=False, headers=headers).status == 200
    assert api.server.cli("key", "delete", found["id"], "--project", api.project).returncode == 0
    time.sleep(1.5)
    assert api.call("GET", "/users", key=False, headers=headers).status == 401


def test_a_keys_last_use_is_noted(api: Api) -> None:
    listed = api.server.cli("key", "list", "--project", api.project).stdout
    assert "never" in listed  # it does not expire
    api.call("GET", "/users")
    assert "+00:00" in api.server.cli("key", "list", "--project", api.project).stdout


def test_what_a_key_does_is_not_in_the_users_log(api: Api) -> None:
    user = api.user()
    api.call("PATCH", f"/users/{user['$id']}/name", {"name": "New"})
    assert api.call("GET", f"/users/{user['$id']}/logs").json == {"total": 0, "logs": []}
