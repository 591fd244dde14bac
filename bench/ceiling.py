"""The ceiling: what the same HTTP server reaches when the application does nothing.

`python -m bench.ceiling PORT` serves one constant answer for every request, by the same server
(uvicorn, httptools, uvloop, same options) as usherd. `PUT /answer/{status}` sets it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from usherd.connection import Connection
from usherd.settings import Settings

Message = MutableMapping[str, Any]


class Constant:
    """A raw ASGI application without routing, parsing or encoding."""

    settings = Settings()
    """The bounds that connections keep."""

    def __init__(self) -> None:
        self._answer(200, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        headers = [
            (b"content-type", b"application/json; charset=UTF-8"),
            (b"content-length", str(len(body)).encode()),
        ]
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


def main() -> None:
    """Serve until told to stop."""
    uvicorn.run(
        Constant(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http=Connection,
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=2048,
    )


if __name__ == "__main__":
    main()
