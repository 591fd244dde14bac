"""Too many, too slow, too large: memory stays bounded, and everybody else is served."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Server
from tests.torture.rounds import rounds
from usherd.connection import HEAD_BYTES, PIPELINED, allow_files

PATIENCE = 2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that does not wait long, with one user. Connections are the same on both engines."""
    env = {"USHERD_CLIENT_TIMEOUT_SECONDS": str(PATIENCE), "USHERD_HASHING_QUEUE": "8"}
    own = Server(f"sqlite:///{tmp_path}/u.db", tmp_path, env).start()
    body = {"userId": "mira", "email": "mira@example.org", "password": "correct horse"}
    assert httpx.post(own.endpoint + "/users", json=body, headers=headers(own)).status_code == 201
    yield own
    own.stop()
    told = own.log.read_text()
    assert "Traceback" not in told, told[told.find("Traceback") :][:3000]


def headers(server: Server) -> dict[str, str]:
    return {"X-Appwrite-Project": "default", "X-Appwrite-Key": server.key}


def head(server: Server, line: str, *more: str) -> bytes:
    """The head of a request, without the empty line that ends it."""
    sent = [f"{name}: {value}" for name, value in headers(server).items()]
    return "\r\n".join([f"{line} HTTP/1.1", "Host: x", *sent, *more, ""]).encode()


def memory(server: Server) -> int:
    """Megabytes of the server's memory that are in use."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, server: Server, sent: bytes = b"") -> Client:
        """Connect, and send something."""
        client = cls(*await asyncio.open_connection("127.0.0.1", server.port))
        client.writer.write(sent)
        return client

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """(status, headers, body) of the next answer."""
        first = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 30)
        line, *lines = first.decode().strip().split("\r\n")
        named = {n.lower(): v for n, _, v in (text.partition(": ") for text in lines)}
        body = await self.reader.readexactly(int(named["content-length"]))
        return int(line.split()[1]), named, json.loads(body)

    async def end(self) -> bytes:
        """Everything until the server hangs up."""
        try:
            return await asyncio.wait_for(self.reader.read(), 30)
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.writer.transport.abort()


async def crowd(server: Server, size: int, sent: bytes) -> list[Client]:
    """So many connections, each of which has sent that."""
    allow_files(size)
    found: list[Client] = []
    while len(found) < size:
        found += await asyncio.gather(*(Client.to(server, sent) for _ in range(100)))
    return found


async def reads(server: Server) -> AsyncIterator[int]:
    """Reads of somebody who behaves."""
    async with httpx.AsyncClient(headers=headers(server), timeout=10) as http:
        while True:
            yield (await http.get(server.endpoint + "/users/mira")).status_code


async def served(server: Server, times: int = 20) -> bool:
    """Whether such reads are all answered."""
    stream = reads(server)
    return [await anext(stream) for _ in range(times)] == [200] * times


async def test_2000_slow_heads_are_hung_up_on_and_hinder_nobody(server: Server) -> None:
    before = memory(server)
    slow = await crowd(server, 2000, b"GET /v1/users HTTP/1.1\r\nHost: x\r\nX-Slow: a")

    async def trickle() -> None:
        while True:
            for client in slow:
                client.writer.write(b"a")
            await asyncio.sleep(0.5)

    trickling = asyncio.create_task(trickle())
    assert await served(server)
    assert memory(server) - before < 100
    ends = await asyncio.gather(*(client.end() for client in slow))
    trickling.cancel()
    told = [end for end in ends if end]
    assert len(told) > 1900
    assert all(end.startswith(b"HTTP/1.1 408 ") for end in told)


async def test_silent_connections_are_closed_without_a_word(server: Server) -> None:
    silent = await crowd(server, 200, b"")
    assert set(await asyncio.gather(*(client.end() for client in silent))) == {b""}


async def test_slow_bodies_are_hung_up_on(server: Server) -> None:
    sent = head(server, "POST /v1/users", "Content-Length: 1000") + b"\r\n{"
    slow = await crowd(server, 200, sent)
    assert await served(server)
    for status, _, body in await asyncio.gather(*(client.answer() for client in slow)):
        assert (status, body["type"]) == (408, "general_argument_invalid")
    assert (await (await Client.to(server, head(server, "GET /v1/users/mira") + b"\r\n")).answer())[
        0
    ] == 200


async def test_many_large_bodies_at_once_are_told_to_come_later(server: Server) -> None:
    before = memory(server)
    sent = head(server, "POST /v1/users", "Content-Length: 1000000") + b"\r\n" + b"x" * 900_000
    large = await crowd(server, rounds(200, 1000), sent)
    answers = await asyncio.gather(*(client.answer() for client in large))
    assert memory(server) - before < 250
    statuses = {status for status, _, _ in answers}
    assert statuses == {503, 408}
    assert all(named["retry-after"] for status, named, _ in answers if status == 503)
    assert await served(server)


@pytest.mark.parametrize("sent", [
    b"X-Large: " + b"a" * (HEAD_BYTES + 10) + b"\r\n\r\n", b"".join(b"X-%d: a\r\n" % at for at in range(200)) + b"\r\n",
    b"X-Endless: " + b"a" * 2_000_000, b"X: y\r\n" * 500_000,
], ids=["a large one", "many", "one without end", "many without end"])  # fmt: skip
async def test_large_heads_are_431(server: Server, sent: bytes) -> None:
    client = await Client.to(server, b"GET /v1/users HTTP/1.1\r\nHost: x\r\n" + sent)
    status, _, body = await client.answer()
    assert (status, body["type"]) == (431, "general_argument_invalid")
    assert await served(server, 2)


async def test_answers_that_nobody_reads_are_given_up(server: Server) -> None:
    async with httpx.AsyncClient(headers=headers(server), timeout=30) as http:
        for at in range(10):
            made = {"userId": f"u{at}", "name": "x" * 128}
            await http.post(server.endpoint + "/users", json=made)
            await http.patch(
                server.endpoint + f"/users/u{at}/prefs", json={"prefs": {"a": "b" * 60_000}}
            )
    before = memory(server)
    one = head(server, "GET /v1/users") + b"\r\n"
    greedy = await crowd(server, 200, one * (PIPELINED // 2))
    for client in greedy:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    assert await served(server)
    assert memory(server) - before < 400
    await asyncio.sleep(PATIENCE + 3)
    for client in greedy:
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    ends = await asyncio.gather(*(client.end() for client in greedy))
    assert max(end.count(b"HTTP/1.1 200") for end in ends) < PIPELINED // 2


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    lines = [head(server, f"GET /v1/users/{name}") + b"\r\n" for name in ("mira", "nobody")]
    client = await Client.to(server, b"".join(lines) * (PIPELINED // 2))
    statuses = [(await client.answer())[0] for _ in range(PIPELINED)]
    assert statuses == [200, 404] * (PIPELINED // 2)
    client.close()


async def test_a_flood_of_pipelined_requests_ends_the_connection(server: Server) -> None:
    before = memory(server)
    flood = await crowd(server, 100, (head(server, "GET /v1/users/mira") + b"\r\n") * 2000)
    await asyncio.gather(*(client.end() for client in flood))
    assert await served(server)
    assert memory(server) - before < 150


async def test_what_follows_a_request_does_not_answer_it(server: Server) -> None:
    body = b'{"userId": "after", "password": "correct horse"}'
    first = head(
        server, "POST /v1/users", f"Content-Length: {len(body)}", "Content-Type: application/json"
    )
    client = await Client.to(server, first + b"\r\n" + body + b"garbage\r\n\r\n")
    status, named, _ = await client.answer()
    assert (status, named["connection"]) == (201, "close")
    assert await client.end() == b""


async def test_one_connection_too_many_is_told_to_come_later(
    server: Server, tmp_path: Path
) -> None:
    server.stop()
    key = server.key
    server.env |= {"USHERD_CONNECTIONS": "20"}
    server.start()
    server.key = key
    full = await crowd(server, 100, b"")
    answers = [client for client in full if client.reader]
    told = await asyncio.gather(*(client.end() for client in answers))
    refused = [end for end in told if end]
    assert len(refused) >= 80
    for end in refused:
        assert end.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 2" in end
    assert await served(server)


async def test_a_flood_of_sign_ins_is_told_to_come_later_and_reads_go_on(server: Server) -> None:
    body = {"email": "mira@example.org", "password": "wrong horse"}
    url = server.endpoint + "/account/sessions/email"
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(
        headers={"X-Appwrite-Project": "default"}, timeout=60, limits=limits
    ) as http:
        flood = [asyncio.create_task(http.post(url, json=body)) for _ in range(200)]
        assert await served(server)
        answers = await asyncio.gather(*flood)
    assert {answer.status_code for answer in answers} == {401, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["type"] == "general_overloaded"
            assert answer.headers["retry-after"]
