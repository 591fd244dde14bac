"""What `lists` asks: each a page of 25, with the query string that an SDK would send."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from bench.crowd import BORN, DAY, Someone, someone
from bench.people import FIRST, LAST
from usherd import clock


class Question(msgspec.Struct, frozen=True):
    """One list that clients ask for."""

    name: str
    group: str
    make: Callable[[random.Random, int], str]
    """The query string, for a throw of the dice and so many users."""
    served: bool = True
    """Whether an index can serve it. With others, what has to be read grows with the users."""


def _query(*queries: dict[str, Any], search: str = "") -> str:
    texts = [f"queries[{at}]={quote(msgspec.json.encode(q))}" for at, q in enumerate(queries)]
    return "&".join([*texts, f"search={quote(search)}"] if search else texts)


def has(method: str, attribute: str, *values: Any) -> dict[str, Any]:
    """A filter."""
    return {"method": method, "attribute": attribute, "values": list(values)}


def by(attribute: str, method: str = "orderAsc") -> dict[str, Any]:
    """An order."""
    return {"method": method, "attribute": attribute}


def _some(dice: random.Random, size: int) -> Someone:
    return someone(dice.randrange(size))


def _after(dice: random.Random, size: int) -> dict[str, Any]:
    """A cursor in the second half."""
    return has("cursorAfter", "", someone(dice.randrange(size // 2, size - 100)).id)


def _day(dice: random.Random, size: int) -> str:
    """A moment of the year in which everybody came."""
    return clock.iso(BORN + dice.randrange(20, 340) * DAY)


def _same(*queries: dict[str, Any], search: str = "") -> Callable[[random.Random, int], str]:
    text = _query(*queries, search=search)
    return lambda dice, size: text


PAGES = (
    Question("first page", "pages", _same()),
    Question("deep cursor", "pages", lambda d, n: _query(_after(d, n))),
    Question("deep cursor, by name", "pages", lambda d, n: _query(by("name"), _after(d, n))),
    Question("deep cursor, newest first", "pages",
             lambda d, n: _query(by("$createdAt", "orderDesc"), _after(d, n))),
    Question("deep cursor, by e-mail", "pages", lambda d, n: _query(by("email"), _after(d, n))),
    Question("deep cursor, by phone, descending", "pages",
             lambda d, n: _query(by("phone", "orderDesc"), _after(d, n))),
)  # fmt: skip

ORDERED = ("name", "email", "phone", "status", "emailVerification", "phoneVerification",
           "passwordUpdate", "registration", "$createdAt", "$updatedAt", "$id", "")  # fmt: skip
ORDERS = tuple(
    Question(f"{attribute or '$sequence'} {'descending' if down else 'ascending'}", "orders",
             _same(by(attribute, "orderDesc" if down else "orderAsc")))
    for attribute in ORDERED for down in (False, True)
)  # fmt: skip

FILTERS = (
    Question("name equal", "filters",
             lambda d, n: _query(has("equal", "name", f"{d.choice(FIRST)} {d.choice(LAST)}"))),
    Question("name equal, ten names", "filters",
             lambda d, n: _query(has("equal", "name", *(_some(d, n).name for _ in range(10))))),
    Question("name notEqual", "filters",
             lambda d, n: _query(has("notEqual", "name", _some(d, n).name))),
    Question("name startsWith", "filters",
             lambda d, n: _query(has("startsWith", "name", d.choice(FIRST)))),
    Question("name startsWith, rare", "filters",
             lambda d, n: _query(has("startsWith", "name", _some(d, n).name))),
    Question("name contains, two letters", "filters",
             lambda d, n: _query(has("contains", "name", "qz")), served=False),
    Question("name contains", "filters",
             lambda d, n: _query(has("contains", "name", d.choice(LAST)[1:]))),
    Question("name endsWith", "filters",
             lambda d, n: _query(has("endsWith", "name", d.choice(LAST)))),
    Question("name greaterThan", "filters",
             lambda d, n: _query(has("greaterThan", "name", d.choice(FIRST)))),
    Question("email equal", "filters",
             lambda d, n: _query(has("equal", "email", _some(d, n).email))),
    Question("email equal, 20 addresses", "filters",
             lambda d, n: _query(has("equal", "email", *(_some(d, n).email for _ in range(20))))),
    Question("email startsWith", "filters",
             lambda d, n: _query(has("startsWith", "email", _some(d, n).email[:-12]))),
    Question("email contains", "filters",
             lambda d, n: _query(has("contains", "email", f"{d.randrange(n):07d}"))),
    Question("email endsWith", "filters", _same(has("endsWith", "email", "@example.org"))),
    Question("email isNull", "filters", _same(has("isNull", "email"))),
    Question("email isNotNull", "filters", _same(has("isNotNull", "email"))),
    Question("phone equal", "filters",
             lambda d, n: _query(has("equal", "phone", f"+49151{d.randrange(n):08d}"))),
    Question("phone startsWith", "filters",
             lambda d, n: _query(has("startsWith", "phone", f"+49151{d.randrange(n):08d}"[:-1]))),
    Question("phone isNull", "filters", _same(has("isNull", "phone"))),
    Question("phone isNotNull", "filters", _same(has("isNotNull", "phone"))),
    Question("status equal true", "filters", _same(has("equal", "status", True))),
    Question("status equal false", "filters", _same(has("equal", "status", False))),
    Question("status notEqual true", "filters", _same(has("notEqual", "status", True))),
    Question("emailVerification equal", "filters", _same(has("equal", "emailVerification", True))),
    Question("phoneVerification equal", "filters", _same(has("equal", "phoneVerification", True))),
    Question("passwordUpdate isNull", "filters", _same(has("isNull", "passwordUpdate"))),
    Question("passwordUpdate greaterThan", "filters",
             lambda d, n: _query(has("greaterThan", "passwordUpdate", _day(d, n))), served=False),
    Question("registration between", "filters",
             lambda d, n: _query(has("between", "registration", _day(d, n), _day(d, n)))),
    Question("$createdAt lessThan", "filters",
             lambda d, n: _query(has("lessThan", "$createdAt", _day(d, n)))),
    Question("$updatedAt greaterThan", "filters",
             lambda d, n: _query(has("greaterThan", "$updatedAt", _day(d, n))), served=False),
    Question("$id equal", "filters", lambda d, n: _query(has("equal", "$id", _some(d, n).id))),
    Question("labels contains, half", "filters", _same(has("contains", "labels", "beta"))),
    Question("labels contains, 1 in 100", "filters", _same(has("contains", "labels", "staff"))),
    Question("labels contains, none", "filters", _same(has("contains", "labels", "nobody"))),
    Question("or of email and phone", "filters",
             lambda d, n: _query(has("or", "", has("equal", "email", _some(d, n).email),
                                     has("equal", "phone", f"+49151{d.randrange(n):08d}")))),
)  # fmt: skip

TWO = (
    Question("status and emailVerification", "two filters",
             _same(has("equal", "status", False), has("equal", "emailVerification", True))),
    Question("name startsWith and emailVerification", "two filters",
             lambda d, n: _query(has("startsWith", "name", d.choice(FIRST)),
                                 has("equal", "emailVerification", True))),
    Question("name equal and status", "two filters",
             lambda d, n: _query(has("equal", "name", _some(d, n).name),
                                 has("equal", "status", True))),
    Question("labels and status", "two filters",
             _same(has("contains", "labels", "staff"), has("equal", "status", True))),
    Question("registration between and status", "two filters",
             lambda d, n: _query(has("between", "registration", _day(d, n), _day(d, n)),
                                 has("equal", "status", False))),
    Question("two labels", "two filters",
             _same(has("contains", "labels", "staff"), has("contains", "labels", "beta"))),
    Question("emailVerification, by name", "two filters",
             _same(has("equal", "emailVerification", True), by("name"))),
    Question("status false, newest first", "two filters",
             _same(has("equal", "status", False), by("$createdAt", "orderDesc"))),
    Question("name startsWith, by name", "two filters",
             lambda d, n: _query(has("startsWith", "name", d.choice(FIRST)), by("name"))),
    Question("name startsWith, newest first", "two filters",
             lambda d, n: _query(has("startsWith", "name", d.choice(FIRST)),
                                 by("$createdAt", "orderDesc"))),
    Question("label, newest first", "two filters",
             _same(has("contains", "labels", "staff"), by("$createdAt", "orderDesc"))),
    Question("by status and name", "two filters", _same(by("status"), by("name"))),
)  # fmt: skip

SEARCHES = (
    Question("rare word", "search",
             lambda d, n: _query(search=_some(d, n).email.partition("@")[0])),
    Question("common word, all have it", "search", _same(search="example")),
    Question("common word, 1 in 40", "search", lambda d, n: _query(search=d.choice(LAST))),
    Question("two words, 1 in 2,400", "search",
             lambda d, n: _query(search=f"{d.choice(FIRST)} {d.choice(LAST)}")),
    Question("prefix", "search", lambda d, n: _query(search=d.choice(FIRST)[:3])),
    Question("beginning of two letters", "search", lambda d, n: _query(search=d.choice(FIRST)[:2])),
    Question("middle of a common word", "search", lambda d, n: _query(search=d.choice(LAST)[1:])),
    Question("middle of a rare word", "search",
             lambda d, n: _query(search=_some(d, n).email.partition("@")[0][3:])),
    Question("e-mail", "search", lambda d, n: _query(search=_some(d, n).email)),
    Question("phone digits", "search", lambda d, n: _query(search=f"151{d.randrange(n):08d}")),
    Question("phone digits with spaces", "search",
             lambda d, n: _query(search=f"+49 151 {d.randrange(n):08d}")),
    Question("no match", "search", _same(search="xylophone")),
    Question("two words that never meet", "search",
             _same(search="mira tanaka felix"), served=False),
    Question("common word, newest first", "search",
             _same(by("$createdAt", "orderDesc"), search="example")),
    Question("rare word, by name", "search",
             lambda d, n: _query(by("name"), search=_some(d, n).email.partition("@")[0])),
    Question("word and filter", "search",
             lambda d, n: _query(has("equal", "emailVerification", True), search=d.choice(LAST))),
)  # fmt: skip

QUESTIONS = (*PAGES, *ORDERS, *FILTERS, *TWO, *SEARCHES)
