"""Lists: filters, orders, cursors, search, totals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Api

PEOPLE = [
    {"userId": "u1", "email": "lionel.messi@club.example", "phone": "+491511111111",
     "name": "Lionel Messi"},
    {"userId": "u2", "email": "mira@example.org", "name": "Míra Økafor"},
    {"userId": "u3", "phone": "+14155550100", "name": "Zoë 🎉"},
    {"userId": "u4", "email": "amira@example.org", "name": "mira 50%_off"},
    {"userId": "u5"},
]  # fmt: skip


@pytest.fixture(scope="module")
def people(server: Any) -> Api:
    """A project with five users, made once."""
    import httpx

    made = server.cli("project", "create", "people", "--name", "People")
    assert made.returncode == 0, made.stderr
    key = server.cli("key", "create", "--project", "people", "--name", "k", "--scope", "all",
                     "--json")  # fmt: skip
    api = Api(server, httpx.Client(timeout=30), "people", json.loads(key.stdout)["secret"])
    for person in PEOPLE:
        api.user(**person)
    api.call("PUT", "/users/u2/labels", {"labels": ["staff", "Beta"]})
    api.call("PUT", "/users/u4/labels", {"labels": ["staff"]})
    api.call("PATCH", "/users/u3/status", {"status": False})
    return api


def q(method: str, attribute: str = "", *values: Any) -> dict[str, Any]:
    return {"method": method, "attribute": attribute, "values": list(values)}


def ids(api: Api, *queries: dict[str, Any], **query: Any) -> list[str]:
    answer = api.call("GET", "/users", query=api.queries(*queries) | query)
    assert answer.status == 200, answer.json
    return [user["$id"] for user in answer.json["users"]]


@pytest.mark.parametrize(("query", "found"), [
    (q("equal", "name", "LIONEL MESSI"), ["u1"]),
    (q("equal", "name", "mira okafor", "zoe 🎉"), ["u2", "u3"]),
    (q("equal", "email", "MIRA@example.org"), ["u2"]),
    (q("notEqual", "email", "mira@example.org"), ["u1", "u4"]),
    (q("isNull", "email"), ["u3", "u5"]),
    (q("isNotNull", "phone"), ["u1", "u3"]),
    (q("startsWith", "name", "MIR"), ["u2", "u4"]),
    (q("endsWith", "email", "@example.org"), ["u2", "u4"]),
    (q("contains", "name", "50%_"), ["u4"]),
    (q("contains", "name", "%"), ["u4"]),
    (q("contains", "name", "essi", "kaf"), ["u1", "u2"]),
    (q("contains", "labels", "staff"), ["u2", "u4"]),
    (q("contains", "labels", "STAFF"), []),
    (q("contains", "labels", "Beta", "x"), ["u2"]),
    (q("equal", "status", False), ["u3"]),
    (q("between", "name", "l", "m"), ["u1"]),
    (q("greaterThan", "$createdAt", "2020-01-01"), ["u1", "u2", "u3", "u4", "u5"]),
    (q("lessThan", "registration", "2020-01-01T00:00:00Z"), []),
    (q("equal", "$id", "u5"), ["u5"]),
    (q("equal", "$id", "U5"), []),
    (q("contains", "$id", "5", "U1"), ["u5"]),
    (q("endsWith", "$id", "u5"), ["u5"]),
    (q("endsWith", "$id", "U5"), []),
    (q("endsWith", "$id", "xxu5"), []),
    (q("endsWith", "$id", ""), ["u1", "u2", "u3", "u4", "u5"]),
    (q("endsWith", "name", "🎉"), ["u3"]),
    (q("contains", "email", ""), ["u1", "u2", "u4"]),
    (q("lessThanEqual", "$sequence", 0), []),
    (q("isNull", "passwordUpdate"), ["u1", "u2", "u3", "u4", "u5"]),
    ({"method": "or", "values": [q("equal", "email", "mira@example.org"), q("isNull", "email")]},
     ["u2", "u3", "u5"]),
    ({"method": "and", "values": [q("isNull", "email"), q("isNull", "phone")]}, ["u5"]),
])  # fmt: skip
def test_filters(people: Api, query: dict[str, Any], found: list[str]) -> None:
    assert ids(people, query) == found
    total = people.call("GET", "/users", query=people.queries(query)).json["total"]
    assert total == len(found)


@pytest.mark.parametrize(("order", "found"), [
    ([q("orderAsc", "name")], ["u5", "u1", "u4", "u2", "u3"]),
    ([q("orderDesc", "name")], ["u3", "u2", "u4", "u1", "u5"]),
    ([q("orderAsc", "email")], ["u3", "u5", "u4", "u1", "u2"]),
    ([q("orderDesc", "email")], ["u2", "u1", "u4", "u3", "u5"]),
    ([q("orderDesc", "")], ["u5", "u4", "u3", "u2", "u1"]),
    ([q("orderDesc", "$id")], ["u5", "u4", "u3", "u2", "u1"]),
    ([q("orderDesc", "status"), q("orderDesc", "email")], ["u2", "u1", "u4", "u5", "u3"]),
    ([q("orderAsc", "labels")], ["u2", "u4", "u1", "u3", "u5"]),
])  # fmt: skip
def test_orders_and_cursors_in_both_directions(
    people: Api, order: list[dict[str, Any]], found: list[str]
) -> None:
    assert ids(people, *order) == found
    for at, cursor in enumerate(found):
        for size in (1, 2, 10):
            after = ids(people, *order, q("cursorAfter", "", cursor), q("limit", "", size))
            assert after == found[at + 1 :][:size]
            before = ids(people, *order, q("cursorBefore", "", cursor), q("limit", "", size))
            assert before == found[:at][-size:]


def test_limit_offset_and_total(people: Api) -> None:
    assert ids(people, q("limit", "", 2), q("offset", "", 3)) == ["u4", "u5"]
    assert ids(people, q("limit", "", "2"), q("limit", "", 1)) == ["u1", "u2"]
    assert ids(people, q("cursorAfter", "", "u1"), q("offset", "", 1), q("limit", "", 1)) == ["u3"]
    answer = people.call("GET", "/users", query=people.queries(q("limit", "", 1))).json
    assert answer["total"] == 5
    answer = people.call("GET", "/users", query={"total": "false"}).json
    assert (answer["total"], len(answer["users"])) == (0, 5)


@pytest.mark.parametrize(("term", "found"), [
    ("messi", ["u1"]), ("MESS", ["u1"]), ("essi", ["u1"]), ("me", ["u1"]), ("m", ["u1", "u2", "u4"]),
    ("mira", ["u2", "u4"]), ("mira okafor", ["u2"]), ("okafor mira", ["u2"]), ("økafor", ["u2"]),
    ("mira@example.org", ["u2"]), ('"mira@example.org"', ["u2"]), ("example.org", ["u2", "u4"]),
    ("lionel.messi", ["u1"]), ("lionel.messi@club.example", ["u1"]), ("club", ["u1"]),
    ("club.example", ["u1"]), ("+491511111111", ["u1"]), ("491511111111", ["u1"]),
    ("+49 151 111-1111", ["u1"]), ("15111111", ["u1"]), ("(415) 555", ["u3"]), ("u4", ["u4"]),
    ('"lionel messi"', ["u1"]), ('"messi lionel"', []), ("label:staff", ["u2", "u4"]),
    ("label:beta", ["u2"]), ("🎉", ["u3"]), ("zoe", ["u3"]), ("50%_off", ["u4"]), (">", []),
    ("@", []), ('"', []), ("* + -", []), ("nobody", []), ("messi mira", []), ("' or 1=1 --", []),
    ("mess*", ["u1"]), ("(messi)", ["u1"]), ("lionel-messi", ["u1"]), ("a AND b OR NOT c", []),
    ("\\", []), ("x" * 256, []),
])  # fmt: skip
def test_search(people: Api, term: str, found: list[str]) -> None:
    answer = people.call("GET", "/users", query={"search": term})
    assert answer.status == 200, answer.json
    assert [user["$id"] for user in answer.json["users"]] == found
    assert answer.json["total"] == len(found)
    reverse = people.queries(q("orderDesc", "$id")) | {"search": term}
    answer = people.call("GET", "/users", query=reverse)
    assert [user["$id"] for user in answer.json["users"]] == found[::-1]


@pytest.mark.parametrize(("query", "type_"), [
    ("nonsense", "general_argument_invalid"),
    ("[]", "general_argument_invalid"),
    ('{"method":5}', "general_argument_invalid"),
    ('{"method":"equal","attribute":"name","values":"x"}', "general_argument_invalid"),
    (q("regex", "name", "x"), "general_argument_invalid"),
    (q("equal", "password", "x"), "general_argument_invalid"),
    (q("equal", "name"), "general_argument_invalid"),
    (q("equal", "name", 5), "general_argument_invalid"),
    (q("equal", "name", "a\0b"), "general_argument_invalid"),
    (q("equal", "status", 1), "general_argument_invalid"),
    (q("equal", "registration", "yesterday"), "general_argument_invalid"),
    (q("equal", "registration", "0999-01-01"), "general_query_invalid"),
    (q("equal", "$sequence", "x"), "general_query_invalid"),
    (q("search", "name", "x"), "general_query_invalid"),
    (q("select", "", "name"), "general_argument_invalid"),
    (q("between", "name", "a"), "general_argument_invalid"),
    (q("equal", "labels", "a"), "general_argument_invalid"),
    (q("contains", "status", "a"), "general_argument_invalid"),
    (q("limit", "", 0), "general_argument_invalid"),
    (q("limit", "", 1.5), "general_argument_invalid"),
    (q("limit", "", 2**64), "general_argument_invalid"),
    (q("offset", "", -1), "general_argument_invalid"),
    (q("cursorAfter", "", "nobody"), "general_cursor_not_found"),
    (q("cursorAfter", "", "no body"), "general_argument_invalid"),
    (q("orderAsc", "password"), "general_argument_invalid"),
    ({"method": "or", "values": [q("isNull", "email")]}, "general_argument_invalid"),
    ({"method": "or", "values": [q("limit", "", 1), q("limit", "", 2)]}, "general_argument_invalid"),
    ({"method": "or", "values": ["x", "y"]}, "general_argument_invalid"),
    ('{"method":"equal","attribute":"name","values":["' + "x" * 4096 + '"]}',
     "general_argument_invalid"),
    ("[" * 4000, "general_argument_invalid"),
    ('{"a":' * 800 + "1" + "}" * 800, "general_argument_invalid"),
])  # fmt: skip
def test_queries_that_cannot_be_answered_say_why(people: Api, query: Any, type_: str) -> None:
    text = query if isinstance(query, str) else json.dumps(query)
    answer = people.call("GET", "/users", query={"queries[0]": text})
    assert (answer.status, answer.type) == (400, type_)
    if "cursor" not in type_:
        assert "Query 1" in answer.json["message"]


def test_at_most_a_hundred_queries_in_an_array(people: Api) -> None:
    many = people.queries(*[q("isNull", "email")] * 101)
    assert people.call("GET", "/users", query=many).type == "general_argument_invalid"
    assert people.call("GET", "/users", query={"queries": "x"}).type == "general_argument_invalid"
    assert people.call("GET", "/users", query={"search": ""}).type == "general_argument_invalid"
    assert people.call("GET", "/users", query={"search": "x" * 257}).status == 400


@pytest.mark.parametrize(("legacy", "found"), [
    ('equal("name", "lionel messi")', ["u1"]),
    ("equal('name', ['lionel messi', 'zoe 🎉'])", ["u1", "u3"]),
    ('equal("status", false)', ["u3"]),
    ('isNull("phone")', ["u2", "u4", "u5"]),
    ("limit(2)", ["u1", "u2"]),
    ('cursorAfter("u4")', ["u5"]),
    ('orderDesc("$id")', ["u5", "u4", "u3", "u2", "u1"]),
    ('between("name", "l", "m")', ["u1"]),
])  # fmt: skip
def test_old_sdks_write_queries_as_calls(people: Api, legacy: str, found: list[str]) -> None:
    answer = people.call("GET", "/users", query={"queries[]": legacy},
                         headers={"X-Appwrite-Response-Format": "1.0.0"})  # fmt: skip
    assert [user["$id"] for user in answer.json["users"]] == found
    assert "targets" not in answer.json["users"][0]
    assert "mfa" not in answer.json["users"][0]


def test_targets_of_a_user(people: Api) -> None:
    listed = people.call("GET", "/users/u1/targets").json
    assert listed["total"] == 2
    queries = people.queries(q("equal", "providerType", "SMS"))
    only = people.call("GET", "/users/u1/targets", query=queries).json
    assert [t["identifier"] for t in only["targets"]] == ["+491511111111"]
    cursor = people.queries(q("cursorAfter", "", listed["targets"][0]["$id"]))
    assert len(people.call("GET", "/users/u1/targets", query=cursor).json["targets"]) == 1
    wrong = people.queries(q("equal", "email", "x"))
    assert people.call("GET", "/users/u1/targets", query=wrong).status == 400
    assert people.call("GET", "/users/nobody/targets", query=wrong).status == 400


def test_logs_take_only_limit_and_offset(people: Api) -> None:
    good = people.queries(q("limit", "", 1), q("offset", "", 0))
    assert people.call("GET", "/users/u1/logs", query=good).json == {"total": 0, "logs": []}
    bad = people.queries(q("equal", "event", "x"))
    assert people.call("GET", "/users/u1/logs", query=bad).status == 400


def test_nothing_of_another_project_is_listed(
    people: Api, project_with: Callable[..., Api]
) -> None:
    other = project_with()
    assert other.call("GET", "/users").json == {"total": 0, "users": []}
    assert other.call("GET", "/users", query={"search": "messi"}).json["total"] == 0
    assert other.call("GET", "/users/u1").status == 404
    cursor = other.queries(q("cursorAfter", "", "u1"))
    assert other.call("GET", "/users", query=cursor).type == "general_cursor_not_found"
