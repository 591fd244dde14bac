"""Queries as SQL statements: a page of a list, and how many match.

The conditions come from `conditions.py`. Here it is decided which index is to lead. Each choice
has a name: `arms` takes orders apart where no index has them whole, `_walk` looks at the first
rows in order, `_gathered` sorts what an index has found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from usherd import errors, search
from usherd.conditions import RANGES, Statement, arms, effective, order_by
from usherd.db import Row, Tx
from usherd.query import Filter, Group, Query

MOST_COUNTED = 5000
"""`total` stops here."""

CHUNK = 500
"""Values in one `in (...)`: every engine bounds the parameters of a statement."""

GRAM_INDEXES = {"users": "user_search", "teams": "team_search"}
"""The tables with an index of grams, and its name on SQLite."""

FEW = 2000
"""So many index entries are sorted without hesitation."""

WALKED = 5000
"""So many rows are looked at in order, in the hope that they fill the page."""

PROBED = 200
"""How far an index entry of a gram is read to see how often it occurs."""


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
        self.source, self.led = self._lead(conditions)
        self.shares: dict[str, float] = {}
        """How often each gram occurs, where that is known."""

    def _lead(self, conditions: list[str]) -> tuple[str, str]:
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
            others = conditions[:at] + conditions[at + 1 :]
            value = statement.bind(wanted)
            source = f"user_labels cross join {table} on {table}.seq = user_labels.user_seq"
            leads = f"user_labels.project_id = :project_id and user_labels.label = {value}"
            return source, " and ".join([leads, self.scope, *others])
        return table, self.where

    def tell(self, shares: dict[str, float]) -> None:
        """Look only for the grams that tell most, now that their shares are known."""
        if not shares:
            return
        self.shares = shares
        if self.statement.engine == "sqlite":
            match = " AND ".join(f"({each.match(shares)})" for each in self.grams)
        else:
            match = " & ".join(f"({each.tsquery(shares)})" for each in self.grams)
        self.statement.params["match"] = match

    def common(self) -> bool:
        """Whether the first rows in order may fill the page: nothing says that too few match."""
        if any(each.rare for each in self.grams):
            return False
        if not self.shares:
            return True
        return min(each.most(self.shares) for each in self.grams) * WALKED >= self.query.limit

    def _label(self) -> tuple[int, str] | None:
        """(which filter asks for one label, the label), if one does."""
        for at, part in enumerate(self.query.filters):
            label = _label(part)
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


def _label(part: Filter | Group) -> str | None:
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


async def _asked(tx: Tx, query: Query, project_id: str, within: dict[str, Any]) -> Asked:
    """The query, told which of its grams are rare: only those are looked for."""
    asked = Asked(query, tx.engine, project_id, within)
    grams = dict.fromkeys((gram for each in asked.grams for gram in each.every_gram()), 1.0)
    whole = [gram for gram in grams if len(gram) == search.GRAM]
    if len(grams) > 1 and whole:
        probe = _probed if tx.engine == "sqlite" else _believed
        shares = await probe(tx, asked.table, whole)
        asked.tell(grams | shares if shares else {})
    return asked


async def _probed(tx: Tx, table: str, grams: Sequence[str]) -> dict[str, float]:
    """The share of rows that has each gram, from where in the index its first entries end."""
    index = GRAM_INDEXES[table]
    at = (f"(select rowid from {index}(:g{n}) limit 1 offset {PROBED})" for n in range(len(grams)))
    found = await tx.listing(
        f"select json_array({', '.join(at)}) as ends, max(seq) as last from {table}",
        {f"g{n}": search.phrase(gram) for n, gram in enumerate(grams)},
    )
    least = min(1.0, PROBED / (found[0]["last"] or 1))
    ends = msgspec.json.decode(found[0]["ends"])
    shares = (min(1.0, PROBED / end) if end else least for end in ends)
    return dict(zip(grams, shares, strict=True))


async def _believed(tx: Tx, table: str, grams: Sequence[str]) -> dict[str, float]:
    """The same from the statistics, which name those that are common; empty without any."""
    rows = await tx.listing(
        "select known.gram, known.share, least from pg_stats, "
        "lateral (select min(f) as least from unnest(most_common_elem_freqs) as f) as rarest, "
        "unnest(cast(cast(most_common_elems as text) as text[]), most_common_elem_freqs) "
        "as known (gram, share) "
        "where schemaname = current_schema() and tablename = :index "
        "and (known.share = least or known.gram = any(cast(:grams as text[])))",
        {"index": f"{table}_search", "grams": list(grams)},
    )
    if not rows:
        return {}
    shares = dict.fromkeys(grams, rows[0]["least"] / 2)
    return shares | {row["gram"]: row["share"] for row in rows if row["gram"] in shares}


# -- pages --


async def page(tx: Tx, query: Query, project_id: str, **within: Any) -> list[Row]:
    """The rows that the query asks for, in its order; `within` bounds the list by equal columns.

    Raises `GeneralCursorNotFound`, `DatabaseTimeout`.
    """
    if query.nothing:
        return []
    asked = await _asked(tx, query, project_id, within)
    cursor = None
    if query.cursor is not None:
        seen, own = ("", {})
        if query.member is not None:
            seen, own = f" and id in {MINE}", {"member": query.member}
        cursor = await tx.one(
            f"select * from {asked.table} where project_id = :project_id and id = :id{seen}",
            project_id=project_id,
            id=query.cursor,
            **own,
        )
        if cursor is None:
            raise errors.GeneralCursorNotFound
    rows = await _page(tx, asked, cursor)
    return rows[::-1] if query.before else rows


async def _page(tx: Tx, asked: Asked, cursor: Row | None) -> list[Row]:
    """Choose who leads: the order, what was found by an index, or whichever is done first."""
    if asked.query.member is not None:
        return await _gathered(tx, asked, cursor)
    leads = asked.source != asked.table or bool(asked.grams)
    if leads and asked.by_seq and tx.engine == "sqlite":
        return await _ordered(tx, asked, cursor)
    if leads:
        common = asked.common()
    elif asked.ranges():
        common = not await _few(tx, asked)
    else:
        return await _ordered(tx, asked, cursor)
    if common:
        rows = await _walk(tx, asked, cursor)
        if len(rows) == asked.query.limit:
            return rows
    return await _gathered(tx, asked, cursor)


async def _ordered(tx: Tx, asked: Asked, cursor: Row | None) -> list[Row]:
    """The page from an index that has the order."""
    query = asked.query
    sql = _union(asked, cursor, asked.source, asked.led, query.limit, query.offset)
    return await tx.listing(sql, asked.statement.params)


def _union(
    asked: Asked, cursor: Row | None, source: str, where: str, limit: int, offset: int,
    shown: str = "",
) -> str:  # fmt: skip
    """Rows in order: one block of the order after the other, each only when the page needs it."""
    statement, table = asked.statement, asked.table
    selects = []
    for condition, orders in arms(statement, asked.orders, cursor):
        more = f" and {condition}" if condition else ""
        by = order_by(orders)
        if source != table and orders[0].attribute.column == "seq":
            index = source.partition(" ")[0]
            key = "user_labels.user_seq" if index == "user_labels" else f"{index}.rowid"
            by = key + by.removeprefix("seq")
        selects.append(
            f"select {shown or f'{table}.*'} from {source} where {where}{more} order by {by}"
        )
    most, skipped = statement.bind(limit), statement.bind(offset)
    if len(selects) == 1:
        return f"{selects[0]} limit {most} offset {skipped}"
    upto = statement.bind(limit + offset)
    every = (f"select * from ({each} limit {upto}) as block{at}" for at, each in enumerate(selects))
    return f"{' union all '.join(every)} limit {most} offset {skipped}"


async def _walk(tx: Tx, asked: Asked, cursor: Row | None) -> list[Row]:
    """The page, if the first rows in order have it: so it is when what is asked is common."""
    query, statement, table = asked.query, asked.statement, asked.table
    by = order_by(asked.orders)
    shown, rows = f"{table}.*", f"as {table}"
    if tx.engine == "sqlite":  # it would copy every column of every row that it looks at
        columns = dict.fromkeys(["seq", *(order.attribute.column for order in asked.orders)])
        shown = ", ".join(f"{table}.{column} as key_{column}" for column in columns)
        rows = f"as first cross join {table} on {table}.seq = first.key_seq"
        by = order_by(asked.orders, "key_")
    first = _union(asked, cursor, table, asked.scope, WALKED, 0, shown)
    most, skipped = statement.bind(query.limit), statement.bind(query.offset)
    return await tx.listing(
        f"select {table}.* from ({first}) {rows} where {asked.where} "
        f"order by {by} limit {most} offset {skipped}",
        statement.params,
    )


async def _few(tx: Tx, asked: Asked) -> bool:
    """Whether one of the ranges holds so little that sorting it is cheap."""
    for part in asked.ranges():
        statement = Statement(tx.engine, asked.statement.params["project_id"])
        rows = await tx.listing(
            f"select count(*) as found from (select 1 from {asked.table} "
            f"where project_id = :project_id and {statement.condition(part)} limit {FEW + 1})",
            statement.params,
        )
        if rows[0]["found"] <= FEW:
            return True
    return False


async def _gathered(tx: Tx, asked: Asked, cursor: Row | None) -> list[Row]:
    """The page from everything that an index finds, sorted by keys before rows are fetched."""
    query, statement, table = asked.query, asked.statement, asked.table
    where = asked.led
    if cursor is not None:
        where += f" and {statement.beyond(asked.orders, cursor)}"
    columns = dict.fromkeys(["seq", *(order.attribute.column for order in asked.orders)])
    keys = ", ".join(f"{table}.{column}" for column in columns)
    most, skipped = statement.bind(query.limit), statement.bind(query.offset)
    return await tx.listing(
        f"with found as materialized (select {keys} from {asked.source} where {where}), "
        f"page as (select seq from found order by {order_by(asked.orders)} "
        f"limit {most} offset {skipped}) "
        f"select {table}.* from page join {table} on {table}.seq = page.seq "
        f"order by {order_by(asked.orders, f'{table}.')}",
        statement.params,
    )


# -- totals --


async def listing(
    tx: Tx, query: Query, project_id: str, total: bool, **within: Any
) -> tuple[list[Row], int]:
    """(`page`, `count`). A page that is not full tells itself how many there are."""
    rows = await page(tx, query, project_id, **within)
    if not total:
        return rows, 0
    ends = query.cursor is None and len(rows) < query.limit and (rows or not query.offset)
    if ends:
        return rows, min(query.offset + len(rows), MOST_COUNTED)
    return rows, await count(tx, query, project_id, **within)


async def count(tx: Tx, query: Query, project_id: str, **within: Any) -> int:
    """How many rows match, whatever the page; counting stops at 5000. Raises `DatabaseTimeout`."""
    if query.nothing:
        return 0
    if query.filters and query.search is None and not within:
        labels = [label for label in map(_label, query.filters) if label]
        if len(labels) == len(query.filters):
            return await _labelled(tx, project_id, labels)
    asked = await _asked(tx, query, project_id, within)
    if tx.engine == "postgres" and asked.grams and not any(each.rare for each in asked.grams):
        # Its index would collect everybody with a common word before the first is counted.
        first = f"select * from {asked.table} where {asked.scope} limit {2 * MOST_COUNTED}"
        total = await _total(tx, asked, f"({first}) as {asked.table}", asked.where)
        if total == MOST_COUNTED:
            return total
    return await _total(tx, asked, asked.source, asked.led)


async def _labelled(tx: Tx, project_id: str, labels: Sequence[str]) -> int:
    """How many users carry all of the labels: the index of labels knows, without any user."""
    also = (
        "exists (select 1 from user_labels where user_labels.project_id = :project_id "
        f"and user_labels.label = :l{at} and user_labels.user_seq = first.user_seq "
        "limit 1 offset 0)"  # or PostgreSQL would collect everybody with the label first
        for at in range(1, len(labels))
    )
    where = " and ".join(["first.project_id = :project_id", "first.label = :l0", *also])
    rows = await tx.listing(
        f"select count(*) as total from (select 1 from user_labels as first where {where} "
        f"limit {MOST_COUNTED}) as found",
        {"project_id": project_id} | {f"l{at}": label for at, label in enumerate(labels)},
    )
    return int(rows[0]["total"])


async def _total(tx: Tx, asked: Asked, source: str, where: str) -> int:
    rows = await tx.listing(
        f"select count(*) as total from (select 1 from {source} where {where} "
        f"limit {MOST_COUNTED}) as found",
        asked.statement.params,
    )
    return int(rows[0]["total"])


def placeholders(prefix: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """(`:p0, :p1, ...`, their values) for an `in (...)` of at most `CHUNK` values."""
    params = {f"{prefix}{at}": value for at, value in enumerate(values)}
    return ", ".join(f":{name}" for name in params), params
