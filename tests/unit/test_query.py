"""Queries: what each means, read from both syntaxes; the SQL is proved in tests/property."""

from __future__ import annotations

import json
from typing import Any

import pytest

from usherd import conditions, errors, legacy_query, query


def q(method: str, attribute: str = "", *values: Any) -> str:
    return json.dumps({"method": method, "attribute": attribute, "values": list(values)})


def only(text: str) -> query.Filter:
    found = query.USERS.read([text]).filters
    assert len(found) == 1
    assert isinstance(found[0], query.Filter)
    return found[0]


def test_defaults() -> None:
    read = query.USERS.read([])
    assert (read.limit, read.offset, read.cursor, read.filters, read.orders) == (
        25,
        0,
        None,
        [],
        [],
    )


def test_text_is_folded_times_become_milliseconds_flags_numbers() -> None:
    assert only(q("equal", "name", "Míra")).values == ("mira",)
    assert only(q("equal", "$id", "Míra")).values == ("Míra",)
    assert only(q("equal", "status", True)).values == (1,)
    assert only(q("equal", "registration", "1970-01-01T00:00:01.5Z")).values == (1500,)
    assert only(q("equal", "registration", "1970-01-01T01:00:00+01:00")).values == (0,)
    assert only(q("equal", "$sequence", "12")).values == (12,)


def test_the_first_of_repeated_paging_queries_wins() -> None:
    read = query.USERS.read([
        q("limit", "", 3), q("limit", "", 9), q("offset", "", 1), q("offset", "", 2),
        q("cursorBefore", "", "a"), q("cursorAfter", "", "b"),
    ])  # fmt: skip
    assert (read.limit, read.offset, read.cursor, read.before) == (3, 1, "a", True)


def test_extra_keys_are_ignored() -> None:
    text = '{"method":"limit","attribute":"","values":[2],"more":{"x":1}}'
    assert query.USERS.read([text]).limit == 2


@pytest.mark.parametrize("method", list(query.FILTERS))
def test_how_many_values_each_filter_takes(method: str) -> None:
    least, most = query.FILTERS[method]
    if method != "search":
        assert len(only(q(method, "name", *["x"] * least)).values) == least
        assert len(only(q(method, "name", *["x"] * most)).values) == most
    for wrong in (least - 1, most + 1):
        if wrong >= 0:
            with pytest.raises(errors.AppError) as refused:
                query.USERS.read([q(method, "name", *["x"] * wrong)])
            assert refused.value.code == 400


def nested(depth: int) -> str:
    inner: Any = {"method": "isNull", "attribute": "email"}
    for _ in range(depth):
        inner = {"method": "or", "values": [inner, {"method": "isNull", "attribute": "phone"}]}
    return json.dumps(inner)


def test_groups_nest_and_end() -> None:
    assert isinstance(query.USERS.read([nested(query.DEEPEST)]).filters[0], query.Group)
    with pytest.raises(errors.GeneralArgumentInvalid, match="deep"):
        query.USERS.read([nested(query.DEEPEST + 1)])


def test_errors_name_the_query_and_what_would_be_right() -> None:
    with pytest.raises(errors.GeneralArgumentInvalid, match=r"Query 2: .*'nam'.* name, email"):
        query.USERS.read([q("limit", "", 1), q("equal", "nam", "x")])
    with pytest.raises(errors.GeneralArgumentInvalid, match=r"Query 1: .*one value"):
        query.USERS.read([q("notEqual", "name", "a", "b")])


LEGACY: list[tuple[str, dict[str, Any]]] = [
    ('equal("name", ["a", "b"])', {"method": "equal", "attribute": "name", "values": ["a", "b"]}),
    ('equal("name","a")', {"method": "equal", "attribute": "name", "values": ["a"]}),
    (r'equal("name", "a\"b, (c) [d]")',
     {"method": "equal", "attribute": "name", "values": ['a"b, (c) [d]']}),
    ("equal('name', 'x')", {"method": "equal", "attribute": "name", "values": ["x"]}),
    (r"equal('name', 'it\'s')", {"method": "equal", "attribute": "name", "values": ["it's"]}),
    ('between("n", 1, 5.5)', {"method": "between", "attribute": "n", "values": [1, 5.5]}),
    ('equal("n", [true, false, null, -3])',
     {"method": "equal", "attribute": "n", "values": [True, False, None, -3]}),
    ('isNull("email")', {"method": "isNull", "attribute": "email", "values": []}),
    (" limit( 5 ) ", {"method": "limit", "values": [5]}),
    ('cursorAfter("x1")', {"method": "cursorAfter", "values": ["x1"]}),
    ('select(["a", "b"])', {"method": "select", "values": ["a", "b"]}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meant"), LEGACY)
def test_the_syntax_of_old_sdks(text: str, meant: dict[str, Any]) -> None:
    assert legacy_query.parse(text) == meant


@pytest.mark.parametrize("text", [
    "", "name", "equal", "equal(", 'equal("a', 'equal("a"', 'name.equal("x")', 'equal("a", [1)',
    'equal("a", [[1]])', 'equal("a" "b")', "equal(a)", "limit(5) or 1=1", "equal(,)",
    'equal("a", [1],)', "limit(" + "9" * 5000 + "x)",
])  # fmt: skip
def test_what_is_no_call_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        legacy_query.parse(text)


@pytest.mark.parametrize(("prefix", "beyond"), [
    ("a", "b"), ("az", "a{"), ("", ""), ("\U0010ffff", ""), ("a\U0010ffff", "b"),
    ("\ud7ff", "\ue000"),
])  # fmt: skip
def test_the_text_after_every_text_with_a_prefix(prefix: str, beyond: str) -> None:
    assert conditions.after(prefix) == beyond


@pytest.mark.parametrize(("raw", "term", "columns"), [
    ([], None, ["seq"]),
    (['greaterThan("registration", "2025-01-01")'], None, ["created_at", "seq"]),
    (['between("$createdAt", "2025-01-01", "2025-02-01")', 'equal("status", [true])'], None,
     ["created_at", "seq"]),
    (['greaterThan("$createdAt", "2025-01-01")', 'orderAsc("name")'], None, ["name_key", "seq"]),
    (['greaterThan("$createdAt", "2025-01-01")', 'orderAsc("")'], None, ["seq"]),
    (['greaterThan("$createdAt", "2025-01-01")'], "mira", ["seq"]),
    (['greaterThan("$updatedAt", "2025-01-01")'], None, ["seq"]),
])  # fmt: skip
def test_a_range_of_creation_comes_in_its_own_order(
    raw: list[str], term: str | None, columns: list[str]
) -> None:
    asked = conditions.effective(query.USERS.read(raw, term))
    assert [order.attribute.column for order in asked] == columns
