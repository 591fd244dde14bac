"""The endpoint table and the binder: a route is data, and a signature is the request's schema."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from usherd import errors, params
from usherd.limits import Limit

Handler = Callable[..., Awaitable[Any]]


class Argument(msgspec.Struct, frozen=True):
    """One parameter of an endpoint, read from its handler's signature."""

    name: str
    wire: str
    param: params.Param
    required: bool
    default: Any
    in_path: bool


class Endpoint(msgspec.Struct, frozen=True):
    """One row of the table: everything about a route that is not its behaviour."""

    method: str
    path: str
    handler: Handler
    name: str
    scope: str
    status: int
    event: str | None
    audit: str | None
    quiet: str | None
    """Why a writing endpoint has no event or no audit label."""
    login: bool
    """Makes a session: refused for callers who have one."""
    method_switch: str | None
    """The project setting that can switch this way of signing in off."""
    while_factor_missing: bool
    """Open to sessions that still owe a second factor."""
    limit: Limit | None
    """How often it may be asked; None: as often as one likes."""
    writes: bool
    """Runs in a transaction; a GET that does says so."""
    navigated: bool
    """Browsers come here by following a link: errors are pages, and no origin is checked."""
    arguments: tuple[Argument, ...]
    response: Any


class Redirect(msgspec.Struct, frozen=True):
    """Where the browser goes next; the answer is a `Location` without a body."""

    location: str
    about: Any = None
    """The model of what has come into being: the event tells of it."""


class Page(msgspec.Struct, frozen=True):
    """What a browser shows."""

    html: bytes
    about: Any = None
    """The model of what has come into being: the event tells of it."""


class Endpoints:
    """A piece of the table: the routes below one prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.table: list[Endpoint] = []

    def __call__(
        self,
        method: str,
        path: str,
        *,
        scope: str,
        status: int = 200,
        event: str | None = None,
        audit: str | None = None,
        quiet: str | None = None,
        name: str | None = None,
        login: bool = False,
        method_switch: str | None = None,
        while_factor_missing: bool = False,
        limit: Limit | None = None,
        writes: bool = False,
        navigated: bool = False,
        also: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Put the handler below into the table; its signature is the request's schema.

        `also` names further verbs and paths that do the same, such as `PUT /sessions/token`:
        older and newer SDKs spell some differently.
        """

        def add(handler: Handler) -> Handler:
            hints = get_type_hints(handler, include_extras=True)
            for verb, way in ((method, path), *(other.split(" ") for other in also)):
                full = self.prefix + way
                self.table.append(
                    Endpoint(
                        verb,
                        full,
                        handler,
                        name or handler.__name__,
                        scope,
                        status,
                        event,
                        audit,
                        quiet,
                        login,
                        method_switch,
                        while_factor_missing,
                        limit,
                        writes or verb != "GET",
                        navigated,
                        tuple(arguments(handler, hints, full)),
                        _model(hints.get("return")),
                    )
                )
            return handler

        return add

    def get(self, path: str, **row: Any) -> Callable[[Handler], Handler]:
        return self("GET", path, **row)

    def post(self, path: str, **row: Any) -> Callable[[Handler], Handler]:
        return self("POST", path, **row)

    def put(self, path: str, **row: Any) -> Callable[[Handler], Handler]:
        return self("PUT", path, **row)

    def patch(self, path: str, **row: Any) -> Callable[[Handler], Handler]:
        return self("PATCH", path, **row)

    def delete(self, path: str, **row: Any) -> Callable[[Handler], Handler]:
        return self("DELETE", path, **row)


def arguments(handler: Handler, hints: Mapping[str, Any], path: str) -> list[Argument]:
    """The handler's parameters after `ctx`, in the order in which they are checked."""
    in_path = set(re.findall(r"{(\w+)}", path))
    found = []
    for name, parameter in list(inspect.signature(handler).parameters.items())[1:]:
        wire = camel(name.rstrip("_"))
        default = parameter.default
        required = default is inspect.Parameter.empty
        param = _param(hints[name])
        found.append(
            Argument(name, wire, param, required, None if required else default, wire in in_path)
        )
    return found


def _param(hint: Any) -> params.Param:
    """The `Param` in `Annotated[str, Param(...)]` or in its optional form."""
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, params.Param):
                return extra
    for part in get_args(hint):
        if part is not type(None):
            return _param(part)
    raise TypeError(f"{hint!r} carries no Param")


def _model(hint: Any) -> Any:
    """The model that a handler returns, also one that it may have encoded already."""
    return get_args(hint)[0] if isinstance(hint, UnionType) else hint


def camel(name: str) -> str:
    """`user_id` -> `userId`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def bind(
    endpoint: Endpoint, in_path: Mapping[str, str], sent: Mapping[str, Any], form: bool
) -> dict[str, Any]:
    """The handler's arguments. The first wrong one, in the order of the signature, is reported.

    Raises `errors.GeneralArgumentInvalid`.
    """
    bound = {}
    for argument in endpoint.arguments:
        loose = form
        if argument.in_path:
            value: Any = in_path[argument.wire]
        else:
            value = sent.get(argument.wire)
        if value is None:
            if argument.required:
                raise errors.missing(argument.wire)
            bound[argument.name] = argument.default
            continue
        try:
            bound[argument.name] = argument.param.parse(value, loose)
        except ValueError as error:
            raise errors.invalid(argument.wire, str(error)) from error
    return bound


def identifiers(
    endpoint: Endpoint, in_path: Mapping[str, str], result: Any, actor: Mapping[str, Any] | None
) -> dict[str, str]:
    """The ids that the event's pattern names: from the path, else from the answer, else whose
    account it is."""
    found = {name: value for name, value in in_path.items() if value != "current"}
    for key in named(endpoint.event or ""):
        if key not in found:
            own = "user_id" if key == "userId" and hasattr(result, "user_id") else "id"
            found[key] = getattr(result, own, "") or (actor["id"] if actor else "")
    return found


@cache
def named(pattern: str) -> tuple[str, ...]:
    """The names in the brackets of an event's pattern; there are as many as the table has."""
    return tuple(re.findall(r"\[(\w+)\]", pattern))


class Node:
    """One segment of paths: what may follow it, and the endpoints that end here, by method."""

    __slots__ = ("any", "ends", "named")

    def __init__(self) -> None:
        self.named: dict[str, Node] = {}
        self.any: Node | None = None
        self.ends: dict[str, tuple[Endpoint, tuple[tuple[int, str], ...]]] = {}


class Router:
    """Finds the endpoint of a path; a literal segment wins over a parameter."""

    def __init__(self, table: Iterable[Endpoint]) -> None:
        self._root = Node()
        for endpoint in table:
            node, names = self._root, []
            for at, segment in enumerate(endpoint.path[1:].split("/")):
                if segment[0] == "{":
                    names.append((at, segment[1:-1]))
                    node.any = node.any or Node()
                    node = node.any
                else:
                    node = node.named.setdefault(segment, Node())
            if endpoint.method in node.ends:
                raise ValueError(f"{endpoint.method} {endpoint.path} stands in the table twice")
            node.ends[endpoint.method] = endpoint, tuple(names)

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """(endpoint, path parameters), or None."""
        segments = path.strip("/").split("/")
        left = [(self._root, 0)]
        while left:
            node, begin = left.pop()
            for at, segment in enumerate(segments[begin:], begin):
                literal = node.named.get(segment)
                other = node.any if segment else None
                if literal is not None and other is not None:
                    left.append((other, at + 1))  # in case that the literal leads nowhere
                found = literal or other
                if found is None:
                    break
                node = found
            else:
                end = node.ends.get(method)
                if end is not None:
                    endpoint, names = end
                    return endpoint, {name: segments[at] for at, name in names}
        return None
