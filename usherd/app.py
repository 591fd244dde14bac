"""All the wiring, on one screen: from settings to a running server."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from usherd import agents, db, events, geo, logconfig, metrics, projects, vault
from usherd.answers import Answer
from usherd.api import TABLE
from usherd.api.plain import PLAIN
from usherd.connection import Connection, allow_files
from usherd.courier import Courier
from usherd.hashing import HashingPool
from usherd.house import House
from usherd.http import Api
from usherd.janitor import Janitor
from usherd.oauth import Agent
from usherd.settings import Settings
from usherd.shown import Shown
from usherd.wire import Request

log = logging.getLogger("usherd")

GARBAGE = 20_000
"""New objects between two looks for cycles: requests make none, but many objects at a time."""


async def open_house(settings: Settings) -> House:
    """Everything that requests share. Raises `db.BadUrl`, `DatabaseUnavailable`, `VaultLocked`."""
    database = await db.open(
        settings.database,
        statement_timeout=settings.statement_timeout_seconds,
        pool_size=settings.pool_size,
    )
    box = vault.load(settings)
    courier = Courier(database, box, settings)
    bus = events.Bus()
    bus.subscribe(lambda event: metrics.published_as(event.pattern).inc())
    return House(
        settings=settings,
        db=database,
        vault=box,
        hasher=HashingPool(settings.hashing_threads, settings.hashing_queue),
        directory=projects.Directory(database),
        shown=Shown(database, settings.user_cache_mb << 20),
        bus=bus,
        detector=agents.Detector(),
        atlas=geo.Atlas(settings.geoip),
        courier=courier,
        janitor=Janitor(database),
        oauth=Agent(settings.provider_timeout_seconds),
    )


async def close_house(house: House) -> None:
    """Let go of everything; what was accepted is on disk by then."""
    house.hasher.close()
    await house.courier.close()
    await house.janitor.close()
    await house.oauth.close()
    await house.detector.close()
    house.atlas.close()
    await house.db.close()


Message = MutableMapping[str, Any]
"""What uvicorn and an application of its say to each other, by the rules of ASGI."""


class App:
    """What uvicorn runs: the house, opened at start-up and closed after the last answer.

    Requests come from each `Connection` by `answer`; ASGI serves for starting and stopping alone.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.answer: Callable[[Request], Awaitable[Answer]]

    async def __call__(
        self,
        _scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Open the house when told to start, and close it when told to stop."""
        await receive()
        house = await open_house(self.settings)
        self.answer = Api(house, TABLE, PLAIN).answer
        gc.collect()
        gc.freeze()  # what lives as long as the process is not looked through again
        gc.set_threshold(GARBAGE, 10, 10)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await close_house(house)
        await send({"type": "lifespan.shutdown.complete"})


def create() -> App:
    """The application of one worker process, from the environment alone."""
    settings = Settings.load()
    logconfig.configure(settings)
    return App(settings)


async def prepare(settings: Settings) -> projects.Welcome | None:
    """Migrate, and on an empty database make the first project and key."""
    database = await db.open(settings.database)
    try:
        return await projects.bootstrap(database, vault.load(settings))
    finally:
        await database.close()


def serve(settings: Settings) -> None:
    """Serve until told to stop; SIGTERM and Ctrl-C finish what was accepted.

    Raises `BadSetting`, and what `prepare` raises.
    """
    logconfig.configure(settings)
    geo.Atlas(settings.geoip).close()  # refuses a bad file in a sentence
    welcome = asyncio.run(prepare(settings))
    url = f"http://{settings.host}:{settings.port}/v1"
    if welcome is not None:
        print(projects.welcome_text(url, welcome.project_id, welcome.secret), flush=True)
    log.info("serving %s on %s", settings.database.partition("://")[0], url)
    # uvicorn finishes what was accepted and then raises the signal anew: that is a good end.
    allow_files(settings.connections)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    options = {
        "host": settings.host,
        "port": settings.port,
        "http": Connection,
        "interface": "asgi3",
        "ws": "none",
        "lifespan": "on",
        "loop": "uvloop",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": 2048,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
    }
    if settings.workers == 1:
        uvicorn.run(App(settings), **options)  # type: ignore[arg-type]
    else:
        os.environ.update(settings.environment())
        uvicorn.run("usherd.app:create", factory=True, workers=settings.workers, **options)  # type: ignore[arg-type]
