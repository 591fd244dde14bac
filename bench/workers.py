"""Throughput against the number of workers on PostgreSQL: `python -m bench.workers`."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import msgspec

from bench import load, servers
from bench.crowd import Kept, kept, someone
from bench.lists import headers
from bench.load import Stream
from bench.report import FOLDER, keep
from bench.servers import Server

CONNECTIONS = 64


class Scaled(msgspec.Struct):
    """One thing asked of so many workers, each round."""

    name: str
    workers: int
    rates: list[float]
    per_core: list[float]
    """Answers by second of processor time that the workers took."""
    database_per_core: list[float]
    """The same of PostgreSQL's processes; empty where they are on another machine."""


def reads(size: int, key: str) -> list[bytes]:
    """Users by id."""
    dice, fields = random.Random(3), headers(key)
    ids = (someone(dice.randrange(size)).id for _ in range(2000))
    return [load.request("GET", f"/v1/users/{one}", fields) for one in ids]


def pages(size: int, key: str) -> list[bytes]:
    """Pages of 25 after a random user, without the total."""
    dice, fields = random.Random(4), headers(key)
    ids = (someone(dice.randrange(size - 100)).id for _ in range(1000))
    query = "/v1/users?total=false&queries[0]=cursorAfter(%22{}%22)"
    return [load.request("GET", query.format(one), fields) for one in ids]


def renames(size: int, key: str) -> list[bytes]:
    """New names, each on disk before it is answered."""
    dice, fields = random.Random(5), headers(key)
    found = []
    for _ in range(1000):
        who = someone(dice.randrange(size))
        body = msgspec.json.encode({"name": f"{who.name} {dice.randrange(1000)}"})
        found.append(load.request("PATCH", f"/v1/users/{who.id}/name", fields, body))
    return found


ASKED: dict[str, Callable[[int, str], list[bytes]]] = {
    "GET a user": reads,
    "GET a page of 25": pages,
    "PATCH a name": renames,
}


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def processor_seconds(pid: int) -> float:
    """What a process and those below it have used so far; 0 where there is no /proc."""
    ticks = 0
    for each in (pid, *_children(pid)):
        stat = Path(f"/proc/{each}/stat")
        if stat.exists():
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _postmaster(url: str) -> int | None:
    """The process above all of PostgreSQL's, if it runs here."""
    connection = await asyncpg.connect(url)
    backend = await connection.fetchval("select pg_backend_pid()")
    stat = Path(f"/proc/{backend}/stat")
    here = stat.exists() and "postgres" in stat.read_text()
    found = int(stat.read_text().rpartition(")")[2].split()[1]) if here else None
    await connection.close()
    return found


def one_round(
    server: Server, postmaster: int | None, stream: Stream, seconds: float, into: Scaled
) -> None:
    """Ask, and look at the processor time before and after."""
    pids = [server.process.pid, *([postmaster] if postmaster else [])]
    before = [processor_seconds(pid) for pid in pids]
    (done,) = load.run(server.port, [stream], seconds)
    used = [processor_seconds(pid) - begun for pid, begun in zip(pids, before, strict=True)]
    into.rates.append(done.rate)
    into.per_core.append(done.requests / max(used[0], 0.01))
    if postmaster:
        into.database_per_core.append(done.requests / max(used[1], 0.01))


def measure(size: int, each: Kept, numbers: list[int], rounds: int, seconds: float) -> list[Scaled]:
    """Every number of workers in turns, one thing after the other."""
    postmaster = asyncio.run(_postmaster(each.url))
    found = []
    with ExitStack() as stack:
        running = []
        for number in numbers:
            server = servers.usherd(each.url, each.secret, workers=number)
            stack.callback(server.stop)
            running.append(server)
        time.sleep(2)  # until every worker listens
        for name, make in ASKED.items():
            lines = [Scaled(name, number, [], [], []) for number in numbers]
            requests = make(size, each.key)
            for at in range(rounds + 1):
                for server, line in zip(running, lines, strict=True):
                    stream = Stream(itertools.cycle(requests), CONNECTIONS, 200)
                    scrap = Scaled(name, 0, [], [], [])
                    one_round(server, postmaster, stream, seconds, line if at else scrap)
            for line in lines:
                print(line.name, line.workers, [round(rate) for rate in line.rates], flush=True)
            found += lines
    return found


def main() -> None:
    """Measure and keep."""
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--size", type=int, default=10_000, help="number of users")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round")
    parser.add_argument("--data", type=Path, default=FOLDER / "data", help="where databases stay")
    given = parser.parse_args()
    numbers = sorted({1, *(2**at for at in range(1, 8) if 2**at <= 2 * cores)})
    with kept("postgres", [given.size], given.data) as databases:
        each = databases[given.size]
        found = measure(given.size, each, numbers, given.rounds, given.seconds)
    print(f"Written to {keep('workers', {'size': given.size, 'scaled': found})}")


if __name__ == "__main__":
    main()
