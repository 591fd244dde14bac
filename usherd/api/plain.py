"""What is answered without a project: health, metrics, public keys, the API's description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from usherd import COMPATIBLE_VERSION, __version__, errors, jwts, metrics, openapi, pages
from usherd.endpoints import Endpoint
from usherd.house import House
from usherd.wire import Request

JSON = "application/json; charset=UTF-8"
TEXT = "text/plain; charset=UTF-8"

Answer = tuple[int, str, bytes]
"""(status, content type, body)"""


async def alive(_house: House, _request: Request, _table: list[Endpoint]) -> Answer:
    """The process answers."""
    return 200, TEXT, b"ok\n"


async def ready(house: House, _request: Request, _table: list[Endpoint]) -> Answer:
    """The database answers too; 503 tells a balancer to send traffic elsewhere."""
    await house.db.reader.one("select 1 as one")
    return 200, TEXT, b"ready\n"


async def version(_house: House, _request: Request, _table: list[Endpoint]) -> Answer:
    """The Appwrite version whose wire format is spoken, and usherd's own."""
    return 200, JSON, msgspec.json.encode({"version": COMPATIBLE_VERSION, "usherd": __version__})


async def exposition(_house: House, _request: Request, _table: list[Endpoint]) -> Answer:
    """Prometheus metrics."""
    return 200, "text/plain; version=0.0.4; charset=utf-8", metrics.render()


async def jwks(house: House, request: Request, _table: list[Endpoint]) -> Answer:
    """The public keys that verify a project's JWTs offline."""
    name = request.query.get("project") or request.header(b"x-appwrite-project")
    project = await house.directory.project(name) if isinstance(name, str) and name else None
    if project is None:
        raise errors.ProjectNotFound
    return 200, JSON, msgspec.json.encode(jwts.jwks(project, house.vault))


async def description(_house: House, _request: Request, table: list[Endpoint]) -> Answer:
    """The OpenAPI document."""
    return 200, JSON, msgspec.json.encode(openapi.describe(table))


async def ping(house: House, request: Request, _table: list[Endpoint]) -> Answer:
    """What `client.ping()` of the SDKs asks; needs an existing project."""
    name = request.header(b"x-appwrite-project") or request.query.get("project")
    project = await house.directory.project(name) if isinstance(name, str) and name else None
    if project is None:
        raise errors.ProjectNotFound
    return 200, TEXT, b"Pong!"


async def signed_in(_house: House, _request: Request, _table: list[Endpoint]) -> Answer:
    """Where a sign-in by another provider ends that named no page of its own."""
    return 200, pages.HTML, pages.page("You are signed in", "You can close this window.")


PLAIN: dict[str, Callable[[House, Request, list[Endpoint]], Awaitable[Answer]]] = {
    "/healthz": alive,
    "/readyz": ready,
    "/metrics": exposition,
    "/v1/health/version": version,
    "/v1/ping": ping,
    "/auth/oauth2/success": signed_in,
    "/v1/openapi.json": description,
    "/v1/.well-known/jwks.json": jwks,
}
