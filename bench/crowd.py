"""Databases of millions of users, made once and kept: by `lists`, `footprint` and `workers`.

A person is a function of a number, so that nobody has to remember five million of them.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import asyncpg
import msgspec

from bench import people
from bench.people import FIRST, LAST, PROJECT
from bench.servers import kept_postgres
from usherd import db, models, passwords, projects, search, vault
from usherd.db import sqlite_grams, upkeep

EDITION = 1
"""Goes up when the crowd changes: databases of an older one are made anew."""

CHUNK = 10_000
DAY = 86_400_000
BORN = 1_735_689_600_000
"""When the first user came: the first of January 2025. The others follow within a year."""

_SYLLABLES = "ba be da do fa ga hu ja ke la lo ma mo na no pa re ri sa so ta to va vi wa xe zo"
SYLLABLES = _SYLLABLES.split()


class Someone(msgspec.Struct, frozen=True):
    """A user of a crowd."""

    number: int
    dice: int
    """64 bits that belong to the number alone."""
    id: str
    name: str
    email: str
    phone: str | None
    labels: list[str]


def scatter(number: int) -> int:
    """64 bits for a number, never the same for another (the finalizer of splitmix64)."""
    bits = (number + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return bits ^ (bits >> 31)


def someone(number: int) -> Someone:
    """Everybody has an address, a third a phone, half the label `beta`, one in a hundred `staff`;
    one in eight has a last name that few share."""
    dice = scatter(number)
    first = FIRST[dice % 60]
    last = LAST[(dice >> 8) % 40]
    if (dice >> 16) % 8 == 0:
        at = dice >> 20
        last = "".join(SYLLABLES[at // 27**i % 27] for i in range(4)).capitalize()
    mailbox = search.fold(f"{first}.{last}").replace("'", "")
    labels = ["beta"] if (dice >> 40) % 2 else []
    if (dice >> 41) % 100 == 0:
        labels.append("staff")
    return Someone(
        number, dice, f"{dice:016x}{number % 10_000:04d}", f"{first} {last}",
        f"{mailbox}{number:07d}@example.org",
        f"+49151{number:08d}" if (dice >> 48) % 3 == 0 else None, labels,
    )  # fmt: skip


# -- rows --

USER_COLUMNS = ("seq", *people.USER_COLUMNS, "phone_verification", "status", "labels")
TARGET_COLUMNS = people.TARGET_COLUMNS
LABEL_COLUMNS = ("project_id", "label", "user_seq")


def _stamps(who: Someone, size: int) -> tuple[int, int]:
    """When somebody came, and was last changed."""
    born = BORN + who.number * 365 * DAY // size
    return born, born + (who.dice >> 24) % (30 * DAY)


def user_row(who: Someone, targets: str, digest: str, options: str, size: int) -> tuple[Any, ...]:
    """A row of `users`; one in ten has no password, one in fifty is blocked."""
    dice = who.dice
    born, changed = _stamps(who, size)
    has_password = (dice >> 30) % 10 > 0
    return (
        who.number + 1, PROJECT, who.id, who.name, search.fold(who.name), who.email, who.phone,
        digest if has_password else None, "argon2", options,
        born if has_password else None, (dice >> 33) % 2,
        '{"theme":"dark","language":"en"}' if who.number % 3 else "{}",
        search.document(who.id, who.email, who.name, who.phone,
                        *(f"label:{label}" for label in who.labels)),
        changed, born, changed, targets, int(who.phone is not None and (dice >> 34) % 2),
        int((dice >> 35) % 50 > 0), msgspec.json.encode(who.labels).decode(),
    )  # fmt: skip


def target_rows(who: Someone, size: int) -> list[dict[str, Any]]:
    """The rows of `targets` that somebody has."""
    born, _ = _stamps(who, size)
    return [
        {
            "id": f"{'es'[kind == 'sms']}{who.id[:19]}", "created_at": born, "updated_at": born,
            "name": "", "user_id": who.id, "provider_id": None, "provider_type": kind,
            "identifier": address, "expired": 0, "project_id": PROJECT, "identifier_key": address,
        }
        for kind, address in (("email", who.email), ("sms", who.phone))
        if address
    ]  # fmt: skip


def chunks(size: int) -> Iterator[list[tuple[str, Sequence[str], list[tuple[Any, ...]]]]]:
    """(table, columns, rows) of ten thousand people after the other."""
    digest, described = passwords.make(people.PASSWORD)
    options = msgspec.json.encode(described).decode()
    for start in range(0, size, CHUNK):
        users, targets, labels = [], [], []
        for number in range(start, min(start + CHUNK, size)):
            who = someone(number)
            owned = target_rows(who, size)
            shown = msgspec.json.encode([models.Target.of(row) for row in owned]).decode()
            users.append(user_row(who, shown, digest, options, size))
            targets += [tuple(row[column] for column in TARGET_COLUMNS) for row in owned]
            labels += [(PROJECT, label, number + 1) for label in who.labels]
        yield [
            ("users", USER_COLUMNS, users),
            ("targets", TARGET_COLUMNS, targets),
            ("user_labels", LABEL_COLUMNS, labels),
        ]


# -- filling: rows first, indexes afterwards --


def fill_sqlite(path: str, size: int) -> None:
    """Fill a migrated file; the grams are indexed at the end, in one go."""
    raw = sqlite_grams.teach(apsw.Connection(path))
    for pragma in ("synchronous = off", "cache_size = -1000000", "threads = 2"):
        raw.execute(f"pragma {pragma}")
    late = list(
        raw.execute(
            "select type, name, sql from sqlite_schema where sql is not null and (type = 'trigger' "
            "or type = 'index' and tbl_name in ('users', 'targets', 'user_labels'))"
        )
    )
    believed = list(raw.execute("select tbl, idx, stat from sqlite_stat1"))  # migration 0006
    for kind, name, _ in late:
        raw.execute(f"drop {kind} {name}")
    for chunk in chunks(size):
        with raw:
            for table, columns, rows in chunk:
                marks = ", ".join("?" * len(columns))
                raw.executemany(
                    f"insert into {table} ({', '.join(columns)}) values ({marks})", rows
                )
        raw.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    with raw:
        raw.execute("insert into user_search (user_search, rank) values ('hashsize', 200000000)")
        raw.execute(
            "insert into user_search (rowid, search) select seq, usherd_grams(search) from users"
        )
        raw.execute("insert into user_search (user_search, rank) values ('hashsize', 1048576)")
    for _, _, sql in late:
        raw.execute(sql)
    with raw:  # what the planner believes of an index is gone with the index
        raw.execute("delete from sqlite_stat1")
        raw.executemany("insert into sqlite_stat1 (tbl, idx, stat) values (?, ?, ?)", believed)
    raw.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    raw.close()


async def fill_postgres(url: str, size: int) -> None:
    """Fill a migrated database; unique indexes stay, since other tables refer to them."""
    connection = await asyncpg.connect(url)
    await connection.execute("set maintenance_work_mem = '1GB'")
    await connection.execute("set synchronous_commit = off")
    with suppress(asyncpg.InsufficientPrivilegeError):
        await connection.execute("set session_replication_role = replica")  # keys are not checked
    late = await connection.fetch(
        "select i.relname as name, pg_get_indexdef(x.indexrelid) as sql from pg_index x "
        "join pg_class i on i.oid = x.indexrelid "
        "where x.indrelid = 'users'::regclass and not x.indisunique"
    )
    for index in late:
        await connection.execute(f"drop index {index['name']}")
    for chunk in chunks(size):
        for table, columns, rows in chunk:
            await connection.copy_records_to_table(table, records=rows, columns=columns)
    for index in late:
        await connection.execute(index["sql"])
    await connection.execute(f"alter table users alter column seq restart with {size + 1}")
    await connection.execute("vacuum analyze")
    await connection.close()


# -- keeping --


class Kept(msgspec.Struct):
    """A database that was made earlier."""

    url: str
    key: str
    secret: str
    seconds: float
    """What filling it took."""


async def _make(engine: str, url: str, size: int) -> Kept:
    secret = secrets.token_hex(32)
    database = await db.open(url)
    try:
        welcome = await projects.bootstrap(database, vault.Vault([secret]))
    finally:
        await database.close()
    assert welcome is not None, "the database is new"
    begin = time.perf_counter()
    if engine == "sqlite":
        fill_sqlite(db.sqlite_path(url), size)
    else:
        await fill_postgres(url, size)
    return Kept(url, welcome.secret, secret, time.perf_counter() - begin)


@contextmanager
def kept(engine: str, sizes: Sequence[int], folder: Path) -> Iterator[dict[int, Kept]]:
    """The databases of these sizes, made where they are missing, kept for the next run."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with kept_postgres(folder) if engine == "postgres" else _nothing() as base:
        found = {}
        for size in sizes:
            name = f"crowd_{EDITION}_{size}"
            note = folder / f"{engine}_{name}.json"
            if not note.exists():
                print(f"{engine}: filling a database with {size:,} users ...", flush=True)
                url = _fresh(engine, base, folder, name)
                note.write_bytes(msgspec.json.encode(asyncio.run(_make(engine, url, size))))
            old = msgspec.json.decode(note.read_bytes(), type=Kept)
            if engine == "postgres":
                old.url = urlsplit(base)._replace(path=f"/{name}").geturl()
            asyncio.run(upkeep.upgrade(old.url, backup=False))
            found[size] = old
        yield found


@contextmanager
def _nothing() -> Iterator[str]:
    yield ""


def _fresh(engine: str, base: str, folder: Path, name: str) -> str:
    """The URL of a database that is empty, whatever an interrupted run has left."""
    if engine == "sqlite":
        for end in ("", "-wal", "-shm"):
            (folder / f"{name}.db{end}").unlink(missing_ok=True)
        return f"sqlite:///{folder}/{name}.db"

    async def make() -> None:
        connection = await asyncpg.connect(base)
        await connection.execute(f"drop database if exists {name} with (force)")
        await connection.execute(f"create database {name}")
        await connection.close()

    asyncio.run(make())
    return urlsplit(base)._replace(path=f"/{name}").geturl()
