"""Projects: separate worlds of users on one server, each with its own settings and keys."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from joserfc.jwk import ECKey

from usherd import clock, ids, keys
from usherd.db import Database, Row, Tx
from usherd.keys import Key
from usherd.settings import ProjectSettings
from usherd.vault import Vault

FRESH_SECONDS = 1.0
"""What this process remembers of projects and keys is at most this old."""

REMEMBERED = 4096
"""Most projects, and most keys, that are remembered; unknown ones included."""


class Project(msgspec.Struct, frozen=True):
    """A project as requests see it. `signing_key` is encrypted."""

    id: str
    name: str
    settings: ProjectSettings
    signing_key: str
    created_at: int
    platforms: tuple[str, ...] = ()
    """Hostnames of the pages that may talk to the project."""

    @classmethod
    def of(cls, row: Row, platforms: Sequence[str] = ()) -> Project:
        """From a row of `projects` and its platforms. Raises `BadSetting`."""
        stored = msgspec.json.decode(row["settings"])
        return cls(
            row["id"], row["name"], ProjectSettings.of(stored), row["signing_key"],
            row["created_at"], tuple(platforms),
        )  # fmt: skip


class Welcome(msgspec.Struct, frozen=True):
    """What the first start has made. The secret is shown once."""

    project_id: str
    secret: str


async def create(tx: Tx, vault: Vault, project_id: str, name: str) -> Row:
    """Make a project with a signing key of its own. Raises `Duplicate`."""
    key = ECKey.generate_key("P-256", private=True)
    now = clock.now()
    return await tx.insert(
        "projects",
        id=project_id,
        name=name,
        signing_key=vault.encrypt(key.as_pem(private=True).decode(), f"signing_key:{project_id}"),
        created_at=now,
        updated_at=now,
    )


async def get(tx: Tx, project_id: str) -> Row | None:
    """One project's row."""
    return await tx.one("select * from projects where id = :id", id=project_id)


async def listing(tx: Tx) -> list[Row]:
    """Every project, oldest first."""
    return await tx.all("select * from projects order by created_at, id")


async def change(tx: Tx, project_id: str, changes: Mapping[str, Any]) -> bool:
    """Set some settings, named as on the wire; returns whether there is such a project."""
    row = await tx.one("select * from projects where id = :id for update", id=project_id)
    if row is None:
        return False
    settings = msgspec.json.decode(row["settings"]) | changes
    await tx.run(
        "update projects set settings = :settings, updated_at = :now where id = :id",
        settings=msgspec.json.encode(settings).decode(),
        now=clock.now(),
        id=project_id,
    )
    return True


async def platforms(tx: Tx, project_id: str) -> list[Row]:
    """The hostnames whose pages may talk to the project, in the order of their registration."""
    return await tx.all(
        "select * from platforms where project_id = :project_id order by seq", project_id=project_id
    )


async def add_platform(tx: Tx, project_id: str, hostname: str) -> None:
    """Let the pages of a host, or of `*.example.org`, talk to the project. Raises `Duplicate`."""
    await tx.insert(
        "platforms", project_id=project_id, hostname=hostname.lower(), created_at=clock.now()
    )


async def remove_platform(tx: Tx, project_id: str, hostname: str) -> bool:
    """Forget a host; returns whether it was known."""
    gone = await tx.run(
        "delete from platforms where project_id = :project_id and hostname = :hostname",
        project_id=project_id,
        hostname=hostname.lower(),
    )
    return gone > 0


async def bootstrap(db: Database, vault: Vault) -> Welcome | None:
    """On an empty database, make the project `default` and a key that may do everything."""
    async with db.read() as tx:
        if await tx.one("select id from projects limit 1"):
            return None
    async with db.write() as tx:
        if await tx.one("select id from projects limit 1"):
            return None
        await create(tx, vault, "default", "Default")
        _, secret = await keys.create(tx, "default", "first key", keys.read_scopes(["all"]))
    return Welcome("default", secret)


def welcome_text(endpoint: str, project_id: str, secret: str) -> str:
    """What a newcomer needs to paste into an SDK."""
    return f"""
usherd is ready. This is shown once; only the key's hash is stored.

  Endpoint  {endpoint}
  Project   {project_id}
  API key   {secret}

Python (pip install appwrite):

  from appwrite.client import Client
  from appwrite.services.users import Users

  client = Client()
  client.set_endpoint("{endpoint}")
  client.set_project("{project_id}")
  client.set_key("{secret}")
  print(Users(client).list())

Node (npm install node-appwrite):

  import {{ Client, Users }} from "node-appwrite";

  const client = new Client()
    .setEndpoint("{endpoint}")
    .setProject("{project_id}")
    .setKey("{secret}");
  console.log(await new Users(client).list());
"""


class Directory:
    """Remembers projects and keys for a second, so that a request need not ask for them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._projects: dict[str, tuple[float, Project | None]] = {}
        self._keys: dict[tuple[str, str], tuple[float, Key | None]] = {}

    async def project(self, project_id: str) -> Project | None:
        """The project, as it was a second ago at most."""
        now = time.monotonic()
        found = self._projects.get(project_id)
        if found is not None and found[0] > now:
            return found[1]
        row = await get(self._db.reader, project_id) if storable(project_id) else None
        project = None
        if row is not None:
            known = await platforms(self._db.reader, project_id)
            project = Project.of(row, [platform["hostname"] for platform in known])
        _remember(self._projects, project_id, (now + FRESH_SECONDS, project))
        return project

    async def key(self, project_id: str, secret: str) -> Key | None:
        """The project's key with this secret, expired or not. Only its digest is remembered."""
        digest = ids.digest(secret)
        now = time.monotonic()
        found = self._keys.get((project_id, digest))
        if found is not None and found[0] > now:
            return found[1]
        key = await keys.find(self._db.reader, project_id, digest)
        _remember(self._keys, (project_id, digest), (now + FRESH_SECONDS, key))
        return key

    async def touch(self, key: Key) -> None:
        """Note that a key is in use, in a transaction of its own; keys are touched once a day."""
        fresh = msgspec.structs.replace(key, accessed_at=clock.now())
        _remember(self._keys, (key.project_id, key.digest),
                  (time.monotonic() + FRESH_SECONDS, fresh))  # fmt: skip
        async with self._db.write() as tx:
            await keys.touch(tx, key)


def storable(text: str) -> bool:
    """Whether the database could have it at all."""
    return len(text) <= 36 and "\0" not in text


def _remember(memory: dict[Any, Any], name: Any, value: Any) -> None:
    if len(memory) >= REMEMBERED and name not in memory:
        memory.clear()
    memory[name] = value
