"""HTTP to providers: bounded in time and size, never redirected, always encrypted.

What a provider answers is not trusted: it may be large, slow, no JSON, or lead elsewhere.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from usherd import __version__
from usherd.eager import as_task

LONGEST_BODY = 1 << 20
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Unreachable(Exception):
    """The provider gave no usable answer; the message says what happened, without secrets."""


def is_safe(url: str) -> bool:
    """Whether a provider may be asked there: encrypted, or on this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


class Web:
    """One pool of connections for every provider."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._http: httpx.AsyncClient | None = None

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(
                timeout=self._timeout,
                follow_redirects=False,
                headers={"User-Agent": f"usherd/{__version__}", "Accept-Encoding": "identity"},
            )
        return self._http

    async def json(
        self, method: str, url: str, *, headers: dict[str, str], content: str | None = None
    ) -> tuple[int, Any]:
        """(status, the decoded JSON). Raises `Unreachable`."""
        where = f"{method} {urlsplit(url).hostname}{urlsplit(url).path}"
        if not is_safe(url):
            raise Unreachable(f"{where}: it must be https, without a user name")
        await as_task()
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await self._body(method, url, headers, content)
        except TimeoutError as error:
            raise Unreachable(f"{where}: no answer in {self._timeout:g} seconds") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise Unreachable(f"{where}: {type(error).__name__}") from error
        if status >= 500 or 300 <= status < 400:
            raise Unreachable(f"{where}: status {status}")
        try:
            return status, msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unreachable(f"{where}: status {status} without JSON") from error

    async def _body(
        self, method: str, url: str, headers: dict[str, str], content: str | None
    ) -> tuple[int, bytes]:
        body = bytearray()
        async with self._client.stream(method, url, headers=headers, content=content) as answer:
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LONGEST_BODY:
                    raise ValueError("the answer is too large")
        return answer.status_code, bytes(body)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.aclose()
