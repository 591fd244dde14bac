"""Appwrite's query language: what a caller may ask of a list, read and checked.

`query_sql.py` turns the result into SQL. Nothing unknown is ignored: the error says which query,
which part of it, and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from usherd import clock, errors, legacy_query, search

MOST_QUERIES = 100
MOST_CHARACTERS = 4096
MOST_VALUES = 500
DEEPEST = 16
DEFAULT_LIMIT = 25
INT64 = 2**63 - 1
FIRST_YEAR = -30_610_224_000_000
"""The year 1000 in milliseconds: the original refuses what lies before it."""

Kind = Literal["text", "exact", "integer", "flag", "time", "labels", "roles"]

UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,35}")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

COMPARISONS = ("lessThan", "lessThanEqual", "greaterThan", "greaterThanEqual")
FILTERS = {
    "equal": (1, MOST_VALUES), "notEqual": (1, 1), **dict.fromkeys(COMPARISONS, (1, 1)),
    "between": (2, 2), "isNull": (0, 0), "isNotNull": (0, 0), "startsWith": (1, 1),
    "endsWith": (1, 1), "contains": (1, MOST_VALUES), "search": (1, 1),
}  # fmt: skip
"""How many values each filter takes: at least, at most."""

PAGING = ("limit", "offset", "cursorAfter", "cursorBefore")
ORDERS = ("orderAsc", "orderDesc")


class Attribute(msgspec.Struct, frozen=True):
    """What callers may filter and order by: the column, and how its values compare.

    `text` compares folded text, `exact` byte by byte; `labels` and `roles` are arrays.
    """

    column: str
    kind: Kind
    nullable: bool = False


class Filter(msgspec.Struct, frozen=True):
    """`method` on an attribute, with values as the column stores them."""

    method: str
    attribute: Attribute
    values: tuple[Any, ...]


class Group(msgspec.Struct, frozen=True):
    """Filters joined by `and` or `or`."""

    method: str
    parts: tuple[Filter | Group, ...]


class Order(msgspec.Struct, frozen=True):
    """One attribute to order by."""

    attribute: Attribute
    descending: bool


class Query(msgspec.Struct, kw_only=True):
    """Everything a caller asked of a list."""

    listing: Listing
    filters: list[Filter | Group] = []
    orders: list[Order] = []
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: str | None = None
    before: bool = False
    """Whether the page ends before the cursor's item, instead of beginning after it."""
    search: search.Search | None = None
    nothing: bool = False
    """Whether the search term leaves nothing to look for, so that nothing is found."""
    member: str | None = None
    """Only the teams that this user has joined."""


class Listing(msgspec.Struct, frozen=True):
    """A list that callers may query."""

    table: str
    attributes: Mapping[str, Attribute]
    only_paging: bool = False
    """Whether `limit` and `offset` are all that may be asked."""

    def read(self, raw: Sequence[str], search_term: str | None = None) -> Query:
        """The query that these strings and this search term make.

        Raises `GeneralArgumentInvalid`, `GeneralQueryInvalid`.
        """
        if len(raw) > MOST_QUERIES:
            raise errors.invalid("queries", f"There may be at most {MOST_QUERIES} queries.")
        query = Query(listing=self, filters=[], orders=[])
        seen: set[str] = set()
        for at, text in enumerate(raw):
            Reader(self, f"Query {at + 1}").add(query, text, seen)
        if search_term is not None:
            query.search = search.parse(search_term)
            query.nothing = query.search is None
        return query


class Reader:
    """Reads one query string; `where` is how errors name it."""

    def __init__(self, listing: Listing, where: str) -> None:
        self.listing = listing
        self.where = where

    def wrong(self, reason: str) -> errors.GeneralArgumentInvalid:
        """An error that names this query."""
        return errors.invalid("queries", f"{self.where}: {reason}")

    def add(self, query: Query, text: str, seen: set[str]) -> None:
        """Read the string into `query`; of paging queries that repeat, the first wins."""
        method, attribute, values = self.parts(self.decode(text))
        if self.listing.only_paging and method not in ("limit", "offset"):
            raise self.wrong("this list takes only limit and offset.")
        if method in FILTERS or method in ("and", "or"):
            query.filters.append(self.filter(method, attribute, values, DEEPEST))
        elif method in ORDERS:
            known = self.attribute(attribute or "$sequence")
            query.orders.append(Order(known, method == "orderDesc"))
        elif method in PAGING:
            self.page(query, method, values, seen)
        else:
            known_methods = ", ".join((*FILTERS, "and", "or", *ORDERS, *PAGING))
            raise self.wrong(f"there is no method {method!r} here; there are: {known_methods}.")

    def decode(self, text: str) -> Any:
        """The object in a query string, in JSON or in the syntax of old SDKs."""
        if len(text) > MOST_CHARACTERS:
            raise self.wrong(f"it has more than {MOST_CHARACTERS} characters.")
        if not text.lstrip().startswith("{"):
            try:
                return legacy_query.parse(text)
            except ValueError as error:
                raise self.wrong(f"it is neither JSON nor a method call: {error}") from error
        try:
            return msgspec.json.decode(text)
        except (ValueError, RecursionError) as error:
            raise self.wrong("it is not valid JSON.") from error

    def parts(self, decoded: Any) -> tuple[str, str, list[Any]]:
        """(method, attribute, values) of a decoded query."""
        if not isinstance(decoded, dict):
            raise self.wrong("it must be an object with method, attribute and values.")
        method, attribute = decoded.get("method", ""), decoded.get("attribute", "")
        values = decoded.get("values", [])
        if not isinstance(method, str) or not isinstance(attribute, str):
            raise self.wrong("method and attribute must be strings.")
        if not isinstance(values, list):
            raise self.wrong("values must be an array.")
        return method, attribute, values

    def page(self, query: Query, method: str, values: list[Any], seen: set[str]) -> None:
        """Read limit, offset or a cursor."""
        if len(values) != 1:
            raise self.wrong(f"{method} takes one value.")
        value = values[0]
        if method in ("limit", "offset"):
            number = int(value) if _is_digits(value) else value
            least = 1 if method == "limit" else 0
            if type(number) is not int or not least <= number <= INT64:
                raise self.wrong(f"{method} must be an integer, at least {least}.")
            if method not in seen:
                setattr(query, method, number)
        else:
            if not isinstance(value, str) or not UID.fullmatch(value):
                raise self.wrong(f"{method} takes the id of an item of this list.")
            if "cursor" not in seen:
                query.cursor, query.before = value, method == "cursorBefore"
                seen.add("cursor")
        seen.add(method)

    def attribute(self, name: str) -> Attribute:
        """The list's attribute of that name."""
        found = self.listing.attributes.get(name)
        if found is None:
            known = ", ".join(self.listing.attributes)
            raise self.wrong(f"there is no attribute {name!r} to ask for; there are: {known}.")
        return found

    def filter(self, method: str, name: str, values: list[Any], depth: int) -> Filter | Group:
        """A filter, or a group of nested ones."""
        if method in ("and", "or"):
            return self.group(method, values, depth)
        attribute = self.attribute(name)
        least, most = FILTERS[method]
        if not least <= len(values) <= most:
            raise self.wrong(f"{method} takes {_count(least, most)}, not {len(values)}.")
        if method == "search":
            raise errors.GeneralQueryInvalid(
                f"{self.where}: {name} has no full-text index; use the parameter `search`, "
                "or contains."
            )
        array = attribute.kind in ("labels", "roles")
        if array and method not in ("contains", "isNull", "isNotNull"):
            raise self.wrong(f"{name} is an array: only contains, isNull and isNotNull fit.")
        if method in ("contains", "startsWith", "endsWith") and attribute.kind in (
            "integer", "flag", "time",
        ):  # fmt: skip
            raise self.wrong(f"{method} needs text, and {name} is none.")
        return Filter(method, attribute, tuple(self.value(attribute, name, v) for v in values))

    def group(self, method: str, values: list[Any], depth: int) -> Group:
        """`and` or `or` of two filters or more."""
        if depth == 0:
            raise self.wrong(f"filters may be nested {DEEPEST} deep.")
        if not 2 <= len(values) <= MOST_VALUES:
            raise self.wrong(f"{method} takes 2 to {MOST_VALUES} filters.")
        parts = []
        for value in values:
            inner, attribute, arguments = self.parts(value)
            if inner not in FILTERS and inner not in ("and", "or"):
                raise self.wrong(f"{method} takes filters, and {inner!r} is none.")
            parts.append(self.filter(inner, attribute, arguments, depth - 1))
        return Group(method, tuple(parts))

    def value(self, attribute: Attribute, name: str, value: Any) -> Any:
        """A value as the attribute's column stores it."""
        kind = attribute.kind
        if kind == "integer":
            number = int(value) if _is_digits(value) else value
            if type(number) is not int or not -INT64 <= number <= INT64:
                raise self._of_type(name, "an integer of at most 64 bits")
            return number
        if kind == "flag":
            if not isinstance(value, bool):
                raise self._of_type(name, "true or false")
            return int(value)
        if not isinstance(value, str) or UNSTORABLE.search(value):
            raise self._of_type(name, "text without NUL characters")
        if kind == "time":
            return self._time(name, value)
        return search.fold(value) if kind == "text" else value

    def _time(self, name: str, value: str) -> int:
        try:
            ms = clock.parse(value)
        except ValueError as error:
            raise self._of_type(name, "a date such as 2025-03-09T14:05:07.250+00:00") from error
        if ms < FIRST_YEAR:
            raise errors.GeneralQueryInvalid(f"{self.where}: {name} needs a year from 1000 on.")
        return ms

    def _of_type(self, name: str, right: str) -> errors.AppError:
        if name == "$sequence":
            return errors.GeneralQueryInvalid(f"{self.where}: {name} is compared with {right}.")
        return self.wrong(f"{name} is compared with {right}.")


def _is_digits(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value) is not None


def _count(least: int, most: int) -> str:
    if least == most:
        return {0: "no value", 1: "one value"}.get(least, f"{least} values")
    return f"{least} to {most} values"


# -- what may be asked of which list --

INTERNAL = {
    "$id": Attribute("id", "exact"),
    "$createdAt": Attribute("created_at", "time"),
    "$updatedAt": Attribute("updated_at", "time"),
    "$sequence": Attribute("seq", "integer"),
}

USERS = Listing("users", {
    "name": Attribute("name_key", "text"),
    "email": Attribute("email", "text", nullable=True),
    "phone": Attribute("phone", "text", nullable=True),
    "status": Attribute("status", "flag"),
    "passwordUpdate": Attribute("password_update", "time", nullable=True),
    "registration": Attribute("created_at", "time"),
    "emailVerification": Attribute("email_verification", "flag"),
    "phoneVerification": Attribute("phone_verification", "flag"),
    "labels": Attribute("labels", "labels"),
    **INTERNAL,
})  # fmt: skip

IDENTITIES = Listing("identities", {
    "userId": Attribute("user_id", "exact"),
    "provider": Attribute("provider", "text"),
    "providerUid": Attribute("provider_uid_key", "text"),
    "providerEmail": Attribute("provider_email", "text", nullable=True),
    "providerAccessTokenExpiry": Attribute("provider_access_token_expiry", "time", nullable=True),
    **INTERNAL,
})  # fmt: skip

TARGETS = Listing("targets", {
    "userId": Attribute("user_id", "exact"),
    "providerId": Attribute("provider_id", "exact", nullable=True),
    "identifier": Attribute("identifier_key", "text"),
    "providerType": Attribute("provider_type", "text"),
    "name": Attribute("name_key", "text"),
    **INTERNAL,
})  # fmt: skip

TEAMS = Listing("teams", {
    "name": Attribute("name_key", "text"),
    "total": Attribute("total", "integer"),
    **INTERNAL,
})  # fmt: skip

MEMBERSHIPS = Listing("memberships", {
    "userId": Attribute("user_id", "exact"),
    "teamId": Attribute("team_id", "exact"),
    "invited": Attribute("invited_at", "time"),
    "joined": Attribute("joined_at", "time", nullable=True),
    "confirm": Attribute("confirm", "flag"),
    "roles": Attribute("roles", "roles"),
    **INTERNAL,
})  # fmt: skip

LOGS = Listing("logs", {}, only_paging=True)
