"""Queries as SQL statements: a page of a list, and how many match.

The conditions come from `conditions.py`, and which index may lead from `query_leads.py`. Here it is
decided whether it does. Each way has a name: `_ordered` takes the page from an index that has the
order, `_walk` looks at the first rows in order, `_gathered` sorts what an index has found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from usherd import errors, query_shares
from usherd.conditions import Statement, arms, order_by
from usherd.db import Row, Tx
from usherd.query import Query
from usherd.query_leads import MINE, Asked, the_label

MOST_COUNTED = 5000
"""`total` stops here."""

FEW = 2000
"""So many index entries are sorted without hesitation: by the sequence, which they hold."""

FEW_ROWS = 500
"""The same where each has to be looked up, since the order is by something else."""

WALKED = 5000
"""So many rows are looked at in order, in the hope that they fill the page."""


async def _asked(tx: Tx, query: Query, project_id: str, within: dict[str, Any]) -> Asked:
    """The query, told how common its grams are."""
    asked = Asked(query, tx.engine, project_id, within)
    await query_shares.learn(tx, asked)
    return asked


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
        common = _common(asked)
    elif asked.ranges():
        common = not await _few(tx, asked)
        if common and asked.led_by_beginnings():
            await query_shares.learn(tx, asked)
            return await _ordered(tx, asked, cursor)
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


def _common(asked: Asked) -> bool:
    """Whether the first rows in order may fill the page: nothing says that too few match."""
    if any(each.rare for each in asked.grams):
        return False
    if not asked.shares:
        return True
    return min(each.most(asked.shares) for each in asked.grams) * WALKED >= asked.query.limit


async def _few(tx: Tx, asked: Asked) -> bool:
    """Whether one of the ranges holds so little that sorting it is cheap."""
    few = FEW if asked.by_seq else FEW_ROWS
    for part in asked.ranges():
        statement = Statement(tx.engine, asked.statement.params["project_id"])
        more = await tx.listing(
            f"select 1 as more from {asked.table} where project_id = :project_id "
            f"and {statement.condition(part)} limit 1 offset {few}",
            statement.params,
        )
        if not more:
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
        labels = [label for label in map(the_label, query.filters) if label]
        if len(labels) == len(query.filters):
            return await _labelled(tx, project_id, labels)
    asked = await _asked(tx, query, project_id, within)
    if asked.led == asked.scope:
        return await _everybody(tx, asked)
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


async def _everybody(tx: Tx, asked: Asked) -> int:
    """The total without any condition: that there are 5,000 is seen sooner than counted."""
    them = f"from {asked.table} where {asked.scope}"
    rows = await tx.listing(
        f"select case when (select 1 {them} limit 1 offset {MOST_COUNTED - 1}) is not null "
        f"then {MOST_COUNTED} else (select count(*) {them}) end as total",
        asked.statement.params,
    )
    return int(rows[0]["total"])


async def _total(tx: Tx, asked: Asked, source: str, where: str) -> int:
    rows = await tx.listing(
        f"select count(*) as total from (select 1 from {source} where {where} "
        f"limit {MOST_COUNTED}) as found",
        asked.statement.params,
    )
    return int(rows[0]["total"])
