"""Bytes in: the headers, the query, the cookies and the body of one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

import msgspec

from usherd import errors

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FIELDS = 5000
"""Most fields of a form or a query string."""

NESTING = 32
"""Deepest `a[b][c]` of a form field."""


BODIES_BYTES = 64 << 20
"""Most bytes of bodies on their way in, over all requests of the process."""


class Request:
    """One request as it came over the wire; nothing is parsed before it is asked for."""

    __slots__ = (
        "_cookies",
        "_query",
        "headers",
        "method",
        "path",
        "peer",
        "platforms",
        "scope",
        "standing",
    )
    arriving: ClassVar[int] = 0
    """Bytes of bodies that are not complete yet, over all requests."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.peer: str = scope["client"][0] if scope.get("client") else ""
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
            raw = self.scope.get("query_string", b"")
            self._query = fields(raw) if raw else {}
        return self._query

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name, percent-decoded; an unreadable one is left out."""
        if self._cookies is None:
            pairs = (part.partition("=") for part in self.header(b"cookie").split(";"))
            self._cookies = {n.strip(): unquote(v.strip().strip('"')) for n, eq, v in pairs if eq}
        return self._cookies

    async def body(self, receive: Receive, limit: int) -> bytes:
        """The whole body. Raises `PayloadTooLarge` before reading past `limit` bytes,
        and `GeneralOverloaded`."""
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limit:
            raise errors.PayloadTooLarge
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionAbortedError
                chunk = message.get("body", b"")
                size += len(chunk)
                Request.arriving += len(chunk)
                if size > limit:
                    raise errors.PayloadTooLarge
                if Request.arriving > BODIES_BYTES:
                    raise errors.GeneralOverloaded
                chunks.append(chunk)
                if not message.get("more_body"):
                    return b"".join(chunks)
        finally:
            Request.arriving -= size

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
