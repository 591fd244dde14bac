"""How common grams are: each engine tells it, well enough to look only for the rarest of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from usherd import search
from usherd.db import Tx
from usherd.query_leads import GRAM_INDEXES, Asked

PROBED = 200
"""How far an index entry of a gram is read to see how often it occurs."""


async def learn(tx: Tx, asked: Asked) -> None:
    """Tell a query which of its grams are rare, where it has several to choose from."""
    grams = dict.fromkeys((gram for each in asked.grams for gram in each.every_gram()), 1.0)
    whole = [gram for gram in grams if len(gram) == search.GRAM]
    if len(grams) > 1 and whole:
        probe = _probed if tx.engine == "sqlite" else _believed
        shares = await probe(tx, asked.table, whole)
        if shares:
            asked.tell(grams | shares)


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
