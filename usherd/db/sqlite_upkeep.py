"""The SQLite file between the requests: migrated, copied, checked."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

import apsw

from usherd.db import Step, UpkeepFailed, sqlite_grams, statements

BUSY_MILLISECONDS = 10_000
"""How long to wait for another process, such as the CLI, that is writing."""

KEPT = 3
"""Copies from before an upgrade that are kept; the oldest go."""


def migrate(path: str, *, backup: bool = True) -> list[Step]:
    """Apply what is missing, each migration in a transaction; several processes may try.

    What has something to lose is copied first. Raises `UpkeepFailed`, `apsw.Error`.
    """
    Path(path).expanduser().parent.mkdir(parents=True, exist_ok=True)
    raw = _connect(path)
    try:
        if raw.pragma("journal_mode") != "wal":
            raw.pragma("journal_mode", "wal")
        raw.execute("pragma synchronous = full")
        raw.execute(
            "create table if not exists migrations "
            "(name text primary key, applied_at text not null)"
        )
        missing = _missing(raw)
        if missing and backup and _has_something_to_lose(raw):
            _copy_before(path, raw, missing[0][0])
        return [_apply(raw, name, sql) for name, sql in missing]
    finally:
        raw.close()


def _connect(path: str) -> apsw.Connection:
    raw = sqlite_grams.teach(apsw.Connection(path))
    raw.set_busy_timeout(BUSY_MILLISECONDS)
    return raw


def _missing(raw: apsw.Connection) -> list[tuple[str, str]]:
    return statements.missing(
        "sqlite", {str(row[0]) for row in raw.execute("select name from migrations")}
    )


def _has_something_to_lose(raw: apsw.Connection) -> bool:
    tables = {name for (name,) in raw.execute("select name from sqlite_schema")}
    return "projects" in tables and bool(list(raw.execute("select 1 from projects limit 1")))


def _apply(raw: apsw.Connection, name: str, sql: str) -> Step:
    started = time.perf_counter()
    raw.execute("begin immediate")
    try:
        if not list(raw.execute("select 1 from migrations where name = ?", (name,))):
            raw.execute(translate(sql))
            raw.execute("insert into migrations values (?, datetime('now'))", (name,))
        raw.execute("commit")
    except BaseException:
        raw.execute("rollback")
        raise
    return Step(name, time.perf_counter() - started, statements.summary(sql))


def translate(sql: str) -> str:
    """A migration in SQLite's words: its own key, and what it does by default left out."""
    return (
        sql.replace("{seq}", "integer primary key autoincrement")
        .replace(' collate "C"', "")
        .replace(" nulls first", "")
    )


# -- copies --


def _copy_before(path: str, raw: apsw.Connection, name: str) -> None:
    """Keep the database as it is before the migration `name`; nobody writes meanwhile."""
    raw.execute("begin immediate")
    try:
        if not _missing(raw):
            return  # another process was first
        copy(path, f"{path}.before-{name}", replace=True)
    finally:
        raw.execute("rollback")
    file = Path(path)
    old = sorted(file.parent.glob(f"{file.name}.before-*"), key=lambda f: f.stat().st_mtime)
    for surplus in old[:-KEPT]:
        surplus.unlink()


def copy(path: str, target: str, *, replace: bool = False) -> None:
    """A consistent, checked copy of the database, while it is served; only its owner reads it.

    Raises `UpkeepFailed`.
    """
    if not Path(path).is_file():
        raise UpkeepFailed(f"There is no database {path}.")
    for taken in (target, f"{target}-wal", f"{target}-journal"):
        if Path(taken).exists() and not replace:
            raise UpkeepFailed(f"{taken} exists; name another file, or move it away.")
    part = Path(f"{target}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy_pages(path, str(part))
        check(str(part))
        _to_disk(part)
        part.replace(target)
        _to_disk(part.parent)
    except (OSError, apsw.Error) as error:
        raise UpkeepFailed(f"{path} cannot be copied to {target}: {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _copy_pages(path: str, target: str) -> None:
    """Every page in one step: writers of a WAL database are not held up by a reader."""
    source, copied = _connect(path), _connect(target)
    try:
        with copied.backup("main", source, "main") as transfer:
            transfer.step()
        copied.pragma("journal_mode", "delete")  # one file, nothing beside it
    finally:
        source.close()
        copied.close()


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check(path: str) -> None:
    """Raises `UpkeepFailed` when the file is damaged."""
    raw = _connect(path)
    try:
        found = [str(row[0]) for row in raw.execute("pragma integrity_check(5)")]
        lost = list(raw.execute("pragma foreign_key_check"))
    finally:
        raw.close()
    if found != ["ok"] or lost:
        what = "; ".join(found) if found != ["ok"] else f"{len(lost)} rows belong to nothing"
        raise UpkeepFailed(f"The database is damaged: {what}.")


def rehearse(path: str) -> list[Step]:
    """What `migrate` would do, done to a copy that is removed again. Raises `UpkeepFailed`."""
    trial = f"{path}.rehearsal-{secrets.token_hex(4)}"
    try:
        copy(path, trial)
        steps = migrate(trial, backup=False)
        check(trial)
        return steps
    except apsw.Error as error:
        raise UpkeepFailed(f"The upgrade would fail: {error}.") from error
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            Path(trial + end).unlink(missing_ok=True)
