"""HTTP/1.1 as it comes over a socket: what no client library would send, and how it ends."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.conftest import Server

BODY = b'{"userId":"unique()"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Connections are the same on both engines."""
    folder = tmp_path_factory.mktemp("connections")
    own = Server(f"sqlite:///{folder}/u.db", folder).start()
    yield own
    own.stop()
    assert "Traceback" not in own.log.read_text()


class Wire:
    """A connection that sends bytes as they are."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self.left = b""

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def head(self) -> bytes:
        """The next head, without the empty line."""
        while b"\r\n\r\n" not in self.left:
            more = self.socket.recv(65_536)
            if not more:
                raise ConnectionError(f"hung up after {self.left!r}")
            self.left += more
        head, _, self.left = self.left.partition(b"\r\n\r\n")
        return head

    def answer(self, *, body: bool = True) -> tuple[int, dict[str, str], Any]:
        """(status, headers, decoded body)."""
        first, *lines = self.head().decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        size = int(headers["content-length"]) if body else 0
        while len(self.left) < size:
            self.left += self.socket.recv(65_536)
        sent, self.left = self.left[:size], self.left[size:]
        kind = headers["content-type"]
        return int(first.split()[1]), headers, json.loads(sent) if "json" in kind and sent else sent

    def ended(self) -> bool:
        """Whether the server has hung up without another word."""
        return self.left + self.socket.recv(65_536) == b""

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with closing(Wire(server)) as opened:
        yield opened


def head(server: Server, line: str, *more: str, key: bool = True) -> bytes:
    """A head with its empty line."""
    lines = [f"{line} HTTP/1.1", "Host: x", "X-Appwrite-Project: default", *more]
    if key:
        lines.append(f"X-Appwrite-Key: {server.key}")
    return "\r\n".join([*lines, "", ""]).encode()


def post(server: Server, *more: str, body: bytes = BODY, key: bool = True) -> bytes:
    """The head of a request that makes a user."""
    kind = "Content-Type: application/json"
    length = () if any("chunked" in line for line in more) else (f"Content-Length: {len(body)}",)
    return head(server, "POST /v1/users", kind, *length, *more, key=key)


def test_a_body_in_many_pieces_is_one_body(server: Server, wire: Wire) -> None:
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.send(post(server), *(bytes([byte]) for byte in BODY))
    assert wire.answer()[0] == 201
    wire.send(post(server) + BODY)
    assert wire.answer()[0] == 201


def test_a_client_that_asks_first_is_told_to_go_on(server: Server, wire: Wire) -> None:
    wire.send(post(server, "Expect: 100-continue"))
    assert wire.head() == b"HTTP/1.1 100 Continue"
    wire.send(BODY)
    assert wire.answer()[0] == 201


def test_a_client_that_asks_first_and_may_not_is_told_at_once(server: Server, wire: Wire) -> None:
    wire.send(post(server, "Expect: 100-continue", key=False))
    assert wire.answer()[0] == 401


def test_chunks_are_put_together_and_trailers_are_no_headers(server: Server, wire: Wire) -> None:
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:]))
    trailer = f"X-Appwrite-Key: {server.key}\r\n\r\n".encode()
    wire.send(post(server, "Transfer-Encoding: chunked") + chunked + b"0\r\n\r\n")
    assert wire.answer()[0] == 201
    wire.send(post(server, "Transfer-Encoding: chunked", key=False) + chunked + b"0\r\n" + trailer)
    assert wire.answer()[0] == 401
    wire.send(post(server, "Transfer-Encoding: chunked", key=False) + chunked + b"0\r\n\r\n")
    assert wire.answer()[0] == 401


def test_a_body_that_is_refused_early_does_not_end_the_connection(
    server: Server, wire: Wire
) -> None:
    large = b"x" * 900_000
    wire.send(post(server, body=large, key=False))
    assert wire.answer()[0] == 401
    wire.send(large, post(server), BODY)
    assert wire.answer()[0] == 201


def test_chunks_without_an_end_are_413_and_do_not_end_the_connection(
    server: Server, wire: Wire
) -> None:
    wire.send(post(server, "Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    wire.send(*[chunk] * 40)
    status, _, body = wire.answer()
    assert (status, body["type"]) == (413, "general_argument_invalid")
    wire.send(*[chunk] * 4, b"0\r\n\r\n", post(server), BODY)
    assert wire.answer()[0] == 201


def test_a_length_and_chunks_together_are_refused(server: Server, wire: Wire) -> None:
    """What smuggling requests past a proxy is made of."""
    wire.send(post(server, "Transfer-Encoding: chunked", "Content-Length: 4") + b"0\r\n\r\n")
    status, headers, body = wire.answer()
    assert (status, body["type"], headers["connection"]) == (
        400,
        "general_argument_invalid",
        "close",
    )
    assert wire.ended()


@pytest.mark.parametrize("sent", [
    "GET /v1/health/version HTTP/1.1\r\nConnection: close\r\n\r\n",
    "GET /v1/health/version HTTP/1.0\r\n\r\n",
    "GET /v1/health/version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /v1/health/version HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
    "GET /v1/health/version HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nnoise",
])  # fmt: skip
def test_the_last_answer_says_that_it_is(wire: Wire, sent: str) -> None:
    wire.send(sent.encode())
    status, headers, body = wire.answer()
    assert (status, headers["connection"], body["version"][:2]) == (200, "close", "1.")
    assert wire.ended()


def test_what_comes_behind_the_last_request_is_not_answered(wire: Wire) -> None:
    one = b"GET /v1/health/version HTTP/1.1\r\n"
    wire.send(one + b"Connection: close\r\n\r\n" + one + b"\r\n")
    assert wire.answer()[0] == 200
    assert wire.ended()


def test_head_has_no_body_and_the_connection_goes_on(wire: Wire) -> None:
    wire.send(b"HEAD /v1/health/version HTTP/1.1\r\n\r\n")
    status, headers, _ = wire.answer(body=False)
    assert status == 200
    assert int(headers["content-length"]) > 0
    wire.send(b"GET /healthz HTTP/1.1\r\n\r\n")
    assert wire.answer()[0] == 200


@pytest.mark.parametrize(("target", "status"), [
    ("http://elsewhere.example/v1/health/version?x=1", 200), ("/v1/health/version#part", 200),
    ("/v1/health/%76ersion", 200), ("//v1/health/version", 404), ("/", 404), ("*", 404), ("x:y:z", 400),
    ("/v1/users/%ff%00", 401),
])  # fmt: skip
def test_targets_of_every_kind(wire: Wire, target: str, status: int) -> None:
    wire.send(f"GET {target} HTTP/1.1\r\nX-Appwrite-Project: default\r\n\r\n".encode())
    assert wire.answer()[0] == status


def test_who_leaves_in_the_middle_is_not_missed(server: Server) -> None:
    parts = [
        b"GET /v1/us",
        post(server)[:-2],
        post(server) + b"{",
        post(server, body=b"x" * 99_999),
    ]
    for part in [*parts, post(server) + BODY, head(server, "GET /v1/users") * 20]:
        with closing(Wire(server)) as leaving:
            leaving.send(part)
    assert httpx.get(server.endpoint + "/health/version").status_code == 200
