"""A database full of plausible people: seeded, so that every run measures the same ones."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import apsw
import asyncpg
import msgspec

from usherd import clock, ids, models, passwords, search
from usherd.db import sqlite_grams, sqlite_path

PROJECT = "default"
PASSWORD = "correct horse battery staple"
"""Everybody's password: hashed once, or filling the database would be the longest benchmark."""

DAY = 86_400_000

_FIRST = (
    "Ada Aïcha Alan Amélie Anton Astrid Bao Beatriz Björn Carla Chen Chloé Dagmar Daniel Dmitri "
    "Elif Emil Esther Fatima Felix Freya Gita Goran Hanna Hiroshi Ines Ivan Jana Javier João "
    "Kaito Karim Lars Leila Lucía Magda Malik Marta Mehmet Mira Nadia Noah Olga Omar Paulo Petra "
    "Quentin Rania Ravi Rosa Samir Selma Søren Tariq Tessa Uma Viktor Wanda Xenia Yusuf Zoë"
)
_LAST = (
    "Almeida Andersson Bauer Becker Bianchi Cohen Costa Dubois Eriksen Fischer Fontaine García "
    "Haddad Hansen Hoffmann Ito Ivanova Jansen Jovanović Kaya Keller Khan Kowalski Kumar Larsen "
    "Lefèvre Li López Mancini Martín Meyer Müller Nakamura Nguyen Novák O'Neill Okafor Öztürk "
    "Patel Pereira Petrov Popescu Rossi Sato Schmidt Silva Singh Smith Sørensen Suzuki Tanaka "
    "Tóth Varga Virtanen Wagner Wang Weber Yılmaz Zhang Zimmermann"
)
FIRST, LAST = _FIRST.split(), _LAST.split()

USER_COLUMNS = (
    "project_id", "id", "name", "name_key", "email", "phone", "password", "hash",
    "hash_options", "password_update", "email_verification", "prefs", "search", "accessed_at",
    "created_at", "updated_at", "targets",
)  # fmt: skip
TARGET_COLUMNS = (
    "project_id", "id", "user_id", "provider_type", "identifier", "identifier_key",
    "created_at", "updated_at",
)  # fmt: skip


class Person(msgspec.Struct, frozen=True):
    """What scenarios need to know of somebody."""

    id: str
    name: str
    email: str
    phone: str | None


def invent(count: int) -> list[Person]:
    """So many people; a third of them has a phone."""
    dice = random.Random(count)
    people = []
    for number in range(count):
        first, last = dice.choice(FIRST), dice.choice(LAST)
        mailbox = search.fold(f"{first}.{last}").replace("'", "")
        mailbox = mailbox.encode("ascii", "ignore").decode()
        phone = f"+49151{number:08d}" if dice.random() < 1 / 3 else None
        email = f"{mailbox}{number:07d}@example.org"
        people.append(Person(f"{dice.getrandbits(80):020x}", f"{first} {last}", email, phone))
    return people


def _targets(people: list[Person]) -> list[list[dict[str, Any]]]:
    """The targets of each, as rows."""
    now = clock.now()
    return [
        [
            {
                "id": ids.unique(), "created_at": now, "updated_at": now, "name": "",
                "user_id": person.id, "provider_id": None, "provider_type": kind,
                "identifier": address, "expired": 0,
            }
            for kind, address in (("email", person.email), ("sms", person.phone))
            if address
        ]
        for person in people
    ]  # fmt: skip


def _user_rows(
    people: list[Person], targets: list[list[dict[str, Any]]]
) -> Iterator[tuple[Any, ...]]:
    digest, options = passwords.make(PASSWORD)
    described = msgspec.json.encode(options).decode()
    now = clock.now()
    for number, (person, owned) in enumerate(zip(people, targets, strict=True)):
        shown = msgspec.json.encode([models.Target.of(row) for row in owned]).decode()
        born = now - 365 * DAY + number * 1000
        yield (
            PROJECT, person.id, person.name, search.fold(person.name), person.email,
            person.phone, digest, "argon2", described, born, number % 2,
            '{"theme":"dark","language":"en"}' if number % 3 else "{}",
            search.document(person.id, person.email, person.name, person.phone), now, born,
            born + DAY, shown,
        )  # fmt: skip


def _target_rows(targets: list[list[dict[str, Any]]]) -> Iterator[tuple[Any, ...]]:
    for owned in targets:
        for row in owned:
            yield (
                PROJECT, row["id"], row["user_id"], row["provider_type"], row["identifier"],
                search.fold(row["identifier"]), row["created_at"], row["updated_at"],
            )  # fmt: skip


async def populate(url: str, people: list[Person]) -> float:
    """Put everybody into a migrated database that has the project; returns the seconds it took."""
    begin = time.perf_counter()
    targets = _targets(people)
    tables = (
        ("users", USER_COLUMNS, _user_rows(people, targets)),
        ("targets", TARGET_COLUMNS, _target_rows(targets)),
    )
    if url.startswith("sqlite:"):
        connection = sqlite_grams.teach(apsw.Connection(sqlite_path(url)))
        with connection:  # one transaction
            for table, columns, rows in tables:
                marks = ", ".join("?" * len(columns))
                connection.executemany(
                    f"insert into {table} ({', '.join(columns)}) values ({marks})", rows
                )
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.close()
    else:
        postgres = await asyncpg.connect(url)
        for table, columns, rows in tables:
            await postgres.copy_records_to_table(table, records=rows, columns=columns)
        await postgres.execute("vacuum analyze")  # before autovacuum does it during a round
        await postgres.close()
    return time.perf_counter() - begin
