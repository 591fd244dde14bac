"""The ceiling: what an HTTP server reaches when the application does nothing.

`python -m bench.ceiling PORT` serves one constant answer for every request, by uvicorn, httptools
and uvloop as they come. `PUT /answer/{status}` sets it.
`python -m bench.ceiling PORT --own` does so by usherd's own connections instead of uvicorn's.
`python -m bench.ceiling PORT URL` first asks a PostgreSQL for the user that the path ends with, as
whoever has ten connections of asyncpg and nothing else to do, and then gives the constant answer.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import asyncpg
import uvicorn

from bench.people import PROJECT
from usherd.answers import Answer, line
from usherd.connection import Connection
from usherd.settings import Settings
from usherd.wire import Request

Message = MutableMapping[str, Any]


class Constant:
    """A raw ASGI application without routing, parsing or encoding."""

    def __init__(self) -> None:
        self._answer(200, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        headers = [
            (b"content-type", b"application/json; charset=UTF-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        self._all = status, [line(n.decode(), value.decode()) for n, value in headers], body
        self._start = {"type": "http.response.start", "status": status, "headers": headers}
        self._body = {"type": "http.response.body", "body": body}

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer; a request that may have a body is read first, as any server has to."""
        if scope["method"] != "GET":
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            if scope["method"] == "PUT" and scope["path"].startswith("/answer/"):
                self._answer(int(scope["path"].removeprefix("/answer/")), body)
        await send(self._start)
        await send(self._body)


class Asking(Constant):
    """The same after one query: the bare loop that a read on PostgreSQL is compared with."""

    QUERY = "select * from users where project_id = $1 and id = $2"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._opening: asyncio.Task[asyncio.LifoQueue[asyncpg.Connection]] | None = None

    async def _connections(self) -> asyncio.LifoQueue[asyncpg.Connection]:
        free: asyncio.LifoQueue[asyncpg.Connection] = asyncio.LifoQueue()
        for _ in range(10):  # as many as usherd has
            free.put_nowait(await asyncpg.connect(self._url))
        return free

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Fetch the user, then answer."""
        if scope["method"] == "GET" and scope["path"] != "/":
            if self._opening is None:
                self._opening = asyncio.create_task(self._connections())
            free = self._opening.result() if self._opening.done() else await self._opening
            connection = await free.get()
            await connection.fetchrow(self.QUERY, PROJECT, scope["path"].rpartition("/")[2])
            free.put_nowait(connection)
        await super().__call__(scope, receive, send)


class Own(Constant):
    """The same for usherd's connections."""

    settings = Settings()
    """The bounds that connections keep."""

    async def answer(self, request: Request) -> Answer:
        """Answer, as `Constant` does."""
        if request.method == "PUT" and request.path.startswith("/answer/"):
            self._answer(int(request.path.removeprefix("/answer/")), await request.content(1 << 20))
        return self._all


def main() -> None:
    """Serve until told to stop."""
    options: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": int(sys.argv[1]),
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": 2048,
    }
    if sys.argv[2:] == ["--own"]:
        uvicorn.run(Own(), **options | {"http": Connection})
    else:
        uvicorn.run(Asking(sys.argv[2]) if len(sys.argv) > 2 else Constant(), **options)


if __name__ == "__main__":
    main()
