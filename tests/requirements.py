"""Part of `make lint`: what is installed is pinned, is what pyproject.toml asks for, and is asked
of no particular registry."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==[^\s;]+(?:\s*;\s.+)?")


def canonical(name: str) -> str:
    """The name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(file: str, found: list[str]) -> dict[str, str]:
    """Name and line of each requirement; what is no pin is added to `found`."""
    pins = {}
    for line in (ROOT / file).read_text().splitlines():
        match = PIN.fullmatch(line.strip())
        if match is None:
            found.append(f"{file}: {line!r} is no exact version; run: make lock")
        else:
            pins[canonical(match[1])] = line
    return pins


def asked(entries: list[str]) -> set[str]:
    """The names in a list of pyproject.toml."""
    return {canonical(re.split(r"[\[<>=!~; ]", entry)[0]) for entry in entries}


def problems() -> list[str]:
    """What is wrong with the requirements, as sentences."""
    found: list[str] = []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run, develop = pinned("requirements.txt", found), pinned("requirements-dev.txt", found)
    wanted = asked(project["dependencies"])
    found += [f"requirements.txt lacks {name}; run: make lock" for name in wanted - set(run)]
    wanted |= asked(project["optional-dependencies"]["dev"])
    found += [
        f"requirements-dev.txt lacks {name}; run: make lock" for name in wanted - set(develop)
    ]
    for name, line in run.items():
        if develop.get(name) != line:
            found.append(f"requirements-dev.txt has {develop.get(name)!r} and not {line!r}")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or None)
