"""Lists of memberships: of a team and of a user, with queries, orders and search."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_teams import q
from tests.conftest import Api


@pytest.fixture(scope="module")
def fleet(server: Any) -> Api:
    """A project with a team of four: two joined, two are invited; made once."""
    import json

    import httpx

    assert server.cli("project", "create", "fleet", "--name", "Fleet").returncode == 0
    key = server.cli("key", "create", "--project", "fleet", "--name", "k", "--scope", "all",
                     "--json")  # fmt: skip
    api = Api(server, httpx.Client(timeout=30), "fleet", json.loads(key.stdout)["secret"])
    for team in ("t1", "t2"):
        api.call("POST", "/teams", {"teamId": team, "name": team.upper()})
    for at, (confirm, roles) in enumerate([(1, '["owner","cook"]'), (0, '["Cook"]'), (1, "[]"),
                                           (0, '["cook"]')]):  # fmt: skip
        api.user(userId=f"u{at}", name=f"N{at}")
        for team in ("t1", "t2") if at == 0 else ("t1",):
            name = f"m{at}" if team == "t1" else "x0"
            server.insert(
                "memberships", "fleet", id=name, team_id=team, user_id=f"u{at}", roles=roles,
                confirm=confirm, invited_at=1000 * (9 - at), joined_at=5000 if confirm else None,
                search=f"  {name}  u{at}", created_at=1000 + at, updated_at=9000 - at,
            )  # fmt: skip
    return api


EPOCH = "1970-01-01T00:00:0"


@pytest.mark.parametrize(("queries", "found"), [
    ([], "0123"),
    ([q("equal", "userId", "u1", "u2")], "12"),
    ([q("equal", "userId", "U1")], ""),
    ([q("equal", "teamId", "t1")], "0123"),
    ([q("equal", "teamId", "t2")], ""),
    ([q("equal", "confirm", False)], "13"),
    ([q("isNull", "joined")], "13"),
    ([q("isNotNull", "joined")], "02"),
    ([q("lessThan", "invited", f"{EPOCH}8Z")], "23"),
    ([q("between", "invited", f"{EPOCH}7Z", f"{EPOCH}8Z")], "12"),
    ([q("equal", "joined", f"{EPOCH}5.000+00:00")], "02"),
    ([q("contains", "roles", "cook")], "03"),
    ([q("contains", "roles", "Cook", "owner")], "01"),
    ([q("startsWith", "userId", "u")], "0123"),
    ([q("orderDesc", "")], "3210"),
    ([q("orderAsc", "invited")], "3210"),
    ([q("orderAsc", "joined"), q("orderDesc", "userId")], "3120"),
    ([q("orderDesc", "joined")], "0213"),
    ([q("orderDesc", "confirm"), q("orderDesc", "$createdAt")], "2031"),
    ([q("orderAsc", "$updatedAt")], "3210"),
    ([q("equal", "$id", "m3", "x0")], "3"),
    ([{"method": "or", "values": [q("equal", "confirm", True), q("contains", "roles", "cook")]}],
     "023"),
    ([q("cursorAfter", "", "m1")], "23"),
    ([q("cursorBefore", "", "m2"), q("limit", "", 1)], "1"),
    ([q("orderAsc", "joined"), q("cursorAfter", "", "m1")], "302"),
    ([q("orderDesc", "joined"), q("cursorBefore", "", "m3")], "021"),
    ([q("cursorAfter", "", "x0")], "123"),
    ([q("limit", "", 1), q("offset", "", 2)], "2"),
])  # fmt: skip
def test_a_teams_memberships(fleet: Api, queries: list[dict[str, Any]], found: str) -> None:
    answer = fleet.call("GET", "/teams/t1/memberships", query=fleet.queries(*queries))
    assert answer.status == 200, answer.json
    assert [member["userId"] for member in answer.json["memberships"]] == [f"u{at}" for at in found]
    paging = any(x["method"].startswith(("cursor", "limit", "offset")) for x in queries)
    assert answer.json["total"] == (4 if paging else len(found))
    for member in answer.json["memberships"]:
        assert (member["teamName"], member["userName"]) == (
            "T1",
            member["userId"].replace("u", "N"),
        )


@pytest.mark.parametrize(("term", "found"), [
    ("u1", ["u1"]), ("m3", ["u3"]), ("x0", []), ("u", ["u0", "u1", "u2", "u3"]), (">", []), ("N1", []),
])  # fmt: skip
def test_search_of_memberships(fleet: Api, term: str, found: list[str]) -> None:
    answer = fleet.call("GET", "/teams/t1/memberships", query={"search": term}).json
    assert ([m["userId"] for m in answer["memberships"]], answer["total"]) == (found, len(found))


@pytest.mark.parametrize(("query", "type_"), [
    (q("equal", "userName", "x"), "general_argument_invalid"),
    (q("equal", "roles", "x"), "general_argument_invalid"),
    (q("search", "userId", "x"), "general_query_invalid"),
    (q("equal", "joined", "0999-01-01"), "general_query_invalid"),
    (q("cursorAfter", "", "nobody"), "general_cursor_not_found"),
])  # fmt: skip
def test_queries_that_cannot_be_answered(fleet: Api, query: Any, type_: str) -> None:
    for path in ("/teams/t1/memberships", "/users/u0/memberships"):
        answer = fleet.call("GET", path, query=fleet.queries(query))
        assert (answer.status, answer.type) == (400, type_)


def test_memberships_of_a_user(fleet: Api) -> None:
    listed = fleet.call("GET", "/users/u0/memberships").json
    assert listed["total"] == 2
    assert [m["teamName"] for m in listed["memberships"]] == ["T1", "T2"]
    assert {m["userName"] for m in listed["memberships"]} == {"N0"}
    page = fleet.call("GET", "/users/u0/memberships", query=fleet.queries(q("limit", "", 1))).json
    assert (page["total"], len(page["memberships"])) == (2, 1)
    cursor = fleet.queries(q("cursorAfter", "", page["memberships"][0]["$id"]))
    after = fleet.call("GET", "/users/u0/memberships", query=cursor).json
    assert [m["teamId"] for m in after["memberships"]] == ["t2"]
    found = fleet.call("GET", "/users/u0/memberships", query={"search": "x0"}).json
    assert ([m["$id"] for m in found["memberships"]], found["total"]) == (["x0"], 1)
    only = fleet.queries(q("equal", "teamId", "t2"))
    assert fleet.call("GET", "/users/u0/memberships", query=only).json["total"] == 1
