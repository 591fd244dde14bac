"""Ceilings below the server: the same statements, and the same hashing, in a tight loop."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import apsw

from bench.people import FIRST, PASSWORD, PROJECT, Person
from usherd import clock, passwords, search
from usherd.db import sqlite_grams, sqlite_path

BATCH = 64
"""Updates that share a commit: as many as connections ask at once."""

SELECT = "select * from users where project_id = :project_id and id = :id"
UPDATE = (
    "update users set name = :name, name_key = :name_key, search = :search, updated_at = :now "
    "where seq = :seq returning *"
)
RECORD = (
    "insert into logs (project_id, actor_type, actor_id, event, resource, ip, user_agent, "
    "created_at) values (:project_id, 'app', 'bench', 'user.update', :resource, '127.0.0.1', "
    "'usherd-bench/1', :now) returning *"
)


def updates(url: str, people: Sequence[Person], seconds: float) -> float:
    """Renamed users a second on SQLite, in savepoints, with one durable commit for each 64.

    No server may have the file open.
    """
    raw = sqlite_grams.teach(apsw.Connection(sqlite_path(url)))
    raw.execute("pragma synchronous = full")
    raw.execute("pragma foreign_keys = on")
    dice = random.Random(3)
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        raw.execute("begin immediate")
        for _ in range(BATCH):
            raw.execute("savepoint request")
            _rename(raw, dice.choice(people), f"{dice.choice(FIRST)} {count}")
            raw.execute("release request")
            count += 1
        raw.execute("commit")
    rate = count / (time.perf_counter() - begin)
    raw.close()
    return rate


def _rename(raw: apsw.Connection, who: Person, name: str) -> None:
    now = clock.now()
    (row,) = raw.execute(SELECT, {"project_id": PROJECT, "id": who.id})
    text = search.document(who.id, who.email, name, who.phone)
    changes = {"name": name, "name_key": search.fold(name), "search": text, "now": now}
    raw.execute(UPDATE, changes | {"seq": row[0]}).fetchall()
    entry = {"project_id": PROJECT, "resource": f"user/{who.id}", "now": now}
    raw.execute(RECORD, entry).fetchall()


def verifications(seconds: float) -> float:
    """Passwords that one thread of normal priority verifies a second."""
    digest, _ = passwords.make(PASSWORD)
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        assert passwords.verify_argon2(PASSWORD, digest)
        count += 1
    return count / (time.perf_counter() - begin)
