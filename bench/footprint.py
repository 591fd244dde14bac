"""Memory, cold start and disk: `python -m bench.footprint`."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import secrets
import socket
import statistics
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import msgspec

from bench import load, servers
from bench.crowd import Kept, kept, someone
from bench.lists import headers
from bench.load import Stream
from bench.questions import QUESTIONS
from bench.report import FOLDER, keep
from bench.servers import Server
from usherd.db import sqlite_path

STEPS = 10
IDLE = 500
STARTS = 5


class Footprint(msgspec.Struct):
    """What one engine needs besides time."""

    engine: str
    requests: list[int]
    """How many had been answered when `memory_mb` was read."""
    memory_mb: list[float]
    idle_kb: float
    """Memory of a connection that has been answered once and waits."""
    starts: dict[str, list[float]]
    """Seconds until the first answer, by number of users."""
    disk: dict[str, dict[str, int]]
    """Bytes of each part of the database, by number of users."""


def mixture(size: int, key: str) -> list[bytes]:
    """Reads by id, and one list in ten of every kind that is asked for."""
    dice, fields = random.Random(11), headers(key)
    lists = [q for q in QUESTIONS if "two letters" not in q.name]
    found = []
    for at in range(4000):
        path = f"/v1/users/{someone(dice.randrange(size)).id}"
        if at % 10 == 0:
            path = f"/v1/users?{lists[at // 10 % len(lists)].make(dice, size)}"
        found.append(load.request("GET", path, fields))
    return found


def memory(size: int, each: Kept, requests: int) -> tuple[list[int], list[float]]:
    """Resident memory while so many requests are answered, step by step."""
    server = servers.usherd(each.url, each.secret)
    try:
        stream = Stream(itertools.cycle(mixture(size, each.key)), 32, 200)
        answered, read = [0], [server.memory_mb() or 0.0]
        while answered[-1] < requests:
            done = answered[-1]
            while done < min(requests, answered[-1] + requests // STEPS):
                done += load.run(server.port, [stream], 2.0)[0].requests
            answered.append(done)
            read.append(server.memory_mb() or 0.0)
            print(f"{done:,} requests: {read[-1]:.1f} MB", flush=True)
        return answered, read
    finally:
        server.stop()


def idle(each: Kept) -> float:
    """Kilobytes of resident memory for a connection that waits."""
    server = servers.usherd(each.url, each.secret)
    ask = load.request("GET", "/v1/health/version", headers(each.key))
    rounds, open_ones = [], list[socket.socket]()
    try:
        for _ in range(3):
            before = server.memory_mb() or 0.0
            for _ in range(IDLE):
                one = socket.create_connection(("127.0.0.1", server.port))
                one.sendall(ask)
                one.recv(4096)
                open_ones.append(one)
            rounds.append(((server.memory_mb() or 0.0) - before) * 1024 / IDLE)
            for one in open_ones:
                one.close()
            open_ones.clear()
        return max(rounds)  # the first: the memory of closed ones is used again
    finally:
        server.stop()


def starts(url: str, secret: str) -> list[float]:
    """Seconds from the start of the process to its first answer."""
    found = []
    for _ in range(STARTS):
        server = servers.usherd(url, secret)
        found.append(server.cold_start_seconds)
        server.stop()
    return found


def empty_start(engine: str) -> list[float]:
    """The same where there is no database yet, and every migration has to run."""
    found = []
    for _ in range(STARTS):
        with servers.database(engine) as url:
            server: Server = servers.usherd(url, secrets.token_hex(32))
            found.append(server.cold_start_seconds)
            server.stop()
    return found


async def _postgres_disk(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "select c.relname as name, pg_relation_size(c.oid) as bytes from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' "
        "and c.relkind in ('r', 'i') and pg_relation_size(c.oid) > 1000000"
    )
    whole = await connection.fetchval("select pg_database_size(current_database())")
    await connection.close()
    return {"everything": int(whole)} | {row["name"]: int(row["bytes"]) for row in rows}


def disk(engine: str, each: Kept) -> dict[str, int]:
    """Bytes of the database, and on PostgreSQL of each large table and index."""
    if engine == "sqlite":
        return {"everything": Path(sqlite_path(each.url)).stat().st_size}
    return asyncio.run(_postgres_disk(each.url))


def measure(engine: str, sizes: Sequence[int], folder: Path, requests: int) -> Footprint:
    """Everything of one engine."""
    with kept(engine, sizes, folder) as databases:
        answered, read = memory(sizes[0], databases[sizes[0]], requests)
        waiting = idle(databases[sizes[0]])
        begun = {"0": empty_start(engine)}
        for size in sizes:
            each = databases[size]
            starts(each.url, each.secret)[:1]  # migrations that are missing, files that are cold
            begun[str(size)] = starts(each.url, each.secret)
            print(f"{size:,} users: {statistics.median(begun[str(size)]):.2f} s", flush=True)
        parts = {str(size): disk(engine, databases[size]) for size in sizes}
        return Footprint(engine, answered, read, waiting, begun, parts)


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--sizes", default="10000,1000000", help="numbers of users, ascending")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=FOLDER / "data", help="where databases stay")
    given = parser.parse_args()
    engines = ("sqlite", "postgres") if given.engine == "both" else (given.engine,)
    sizes = [int(size) for size in given.sizes.split(",")]
    servers.pin_generator()
    found = [measure(engine, sizes, given.data, given.requests) for engine in engines]
    print(f"Written to {keep('footprint', found)}")


if __name__ == "__main__":
    main()
