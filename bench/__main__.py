"""`make bench`: measures a usherd started as anybody starts it, beside what bounds it."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import sys

import msgspec
from rich.console import Console
from rich.table import Table

from bench import bare as bare_loops
from bench import measure, people, report, servers
from bench.load import Unexpected
from bench.measure import Plan, Result, share, spread
from bench.people import Person
from bench.scenarios import SCENARIOS, World
from usherd import db, projects, vault

FEWEST = 5_000
"""With fewer users, some filters would not fill a page."""

COLD_STARTS = 3

BUSY = 0.9
"""From here on the load generator, not the server, may be what is measured."""


class Process(msgspec.Struct, frozen=True):
    """What a server costs before and after the load."""

    cold_start_seconds: list[float]
    memory_start_mb: float | None
    memory_end_mb: float | None


class Engine(msgspec.Struct, frozen=True):
    """Everything measured on one engine."""

    engine: str
    users: int
    populate_seconds: float
    process: Process
    results: list[Result]
    failures: list[str]
    """Scenarios that got an answer they do not allow, and which; they have no figures."""


def arguments() -> argparse.Namespace:
    """What the command line says."""
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--only", metavar="A,B", help="some of: " + ", ".join(names))
    parser.add_argument("--users", type=int, default=20_000, help=f"at least {FEWEST}")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each scenario")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round")
    parser.add_argument("--quick", action="store_true", help="two rounds of half a second")
    given = parser.parse_args()
    given.only = given.only.split(",") if given.only else names
    unknown = set(given.only) - set(names)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if given.users < FEWEST:
        parser.error(f"--users must be at least {FEWEST}")
    return given


def fill(url: str, secret: str, everybody: list[Person]) -> tuple[str, float]:
    """Migrate and populate; returns an API key and the seconds the inserts took."""

    async def prepare() -> tuple[str, float]:
        database = await db.open(url)
        try:
            welcome = await projects.bootstrap(database, vault.Vault([secret]))
        finally:
            await database.close()
        assert welcome is not None, "the database is new"
        return welcome.secret, await people.populate(url, everybody)

    return asyncio.run(prepare())


def under_load(
    engine: str, url: str, secret: str, world: World, plan: Plan, only: list[str]
) -> tuple[Process, list[Result], list[str]]:
    """Start usherd and the ceiling, measure one scenario after the other, stop both.

    Returns the results, and what went wrong with the scenarios that have none.
    """
    starts = []
    for _ in range(COLD_STARTS - 1):
        early = servers.usherd(url, secret)
        early.stop()
        starts.append(early.cold_start_seconds)
    server, ceiling = servers.usherd(url, secret), servers.ceiling()
    others = {"own": servers.ceiling("--own")}
    if engine == "postgres":
        others["bare"] = servers.ceiling(url)
    starts.append(server.cold_start_seconds)
    memory, results, failures = server.memory_mb(), list[Result](), list[str]()
    try:
        for scenario in SCENARIOS:
            if scenario.name not in only or (scenario.settings and engine != "sqlite"):
                continue  # PostgreSQL keeps nothing anyway
            print(f"{engine}: {scenario.says} ...", file=sys.stderr, flush=True)
            measured = measure.sign_in if scenario.name == "sign-in" else measure.scenario
            beside = others if scenario.name == "read" else {}
            own = scenario.settings
            asked = servers.usherd(url, secret, workers=0, **own) if own else server
            try:
                results += measured(engine, scenario, world, plan, asked, ceiling, **beside)
            except (Unexpected, TimeoutError) as error:
                failures.append(f"{engine}, {scenario.name}: {error or type(error).__name__}")
                print(f"FAILED: {failures[-1]}\n{asked.said()}", file=sys.stderr, flush=True)
            finally:
                if asked is not server:
                    asked.stop()
        return Process(starts, memory, server.memory_mb()), results, failures
    finally:
        for started in (server, ceiling, *others.values()):
            started.stop()


def one_engine(engine: str, plan: Plan, users: int, only: list[str]) -> Engine:
    """Everything on one engine, in a database that is gone afterwards."""
    everybody = people.invent(users)
    secret = secrets.token_hex(32)
    with servers.database(engine) as url:
        key, took = fill(url, secret, everybody)
        world = World(key, everybody)
        process, results, failures = under_load(engine, url, secret, world, plan, only)
        for result in results:
            if result.name == "update" and engine == "sqlite":
                result.bare_rate = bare_loops.updates(url, everybody, max(1.0, plan.seconds))
            elif result.name == "sign-in":
                result.bare_rate = bare_loops.verifications(max(1.0, plan.seconds))
    return Engine(engine, users, took, process, results, failures)


def show(found: Engine) -> None:
    """The table of one engine."""
    table = Table(title=f"{found.engine}, {found.users:,} users", title_justify="left")
    table.add_column("scenario", no_wrap=True)
    for name in ("conns", "req/s", "spread", "p50 ms", "p99 ms", "ceiling", "of it", "own", "bare"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in found.results:
        most, ratio = result.ceiling_rates, result.ratio
        own = share(result.rates, result.own_rates)
        busy = " *" if result.load_busy > BUSY else ""
        table.add_row(
            result.name,
            str(result.connections),
            f"{result.rate:,.0f}{busy}",
            f"{spread(result.rates):.0%}",
            f"{result.p50_ms:.2f}",
            f"{result.p99_ms:.2f}",
            f"{statistics.median(most):,.0f} ({spread(most):.0%})" if most else "",
            f"{ratio:.1%}" if ratio is not None else "",
            f"{own:.1%}" if own is not None else "",
            f"{result.bare_rate:,.0f}" if result.bare_rate is not None else "",
        )
    console = Console(width=100)
    console.print(table)
    process = found.process
    starts = sorted(process.cold_start_seconds)
    console.print(f"first answer {starts[len(starts) // 2]:.2f} s after the start", end="")
    if process.memory_start_mb is not None and process.memory_end_mb is not None:
        console.print(
            f"; resident memory {process.memory_start_mb:.0f} MB, "
            f"after the load {process.memory_end_mb:.0f} MB",
            end="",
        )
    console.print(f"; {found.users:,} users inserted in {found.populate_seconds:.1f} s\n")


def main() -> None:
    """Measure, show, keep. Ends with 1 when an answer was not what it has to be."""
    given = arguments()
    plan = Plan(2, 0.5) if given.quick else Plan(given.rounds, given.seconds)
    engines = ("sqlite", "postgres") if given.engine == "both" else (given.engine,)
    servers.pin_generator()
    found = []
    for engine in engines:
        found.append(one_engine(engine, plan, given.users, given.only))
        show(found[-1])
    print(f"Written to {report.keep('bench', found)}")
    failures = [failure for each in found for failure in each.failures]
    if failures:
        sys.exit("FAILED, and therefore without figures:\n" + "\n".join(failures))


if __name__ == "__main__":
    main()
