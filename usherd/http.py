"""The runner: what happens to every request, from its first byte to its answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from usherd import (
    auth,
    clock,
    errors,
    events,
    formats,
    ids,
    limits,
    logs,
    mail,
    metrics,
    models,
    origins,
    outbox,
    pages,
    proxies,
    users,
)
from usherd.answers import (
    AS_PAGE,
    JSON,
    NO_BODY,
    Answer,
    Headers,
    line,
    onward,
    page_of,
    refusal,
)
from usherd.auth import Caller, Client
from usherd.db import Row, Tx
from usherd.db.lazy import LazyTx
from usherd.endpoints import Endpoint, Page, Redirect, Router, bind, identifiers
from usherd.hashing import HashingPool
from usherd.house import House
from usherd.projects import Project
from usherd.settings import Settings
from usherd.vault import Vault
from usherd.wire import Gone, Request

log = logging.getLogger("usherd.http")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Another method is counted as "other": a label must not be a caller's word."""

Plain = Callable[[House, Request, list[Endpoint]], Awaitable[tuple[int, str, bytes]]]

ALWAYS = line("server", "Appwrite") + line("x-content-type-options", "nosniff")
ENCRYPTED = line("strict-transport-security", "max-age=10886400")


class Context:
    """One request on its way through a handler."""

    __slots__ = (
        "_client",
        "actor",
        "beside",
        "caller",
        "house",
        "posted",
        "project",
        "request",
        "response_headers",
        "tx",
    )

    def __init__(
        self,
        house: House,
        request: Request,
        project: Project,
        caller: Caller,
        tx: Tx,
    ) -> None:
        self.house = house
        self.request = request
        self.project = project
        self.caller = caller
        self._client: Client | None = None
        self.tx = tx
        """Reads on GET; elsewhere one transaction that opens at its first statement."""
        self.actor: Row | None = caller.user
        """The user whose activity log this belongs to; a sign-in sets it."""
        self.response_headers: Headers = []
        self.beside: list[events.Event] = []
        """What happened on the way to what the endpoint's own event tells."""
        self.posted = False
        """Whether a message waits to be sent."""

    @property
    def client(self) -> Client:
        """The machine at the other end."""
        if self._client is None:
            trusted = self.house.settings.trusted_proxies
            atlas = self.house.atlas
            self._client = auth.client_of(self.request, self.caller, trusted, atlas)
        return self._client

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """A short look at the database before slow work such as hashing."""
        return self.house.db.read()

    @property
    def locale(self) -> str:
        """The language in which the caller's client speaks, such as `de`."""
        asked = self.request.header(b"x-appwrite-locale") or self.request.query.get("locale")
        return mail.locale_of(asked if isinstance(asked, str) else "")

    async def mail(self, kind: str, to: str, **variables: str) -> None:
        """Write a mail that leaves when this transaction is durable."""
        self.posted = True
        await outbox.mail(
            self.tx, self.vault, self.project, to=to, kind=kind, locale=self.locale,
            variables=variables,
        )  # fmt: skip

    async def sms(self, kind: str, to: str, **variables: str) -> None:
        """Write a text message that leaves when this transaction is durable."""
        self.posted = True
        await outbox.sms(
            self.tx, self.vault, self.project, to=to, kind=kind, locale=self.locale,
            variables=variables,
        )  # fmt: skip

    async def learn_agents(self, *rows: Row) -> None:
        """Find out what the user agents of these rows, or else the caller's, are.

        Call it before the first statement of a transaction: it may take a while.
        """
        agents = {row["user_agent"] for row in rows} or {self.client.user_agent}
        await self.house.detector.learn(agents)

    def happened(self, pattern: str, user: Row) -> None:
        """Have an event about a user published before the endpoint's own, once it is durable."""
        ids = {"userId": user["id"]}
        made = models.Account.of(user)
        self.beside.append(events.Event(self.project.id, pattern, ids, made, clock.now()))

    async def undo(self, error: Exception) -> None:
        """Undo what was begun because of `error`; the next statement begins anew."""
        self.beside.clear()
        if isinstance(self.tx, LazyTx):
            await self.tx.finish(error)

    async def note(self, error: Exception, work: Callable[[Tx], Awaitable[None]]) -> None:
        """Undo what was begun because of `error`, and write down something that stays."""
        await self.undo(error)
        async with self.house.db.write() as tx:
            await work(tx)

    @property
    def hasher(self) -> HashingPool:
        return self.house.hasher

    @property
    def vault(self) -> Vault:
        return self.house.vault

    @property
    def endpoint_url(self) -> str:
        """Scheme and host under which the caller reaches this server."""
        if self.house.settings.public_url:
            return self.house.settings.public_url.rstrip("/")
        return f"{scheme(self.request, self.house.settings)}://{self.host}"

    @property
    def host(self) -> str:
        """The host, and perhaps the port, that the caller has asked."""
        return host(self.request, self.house.settings)


def scheme(request: Request, settings: Settings) -> str:
    """`https` when the connection, or a trusted proxy's, is encrypted."""
    said = request.header(b"x-forwarded-proto")
    if said:
        told = proxies.told(request.peer, said, settings.trusted_proxies)
        if told in ("http", "https"):
            return told
    return "http"


def host(request: Request, settings: Settings) -> str:
    """The host that was asked, also when a trusted proxy asks us by another name."""
    told = proxies.told(request.peer, request.header(b"x-forwarded-host"), settings.trusted_proxies)
    return told or request.header(b"host")


async def run(
    house: House,
    endpoint: Endpoint,
    request: Request,
    project: Project,
    in_path: Mapping[str, str],
) -> tuple[Any, Context]:
    """Answer one request of the table: identify, admit, bind, handle, record, commit, publish."""
    caller = await auth.identify(request, project, house.directory, house.db, house.vault)
    await auth.admit(
        caller, endpoint.scope, db=house.db, while_factor_missing=endpoint.while_factor_missing
    )
    if caller.user is not None:
        if endpoint.login:
            raise errors.UserSessionAlreadyExists
        if clock.now() - (caller.user["accessed_at"] or 0) > auth.DAY:
            async with house.db.write() as tx:
                await users.touch(tx, caller.user)
    if endpoint.method_switch and caller.kind != "key":
        if not getattr(project.settings, endpoint.method_switch):
            raise errors.UserAuthMethodUnsupported
    if endpoint.method == "GET":
        values = bind(endpoint, in_path, request.query, True)
    else:
        body = await request.content(house.settings.body_limit_bytes)
        sent, form = request.parameters(body)
        values = bind(endpoint, in_path, sent, form)
    if endpoint.limit is not None:
        await count(house, endpoint, request, project, caller, values)
    if not endpoint.writes:
        ctx = Context(house, request, project, caller, house.db.reader)
        return await endpoint.handler(ctx, **values), ctx
    tx = LazyTx(house.db)
    ctx = Context(house, request, project, caller, tx)
    try:
        result = await endpoint.handler(ctx, **values)
        made = result.about if isinstance(result, Redirect | Page) else result
        ids = identifiers(endpoint, in_path, made, ctx.actor)
        if endpoint.audit:
            await logs.record(tx, project.id, caller, ctx.actor, endpoint.audit, ids, ctx.client)
    except BaseException as error:
        await tx.finish(error)
        raise
    await tx.finish()
    if ctx.posted:
        house.courier.wake()
    for event in ctx.beside:
        house.bus.publish(event)
    if endpoint.event:
        house.bus.publish(events.Event(project.id, endpoint.event, ids, made, clock.now()))
    return result, ctx


async def count(
    house: House,
    endpoint: Endpoint,
    request: Request,
    project: Project,
    caller: Caller,
    values: Mapping[str, Any],
) -> None:
    """Count the request where its endpoint is limited. Raises `GeneralRateLimitExceeded`."""
    if endpoint.limit is None or not project.settings.rate_limits:
        return
    limit = limits.adjusted(endpoint.limit, project.settings.rate_limit_counts.get(endpoint.name))
    if limit is None:
        return
    if caller.kind == "key":
        request.standing = limits.untouched(limit)
        return
    client = auth.client_of(request, caller, house.settings.trusted_proxies, house.atlas)
    facts = {a.wire: values[a.name] for a in endpoint.arguments} | {
        "url": f"{endpoint.handler.__module__}.{endpoint.name}",
        "ip": limits.network(client.ip),
        "caller": caller.user["id"] if caller.user is not None else "",
    }
    async with house.db.write() as tx:
        request.standing = await limits.take(tx, project.id, limit, facts)


class Api:
    """Answers everything in the table."""

    def __init__(self, house: House, table: list[Endpoint], plain: Mapping[str, Plain]) -> None:
        self.house = house
        self.table = table
        self._plain = plain
        self._router = Router(table)
        self._prefix = ids.secret(8)
        self._count = 0

    async def answer(self, request: Request) -> Answer:
        """The whole answer to one request. Raises `Gone`; nothing else that happens inside
        escapes."""
        started = time.perf_counter()
        self._count += 1
        request_id = f"{self._prefix}{self._count:08x}"
        found = self._router.find(request.method, request.path)
        route = found[0].path if found else request.path if self._is_plain(request) else "none"
        try:
            if found is not None:
                status, headers, body = await self._answer(*found, request)
            else:
                status, headers, body = await self._elsewhere(request)
        except errors.AppError as error:
            seen = found is not None and found[0].navigated and request.wants_page
            status, headers, body = (page_of if seen or error.failure_url else refusal)(error)
            if isinstance(error, errors.GeneralRateLimitExceeded):
                request.standing = None  # the error tells which number it was
        except Gone:
            raise
        except Exception:
            log.exception("request %s failed: %s %s", request_id, request.method, route)
            status, headers, body = refusal(errors.GeneralUnknown())
        headers += self._around(request, request_id, len(body))
        seconds = time.perf_counter() - started
        method = request.method if request.method in METHODS else "other"
        metrics.requests.count(route, method, status, seconds)
        if self.house.settings.access_log:
            log.info(
                "%s %s %s %d %.1fms", request_id, request.method, route, status, seconds * 1000
            )
        return status, headers, body

    def _is_plain(self, request: Request) -> bool:
        return request.path in self._plain and request.method in ("GET", "HEAD")

    async def _elsewhere(self, request: Request) -> Answer:
        """The answer of what is not in the table."""
        if request.method == "OPTIONS":
            return 204, [NO_BODY], b""
        if self._is_plain(request):
            status, kind, body = await self._plain[request.path](self.house, request, self.table)
            page = kind == pages.HTML
            return status, [*AS_PAGE] if page else [line("content-type", kind)], body
        raise errors.GeneralRouteNotFound

    def _around(self, request: Request, request_id: str, length: int) -> Headers:
        """The headers that every answer has."""
        headers: Headers = [
            ALWAYS,
            f"x-request-id: {request_id}\r\ncontent-length: {length}\r\n".encode(),
        ]
        origin = request.header(b"origin")
        if origin:
            headers += origins.cors(origin, request.method == "OPTIONS" or self._welcome(request))
        if request.standing is not None:
            headers += [line(n.lower(), value) for n, value in request.standing.headers.items()]
        if scheme(request, self.house.settings) == "https":
            headers.append(ENCRYPTED)
        return headers

    async def _answer(
        self, endpoint: Endpoint, in_path: Mapping[str, str], request: Request
    ) -> Answer:
        name = in_path.get("projectId") or request.header(b"x-appwrite-project")
        name = name or request.query.get("project") or ""
        project = await self.house.directory.project(name) if isinstance(name, str) else None
        if project is None:
            raise errors.ProjectNotFound
        request.platforms = project.platforms
        safe = request.method == "GET" or endpoint.navigated
        if not safe and not self._welcome(request):
            raise errors.GeneralUnknownOrigin
        result, ctx = await run(self.house, endpoint, request, project, in_path)
        headers = ctx.response_headers
        if isinstance(result, Redirect):
            return 301, [*onward(result.location), *headers], b""
        if isinstance(result, Page):
            return endpoint.status, [*AS_PAGE, *headers], result.html
        if endpoint.status == 204:
            return 204, [NO_BODY, *headers], b""
        version = request.headers.get(b"x-appwrite-response-format")
        if version:
            result = formats.downgrade(result, version.decode("latin-1"))
        return endpoint.status, [JSON, *headers], models.encode(result)

    def _welcome(self, request: Request) -> bool:
        """Whether the page that sends this, if it is one, may act on the project."""
        if request.header(b"x-appwrite-key"):
            return True  # whoever sends a key acts as nobody's session: `auth.identify`
        origin = request.header(b"origin") or request.header(b"referer")
        ours = host(request, self.house.settings)
        return not origin or origins.allowed(origin, ours, request.platforms)
