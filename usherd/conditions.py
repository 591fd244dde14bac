"""What a query asks for as SQL: conditions, orders, and what lies beyond a cursor.

Values are always parameters. Keys compare byte by byte on both engines, so a condition means the
same on each; what differs are a few words in `DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from usherd.query import Attribute, Filter, Group, Order, Query

OPERATORS = {
    "lessThan": "<", "lessThanEqual": "<=", "greaterThan": ">", "greaterThanEqual": ">=",
    "notEqual": "<>",
}  # fmt: skip

SEQUENCE = Attribute("seq", "integer")
CREATED = Attribute("created_at", "time")

RANGES = (
    "lessThan", "lessThanEqual", "greaterThan", "greaterThanEqual", "between", "startsWith",
)  # fmt: skip


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
        if method == "notEqual" and part.attribute.kind == "flag":
            return f"{column} = {self.bind(1 - part.values[0])}"
        if method in OPERATORS:
            return f"{column} {OPERATORS[method]} {self.bind(part.values[0])}"
        return self._text(column, method, part.values)

    def _text(self, column: str, method: str, values: Sequence[str]) -> str:
        """Never by `like`, which on SQLite takes `a` for `A`."""
        if method == "startsWith":
            return self._prefix(column, values[0])
        if method == "endsWith":
            before = self.bind(len(values[0]) - 1)
            return f"substr({column}, length({column}) - {before}) = {self.bind(values[0])}"
        find = self.dialect.position
        return "(" + " or ".join(f"{find}({column}, {self.bind(v)}) > 0" for v in values) + ")"

    def _prefix(self, column: str, prefix: str) -> str:
        """A range, which an index on the column serves."""
        if not prefix:
            return f"{column} is not null"
        condition = f"{column} >= {self.bind(prefix)}"
        beyond = after(prefix)
        return f"({condition} and {column} < {self.bind(beyond)})" if beyond else condition

    def _array(self, part: Filter) -> str:
        if part.method in ("isNull", "isNotNull"):  # an array is never null
            return "1 = 1" if part.method == "isNotNull" else "1 = 0"
        values = ", ".join(self.bind(value) for value in part.values)
        if part.attribute.kind == "labels" and self.engine == "sqlite" and len(part.values) == 1:
            # SQLite would collect everybody with the label before it looks at the first user.
            return (
                "exists (select 1 from user_labels where user_labels.project_id = :project_id "
                f"and user_labels.label = {values} and user_labels.user_seq = users.seq)"
            )
        if part.attribute.kind == "labels":
            return (
                "seq in (select user_seq from user_labels where project_id = :project_id "
                f"and label in ({values}))"
            )
        return f"exists (select 1 from {self.dialect.role} where value in ({values}))"

    # -- cursors --

    def beyond(self, orders: Sequence[Order], cursor: Mapping[str, Any]) -> str:
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


def effective(query: Query) -> list[Order]:
    """The orders with the tie-breaker; what follows a unique one is left out. Reversed for a page
    before the cursor."""
    orders: list[Order] = []
    for order in query.orders or _by_age(query):
        if all(order.attribute.column != known.attribute.column for known in orders):
            orders.append(order)
        if order.attribute.column in ("seq", "id"):
            break
    else:
        orders.append(Order(SEQUENCE, False))
    if query.before:
        orders = [Order(order.attribute, not order.descending) for order in orders]
    return orders


def _by_age(query: Query) -> list[Order]:
    """Where no order is asked for, a range of the time of creation is listed by that time: it is
    the order of creation, too, and an index has both."""
    within = any(
        isinstance(part, Filter) and part.attribute == CREATED and part.method in RANGES
        for part in query.filters
    )
    return [Order(CREATED, False)] if within and query.search is None else []


def order_by(orders: Sequence[Order], prefix: str = "") -> str:
    """The orders in SQL; `prefix` names the table where another has such columns, too."""
    words = []
    for order in orders:
        nulls = ""
        if order.attribute.nullable:
            nulls = " nulls last" if order.descending else " nulls first"
        words.append(
            prefix + order.attribute.column + (" desc" if order.descending else "") + nulls
        )
    return ", ".join(words)


def arms(
    statement: Statement, orders: Sequence[Order], cursor: Mapping[str, Any] | None
) -> list[tuple[str, Sequence[Order]]]:
    """(condition, orders) of the blocks whose rows, one block after the other, are in order.

    By a flag there are two blocks, and nulls are a block of their own: within it an index on the
    column has the other orders in whatever direction. What is not after the cursor is left out.
    """
    first, rest = orders[0], orders[1:]
    column = first.attribute.column
    if not _apart(orders):
        return [(statement.beyond(orders, cursor) if cursor else "", orders)]
    if first.attribute.kind == "flag":
        blocks = [(f"{column} = 0", rest), (f"{column} = 1", rest)]
        at = 1 if cursor and cursor[column] else 0
    else:
        blocks = [(f"{column} is null", rest), (f"{column} is not null", orders)]
        at = 0 if cursor and cursor[column] is None else 1
    if cursor is not None:
        condition, within = blocks[at]
        known = [_never_null(order) if order is first else order for order in within]
        blocks[at] = (f"{condition} and {statement.beyond(known, cursor)}", within)
    if first.descending:
        blocks.reverse()
        at = 1 - at
    return blocks if cursor is None else blocks[at:]


def _apart(orders: Sequence[Order]) -> bool:
    """Whether the first order comes in blocks, and no index has it and the next in one piece."""
    first = orders[0]
    if first.attribute.kind != "flag" and not first.attribute.nullable:
        return False
    return orders[1] != Order(SEQUENCE, first.descending)


def _never_null(order: Order) -> Order:
    return Order(msgspec.structs.replace(order.attribute, nullable=False), order.descending)
