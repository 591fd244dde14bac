"""Queries as SQL: the only place, with `query.py`, where statements are put together.

Values are always parameters. Keys compare byte by byte on both engines, so a statement means the
same on each; what differs are a few words in `DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from usherd import errors
from usherd.db import Row, Tx
from usherd.query import Attribute, Filter, Group, Order, Query

MOST_COUNTED = 5000
"""`total` stops here."""

CHUNK = 500
"""Values in one `in (...)`: every engine bounds the parameters of a statement."""

OPERATORS = {
    "lessThan": "<", "lessThanEqual": "<=", "greaterThan": ">", "greaterThanEqual": ">=",
    "notEqual": "<>",
}  # fmt: skip

SEQUENCE = Attribute("seq", "integer")

TRIGRAMS = {"users": "user_search", "teams": "team_search"}
"""The tables with an index of trigrams, and its name on SQLite."""


class Dialect(msgspec.Struct, frozen=True):
    """What the engines spell differently."""

    position: str
    """The function that finds a text in another."""
    role: str
    """The elements of the JSON array `roles`."""


DIALECTS = {
    "sqlite": Dialect("instr", "json_each(roles)"),
    "postgres": Dialect("strpos", "json_array_elements_text(cast(roles as json)) as role (value)"),
}


class Statement:
    """A condition being put together, with its parameters."""

    def __init__(self, engine: str, project_id: str) -> None:
        self.dialect = DIALECTS[engine]
        self.engine = engine
        self.params: dict[str, Any] = {"project_id": project_id}

    def bind(self, value: Any) -> str:
        """A parameter for the value, as it is written in SQL."""
        name = f"q{len(self.params)}"
        self.params[name] = value
        return ":" + name

    # -- filters --

    def condition(self, part: Filter | Group) -> str:
        """A filter or a group as a condition."""
        if isinstance(part, Group):
            return "(" + f" {part.method} ".join(self.condition(p) for p in part.parts) + ")"
        column, method = part.attribute.column, part.method
        if part.attribute.kind in ("labels", "roles"):
            return self._array(part)
        if method == "isNull":
            return f"{column} is null"
        if method == "isNotNull":
            return f"{column} is not null"
        if method == "equal":
            return f"{column} in ({', '.join(self.bind(v) for v in part.values)})"
        if method == "between":
            return f"{column} between {self.bind(part.values[0])} and {self.bind(part.values[1])}"
        if method in OPERATORS:
            return f"{column} {OPERATORS[method]} {self.bind(part.values[0])}"
        return self._text(column, method, part.values)

    def _text(self, column: str, method: str, values: Sequence[str]) -> str:
        if method == "startsWith":
            return self._prefix(column, values[0])
        if method == "endsWith":
            return self._like(column, "%" + _escaped(values[0]))
        return "(" + " or ".join(self._like(column, f"%{_escaped(v)}%") for v in values) + ")"

    def _prefix(self, column: str, prefix: str) -> str:
        """A range, which an index on the column serves."""
        if not prefix:
            return f"{column} is not null"
        condition = f"{column} >= {self.bind(prefix)}"
        beyond = after(prefix)
        return f"({condition} and {column} < {self.bind(beyond)})" if beyond else condition

    def _like(self, column: str, pattern: str) -> str:
        return f"{column} like {self.bind(pattern)} escape '!'"

    def _array(self, part: Filter) -> str:
        if part.method in ("isNull", "isNotNull"):  # an array is never null
            return "1 = 1" if part.method == "isNotNull" else "1 = 0"
        values = ", ".join(self.bind(value) for value in part.values)
        if part.attribute.kind == "labels":
            return (
                "seq in (select user_seq from user_labels where project_id = :project_id "
                f"and label in ({values}))"
            )
        return f"exists (select 1 from {self.dialect.role} where value in ({values}))"

    # -- cursors --

    def beyond(self, orders: Sequence[Order], cursor: Row) -> str:
        """The items strictly after the cursor's in these orders."""
        values = [cursor[order.attribute.column] for order in orders]
        columns = [order.attribute.column for order in orders]
        plain = not any(order.attribute.nullable for order in orders)
        if plain and len({order.descending for order in orders}) == 1:
            sign = "<" if orders[0].descending else ">"
            bound = ", ".join(self.bind(value) for value in values)
            return f"({', '.join(columns)}) {sign} ({bound})"
        either = []
        for at, order in enumerate(orders):
            further = self._further(order, values[at])
            if further is None:
                continue
            same = [self._same(o, v) for o, v in zip(orders[:at], values[:at], strict=True)]
            either.append("(" + " and ".join([*same, further]) + ")")
        condition = "(" + " or ".join(either) + ")" if either else "1 = 0"
        return f"{self._from(orders[0], values[0])}{condition}"

    def _from(self, order: Order, value: Any) -> str:
        """A plain bound on the first column, which an index can start from."""
        if value is None or (order.attribute.nullable and order.descending):
            return ""
        sign = "<=" if order.descending else ">="
        return f"{order.attribute.column} {sign} {self.bind(value)} and "

    def _same(self, order: Order, value: Any) -> str:
        column = order.attribute.column
        return f"{column} is null" if value is None else f"{column} = {self.bind(value)}"

    def _further(self, order: Order, value: Any) -> str | None:
        """Strictly after `value`; nulls come first ascending and last descending. None: nothing."""
        column = order.attribute.column
        if value is None:
            return None if order.descending else f"{column} is not null"
        if not order.descending:
            return f"{column} > {self.bind(value)}"
        smaller = f"{column} < {self.bind(value)}"
        return f"({smaller} or {column} is null)" if order.attribute.nullable else smaller


def after(prefix: str) -> str:
    """The least text greater than every text with this prefix; empty when there is none."""
    for end in range(len(prefix), 0, -1):
        point = ord(prefix[end - 1]) + 1
        if 0xD800 <= point <= 0xDFFF:
            point = 0xE000
        if point <= 0x10FFFF:
            return prefix[: end - 1] + chr(point)
    return ""


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def effective(query: Query) -> list[Order]:
    """The orders with the tie-breaker; what follows a unique one is left out. Reversed for a page
    before the cursor."""
    orders: list[Order] = []
    for order in query.orders:
        if all(order.attribute.column != known.attribute.column for known in orders):
            orders.append(order)
        if order.attribute.column in ("seq", "id"):
            break
    else:
        orders.append(Order(SEQUENCE, False))
    if query.before:
        orders = [Order(order.attribute, not order.descending) for order in orders]
    return orders


def _order_by(orders: Sequence[Order]) -> str:
    words = []
    for order in orders:
        nulls = ""
        if order.attribute.nullable:
            nulls = " nulls last" if order.descending else " nulls first"
        words.append(order.attribute.column + (" desc" if order.descending else "") + nulls)
    return ", ".join(words)


def _search(query: Query, statement: Statement) -> tuple[str, str]:
    """(what to select from, the condition) for the search term."""
    table, found = query.listing.table, query.search
    if found is None:
        return table, "1 = 0" if query.nothing else ""
    condition, params = found.recheck(f"{table}.search", statement.dialect.position)
    statement.params |= params
    if table not in TRIGRAMS:
        return table, condition
    if statement.engine == "postgres":
        match = f"usherd_trigrams(search) @@ cast({statement.bind(found.tsquery())} as tsquery)"
        return table, f"{match} and {condition}"
    statement.params["match"] = found.match()
    # The index gives row ids in order: with the default order the first page stops early.
    index = TRIGRAMS[table]
    source = f"{index} cross join {table} on {table}.seq = {index}.rowid"
    return source, f"{index} match :match and {condition}"


def _parts(query: Query, engine: str, project_id: str, within: dict[str, Any]) -> tuple[
    Statement, str, str
]:  # fmt: skip
    statement = Statement(engine, project_id)
    source, searched = _search(query, statement)
    conditions = ["project_id = :project_id"]
    for column, value in within.items():
        conditions.append(f"{column} = {statement.bind(value)}")
    if query.member is not None:
        conditions.append(
            "id in (select team_id from memberships where project_id = :project_id "
            f"and user_id = {statement.bind(query.member)} and confirm = 1)"
        )
    if searched:
        conditions.append(searched)
    conditions += [statement.condition(part) for part in query.filters]
    return statement, source, " and ".join(conditions)


async def page(tx: Tx, query: Query, project_id: str, **within: Any) -> list[Row]:
    """The rows that the query asks for, in its order; `within` bounds the list by equal columns.

    Raises `GeneralCursorNotFound`, `DatabaseTimeout`.
    """
    if query.nothing:
        return []
    statement, source, where = _parts(query, tx.engine, project_id, within)
    orders = effective(query)
    table = query.listing.table
    if query.cursor is not None:
        cursor = await tx.one(
            f"select * from {table} where project_id = :project_id and id = :id",
            project_id=project_id,
            id=query.cursor,
        )
        if cursor is None:
            raise errors.GeneralCursorNotFound
        where += " and " + statement.beyond(orders, cursor)
    by = _order_by(orders)
    if source != table and by == "seq":
        by = f"{TRIGRAMS[table]}.rowid"
    limit = statement.bind(query.limit)
    offset = statement.bind(query.offset)
    rows = await tx.listing(
        f"select {table}.* from {source} where {where} order by {by} limit {limit} offset {offset}",
        statement.params,
    )
    return rows[::-1] if query.before else rows


async def count(tx: Tx, query: Query, project_id: str, **within: Any) -> int:
    """How many rows match, whatever the page; counting stops at 5000. Raises `DatabaseTimeout`."""
    if query.nothing:
        return 0
    statement, source, where = _parts(query, tx.engine, project_id, within)
    rows = await tx.listing(
        f"select count(*) as total from (select 1 from {source} where {where} "
        f"limit {MOST_COUNTED}) as found",
        statement.params,
    )
    return int(rows[0]["total"])


def placeholders(prefix: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """(`:p0, :p1, ...`, their values) for an `in (...)` of at most `CHUNK` values."""
    params = {f"{prefix}{at}": value for at, value in enumerate(values)}
    return ", ".join(f":{name}" for name in params), params
