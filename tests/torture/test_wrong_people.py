"""Every endpoint of the table, called by everybody who may not: exactly the documented refusal.

Who may call is told here by scope, apart from the code that decides it. A new scope fails until
it is told, and so does a new parameter until it is told what a right one looks like.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import Api, Response, Server, unique
from usherd import db, keys
from usherd.api import TABLE
from usherd.endpoints import Endpoint

WHO = {
    "users.read": {"key"}, "users.write": {"key"}, "targets.read": {"key"}, "targets.write": {"key"},
    "teams.read": {"key", "user"}, "teams.write": {"key", "user"}, "account": {"user"},
    "sessions.write": {"guest", "user", "key"}, "public": {"guest", "user"},
}  # fmt: skip

VALUES: dict[str, Any] = {
    "email": "stranger@example.org", "emailVerification": True, "factor": "email", "identifier": "x",
    "labels": ["a"], "mfa": True, "name": "n", "number": "+4915112345678", "otp": "123456",
    "password": "correct horse", "phone": "+4915112345678", "phoneVerification": True, "prefs": {},
    "providerType": "push", "roles": ["owner"], "secret": "x", "status": False, "targetId": "t",
    "url": "http://localhost/x", "userId": "u", "challengeId": "c", "teamId": "t", "state": "s",
    "passwordCpu": 8, "passwordMemory": 14, "passwordParallel": 1, "passwordLength": 64,
    "passwordSalt": "salt", "passwordSaltSeparator": "c2FsdA==", "passwordSignerKey": "a2V5",
}  # fmt: skip
PATH = {"type": "totp", "provider": "google"}
OBJECTS = {"userId", "sessionId", "targetId", "identityId", "teamId", "membershipId"}

REFUSALS = {
    "general_unauthorized_scope", "user_unauthorized", "user_blocked", "user_more_factors_required",
    "user_jwt_invalid", "project_key_expired", "user_session_already_exists",
}  # fmt: skip
SCOPE = (401, "general_unauthorized_scope")

BODIES = {
    "create_membership": {"email": VALUES["email"], "roles": [], "url": VALUES["url"]},
    "update_membership_status": {"userId": "u", "secret": "x"},
}
"""Bodies of endpoints whose required parameters depend on each other."""

INVITED = "update_membership_status"
"""Asked by the link of an invitation: whoever has another's is told so, as in Appwrite."""


def rows(of: Callable[[Endpoint], bool] = lambda _: True) -> list[Any]:
    """The endpoints to which this applies, one test each."""
    return [pytest.param(e, id=f"{e.method} {e.path}") for e in TABLE if of(e)]


def may(endpoint: Endpoint, kind: str) -> bool:
    assert endpoint.scope in WHO, f"say in WHO who may call what has the scope {endpoint.scope}"
    return kind in WHO[endpoint.scope]


class House:
    """Two projects, and the keys of one."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self.server = server
        self.own, self.other = (self.project(server, http) for _ in range(2))
        self.keys = {scope: self.key(set(keys.SCOPES) - {scope}) for scope in WHO}
        self.expired = self.key(set(keys.SCOPES), expire_at=1)

    @staticmethod
    def project(server: Server, http: httpx.Client) -> Api:
        name = unique("w")
        assert server.cli("project", "create", name, "--name", name).returncode == 0
        made = server.cli(
            "key", "create", "--project", name, "--name", "k", "--scope", "all", "--json"
        )
        return Api(server, http, name, json.loads(made.stdout)["secret"])

    def key(self, scopes: set[str], expire_at: int | None = None) -> str:
        """The secret of a new key of the first project."""

        async def make() -> str:
            database = await db.open(self.server.database)
            async with database.write() as tx:
                _, secret = await keys.create(tx, self.own.project, "k", sorted(scopes), expire_at)
            await database.close()
            return secret

        return asyncio.run(make())

    def user(self, **fields: Any) -> Somebody:
        """Somebody new in the first project, signed in."""
        user = self.own.user(email=f"{unique()}@example.org", **fields)
        made = self.own.call("POST", f"/users/{user['$id']}/sessions").json
        return Somebody(self.own, user["$id"], made["$id"], {"X-Appwrite-Session": made["secret"]})


@dataclass
class Somebody:
    """A caller: what they send to be known by."""

    api: Api
    id: str
    session: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def house(server: Server) -> Iterator[House]:
    with httpx.Client(timeout=30) as http:
        yield House(server, http)


def ask(api: Api, endpoint: Endpoint, headers: dict[str, str], names: dict[str, str] | None = None,
        body: dict[str, Any] | None = None) -> Response:  # fmt: skip
    """Call the endpoint with these names in its path."""
    path = endpoint.path.removeprefix("/v1").replace("{projectId}", api.project)
    for argument in endpoint.arguments:
        if argument.in_path:
            value = (names or {}).get(argument.wire) or PATH.get(argument.wire, "nobody")
            path = path.replace(f"{{{argument.wire}}}", value)
    if endpoint.method == "GET":
        return api.call("GET", path, key=False, headers=headers, query=body)
    return api.call(endpoint.method, path, body or {}, key=False, headers=headers)


def refused(answer: Response) -> tuple[int, str] | None:
    """How somebody was turned away at the door; None when they were let in."""
    if answer.json is None or answer.json.get("type") not in REFUSALS:
        assert answer.status < 500 or answer.status in (501, 503), answer.json
        return None
    return answer.status, answer.type


@pytest.mark.parametrize("endpoint", rows())
def test_guests_and_keys(house: House, endpoint: Endpoint) -> None:
    for_guests = None if may(endpoint, "guest") else SCOPE
    assert refused(ask(house.own, endpoint, {})) == for_guests
    known = {"X-Appwrite-Key": house.own.key}
    assert refused(ask(house.own, endpoint, known)) == (None if may(endpoint, "key") else SCOPE)
    known = {"X-Appwrite-Key": house.keys[endpoint.scope]}
    assert refused(ask(house.own, endpoint, known)) == SCOPE
    known = {"X-Appwrite-Key": house.other.key}
    assert refused(ask(house.own, endpoint, known)) == (401, "user_unauthorized")
    known = {"X-Appwrite-Key": house.expired}
    assert refused(ask(house.own, endpoint, known)) == (401, "project_key_expired")


@pytest.mark.parametrize("endpoint", rows())
def test_people(house: House, endpoint: Endpoint) -> None:
    mira = house.user()
    expected: tuple[int, str] | None = SCOPE
    if may(endpoint, "user"):
        expected = (401, "user_session_already_exists") if endpoint.login else None
    assert refused(ask(house.own, endpoint, mira.headers)) == expected
    known = {"X-Appwrite-Project": house.other.project}  # to another project they are a guest
    for_guests = None if may(endpoint, "guest") else SCOPE
    assert refused(ask(house.other, endpoint, mira.headers | known)) == for_guests


@pytest.mark.parametrize("endpoint", rows())
def test_people_who_were_let_in_once(house: House, endpoint: Endpoint) -> None:
    blocked = house.user()
    house.own.call("PATCH", f"/users/{blocked.id}/status", {"status": False})
    expected = (401, "user_blocked") if may(endpoint, "user") else SCOPE
    assert refused(ask(house.own, endpoint, blocked.headers)) == expected
    gone = house.user()
    token = house.own.call("POST", "/account/jwts", key=False, headers=gone.headers).json["jwt"]
    house.own.call("DELETE", f"/users/{gone.id}/sessions/{gone.session}")
    for_guests = None if may(endpoint, "guest") else SCOPE
    for dead in (gone.headers, {"X-Appwrite-JWT": token}):
        assert refused(ask(house.own, endpoint, dead)) == for_guests
    forged = {"X-Appwrite-JWT": token[:-6] + "AAAAAA"}
    assert refused(ask(house.own, endpoint, forged)) == (401, "user_jwt_invalid")


@pytest.mark.parametrize("endpoint", rows(lambda e: may(e, "user")))
def test_people_who_owe_a_second_factor(house: House, endpoint: Endpoint) -> None:
    half = house.user()
    half_path = f"/users/{half.id}"
    assert (
        house.own.call("PATCH", half_path + "/verification", {"emailVerification": True}).status
        == 200
    )
    assert house.own.call("PATCH", half_path + "/mfa", {"mfa": True}).status == 200
    answer = refused(ask(house.own, endpoint, half.headers))
    if endpoint.while_factor_missing:
        login = (401, "user_session_already_exists") if endpoint.login else None
        assert answer == login
    else:
        assert answer == (401, "user_more_factors_required")


# -- what belongs to others --


class Victim:
    """Somebody with one of everything, and everything the database says of it."""

    def __init__(self, house: House) -> None:
        self._house = house
        api, user = house.own, house.user(name="Mira")
        device = {"targetId": "unique()", "providerType": "push", "identifier": unique("d")}
        team = api.call("POST", "/teams", {"teamId": "unique()", "name": "Crew"}).json["$id"]
        member = {"userId": user.id, "roles": ["owner"]}
        membership = api.call("POST", f"/teams/{team}/memberships", member).json["$id"]
        identity = unique("i")
        house.server.insert(
            "identities", api.project, id=identity, user_id=user.id, provider="google",
            provider_uid=identity, provider_uid_key=identity, created_at=1, updated_at=1,
        )  # fmt: skip
        self.names = {
            "userId": user.id, "sessionId": user.session, "teamId": team, "membershipId": membership,
            "targetId": api.call("POST", f"/users/{user.id}/targets", device).json["$id"],
            "identityId": identity,
        }  # fmt: skip

    def everything(self) -> list[Any]:
        """Each row that is theirs."""

        async def read() -> list[Any]:
            database = await db.open(self._house.server.database)
            found = []
            async with database.read() as tx:
                for table, column, name in (
                    ("users", "id", "userId"), ("teams", "id", "teamId"),
                    *((table, "user_id", "userId") for table in (
                        "sessions", "targets", "identities", "memberships", "tokens",
                        "authenticators", "challenges")),
                ):  # fmt: skip
                    found.append(await tx.all(
                        f"select * from {table} where project_id = :project and {column} = :name",
                        project=self._house.own.project, name=self.names[name],
                    ))  # fmt: skip
            await database.close()
            return found

        return asyncio.run(read())


@pytest.fixture(scope="module")
def victim(house: House) -> Victim:
    return Victim(house)


def right_body(endpoint: Endpoint) -> dict[str, Any]:
    """A body with which the owner's own request would be done."""
    wanted = [a for a in endpoint.arguments if a.required and not a.in_path]
    missing = {a.wire for a in wanted} - set(VALUES)
    assert not missing, f"say in VALUES what a right {missing} looks like"
    return BODIES.get(endpoint.name) or {a.wire: VALUES[a.wire] for a in wanted}


def has_object(endpoint: Endpoint) -> bool:
    return any(argument.in_path and argument.wire in OBJECTS for argument in endpoint.arguments)


@pytest.mark.parametrize("endpoint", rows(lambda e: has_object(e) and may(e, "key")))
def test_a_key_finds_nothing_of_another_project(
    house: House, victim: Victim, endpoint: Endpoint
) -> None:
    before = victim.everything()
    known = {"X-Appwrite-Key": house.other.key}
    answer = ask(house.other, endpoint, known, victim.names, right_body(endpoint))
    assert answer.status == 404, answer.json
    assert answer.type.endswith("_not_found")
    assert victim.everything() == before


@pytest.mark.parametrize("endpoint", rows(lambda e: has_object(e) and may(e, "user")))
def test_people_find_nothing_of_others(house: House, victim: Victim, endpoint: Endpoint) -> None:
    before = victim.everything()
    answer = ask(house.own, endpoint, house.user().headers, victim.names, right_body(endpoint))
    if endpoint.name == INVITED:
        assert answer.status in (401, 404), answer.json
    else:
        assert answer.status == 404, answer.json
        assert answer.type.endswith("_not_found")
    assert victim.everything() == before
