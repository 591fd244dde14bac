"""Which index may lead a query: what each knows of the conditions, and what is selected from."""

from __future__ import annotations

from typing import Any

from usherd import search
from usherd.conditions import RANGES, Statement, effective
from usherd.query import Filter, Group, Query

GRAM_INDEXES = {"users": "user_search", "teams": "team_search"}
"""The tables with an index of grams, and its name on SQLite."""

MINE = (
    "(select team_id from memberships where project_id = :project_id and user_id = :member "
    "and confirm = 1)"
)
"""The teams that `query.member` has joined: few, so that they lead whatever else is asked."""


class Asked:
    """One query, with what its statements share."""

    def __init__(self, query: Query, engine: str, project_id: str, within: dict[str, Any]) -> None:
        self.query = query
        self.table = query.listing.table
        self.statement = Statement(engine, project_id)
        self.orders = effective(query)
        self.by_seq = self.orders[0].attribute.column == "seq"
        self.grams = _grams(query) if self.table in GRAM_INDEXES and query.member is None else []
        scope = [f"{self.table}.project_id = :project_id"]
        scope += [f"{column} = {self.statement.bind(value)}" for column, value in within.items()]
        self.scope = " and ".join(scope)
        conditions = [self.statement.condition(part) for part in query.filters]
        if query.search is not None:
            find = self.statement.dialect.position
            whole, params = query.search.recheck(f"{self.table}.search", find)
            self.statement.params |= params
            conditions.append(whole)
        self.where = " and ".join([*scope, *conditions])
        self._conditions = conditions
        self.source, self.led = self._lead()
        self.shares: dict[str, float] = {}
        """How often each gram occurs, where that is known."""

    def _lead(self) -> tuple[str, str]:
        """(what to select from, the condition) with the most telling index in front."""
        table, statement = self.table, self.statement
        if self.query.member is not None:
            statement.params["member"] = self.query.member
            source = f"{MINE} as mine cross join {table}"
            return source, f"{table}.id = mine.team_id and {self.where}"
        if self.grams and statement.engine == "postgres":
            statement.params["match"] = " & ".join(f"({each.tsquery()})" for each in self.grams)
            match = "usherd_grams(search) @@ cast(:match as tsquery)"
            return table, f"{match} and {self.where}"
        if self.grams:
            index = GRAM_INDEXES[table]
            statement.params["match"] = " AND ".join(f"({each.match()})" for each in self.grams)
            source = f"{index} cross join {table} on {table}.seq = {index}.rowid"
            return source, f"{index} match :match and {self.where}"
        label = self._label()
        if label is not None and statement.engine == "sqlite":
            at, wanted = label
            others = self._conditions[:at] + self._conditions[at + 1 :]
            value = statement.bind(wanted)
            source = f"user_labels cross join {table} on {table}.seq = user_labels.user_seq"
            leads = f"user_labels.project_id = :project_id and user_labels.label = {value}"
            return source, " and ".join([leads, self.scope, *others])
        return table, self.where

    def tell(self, shares: dict[str, float]) -> None:
        """Look only for the grams that tell most, now that their shares are known."""
        self.shares = shares
        if self.statement.engine == "sqlite":
            match = " AND ".join(f"({each.match(shares)})" for each in self.grams)
        else:
            match = " & ".join(f"({each.tsquery(shares)})" for each in self.grams)
        self.statement.params["match"] = match

    def led_by_beginnings(self) -> bool:
        """Have the index of grams lead by how texts begin, if one does in this order, as SQLite's
        does by the sequence. Whether it does."""
        if not self.by_seq or self.statement.engine != "sqlite" or self.table not in GRAM_INDEXES:
            return False
        texts = [part for part in self.ranges() if part.attribute.kind == "text"]
        found = [search.beginning(p.values) for p in texts if p.method == "startsWith"]
        self.grams = [each for each in found if each is not None]
        if self.grams:
            self.source, self.led = self._lead()
        return bool(self.grams)

    def _label(self) -> tuple[int, str] | None:
        """(which filter asks for one label, the label), if one does."""
        for at, part in enumerate(self.query.filters):
            label = the_label(part)
            if label is not None:
                return at, label
        return None

    def ranges(self) -> list[Filter]:
        """The filters by range whose index does not come in the order asked for."""
        filters = [part for part in self.query.filters if isinstance(part, Filter)]
        if any(f.method == "equal" and f.attribute.kind in ("text", "exact") for f in filters):
            return []
        first = self.orders[0].attribute.column
        return [f for f in filters if f.method in RANGES and f.attribute.column != first]


def the_label(part: Filter | Group) -> str | None:
    """The one label that a filter asks for."""
    if isinstance(part, Filter) and part.attribute.kind == "labels":
        if part.method == "contains" and len(part.values) == 1:
            return str(part.values[0])
    return None


def _grams(query: Query) -> list[search.Search]:
    """What the index of grams can tell of the search term and of the filters."""
    found = [query.search] if query.search is not None else []
    for part in query.filters:
        if isinstance(part, Filter) and part.method in ("contains", "endsWith"):
            inside = search.inside(part.values) if part.attribute.kind == "text" else None
            if inside is not None:
                found.append(inside)
    return found
