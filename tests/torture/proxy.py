"""A TCP address in front of a PostgreSQL server, which can be cut off, frozen and moved."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from typing import Any


class Proxy:
    """Passes bytes between its own port and a server's socket, as long as it is told to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.listen()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def listen(self) -> None:
        """Let connections in."""

        async def work() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

        self._do(work())

    def cut(self) -> None:
        """Refuse connections, and end those there are."""

        async def work() -> None:
            assert self._server is not None
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()

        self._do(work())

    def freeze(self) -> None:
        """Swallow every byte, as a network does that is gone: nobody is told anything."""

        async def work() -> None:
            self._open.clear()

        self._do(work())

    def thaw(self) -> None:
        """Pass on what was swallowed, and go on."""

        async def work() -> None:
            self._open.set()

        self._do(work())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._open.wait()
            there, back = await asyncio.open_unix_connection(self._path)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except OSError:
            writer.transport.abort()
        finally:
            self._writers.discard(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while some := await reader.read(65_536):
                await self._open.wait()
                writer.write(some)
                await writer.drain()
        finally:
            writer.close()
