"""What must hold in a database, whatever happened to its server."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import Any

import apsw

from usherd import db, models, search
from usherd.db import Tx
from usherd.repeats import SECONDS

OF_USERS = (
    "targets",
    "sessions",
    "tokens",
    "authenticators",
    "identities",
    "memberships",
    "challenges",
)


def is_no_flood(log: str, seconds: float) -> bool:
    """Whether a server tells of its database, for each reason, no oftener than it promises."""
    line_of = r"database: (.+?) *(?:\(\d+ times more in .+\) *)?\[usherd\.db\]$"
    said = re.findall(line_of, log, re.MULTILINE)
    assert said, "a database that fails is not told of"
    for line, times in Counter(said).items():
        assert times <= 2 + seconds / SECONDS, f"{times} times: {line}"
    return True


def broken(url: str) -> list[str]:
    """Every invariant that does not hold, as sentences; nothing is good news."""
    found = asyncio.run(_broken(url))
    if url.startswith("sqlite:"):
        found += _broken_file(db.sqlite_path(url))
    return found


async def _broken(url: str) -> list[str]:
    database = await db.open(url)
    try:
        async with database.read() as tx:
            return [*await _orphans(tx), *await _users(tx), *await _teams(tx)]
    finally:
        await database.close()


async def _orphans(tx: Tx) -> list[str]:
    found = []
    for table in OF_USERS:
        rows = await tx.all(
            f"select seq from {table} t where not exists (select 1 from users u "
            "where u.project_id = t.project_id and u.id = t.user_id)"
        )
        found += [f"{table} {row['seq']} belongs to no user" for row in rows]
    rows = await tx.all(
        "select user_seq from user_labels l where not exists "
        "(select 1 from users u where u.seq = l.user_seq and u.project_id = l.project_id)"
    )
    return found + [f"a label belongs to no user {row['user_seq']}" for row in rows]


async def _users(tx: Tx) -> list[str]:
    """Targets and labels are kept twice, and search text is derived: all must agree."""
    targets: dict[Any, list[Any]] = {}
    for row in await tx.all("select * from targets order by seq"):
        shown = json.loads(models.encode(models.Target.of(row)))
        targets.setdefault((row["project_id"], row["user_id"]), []).append(shown)
    labels: dict[int, set[str]] = {}
    for row in await tx.all("select * from user_labels"):
        labels.setdefault(row["user_seq"], set()).add(row["label"])
    found = []
    for user in await tx.all("select * from users"):
        own = targets.get((user["project_id"], user["id"]), [])
        if json.loads(user["targets"]) != own:
            found.append(f"targets of {user['id']}: {user['targets']} but {own}")
        if set(json.loads(user["labels"])) != labels.get(user["seq"], set()):
            found.append(f"labels of {user['id']} differ")
        words = (f"label:{label}" for label in json.loads(user["labels"]))
        named = user["id"], user["email"], user["name"], user["phone"], *words
        if user["search"] != search.document(*named):
            found.append(f"{user['id']} is searched for by {user['search']!r}")
    return found


async def _teams(tx: Tx) -> list[str]:
    rows = await tx.all(
        "select t.id, t.total, (select count(*) from memberships m where m.confirm = 1 "
        "and m.project_id = t.project_id and m.team_id = t.id) as members from teams t"
    )
    return [
        f"team {r['id']}: {r['total']} but {r['members']}"
        for r in rows
        if r["total"] != r["members"]
    ]


def _broken_file(path: str) -> list[str]:
    """The file itself, its foreign keys, and that the index finds each user by all it says."""
    raw = apsw.Connection(path)
    try:
        found = [str(row[0]) for row in raw.execute("pragma integrity_check")]
        found = [] if found == ["ok"] else found
        found += [f"no parent: {row}" for row in raw.execute("pragma foreign_key_check")]
        raw.execute("insert into user_search (user_search) values ('integrity-check')")
        users = dict(raw.execute("select seq, search from users"))
        indexed = {row[0] for row in raw.execute("select id from user_search_docsize")}
        found += [f"the index and the users differ in {seq}" for seq in indexed ^ set(users)]
        texts: dict[str, set[int]] = {}
        for seq, text in users.items():
            texts.setdefault(text, set()).add(seq)
        for text, seqs in texts.items():
            grams = {text[at : at + 4] for at in range(len(text) - 3)}
            asked = " AND ".join(map(search.phrase, sorted(grams)))
            hits = raw.execute("select rowid from user_search where user_search match ?", (asked,))
            if grams and not seqs <= {row[0] for row in hits}:
                found.append(f"search does not find {text!r}")
        return found
    finally:
        raw.close()
