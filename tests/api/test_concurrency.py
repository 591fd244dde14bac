"""What happens at once: the database is the referee."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx

from tests.conftest import Api, unique


def at_once(
    api: Api,
    calls: list[tuple[str, str, Any]],
    *,
    key: bool = True,
    headers: dict[str, str] | None = None,
) -> list[Any]:
    """Make all the calls at the same time; returns the answers."""

    async def run() -> list[httpx.Response]:
        sent = {"X-Appwrite-Project": api.project} | (headers or {})
        if key:
            sent["X-Appwrite-Key"] = api.key
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(headers=sent, timeout=30, limits=limits) as http:
            return await asyncio.gather(
                *(http.request(m, api.server.endpoint + p, json=b) for m, p, b in calls)
            )

    return asyncio.run(run())


def test_fifty_creations_with_one_email_give_one_201_and_49_409(api: Api) -> None:
    email = f"{unique()}@x.org"
    calls = [("POST", "/users", {"userId": unique(), "email": email}) for _ in range(50)]
    answers = at_once(api, calls)
    assert Counter(a.status_code for a in answers) == {201: 1, 409: 49}
    found = api.call("GET", "/users", query={"search": email}).json
    assert found["total"] == 1
    assert len(found["users"][0]["targets"]) == 1


def test_fifty_creations_with_one_id(api: Api) -> None:
    name = unique()
    answers = at_once(api, [("POST", "/users", {"userId": name})] * 50)
    assert Counter(a.status_code for a in answers) == {201: 1, 409: 49}


def test_a_token_is_exchanged_once_however_many_try(api: Api) -> None:
    user = api.user()
    secret = api.call("POST", f"/users/{user['$id']}/tokens", {}).json["secret"]
    body = {"userId": user["$id"], "secret": secret}
    answers = at_once(api, [("POST", "/account/sessions/token", body)] * 20, key=False)
    assert Counter(a.status_code for a in answers) == {201: 1, 401: 19}


def test_targets_follow_however_many_change_the_email(api: Api) -> None:
    user = api.user(email=f"{unique()}@x.org")
    path = f"/users/{user['$id']}/email"
    calls = [("PATCH", path, {"email": f"{unique()}@x.org"}) for _ in range(30)]
    assert {a.status_code for a in at_once(api, calls)} == {200}
    after = api.call("GET", f"/users/{user['$id']}").json
    assert [t["identifier"] for t in after["targets"]] == [after["email"]]


def test_neighbours_in_a_batch_fail_alone(api: Api) -> None:
    taken = api.user(email=f"{unique()}@x.org")["email"]
    calls = []
    for at in range(60):
        email = taken if at % 3 == 0 else f"{unique()}@x.org"
        calls.append(("POST", "/users", {"userId": unique("n"), "email": email}))
    answers = at_once(api, calls)
    assert Counter(a.status_code for a in answers) == {201: 40, 409: 20}
    for (_, _, body), answer in zip(calls, answers, strict=True):
        there = api.call("GET", f"/users/{body['userId']}").status == 200
        assert there is (answer.status_code == 201)


def test_deletion_and_change_at_once_leave_nothing_behind(api: Api) -> None:
    for _ in range(5):
        name = unique()
        api.call("POST", "/users", {"userId": name, "email": f"{name}@x.org"})
        body = {"targetId": "unique()", "providerType": "push"}
        calls = [
            ("POST", f"/users/{name}/targets", body | {"identifier": unique()}) for _ in range(5)
        ]
        calls += [("POST", f"/users/{name}/sessions", {}) for _ in range(5)]
        calls.insert(5, ("DELETE", f"/users/{name}", {}))
        answers = at_once(api, calls)
        assert {a.status_code for a in answers} <= {201, 204, 404}
        assert api.call("POST", "/users", {"userId": name, "email": f"{name}@x.org"}).status == 201
        assert len(api.call("GET", f"/users/{name}").json["targets"]) == 1
        assert api.call("GET", f"/users/{name}/sessions").json["total"] == 0


def test_the_session_limit_holds_at_once(api: Api) -> None:
    user = api.user()
    calls = [("POST", f"/users/{user['$id']}/sessions", {})] * 25
    assert {a.status_code for a in at_once(api, calls)} == {201}
    assert api.call("GET", f"/users/{user['$id']}/sessions").json["total"] == 10
