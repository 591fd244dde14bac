"""kill -9 under load, torn files: what was answered stays, the rest is whole or absent."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from tests.conftest import Server
from tests.torture import invariants
from tests.torture.load import Load
from tests.torture.rounds import rounds
from usherd import db


@pytest.fixture
def own(engine: str, new_database: Callable[[str], str], tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own."""
    server = Server(new_database(engine), tmp_path)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop(kill=True)


def log_entries(url: str) -> dict[str, int]:
    """How many entries of the activity log are about each user."""

    async def read() -> list[str]:
        database = await db.open(url)
        try:
            async with database.read() as tx:
                return [row["resource"] for row in await tx.all("select resource from logs")]
        finally:
            await database.close()

    users = (re.match(r"user/([^/]+)", resource) for resource in asyncio.run(read()))
    return Counter(found[1] for found in users if found)


def test_kill_9_under_mixed_writes_loses_nothing_that_was_answered(own: Server) -> None:
    own.start()
    key, load, choose = own.key, Load(own), random.Random(5)
    for _ in range(rounds(3, 50)):
        load.start()
        load.until(load.answered + choose.randrange(40, 120))
        own.stop(kill=True)
        load.join()
        assert invariants.broken(own.database) == []
        own.start()
        own.key = key
        load.check(log_entries(own.database))
    assert load.refused == []


def crashed(tmp_path: Path) -> Path:
    """The database of a server that was killed under load, with a log that is in use."""
    server = Server(f"sqlite:///{tmp_path}/u.db", tmp_path).start()
    load = Load(server)
    load.start()
    load.until(100)
    path = tmp_path / "u.db"
    while Path(f"{path}-wal").stat().st_size < uncopied(path) + 50_000:
        time.sleep(0.01)
    server.stop(kill=True)
    load.join()
    return path


def uncopied(path: Path) -> int:
    """Where in the log the frames begin that no checkpoint has copied; only they can be torn."""
    done = int.from_bytes(Path(f"{path}-shm").read_bytes()[96:100], sys.byteorder)
    return int(32 + done * (24 + 4096))


def users_in(path: Path) -> list[str]:
    """The users of the file in the order in which their log tells of them."""
    raw = apsw.Connection(str(path))
    found = [str(row[0]) for row in raw.execute("select resource from logs order by seq")]
    raw.close()
    return found


def copied(path: Path, folder: Path) -> Path:
    """The three files as the crash left them, somewhere else."""
    folder.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", folder / f"u.db{end}")
    return folder / "u.db"


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_garbage_behind_the_last_commit_is_ignored(engine: str, tmp_path: Path) -> None:
    path, choose = crashed(tmp_path), random.Random(7)
    expected = users_in(copied(path, tmp_path / "whole"))
    frame = (tmp_path / "u.db-wal").read_bytes()[32 : 32 + 24 + 4096]
    for at, tail in enumerate((b"\0" * 9000, choose.randbytes(9000), frame, frame[:2000])):
        torn = copied(path, tmp_path / f"garbage{at}")
        with Path(f"{torn}-wal").open("ab") as wal:
            wal.write(tail)
        assert invariants.broken(f"sqlite:///{torn}") == []
        assert users_in(torn) == expected


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_a_torn_log_leaves_a_whole_past(engine: str, tmp_path: Path) -> None:
    path, choose = crashed(tmp_path), random.Random(11)
    history = users_in(copied(path, tmp_path / "whole"))
    start, size = uncopied(path), Path(f"{path}-wal").stat().st_size
    assert start < size
    shorter = 0
    for at in range(rounds(6, 60)):
        torn = copied(path, tmp_path / f"torn{at}")
        cut = choose.randrange(start, size)
        with Path(f"{torn}-wal").open("r+b") as wal:
            if at % 2:
                wal.truncate(cut)
            else:
                wal.seek(cut)
                wal.write(choose.randbytes(64))
        assert invariants.broken(f"sqlite:///{torn}") == []
        left = users_in(torn)
        assert left == history[: len(left)]
        shorter += left != history
    assert shorter


@pytest.mark.parametrize("engine", ["sqlite"], scope="session")
def test_the_log_of_a_busy_server_does_not_grow_for_ever(engine: str, tmp_path: Path) -> None:
    server = Server(f"sqlite:///{tmp_path}/u.db", tmp_path).start()
    before, load = (tmp_path / "u.db").stat().st_size, Load(server, writers=16)
    load.start()
    try:
        load.until(rounds(300, 20_000))
        give_up = time.monotonic() + 60
        while (tmp_path / "u.db").stat().st_size <= before:
            assert time.monotonic() < give_up, "no checkpoint was made"
            time.sleep(0.05)  # the writers go on
        assert (tmp_path / "u.db-wal").stat().st_size < 40_000_000
    finally:
        load.join()
        server.stop()
