"""The statements both engines build alike, and the migrations they apply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from usherd import errors

CHUNK = 500
"""Values in one `in (...)`: every engine bounds the parameters of a statement."""


@lru_cache(maxsize=256)
def by_id(table: str) -> str:
    """`select *` of the row with `:id` in the project `:project_id`."""
    return f"select * from {table} where project_id = :project_id and id = :id"


@lru_cache(maxsize=256)
def insert(table: str, columns: tuple[str, ...], *, ignore: bool = False) -> str:
    """`insert ... returning *` with one `:column` parameter each."""
    conflict = " on conflict do nothing" if ignore else ""
    names = ", ".join(columns)
    values = ", ".join(f":{column}" for column in columns)
    return f"insert into {table} ({names}) values ({values}){conflict} returning *"


@lru_cache(maxsize=256)
def update(table: str, columns: tuple[str, ...]) -> str:
    """`update ... where seq = :seq` with one `:column` parameter each."""
    changes = ", ".join(f"{column} = :{column}" for column in columns)
    return f"update {table} set {changes} where seq = :seq"


def chunks(prefix: str, values: Sequence[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(`:p0, :p1, ...`, their values) for one `in (...)` after the other."""
    for start in range(0, len(values), CHUNK):
        some = {f"{prefix}{at}": value for at, value in enumerate(values[start : start + CHUNK])}
        yield ", ".join(f":{name}" for name in some), some


def migrations(engine: str) -> list[tuple[str, str]]:
    """(name, SQL) of every migration for `engine`, in order.

    `0001_x.sql` is for both; `0002_y.sqlite.sql` and `0002_y.postgres.sql` are one step
    that the engines spell differently. A landed file is never edited.
    """
    found = []
    for file in sorted(files("usherd.db.migrations").iterdir(), key=lambda f: f.name):
        parts = file.name.split(".")
        if parts[-1] == "sql" and (len(parts) == 2 or parts[1] == engine):
            found.append((parts[0], file.read_text(encoding="utf-8")))
    return found


def missing(engine: str, applied: set[str]) -> list[tuple[str, str]]:
    """The migrations that a database with these ones lacks.

    Raises `errors.DatabaseUnavailable` for a database that knows more than this usherd.
    """
    known = migrations(engine)
    newer = applied - {name for name, _ in known}
    if newer:
        raise errors.DatabaseUnavailable(
            f"This database was made or upgraded by a newer usherd ({', '.join(sorted(newer))}). "
            "Use that one, or restore a backup from before the upgrade."
        )
    return [(name, sql) for name, sql in known if name not in applied]


def summary(sql: str) -> tuple[str, ...]:
    """The statements of a migration, each without its details."""
    found = re.findall(r"^(?:create|alter|drop|update|insert|delete)\b[^(;:]*", sql, re.MULTILINE)
    return tuple(" ".join(statement.split()) for statement in found)
