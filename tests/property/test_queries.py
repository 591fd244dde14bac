"""Whatever is asked of the list of users: the answer is that of a naive filter, on both engines."""

from __future__ import annotations

import asyncio
import json
import random
import unicodedata
from collections.abc import Callable, Iterator
from functools import cmp_to_key
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Api, Server
from usherd import db, query_sql
from usherd.query import USERS

EXAMPLES = settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = ["", "Mira", "mira", "MÍRA", "Mira 50%_off", "o'Brien", 'quo"te', "Zoë 🎉", "back\\slash",
         "a", "Straße", "éa", "[x]", "mi!ra", "Ω"]  # fmt: skip
LABELS = ["staff", "Staff", "beta", "x1"]


def population() -> list[dict[str, Any]]:
    """Forty users of every kind; the same on every run."""
    dice = random.Random(42)
    made = []
    for at in range(40):
        person: dict[str, Any] = {
            "userId": f"{dice.choice('abAB')}{at}",
            "name": dice.choice(NAMES) or None,
        }
        if dice.random() < 0.6:
            person["email"] = (
                f"{dice.choice(['mira', 'zoe', 'a_b'])}{at}@{dice.choice('xy')}.example"
            )
        if dice.random() < 0.5:
            person["phone"] = f"+4915{dice.randrange(10**6, 10**7)}{at}"
        if dice.random() < 0.3:
            person["password"] = "correct horse"
        made.append(person)
    return made


def populate(api: Api) -> list[dict[str, Any]]:
    """Create them, with labels, flags and states; returns the users as they are listed."""
    dice = random.Random(7)
    for person in population():
        path = "/users/" + api.user(**person)["$id"]
        if dice.random() < 0.5:
            labels = dice.sample(LABELS, dice.randint(1, 3))
            api.call("PUT", path + "/labels", {"labels": labels})
        if dice.random() < 0.3:
            api.call("PATCH", path + "/status", {"status": False})
        if dice.random() < 0.3:
            api.call("PATCH", path + "/verification", {"emailVerification": True})
    answer = api.call("GET", "/users", query=api.queries({"method": "limit", "values": [500]}))
    listed: list[dict[str, Any]] = answer.json["users"]
    for at, user in enumerate(listed):
        user["$sequence"] = at
        for field in ("email", "phone", "passwordUpdate"):
            user[field] = user[field] or None  # the wire shows nothing as an empty text
    return listed


@pytest.fixture(scope="module")
def crowd(server: Server) -> tuple[Api, list[dict[str, Any]]]:
    """A project with the population."""
    assert server.cli("project", "create", "crowd", "--name", "Crowd").returncode == 0
    key = server.cli("key", "create", "--project", "crowd", "--name", "k", "--scope", "all",
                     "--json")  # fmt: skip
    api = Api(server, httpx.Client(timeout=30), "crowd", json.loads(key.stdout)["secret"])
    return api, populate(api)


# -- the naive filter, written from the reference and not from the compiler --


WHOLE = dict(
    zip("øłđðþæœıħŧŋ", ["o", "l", "d", "d", "th", "ae", "oe", "i", "h", "t", "n"], strict=True)
)
"""Letters that Unicode does not take apart."""


def fold(text: str) -> str:
    """Without case and accents, until nothing more changes."""
    while True:
        bare = unicodedata.normalize("NFKD", text.casefold())
        kept = (WHOLE.get(char, char) for char in bare if not unicodedata.combining(char))
        if (folded := "".join(kept)) == text:
            return text
        text = folded


TEXT, EXACT, FLAG, TIME, ARRAY = "text", "exact", "flag", "time", "array"
KINDS = {"name": TEXT, "email": TEXT, "phone": TEXT, "$id": EXACT, "status": FLAG,
         "emailVerification": FLAG, "phoneVerification": FLAG, "passwordUpdate": TIME,
         "registration": TIME, "$createdAt": TIME, "$updatedAt": TIME, "labels": ARRAY}  # fmt: skip


def comparable(attribute: str, value: Any) -> Any:
    return fold(value) if KINDS[attribute] == TEXT and value is not None else value


def matches(user: dict[str, Any], query: dict[str, Any]) -> bool:
    method, values = query["method"], query.get("values", [])
    if method in ("and", "or"):
        return (all if method == "and" else any)(matches(user, part) for part in values)
    attribute = query["attribute"]
    if KINDS[attribute] == ARRAY:
        return method == "isNotNull" or bool(set(values) & set(user[attribute]))
    own = comparable(attribute, user[attribute])
    if method in ("isNull", "isNotNull"):
        return (own is None) is (method == "isNull")
    if own is None:
        return False
    wanted = [comparable(attribute, value) for value in values]
    tests: dict[str, Callable[[], bool]] = {
        "equal": lambda: own in wanted,
        "notEqual": lambda: own != wanted[0],
        "lessThan": lambda: own < wanted[0],
        "lessThanEqual": lambda: own <= wanted[0],
        "greaterThan": lambda: own > wanted[0],
        "greaterThanEqual": lambda: own >= wanted[0],
        "between": lambda: wanted[0] <= own <= wanted[1],
        "startsWith": lambda: own.startswith(wanted[0]),
        "endsWith": lambda: own.endswith(wanted[0]),
        "contains": lambda: any(value in own for value in wanted),
    }
    return tests[method]()


def ordered(users: list[dict[str, Any]], orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def compare(one: dict[str, Any], other: dict[str, Any]) -> int:
        for order in orders:
            name = order["attribute"] or "$sequence"
            if name == "$sequence":
                a, b = one[name], other[name]
            else:
                a, b = comparable(name, one[name]), comparable(name, other[name])
            if a != b:
                less = a is None or (b is not None and a < b)
                return (-1 if less else 1) * (-1 if order["method"] == "orderDesc" else 1)
        return int(one["$sequence"]) - int(other["$sequence"])

    return sorted(users, key=cmp_to_key(compare))


# -- what is asked --

words = st.sampled_from([*NAMES, "mira1@x.example", "MIRA", "mir", "%", "_", "!", "+49", "ra", "x"])
texts = st.one_of(words, st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5))
VALUES = {
    TEXT: texts,
    EXACT: st.one_of(st.sampled_from([p["userId"] for p in population()]), texts),
    FLAG: st.booleans(),
    TIME: st.sampled_from(["1970-01-01T00:00:00.000+00:00", "2100-01-01T00:00:00.000+00:00"]),
}


@st.composite
def filters(draw: Any, depth: int = 2) -> dict[str, Any]:
    if depth and draw(st.integers(0, 4)) == 0:
        parts = draw(st.lists(filters(depth - 1), min_size=2, max_size=3))
        return {"method": draw(st.sampled_from(["and", "or"])), "values": parts}
    attribute = draw(st.sampled_from(list(KINDS)))
    kind = KINDS[attribute]
    if kind == ARRAY:
        values = draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=3))
        return {"method": "contains", "attribute": attribute, "values": values}
    methods = ["equal", "notEqual", "lessThan", "lessThanEqual", "greaterThan", "greaterThanEqual",
               "between", "isNull", "isNotNull"]  # fmt: skip
    if kind in (TEXT, EXACT):
        methods += ["startsWith", "endsWith", "contains"]
    method = draw(st.sampled_from(methods))
    least, most = {"equal": (1, 3), "contains": (1, 3), "between": (2, 2), "isNull": (0, 0),
                   "isNotNull": (0, 0)}.get(method, (1, 1))  # fmt: skip
    values = draw(st.lists(VALUES[kind], min_size=least, max_size=most))
    return {"method": method, "attribute": attribute, "values": values}


@st.composite
def orders(draw: Any) -> list[dict[str, Any]]:
    names = draw(st.lists(st.sampled_from([*(set(KINDS) - {"labels"}), ""]), max_size=3,
                          unique=True))  # fmt: skip
    names.sort(key=str)  # a set has no order that lasts from run to run
    return [{"method": draw(st.sampled_from(["orderAsc", "orderDesc"])), "attribute": name}
            for name in names]  # fmt: skip


@EXAMPLES
@given(wanted=st.lists(filters(), max_size=3), order=orders(), data=st.data())
def test_the_compiled_query_is_the_naive_filter(
    crowd: tuple[Api, list[dict[str, Any]]],
    wanted: list[dict[str, Any]],
    order: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    api, users = crowd
    everyone = ordered(users, order)
    found = [user for user in everyone if all(matches(user, one) for one in wanted)]
    limit = data.draw(st.integers(1, 50), "limit")
    offset = data.draw(st.integers(0, 5), "offset")
    cursor = data.draw(st.one_of(st.none(), st.sampled_from(everyone)), "cursor")
    paging = [{"method": "limit", "values": [limit]}, {"method": "offset", "values": [offset]}]
    page = found[offset:][:limit]
    if cursor is not None:
        before = data.draw(st.booleans(), "before")
        method = "cursorBefore" if before else "cursorAfter"
        paging.append({"method": method, "values": [cursor["$id"]]})
        at = everyone.index(cursor)
        side = everyone[:at] if before else everyone[at + 1 :]
        page = [user for user in found if user in side]
        page = page[::-1][offset:][:limit][::-1] if before else page[offset:][:limit]
    answer = api.call("GET", "/users", query=api.queries(*wanted, *order, *paging))
    assert answer.status == 200, answer.json
    assert [user["$id"] for user in answer.json["users"]] == [user["$id"] for user in page], wanted
    assert answer.json["total"] == len(found), (wanted, order)


def test_whichever_index_leads_the_page_is_the_same(
    crowd: tuple[Api, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty users are few: with smaller bounds the same queries take every way there is."""
    api, users = crowd
    asked = [
        ([{"method": "startsWith", "attribute": "name", "values": ["mi"]}], None),
        ([{"method": "between", "attribute": "$createdAt", "values": ["2000-01-01", "2100-01-01"]},
          {"method": "orderDesc", "attribute": "name"}], None),
        ([{"method": "contains", "attribute": "name", "values": ["mir"]},
          {"method": "orderDesc", "attribute": "email"}], None),
        ([{"method": "contains", "attribute": "labels", "values": ["staff"]},
          {"method": "orderDesc", "attribute": "status"}], None),
        ([{"method": "endsWith", "attribute": "email", "values": [".example"]}], "example"),
        ([{"method": "orderAsc", "attribute": "phone"}], "mira"),
        ([{"method": "orderDesc", "attribute": "name"}], "mira x.example"),
        ([], "+49 15"),
    ]  # fmt: skip
    cursors = [{"method": way, "values": [users[at]["$id"]]}
               for way in ("cursorAfter", "cursorBefore") for at in (3, 20)]  # fmt: skip

    async def pages() -> list[list[str]]:
        database = await db.open(api.server.database)
        if database.engine == "postgres":  # which then believes something of trigrams
            async with database.write() as tx:
                await tx.run("analyze users")
        found = []
        for queries, term in asked:
            for more in ([], *([cursor] for cursor in cursors)):
                five = [*queries, {"method": "limit", "values": [5]}, *more]
                query = USERS.read([json.dumps(each) for each in five], term)
                rows = await query_sql.page(database.reader, query, api.project)
                found.append([row["id"] for row in rows])
        await database.close()
        return found

    usual = asyncio.run(pages())
    assert any(usual)
    for few, walked in ((0, 1), (0, 12), (0, 1000), (1000, 1)):
        monkeypatch.setattr(query_sql, "FEW", few)
        monkeypatch.setattr(query_sql, "FEW_ROWS", few)
        monkeypatch.setattr(query_sql, "WALKED", walked)
        assert asyncio.run(pages()) == usual


def test_totals_stop_where_they_are_told_to(
    crowd: tuple[Api, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, users = crowd
    asked: list[tuple[list[dict[str, Any]], str | None]] = [
        ([], None),
        ([{"method": "orderDesc", "attribute": "name"}], None),
        ([{"method": "isNotNull", "attribute": "$createdAt"}], None),
        ([{"method": "startsWith", "attribute": "$id", "values": [""]}], "example"),
    ]

    async def totals() -> list[int]:
        database = await db.open(api.server.database)
        queries = [USERS.read([json.dumps(each) for each in some], term) for some, term in asked]
        found = [await query_sql.count(database.reader, q, api.project) for q in queries]
        await database.close()
        return found

    every = asyncio.run(totals())
    assert every[:3] == [len(users)] * 3
    for most in (1, 2, len(users) - 1, len(users), len(users) + 1):
        monkeypatch.setattr(query_sql, "MOST_COUNTED", most)
        assert asyncio.run(totals()) == [min(total, most) for total in every]


# -- one engine and the other --


@pytest.fixture(scope="module")
def both(
    new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Api, Api]]:
    """The same population on SQLite and on PostgreSQL."""
    servers = [Server(new_database(engine), tmp_path_factory.mktemp("server")).start()
               for engine in ("sqlite", "postgres")]  # fmt: skip
    apis = [Api(s, httpx.Client(timeout=30), s.project, s.key) for s in servers]
    for api in apis:
        populate(api)
    yield apis[0], apis[1]
    for server in servers:
        server.stop()
        assert "Traceback" not in server.log.read_text()


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=2)),
    max_leaves=6,
)
methods = st.one_of(
    st.sampled_from(["equal", "contains", "startsWith", "between", "limit", "offset", "cursorAfter",
                     "cursorBefore", "orderAsc", "search", "select", "or", "isNull"]), texts,
)  # fmt: skip
loose = st.fixed_dictionaries(
    {}, optional={"method": methods, "attribute": st.one_of(st.sampled_from([*KINDS, "$sequence"]),
                                                            anything),
                  "values": st.one_of(st.lists(anything, max_size=3), anything)},
)  # fmt: skip


def told(api: Api, query: dict[str, Any]) -> Any:
    answer = api.call("GET", "/users", query=query)
    if answer.status != 200:
        return answer.status, answer.json["type"], answer.json["message"]
    return answer.json["total"], [user["$id"] for user in answer.json["users"]]


@pytest.mark.xdist_group("both")
@EXAMPLES
@given(raw=st.lists(st.one_of(loose.map(json.dumps), filters().map(json.dumps), texts), max_size=3))
def test_both_engines_say_the_same_to_any_query(both: tuple[Api, Api], raw: list[str]) -> None:
    query = {f"queries[{at}]": text for at, text in enumerate(raw)}
    assert told(both[0], query) == told(both[1], query)


@pytest.mark.xdist_group("both")
@EXAMPLES
@given(term=st.one_of(texts, st.lists(words, max_size=3).map(" ".join)))
def test_both_engines_find_the_same(both: tuple[Api, Api], term: str) -> None:
    assert told(both[0], {"search": term}) == told(both[1], {"search": term})
