"""`python -m bench.signin`: what of the hashing pool's work is left when people sign in over HTTP.

The bare pool, sign-ins alone, and sign-ins with reads beside them take turns, all on every core.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import subprocess
import sys
import time

from bench import load, people, scenarios, servers
from bench.__main__ import FEWEST, fill
from bench.load import Measured, Stream
from bench.scenarios import World
from usherd import passwords
from usherd.hashing import HashingPool

CONNECTIONS = 16
"""People who sign in at once, and passwords that wait at once for the bare pool."""

READERS = 4
"""Connections that read beside them."""

WANTED = 0.9


async def _verify(seconds: float) -> float:
    digest, _ = passwords.make(people.PASSWORD)
    pool, count = HashingPool(), 0
    begin = time.perf_counter()

    async def work() -> None:
        nonlocal count
        while time.perf_counter() - begin < seconds:
            assert await pool.verify("argon2", people.PASSWORD, digest, {})
            count += 1

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    rate = count / (time.perf_counter() - begin)
    pool.close()
    return rate


def bare_pool(seconds: float) -> float:
    """Passwords a second of usherd's own pool in a process that does nothing else."""
    with servers.on(servers.CORES):
        command = [sys.executable, "-m", "bench.signin", "--pool", str(seconds)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _median(rounds: list[Measured], what: str) -> float:
    return float(statistics.median(getattr(one, what) for one in rounds))


def measure(engine: str, rounds: int, seconds: float) -> None:
    """Measure one engine, and print it."""
    everybody = people.invent(FEWEST)
    secret = secrets.token_hex(32)
    with servers.database(engine) as url:
        key, _ = fill(url, secret, everybody)
        world = World(key, everybody)
        server = servers.usherd(url, secret)
        try:
            server.spread_over_all_cores()
            comers = Stream(scenarios.sign_in(world), CONNECTIONS, 201)
            readers = Stream(scenarios.read(world), READERS, 200)
            load.run(server.port, [comers, readers], 0.5)
            bare, ratios = list[float](), list[float]()
            alone, beside, reads, quiet = (list[Measured]() for _ in range(4))
            for _ in range(rounds):
                bare.append(bare_pool(seconds))
                alone += load.run(server.port, [comers], seconds)
                ratios.append(alone[-1].rate / bare[-1])
                both = load.run(server.port, [comers, readers], seconds)
                beside.append(both[0])
                reads.append(both[1])
                quiet += load.run(server.port, [readers], seconds)
        finally:
            server.stop()
    ratio = statistics.median(ratios)
    print(f"{engine}: bare pool {statistics.median(bare):.1f}/s, sign-ins "
          f"{_median(alone, 'rate'):.1f}/s (p99 {_median(alone, 'p99_ms'):.0f} ms): "
          f"{ratio:.0%} of the pool, wanted {WANTED:.0%}; rounds "
          + " ".join(f"{one:.0%}" for one in ratios))  # fmt: skip
    print(f"{engine}: with {READERS} connections reading beside: sign-ins "
          f"{_median(beside, 'rate'):.1f}/s, reads {_median(reads, 'rate'):,.0f}/s, "
          f"p99 {_median(reads, 'p99_ms'):.2f} ms; the same reads alone "
          f"{_median(quiet, 'rate'):,.0f}/s, p99 {_median(quiet, 'p99_ms'):.2f} ms")  # fmt: skip


def main() -> None:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.signin", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each part of a round")
    parser.add_argument("--pool", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.pool:
        print(asyncio.run(_verify(given.pool)))
        return
    servers.pin_generator()
    for engine in ("sqlite", "postgres") if given.engine == "both" else (given.engine,):
        measure(engine, given.rounds, given.seconds)


if __name__ == "__main__":
    main()
