"""Bytes in: the headers, the query, the cookies and the body of one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

import httptools
import msgspec

from usherd import errors

URL_BYTES = 65_535
FIELDS = 5000
"""Most fields of a form or a query string."""

NESTING = 32
"""Deepest `a[b][c]` of a form field."""

UNASKED_BYTES = 65_536
"""A body that nobody has asked for yet is taken in so far."""

BODIES_BYTES = 64 << 20
"""Most bytes of bodies on their way in, over all requests of the process."""


class Gone(Exception):
    """Nobody is there any more to read the answer."""


class Body:
    """The body of a request on its way in."""

    __slots__ = ("_chunks", "_dropped", "_limit", "_size", "_wait", "_wanted", "complete")
    arriving: ClassVar[int] = 0
    """Bytes of bodies that are waited for, over all requests."""

    def __init__(self, wanted: Callable[[], None]) -> None:
        """`wanted` is called once, when somebody asks for what has not come yet."""
        self._wanted = wanted
        self._chunks: list[bytes] = []
        self._size = 0
        self._limit = 0
        self._wait: asyncio.Future[None] | None = None
        self._dropped = False
        self.complete = False

    @property
    def enough(self) -> bool:
        """Whether no more should be received before somebody asks."""
        return self._size > UNASKED_BYTES and self._wait is None and not self._dropped

    def feed(self, chunk: bytes) -> None:
        """More of it has come."""
        if self._dropped:
            return
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._wait is not None:
            Body.arriving += len(chunk)
            if self._size > self._limit:
                self._fail(errors.PayloadTooLarge())
            elif Body.arriving > BODIES_BYTES:
                self._fail(errors.GeneralOverloaded())

    def end(self) -> None:
        """All of it has come."""
        self.complete = True
        if self._wait is not None and not self._wait.done():
            self._wait.set_result(None)

    def abandon(self) -> None:
        """What comes from now on is not kept; whoever waits for it gets `Gone`."""
        self._fail(Gone())

    def _fail(self, error: Exception) -> None:
        self._dropped = True
        self._chunks = []
        if self._wait is not None and not self._wait.done():
            self._wait.set_exception(error)

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises `PayloadTooLarge` before keeping much more than `limit` bytes,
        `GeneralOverloaded`, and `Gone`."""
        if self._size > limit:
            raise errors.PayloadTooLarge
        if not self.complete:
            if self._dropped:
                raise Gone
            self._limit = limit
            self._wait = asyncio.get_running_loop().create_future()
            Body.arriving += self._size
            self._wanted()
            try:
                await self._wait
            finally:
                Body.arriving -= self._size
                self._wait = None
        return b"".join(self._chunks)


NO_BODY = Body(lambda: None)
"""Of all requests that have none."""
NO_BODY.end()


class Request:
    """One request as it came over the wire; nothing is parsed before it is asked for."""

    __slots__ = (
        "_cookies",
        "_query",
        "body",
        "headers",
        "last",
        "method",
        "path",
        "peer",
        "platforms",
        "raw_query",
        "standing",
    )

    def __init__(
        self,
        method: str,
        path: str,
        raw_query: bytes,
        headers: dict[bytes, bytes],
        peer: str,
        body: Body,
    ) -> None:
        """`path` is percent-decoded; the names of `headers` are in lower case."""
        self.method = method
        self.path = path
        self.raw_query = raw_query
        self.headers = headers
        self.peer = peer
        self.body = body
        self.last = False
        """Whether the connection ends with its answer."""
        self.platforms: tuple[str, ...] = ()
        """The hosts of the project, once that is known."""
        self.standing: Any = None
        """The caller's `limits.Standing`, once that is known."""
        self._query: dict[str, Any] | None = None
        self._cookies: dict[str, str] | None = None

    def header(self, name: bytes) -> str:
        """A header's value, or the empty string; `name` in lower case."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value else ""

    @property
    def wants_page(self) -> bool:
        """Whether this is a browser that shows what it gets, and no program."""
        return "text/html" in self.header(b"accept")

    @property
    def query(self) -> dict[str, Any]:
        """The query string; `a[0]=x`, `a[]=x` become lists, `a[k]=x` objects."""
        if self._query is None:
            self._query = fields(self.raw_query) if self.raw_query else {}
        return self._query

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name, percent-decoded; an unreadable one is left out."""
        if self._cookies is None:
            pairs = (part.partition("=") for part in self.header(b"cookie").split(";"))
            self._cookies = {n.strip(): unquote(v.strip().strip('"')) for n, eq, v in pairs if eq}
        return self._cookies

    async def content(self, limit: int) -> bytes:
        """The whole body. Raises what `Body.read` raises; a body that says that it is too large
        is not waited for."""
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limit:
            raise errors.PayloadTooLarge
        return await self.body.read(limit)

    def parameters(self, body: bytes) -> tuple[dict[str, Any], bool]:
        """(the body's fields, whether they came as a form, so that every value is text).

        A body that is no object counts as empty: its required parameters are then missing.
        """
        if not body:
            return {}, False
        kind, _, rest = self.header(b"content-type").partition(";")
        kind = kind.strip().lower()
        if kind == "application/x-www-form-urlencoded":
            return fields(body), True
        if kind == "multipart/form-data":
            return multipart(body, rest), True
        try:
            decoded = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return {}, False
        return (decoded if isinstance(decoded, dict) else {}), False


def target(url: bytes) -> tuple[str, bytes]:
    """(path, query) of a request line. Raises ValueError when it is neither a path nor a URL, or
    too long."""
    if len(url) > URL_BYTES:
        raise ValueError("the URL is too long")
    if url[:1] != b"/" or b"#" in url:
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError as error:
            raise ValueError("no URL") from error
        raw, query = parsed.path or b"/", parsed.query or b""
    else:
        raw, _, query = url.partition(b"?")
    path = raw.decode("ascii")
    return (unquote(path) if "%" in path else path), query


def fields(raw: bytes) -> dict[str, Any]:
    """The fields of a urlencoded text. Raises `errors.GeneralArgumentInvalid` when too many."""
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise errors.GeneralArgumentInvalid(
            f"The request has more than {FIELDS} fields; send fewer."
        ) from error
    return nest(pairs)


def multipart(body: bytes, content_type: str) -> dict[str, Any]:
    """The text fields of a multipart form; files and unreadable forms count as absent."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import FormParser, parse_options_header

    boundary = parse_options_header("multipart/form-data;" + content_type)[1].get(b"boundary")
    if not boundary:
        return {}
    pairs: list[tuple[str, str]] = []

    def add(field: Any) -> None:
        name, value = field.field_name or b"", field.value or b""
        pairs.append((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")))

    try:
        parser = FormParser("multipart/form-data", add, lambda _file: None, boundary=boundary)
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return {}
    return nest(pairs[:FIELDS])


def nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Fields whose names may carry brackets, as PHP reads them: `a[]` and `a[0]` are lists."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, rest = name.partition("[")
        keys = rest.removesuffix("]").split("][") if bracket and name.endswith("]") else None
        if keys is None or len(keys) > NESTING:
            tree[name] = value
            continue
        node = tree
        for key in [head, *keys][:-1]:
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                child = node[key] = {}
            node = child
        node[keys[-1] or str(len(node))] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(node: Any) -> Any:
    """Objects whose keys are all numbers are lists, in the order in which they came."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isascii() and key.isdigit() for key in node):
        return [_lists(child) for child in node.values()]
    return {key: _lists(child) for key, child in node.items()}
