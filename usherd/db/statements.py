"""The statements both engines build alike, and the migrations they apply."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=256)
def insert(table: str, columns: tuple[str, ...], *, ignore: bool = False) -> str:
    """`insert ... returning *` with one `:column` parameter each."""
    conflict = " on conflict do nothing" if ignore else ""
    names = ", ".join(columns)
    values = ", ".join(f":{column}" for column in columns)
    return f"insert into {table} ({names}) values ({values}){conflict} returning *"


@lru_cache(maxsize=256)
def update(table: str, columns: tuple[str, ...]) -> str:
    """`update ... where seq = :seq returning *` with one `:column` parameter each."""
    changes = ", ".join(f"{column} = :{column}" for column in columns)
    return f"update {table} set {changes} where seq = :seq returning *"


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
