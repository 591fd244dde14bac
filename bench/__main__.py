"""`make bench`: measures a usherd started as anybody starts it, beside what bounds it."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys

from bench import bare, measure, people, report, servers
from bench.load import Unexpected
from bench.measure import Plan, Result
from bench.people import Person
from bench.report import Engine, Process
from bench.scenarios import SCENARIOS, World
from usherd import app
from usherd.settings import Settings

FEWEST = 5_000
"""With fewer users, some filters would not fill a page."""

COLD_STARTS = 3


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


def scenarios(engine: str, world: World, plan: Plan, only: list[str]) -> tuple[
    Process, list[Result]
]:
    """Start everything, measure the scenarios one after another, stop everything."""
    raise NotImplementedError
