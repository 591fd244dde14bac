"""Pages of the list of users, from small databases to large ones: `python -m bench.lists`.

One connection asks, so that a latency is what an answer costs. For each question the sizes take
turns, so that a ratio between them means something on a busy machine.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from bench import load, servers
from bench.crowd import Kept, kept, someone
from bench.load import Measured, Stream
from bench.people import PROJECT
from bench.questions import QUESTIONS, Question
from bench.report import FOLDER, keep
from bench.servers import Server

POOL = 200
"""Requests made beforehand for a question; with random words they differ."""

WARM_UP_SECONDS = 3.0

LIMIT_SECONDS = 1
"""The statement time limit of these servers: the default would only make the wait longer."""


class Cost(msgspec.Struct):
    """What one question costs at one size: medians over the rounds, in milliseconds."""

    p50_ms: float
    p99_ms: float
    spread: float
    """(slowest - fastest round) / median, of p50."""
    users: float
    """How many a page holds, the mean."""


class Row(msgspec.Struct):
    """One question at every size; None where the answer was 408."""

    name: str
    group: str
    served: bool
    total: bool
    costs: list[Cost | None]
    growth: float | None
    """Median over the rounds of p50 at the largest size by that at the smallest."""


class Lists(msgspec.Struct):
    """Everything asked of one engine."""

    engine: str
    sizes: list[int]
    rows: list[Row]
    beside: dict[str, list[float]]
    """p99 of reads by id in each round: alone, and beside lists that no index serves."""


def headers(key: str) -> dict[str, str]:
    """What an SDK with an API key sends."""
    return {
        "user-agent": "usherd-bench/1",
        "x-appwrite-project": PROJECT,
        "x-appwrite-key": key,
        "x-appwrite-response-format": "1.7.0",
        "accept": "*/*",
    }


def _pool(question: Question, size: int, key: str, total: bool) -> list[bytes]:
    dice = random.Random(question.name)
    more = "" if total else "&total=false"
    return [
        load.request("GET", f"/v1/users?{question.make(dice, size)}{more}", headers(key))
        for _ in range(POOL)
    ]


def _users(server: Server, requests: Sequence[bytes]) -> float | None:
    """How many users the answers hold, the mean; None when one is 408, and anything else is an
    error. Asks each once, as long as there is time, so that what is measured afterwards does not
    wait for a cold disk."""
    end = time.monotonic() + WARM_UP_SECONDS
    found: list[int] = []
    for request in requests:
        if len(found) > 2 and time.monotonic() > end:
            break
        head = request.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        status, body = server.call("GET", head[0].split(" ")[1], b"", fields)
        if status == 408:
            return None
        if status != 200:
            raise load.Unexpected(f"{head[0]}: {status} {body[:300]!r}")
        found.append(len(msgspec.json.decode(body)["users"]))
    return statistics.mean(found)


def ask(
    question: Question,
    total: bool,
    running: Sequence[tuple[int, Kept, Server]],
    rounds: int,
    seconds: float,
) -> Row:
    """Measure one question at every size, in turns."""
    streams: list[Iterator[bytes] | None] = []
    users = []
    for size, database, server in running:
        requests = _pool(question, size, database.key, total)
        users.append(_users(server, requests))
        streams.append(None if users[-1] is None else itertools.cycle(requests))
    found: list[list[Measured]] = [[] for _ in running]
    for _ in range(rounds):
        for at, (_, _, server) in enumerate(running):
            stream = streams[at]
            if stream is None:
                continue
            try:
                found[at] += load.run(server.port, [Stream(stream, 1, 200)], seconds)
            except load.Unexpected as error:
                if " 408 " not in str(error):
                    raise
                streams[at] = None
    costs = [
        _cost(each, many) if stream and many is not None else None
        for each, stream, many in zip(found, streams, users, strict=True)
    ]
    growth = None
    if costs[0] and costs[-1]:
        pairs = zip(found[0], found[-1], strict=True)
        growth = statistics.median(large.p50_ms / small.p50_ms for small, large in pairs)
    return Row(question.name, question.group, question.served, total, costs, growth)


def _cost(rounds: Sequence[Measured], users: float) -> Cost:
    p50 = [each.p50_ms for each in rounds]
    middle = statistics.median(p50)
    p99 = statistics.median(each.p99_ms for each in rounds)
    return Cost(middle, p99, (max(p50) - min(p50)) / middle, users)


def beside(size: int, database: Kept, server: Server, rounds: int) -> dict[str, list[float]]:
    """p99 in ms of reads by id on 8 connections, without and with 4 that list what no index has."""
    dice = random.Random(5)
    ids = (someone(dice.randrange(size)).id for _ in range(2000))
    fields = headers(database.key)
    reads = itertools.cycle([load.request("GET", f"/v1/users/{one}", fields) for one in ids])
    (hopeless,) = (q for q in QUESTIONS if q.name == HOPELESS)
    lists = itertools.cycle(_pool(hopeless, size, database.key, total=True))
    answered = _users(server, _pool(hopeless, size, database.key, total=True))
    status = 408 if answered is None else 200
    found: dict[str, list[float]] = {"alone": [], "beside": []}
    for _ in range(rounds):
        (alone,) = load.run(server.port, [Stream(reads, 8, 200)], 1.0)
        both = load.run(server.port, [Stream(reads, 8, 200), Stream(lists, 4, status)], 3.0)
        found["alone"].append(alone.p99_ms)
        found["beside"].append(both[0].p99_ms)
    return found


HOPELESS = "name contains, two letters"
"""What no index serves: it needs three characters."""


def measure(
    engine: str,
    sizes: Sequence[int],
    folder: Path,
    rounds: int,
    seconds: float,
    only: str = "",
) -> Lists:
    """Ask everything of one engine."""
    with ExitStack() as stack:
        databases = stack.enter_context(kept(engine, sizes, folder))
        running = []
        for size in sizes:
            each = databases[size]
            server = servers.usherd(
                each.url, each.secret, USHERD_STATEMENT_TIMEOUT_SECONDS=str(LIMIT_SECONDS)
            )
            stack.callback(server.stop)
            running.append((size, each, server))
        rows = []
        for question in QUESTIONS:
            if only not in f"{question.group}: {question.name}":
                continue
            for total in (True, False):
                rows.append(ask(question, total, running, rounds, seconds))
                show(rows[-1])
        aside = {} if only else beside(*running[-1], rounds)
        return Lists(engine, list(sizes), rows, aside)


def show(row: Row) -> None:
    """One line while measuring."""
    cells = "".join(
        f"{cost.p50_ms:9.2f} {cost.p99_ms:8.2f}" if cost else f"{'408':>9} {'':8}"
        for cost in row.costs
    )
    growth = f"{row.growth:6.2f}" if row.growth else ""
    print(f"{row.name:36} {'total' if row.total else '     '}{cells} {growth}", flush=True)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.lists", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--sizes", default="10000,1000000", help="numbers of users, ascending")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a round")
    parser.add_argument("--only", default="", help="questions that have this in their names")
    parser.add_argument("--data", type=Path, default=FOLDER / "data", help="where databases stay")
    return parser.parse_args()


def main() -> None:
    """Measure and keep."""
    given = arguments()
    engines = ("sqlite", "postgres") if given.engine == "both" else (given.engine,)
    sizes = [int(size) for size in given.sizes.split(",")]
    servers.pin_generator()
    found = [
        measure(engine, sizes, given.data, given.rounds, given.seconds, given.only)
        for engine in engines
    ]
    print(f"Written to {keep('lists', found)}")


if __name__ == "__main__":
    main()
