"""Shows the results as a table, and keeps them as JSON."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.measure import Plan, Result, share, spread

FOLDER = Path(__file__).parent / "results"

PARTS = ("usherd", "uvicorn", "httptools", "uvloop", "msgspec", "apsw", "asyncpg", "argon2-cffi")

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


def _machine() -> dict[str, str | int | None]:
    model = None
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = (s.partition(": ")[2] for s in info.read_text().splitlines() if "model name" in s)
        model = next(names, None)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=FOLDER.parent, capture_output=True, text=True, check=False
    )
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": model,
        "cores": os.cpu_count(),
        "commit": head.stdout.strip() or None,
    } | {part: version(part) for part in PARTS}


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
            f"{sorted(most)[len(most) // 2]:,.0f} ({spread(most):.0%})" if most else "",
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


def keep_part(name: str, found: object) -> Path:
    """Write the newest results of one of the longer programs beside what they were measured on."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    everything = {
        "machine": _machine(),
        "date": time.strftime("%Y-%m-%d"),
        "command": " ".join([f"python -m bench.{name}", *_told(sys.argv[1:])]),
        "found": found,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(everything)) + b"\n")
    return path


def _told(words: Sequence[str]) -> list[str]:
    """The arguments but for the folder, which is nobody else's."""
    at = words.index("--data") if "--data" in words else len(words)
    return [*words[:at], *words[at + 2 :]]


def keep(plan: Plan, engines: Sequence[Engine]) -> Path:
    """Write everything, each round included, to a file of its own."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / time.strftime("%Y%m%d-%H%M%S.json")
    everything = {"machine": _machine(), "plan": plan, "engines": engines}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(everything)) + b"\n")
    return path
