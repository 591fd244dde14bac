"""Teams: making, seeing, changing and removing them, as a user and with an API key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Api, Person, unique
from usherd.params import ID_RULE


def person(api: Api, **fields: Any) -> tuple[str, Person]:
    """A new user who is signed in: (id, person)."""
    user = api.user(**fields)
    session = api.call("POST", f"/users/{user['$id']}/sessions").json
    return user["$id"], Person(api, session["secret"])


def own_team(who: Person, name: str = "Crew", **fields: Any) -> str:
    """The id of a new team of somebody's."""
    made = who.call("POST", "/teams", {"teamId": "unique()", "name": name, **fields})
    assert made.status == 201, made.json
    return str(made.json["$id"])


def add(api: Api, team: str, user: str, *roles: str) -> str:
    """Make a user a member with an API key; returns the membership's id."""
    body = {"userId": user, "roles": list(roles)}
    made = api.call("POST", f"/teams/{team}/memberships", body)
    assert made.status == 201, made.json
    return str(made.json["$id"])


def total(api: Api, team: str) -> int:
    return int(api.call("GET", f"/teams/{team}").json["total"])


# -- making --


def test_a_users_team_begins_with_its_owner(api: Api) -> None:
    user_id, mira = person(api, name="Mira")
    made = mira.call("POST", "/teams", {"teamId": "unique()", "name": "Crew", "roles": ["cook"]})
    assert made.status == 201
    team = made.json
    assert (team["name"], team["total"], team["prefs"]) == ("Crew", 1, {})
    assert team == mira.call("GET", f"/teams/{team['$id']}").json
    listed = api.call("GET", f"/teams/{team['$id']}/memberships").json
    assert listed["total"] == 1
    member = listed["memberships"][0]
    assert (member["userId"], member["userName"]) == (user_id, "Mira")
    assert (member["roles"], member["confirm"]) == (["cook", "owner"], True)
    assert member["joined"] == member["invited"] == member["$createdAt"]


def test_a_team_made_with_a_key_is_empty(api: Api) -> None:
    name = unique("t")
    body = {"teamId": name, "name": "Crew", "roles": ["owner"]}
    assert api.call("POST", "/teams", body).json["total"] == 0
    assert api.call("GET", f"/teams/{name}/memberships").json == {"total": 0, "memberships": []}
    again = api.call("POST", "/teams", body)
    assert (again.status, again.type) == (409, "team_already_exists")


def test_the_id_of_a_deleted_team_can_be_used_again_without_its_members(api: Api) -> None:
    _, mira = person(api)
    team = own_team(mira)
    assert mira.call("DELETE", f"/teams/{team}").status == 204
    assert api.call("POST", "/teams", {"teamId": team, "name": "New"}).status == 201
    assert total(api, team) == 0
    assert mira.call("GET", f"/teams/{team}").type == "team_not_found"


@pytest.mark.parametrize("body", [
    {"name": "x"}, {"teamId": "x"}, {"teamId": "-x", "name": "x"}, {"teamId": "x", "name": ""},
    {"teamId": "x", "name": "x" * 129}, {"teamId": "x", "name": "x", "roles": "owner"},
    {"teamId": "x", "name": "x", "roles": ["r" * 37]}, {"teamId": "x", "name": "x", "roles": [""]},
    {"teamId": "x", "name": "x", "roles": ["-a"]}, {"teamId": "x", "name": "x", "roles": [1]},
    {"teamId": "x", "name": "x", "roles": ["r"] * 101}, {"teamId": "x", "name": "a\0b"},
])  # fmt: skip
def test_what_is_no_team(api: Api, body: dict[str, Any]) -> None:
    answer = api.call("POST", "/teams", body)
    assert (answer.status, answer.type) == (400, "general_argument_invalid")
    if "roles" in body and body["roles"] == ["-a"]:
        assert ID_RULE in answer.json["message"]


# -- who may do what --

ACTS: list[tuple[str, str, dict[str, Any] | None, str]] = [
    ("GET", "/teams/{t}", None, "member"),
    ("GET", "/teams/{t}/prefs", None, "member"),
    ("GET", "/teams/{t}/memberships", None, "member"),
    ("GET", "/teams/{t}/memberships/{m}", None, "member"),
    ("PUT", "/teams/{t}", {"name": "New"}, "owner"),
    ("PUT", "/teams/{t}/prefs", {"prefs": {}}, "owner"),
    ("POST", "/teams/{t}/memberships",
     {"email": "x@example.org", "roles": [], "url": "http://localhost/"}, "owner"),
    ("PATCH", "/teams/{t}/memberships/{m}", {"roles": ["cook"]}, "owner"),
    ("DELETE", "/teams/{t}/memberships/{m}", None, "owner"),
    ("DELETE", "/teams/{t}", None, "owner"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "who"), ACTS,
                         ids=[f"{a[0]} {a[1]}" for a in ACTS])  # fmt: skip
def test_strangers_see_nothing_members_read_owners_write(
    api: Api, method: str, path: str, body: Any, who: str
) -> None:
    _, owner = person(api)
    team = own_team(owner)
    other_id, _ = person(api)
    path = path.format(t=team, m=add(api, team, other_id))
    stranger_id, stranger = person(api)
    answer = stranger.call(method, path, body)
    assert (answer.status, answer.type) == (404, "team_not_found")
    assert api.call(method, path, body, key=False).type == "general_unauthorized_scope"
    api.call("POST", f"/teams/{team}/memberships", {"userId": stranger_id, "roles": ["ownerless"]})
    answer = stranger.call(method, path, body)
    if who == "member":
        assert answer.status == 200
    else:
        assert (answer.status, answer.type) == (401, "user_unauthorized")
    assert owner.call(method, path, body).status < 300


def test_a_jwt_is_its_user(api: Api) -> None:
    user_id, mira = person(api)
    team = own_team(mira)
    jwt = api.call("POST", f"/users/{user_id}/jwts").json["jwt"]
    headers = {"X-Appwrite-JWT": jwt}
    assert api.call("GET", f"/teams/{team}", key=False, headers=headers).status == 200
    done = api.call("PUT", f"/teams/{team}", {"name": "New"}, key=False, headers=headers)
    assert done.json["name"] == "New"
    assert api.call("GET", "/teams", key=False, headers=headers).json["total"] == 1


def test_a_team_of_another_project_is_unknown(api: Api, project_with: Callable[..., Api]) -> None:
    _, mira = person(api)
    team = own_team(mira)
    other = project_with()
    assert other.call("GET", f"/teams/{team}").type == "team_not_found"
    assert other.call("POST", "/teams", {"teamId": team, "name": "x"}).status == 201
    assert other.call("DELETE", f"/teams/{team}").status == 204
    assert total(api, team) == 1


# -- changing --


def test_name_and_preferences(api: Api) -> None:
    _, mira = person(api)
    team = own_team(mira)
    renamed = mira.call("PUT", f"/teams/{team}", {"name": "Zoë's crew"}).json
    assert renamed["name"] == "Zoë's crew"
    prefs = {"a": 1.0, "b": {}, "c": [], "$id": None}
    assert mira.call("PUT", f"/teams/{team}/prefs", {"prefs": prefs}).json == prefs
    assert mira.call("GET", f"/teams/{team}/prefs").json == prefs
    assert api.call("GET", f"/teams/{team}/prefs").json == prefs
    shown = mira.call("GET", f"/teams/{team}").json
    assert (shown["prefs"], shown["name"]) == (prefs, "Zoë's crew")
    for wrong in ({"prefs": "x"}, {"prefs": [1]}, {}, {"prefs": {"x": "x" * 65_536}}):
        assert mira.call("PUT", f"/teams/{team}/prefs", wrong).status == 400
    assert mira.call("PUT", f"/teams/{team}", {"name": ""}).status == 400
    found = mira.call("GET", "/teams", query={"search": "zoe"}).json
    assert [t["$id"] for t in found["teams"]] == [team]


def test_what_users_do_to_teams_is_in_their_log(api: Api) -> None:
    user_id, mira = person(api)
    team = own_team(mira)
    mira.call("PUT", f"/teams/{team}", {"name": "New"})
    mira.call("PUT", f"/teams/{team}/prefs", {"prefs": {}})
    mira.call("DELETE", f"/teams/{team}")
    logs = api.call("GET", f"/users/{user_id}/logs").json["logs"]
    assert [x["event"] for x in logs] == [
        "team.delete",
        "team.update",
        "team.update",
        "team.create",
    ]


# -- lists --

TEAMS = [("t1", "Lions", 3), ("t2", "Zoë's lions", 0), ("t3", "tigers 50%_off", 1), ("T4", "", 0)]


@pytest.fixture(scope="module")
def league(server: Any) -> Api:
    """A project with four teams; made once."""
    import json

    import httpx

    assert server.cli("project", "create", "league", "--name", "League").returncode == 0
    key = server.cli("key", "create", "--project", "league", "--name", "k", "--scope", "all",
                     "--json")  # fmt: skip
    api = Api(server, httpx.Client(timeout=30), "league", json.loads(key.stdout)["secret"])
    for at in range(3):
        api.user(userId=f"u{at}")
    for team, name, members in TEAMS:
        assert api.call("POST", "/teams", {"teamId": team, "name": name or "bears"}).status == 201
        for at in range(members):
            add(api, team, f"u{at}")
    return api


def q(method: str, attribute: str = "", *values: Any) -> dict[str, Any]:
    return {"method": method, "attribute": attribute, "values": list(values)}


@pytest.mark.parametrize(("queries", "found"), [
    ([q("equal", "name", "LIONS")], ["t1"]),
    ([q("equal", "name", "zoe's lions", "bears")], ["t2", "T4"]),
    ([q("startsWith", "name", "ZO")], ["t2"]),
    ([q("contains", "name", "lion")], ["t1", "t2"]),
    ([q("endsWith", "name", "%_off")], ["t3"]),
    ([q("equal", "total", 0)], ["t2", "T4"]),
    ([q("greaterThan", "total", 0), q("orderAsc", "total")], ["t3", "t1"]),
    ([q("between", "total", 1, 3)], ["t1", "t3"]),
    ([q("notEqual", "total", "3")], ["t2", "t3", "T4"]),
    ([q("isNull", "total")], []),
    ([q("equal", "$id", "T4", "t4")], ["T4"]),
    ([q("greaterThan", "$createdAt", "2020-01-01"), q("limit", "", 1)], ["t1"]),
    ([q("lessThan", "$updatedAt", "2020-01-01")], []),
    ([q("orderDesc", "total"), q("orderDesc", "name")], ["t1", "t3", "t2", "T4"]),
    ([q("orderDesc", "name")], ["t2", "t3", "t1", "T4"]),
    ([q("orderDesc", "")], ["T4", "t3", "t2", "t1"]),
    ([{"method": "or", "values": [q("equal", "total", 3), q("contains", "name", "zoe")]}],
     ["t1", "t2"]),
])  # fmt: skip
def test_filters_and_orders(league: Api, queries: list[dict[str, Any]], found: list[str]) -> None:
    answer = league.call("GET", "/teams", query=league.queries(*queries))
    assert answer.status == 200, answer.json
    assert [team["$id"] for team in answer.json["teams"]] == found
    limited = any(query["method"] == "limit" for query in queries)
    assert answer.json["total"] == (4 if limited else len(found))


@pytest.mark.parametrize("order", ["name", "total", "$createdAt", "$updatedAt", "$id", ""])
@pytest.mark.parametrize("method", ["orderAsc", "orderDesc"])
def test_cursors_in_both_directions(league: Api, order: str, method: str) -> None:
    def ids(*more: dict[str, Any]) -> list[str]:
        answer = league.call("GET", "/teams", query=league.queries(q(method, order), *more))
        assert answer.status == 200, answer.json
        return [team["$id"] for team in answer.json["teams"]]

    everyone = ids()
    assert len(everyone) == 4
    for at, cursor in enumerate(everyone):
        assert ids(q("cursorAfter", "", cursor), q("limit", "", 2)) == everyone[at + 1 :][:2]
        assert ids(q("cursorBefore", "", cursor), q("limit", "", 2)) == everyone[:at][-2:]


@pytest.mark.parametrize(("term", "found"), [
    ("lions", ["t1", "t2"]), ("LION", ["t1", "t2"]), ("zoe", ["t2"]), ("t3", ["t3"]), ("ti", ["t3"]),
    ("lions zoe", ["t2"]), ('"zoë\'s lions"', ["t2"]), ("50%_off", ["t3"]), (">", []), ("x" * 256, []),
    ("igers", ["t3"]), ("nothing", []), ("' or 1=1 --", []),
])  # fmt: skip
def test_search(league: Api, term: str, found: list[str]) -> None:
    answer = league.call("GET", "/teams", query={"search": term}).json
    assert ([team["$id"] for team in answer["teams"]], answer["total"]) == (found, len(found))
    reverse = league.queries(q("orderDesc", "name"), q("greaterThanEqual", "total", 0))
    answer = league.call("GET", "/teams", query=reverse | {"search": term}).json
    assert sorted(team["$id"] for team in answer["teams"]) == sorted(found)


def test_users_list_and_search_only_their_own_teams(league: Api) -> None:
    secret = league.call("POST", "/users/u1/sessions").json["secret"]
    mira = Person(league, secret)
    listed = mira.call("GET", "/teams").json
    assert ([team["$id"] for team in listed["teams"]], listed["total"]) == (["t1"], 1)
    assert mira.call("GET", "/teams", query={"search": "lions"}).json["total"] == 1
    assert mira.call("GET", "/teams", query={"search": "tigers"}).json["total"] == 0
    either = league.queries(
        {"method": "or", "values": [q("equal", "total", 0), q("equal", "$id", "t3")]}
    )
    assert mira.call("GET", "/teams", query=either).json == {"total": 0, "teams": []}
    ordered = league.queries(q("orderDesc", "total"), q("startsWith", "name", "li"))
    assert mira.call("GET", "/teams", query=ordered).json["total"] == 1
    for cursor, type_ in (("t2", "general_cursor_not_found"), ("x", "general_cursor_not_found")):
        answer = mira.call("GET", "/teams", query=league.queries(q("cursorAfter", "", cursor)))
        assert answer.type == type_  # a team of others does not exist for her
    after = league.queries(q("cursorAfter", "", "t1"))
    assert mira.call("GET", "/teams", query=after).json == {"total": 1, "teams": []}


@pytest.mark.parametrize(("query", "type_"), [
    (q("equal", "billingPlan", "x"), "general_argument_invalid"),
    (q("equal", "prefs", "x"), "general_argument_invalid"),
    (q("equal", "total", "x"), "general_argument_invalid"),
    (q("search", "name", "x"), "general_query_invalid"),
    (q("select", "", "name"), "general_argument_invalid"),
    (q("cursorAfter", "", "nobody"), "general_cursor_not_found"),
])  # fmt: skip
def test_queries_that_cannot_be_answered(league: Api, query: Any, type_: str) -> None:
    answer = league.call("GET", "/teams", query=league.queries(query))
    assert (answer.status, answer.type) == (400, type_)


def test_counting_can_be_switched_off(league: Api) -> None:
    answer = league.call("GET", "/teams", query={"total": "false"}).json
    assert (answer["total"], len(answer["teams"])) == (0, 4)
    answer = league.call("GET", "/teams/t1/memberships", query={"total": "false"}).json
    assert (answer["total"], len(answer["memberships"])) == (0, 3)


def test_old_sdks_write_queries_as_calls(league: Api) -> None:
    old = {"X-Appwrite-Response-Format": "1.4.0"}
    query = {"queries[]": 'equal("name", "lions")'}
    assert league.call("GET", "/teams", query=query, headers=old).json["total"] == 1
    listed = league.call("GET", "/teams/t1/memberships", headers=old).json["memberships"]
    assert len(listed) == 3
    assert not any("mfa" in member for member in listed)
