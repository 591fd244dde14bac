"""Keeps results as JSON, beside what they were measured on: `bench/results/NAME.json`."""

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

FOLDER = Path(__file__).parent / "results"

PARTS = ("usherd", "uvicorn", "httptools", "uvloop", "msgspec", "apsw", "asyncpg", "argon2-cffi")


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


def keep(name: str, found: object) -> Path:
    """Write the newest results of one program, each round included. `name` is the module's, or
    `bench` for that of the package."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    module = "bench" if name == "bench" else f"bench.{name}"
    everything = {
        "machine": _machine(),
        "date": time.strftime("%Y-%m-%d"),
        "command": " ".join([f"python -m {module}", *_told(sys.argv[1:])]),
        "found": found,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(everything)) + b"\n")
    return path


def _told(words: Sequence[str]) -> list[str]:
    """The arguments but for the folder, which is nobody else's."""
    at = words.index("--data") if "--data" in words else len(words)
    return [*words[:at], *words[at + 2 :]]
